"""Who the token belongs to, and small questions that clients ask on their own."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from catalog.vocabulary import Actor, Scope
from gateway.web.api.accounts import signed_in
from gateway.web.compat.hub.replies import reply


class HubIdentity:
    async def whoami(self, request: Request, actor: Actor) -> Response:
        """The account; a login stores the token under the display name."""
        account = signed_in(actor)
        role = "write" if Scope.PUBLISH in actor.scopes else "read"
        return reply(
            {
                "type": "user",
                "id": account.id,
                "name": account.name,
                "fullname": account.name,
                "email": account.email,
                "emailVerified": False,
                "isPro": False,
                "canPay": False,
                "orgs": [],
                "auth": {"type": "access_token", "accessToken": {"displayName": account.name, "role": role}},
            }
        )

    async def harnesses(self, request: Request, actor: Actor) -> Response:
        """Asked by newer clients at each start until it is answered."""
        return reply({"standardEnvVars": [], "harnesses": {}})

"""Signing up, in and out."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from catalog.actions import accounts, credentials
from catalog.errors import Conflict, Invalid, NotFound
from catalog.policy import contact, names
from catalog.ports import Transaction
from catalog.vocabulary import Account, Actor, Role
from gateway.web.attempts import Attempts, address
from gateway.web.auth import Authenticator
from gateway.web.context import Catalogue
from gateway.web.pages.forms import Form, local_path, query_form, read_form
from gateway.web.passwords import Passwords
from gateway.web.render import Renderer

READERS = {
    "name": names.account_name,
    "email": contact.email,
    "phone": contact.phone,
    "password": accounts.check_password,
}


def with_password(tx: Transaction, name: str) -> tuple[Account | None, str | None]:
    account = tx.accounts.named(name)
    return account, None if account is None else tx.accounts.password_hash(account.id)


class IdentityPages:
    """`sign_up_open` says whether visitors may open a researcher's account themselves."""

    def __init__(
        self,
        catalogue: Catalogue,
        auth: Authenticator,
        passwords: Passwords,
        renderer: Renderer,
        *,
        sign_up_open: bool,
    ) -> None:
        self._catalogue = catalogue
        self._auth = auth
        self._passwords = passwords
        self._renderer = renderer
        self._sign_up_open = sign_up_open
        self._guesses = Attempts(10, timedelta(minutes=15))  # at one account from one address
        self._sweeps = Attempts(300, timedelta(minutes=15))  # at any account from one address, right ones too
        self._openings = Attempts(20, timedelta(hours=1))

    async def sign_in_form(self, request: Request, actor: Actor) -> Response:
        if actor.account is not None:
            return RedirectResponse(local_path(request.query_params.get("next", "/")), HTTPStatus.SEE_OTHER)
        return self._sign_in_page(request, query_form(request, ["next"]))

    async def sign_in(self, request: Request, actor: Actor) -> Response:
        """One answer for a wrong name and a wrong password. Raises TooMany."""
        form = await read_form(request)
        if not self._auth.may_sign_in:
            return self._sign_in_page(request, form, HTTPStatus.FORBIDDEN)
        now, name, where = self._catalogue.now(), form.text("name").strip(), address(request)
        guess = f"{where} {name.casefold()[:100]}"
        self._guesses.check(guess, now)
        self._sweeps.check(where, now)
        self._guesses.count(guess, now)  # before the slow part, or many at once would all pass
        self._sweeps.count(where, now)
        account, password_hash = await self._catalogue.read(with_password, name)
        if not await self._passwords.matches(password_hash, form.text("password")) or account is None:
            form.blame(["name", "password"])
            return self._sign_in_page(request, form, HTTPStatus.UNPROCESSABLE_ENTITY)
        self._guesses.forget(guess)
        return await self._welcome(account, local_path(form.text("next")))

    async def sign_out(self, request: Request, actor: Actor) -> Response:
        secret = request.cookies.get(self._auth.cookie)
        if secret is not None:
            await self._catalogue.write(credentials.close_session, secret)
        response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        self._auth.sign_out(response)
        return response

    async def sign_up_form(self, request: Request, actor: Actor) -> Response:
        self._check_open()
        return self._sign_up_page(request, query_form(request, ["next"]))

    async def sign_up(self, request: Request, actor: Actor) -> Response:
        """A researcher's account, signed in. Raises NotFound where visitors open none, TooMany."""
        self._check_open()
        form = await read_form(request)
        if not self._auth.may_sign_in:
            return self._sign_up_page(request, form, HTTPStatus.FORBIDDEN)
        for field, reader in READERS.items():
            try:
                reader(form.text(field))
            except Invalid:
                form.blame([field])
        if form.wrong:
            return self._sign_up_page(request, form, HTTPStatus.UNPROCESSABLE_ENTITY)
        now = self._catalogue.now()
        self._openings.check(address(request), now)
        self._openings.count(address(request), now)
        new = accounts.NewAccount(
            name=form.text("name"),
            email=form.text("email"),
            phone=form.text("phone"),
            role=Role.RESEARCHER,
            password_hash=await self._passwords.hash(form.text("password")),
        )
        create = partial(accounts.create, actor="", now=now, new_id=self._catalogue.new_id)
        try:
            account = await self._catalogue.write(create, new)
        except Conflict:
            form.blame(["name"], "taken")
            return self._sign_up_page(request, form, HTTPStatus.CONFLICT)
        return await self._welcome(account, local_path(form.text("next")))

    def _check_open(self) -> None:
        if not self._sign_up_open:
            raise NotFound

    async def _welcome(self, account: Account, onward: str) -> Response:
        secret = await self._catalogue.write(partial(credentials.open_session, now=self._catalogue.now()), account)
        response = RedirectResponse(onward, HTTPStatus.SEE_OTHER)
        self._auth.sign_in(response, secret)
        return response

    def _sign_in_page(self, request: Request, form: Form, status: HTTPStatus = HTTPStatus.OK) -> Response:
        return self._renderer.render(
            request,
            "sign_in.html",
            None,
            status=status,
            form=form,
            possible=self._auth.may_sign_in,
            sign_up_open=self._sign_up_open,
        )

    def _sign_up_page(self, request: Request, form: Form, status: HTTPStatus = HTTPStatus.OK) -> Response:
        return self._renderer.render(
            request, "sign_up.html", None, status=status, form=form, possible=self._auth.may_sign_in
        )

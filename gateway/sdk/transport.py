"""Speaks HTTP with one gateway, and maps all that can go wrong there to the SDK's own errors.

The one place that knows the HTTP library. It is loaded with the first request, because it takes longer to load than
everything else together.
"""

import hashlib
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version

import httpx2

from gateway.sdk.address import is_loopback
from gateway.sdk.errors import HubError, NotAGateway, Unreachable
from gateway.sdk.patience import Attempts, Passing, Patience
from gateway.sdk.refusals import refusal
from gateway.sdk.words import Language

CONNECTIONS = 16  # four files at once, and four streams for each of them where the link is slow
_TIMEOUT = httpx2.Timeout(60, connect=10)


class Reply:
    """An answer whose bytes are still to come."""

    def __init__(self, origin: str, response: httpx2.Response) -> None:
        self._origin = origin
        self._response = response
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers

    def chunks(self) -> Iterator[bytes]:
        """The bytes as they arrive. Raises Unreachable when the connection breaks before their end."""
        with _mapped(self._origin):
            yield from self._response.iter_raw()


class Transport:
    """Connections to one origin, kept alive; may be used by several threads."""

    def __init__(
        self, origin: str, token: str | None, lang: Language, patience: Patience, timeout_s: float | None = None
    ) -> None:
        self.origin = origin
        # Tells accounts apart.
        self.credential = "" if token is None else hashlib.sha256(token.encode()).hexdigest()
        self._patience = patience
        headers = {
            "user-agent": f"hubgate/{version('hubgate')} python/{platform.python_version()}",
            "accept-language": "zh-CN" if lang == "zh" else "en",
        }
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        self._client = httpx2.Client(
            base_url=origin,
            headers=headers,
            timeout=_TIMEOUT if timeout_s is None else httpx2.Timeout(timeout_s),
            limits=httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            # Never: a redirect is where a token goes astray. refusals.py tells where it pointed.
            follow_redirects=False,
            # A proxy named in the environment must not see what was meant for this very machine.
            trust_env=not is_loopback(origin),
        )

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, *, what: str, params: Mapping[str, str] | None = None) -> dict[str, object]:
        """A JSON object. `what` names in errors what was asked for."""
        return self._ask("GET", path, what=what, params=params)

    def post(self, path: str, body: object, *, what: str) -> dict[str, object]:
        """Send JSON that may arrive twice without harm, receive a JSON object."""
        return self._ask("POST", path, what=what, body=body)

    @contextmanager
    def stream(self, path: str, *, what: str, headers: Mapping[str, str]) -> Iterator[Reply]:
        """Open an answer of bytes, 200, 206 or 416, as they are stored. Raises the refusals and Unreachable."""
        asked = {"accept-encoding": "identity", **headers}
        with _mapped(self.origin), self._client.stream("GET", path, headers=asked) as response:
            if response.status_code not in (200, 206, 416):
                response.read()
                raise _refusal(self.origin, what, response)
            yield Reply(self.origin, response)

    def _ask(
        self, method: str, path: str, *, what: str, params: Mapping[str, str] | None = None, body: object = None
    ) -> dict[str, object]:
        attempts = Attempts(self._patience)
        while True:
            try:
                with _mapped(self.origin):
                    response = self._client.request(method, path, params=params, json=body)
                if not response.is_success:
                    raise _refusal(self.origin, what, response)
            except Passing as error:
                attempts.failed(error)
            else:
                return _object(self.origin, response)


@contextmanager
def _mapped(origin: str) -> Iterator[None]:
    """Most specific first; each keeps the library's error as its cause."""
    try:
        yield
    except httpx2.TimeoutException as error:
        raise Unreachable("timeout", url=origin) from error
    except httpx2.ConnectError as error:
        code = "tls" if "CERTIFICATE" in str(error).upper() else "unreachable"
        raise Unreachable(code, url=origin, why=str(error)) from error
    except httpx2.ProxyError as error:
        raise Unreachable("unreachable", url=origin, why=str(error)) from error
    except httpx2.TransportError as error:
        raise Unreachable("cut", url=origin) from error
    except httpx2.DecodingError as error:
        raise NotAGateway("not-a-gateway", url=origin, why=str(error)) from error


def _object(origin: str, response: httpx2.Response) -> dict[str, object]:
    try:
        value = response.json()
    except ValueError as error:
        raise NotAGateway("not-a-gateway", status=response.status_code, url=origin, why="no JSON") from error
    if not isinstance(value, dict):
        raise NotAGateway("not-a-gateway", status=response.status_code, url=origin, why="no JSON object")
    return value


def _refusal(origin: str, what: str, response: httpx2.Response) -> HubError:
    return refusal(origin, what, response.status_code, response.headers, response.content)

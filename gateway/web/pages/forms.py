"""What a page's form sends, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import parse_qs

from starlette.requests import Request

from gateway.web.api.bodies import raw_body
from gateway.web.errors import BadRequest

MAX_FIELDS = 200


class Form:
    """The fields as typed; `wrong` names those to correct. A page that comes back shows both."""

    def __init__(self, fields: Mapping[str, list[str]] | None = None) -> None:
        self._fields = dict(fields or {})
        self.wrong: dict[str, str] = {}  # field → the key of its sentence

    def text(self, name: str) -> str:
        """The first value, "" when there is none."""
        return next(iter(self._fields.get(name, [])), "")

    def texts(self, name: str) -> list[str]:
        return list(self._fields.get(name, []))

    def lines(self, name: str) -> list[str]:
        """The lines that hold something."""
        return [line.strip() for line in self.text(name).splitlines() if line.strip()]

    def blame(self, names: Iterable[str], why: str | None = None) -> None:
        """`why` is the key of the sentence, where it is not the field's own."""
        self.wrong.update({name: why or name for name in names})


async def read_form(request: Request) -> Form:
    """The body as application/x-www-form-urlencoded. Raises BadRequest when it is too long or too many fields."""
    body = await raw_body(request)
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:  # not ASCII, not UTF-8 beneath, or too many fields
        raise BadRequest("not-a-form") from error
    return Form({name: [value.replace("\r\n", "\n") for value in values] for name, values in fields.items()})


def query_form(request: Request, names: Iterable[str]) -> Form:
    """A form with what the address asks to have filled in."""
    return Form({name: [request.query_params[name]] for name in names if name in request.query_params})


def local_path(text: str) -> str:
    """A path of this gateway to go on to; whatever else it is becomes the front page."""
    plain = text.startswith("/") and not text.startswith(("//", "/\\"))
    return text if plain and text.isprintable() and "\\" not in text and text.isascii() else "/"

"""Gateway addresses: what counts as one, and where a token may travel."""

import ipaddress
from urllib.parse import urlsplit

from gateway.sdk.errors import Misused


def origin_of(url: str) -> str:
    """The origin ``scheme://host[:port]`` of a gateway's address, in lower case. Raises Misused.

    User names, paths, queries and fragments are refused: none belongs there, and a token may hide in one.
    """
    shown = url.rpartition("@")[2]
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise Misused("bad-address", url=shown) from error
    host = parts.hostname
    if (
        parts.scheme not in ("http", "https")
        or not host
        or "@" in parts.netloc
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
        or not host.isascii()
        or any(character.isspace() or not character.isprintable() for character in host)
    ):
        raise Misused("bad-address", url=shown)
    name = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{name}" if port in (None, default) else f"{parts.scheme}://{name}:{port}"


def is_loopback(origin: str) -> bool:
    """Whether the origin is this very machine."""
    host = urlsplit(origin).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def may_carry_token(origin: str) -> bool:
    """Whether a token stays unread on its way there: https, or this very machine."""
    return origin.startswith("https://") or is_loopback(origin)

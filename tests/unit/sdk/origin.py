"""An HTTP origin whose answers a test scripts, for what a good gateway never does."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import socket
import struct
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from gateway.sdk.records import Item, Manifest


@dataclass
class Answer:
    """`cut` sends so many bytes of the body and then resets the connection."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


Script = Callable[[Asked], Answer]


class Origin:
    """Answers by its script; remembers what was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[Asked] = []
        self.script: Script = lambda asked: Answer(404)


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client may leave at any time
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextlib.contextmanager
def running() -> Iterator[Origin]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, body)
            origin.asked.append(asked)
            answer = origin.script(asked)
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body[: answer.cut])
            if answer.cut is not None:
                self.wfile.flush()
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
                self.connection.shutdown(socket.SHUT_WR)
                self.close_connection = True

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        origin = Origin(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield origin
        finally:
            server.shutdown()
            thread.join()


def item(path: str, content: bytes) -> Item:
    return Item(
        path=path, size=len(content), sha256=hashlib.sha256(content).hexdigest(), media_type="application/octet-stream"
    )


def manifest(*items: Item, stopped: tuple[str, ...] = ()) -> Manifest:
    return Manifest(asset="lab/set", version="ab" * 20, items=items, stopped=stopped)


def ranged(asked: Asked, content: bytes) -> Answer:
    """What a good origin answers: 206 for a range that fits, else the whole."""
    wanted, tag = asked.headers.get("range"), f'"{hashlib.sha256(content).hexdigest()}"'
    if wanted is None or asked.headers.get("if-range", tag) != tag:
        return Answer(200, content, {"ETag": tag})
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    start, stop = int(first), min(int(last) + 1, len(content)) if last else len(content)
    return Answer(206, content[start:stop], {"Content-Range": f"bytes {start}-{stop - 1}/{len(content)}", "ETag": tag})


def chosen(asked: Asked, files: dict[str, bytes]) -> list[str]:
    """The paths that an archive is asked for."""
    globs = parse_qs(urlsplit(asked.path).query).get("include", ["*"])
    return [path for path in files if any(fnmatchcase(path, glob) for glob in globs)]


def archive(asked: Asked, files: dict[str, bytes]) -> Answer:
    """The files that the query selects, as a tar."""
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in chosen(asked, files):
            info = tarfile.TarInfo(path)
            info.size = len(files[path])
            tar.addfile(info, io.BytesIO(files[path]))
    return Answer(200, body.getvalue())


def problem(status: int, code: str, **members: object) -> Answer:
    body = {
        "type": f"/problems/{code}",
        "title": code,
        "status": status,
        "code": code,
        "detail": "So it is.",
        **members,
    }
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/problem+json"})

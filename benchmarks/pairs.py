"""HEAD and then GET of one file after another over some connections; prints the pairs a second.

python -m benchmarks.pairs '{"port": …, "prefix": …, "headers": {…}, "files": …, "connections": …, "seconds": …}'
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import sys
import time
from collections.abc import Mapping
from typing import Any

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class Asker:
    """One connection that asks without pause; `pairs` counts the answered ones."""

    def __init__(self, given: Mapping[str, Any], first: int) -> None:
        self.wire = socket.create_connection(("127.0.0.1", given["port"]))
        self.pairs = 0
        self._prefix = str(given["prefix"])
        self._files = int(given["files"])
        self._step = int(given["connections"])
        lines = "".join(f"{name}: {value}\r\n" for name, value in given["headers"].items())
        self._tails = {
            "HEAD": f" HTTP/1.1\r\n{lines}Accept-Encoding: identity\r\n\r\n",
            "GET": f" HTTP/1.1\r\n{lines}Accept-Encoding: gzip, deflate\r\n\r\n",
        }
        self._number = first
        self._room = memoryview(bytearray(1 << 20))
        self._ask("HEAD")

    def _ask(self, method: str) -> None:
        self._method, self._got, self._whole = method, 0, 0
        name = f"{self._number % self._files:04d}"
        self.wire.sendall(f"{method} {self._prefix}{name}{self._tails[method]}".encode())

    def receive(self) -> None:
        """Take what has come; when the answer is whole, ask the next. Raises RuntimeError when it is not a 200."""
        got = self.wire.recv_into(self._room[self._got :] if not self._whole else self._room)
        if not got:
            raise RuntimeError("the server hung up")
        self._got += got
        if not self._whole:
            head, end, _ = bytes(self._room[: self._got]).partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(head.decode())
            length = LENGTH.search(head)
            if length is None:
                raise RuntimeError("no length")
            self._whole = len(head) + 4 + (int(length[1]) if self._method == "GET" else 0)
        if self._got < self._whole:
            return
        if self._method == "HEAD":
            self._ask("GET")
        else:
            self.pairs += 1
            self._number += self._step
            self._ask("HEAD")


def main(given: Mapping[str, Any]) -> float:
    askers = [Asker(given, first) for first in range(given["connections"])]
    selector = selectors.DefaultSelector()
    for asker in askers:
        selector.register(asker.wire, selectors.EVENT_READ, asker)
    begun = time.perf_counter()
    while (spent := time.perf_counter() - begun) < given["seconds"]:
        for key, _ in selector.select():
            key.data.receive()
    return sum(asker.pairs for asker in askers) / spent


if __name__ == "__main__":
    print(main(json.loads(sys.argv[1])))

"""(c, e) 400 live streams of a 1 GiB file, a third of them stalled, one revocation; the server's memory meanwhile."""

from __future__ import annotations

import resource
import selectors
import socket
import tempfile
import threading
import time
from pathlib import Path

from benchmarks import stand

STREAMS = 400
GIB = 1024**3
SMALL_BUFFER = 8 * 1024


class Client:
    """One stream: `every` seconds between reads, None for one that has stalled."""

    def __init__(self, server: stand.Server, every: float | None) -> None:
        self.every = every
        self.next = 0.0
        self.after = 0  # bytes that arrived after the revocation was answered
        self.ended: float | None = None
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        self.socket.connect(("127.0.0.1", server.port))
        request = f"GET {server.path('large')} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {server.token}\r\n\r\n"
        self.socket.sendall(request.encode())
        if not self.socket.recv(1024).startswith(b"HTTP/1.1 200"):
            raise RuntimeError("a stream did not start")
        self.socket.setblocking(False)


class Readers(threading.Thread):
    """Reads from every client at its pace, and notes when each was reset."""

    def __init__(self, clients: list[Client]) -> None:
        super().__init__(daemon=True)
        self.clients = clients
        self.answered: float | None = None
        self.over = False

    def run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for client in self.clients:
                # A stalled client reads nothing, but hears of its reset.
                selector.register(client.socket, selectors.EVENT_READ, client)
            while not self.over and selector.get_map():
                for key, _ in selector.select(0.02):
                    client = key.data
                    if self.answered is None and (client.every is None or time.perf_counter() < client.next):
                        continue
                    self._read(selector, client)
                time.sleep(0.002 if self.answered is None else 0)

    def _read(self, selector: selectors.BaseSelector, client: Client) -> None:
        now = time.perf_counter()
        client.next = now + (client.every or 0)
        try:
            piece = client.socket.recv(64 * 1024)
        except ConnectionResetError:
            piece = b""
        except BlockingIOError:
            return
        if self.answered is not None:
            client.after += len(piece)
        if not piece:
            client.ended = now
            selector.unregister(client.socket)


def main(quick: bool) -> list[dict[str, object]]:
    streams = 100 if quick else STREAMS
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as name:
        folder, files = Path(name), Path(name) / "files"
        files.mkdir()
        stand.make_file(files / "large", GIB)
        with stand.gateway(folder, files) as server:
            idle = server.memory_mib()
            paces = (None, 0.05, 0.5)
            clients = [Client(server, paces[number % len(paces)]) for number in range(streams)]
            readers = Readers(clients)
            readers.start()
            time.sleep(3)
            busy = server.memory_mib()
            began = time.perf_counter()
            token = server.token or ""
            body: dict[str, object] = {"subject": stand.NAME, "reason": "court_order"}
            answer = stand.call(server.port, token, "/v1/operator/revocations", body)
            readers.answered = time.perf_counter()
            readers.join(15)
            readers.over = True
            if any(client.ended is None for client in clients):
                raise RuntimeError("a stream was not ended")
            last = max(client.ended or 0.0 for client in clients)
            for client in clients:
                client.socket.close()
            return [
                {"what": "streams cut", "value": answer["streams_cut"]},
                {"what": "effective_ms, as answered", "value": answer["effective_ms"]},
                {"what": "ms from the request to its answer", "value": (readers.answered - began) * 1000},
                {"what": "ms from the request until the last client saw its reset", "value": (last - began) * 1000},
                {
                    "what": "most KiB that one client got after the answer",
                    "value": max(c.after for c in clients) / 1024,
                },
                {"what": "server memory MiB, idle", "value": idle},
                {"what": f"server memory MiB, {streams} streams", "value": busy},
            ]

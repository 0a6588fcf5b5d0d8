"""A wire between client and gateway that a test can hold in mid-transfer, so that it knows where a fetch stands."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from functools import partial

BLOCK = 64 * 1024
WAIT_S = 60.0


class Relay:
    """Passes bytes between whoever connects to `url` and a port of this machine."""

    def __init__(self, listener: socket.socket, port: int) -> None:
        self._listener = listener
        self._port = port
        self._left: int | None = None  # bytes in the one direction until it holds
        self._upwards = False
        self._lock = threading.Lock()
        self._held = threading.Event()
        self._open = threading.Event()
        self._open.set()
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def hold_after(self, count: int, *, upwards: bool = False) -> None:
        """Hold when so many bytes more have passed towards the client, or upwards to the server."""
        self._held.clear()
        self._upwards = upwards
        self._left = count

    def wait_held(self) -> None:
        assert self._held.wait(WAIT_S), "not that many bytes came by"

    def release(self) -> None:
        self._left = None
        self._open.set()

    def run(self) -> None:
        """Serve until the listener is shut; then wait for the connections to end."""
        threads: list[threading.Thread] = []
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                break
            try:
                server = socket.create_connection(("127.0.0.1", self._port))
            except ConnectionError:
                _reset(client)
                client.close()
                continue
            threads.append(threading.Thread(target=self._serve, args=(client, server)))
            threads[-1].start()
        for thread in threads:
            thread.join(WAIT_S)

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        with client, server:
            upwards = threading.Thread(target=self._pass_on, args=(client, server, partial(self._count, True)))
            upwards.start()
            self._pass_on(server, client, partial(self._count, False))
            upwards.join(WAIT_S)

    def _pass_on(self, source: socket.socket, target: socket.socket, passing: Callable[[int], None]) -> None:
        try:
            while block := source.recv(BLOCK):
                passing(len(block))
                target.sendall(block)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            _reset(source)
            _reset(target)

    def _count(self, upwards: bool, count: int) -> None:
        with self._lock:
            if self._left is not None and upwards is self._upwards:
                self._left -= count
                if self._left < 0:
                    self._left = None
                    self._open.clear()
                    self._held.set()
        self._open.wait(WAIT_S)


@contextlib.contextmanager
def relaying(port: int) -> Iterator[Relay]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = Relay(listener, port)
        thread = threading.Thread(target=relay.run)
        thread.start()
        try:
            yield relay
        finally:
            relay.release()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _reset(end: socket.socket) -> None:
    """End both directions now; the close that follows is a reset."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)

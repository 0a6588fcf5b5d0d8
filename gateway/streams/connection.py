"""One client's TCP connection, and what a stream may do to it beyond ASGI: send a file, count, cut."""

import array
import asyncio
import fcntl
import os
import socket
import struct
import termios
from collections.abc import Callable
from typing import Any

SEND_BUFFER_FIRST = 128 * 1024
SEND_BUFFER_MOST = 4 * 1024 * 1024
# One turn of the event loop moves at most about this much, however many streams are ready, so that the watcher's
# look and a cut never wait long behind the senders.
TURN_TOTAL = 32 * 1024 * 1024
TURN_LEAST = 64 * 1024
TURN_MOST = 4 * 1024 * 1024

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_BYTES_ACKED_AT = 120  # tcpi_bytes_acked in struct tcp_info
_SO_SNDBUFFORCE = 32  # absent from the socket module


class FileTooShort(Exception):
    """A file ended before the bytes that were promised of it."""


class Connection:
    """The handle that the protocol puts into ``scope["extensions"]["hubgate.connection"]``.

    ``handed`` counts the body bytes given to the kernel or to the transport since the connection was made.
    ``guard``, when set, is asked before every hand-over of file bytes; False stops the sending where it is.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, busy: Callable[[], int]) -> None:
        sock = transport.get_extra_info("socket")
        self.handed = 0
        self.closed = False
        self.guard: Callable[[], bool] | None = None
        peer = transport.get_extra_info("peername")
        self.peer: str = str(peer[0]) if isinstance(peer, tuple) else ""
        self._loop = loop
        self._transport = transport
        self._socket: Any = sock
        self._busy = busy
        self._is_tcp = sock.family in (socket.AF_INET, socket.AF_INET6)
        self._left = 0
        self._acked = 0
        self._second_fd = -1
        self._writable: asyncio.Future[None] | None = None
        self._buffer = SEND_BUFFER_FIRST
        self._burst = 0
        self._burst_began = loop.time()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_FIRST)

    def abort(self) -> None:
        """Reset the connection now: what the kernel still holds for the peer is dropped, pending sends return."""
        if self.closed:
            return
        self._remember_counts()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()
        self._release()

    def lost(self) -> None:
        """Told by the protocol that the connection is over; the socket is still open at this moment."""
        if not self.closed:
            self._remember_counts()
        self._release()

    def unacknowledged(self) -> int:
        """Bytes handed over that the peer's kernel has not acknowledged; after the end, as it was then."""
        if self.closed:
            return self._left
        queued = array.array("i", [0])
        fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, queued)
        return queued[0] + self._transport.get_write_buffer_size()

    def acknowledged_total(self) -> int:
        """Bytes of any kind that the peer acknowledged since the connection was made (TCP_INFO)."""
        if self.closed or not self._is_tcp:
            return self._acked
        info: bytes = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED_AT + 8)
        return int.from_bytes(info[_BYTES_ACKED_AT:], "little")

    async def settle(self, below: int) -> None:
        """Return when at most ``below`` bytes are unacknowledged, or the connection or the guard says stop."""
        pause = 0.0005
        while not self.closed and self.unacknowledged() > below and (self.guard is None or self.guard()):
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.05)

    def write(self, head: bytes, body: bytes) -> bool:
        """Hand a head and its small body on in one call; what the kernel does not take now is kept for it.

        Gives False, and sends nothing, when the connection has ended or the guard says no. The transport's own buffer
        must be empty.
        """
        if self.closed or not (self.guard is None or self.guard()):
            return False
        try:
            sent = os.writev(self._socket.fileno(), (head, body))
        except BlockingIOError:
            sent = 0
        except ConnectionError:
            self._transport.abort()
            self.lost()
            return False
        self.handed += len(body)
        if sent < len(head) + len(body):
            self._transport.write((head + body)[sent:])
        return True

    async def send_file(self, fd: int, offset: int, count: int) -> None:
        """Hand ``count`` bytes of the file from ``offset`` on to the kernel without copying them.

        Returns early, without an error, when the connection ends or the guard says no: ``handed`` tells how far it
        came. The transport's own buffer must be empty. Raises FileTooShort.
        """
        end = offset + count
        try:
            while offset < end and not self.closed and (self.guard is None or self.guard()):
                wanted = min(end - offset, self._turn())
                try:
                    sent = os.sendfile(self._socket.fileno(), fd, offset, wanted)
                except BlockingIOError:
                    await self._wait_writable()
                    continue
                except ConnectionError:
                    self._transport.abort()
                    self.lost()
                    return
                if sent == 0:
                    raise FileTooShort(f"{end - offset} bytes are missing at {offset}")
                offset += sent
                self.handed += sent
                self._grow(sent)
                if offset == end:
                    return
                if sent < wanted:
                    await self._wait_writable()
                else:
                    await asyncio.sleep(0)
        finally:
            if self._second_fd >= 0:
                self._loop.remove_writer(self._second_fd)

    def _turn(self) -> int:
        return max(TURN_LEAST, min(TURN_MOST, TURN_TOTAL // max(1, self._busy())))

    async def _wait_writable(self) -> None:
        # The loop forbids watching the transport's own descriptor, hence a second one for the same socket. The
        # transport goes on reading, so that a client who leaves is noticed even while it is stalled.
        if self._second_fd < 0:
            self._second_fd = os.dup(self._socket.fileno())
        self._writable = self._loop.create_future()
        self._loop.add_writer(self._second_fd, self._wake)
        try:
            await self._writable
        finally:
            self._writable = None

    def _wake(self) -> None:
        if self._writable is None:
            # The sender is taking another stream's turn into account; it will ask again when it needs to.
            self._loop.remove_writer(self._second_fd)
        elif not self._writable.done():
            self._writable.set_result(None)

    def _release(self) -> None:
        self.closed = True
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        if self._second_fd >= 0:
            self._loop.remove_writer(self._second_fd)
            os.close(self._second_fd)
            self._second_fd = -1

    def _remember_counts(self) -> None:
        self._acked = self.acknowledged_total()
        self._left = self.unacknowledged()

    def _grow(self, sent: int) -> None:
        """Enlarge the send buffer for a peer that drains it: it holds about a second of what the peer takes."""
        self._burst += sent
        if self._buffer >= SEND_BUFFER_MOST or self._burst < 4 * self._buffer:
            return
        now = self._loop.time()
        if now - self._burst_began <= 1.0:
            self._buffer = min(4 * self._buffer, SEND_BUFFER_MOST)
            set_send_buffer(self._socket, self._buffer)
        self._burst, self._burst_began = 0, now


def set_send_buffer(sock: Any, size: int) -> None:
    """Ask for a send buffer of ``size`` bytes, beyond net.core.wmem_max where the process has the right to it."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, size)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)

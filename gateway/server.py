"""Starts the gateway's HTTP server: uvicorn with the byte path's protocol, on the asyncio loop."""

import asyncio
import contextlib
import resource
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn

from gateway.streams.zerocopy import CuttableProtocol

BACKLOG = 2048
KEEP_ALIVE_S = 15
GRACE_S = 2.0
MAX_PORT = 65535


class Server(uvicorn.Server):
    """Stops within seconds: streams that still run after the grace are reset, which their clients can resume."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        last_call = asyncio.get_running_loop().call_later(GRACE_S, self._reset_all)
        try:
            await super().shutdown(sockets)
        finally:
            last_call.cancel()

    def _reset_all(self) -> None:
        for connection in list(self.server_state.connections):
            if isinstance(connection, CuttableProtocol):
                connection.link.abort()


def configure(app: Any, *, host: str = "127.0.0.1", port: int = 0, proxies: str = "") -> uvicorn.Config:
    """The server's settings. `proxies` are the addresses or networks whose X-Forwarded-For is believed; none if empty.

    The application must speak the lifespan protocol: a start that fails must not look like a server that runs.
    """
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=CuttableProtocol,
        loop="asyncio",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies or None,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=int(GRACE_S) + 3,
    )


class CannotListen(Exception):
    """The address cannot be had; the sentence says which and why."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one. Raises CannotListen."""
    try:
        if not 0 <= port <= MAX_PORT:
            raise OSError(f"a port is 0 to {MAX_PORT}")
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        why = error.strerror or str(error)
        raise CannotListen(f"Cannot listen on {host}, port {port}: {why}. Choose with --host and --port.") from error


def run(app: Any, listener: socket.socket, *, proxies: str = "") -> bool:
    """Serve until SIGINT or SIGTERM; False when the application could not start, which is logged."""
    # A stream needs up to three descriptors, and the usual soft limit is 1024.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    server = Server(configure(app, proxies=proxies))
    with listener, contextlib.suppress(SystemExit):  # uvicorn's way to say that it could not start
        server.run(sockets=[listener])
    return server.started


@contextlib.contextmanager
def serving(app: Any, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve in a thread of this process while the block runs; gives the base URL, whose port is free by default."""
    listener = listen(host, port)
    server = Server(configure(app, host=host))

    def serve() -> None:
        with contextlib.suppress(SystemExit):  # uvicorn's way to say that it could not start, which it has logged
            server.run(sockets=[listener])

    thread = threading.Thread(target=serve, name="server")
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the server did not start")
            time.sleep(0.005)
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()

"""Starting and stopping the server, in a thread and as a process of its own."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from starlette.types import Receive, Scope, Send

from gateway.server import serving
from tests.unit.streams.servers import connect, get, read_response, read_to_reset, running

PROGRAM = """
import resource, sys
from gateway.server import listen, run

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    client = scope["client"][0].encode()
    endless = scope["path"] == "/endless"
    body = b"raised " + client if soft == hard else b"low"
    length = b"%d" % (10**9 if endless else len(body))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body, "more_body": endless})
    if endless:
        await receive()
        while (await receive())["type"] != "http.disconnect":
            pass

run(app, listen("127.0.0.1", int(sys.argv[1])), proxies=sys.argv[2])
"""


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    return port


@pytest.fixture(params=["", "127.0.0.1"])
def process(request: pytest.FixtureRequest) -> Iterator[tuple[int, "subprocess.Popen[bytes]", str]]:
    port = free_port()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    started = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port), request.param],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, soft), hard)),
    )
    for _ in range(1000):
        try:
            connect(("127.0.0.1", port)).close()
            break
        except ConnectionRefusedError:
            time.sleep(0.02)
    yield port, started, request.param
    if started.poll() is None:
        started.kill()
    started.wait()


def test_the_process_believes_forwarded_addresses_of_named_proxies_alone_and_stops_with_a_stream_running(
    process: tuple[int, "subprocess.Popen[bytes]", str],
) -> None:
    port, started, proxies = process
    with connect(("127.0.0.1", port)) as sock, connect(("127.0.0.1", port)) as busy:
        sock.sendall(get(headers="x-forwarded-for: 203.0.113.7\r\n"))
        head, body = read_response(sock)
        assert body == (b"raised 203.0.113.7" if proxies else b"raised 127.0.0.1")
        assert b"server:" not in head
        busy.sendall(get("/endless"))
        busy.recv(10)
        os.kill(started.pid, signal.SIGTERM)
        assert read_to_reset(busy)[1]
        assert started.wait(20) in (0, -signal.SIGTERM)


def test_an_application_that_cannot_start_is_not_served() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("no database")

    with pytest.raises(RuntimeError, match="did not start"), serving(app):
        pytest.fail("it must not get here")


def test_a_stop_waits_for_a_response_that_is_nearly_done() -> None:
    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})

    with running(respond) as address:
        sock = connect(address)
        sock.sendall(get())
        sock.recv(1, 2)  # MSG_PEEK: the response is on its way
    assert read_response(sock)[1] == b"hello"
    sock.close()

"""The message that carries a whole small response, on real sockets."""

import logging
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from gateway.streams.connection import Connection
from tests.unit.streams.servers import Signal, connect, get, read_response, read_to_reset, running

BODY = bytes(range(256)) * 200


def whole(body: bytes = BODY, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "hubgate.whole", "status": 200, "headers": list(headers), "body": body, "more_body": False}


async def respond(scope: Scope, receive: Receive, send: Send) -> None:
    await send(whole(BODY, (b"etag", b'"x"')))


def test_head_and_body_arrive_as_they_are_and_the_connection_serves_on() -> None:
    with running(respond) as address, connect(address) as sock:
        for _ in range(3):
            sock.sendall(get())
            head, body = read_response(sock)
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b'\r\netag: "x"' in head
            assert b"\r\ndate: " in head
            assert body == BODY


def test_a_reader_who_asks_for_much_at_once_and_reads_late_gets_all_in_order() -> None:
    async def numbered(scope: Scope, receive: Receive, send: Send) -> None:
        await send(whole(scope["path"].encode() + BODY))

    with running(numbered) as address, connect(address, receive_buffer=8 * 1024) as sock:
        sock.sendall(b"".join(get(f"/{n:03}") for n in range(40)))  # 2 MB of answers, far more than the kernel keeps
        for n in range(40):
            assert read_response(sock)[1] == b"/%03d" % n + BODY


def test_a_client_that_wants_to_close_is_told_so_and_closed() -> None:
    with running(respond) as address, connect(address) as sock:
        sock.sendall(get(headers="connection: close\r\n"))
        head, body = read_response(sock)
        assert head.endswith(b"\r\nconnection: close")
        assert body == BODY
        assert sock.recv(1) == b""


def test_a_guard_that_says_no_lets_nothing_out() -> None:
    handed: Signal[int] = Signal()

    async def refused(scope: Scope, receive: Receive, send: Send) -> None:
        link: Connection = scope["extensions"]["hubgate.connection"]
        link.guard = lambda: False
        await send(whole())
        link.abort()
        handed.set(link.handed)

    with running(refused) as address, connect(address) as sock:
        sock.sendall(get())
        assert read_to_reset(sock) == (0, True)
        assert handed.wait() == 0


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\0b"])
def test_a_header_that_would_break_the_head_is_never_sent(value: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await send(whole(BODY, (b"x-name", value)))

    with caplog.at_level(logging.CRITICAL, "uvicorn.error"), running(broken) as address, connect(address) as sock:
        sock.sendall(get())
        head, _ = read_response(sock)
        assert head.startswith(b"HTTP/1.1 500")
        assert b"x-name" not in head


def test_a_head_request_is_told_the_length_alone() -> None:
    async def long(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**whole(b""), "length": 7_000_000})

    for answer, length in ((respond, len(BODY)), (long, 7_000_000)):
        with running(answer) as address, connect(address) as sock:
            for _ in range(3):  # a body would stand where the next head is looked for
                sock.sendall(get(method="HEAD"))
                head, _ = read_response(sock, method="HEAD")
                assert head.startswith(b"HTTP/1.1 200 OK\r\n")
                assert b"\r\ncontent-length: %d\r\n" % length in head


def test_an_answer_that_has_no_length_tells_none() -> None:
    async def unchanged(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**whole(b""), "status": 304, "length": None})

    with running(unchanged) as address, connect(address) as sock:
        sock.sendall(get() + get(headers="connection: close\r\n"))
        answers = b"".join(iter(lambda: sock.recv(65536), b""))
    assert answers.count(b"HTTP/1.1 304 Not Modified\r\n") == 2
    assert b"content-length" not in answers.lower()
    assert answers.endswith(b"\r\n\r\n")


def test_a_body_of_another_length_than_told_is_never_sent(caplog: pytest.LogCaptureFixture) -> None:
    async def wrong(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**whole(b"12345"), "length": 4})

    with caplog.at_level(logging.CRITICAL, "uvicorn.error"), running(wrong) as address, connect(address) as sock:
        sock.sendall(get())
        assert read_response(sock)[0].startswith(b"HTTP/1.1 500")


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_it_follows_no_other_answer(method: str) -> None:
    refused: Signal[str] = Signal()

    async def twice(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send(whole())
            await send(whole())
        except RuntimeError as error:
            refused.set(str(error))

    with running(twice) as address, connect(address) as sock:
        sock.sendall(get(method=method))
        read_response(sock, method=method)
        assert "whole response" in refused.wait()

"""Acts over another machine's API, against a server that takes its time."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway.commands import remote
from gateway.commands.base import Failed
from gateway.commands.remote import Remote

TAKES_S = 1.0


class Slow(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(TAKES_S)
        answer = json.dumps({"version": "v"}).encode()
        with contextlib.suppress(ConnectionError):  # whoever asked may have gone
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    def log_message(self, *told: object) -> None:
        pass


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    """It is waited for a tenth of what it takes, or for much longer."""
    monkeypatch.setattr(remote, "WAIT_S", TAKES_S / 10)
    monkeypatch.setattr(remote, "LONG_S", TAKES_S * 60)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield Remote(f"http://127.0.0.1:{server.server_port}", "hbg_x")
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_takes_long_is_waited_for(api: Remote) -> None:
    assert api.post("/v1/drafts/v/release", {}, long=True) == {"version": "v"}


def test_an_answer_that_does_not_come_is_not_taken_for_a_gateway_that_is_not_there(api: Remote) -> None:
    with pytest.raises(Failed, match=r"It may still be at work") as failed:
        api.post("/v1/operator/holds", {})
    assert "reached" not in str(failed.value)

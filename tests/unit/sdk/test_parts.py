"""The small parts: patience, progress, records, and what importing the SDK loads."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

import gateway.sdk
from gateway.sdk import errors
from gateway.sdk.patience import Attempts, Patience
from gateway.sdk.progress import NoBar, TqdmBar, bar
from gateway.sdk.records import Item, item_of, manifest_version, terms_of

URL = "https://gw.example.org"
CUT = errors.Unreachable("cut", url=URL)


def test_waits_double_up_to_a_limit_and_then_the_error_is_raised() -> None:
    waits: list[float] = []
    attempts = Attempts(Patience(tries=5, first_s=1, longest_s=3), waits.append)
    for _ in range(4):
        attempts.failed(CUT)
    assert [0.75 <= waits[0] <= 1.25, 1.5 <= waits[1] <= 2.5, waits[2:]] == [True, True, [3, 3]]
    with pytest.raises(errors.Unreachable):
        attempts.failed(CUT)


def test_what_arrives_renews_the_patience() -> None:
    attempts = Attempts(Patience(tries=2), lambda seconds: None)
    for _ in range(10):
        attempts.failed(CUT)
        attempts.progressed()


def test_the_gateway_may_ask_for_a_longer_wait_within_the_limit() -> None:
    waits: list[float] = []
    attempts = Attempts(Patience(tries=9, first_s=0.1, longest_s=10), waits.append)
    for seconds in (7.0, 3600.0):
        attempts.failed(errors.Unavailable("busy", status=503, detail="", retry_after_s=seconds, url=URL))
    assert waits == [7.0, 10.0]


def test_a_certificate_does_not_mend_by_waiting() -> None:
    with pytest.raises(errors.Unreachable):
        Attempts(Patience(tries=9), lambda seconds: None).failed(errors.Unreachable("tls", url=URL))


def test_a_bar_counts_what_many_threads_tell_it(capsys: pytest.CaptureFixture[str]) -> None:
    shown = TqdmBar(8000, "lab/set")
    threads = [threading.Thread(target=lambda: [shown.advance(1) for _ in range(1000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown.close()
    assert "lab/set: 100%" in capsys.readouterr().err


def test_a_log_gets_no_bar() -> None:
    assert isinstance(bar(10, "x", wanted=True), NoBar)  # pytest captures stderr, so it is no terminal


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_the_digest_of_terms_is_over_their_canonical_json(en: str, zh: str) -> None:
    sha256 = hashlib.sha256(rfc8785.dumps({"en": en, "zh": zh})).hexdigest()
    record = {"id": "t", "version": "1.0", "sha256": sha256, "en": en, "zh": zh}
    assert terms_of(record, URL).text("zh") == zh
    with pytest.raises(errors.NotAGateway):
        terms_of({**record, "en": en + "x"}, URL)


GOOD = {"path": "a", "state": "served", "size": 1, "sha256": "0" * 64, "media_type": "x"}


def test_an_item_that_is_not_served_is_known_by_its_path_alone() -> None:
    assert isinstance(item_of(GOOD, URL), Item)
    for state in ("held", "withheld", "a-state-of-tomorrow"):
        assert item_of({"path": "a", "state": state}, URL) == "a"


@pytest.mark.parametrize(
    "change",
    [{"size": -1}, {"size": True}, {"size": "1"}, {"sha256": "0" * 63}, {"sha256": "../" * 22}, {"path": None}],
)
def test_an_item_that_does_not_fit_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(errors.NotAGateway):
        item_of({**GOOD, **change}, URL)


@pytest.mark.parametrize("page", [None, [], {}, {"version": "main"}, {"version": "../x"}])
def test_a_manifest_names_its_version_by_id(page: object) -> None:
    with pytest.raises(errors.NotAGateway):
        manifest_version(page, URL)


def test_the_public_names_are_these() -> None:
    assert gateway.sdk.__all__ == [
        "Asset",
        "FolderBusy",
        "Hub",
        "HubError",
        "Item",
        "Manifest",
        "Misused",
        "NoSpace",
        "NotAGateway",
        "NotAllowed",
        "NotFound",
        "NotLoaded",
        "NotStored",
        "Refused",
        "SignInNeeded",
        "Stopped",
        "StoppedFilesWarning",
        "Terms",
        "TermsChanged",
        "TermsNotAccepted",
        "Unavailable",
        "Unreachable",
        "UnsafePath",
        "Untrusted",
        "WrongBytes",
    ]
    assert all(hasattr(gateway.sdk, name) for name in gateway.sdk.__all__)


def test_importing_the_sdk_loads_neither_the_server_nor_what_only_requests_need() -> None:
    heavy = ["catalog", "faceguard", "starlette", "sqlalchemy", "cv2", "PIL", "boto3", "pydantic", "numpy", "uvicorn"]
    later = ["httpx2", "typer", "tqdm", "filelock", "rich", "sqlite3", "cryptography"]
    code = f"import sys, gateway.sdk; print([name for name in {heavy + later} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"

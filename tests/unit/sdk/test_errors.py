"""What each refusal becomes, and that both languages can say it."""

from __future__ import annotations

import errno
import json
import string

import pytest
import typer

from gateway.sdk import errors
from gateway.sdk.refusals import refusal
from gateway.sdk.usage import spoken
from gateway.sdk.wire import Code
from gateway.sdk.words import SENTENCES, Language, language, plain, say, size

JSON = {"content-type": "application/problem+json"}
URL = "https://gw.example.org"


def refused(status: int, code: str, **members: object) -> errors.HubError:
    body = json.dumps({"title": "No", "code": code, "detail": "So it is.", **members}).encode()
    return refusal(URL, "lab/set", status, JSON, body)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, Code.UNAUTHENTICATED, errors.SignInNeeded),
        (403, Code.SUSPENDED, errors.NotAllowed),
        (403, Code.SCOPE_MISSING, errors.NotAllowed),
        (403, Code.ROLE_MISSING, errors.NotAllowed),
        (403, Code.TERMS_REQUIRED, errors.TermsNotAccepted),
        (403, Code.TERMS_OUTDATED, errors.TermsNotAccepted),
        (404, Code.NOT_FOUND, errors.NotFound),
        (409, Code.CONFLICT, errors.Refused),
        (409, Code.TERMS_NOT_IN_FORCE, errors.TermsChanged),
        (422, Code.INVALID, errors.Refused),
        (429, Code.TOO_MANY, errors.Unavailable),
        (451, Code.HELD, errors.Stopped),
        (451, Code.REVOKED, errors.Stopped),
        (451, Code.ITEM_HELD, errors.Stopped),
        (451, Code.ITEM_WITHHELD, errors.Stopped),
        (503, Code.BUSY, errors.Unavailable),
        (503, Code.STATE_UNAVAILABLE, errors.Unavailable),
        (403, "a-code-of-tomorrow", errors.Refused),
    ],
)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_refusal_keeps_its_code_and_can_be_said(
    status: int, code: str, kind: type[errors.HubError], lang: Language
) -> None:
    error = refused(status, code)
    assert type(error) is kind
    assert (error.code, error.status) == (code, status)
    sentence = error.say(lang)
    assert "{" not in sentence
    assert any("\u4e00" <= c <= "\u9fff" for c in sentence) == (lang == "zh")


def test_a_stop_says_where_the_notice_is() -> None:
    error = refused(451, Code.REVOKED, notice="n1", notice_url=f"{URL}/notices/n1", asset="lab/set")
    assert error.notice == f"{URL}/notices/n1"
    assert error.notice in str(error)


def test_unaccepted_terms_say_the_command_for_the_asset() -> None:
    assert "hubgate accept lab/set" in str(refused(403, Code.TERMS_REQUIRED, asset="lab/set"))


def test_wrong_fields_are_named() -> None:
    error = refused(422, Code.INVALID, fields={"purpose": "missing"})
    assert isinstance(error, errors.Refused)
    assert error.fields == {"purpose": "missing"}


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code": 7}', b"\xff"])
@pytest.mark.parametrize("status", [400, 403, 404, 451, 500])
def test_an_answer_without_a_problem_is_no_gateways(status: int, body: bytes) -> None:
    assert type(refusal(URL, "x", status, JSON, body)) is errors.NotAGateway
    assert type(refusal(URL, "x", status, {}, body)) is errors.NotAGateway


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("", 0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0), ("-1", 0)])
def test_a_proxys_503_passes_and_says_when(header: str, seconds: float) -> None:
    error = refusal(URL, "x", 503, {"retry-after": header}, b"<html>")
    assert isinstance(error, errors.Unavailable)
    assert error.retry_after_s == seconds


def test_both_languages_say_everything_with_the_same_names_to_fill() -> None:
    for key, sentences in SENTENCES.items():
        assert all(sentence.strip() for sentence in sentences), key
        named = [{name for _, name, _, _ in string.Formatter().parse(s) if name} for s in sentences]
        assert named[0] == named[1], key


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({}, "en"),
        ({"LC_ALL": "C", "LANG": "zh_CN"}, "en"),
        ({"LC_MESSAGES": "zh_TW", "LANG": "en_GB"}, "zh"),
    ],
)
def test_the_language_is_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], expected: str
) -> None:
    monkeypatch.delenv("LC_ALL")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert language() == expected
    assert say("accepted") == {"en": "accepted", "zh": "已接受"}[expected]


def test_what_the_system_refuses_is_a_sentence_in_either_language(capsys: pytest.CaptureFixture[str]) -> None:
    @spoken
    def command(lang: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/mnt/set")

    for lang, says in (("en", "/mnt/set cannot be read or written: Permission denied."), ("zh", "/mnt/set 无法读取")):
        with pytest.raises(typer.Exit):
            command(lang=lang)
        assert says in capsys.readouterr().err


def test_text_from_elsewhere_cannot_command_a_terminal() -> None:
    assert plain("a\x1b[2J\rb\u202ec\n\td\x9b") == "a[2Jbc\n\td"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (10_500_000, "10.5 MB"), (2 * 10**12, "2.0 TB")]
)
def test_sizes_read_as_people_write_them(count: int, text: str) -> None:
    assert size(count) == text

"""A refusal in one line, with where to go next in it: for programs that show a line of text and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import HTTPConnection

from gateway.streams.extensions import REASON
from gateway.web.refusals import Refusal
from gateway.web.words import Words, words_for

LONGEST = 1000  # characters of a header; what was asked for may be part of it
LINKS = ("terms_url", "notice_url", "appeal_url")  # the first that there is stands in the sentence


def sentence(refusal: Refusal, words: Words, links: Mapping[str, str], dialect: str = "") -> str:
    """What `dialect`, or else any program, is told; without a sentence of its own, the detail of the refusal."""
    key = f"{dialect}.{refusal.code}" if f"{dialect}.{refusal.code}" in words else f"line.{refusal.code}"
    onward = next((links[name] for name in LINKS if name in links), None)
    if key not in words or onward is None or "asset" not in refusal.params:
        return refusal.detail(words)
    return words(key, **refusal.params, url=onward)


def ascii_line(text: str) -> bytes:
    """One line of bounded length that a header can hold and every client shows alike."""
    line = " ".join(text.split())[:LONGEST]
    return "".join(character if " " <= character <= "~" else "?" for character in line).encode()


def say(request: HTTPConnection, refusal: Refusal, links: Mapping[str, str]) -> None:
    """Put the line where the status line has its words: wget, urllib, requests and pandas show it to people."""
    extensions = request.scope.get("extensions")
    if extensions is not None:
        extensions[REASON] = ascii_line(sentence(refusal, words_for("en"), links))

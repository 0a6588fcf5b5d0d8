"""The store of sign-ins."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gateway.sdk.errors import Misused
from gateway.sdk.logins import Login, Logins

ONE = Login(origin="https://one.example.org", token="hbg_one", account="ann")
TWO = Login(origin="https://two.example.org", token="hbg_two", account="ben")


def test_the_file_is_for_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    logins = Logins(tmp_path / "new" / "home")
    before = os.umask(0)
    try:
        logins.add(ONE)
    finally:
        os.umask(before)
    assert stat.S_IMODE(logins.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(logins.path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in logins.path.parent.iterdir()] == [logins.path.name]


def test_a_file_that_was_open_to_others_is_closed_by_the_next_sign_in(tmp_path: Path) -> None:
    logins = Logins(tmp_path)
    logins.add(ONE)
    logins.path.chmod(0o644)
    logins.add(TWO)
    assert stat.S_IMODE(logins.path.stat().st_mode) == 0o600


def test_several_gateways_are_kept_and_the_last_is_current(tmp_path: Path) -> None:
    logins = Logins(tmp_path)
    assert logins.current() is None
    logins.add(ONE)
    logins.add(TWO)
    assert logins.current() == TWO
    assert logins.find(ONE.origin) == ONE


def test_signing_out_of_the_current_gateway_chooses_no_other(tmp_path: Path) -> None:
    logins = Logins(tmp_path)
    logins.add(ONE)
    logins.add(TWO)
    assert logins.remove(TWO.origin)
    assert not logins.remove(TWO.origin)
    assert logins.current() is None
    assert logins.find(ONE.origin) == ONE
    assert TWO.token not in logins.path.read_text()


def test_signing_out_of_another_gateway_leaves_the_current_one(tmp_path: Path) -> None:
    logins = Logins(tmp_path)
    logins.add(ONE)
    logins.add(TWO)
    logins.remove(ONE.origin)
    assert logins.current() == TWO


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"current": null, "logins": {"x": 1}}', "\xff"])
def test_a_broken_file_is_named_and_not_overwritten(tmp_path: Path, content: str) -> None:
    logins = Logins(tmp_path)
    logins.path.write_bytes(content.encode("latin-1"))
    with pytest.raises(Misused) as caught:
        logins.add(ONE)
    assert str(logins.path) in str(caught.value)
    assert logins.path.read_bytes() == content.encode("latin-1")

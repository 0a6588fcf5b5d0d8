"""What a recall does on a machine, and what it answers."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import tarfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Mapping

import pytest

from gateway.sdk import errors
from gateway.sdk.client import Hub
from gateway.sdk.recall import purge
from gateway.sdk.recall.purge import Done
from gateway.sdk.recall.told import details
from tests.unit.sdk.origin import Answer, Asked, problem
from tests.unit.sdk.recall.conftest import TOKEN, Home, sha256
from tests.unit.sdk.recall.gate import VERSION, Gate

A, B = b"a face", b"another face"
OTHER = "cd" * 20


def lines(home: Home) -> list[str]:
    """What is left: every file below the folder that is no record of the SDK's own."""
    own = ("holdings.db", "recalls.lock")
    files = [path for path in home.folder.rglob("*") if not path.is_dir() and path.name not in own]
    return sorted(str(path.relative_to(home.folder)) for path in files)


def test_a_recalled_file_is_deleted_everywhere_it_is_listed_and_a_receipt_goes_out(home: Home) -> None:
    for project in ("one", "two"):
        home.hold(home.folder / project, {"deep/a.jpg": A, "b.jpg": B})
    home.gate.recall([sha256(A), sha256(b"never had")])
    (done,) = home.hub.sync(purge=True)
    assert lines(home) == [f"home/store/objects/{sha256(B)[:2]}/{sha256(B)}", "one/b.jpg", "two/b.jpg"]
    assert not (home.folder / "one" / "deep").exists(), "an empty folder goes too"
    assert done.counts == {"deleted": 1, "absent": 1, "locked": 0, "modified": 0, "kept_by_law": 0}
    assert (done.state, done.elsewhere) == ("answered", ())
    (receipt,) = home.gate.receipts
    assert (receipt["counts"], receipt["notice"], receipt["account"]) == (done.counts, done.notice, "rosa")
    assert home.hub.sync(purge=True) == [], "what is done is not done again"
    assert len(home.gate.receipts) == 1


def test_people_get_a_quarantine_first_and_no_receipt_is_sent(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A, "b.jpg": B})
    home.gate.recall([sha256(A)])
    (done,) = home.hub.sync()
    assert (done.state, [d for _, d in done.files]) == ("waiting", [Done.ASIDE, Done.ASIDE])
    assert not (home.folder / "one" / "a.jpg").exists()
    assert home.gate.receipts == []
    assert [h.state for h in home.hub.holdings() if h.sha256 == sha256(A)] == ["aside", "aside"]
    (done,) = home.hub.sync(purge=True)
    assert done.counts["deleted"] == 1
    assert sha256(A) not in "".join(lines(home))
    assert not (home.folder / "one" / ".hubgate").exists()


def test_a_machine_that_holds_none_of_it_answers_without_a_question(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    home.gate.recall([sha256(B)])
    (done,) = home.hub.sync()
    assert (done.state, done.counts["absent"]) == ("answered", 1)
    assert home.hub.sync() == []
    home.gate.recall([sha256(A)])
    for _ in range(2):
        assert [one.state for one in home.hub.sync()] == ["waiting"], "what lies in quarantine is here"
    assert len(home.gate.receipts) == 1


def test_what_a_fetch_that_was_killed_never_brought_is_not_missed(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    home.expect(home.folder / "one", {"b.jpg": B})
    home.gate.recall([sha256(A), sha256(B)])
    (done,) = home.hub.sync(purge=True)
    assert (done.missing, done.counts["deleted"], done.counts["absent"]) == ((), 1, 1)


def test_a_machine_with_that_policy_deletes_at_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBGATE_RECALLS", "purge")
    home.hold(home.folder / "one", {"a.jpg": A})
    home.gate.recall([sha256(A)])
    (done,) = home.hub.sync()
    assert done.state == "answered"
    assert lines(home) == []


def test_a_dry_run_changes_nothing(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    home.gate.recall([sha256(A)])
    before = lines(home)
    for purging in (True, False):
        (done,) = home.hub.sync(purge=purging, dry_run=True)
        assert len(done.files) == 2
        assert lines(home) == before
    assert home.gate.receipts == []
    assert home.hub.sync(purge=True)[0].counts["deleted"] == 1


def test_a_file_that_changed_is_reported_and_left(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    (home.folder / "one" / "a.jpg").unlink()
    (home.folder / "one" / "a.jpg").write_bytes(b"my own work")
    home.gate.recall([sha256(A)])
    (done,) = home.hub.sync(purge=True)
    assert (home.folder / "one" / "a.jpg").read_bytes() == b"my own work"
    assert done.counts["modified"] == 1
    assert home.gate.receipts[-1]["results"][0]["outcome"] == "modified"
    (home.folder / "one" / "a.jpg").unlink()
    (done,) = home.hub.sync(purge=True)
    assert done.counts["absent"] + done.counts["deleted"] == 1
    assert len(home.gate.receipts) == 2
    assert home.gate.receipts[0]["nonce"] != home.gate.receipts[1]["nonce"]


def test_what_changed_is_not_called_set_aside_once_it_is_answered(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    (home.folder / "one" / "a.jpg").unlink()
    (home.folder / "one" / "a.jpg").write_bytes(b"my own work")
    home.gate.recall([sha256(A)])
    assert home.hub.sync(purge=True)[0].state == "answered"
    assert home.hub.sync()[0].state == "left"


def test_a_file_that_was_moved_away_is_told_of(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    (home.folder / "one").rename(home.folder / "moved")
    home.gate.recall([sha256(A)])
    (done,) = home.hub.sync(purge=True)
    place = home.folder / "one" / "a.jpg"
    assert done.missing == (place,)
    assert done.elsewhere == (place,), "by the name that its owner knows"
    assert f"{place} is not there any more. If it was moved" in "\n".join(details(done, "en", dry_run=False))


def test_the_stores_own_name_of_a_file_that_was_written_through_a_link_goes(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    place = home.folder / "one" / "a.jpg"
    place.chmod(0o644)
    with place.open("ab") as file:
        file.write(b" and a hat")
    home.gate.recall([sha256(A)])
    (done,) = home.hub.sync(purge=True)
    assert done.files == ((place, Done.MODIFIED),)
    assert lines(home) == ["one/a.jpg"]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_fetch_of_the_next_version_that_was_cut_short_leaves_both_in_reach(home: Home, replaced: bool) -> None:
    folder = home.folder / "one"
    home.hold(folder, {"a.jpg": A})
    home.expect(folder, {"a.jpg": B}, OTHER)
    if replaced:
        home.machine.store.keep_all({sha256(B): B})
        home.machine.store.link(sha256(B), folder / "a.jpg", folder / "unnamed")
    home.gate.recall([sha256(A)])
    (done,) = home.hub.sync(purge=True)
    assert done.counts["deleted"] == 1
    assert (folder / "a.jpg") not in [place for place, _ in done.files] or not replaced
    assert (folder / "a.jpg").exists() is replaced
    home.gate.recall([sha256(B)], versions=[OTHER])
    (done,) = home.hub.sync(purge=True)
    assert (done.counts["deleted"], done.counts["modified"]) == (int(replaced), 0)
    assert lines(home) == []


def test_a_quarantine_leaves_the_next_version_in_its_place(home: Home) -> None:
    folder = home.folder / "one"
    home.hold(folder, {"a.jpg": A})
    home.hold(folder, {"a.jpg": B}, OTHER)
    home.expect(folder, {"a.jpg": A})
    home.gate.recall([sha256(A)])
    (done,) = home.hub.sync()
    assert (folder / "a.jpg").read_bytes() == B
    assert Done.MODIFIED not in [each for _, each in done.files]


def test_what_lies_in_quarantine_stays_in_reach_when_the_next_version_takes_its_place(home: Home) -> None:
    folder = home.folder / "one"
    home.hold(folder, {"a.jpg": A})
    home.gate.recall([sha256(A)])
    home.hub.sync()
    home.hold(folder, {"a.jpg": B}, OTHER)
    (done,) = home.hub.sync(purge=True)
    assert done.counts["deleted"] == 1
    assert lines(home) == [f"home/store/objects/{sha256(B)[:2]}/{sha256(B)}", "one/a.jpg"]


def test_further_names_of_a_file_are_told_and_left(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    os.link(home.folder / "one" / "a.jpg", home.folder / "mine.jpg")
    home.gate.recall([sha256(A)])
    for dry_run in (True, False):
        (done,) = home.hub.sync(purge=True, dry_run=dry_run)
        assert len(done.elsewhere) == 1
    assert lines(home) == ["mine.jpg"]


def test_the_same_bytes_that_came_as_another_version_stay(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    home.hold(home.folder / "two", {"a.jpg": A}, OTHER)
    home.gate.recall([sha256(A)], scope="version")
    (done,) = home.hub.sync(purge=True)
    assert (home.folder / "two" / "a.jpg").read_bytes() == A
    assert not (home.folder / "one" / "a.jpg").exists()
    assert done.elsewhere == (), "links that the SDK made are no news"
    home.gate.recall([sha256(A)], versions=[OTHER])
    home.hub.sync(purge=True)
    assert lines(home) == []


def test_a_newer_version_in_the_same_folder_takes_the_bytes_over_and_answers_for_them(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    home.hold(home.folder / "one", {"a.jpg": A, "b.jpg": B}, OTHER)
    home.gate.recall([sha256(A)], scope="version")
    (done,) = home.hub.sync(purge=True)
    assert done.counts["absent"] == 1, "nothing lies here as that version any more"
    assert (home.folder / "one" / "a.jpg").read_bytes() == A
    home.gate.recall([sha256(A), sha256(B)], scope="version", versions=[OTHER])
    (done,) = home.hub.sync(purge=True)
    assert done.counts["deleted"] == 2
    assert lines(home) == []
    assert home.hub.holdings() == []


def test_what_lies_on_a_disk_that_is_away_is_not_called_deleted_and_goes_once_it_is_back(home: Home) -> None:
    home.hold(home.folder / "disk" / "one", {"a.jpg": A})
    home.hold(home.folder / "two", {"b.jpg": B})
    (home.folder / "disk").rename(home.folder / "away")
    home.gate.recall([sha256(A), sha256(B)])
    (done,) = home.hub.sync(purge=True)
    assert (done.counts["deleted"], done.counts["absent"]) == (1, 1)
    assert done.missing == (home.folder / "disk" / "one" / "a.jpg",)
    assert home.hub.sync(purge=True) == home.hub.sync() == [], "said once"
    assert [copy.content for copy in home.machine.holdings.copies()] == [sha256(A)], "still listed"
    (home.folder / "away").rename(home.folder / "disk")
    (done,) = home.hub.sync(purge=True)
    assert (done.state, done.counts["deleted"], done.counts["absent"]) == ("answered", 2, 0)
    assert home.gate.receipts[-1]["counts"] == done.counts
    assert lines(home) == []
    assert home.hub.sync(purge=True) == []


def test_what_is_held_on_a_disk_that_is_away_is_set_aside_once_it_is_back(home: Home) -> None:
    home.hold(home.folder / "disk" / "one", {"a.jpg": A})
    (home.folder / "disk").rename(home.folder / "away")
    held = home.gate.recall([sha256(A)], action="quarantine", deadline=None)
    home.hub.sync()
    (home.folder / "away").rename(home.folder / "disk")
    home.hub.sync()
    assert not (home.folder / "disk" / "one" / "a.jpg").exists()
    (home.folder / "disk").rename(home.folder / "away")
    home.gate.recall([sha256(A)], action="withdrawn", deadline=None, notice=held["notice"])
    home.hub.sync()
    (home.folder / "away").rename(home.folder / "disk")
    home.hub.sync()
    assert (home.folder / "disk" / "one" / "a.jpg").read_bytes() == A


def test_a_hold_that_could_not_be_carried_out_is_tried_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    held = home.gate.recall([sha256(A)], action="quarantine", deadline=None)

    def refused(*names: object) -> None:
        raise PermissionError

    with monkeypatch.context() as patched:
        patched.setattr(purge, "_rename", refused)
        assert [done.state for done in home.hub.sync()] == ["undone"]
    assert [done.state for done in home.hub.sync()] == ["waiting"]
    assert not (home.folder / "one" / "a.jpg").exists()
    home.gate.recall([sha256(A)], action="withdrawn", deadline=None, notice=held["notice"])
    with monkeypatch.context() as patched:
        patched.setattr(purge, "_rename", refused)
        assert [done.state for done in home.hub.sync()] == ["undone"]
    assert [done.state for done in home.hub.sync()] == ["restored"]
    assert (home.folder / "one" / "a.jpg").read_bytes() == A
    assert home.hub.sync() == []


def test_a_file_that_was_fetched_again_before_it_was_put_back_lies_there_once(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    before = lines(home)
    held = home.gate.recall([sha256(A)], action="quarantine", deadline=None)
    home.hub.sync()
    home.hold(home.folder / "one", {"a.jpg": A})
    home.gate.recall([sha256(A)], action="withdrawn", deadline=None, notice=held["notice"])
    (done,) = home.hub.sync()
    assert (done.state, {each for _, each in done.files}) == ("restored", {Done.RESTORED})
    assert lines(home) == before


def test_a_second_receipt_does_not_forget_what_the_first_has_stated(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A, "b.jpg": B})
    (home.folder / "one" / "a.jpg").unlink()
    (home.folder / "one" / "a.jpg").write_bytes(b"my own work")
    home.gate.recall([sha256(A), sha256(B), sha256(b"never had")])
    (done,) = home.hub.sync(purge=True)
    assert (done.counts["deleted"], done.counts["modified"], done.counts["absent"]) == (1, 1, 1)
    (home.folder / "one" / "a.jpg").unlink()
    home.hub.sync(purge=True)
    counts = home.gate.receipts[-1]["counts"]
    assert counts == {"deleted": 2, "absent": 1, "locked": 0, "modified": 0, "kept_by_law": 0}


def test_a_duty_that_is_claimed_for_no_recall_stops_everything(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    home.gate.recall([sha256(A)])
    before = lines(home)
    with pytest.raises(errors.Misused, match="N-000000000000"):
        home.hub.sync(purge=True, kept_by_law=["N-000000000000"])
    assert (lines(home), home.gate.receipts) == (before, [])


def test_a_digest_that_is_not_ours_touches_nothing(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    (home.folder / "one" / "notes.txt").write_bytes(b"mine")
    before = lines(home)
    home.gate.recall([sha256(b"mine"), sha256(b"else")])
    home.gate.recall([sha256(A)], versions=[OTHER])
    home.hub.sync(purge=True)
    assert lines(home) == before


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
def test_no_link_is_followed_wherever_it_stands(home: Home) -> None:
    precious = home.folder / "precious"
    (precious / "deep").mkdir(parents=True)
    for name in ("a.jpg", "deep/a.jpg"):
        (precious / name).write_bytes(A)
    for project, replaced in (("root", ""), ("inner", "deep"), ("leaf", "deep/a.jpg")):
        folder = home.folder / project
        home.hold(folder, {"deep/a.jpg": A})
        place = folder / replaced if replaced else folder
        place.rename(home.folder / f"moved-{project}")
        place.symlink_to(precious / replaced)
    home.gate.recall([sha256(A)])
    (done,) = home.hub.sync(purge=True)
    assert (precious / "a.jpg").read_bytes() == (precious / "deep" / "a.jpg").read_bytes() == A
    assert Counter(d for _, d in done.files if d is not Done.DELETED) == {Done.LOCKED: 2, Done.MODIFIED: 1}
    assert done.counts["locked"] == 1


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
def test_a_store_that_was_made_a_link_is_not_followed(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    (home.folder / "one" / "a.jpg").unlink()
    objects = home.machine.store.objects
    objects.rename(home.folder / "elsewhere")
    objects.symlink_to(home.folder / "elsewhere")
    home.gate.recall([sha256(A)])
    (done,) = home.hub.sync(purge=True)
    assert done.counts["locked"] == 1
    assert (home.folder / "elsewhere" / sha256(A)[:2] / sha256(A)).read_bytes() == A


def test_a_hold_sets_aside_and_its_end_puts_back(home: Home) -> None:
    home.hold(home.folder / "one", {"deep/a.jpg": A, "b.jpg": B})
    before = lines(home)
    held = home.gate.recall([sha256(A), sha256(B)], action="quarantine", deadline=None)
    home.hub.sync(purge=True)
    assert not (home.folder / "one" / "b.jpg").exists()
    home.gate.recall([sha256(A), sha256(B)], action="withdrawn", deadline=None, notice=held["notice"])
    (done,) = home.hub.sync(purge=True)
    assert done.state == "restored"
    assert lines(home) == before
    assert home.gate.receipts == []


def test_what_another_notice_still_concerns_is_not_put_back(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A, "b.jpg": B})
    held = home.gate.recall([sha256(A), sha256(B)], action="quarantine", deadline=None)
    home.gate.recall([sha256(A)], action="quarantine", deadline=None)
    home.hub.sync()
    home.gate.recall([sha256(A), sha256(B)], action="withdrawn", deadline=None, notice=held["notice"])
    home.hub.sync()
    assert not (home.folder / "one" / "a.jpg").exists()
    assert (home.folder / "one" / "b.jpg").read_bytes() == B


def test_what_the_law_keeps_stays_aside_and_is_answered_so(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    notice = home.gate.recall([sha256(A)])
    (done,) = home.hub.sync(purge=True, kept_by_law=[notice["notice"]], copies_outside="declared")
    assert (done.counts["kept_by_law"], done.state) == (1, "answered")
    assert home.gate.receipts[0]["copies_outside"] == "declared"
    assert [h.state for h in home.hub.holdings()] == ["aside", "aside"]


def test_what_was_extracted_goes_with_its_archive(home: Home) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in {"x/a.jpg": A, "b.jpg": B}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    home.hold(home.folder / "one", {"set.tar.gz": packed.getvalue()})
    folder = home.hub.extract(home.folder / "one" / "set.tar.gz")
    assert (folder / "x" / "a.jpg").read_bytes() == A
    (folder / "b.jpg").chmod(0o644)
    (folder / "b.jpg").write_bytes(b"cropped")
    home.gate.recall([sha256(packed.getvalue())])
    (done,) = home.hub.sync(purge=True)
    assert lines(home) == ["one/set/b.jpg"]
    assert done.counts["modified"] == 1


def packed(files: Mapping[str, bytes], form: str) -> bytes:
    buffer = io.BytesIO()
    if form == "zip":
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=buffer, mode=f"w:{form}") as tar:  # type: ignore[call-overload]
            for name, content in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["", "gz", "zip"])
def test_peoples_own_files_are_not_replaced_by_an_extraction(home: Home, form: str) -> None:
    one, to = home.folder / "one", home.folder / "mine"
    home.hold(one, {"set.pack": packed({"first": A, "x/a.jpg": B, "z": A}, form)})
    (to / "x").mkdir(parents=True)
    (to / "x" / "a.jpg").write_bytes(b"a thesis")
    (to / "z").write_bytes(b"another")
    before = lines(home)
    with pytest.raises(errors.NotStored, match=r"x/a\.jpg stands in .*mine already .* with --to, or move that file"):
        home.hub.extract(one / "set.pack", to)
    assert lines(home) == before
    assert (to / "x" / "a.jpg").read_bytes() == b"a thesis"
    (to / "x" / "a.jpg").rename(to / "thesis")
    (to / "z").write_bytes(A)
    home.hub.extract(one / "set.pack", to)
    assert (to / "x" / "a.jpg").read_bytes() == B


def test_an_extraction_may_replace_what_it_made_itself_and_nothing_else(home: Home) -> None:
    one, to = home.folder / "one", home.folder / "to"
    home.hold(one, {"set.tar": packed({"a.jpg": A, "b.jpg": B}, ""), "other.tar": packed({"a.jpg": B}, "")})
    for _ in range(2):
        home.hub.extract(one / "set.tar", to)
    with pytest.raises(errors.NotStored, match=r"a\.jpg stands in"):
        home.hub.extract(one / "other.tar", to)
    assert (to / "a.jpg").read_bytes() == A
    (to / "b.jpg").unlink()
    (to / "b.jpg").write_bytes(b"cropped by hand")
    with pytest.raises(errors.NotStored, match=r"b\.jpg stands in"):
        home.hub.extract(one / "set.tar", to)
    (to / "b.jpg").unlink()
    (to / "b.jpg").symlink_to(one / "set.tar")
    with pytest.raises(errors.UnsafePath):
        home.hub.extract(one / "set.tar", to)
    assert (to / "b.jpg").is_symlink()


@pytest.mark.skipif(sys.platform != "linux", reason="there names are bytes")
def test_nothing_is_extracted_to_where_recalls_could_not_find_it(home: Home) -> None:
    home.hold(home.folder / "one", {"set.tar": packed({"a.jpg": A}, "")})
    with pytest.raises(errors.Misused, match="not a name in UTF-8"):
        home.hub.extract(home.folder / "one" / "set.tar", home.folder / os.fsdecode(b"bad\xffname"))
    assert not any("a.jpg" in line for line in lines(home))


def test_an_archive_that_leads_out_or_links_is_refused(home: Home) -> None:
    for name, kind in {"../out.jpg": tarfile.REGTYPE, "/etc/x": tarfile.REGTYPE, "l": tarfile.SYMTYPE}.items():
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
        content = packed.getvalue()
        home.hold(home.folder / sha256(content)[:8], {"set.tar": content})
        with pytest.raises(errors.UnsafePath):
            home.hub.extract(home.folder / sha256(content)[:8] / "set.tar")
    assert not (home.folder / "out.jpg").exists()


def test_of_what_came_out_of_a_shard_only_the_one_file_goes_with_it(home: Home) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in (("a.jpg", A), ("b.jpg", B)):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    shard = buffer.getvalue()
    home.hold(home.folder / "one", {"s.tar": shard, "a.jpg": A})
    home.hub.extract(home.folder / "one" / "s.tar")
    listed = [
        {"alg": "sha256", "d": sha256(A), "size": 1},
        {"alg": "sha256", "d": sha256(shard), "size": 1, "shard": True},
    ]
    home.gate.recall([], digests=listed, action="quarantine", deadline=None)
    home.hub.sync()
    assert lines(home)[-1] == "one/s/b.jpg"
    assert not (home.folder / "one" / "s" / "a.jpg").exists()
    home.gate.recall([], digests=listed)
    (done,) = home.hub.sync(purge=True)
    assert done.counts == {"deleted": 2, "absent": 0, "locked": 0, "modified": 0, "kept_by_law": 0}
    assert lines(home) == ["one/s/b.jpg"]


def test_only_what_was_fetched_is_extracted(home: Home) -> None:
    (home.folder / "mine.tar").write_bytes(b"x")
    with pytest.raises(errors.Misused):
        home.hub.extract(home.folder / "mine.tar")


def test_unfinished_files_go_too(home: Home) -> None:
    home.hold(home.folder / "one", {"b.jpg": B})
    home.machine.holdings.expect_content(home.origin.url, "lab/set", VERSION, [(sha256(A), len(A))])
    for name in (sha256(A), f"{sha256(A)}.spans", f"{sha256(A)}.4711", sha256(B)):
        (home.machine.store.partial / name).write_bytes(b"half")
    home.gate.recall([sha256(A)])
    home.hub.sync()
    assert os.listdir(home.machine.store.partial) == [sha256(B)]


def test_a_purge_that_was_killed_after_deleting_is_answered_as_deleted(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.hold(home.folder / "one", {"a.jpg": A, "b.jpg": B})
    home.gate.recall([sha256(A), sha256(B)])

    class Killed(BaseException):
        pass

    real = purge._unlink
    count = 0

    def unlink(folder: object, name: str) -> None:
        nonlocal count
        count += 1
        real(folder, name)  # type: ignore[arg-type]
        if count == 2:
            raise Killed

    monkeypatch.setattr(purge, "_unlink", unlink)
    with pytest.raises(Killed):
        home.hub.sync(purge=True)
    (done,) = home.hub.sync(purge=True)
    assert done.counts["deleted"] == 2
    assert [r["counts"]["deleted"] for r in home.gate.receipts] == [2]


def test_a_receipt_that_did_not_arrive_is_sent_again_as_it_was(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    home.gate.recall([sha256(A)])
    good = home.origin.script
    home.origin.script = lambda asked: problem(500, "oops") if asked.path.endswith("receipts") else good(asked)
    with pytest.raises(errors.Refused):
        home.hub.sync(purge=True)
    assert lines(home) == []
    home.origin.script = good
    (done,) = home.hub.sync(purge=True)
    assert done.state == "answered"
    assert home.gate.receipts[0]["counts"]["deleted"] == 1
    home.origin.script = lambda asked: problem(409, "receipt-known") if asked.path.endswith("receipts") else good(asked)
    assert home.hub.sync(purge=True) == []


def test_a_notice_of_many_digests_is_read_from_its_own_address(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    lines_ = b"".join(b"%s 6\n" % d.encode() for d in sorted([sha256(A), "0" * 64]))
    address = "/v1/recalls/N-00000000000a/digests?seq=10"
    wanted = {"url_path": address, "sha256": sha256(lines_), "count": 2}
    home.gate.recall([], digests=..., digest_set=wanted)
    home.gate.lists[address] = lines_ + b"x"
    with pytest.raises(errors.Untrusted):
        home.hub.sync(purge=True)
    assert (home.folder / "one" / "a.jpg").exists()
    home.gate.lists[address] = lines_
    assert home.hub.sync(purge=True)[0].counts == {
        "deleted": 1, "absent": 1, "locked": 0, "modified": 0, "kept_by_law": 0,
    }  # fmt: skip


@pytest.mark.parametrize("wrong", ["foreign", "replayed", "gap", "rolled back"])
def test_an_answer_that_is_not_to_be_believed_changes_nothing(home: Home, wrong: str) -> None:
    home.hold(home.folder / "one", {"a.jpg": A, "b.jpg": B})
    home.gate.recall([sha256(b"x")])
    home.hub.sync(purge=True)
    first = home.gate.answer()
    home.gate.recall([sha256(A)])
    before, good = lines(home), home.gate.serve()
    bad = home.gate.answer(10)
    if wrong == "foreign":
        bad = Gate(origin=home.origin.url, sent=home.gate.sent).answer(10)
    elif wrong == "replayed":
        bad = first
    elif wrong == "gap":
        bad["notices"] = []
    else:
        bad = home.gate.answer(10, through=5)
    answer = Answer(200, json.dumps(bad).encode(), {"Content-Type": "application/json"})
    home.origin.script = lambda asked: answer if asked.path.startswith("/v1/recalls?") else good(asked)
    with pytest.raises(errors.Untrusted):
        home.hub.sync(purge=True)
    assert lines(home) == before
    home.origin.script = good
    assert home.hub.sync(purge=True)[0].counts["deleted"] == 1


def test_a_copy_in_the_hubs_cache_is_found_told_and_left(home: Home) -> None:
    repository = home.folder / "hf" / "hub" / "datasets--lab--set"
    (repository / "blobs").mkdir(parents=True)
    (repository / "blobs" / sha256(A)).write_bytes(A)
    (repository / "blobs" / f"{sha256(B)}.incomplete").write_bytes(B[:3])
    snapshot = repository / "snapshots" / VERSION
    snapshot.mkdir(parents=True)
    (snapshot / "a.jpg").symlink_to(f"../../blobs/{sha256(A)}")
    (home.folder / "cache" / "torch" / "hub" / "lab_set_main").mkdir(parents=True)
    (home.folder / "cache" / "torch" / "hub" / "lab_set_main" / "w.pt").write_bytes(b"w")
    digest = sha256(A)
    name = hashlib.sha1(b"lab_set_main").hexdigest()[:16]
    for folder, file, content in (
        ("torch/hub/checkpoints", f"net-{digest[:8]}.pth", A),
        ("torch/hub/checkpoints", f"other-{digest[:8]}.pth", b"other bytes"),
        ("megengine/serialized", f"0a1b2c_net-{digest[:12]}.pkl", A),
        (f"megengine/hub/1_13_1_{name}", "hubconf.py", b"h"),
        ("megengine/hub/1_13_1_0123456789abcdef", "hubconf.py", b"h"),
    ):
        place = home.folder / "cache" / folder
        place.mkdir(parents=True, exist_ok=True)
        (place / file).write_bytes(content)
    (home.folder / "hf" / "datasets" / "lab___set").mkdir(parents=True)
    (home.folder / "hf" / "datasets" / "lab___set" / "t.arrow").write_bytes(b"t")
    home.hold(home.folder / "one", {"a.jpg": A})
    found = [(h.tool, h.place.name) for h in home.hub.holdings() if h.kind == "cache"]
    assert found == [
        ("huggingface", sha256(A)),
        ("huggingface", f"{sha256(B)}.incomplete"),
        ("datasets", "t.arrow"),
        ("torch", "w.pt"),
        ("megengine", "hubconf.py"),
        ("torch", f"net-{digest[:8]}.pth"),
        ("megengine", f"0a1b2c_net-{digest[:12]}.pkl"),
    ]
    home.gate.recall([sha256(A)])
    (done,) = home.hub.sync(purge=True)
    assert [c.place.name for c in done.caches if c.sha256] == [
        digest, f"net-{digest[:8]}.pth", f"0a1b2c_net-{digest[:12]}.pkl",
    ]  # fmt: skip
    made = [(c.tool, c.place.name) for c in done.caches if not c.sha256]
    assert made == [("datasets", "lab___set"), ("torch", "lab_set_main"), ("megengine", f"1_13_1_{name}")]
    assert done.counts["locked"] == 1
    assert (repository / "blobs" / sha256(A)).read_bytes() == A
    (repository / "blobs" / sha256(A)).unlink()
    (home.folder / "cache" / "torch" / "hub" / "checkpoints" / f"net-{digest[:8]}.pth").unlink()
    (home.folder / "cache" / "megengine" / "serialized" / f"0a1b2c_net-{digest[:12]}.pkl").unlink()
    (done,) = home.hub.sync(purge=True)
    assert (done.counts["locked"], done.state) == (0, "answered")


def test_a_look_tells_plainly_what_is_called_back_and_only_once_an_hour(
    home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    home.hub.be_known()
    notice = home.gate.recall([sha256(A)])["notice"]
    for _ in range(2):
        Hub(home.origin.url, TOKEN).close()
    said = capfd.readouterr().err
    assert (
        said.count(
            f"RECALL {notice}: copies of single files of lab/set must be deleted by 2026-12-02 (a person asked for it)."
        )
        == 1
    )
    assert (home.folder / "one" / "a.jpg").exists(), "a look only looks"


def test_a_look_that_may_delete_tells_how_many_files_it_handled(
    home: Home, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUBGATE_RECALLS", "purge")
    home.hold(home.folder / "one", {"a.jpg": A})
    home.machine.store.place_of(sha256(A)).unlink()
    home.hub.be_known()
    home.gate.recall([sha256(A)])
    Hub(home.origin.url, TOKEN).close()
    assert "done for 1 file, as" in capfd.readouterr().err


def looks(home: Home) -> int:
    """How often the gateway was asked for recalls."""
    return sum(asked.path.startswith("/v1/recalls") for asked in home.origin.asked)


def test_a_clock_that_was_once_ahead_silences_nothing(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    home.hub.sync()
    with home.machine.holdings.writing() as db:
        db.execute("UPDATE feeds SET looked_at = ?", (time.time() + 365 * 86400,))
    before = looks(home)
    for _ in range(2):
        Hub(home.origin.url, TOKEN).close()
    assert looks(home) == before + 1


def test_an_answer_that_is_not_believed_is_no_look_and_no_answer_is_one(
    home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    home.hub.be_known()
    good = home.origin.script
    stranger = Gate(origin=home.origin.url)
    home.origin.script = lambda asked: (stranger.serve() if asked.path.startswith("/v1/recalls") else good)(asked)
    for _ in range(2):
        Hub(home.origin.url, TOKEN).close()
    assert looks(home) == 2
    assert capfd.readouterr().err.count("not to be believed") == 2
    home.origin.script = lambda asked: problem(503, "busy")
    for _ in range(2):
        Hub(home.origin.url, TOKEN).close()
    assert looks(home) == 3


def test_nobody_is_asked_where_nothing_was_fetched(home: Home) -> None:
    Hub(home.origin.url, TOKEN).close()
    assert home.origin.asked == []


def test_a_gateway_that_does_not_answer_keeps_nobody_waiting(home: Home) -> None:
    home.hold(home.folder / "one", {"a.jpg": A})
    home.hub.be_known()
    answers, good = threading.Event(), home.origin.script

    def script(asked: Asked) -> Answer:
        if asked.path.startswith("/v1/recalls"):
            assert answers.wait(60)
        return good(asked)

    home.origin.script = script
    try:
        Hub(home.origin.url, TOKEN).close()  # returns, although there is no answer yet
        assert any(asked.path.startswith("/v1/recalls") for asked in home.origin.asked)
    finally:
        answers.set()

"""Fetching against an origin that misbehaves: resume, digests, stops, links in the way."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.sdk import errors
from gateway.sdk import store as store_module
from gateway.sdk.choice import Globs
from gateway.sdk.destination import Destination
from gateway.sdk.download import Fetched, download
from gateway.sdk.holdings import Holdings, NewCopy
from gateway.sdk.large import Slow, Spans
from gateway.sdk.machine import Machine
from gateway.sdk.patience import ASKING
from gateway.sdk.records import Item, Manifest
from gateway.sdk.store import Store
from gateway.sdk.transport import Transport
from tests.unit.sdk.origin import Answer, Asked, Origin, archive, chosen, item, manifest, problem, ranged

CONTENT = bytes(range(256)) * 1000
FILE = item("deep/er/a.bin", CONTENT)
EVERYTHING = Globs()
FAST = Slow(rate=0)


class Reader:
    """A machine with a home of its own, that fetches from the origin."""

    def __init__(self, transport: Transport, home: Path) -> None:
        self.transport = transport
        self.store = Store(home)
        self.store.make()
        self.machine = Machine(self.store, Holdings(home))

    def fetch(self, to: Path, *items: Item, globs: Globs = EVERYTHING, slow: Slow = FAST) -> Fetched:
        return self.fetch_of(lambda: manifest(*items), to, globs, slow)

    def fetch_of(
        self, listed: Callable[[], Manifest], to: Path, globs: Globs = EVERYTHING, slow: Slow = FAST
    ) -> Fetched:
        return download(self.transport, self.machine, "lab/set", listed, to, globs=globs, progress=False, slow=slow)

    def leave_part(self, sha256: str, content: bytes) -> Path:
        """What a fetch that was killed leaves behind."""
        part = self.store.part_of(sha256)
        part.write_bytes(content)
        self.machine.holdings.expect_content(self.transport.origin, "lab/set", "ab" * 20, [(sha256, len(content))])
        return part


@pytest.fixture
def reader(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    transport = Transport(origin.url, "hbg_t", "en", ASKING)
    opened = Reader(transport, tmp_path_factory.mktemp("home"))
    yield opened
    opened.machine.holdings.close()
    transport.close()


def selected(asked: Asked) -> int:
    """How many files an archive was asked for."""
    return len(chosen(asked, MANY))


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_a_file_arrives_and_nothing_else_stays(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    fetched = reader.fetch(tmp_path / "set", FILE)
    assert (tmp_path / "set" / FILE.path).read_bytes() == CONTENT
    assert os.listdir(tmp_path / "set") == ["deep"]
    assert (fetched.files, fetched.size, fetched.kept) == (1, len(CONTENT), 0)
    assert origin.asked[0].path == f"/v1/assets/lab/set/versions/{'ab' * 20}/files/deep/er/a.bin"
    assert origin.asked[0].headers["accept-encoding"] == "identity"


def test_names_are_escaped_in_addresses_and_plain_on_disk(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    reader.fetch(tmp_path, item("人脸 #1/50%?.jpg", CONTENT))
    assert origin.asked[0].path.endswith("/files/%E4%BA%BA%E8%84%B8%20%231/50%25%3F.jpg")
    assert (tmp_path / "人脸 #1" / "50%?.jpg").read_bytes() == CONTENT


def test_a_partial_file_is_resumed_under_the_tag_of_its_content(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    reader.leave_part(FILE.sha256, CONTENT[:1000])
    reader.fetch(tmp_path, FILE)
    assert [asked.headers["range"] for asked in origin.asked] == ["bytes=1000-"]
    assert origin.asked[0].headers["if-range"] == f'"{FILE.sha256}"'
    assert (tmp_path / FILE.path).read_bytes() == CONTENT


@pytest.mark.parametrize("cuts", [[0], [1], [len(CONTENT) - 1], [100, 70_000]])
def test_wherever_the_connection_breaks_the_file_is_whole_in_the_end(
    origin: Origin, reader: Reader, tmp_path: Path, cuts: list[int]
) -> None:
    remaining = iter(cuts)

    def script(asked: Asked) -> Answer:
        answer = ranged(asked, CONTENT)
        cut = next(remaining, None)
        answer.cut = None if cut is None else cut - (len(CONTENT) - len(answer.body))
        return answer

    origin.script = script
    reader.fetch(tmp_path, FILE)
    assert (tmp_path / FILE.path).read_bytes() == CONTENT
    assert len(origin.asked) == len(cuts) + 1


def test_an_origin_that_ignores_ranges_is_read_from_the_start(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: Answer(200, CONTENT)
    reader.leave_part(FILE.sha256, b"other" * 10)
    reader.fetch(tmp_path, FILE)
    assert (tmp_path / FILE.path).read_bytes() == CONTENT
    assert len(origin.asked) == 1


@pytest.mark.parametrize("status", [206, 416])
def test_an_answer_to_another_range_is_dropped_and_the_whole_is_asked_for(
    origin: Origin, reader: Reader, tmp_path: Path, status: int
) -> None:
    def script(asked: Asked) -> Answer:
        if "range" in asked.headers:
            return Answer(status, CONTENT[:50], {"Content-Range": f"bytes 0-49/{len(CONTENT)}"})
        return Answer(200, CONTENT)

    origin.script = script
    reader.leave_part(FILE.sha256, CONTENT[:100])
    reader.fetch(tmp_path, FILE)
    assert (tmp_path / FILE.path).read_bytes() == CONTENT


def test_a_part_with_wrong_bytes_is_deleted_and_the_file_fetched_anew_once(
    origin: Origin, reader: Reader, tmp_path: Path
) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    reader.leave_part(FILE.sha256, b"x" * 100)
    reader.fetch(tmp_path, FILE)
    assert (tmp_path / FILE.path).read_bytes() == CONTENT
    assert [asked.headers.get("range") for asked in origin.asked] == ["bytes=100-", None]


@pytest.mark.parametrize("wrong", [CONTENT[:-1] + b"x", CONTENT + b"x"])
def test_bytes_that_stay_wrong_are_an_error_and_never_get_a_name(
    origin: Origin, reader: Reader, tmp_path: Path, wrong: bytes
) -> None:
    origin.script = lambda asked: Answer(200, wrong)
    with pytest.raises(errors.WrongBytes, match=r"deep/er/a\.bin"):
        reader.fetch(tmp_path, FILE)
    assert len(origin.asked) == 2
    assert names(tmp_path) == []


def test_an_answer_that_is_too_short_does_not_pass_for_the_file(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: Answer(200, CONTENT[:-1]) if len(origin.asked) == 1 else ranged(asked, CONTENT)
    reader.fetch(tmp_path, FILE)
    assert (tmp_path / FILE.path).read_bytes() == CONTENT
    assert origin.asked[1].headers["range"] == f"bytes={len(CONTENT) - 1}-"


def test_an_equal_file_is_kept_and_a_different_one_replaced(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    other = item("b.bin", CONTENT[::-1])
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / FILE.path).write_bytes(b"x" * FILE.size)
    (tmp_path / "b.bin").write_bytes(CONTENT[::-1])
    fetched = reader.fetch(tmp_path, FILE, other)
    assert fetched.kept == 1
    assert [asked.path.rpartition("/")[2] for asked in origin.asked] == ["archive.tar", "a.bin"]
    assert (tmp_path / FILE.path).read_bytes() == CONTENT


def test_the_gateway_is_told_once_who_holds_what_it_had_not_to_send(
    origin: Origin, reader: Reader, tmp_path: Path
) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    reader.fetch(tmp_path / "one", FILE)
    for _ in range(2):
        origin.asked.clear()
        reader.fetch(tmp_path / "one", FILE)
        assert origin.asked == [], "it has sent that itself"
    newer = lambda: replace(manifest(FILE), version="cd" * 20)  # noqa: E731
    for to, asked in (("two", 1), ("one", 0)):
        origin.asked.clear()
        reader.fetch_of(newer, tmp_path / to)
        assert [one.path for one in origin.asked] == [f"/v1/assets/lab/set/versions/{'cd' * 20}/archive.tar"] * asked
    reader.transport = Transport(origin.url, "hbg_other", "en", ASKING)
    origin.asked.clear()
    reader.fetch(tmp_path / "one", FILE)
    assert len(origin.asked) == 1, "another account of this machine"
    reader.transport.close()


def test_what_is_stopped_is_not_taken_from_the_store(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    reader.fetch(tmp_path / "one", FILE)
    origin.script = lambda asked: problem(451, "version-revoked")
    with pytest.raises(errors.Stopped):
        reader.fetch_of(lambda: replace(manifest(FILE), version="cd" * 20), tmp_path / "two")
    assert names(tmp_path / "two") == []


def test_equal_contents_come_once_and_stand_in_all_their_places(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    reader.fetch(tmp_path, FILE, item("b.bin", CONTENT), item("c.bin", CONTENT))
    assert len(origin.asked) == 1
    assert names(tmp_path) == ["b.bin", "c.bin", FILE.path]
    assert (tmp_path / "c.bin").read_bytes() == CONTENT


def test_an_empty_file_is_made(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    reader.fetch(tmp_path, item("empty", b""))
    assert (tmp_path / "empty").read_bytes() == b""


def test_globs_choose_and_one_that_matches_nothing_is_told(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    reader.fetch(tmp_path, FILE, item("b.jpg", CONTENT), globs=Globs(include=("*.jpg",)))
    assert names(tmp_path) == ["b.jpg"]
    with pytest.raises(errors.Misused, match=r"\*\.tiff"):
        reader.fetch(tmp_path, FILE, globs=Globs(include=("*.tiff",)))


@pytest.mark.parametrize("code", ["revoked", "held"])
def test_a_stop_of_the_version_leaves_no_partial_file(
    origin: Origin, reader: Reader, tmp_path: Path, code: str
) -> None:
    origin.script = lambda asked: problem(451, code, notice_url="https://gw/notices/7")
    part = reader.leave_part("cd" * 32, b"of an earlier run")
    with pytest.raises(errors.Stopped, match="https://gw/notices/7"):
        reader.fetch(tmp_path, FILE, item("b.bin", b"bytes"))
    assert not part.exists()
    assert names(tmp_path) == []


def test_a_stop_that_is_known_before_the_first_byte_leaves_no_partial_file_either(
    reader: Reader, tmp_path: Path
) -> None:
    def stopped() -> Manifest:
        raise errors.Stopped("revoked", status=451, detail="", notice="https://gw/notices/7", what="lab/set")

    part = reader.leave_part(FILE.sha256, b"begun")
    with pytest.raises(errors.Stopped):
        reader.fetch_of(stopped, tmp_path)
    assert not part.exists()


def test_a_stopped_item_ends_the_run_and_loses_its_own_part_alone(
    origin: Origin, reader: Reader, tmp_path: Path
) -> None:
    origin.script = lambda asked: problem(451, "item-withheld")
    reader.leave_part(FILE.sha256, CONTENT[:10])
    kept = reader.leave_part("cd" * 32, b"another")
    with pytest.raises(errors.Stopped):
        reader.fetch(tmp_path, FILE)
    assert kept.exists()
    assert not reader.store.part_of(FILE.sha256).exists()


def test_one_failure_ends_the_others_and_a_stop_outweighs_it(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=20)

    def script(asked: Asked) -> Answer:
        both.wait()
        return problem(451, "revoked") if asked.path.endswith("b.bin") else problem(404, "not-found")

    origin.script = script
    with pytest.raises(errors.Stopped):
        reader.fetch(tmp_path, FILE, item("b.bin", b"bytes"))


def test_a_path_that_leads_out_is_refused_before_anything_is_asked_for(
    origin: Origin, reader: Reader, tmp_path: Path
) -> None:
    with pytest.raises(errors.UnsafePath):
        reader.fetch(tmp_path / "set", FILE, item("../out", b"bytes"))
    assert origin.asked == []
    assert names(tmp_path) == []


def test_no_link_below_the_destination_is_followed(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    outside, inside = tmp_path / "outside", tmp_path / "set"
    outside.mkdir()
    inside.mkdir()
    (inside / "deep").symlink_to(outside)
    with pytest.raises(errors.UnsafePath, match="link"):
        reader.fetch(inside, FILE)
    assert names(outside) == []


def test_a_link_in_the_place_of_a_file_is_replaced_and_its_target_untouched(
    origin: Origin, reader: Reader, tmp_path: Path
) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    target, inside = tmp_path / "target", tmp_path / "set"
    target.write_bytes(CONTENT)
    inside.mkdir()
    (inside / "a.bin").symlink_to(target)
    reader.fetch(inside, item("a.bin", CONTENT))
    assert not (inside / "a.bin").is_symlink()
    assert target.read_bytes() == CONTENT


def test_a_link_in_the_place_of_a_partial_file_is_not_followed(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    part = reader.leave_part(FILE.sha256, b"")
    part.unlink()
    part.symlink_to(target)
    with pytest.raises(OSError):
        reader.fetch(tmp_path / "set", FILE)
    assert target.read_bytes() == b"precious"


def test_a_folder_in_the_place_of_a_file_is_an_error(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    (tmp_path / FILE.path).mkdir(parents=True)
    with pytest.raises(errors.UnsafePath):
        reader.fetch(tmp_path, FILE)


def test_too_little_space_is_told_before_the_first_byte(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    huge = Item(path="huge", size=1 << 62, sha256="0" * 64, media_type="x")
    with pytest.raises(errors.NoSpace) as caught:
        reader.fetch(tmp_path, huge)
    assert caught.value.code == "no-space"
    for sentence in (caught.value.say("en"), caught.value.say("zh")):
        assert "HUBGATE_HOME" in sentence
        assert str(reader.store.folder) in sentence
        assert "--to" not in sentence, "that moves no store"
    assert origin.asked == []


@pytest.mark.parametrize("to", ["file", "file/below"])
def test_a_file_where_the_folder_should_be_is_told(origin: Origin, reader: Reader, tmp_path: Path, to: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(errors.NotStored, match=r"cannot be made a folder: a file stands there .* with --to"):
        reader.fetch(tmp_path / to, FILE)
    assert origin.asked == []
    assert (tmp_path / "file").read_text() == "mine"


def test_two_fetches_do_not_write_to_one_folder(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    with Destination(tmp_path).locked(), pytest.raises(errors.FolderBusy):
        reader.fetch(tmp_path, FILE)
    origin.script = lambda asked: ranged(asked, CONTENT)
    reader.fetch(tmp_path, FILE)
    assert names(tmp_path) == [FILE.path]


def test_a_refusal_is_not_tried_again(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: problem(403, "terms-required", asset="lab/set")
    with pytest.raises(errors.TermsNotAccepted):
        reader.fetch(tmp_path, FILE)
    assert len(origin.asked) == 1


MANY = {f"few/{number:03} [x]?.jpg": b"%d" % number * number for number in range(300)}
MANY_ITEMS = [item(path, content) for path, content in MANY.items()]


def test_many_small_files_come_in_one_stream(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: archive(asked, MANY)
    reader.fetch(tmp_path, *MANY_ITEMS)
    assert [asked.path.partition("?")[2] for asked in origin.asked] == [""]
    assert {path: (tmp_path / path).read_bytes() for path in MANY} == MANY


def test_what_is_missing_of_many_is_asked_for_by_name_and_nothing_else(
    origin: Origin, reader: Reader, tmp_path: Path
) -> None:
    origin.script = lambda asked: archive(asked, MANY)
    reader.fetch(tmp_path / "one", *MANY_ITEMS, globs=Globs(exclude=("few/*5 *",)))
    assert len(origin.asked) > 1
    assert all(len(asked.path) < 8000 for asked in origin.asked)
    assert sum(map(selected, origin.asked)) == 270
    origin.asked.clear()
    reader.fetch(tmp_path / "two", *MANY_ITEMS)
    told, *missing = origin.asked
    assert (selected(told), told.path.count("?")) == (300, 0), "asked for as a whole, to be known as its holder"
    assert sum(map(selected, missing)) == 30, "what the store has is not asked for again"
    assert {path: (tmp_path / "two" / path).read_bytes() for path in MANY} == MANY


@pytest.mark.parametrize("cut", [1, 5_000, 60_000])
def test_an_archive_that_breaks_off_is_gone_on_with_where_it_was(
    origin: Origin, reader: Reader, tmp_path: Path, cut: int
) -> None:
    def script(asked: Asked) -> Answer:
        answer = archive(asked, MANY)
        answer.cut = cut if len(origin.asked) == 1 else None
        return answer

    origin.script = script
    reader.fetch(tmp_path, *MANY_ITEMS)
    assert {path: (tmp_path / path).read_bytes() for path in MANY} == MANY
    assert sum(map(selected, origin.asked)) - 300 <= 300 - cut // 1024


def test_wrong_bytes_in_an_archive_never_get_a_name(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    wrong = {**MANY, MANY_ITEMS[7].path: b"x" * 7}

    def script(asked: Asked) -> Answer:
        return archive(asked, wrong) if "archive.tar" in asked.path else Answer(200, b"x" * 7)

    origin.script = script
    with pytest.raises(errors.WrongBytes, match="007"):
        reader.fetch(tmp_path, *MANY_ITEMS)
    assert not (tmp_path / MANY_ITEMS[7].path).exists()
    assert len(names(tmp_path)) == 299


def test_an_archive_that_is_none_is_asked_for_again(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: Answer(200, b"<html>" * 200) if len(origin.asked) < 3 else archive(asked, MANY)
    reader.fetch(tmp_path, *MANY_ITEMS)
    assert len(origin.asked) == 3


def test_two_projects_share_a_copy_that_none_can_write_to(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    for project in ("one", "two"):
        reader.fetch(tmp_path / project, FILE)
    assert len(origin.asked) == 1
    one, two = (tmp_path / project / FILE.path for project in ("one", "two"))
    assert one.stat().st_mode & 0o222 == 0
    clones = one.stat().st_nlink == 1
    assert clones or one.samefile(two)
    assert [(c.path, c.sha256, Path(c.folder).name) for c in reader.machine.holdings.copies()] == [
        (FILE.path, FILE.sha256, "one"),
        (FILE.path, FILE.sha256, "two"),
    ]


def test_a_copy_that_somebody_wrote_to_is_not_handed_on(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    reader.fetch(tmp_path / "one", FILE)
    place = reader.store.place_of(FILE.sha256)
    place.chmod(0o644)
    place.write_bytes(b"x" * FILE.size)
    reader.fetch(tmp_path / "two", FILE)
    assert (tmp_path / "two" / FILE.path).read_bytes() == CONTENT
    assert len(origin.asked) == 2


def no_link(*args: object, **kwargs: object) -> None:
    raise OSError(errno.EXDEV, "another device")


def test_where_no_link_can_be_there_is_a_copy(
    origin: Origin, reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", no_link)
    origin.script = lambda asked: ranged(asked, CONTENT)
    reader.fetch(tmp_path, FILE)
    assert (tmp_path / FILE.path).read_bytes() == CONTENT
    assert (tmp_path / FILE.path).stat().st_nlink == 1


def test_a_copy_that_breaks_off_never_has_the_name(
    origin: Origin, reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(source: Path, place: Path) -> None:
        place.write_bytes(source.read_bytes()[:1000])
        raise OSError(errno.ENOSPC, "No space left on device")

    origin.script = lambda asked: ranged(asked, CONTENT)
    monkeypatch.setattr(os, "link", no_link)
    monkeypatch.setattr(store_module, "_copy", half)
    for former in (b"the former version", None):
        (tmp_path / "set" / "deep" / "er").mkdir(parents=True, exist_ok=True)
        if former is not None:
            (tmp_path / "set" / FILE.path).write_bytes(former)
        with pytest.raises(OSError, match="No space"):
            reader.fetch(tmp_path / "set", FILE)
        assert names(tmp_path / "set") == ([FILE.path] if former is not None else [])
        if former is not None:
            assert (tmp_path / "set" / FILE.path).read_bytes() == former
            (tmp_path / "set" / FILE.path).unlink()


def test_room_for_copies_is_looked_at_before_the_first_is_made(
    origin: Origin, reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    reader.fetch(tmp_path / "one", FILE)
    monkeypatch.setattr(Store, "shares_with", lambda store, folder: False)
    monkeypatch.setattr(Destination, "free", lambda destination: len(CONTENT) - 1)
    with pytest.raises(errors.NoSpace, match="--to"):
        reader.fetch(tmp_path / "two", FILE)
    assert not (tmp_path / "two").exists()
    assert reader.fetch(tmp_path / "one", FILE).kept == 1, "what is there needs no room"


def test_a_record_that_cannot_be_written_says_so_and_keeps_what_it_says(reader: Reader, tmp_path: Path) -> None:
    holdings, url = reader.machine.holdings, reader.transport.origin
    listed = [NewCopy(path=f"{n}", sha256=FILE.sha256, size=1, content=FILE.sha256) for n in range(1000)]
    holdings.expect(url, "lab/set", "ab" * 20, tmp_path, listed[:1])
    holdings.rows("PRAGMA max_page_count = 1")  # as full as a disk can be
    with pytest.raises(errors.Misused, match="cannot be written: database or disk is full"):
        holdings.expect(url, "lab/set", "ab" * 20, tmp_path, listed)
    assert [copy.path for copy in holdings.copies()] == ["0"]


def test_a_record_of_the_former_format_is_taken_over(tmp_path: Path) -> None:
    home = tmp_path / "old"
    holdings = Holdings(home)
    listed = NewCopy(path="a.bin", sha256=FILE.sha256, size=1, content=FILE.sha256)
    holdings.expect("http://hub", "lab/set", "ab" * 20, tmp_path, [listed])
    holdings.close()
    with closing(sqlite3.connect(home / "holdings.db")) as db:
        db.executescript(
            "DROP TABLE told;"
            "ALTER TABLE copies RENAME TO newer; DROP INDEX copies_by_item; DROP INDEX copies_by_content;"
            "CREATE TABLE copies (id INTEGER PRIMARY KEY, version_id INTEGER NOT NULL, sha256 TEXT NOT NULL,"
            " size INTEGER NOT NULL, content TEXT NOT NULL, kind TEXT NOT NULL, folder_id INTEGER NOT NULL,"
            " path TEXT NOT NULL, state INTEGER NOT NULL DEFAULT 0, UNIQUE (folder_id, path));"
            "INSERT INTO copies SELECT * FROM newer; DROP TABLE newer;"
            "CREATE INDEX copies_by_item ON copies (sha256); CREATE INDEX copies_by_content ON copies (content);"
            "PRAGMA user_version = 1;"
        )
    for _ in range(2):
        holdings = Holdings(home)
        holdings.expect("http://hub", "lab/set", "cd" * 20, tmp_path, [replace(listed, content="ef" * 32)])
        assert [copy.version for copy in holdings.copies()] == ["ab" * 20, "cd" * 20]
        holdings.close()


def test_what_is_coming_is_written_down_before_it_comes(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    listed: list[str] = []

    def script(asked: Asked) -> Answer:
        listed.extend(copy.path for copy in reader.machine.holdings.copies(origin.url))
        return ranged(asked, CONTENT)

    origin.script = script
    reader.fetch(tmp_path, FILE)
    assert listed == [FILE.path]


SLOW = Slow(rate=1 << 40, after_s=0.0, least=1)
WIDE = bytes(range(256)) * 16_000
WIDE_FILE = item("wide.bin", WIDE)


def test_a_slow_link_is_asked_for_several_parts_at_once(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: ranged(asked, WIDE)
    reader.fetch(tmp_path, WIDE_FILE, slow=SLOW)
    assert (tmp_path / "wide.bin").read_bytes() == WIDE
    spans = [asked.headers["range"] for asked in origin.asked[1:]]
    assert len(spans) == 4
    assert os.listdir(reader.store.partial) == []


def test_parts_that_break_off_go_on_where_they_were(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    sent: list[int] = []

    def script(asked: Asked) -> Answer:
        answer = ranged(asked, WIDE)
        if 1 < len(origin.asked) < 6:
            answer.cut = len(answer.body) // 2
        sent.append(len(answer.body) if answer.cut is None else answer.cut)
        return answer

    origin.script = script
    reader.fetch(tmp_path, WIDE_FILE, slow=SLOW)
    assert (tmp_path / "wide.bin").read_bytes() == WIDE


def test_parts_of_a_killed_fetch_are_gone_on_with(origin: Origin, reader: Reader, tmp_path: Path) -> None:
    origin.script = lambda asked: ranged(asked, WIDE)
    spans = Spans.split(reader.store, WIDE_FILE, 1000)
    with reader.store.part_of(WIDE_FILE.sha256).open("wb") as part:
        part.write(WIDE[:1000])
        for number, end in enumerate(spans.ends):
            part.seek(spans.at[number])
            part.write(WIDE[spans.at[number] : end - 10])
            spans.reached(number, end - 10)
    reader.fetch(tmp_path, WIDE_FILE)
    assert (tmp_path / "wide.bin").read_bytes() == WIDE
    assert sorted(asked.headers["range"] for asked in origin.asked) == sorted(
        f"bytes={end - 10}-{end - 1}" for end in spans.ends
    )


@pytest.mark.parametrize("note", [b"", b"{", b'{"at": [], "ends": [], "starts": []}', b"[1]"])
def test_a_note_of_parts_that_cannot_be_understood_is_passed_over(
    origin: Origin, reader: Reader, tmp_path: Path, note: bytes
) -> None:
    origin.script = lambda asked: ranged(asked, WIDE)
    reader.store.spans_of(WIDE_FILE.sha256).write_bytes(note)
    reader.leave_part(WIDE_FILE.sha256, WIDE[:1000])
    reader.fetch(tmp_path, WIDE_FILE)
    assert (tmp_path / "wide.bin").read_bytes() == WIDE
    assert not reader.store.spans_of(WIDE_FILE.sha256).exists()

import os
from pathlib import Path

import pytest

from faceguard.bulk.journal import Journal, Line, OtherFolder
from faceguard.bulk.walk import UNREADABLE, Found, pictures

IN = Path("/in")


def found(*paths: str, size: int = 10, mtime_ns: int = 5) -> list[Found]:
    return [Found(path, size, mtime_ns) for path in paths]


def yes(line: Line) -> bool:
    return True


def left(journal: Journal) -> list[str]:
    return [line.path for line in journal.to_do(yes, lambda: None)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def test_all_is_to_do_at_first_in_the_order_of_the_paths(file: Path) -> None:
    with Journal(file, IN, "a") as journal:
        assert journal.see(found("b.png", "c/a.png", "a.png")) == 3
        assert left(journal) == ["a.png", "b.png", "c/a.png"]


def test_what_is_done_rests_in_the_next_run(file: Path) -> None:
    rested: list[None] = []
    with Journal(file, IN, "a") as journal:
        journal.see(found("a.png", "b.png"))
        journal.record(next(journal.to_do(yes, lambda: None)), {"faces": 2}, final=True)
    with Journal(file, IN, "a") as journal:
        journal.see(found("a.png", "b.png"))
        assert [line.path for line in journal.to_do(yes, lambda: rested.append(None))] == ["b.png"]
        assert [line.outcome for line in journal.outcomes()] == [{"faces": 2}]
    assert len(rested) == 1


@pytest.mark.parametrize(
    ("again", "settings"),
    [
        (found("a.png", size=11), "a"),
        (found("a.png", mtime_ns=6), "a"),
        (found("a.png"), "b"),
    ],
)
def test_another_picture_or_other_settings_are_work_again(file: Path, again: list[Found], settings: str) -> None:
    with Journal(file, IN, "a") as journal:
        journal.see(found("a.png"))
        for line in journal.to_do(yes, lambda: None):
            journal.record(line, {"bytes": 5}, final=True)
    with Journal(file, IN, settings) as journal:
        journal.see(again)
        (line,) = journal.to_do(yes, lambda: None)
        assert line.outcome == {"bytes": 5}, "what was made before must be known, so that it can be taken away"


def test_what_is_not_final_or_does_not_hold_is_work_again(file: Path) -> None:
    with Journal(file, IN, "a") as journal:
        journal.see(found("a.png", "b.png"))
        for line in journal.to_do(yes, lambda: None):
            journal.record(line, {"why": "time_out"}, final=line.path == "b.png")
        assert left(journal) == ["a.png"]
        assert [line.path for line in journal.to_do(lambda line: False, lambda: None)] == ["a.png", "b.png"]


def test_a_picture_that_has_gone_is_neither_work_nor_in_the_outcomes(file: Path) -> None:
    with Journal(file, IN, "a") as journal:
        journal.see(found("a.png", "b.png"))
        for line in journal.to_do(yes, lambda: None):
            journal.record(line, {}, final=True)
    with Journal(file, IN, "b") as journal:
        assert journal.see(found("b.png")) == 1
        assert left(journal) == ["b.png"]
        assert [line.path for line in journal.outcomes()] == ["b.png"]


def test_no_two_pictures_share_a_place_now_or_ever(file: Path) -> None:
    with Journal(file, IN, "a", lambda place: place != "folder.jpg") as journal:
        journal.see(found("one.jpg", "one.png", "one.png.jpg", "folder.png"))
        places = {line.path: line.place for line in journal.to_do(yes, lambda: None)}
    assert places == {
        "one.jpg": "one.jpg",
        "one.png": "one.png.jpg",
        "one.png.jpg": "one.png.jpg.jpg",
        "folder.png": "folder.png.jpg",
    }
    with Journal(file, IN, "a") as journal:
        journal.see(found("one.gif", "one.png"))
        assert {line.path: line.place for line in journal.to_do(yes, lambda: None)} == {
            "one.gif": "one.gif.jpg",
            "one.png": "one.png.jpg",
        }


def test_more_lines_than_are_read_at_once(file: Path) -> None:
    names = [f"{number:05}.png" for number in range(2500)]
    with Journal(file, IN, "a") as journal:
        journal.see(found(*reversed(names)))
        for line in journal.to_do(yes, lambda: None):
            journal.record(line, {}, final=True)
        assert left(journal) == []
        assert [line.path for line in journal.outcomes()] == names


def test_names_that_are_no_text_are_kept_byte_by_byte(file: Path) -> None:
    name = os.fsdecode(b"\xff\xfe.png")
    with Journal(file, IN, "a") as journal:
        journal.see(found(name))
        (line,) = journal.to_do(yes, lambda: None)
        assert (os.fsencode(line.path), os.fsencode(line.place)) == (b"\xff\xfe.png", b"\xff\xfe.jpg")
        journal.record(line, {}, final=True)
        assert left(journal) == []


def test_a_walk_finds_every_picture_and_follows_no_link_to_a_folder(tmp_path: Path) -> None:
    for place in ("a.JPG", "deep/er/b.png", "out/c.png", "elsewhere/d.webp", "phone.HEIC", "notes.txt"):
        (tmp_path / "in" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / place).write_bytes(b"12345")
    (tmp_path / "in" / "folder.png").mkdir()
    (tmp_path / "in" / "round").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "link.gif").symlink_to(tmp_path / "in" / "a.JPG")
    (tmp_path / "in" / "broken.gif").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "in" / "pipe.png")
    seen = {one.path: one.size for one in pictures(tmp_path / "in", tmp_path / "in" / "out")}
    assert seen == {"a.JPG": 5, "deep/er/b.png": 5, "elsewhere/d.webp": 5, "phone.HEIC": 5, "link.gif": 5}


def test_the_journal_of_another_folder_is_not_gone_on_with(file: Path) -> None:
    with Journal(file, IN, "a"):
        pass
    with pytest.raises(OtherFolder, match="/in"):
        Journal(file, Path("/other"), "a")
    with Journal(file, IN, "a"):
        pass


def test_what_cannot_be_looked_at_is_found_as_that(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a")
    (tmp_path / "round.jpg").symlink_to("round.jpg")
    (tmp_path / "nowhere.jpg").symlink_to("absent.jpg")
    assert sorted((one.path, one.size) for one in pictures(tmp_path)) == [("a.jpg", 1), ("round.jpg", UNREADABLE)]

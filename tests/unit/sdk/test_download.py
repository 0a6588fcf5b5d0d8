"""Fetching against an origin that misbehaves: resume, digests, stops, links in the way."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from gateway.sdk import errors
from gateway.sdk.destination import Destination
from gateway.sdk.download import Fetched, download
from gateway.sdk.patience import ASKING
from gateway.sdk.records import Item, Manifest
from gateway.sdk.transport import Transport
from tests.unit.sdk.origin import Answer, Asked, Origin, item, manifest, problem, ranged

CONTENT = bytes(range(256)) * 1000
FILE = item("deep/er/a.bin", CONTENT)


@pytest.fixture
def transport(origin: Origin) -> Iterator[Transport]:
    opened = Transport(origin.url, "hbg_t", "en", ASKING)
    yield opened
    opened.close()


def fetch(transport: Transport, to: Path, *items: Item, include: Sequence[str] = ()) -> Fetched:
    return download(transport, lambda: manifest(*items), to, include=include, progress=False)


def leave_part(to: Path, sha256: str, content: bytes) -> Path:
    """What a fetch that was killed leaves behind."""
    (to / ".hubgate").mkdir(parents=True)
    (to / ".hubgate" / "lock").touch()
    part = to / ".hubgate" / f"{sha256}.part"
    part.write_bytes(content)
    return part


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_a_file_arrives_and_nothing_else_stays(origin: Origin, transport: Transport, tmp_path: Path) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    fetched = fetch(transport, tmp_path / "set", FILE)
    assert (tmp_path / "set" / FILE.path).read_bytes() == CONTENT
    assert os.listdir(tmp_path / "set") == ["deep"]
    assert (fetched.files, fetched.size, fetched.kept) == (1, len(CONTENT), 0)
    assert origin.asked[0].path == f"/v1/assets/lab/set/versions/{'ab' * 20}/files/deep/er/a.bin"
    assert origin.asked[0].headers["accept-encoding"] == "identity"


def test_names_are_escaped_in_addresses_and_plain_on_disk(origin: Origin, transport: Transport, tmp_path: Path) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    fetch(transport, tmp_path, item("人脸 #1/50%?.jpg", CONTENT))
    assert origin.asked[0].path.endswith("/files/%E4%BA%BA%E8%84%B8%20%231/50%25%3F.jpg")
    assert (tmp_path / "人脸 #1" / "50%?.jpg").read_bytes() == CONTENT


def test_a_partial_file_is_resumed_under_the_tag_of_its_content(
    origin: Origin, transport: Transport, tmp_path: Path
) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    leave_part(tmp_path, FILE.sha256, CONTENT[:1000])
    fetch(transport, tmp_path, FILE)
    assert [asked.headers["range"] for asked in origin.asked] == ["bytes=1000-"]
    assert origin.asked[0].headers["if-range"] == f'"{FILE.sha256}"'
    assert (tmp_path / FILE.path).read_bytes() == CONTENT


@pytest.mark.parametrize("cuts", [[0], [1], [len(CONTENT) - 1], [100, 70_000]])
def test_wherever_the_connection_breaks_the_file_is_whole_in_the_end(
    origin: Origin, transport: Transport, tmp_path: Path, cuts: list[int]
) -> None:
    remaining = iter(cuts)

    def script(asked: Asked) -> Answer:
        answer = ranged(asked, CONTENT)
        cut = next(remaining, None)
        answer.cut = None if cut is None else cut - (len(CONTENT) - len(answer.body))
        return answer

    origin.script = script
    fetch(transport, tmp_path, FILE)
    assert (tmp_path / FILE.path).read_bytes() == CONTENT
    assert len(origin.asked) == len(cuts) + 1


def test_an_origin_that_ignores_ranges_is_read_from_the_start(
    origin: Origin, transport: Transport, tmp_path: Path
) -> None:
    origin.script = lambda asked: Answer(200, CONTENT)
    leave_part(tmp_path, FILE.sha256, b"other" * 10)
    fetch(transport, tmp_path, FILE)
    assert (tmp_path / FILE.path).read_bytes() == CONTENT
    assert len(origin.asked) == 1


@pytest.mark.parametrize("status", [206, 416])
def test_an_answer_to_another_range_is_dropped_and_the_whole_is_asked_for(
    origin: Origin, transport: Transport, tmp_path: Path, status: int
) -> None:
    def script(asked: Asked) -> Answer:
        if "range" in asked.headers:
            return Answer(status, CONTENT[:50], {"Content-Range": f"bytes 0-49/{len(CONTENT)}"})
        return Answer(200, CONTENT)

    origin.script = script
    leave_part(tmp_path, FILE.sha256, CONTENT[:100])
    fetch(transport, tmp_path, FILE)
    assert (tmp_path / FILE.path).read_bytes() == CONTENT


def test_a_part_with_wrong_bytes_is_deleted_and_the_file_fetched_anew_once(
    origin: Origin, transport: Transport, tmp_path: Path
) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    leave_part(tmp_path, FILE.sha256, b"x" * 100)
    fetch(transport, tmp_path, FILE)
    assert (tmp_path / FILE.path).read_bytes() == CONTENT
    assert [asked.headers.get("range") for asked in origin.asked] == ["bytes=100-", None]


@pytest.mark.parametrize("wrong", [CONTENT[:-1] + b"x", CONTENT + b"x"])
def test_bytes_that_stay_wrong_are_an_error_and_never_get_a_name(
    origin: Origin, transport: Transport, tmp_path: Path, wrong: bytes
) -> None:
    origin.script = lambda asked: Answer(200, wrong)
    with pytest.raises(errors.WrongBytes, match=r"deep/er/a\.bin"):
        fetch(transport, tmp_path, FILE)
    assert len(origin.asked) == 2
    assert names(tmp_path) == []


def test_an_answer_that_is_too_short_does_not_pass_for_the_file(
    origin: Origin, transport: Transport, tmp_path: Path
) -> None:
    origin.script = lambda asked: Answer(200, CONTENT[:-1]) if len(origin.asked) == 1 else ranged(asked, CONTENT)
    fetch(transport, tmp_path, FILE)
    assert (tmp_path / FILE.path).read_bytes() == CONTENT
    assert origin.asked[1].headers["range"] == f"bytes={len(CONTENT) - 1}-"


def test_an_equal_file_is_kept_and_a_different_one_replaced(
    origin: Origin, transport: Transport, tmp_path: Path
) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    other = item("b.bin", CONTENT[::-1])
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / FILE.path).write_bytes(b"x" * FILE.size)
    (tmp_path / "b.bin").write_bytes(CONTENT[::-1])
    fetched = fetch(transport, tmp_path, FILE, other)
    assert fetched.kept == 1
    assert len(origin.asked) == 1
    assert (tmp_path / FILE.path).read_bytes() == CONTENT


def test_equal_contents_come_once_and_stand_in_all_their_places(
    origin: Origin, transport: Transport, tmp_path: Path
) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    fetch(transport, tmp_path, FILE, item("b.bin", CONTENT), item("c.bin", CONTENT))
    assert len(origin.asked) == 1
    assert names(tmp_path) == ["b.bin", "c.bin", FILE.path]
    assert (tmp_path / "c.bin").read_bytes() == CONTENT


def test_an_empty_file_is_made(origin: Origin, transport: Transport, tmp_path: Path) -> None:
    fetch(transport, tmp_path, item("empty", b""))
    assert (tmp_path / "empty").read_bytes() == b""


def test_globs_choose_and_one_that_matches_nothing_is_told(
    origin: Origin, transport: Transport, tmp_path: Path
) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    fetch(transport, tmp_path, FILE, item("b.jpg", CONTENT), include=["*.jpg"])
    assert names(tmp_path) == ["b.jpg"]
    with pytest.raises(errors.Misused, match=r"\*\.tiff"):
        fetch(transport, tmp_path, FILE, include=["*.tiff"])


@pytest.mark.parametrize("code", ["revoked", "held"])
def test_a_stop_of_the_version_leaves_no_partial_file(
    origin: Origin, transport: Transport, tmp_path: Path, code: str
) -> None:
    origin.script = lambda asked: problem(451, code, notice_url="https://gw/notices/7")
    part = leave_part(tmp_path, "cd" * 32, b"of an earlier run")
    with pytest.raises(errors.Stopped, match="https://gw/notices/7"):
        fetch(transport, tmp_path, FILE, item("b.bin", b"bytes"))
    assert not part.exists()
    assert names(tmp_path) == []


def test_a_stop_that_is_known_before_the_first_byte_leaves_no_partial_file_either(
    transport: Transport, tmp_path: Path
) -> None:
    def stopped() -> Manifest:
        raise errors.Stopped("revoked", status=451, detail="", notice="https://gw/notices/7", what="lab/set")

    part = leave_part(tmp_path, FILE.sha256, b"begun")
    with pytest.raises(errors.Stopped):
        download(transport, stopped, tmp_path, include=(), progress=False)
    assert not part.exists()


def test_a_stopped_item_ends_the_run_and_loses_its_own_part_alone(
    origin: Origin, transport: Transport, tmp_path: Path
) -> None:
    origin.script = lambda asked: problem(451, "item-withheld")
    leave_part(tmp_path, FILE.sha256, CONTENT[:10])
    kept = tmp_path / ".hubgate" / f"{'cd' * 32}.part"
    kept.write_bytes(b"another")
    with pytest.raises(errors.Stopped):
        fetch(transport, tmp_path, FILE)
    assert kept.exists()
    assert not (tmp_path / ".hubgate" / f"{FILE.sha256}.part").exists()


def test_one_failure_ends_the_others_and_a_stop_outweighs_it(
    origin: Origin, transport: Transport, tmp_path: Path
) -> None:
    both = threading.Barrier(2, timeout=20)

    def script(asked: Asked) -> Answer:
        both.wait()
        return problem(451, "revoked") if asked.path.endswith("b.bin") else problem(404, "not-found")

    origin.script = script
    with pytest.raises(errors.Stopped):
        fetch(transport, tmp_path, FILE, item("b.bin", b"bytes"))


def test_a_path_that_leads_out_is_refused_before_anything_is_asked_for(
    origin: Origin, transport: Transport, tmp_path: Path
) -> None:
    with pytest.raises(errors.UnsafePath):
        fetch(transport, tmp_path / "set", FILE, item("../out", b"bytes"))
    assert origin.asked == []
    assert names(tmp_path) == []


def test_no_link_below_the_destination_is_followed(origin: Origin, transport: Transport, tmp_path: Path) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    outside, inside = tmp_path / "outside", tmp_path / "set"
    outside.mkdir()
    inside.mkdir()
    (inside / "deep").symlink_to(outside)
    with pytest.raises(errors.UnsafePath, match="link"):
        fetch(transport, inside, FILE)
    assert names(outside) == []


def test_a_link_in_the_place_of_a_file_is_replaced_and_its_target_untouched(
    origin: Origin, transport: Transport, tmp_path: Path
) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    target, inside = tmp_path / "target", tmp_path / "set"
    target.write_bytes(CONTENT)
    inside.mkdir()
    (inside / "a.bin").symlink_to(target)
    fetch(transport, inside, item("a.bin", CONTENT))
    assert not (inside / "a.bin").is_symlink()
    assert target.read_bytes() == CONTENT


def test_a_link_in_the_place_of_a_partial_file_is_not_followed(
    origin: Origin, transport: Transport, tmp_path: Path
) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    part = leave_part(tmp_path / "set", FILE.sha256, b"")
    part.unlink()
    part.symlink_to(target)
    with pytest.raises(OSError):
        fetch(transport, tmp_path / "set", FILE)
    assert target.read_bytes() == b"precious"


def test_a_folder_in_the_place_of_a_file_is_an_error(origin: Origin, transport: Transport, tmp_path: Path) -> None:
    origin.script = lambda asked: ranged(asked, CONTENT)
    (tmp_path / FILE.path).mkdir(parents=True)
    with pytest.raises(errors.UnsafePath):
        fetch(transport, tmp_path, FILE)


def test_too_little_space_is_told_before_the_first_byte(origin: Origin, transport: Transport, tmp_path: Path) -> None:
    huge = Item(path="huge", size=1 << 62, sha256="0" * 64, media_type="x")
    with pytest.raises(errors.NoSpace, match="--to"):
        fetch(transport, tmp_path, huge)
    assert origin.asked == []


def test_two_fetches_do_not_write_to_one_folder(origin: Origin, transport: Transport, tmp_path: Path) -> None:
    with Destination(tmp_path).locked(), pytest.raises(errors.FolderBusy):
        fetch(transport, tmp_path, FILE)
    origin.script = lambda asked: ranged(asked, CONTENT)
    fetch(transport, tmp_path, FILE)
    assert names(tmp_path) == [FILE.path]


def test_a_refusal_is_not_tried_again(origin: Origin, transport: Transport, tmp_path: Path) -> None:
    origin.script = lambda asked: problem(403, "terms-required", asset="lab/set")
    with pytest.raises(errors.TermsNotAccepted):
        fetch(transport, tmp_path, FILE)
    assert len(origin.asked) == 1

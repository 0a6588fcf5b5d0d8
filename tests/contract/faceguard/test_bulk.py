"""`faceguard blur` over folders: by the real command, killed for real."""

import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.gateways import heeds_interrupts

COMMAND = [sys.executable, "-c", "from faceguard.cli import main; main()", "blur"]


class Folders:
    """IN, OUT and what a run keeps beside OUT."""

    def __init__(self, root: Path) -> None:
        self.source, self.target, self.state = root / "in", root / "out", root / "out.faceguard"
        self.source.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "LANG": "en_US.UTF-8",
            "PYTHONUTF8": "1",
            "TERMINAL_WIDTH": "300",
            "XDG_DATA_HOME": str(root / "home"),
        }

    def draw(self, name: str, shade: int = 90, size: tuple[int, int] = (40, 30)) -> Path:
        """A small picture; so small that it is covered whole, which takes a millisecond or two."""
        file = self.source / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (shade, 255 - shade, 120)).save(file)
        return file

    def start(self, *options: str) -> subprocess.Popen[str]:
        command = [*COMMAND, str(self.source), str(self.target), *options]
        return subprocess.Popen(
            command, env=self.environment, stderr=subprocess.PIPE, text=True, preexec_fn=heeds_interrupts
        )

    def blur(self, *options: str, status: int = 0) -> str:
        with self.start(*options) as process:
            _, told = process.communicate(timeout=150)
        assert process.returncode == status, told
        return told

    def copies(self) -> dict[str, tuple[int, bytes]]:
        """Every file in OUT: when it was written, and its bytes."""
        files = [path for path in self.target.rglob("*") if path.is_file()]
        return {
            path.relative_to(self.target).as_posix(): (path.stat().st_mtime_ns, path.read_bytes()) for path in files
        }

    def report(self) -> dict:
        return json.loads((self.state / "report.json").read_text())


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def test_a_second_run_rests(folders: Folders) -> None:
    folders.draw("a.png")
    folders.draw("deep/b.png")
    folders.blur()
    before = folders.copies()
    assert set(before) == {"a.jpg", "deep/b.jpg"}
    told = folders.blur()
    assert "2 pictures: 2 were done before, 0 written, 0 refused." in told
    assert folders.copies() == before


def test_only_what_is_new_changed_or_lost_is_done_again(folders: Folders) -> None:
    for name in ("same.png", "changed.png", "lost.png", "cut.png"):
        folders.draw(name)
    folders.blur()
    before = folders.copies()
    folders.draw("changed.png", shade=200)
    folders.draw("new.png")
    (folders.target / "lost.jpg").unlink()
    (folders.target / "cut.jpg").write_bytes(before["cut.jpg"][1][:100])
    assert "5 pictures: 1 were done before, 4 written" in folders.blur()
    after = folders.copies()
    assert after["same.jpg"] == before["same.jpg"]
    assert after["lost.jpg"][1] == before["lost.jpg"][1], "the noise of a picture is always the same"
    assert after["cut.jpg"][1] == before["cut.jpg"][1]
    assert after["changed.jpg"][1] != before["changed.jpg"][1]


def test_other_settings_do_everything_anew(folders: Folders) -> None:
    folders.draw("a.png", size=(400, 40))
    folders.blur("--preview", "300")
    assert "0 were done before, 1 written" in folders.blur("--preview", "200")
    with Image.open(folders.target / "a.jpg") as image:
        assert image.width == 200


def test_a_picture_that_is_refused_now_loses_the_copy_it_had(folders: Folders) -> None:
    folders.draw("a.png")
    (folders.target / "mine").mkdir(parents=True)
    (folders.target / "mine" / "foreign.jpg").write_bytes(b"not ours")
    (folders.target / "b.jpg").write_bytes(b"not ours either")
    folders.blur()
    for name in ("a.png", "b.png"):
        (folders.source / name).write_bytes(b"no picture any more")
    folders.blur(status=3)
    assert set(folders.copies()) == {"mine/foreign.jpg", "b.jpg"}
    folders.blur(status=3)  # nothing is done again, but the folder is still not whole


def test_the_report_names_what_it_was_not_sure_of(folders: Folders) -> None:
    folders.draw("sure.png", size=(400, 100))
    folders.draw("whole.png")
    folders.draw("bad.png").write_bytes(b"BM not really")
    told = folders.blur(status=3)
    assert "bad.png: The picture" in told
    report = folders.report()
    assert report["this_run"]["found"] == 3
    unsure = {entry["path"]: entry for entry in report["unsure"]}
    assert unsure["bad.png"]["doubts"] == ["refused"]
    assert unsure["bad.png"]["why"] == "unreadable"
    assert unsure["whole.png"]["doubts"] == ["much_covered"]
    assert unsure["whole.png"]["copy"] == "whole.jpg"
    assert "sure.png" not in unsure
    assert report["doubts"]["refused"] == 1
    assert report["settings"]["preview_px"] == 512


def test_a_file_that_cannot_be_read_is_named_and_tried_again(folders: Folders) -> None:
    file = folders.draw("a.png")
    data = file.read_bytes()
    file.unlink()
    file.symlink_to("/sys/devices/system/cpu/online")  # the kernel says 4096 bytes and gives fewer
    assert "a.png: The file cannot be read" in folders.blur(status=3)
    assert folders.report()["unsure"][0]["doubts"] == ["unread"]
    file.unlink()
    file.write_bytes(data)
    assert "1 written, 0 refused" in folders.blur()


@pytest.mark.parametrize("seed", range(2))
def test_a_run_that_is_killed_goes_on_where_it_was(folders: Folders, tmp_path: Path, seed: int) -> None:
    pictures = 200
    for number in range(pictures):
        folders.draw(f"{number % 7}/{number:03}.png", shade=number % 250)
    kills = 0
    while kills < 2:
        process = folders.start("--jobs", "2")
        wanted = (kills + 1) * pictures // 4
        while sum(1 for _ in folders.target.rglob("*.jpg")) < wanted and process.poll() is None:
            time.sleep(0.005)
        time.sleep(random.Random(seed * 10 + kills).uniform(0, 0.05))
        workers = _children(process.pid)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        for worker in workers:
            while Path(f"/proc/{worker}/cwd").exists():
                time.sleep(0.01)
        kills += 1
        for _, data in folders.copies().values():
            assert (data[:2], data[-2:]) == (b"\xff\xd8", b"\xff\xd9"), "nothing is half there"
    before = folders.copies()
    told = folders.blur("--jobs", "2")
    rested = int(told.split(" were done before")[0].split()[-1])
    after = folders.copies()
    assert len(after) == pictures
    again = sum(after[name] != before[name] for name in before)
    assert again <= 4 * kills, "no more is done twice than was in the works at a kill"
    assert rested >= len(before) - 4 * kills
    assert not list(folders.state.glob("*.half"))
    whole = Folders(_made(tmp_path / "whole"))
    whole.environment = folders.environment
    os.rmdir(whole.source)
    os.rename(folders.source, whole.source)
    whole.blur("--jobs", "2")
    assert {name: data for name, (_, data) in whole.copies().items()} == {
        name: data for name, (_, data) in after.items()
    }


def test_leavings_of_a_kill_are_swept_away(folders: Folders) -> None:
    folders.draw("a.png")
    folders.state.mkdir()
    (folders.state / ".00112233.half").write_bytes(b"half a picture")
    folders.blur()
    assert sorted(path.name for path in folders.state.iterdir()) == ["journal.db", "lock", "report.json"]


def test_two_runs_on_one_folder_do_not_mix(folders: Folders) -> None:
    folders.draw("a.png")
    folders.blur()
    with (folders.state / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Another run is at work" in folders.blur(status=1)
    folders.blur()


@pytest.mark.parametrize("place", [".", ".."])
def test_a_folder_is_never_blurred_into_itself_or_above(folders: Folders, place: str) -> None:
    picture = folders.draw("deep/a.png")
    before = picture.read_bytes()
    folders.target = folders.source / place
    assert "must not be IN itself" in folders.blur(status=2)
    assert picture.read_bytes() == before


def test_a_picture_is_never_replaced_by_its_own_copy(folders: Folders) -> None:
    folders.target = picture = folders.draw("a.png")
    folders.source = picture
    before = picture.read_bytes()
    folders.blur(status=2)
    assert picture.read_bytes() == before


def test_the_copies_may_lie_below_the_pictures(folders: Folders) -> None:
    folders.draw("a.png")
    folders.target = folders.source / "blurred"
    folders.blur()
    told = folders.blur()
    assert "1 pictures: 1 were done before" in told
    assert set(folders.copies()) == {"a.jpg"}


def test_a_folder_of_originals_below_the_pictures_is_no_place_for_copies(folders: Folders) -> None:
    folders.draw("a.jpg")
    before = folders.draw("more/a.jpg", shade=10).read_bytes()
    folders.target, folders.state = folders.source / "more", folders.source / "more.faceguard"
    told = folders.blur("--lang", "en", status=2)
    assert "lies in IN and holds pictures already" in told
    assert folders.copies()["a.jpg"][1] == before
    (folders.target / "a.jpg").unlink()
    folders.blur()
    folders.draw("b.jpg")
    folders.blur()  # its own copies are no hindrance
    assert set(folders.copies()) == {"a.jpg", "b.jpg"}


def test_without_a_place_for_a_key_it_works_all_the_same(folders: Folders) -> None:
    folders.draw("a.png")
    folders.environment["XDG_DATA_HOME"] = "/proc/no-such-place"
    folders.blur()
    assert set(folders.copies()) == {"a.jpg"}


def test_the_key_is_for_its_owner_alone_and_not_in_the_journal(folders: Folders) -> None:
    folders.draw("a.png")
    folders.blur()
    (file,) = Path(folders.environment["XDG_DATA_HOME"]).rglob("key")
    assert file.stat().st_mode & 0o777 == 0o600
    key = file.read_bytes()
    for path in (*folders.state.iterdir(), *folders.target.iterdir()):
        assert key not in path.read_bytes()
        assert key.hex().encode() not in path.read_bytes()


def test_ctrl_c_ends_a_run_that_then_goes_on(folders: Folders) -> None:
    for number in range(300):
        folders.draw(f"{number}.png")
    process = folders.start()
    while sum(1 for _ in folders.target.glob("*.jpg")) < 5:
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode not in {0, 3}
    done = len(folders.copies())
    assert folders.report()["this_run"]["shown"] <= done < 300
    assert f"{300 - folders.report()['this_run']['shown']} written, 0 refused" in folders.blur()


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_another_folder_does_not_go_on_from_this_ones_journal(folders: Folders, tmp_path: Path) -> None:
    folders.draw("a.png")
    folders.blur()
    before = folders.copies()
    folders.source.rename(tmp_path / "former")
    folders.source = tmp_path / "another"
    folders.source.mkdir()
    folders.draw("a.png", shade=10)
    assert f"belongs to another folder ({tmp_path / 'in'})" in folders.blur(status=1)
    assert folders.copies() == before


def test_what_cannot_be_looked_at_is_named_and_the_rest_is_done(folders: Folders) -> None:
    folders.draw("a.png")
    (folders.source / "round.png").symlink_to("round.png")
    folders.draw(f"{'n' * 251}.png")
    folders.draw(f"{'n' * 251}.gif")  # its copy would have too long a name
    told = folders.blur(status=3)
    assert f"{folders.source / 'round.png'}: The file cannot be read" in told
    assert len(folders.copies()) == 2
    unread = [entry for entry in folders.report()["unsure"] if "unread" in entry["doubts"]]
    assert len(unread) == 2
    assert all("copy" not in entry for entry in unread)


def test_a_link_in_out_does_not_lead_to_the_originals(folders: Folders) -> None:
    original = folders.draw("deep/a.jpg")
    kept = original.read_bytes()
    folders.target.mkdir()
    (folders.target / "deep").symlink_to(original.parent)
    assert "leads out of the folder" in folders.blur(status=3)
    assert original.read_bytes() == kept


def test_a_copy_outlives_a_fault_of_the_machine(folders: Folders) -> None:
    original = folders.draw("a.png")
    folders.blur()
    before = folders.copies()
    original.unlink()
    original.symlink_to("a.png")  # it cannot be read for a while
    folders.blur(status=3)
    assert folders.copies() == before
    original.unlink()
    original.write_bytes(b"no picture")
    folders.blur(status=3)
    assert folders.copies() == {}


def test_journal_and_report_may_lie_on_another_disk(folders: Folders, tmp_path: Path) -> None:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one disk alone")
    folders.draw("a.png")
    with tempfile.TemporaryDirectory(dir=shared) as state:
        folders.state = Path(state)
        folders.blur("--state", state)
        assert folders.report()["this_run"]["shown"] == 1


def test_names_do_not_command_the_terminal(folders: Folders) -> None:
    (folders.source / "\x1b[31mred.png").write_bytes(b"no picture")
    told = folders.blur(status=3)
    assert "\x1b" not in told
    assert "\\x1b[31mred.png" in told


def test_a_refused_picture_removes_nothing_through_a_link_in_out(folders: Folders) -> None:
    original = folders.draw("deep/a.jpg")
    folders.blur()
    (folders.target / "deep" / "a.jpg").unlink()
    (folders.target / "deep").rmdir()
    (folders.target / "deep").symlink_to(original.parent)
    original.write_bytes(b"no picture")
    folders.blur(status=3)
    assert original.read_bytes() == b"no picture"


def test_a_journal_that_is_none_is_named(folders: Folders) -> None:
    folders.draw("a.png")
    folders.state.mkdir()
    (folders.state / "journal.db").write_bytes(b"no journal")
    assert f"Stopped: {folders.state / 'journal.db'}: file is not a database" in folders.blur(status=1)


def test_a_report_that_is_not_of_a_run_is_not_replaced(folders: Folders) -> None:
    folders.draw("a.png")
    folders.state.mkdir()
    (folders.state / "report.json").write_bytes(b"mine")
    assert f"{folders.state / 'report.json'} is of no run" in folders.blur(status=2)
    assert [(file.name, file.read_bytes()) for file in folders.state.iterdir()] == [("report.json", b"mine")]


def test_a_copy_that_cannot_be_written_is_not_called_a_picture_that_cannot_be_read(folders: Folders) -> None:
    folders.draw("a.png")
    place = folders.target / "a.jpg"
    place.mkdir(parents=True)
    told = folders.blur(status=3)
    assert f"{folders.source / 'a.png'}: {place} cannot be written (no plain file)" in told
    assert folders.report()["unsure"][0]["trouble"] == f"no plain file: {place}"

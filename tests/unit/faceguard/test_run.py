"""Runs over a folder with a guard that says what the test wants."""

import json
import os
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest

from faceguard.bulk.run import NothingWorks, Run
from faceguard.result import Blurred, Refused, Why
from faceguard.source import Source
from faceguard.worker import Guard

SHOWN = Blurred(jpeg=b"a preview", width=64, height=48, faces=0, covered=0.0)


class Says:
    """Stands in for a guard. answers: by the bytes of the picture; whatever else is shown."""

    workers = 1

    def __init__(self, **answers: Refused) -> None:
        self._answers = answers

    def preview(self, picture: Source) -> Blurred | Refused:
        return self._answers.get(picture.read(0, picture.size).decode(), SHOWN)


class Folders:
    """IN, OUT and what a run keeps beside OUT."""

    def __init__(self, root: Path) -> None:
        self.source, self.target, self.state = root / "in", root / "out", root / "out.faceguard"
        self.source.mkdir()

    def run(self, **answers: Refused) -> Run:
        run = Run(self.source, self.target, self.state, cast(Guard, Says(**answers)), {})
        for _ in run.steps(lambda found: None, lambda: None):
            pass
        return run

    def put(self, *names: str) -> None:
        for name in names:
            file = self.source / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(file.stem)

    def report(self) -> dict[str, Any]:
        return json.loads((self.state / "report.json").read_text())


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def test_no_folder_is_made_through_a_link_that_leads_out_of_out(folders: Folders, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folders.target.mkdir()
    (folders.target / "deep").symlink_to(elsewhere)
    folders.put("deep/er/a.png")
    assert folders.run().tally.refused == 1
    assert list(elsewhere.iterdir()) == []


def test_a_link_round_in_a_circle_costs_the_copies_below_it_alone(folders: Folders) -> None:
    folders.target.mkdir()
    (folders.target / "deep").symlink_to("deep")
    folders.put("deep/a.png", "b.png")
    tally = folders.run().tally
    assert (tally.shown, tally.refused) == (1, 1)


def test_a_picture_that_wants_an_optional_package_keeps_its_copy_and_is_tried_again(folders: Folders) -> None:
    folders.put("a.heic")
    folders.run()
    folders.source.joinpath("a.heic").write_text("changed")
    wants = folders.run(changed=Refused(Why.NOT_INSTALLED))
    assert (wants.tally.refused, wants.tally.withheld) == (1, 1)
    assert (folders.target / "a.jpg").read_bytes() == SHOWN.jpeg
    installed = folders.run()
    assert (installed.tally.rested, installed.tally.shown, installed.tally.withheld) == (0, 1, 0)


@pytest.mark.parametrize("why", [Why.NO_DETECTOR, Why.UNCONFINED])
def test_a_run_that_can_do_nothing_leaves_the_earlier_report(folders: Folders, why: Why) -> None:
    folders.put("a.png", "b.png")
    folders.run(b=Refused(Why.UNREADABLE))
    before = folders.report()
    folders.put("0.png")
    with pytest.raises(NothingWorks):
        folders.run(**{"0": Refused(why)})
    assert folders.report() == before


def test_a_run_that_did_something_before_nothing_worked_reports_it(folders: Folders) -> None:
    folders.put("a.png", "b.png", "c.png", "z.png")  # z is begun when another is done: there are three threads
    with pytest.raises(NothingWorks):
        folders.run(z=Refused(Why.NO_DETECTOR))
    assert folders.report()["this_run"]["shown"] > 0


def test_the_report_names_copies_whose_original_is_gone(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    folders.put("here.png", "deep/gone.png", "gone too.png", "refused.png", "shut/unseen.png", "a pipe now.png")
    folders.run(refused=Refused(Why.UNREADABLE))
    assert folders.report()["without_original"] == []
    for name in ("deep/gone.png", "gone too.png", "refused.png", "a pipe now.png"):
        (folders.source / name).unlink()
    os.mkfifo(folders.source / "a pipe now.png")
    (folders.target / "gone too.jpg").unlink()
    # Whoever may not look into a folder does not know whether its pictures are gone; root always may.
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: _shut() if Path(path).name == "shut" else scandir(path))
    for _ in range(2):
        folders.run()
        assert folders.report()["without_original"] == [
            {"path": "a pipe now.png", "copy": "a pipe now.jpg"},
            {"path": "deep/gone.png", "copy": "deep/gone.jpg"},
        ]
    folders.put("deep/gone.png")
    folders.run()
    assert [entry["path"] for entry in folders.report()["without_original"]] == ["a pipe now.png"]


def _shut() -> NoReturn:
    raise PermissionError(13, "Permission denied")

"""A run over a folder: every picture in it blurred into another folder, as far as that has not been done before."""

import errno
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from faceguard.bulk.journal import Journal, Line, Outcome
from faceguard.bulk.place import sweep, writing
from faceguard.bulk.report import Tally, write_report
from faceguard.bulk.walk import pictures
from faceguard.result import NOT_THE_PICTURE, Blurred, Refused, Why
from faceguard.source import OpenFile
from faceguard.spread import spread
from faceguard.worker import Guard

SPARE = 2
"""Threads beyond the workers: they read and write files while every worker computes."""

JOURNAL, REPORT = "journal.db", "report.json"
"""Their names in the folder of a run's state."""

NOWHERE = frozenset({Why.NO_DETECTOR, Why.UNCONFINED})
"""Reasons for which no picture at all would be shown."""


ITS_OWN = frozenset({errno.EEXIST, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR})
"""Troubles of one copy's place: the other copies are written all the same."""


class AtWork(Exception):
    """Another run is at work on the same folder."""


class NothingWorks(Exception):
    """Every picture would be refused, for a reason that lies in the machine: ``why``."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True)
class Done:
    """A picture that is done. path: below the folder. result: what came of it; None when the file could not be read.

    trouble: why it could not. place: of the copy, when that could not be written instead.
    """

    path: str
    result: Blurred | Refused | None
    trouble: str = ""
    place: Path | None = None


class Run:
    """From ``source`` to ``target``, two folders; the target may lie in the source, but not the source in the target.

    state: the folder of the journal, the report and whatever is not whole; only whole previews ever lie in ``target``.
    settings: all that a preview hangs on besides its picture; when they change, everything is done anew.
    """

    def __init__(self, source: Path, target: Path, state: Path, guard: Guard, settings: Mapping[str, object]) -> None:
        self._source = source
        self._target = target
        self.state = state
        self._guard = guard
        self._settings = settings
        self.report = state / REPORT
        self.tally = Tally()

    def steps(self, on_found: Callable[[int], object], on_rest: Callable[[], object]) -> Iterator[Done]:
        """Do everything that is to be done, picture by picture as each is ready, and write the report at the end.

        on_found: told how many pictures there are. on_rest: called for each that an earlier run has done.
        A caller that stops early, or is killed, loses what was in the works; the next run goes on from there.
        Raises AtWork, NothingWorks, OtherFolder; OSError or sqlite3.Error when a folder, the journal or the disk fails.
        """
        self._target.mkdir(parents=True, exist_ok=True)
        self.state.mkdir(parents=True, exist_ok=True)
        half = self.state if self._on_one_disk() else self._target
        try:
            with (
                FileLock(self.state / "lock", timeout=0),
                Journal(self.state / JOURNAL, self._source, _digest(self._settings), self._free) as journal,
            ):
                sweep(half)
                self.tally.found = journal.see(pictures(self._source, self._target, self.state))
                on_found(self.tally.found)
                worked = True
                try:
                    yield from self._through(journal, half, on_rest)
                except NothingWorks:
                    worked = self.tally.shown + self.tally.refused > 0
                    raise
                finally:
                    if worked:  # else what an earlier run reported stands
                        write_report(self.report, journal, self._settings, self.tally, self._has_no_original)
        except Timeout as error:
            raise AtWork(str(self.state)) from error

    def _through(self, journal: Journal, half: Path, on_rest: Callable[[], object]) -> Iterator[Done]:
        def rested() -> None:
            self.tally.rested += 1
            on_rest()

        def work(line: Line) -> tuple[Line, Done]:
            return line, self._one(line, half)

        to_do = journal.to_do(self._holds, rested)
        with closing(spread(work, to_do, threads=self._guard.workers + SPARE)) as results:
            for line, done in results:
                match done.result:
                    case Blurred():
                        self.tally.shown += 1
                        journal.record(line, _facts(done.result), final=True)
                    case Refused(why) if why in NOWHERE:
                        raise NothingWorks(why)
                    case Refused(why):
                        self.tally.refused += 1
                        former = _copied(line) if why in NOT_THE_PICTURE else {}
                        journal.record(line, {**former, "why": why.value}, final=why not in NOT_THE_PICTURE)
                    case None:
                        self.tally.refused += 1
                        trouble = f"{done.trouble}: {done.place}" if done.place else done.trouble
                        journal.record(line, {**_copied(line), "trouble": trouble}, final=False)
                yield done

    def _one(self, line: Line, half: Path) -> Done:
        place = self._target / line.place
        try:
            with OpenFile(self._source / line.path) as picture:
                result = self._guard.preview(picture)
        except OSError as error:
            result, trouble = None, error.strerror or str(error)
        else:
            trouble = ""
        match result:
            case Blurred():
                try:
                    self._write(place, half, result.jpeg)
                except OSError as error:
                    if error.errno not in ITS_OWN:
                        raise
                    return Done(line.path, None, error.strerror or str(error), place)
            case Refused(why) if why not in NOT_THE_PICTURE and _copied(line) and self._is_own(place):
                place.unlink(missing_ok=True)  # made of an earlier picture of that name, or with less careful settings
        return Done(line.path, result, trouble)

    def _is_own(self, place: Path) -> bool:
        """A plain file of the target: no link there leads to the originals."""
        return os.path.isfile(place) and self._stays_in(place.parent)

    def _stays_in(self, folder: Path) -> bool:
        """No link in the target leads out of it, perhaps to the originals. The folder need not be there yet."""
        return Path(os.path.realpath(folder)).is_relative_to(self._target)

    def _write(self, place: Path, half: Path, jpeg: bytes) -> None:
        if not self._stays_in(place.parent):  # asked before folders are made: those too would be made elsewhere
            raise OSError(errno.ELOOP, "leads out of the folder")
        place.parent.mkdir(parents=True, exist_ok=True)
        with writing(place, half) as sink:
            sink.write(jpeg)

    def _holds(self, line: Line) -> bool:
        """The copy that was made is still there; what was refused leaves none."""
        size = (line.outcome or {}).get("bytes")
        if size is None:
            return True
        try:
            return bool((self._target / line.place).stat().st_size == size)
        except OSError:
            return False

    def _has_no_original(self, line: Line) -> bool:
        """The copy is there and its picture is not. Of one that may not be looked at nobody knows."""
        if not _copied(line) or not self._is_own(self._target / line.place):
            return False
        try:
            return not stat.S_ISREG((self._source / line.path).stat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False

    def _free(self, place: str) -> bool:
        return not os.path.isdir(self._source / place)

    def _on_one_disk(self) -> bool:
        return self.state.stat().st_dev == self._target.stat().st_dev


def _copied(line: Line) -> Outcome:
    """What is known of the copy that an earlier run made."""
    return {key: value for key, value in (line.outcome or {}).items() if key == "bytes"}


def _facts(result: Blurred) -> Outcome:
    return {"bytes": len(result.jpeg), "faces": result.faces, "covered": result.covered, "alarms": result.alarms}


def _digest(settings: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

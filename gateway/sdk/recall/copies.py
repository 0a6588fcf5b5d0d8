"""What a notice means for this machine: which listed files it calls back, and what became of each digest."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from gateway.sdk.holdings import EXTRACTED, UNFINISHED, Copy, Holdings
from gateway.sdk.recall.feed import Notice
from gateway.sdk.recall.purge import ASIDE, Done, Listed, Result, delete, discard, move
from gateway.sdk.store import Store
from gateway.sdk.wire import Outcome

GRAVEST = (Outcome.LOCKED, Outcome.MODIFIED, Outcome.KEPT_BY_LAW, Outcome.ABSENT, Outcome.DELETED)
_OUTCOME = {
    Done.DELETED: Outcome.DELETED,
    Done.MODIFIED: Outcome.MODIFIED,
    Done.LOCKED: Outcome.LOCKED,
    Done.ASIDE: Outcome.LOCKED,
}


@dataclass(slots=True)
class Found:
    """What was done about one notice: each file with what became of it, and so each digest.

    `elsewhere`: places where a file that was deleted has further names that the SDK did not make. `missing`: places
    where a file was put and nothing is now, deleted or moved by somebody else. `away`: whether the folder of some is
    not there either, which may be a disk that will come back: these stay listed, and are not said to be deleted.
    """

    files: list[tuple[Path, Done]] = field(default_factory=list)
    elsewhere: list[Path] = field(default_factory=list)
    missing: list[Path] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    over: list[int] = field(default_factory=list)  # the listed copies that are gone
    away: bool = False

    def note(self, digest: str, place: Path, done: Done) -> None:
        if done is Done.ABSENT:
            return
        self.files.append((place, done))
        if done in _OUTCOME:
            self.worsen(digest, _OUTCOME[done])

    def worsen(self, digest: str, outcome: Outcome) -> None:
        """The gravest of what became of its copies is what became of the digest."""
        former = self.outcomes.get(digest)
        if former is None or GRAVEST.index(outcome) < GRAVEST.index(former):
            self.outcomes[digest] = outcome

    def counts(self, digests: Sequence[str]) -> dict[str, int]:
        """Of all digests of the notice, by outcome."""
        counted = Counter(self.outcomes.get(digest, Outcome.ABSENT) for digest in digests)
        return {outcome.value: counted[outcome] for outcome in Outcome}

    @property
    def undone(self) -> bool:
        """Whether something could not be done now and is to be tried again."""
        return any(done is Done.LOCKED for _, done in self.files)


class Copies:
    """Acts on the listed copies of one gateway."""

    def __init__(self, url: str, holdings: Holdings, store: Store, *, dry_run: bool) -> None:
        self._url = url
        self._holdings = holdings
        self._store = store
        self._dry_run = dry_run

    @cached_property
    def _contested(self) -> Mapping[int, Sequence[str]]:
        return self._holdings.contested()

    def delete(self, notice: Notice, digests: Sequence[str]) -> Found:
        """Delete every listed copy that the notice calls back, and the store's own."""
        found, links = Found(), _Links()
        wanted = frozenset(digests)
        copies = self._called_back(notice, digests)
        stored = self._stored(notice, digests)
        if not self._dry_run:
            # Written down first: a run that is killed after deleting is gone on with by one that says `deleted`.
            for digest in stored:
                self._drop_spoilt(self._store_places(digest))
            there = [copy.id for copy in copies if _is_there(self._where(copy))]
            self._holdings.set_going(there, [digest for digest in stored if _is_there(self._store_places(digest))])
            copies = self._called_back(notice, digests)
            self._discard_unfinished(stored)
        for copy in copies:
            if copy.kind == UNFINISHED:
                self._finish(copy, _digest(copy, wanted), found)
                continue
            done = self._delete(self._where(copy), _digest(copy, wanted), copy.place, found, links)
            if done == {Done.ABSENT} and copy.going:
                found.note(_digest(copy, wanted), copy.place, Done.DELETED)
            elif done == {Done.ABSENT} and not os.path.isdir(copy.folder):
                found.missing.append(copy.place)
                found.away = True
                found.worsen(_digest(copy, wanted), Outcome.ABSENT)
                continue
            elif done == {Done.ABSENT} and not _is_there(_places(copy)) and self._came(copy):
                found.missing.append(copy.place)
            if done <= {Done.DELETED, Done.ABSENT}:
                found.over.append(copy.id)
        going = {kept.sha256 for kept in self._holdings.contents_of(stored) if kept.going}
        named = {copy.content: copy.place for copy in copies}  # its owner knows no digest
        for digest in stored:
            places = self._store_places(digest)
            place = Path(places[0].folder, places[0].path)
            done = self._delete(places, digest, place, found, links, known_as=named.get(digest))
            if done == {Done.ABSENT} and digest in going:
                found.note(digest, place, Done.DELETED)
        found.elsewhere = links.unknown(self._known_places() if links else ())
        return found

    def forget(self, notice: Notice, digests: Sequence[str], found: Found) -> None:
        """What is gone is listed no more; to be said when the outcome is written down elsewhere.

        A content that stays in the store since another version has it is from now on that one's alone.
        """
        self._holdings.forget(found.over)
        over = (Outcome.DELETED, Outcome.ABSENT)
        gone = [digest for digest in digests if found.outcomes.get(digest, Outcome.ABSENT) in over]
        self._holdings.forget_contents(self._url, notice.versions, gone)

    def any_here(self, notice: Notice, digests: Sequence[str]) -> bool:
        """Whether there is anything that the notice calls back, or may be, on a disk that is away."""
        listed = self._called_back(notice, digests)
        if any(_is_there(self._where(copy)) or not os.path.isdir(copy.folder) for copy in listed):
            return True
        return any(_is_there(self._store_places(digest)) for digest in self._stored(notice, digests))

    def set_aside(self, notice: Notice, digests: Sequence[str]) -> Found:
        """Move every listed copy that the notice calls back into a quarantine beside it."""
        found, moved = Found(), list[int]()
        wanted = frozenset(digests)
        for copy in self._called_back(notice, digests):
            if _listed(copy) not in self._where(copy):
                continue
            result = move(_listed(copy), _aside(copy), Done.ASIDE, dry_run=self._dry_run)
            found.away |= not os.path.isdir(copy.folder)
            found.note(_digest(copy, wanted), copy.place, result.done)
            if result.done is Done.ASIDE:
                moved.append(copy.id)
        stored = self._stored(notice, digests)
        for digest in stored:
            here, there = self._store_places(digest)
            result = move(here, there.path, Done.ASIDE, dry_run=self._dry_run)
            found.note(digest, Path(here.folder, here.path), result.done)
        if not self._dry_run:
            self._discard_unfinished(stored)
            self._holdings.set_aside(moved, aside=True)
            self._holdings.set_contents_aside(stored, aside=True)
        return found

    def restore(self, notice: Notice, digests: Sequence[str], others: Iterable[tuple[Notice, Sequence[str]]]) -> Found:
        """Put back what lies aside for this notice, but for what one of `others` still concerns."""
        found, back = Found(), list[int]()
        still: set[int] = set()
        still_stored: set[str] = set()
        for other, theirs in others:
            still |= {copy.id for copy in self._called_back(other, theirs)}
            still_stored |= set(self._stored(other, theirs))
        wanted = frozenset(digests)
        for copy in self._called_back(notice, digests):
            if copy.id in still:
                continue
            aside = Listed(folder=copy.folder, path=_aside(copy), content=copy.content)
            result = self._put_back(aside, copy.path)
            found.away |= copy.aside and not os.path.isdir(copy.folder)
            found.note(_digest(copy, wanted), copy.place, result.done)
            if result.done is Done.RESTORED:
                back.append(copy.id)
        stored = [digest for digest in self._stored(notice, digests) if digest not in still_stored]
        for digest in stored:
            here, there = self._store_places(digest)
            self._put_back(there, here.path)
        if not self._dry_run:
            self._holdings.set_aside(back, aside=False)
            self._holdings.set_contents_aside(stored, aside=False)
        return found

    def _put_back(self, aside: Listed, path: str) -> Result:
        """To its path; where a fetch has put the same bytes there meanwhile, one of the two is enough."""
        result = move(aside, path, Done.RESTORED, dry_run=self._dry_run)
        there = replace(aside, path=path)
        if result.done is not Done.LOCKED or delete(there, dry_run=True).done is not Done.DELETED:
            return result
        gone = delete(aside, dry_run=self._dry_run)
        return replace(gone, done=Done.RESTORED) if gone.done is Done.DELETED else gone

    def keep(self, notice: Notice, digests: Sequence[str]) -> Found:
        """A duty forbids deleting: what there is stays, aside."""
        found = self.set_aside(notice, digests)
        wanted = frozenset(digests)
        found.outcomes.clear()
        for copy in self._called_back(notice, digests):
            if _is_there(self._where(copy)):
                found.outcomes[_digest(copy, wanted)] = Outcome.KEPT_BY_LAW
        for digest in self._stored(notice, digests):
            if _is_there(self._store_places(digest)):
                found.outcomes[digest] = Outcome.KEPT_BY_LAW
        return found

    def _called_back(self, notice: Notice, digests: Sequence[str]) -> list[Copy]:
        """What is listed of the digests; of what came out of a shard only what is called back for itself."""
        return [
            copy
            for copy in self._holdings.copies_of(self._url, notice.versions, digests)
            if copy.kind != EXTRACTED or copy.sha256 not in notice.shards or copy.content in digests
        ]

    def _finish(self, copy: Copy, digest: str, found: Found) -> None:
        """What an extraction left unfinished has no digest yet: its place is the SDK's own, so it goes as it is."""
        if not os.path.isdir(copy.folder):
            found.away = True
            return
        if _is_there((_listed(copy),)):
            if not self._dry_run:
                discard(copy.folder, copy.path)
            stays = not self._dry_run and _is_there((_listed(copy),))
            found.note(digest, copy.place, Done.LOCKED if stays else Done.DELETED)
            if stays:
                return
        found.over.append(copy.id)

    def _delete(
        self, places: Sequence[Listed], digest: str, place: Path, found: Found, links: "_Links",
        known_as: Path | None = None,
    ) -> set[Done]:  # fmt: skip
        """Delete a copy from wherever it lies; what became of it is told under the name `place`.

        `known_as` is the name that its owner knows, where that is another.
        """
        done: set[Done] = set()
        for listed in places:
            inode = _inode(Path(listed.folder, listed.path))
            result = delete(listed, dry_run=self._dry_run)
            if result.done is Done.LOCKED and result.done in done:
                continue  # one link on the way to both places is one thing to say
            found.note(digest, place, result.done)
            done.add(result.done)
            if result.done is Done.DELETED and inode is not None:
                links.deleted(inode, known_as or place, result.links + self._dry_run)
        return done

    def _came(self, copy: Copy) -> bool:
        """Whether the file was ever there: a fetch that was cut short has listed more than came."""
        return copy.kind == EXTRACTED or _is_there(self._store_places(copy.content))

    def _where(self, copy: Copy) -> Sequence[Listed]:
        """Where the copy may be. Not in its place when that has another listed content, of a fetch that came later."""
        listed, aside = _places(copy)
        others = (replace(listed, content=other) for other in self._contested.get(copy.id, ()))
        if any(delete(other, dry_run=True).done is Done.DELETED for other in others):
            return (aside,)
        return listed, aside

    def _drop_spoilt(self, places: tuple[Listed, Listed]) -> None:
        """Somebody wrote through a link to the store's content: the link keeps that, the name is the store's own."""
        for listed in places:
            if delete(listed, dry_run=True).done is Done.MODIFIED:
                discard(listed.folder, listed.path)

    def _stored(self, notice: Notice, digests: Sequence[str]) -> list[str]:
        """The digests whose content in the store is only there as one of the notice's versions."""
        ours: set[str] = set()
        others: set[str] = set()
        for kept in self._holdings.contents_of(digests):
            called = kept.url == self._url and kept.version in notice.versions
            (ours if called else others).add(kept.sha256)
        return sorted(ours - others)

    def _store_places(self, digest: str) -> tuple[Listed, Listed]:
        """Where the store has a content, and where when it lies aside."""
        home = str(self._store.home)
        here = Listed(folder=home, path=f"store/objects/{digest[:2]}/{digest}", content=digest)
        return here, Listed(folder=home, path=f"store/aside/{digest}", content=digest)

    def _discard_unfinished(self, digests: Sequence[str]) -> None:
        wanted = set(digests)
        try:
            names = os.listdir(self._store.partial)
        except OSError:
            return
        for name in names:
            if name.partition(".")[0] in wanted and not name.endswith(".lock"):
                discard(str(self._store.home), f"store/partial/{name}")

    def _known_places(self) -> Iterator[Path]:
        """Where the SDK itself has files that were not called back."""
        for copy in self._holdings.copies():
            yield from (Path(listed.folder, listed.path) for listed in _places(copy))
        for digest in {kept.sha256 for kept in self._holdings.contents()}:
            yield from (Path(listed.folder, listed.path) for listed in self._store_places(digest))


class _Links:
    """Names that deleted files still have. Hard links that the SDK made to a content are no news; others are."""

    def __init__(self) -> None:
        self._left: dict[tuple[int, int], tuple[Path, int]] = {}

    def __bool__(self) -> bool:
        return any(links > 0 for _, links in self._left.values())

    def deleted(self, inode: tuple[int, int], place: Path, links: int) -> None:
        """A name of the file is gone and `links` are left; what the last one says counts."""
        self._left[inode] = place, links

    def unknown(self, known: Iterable[Path]) -> list[Path]:
        """The places whose file has names that nobody knows."""
        accounted = Counter(inode for place in known if (inode := _inode(place)) in self._left)
        return [place for inode, (place, links) in self._left.items() if links > accounted[inode]]


def _listed(copy: Copy) -> Listed:
    return Listed(folder=copy.folder, path=copy.path, content=copy.content)


def _aside(copy: Copy) -> str:
    return f"{ASIDE}/{copy.id}"


def _places(copy: Copy) -> tuple[Listed, Listed]:
    """Where the copy may be: a killed run may have moved it without having said so."""
    return _listed(copy), Listed(folder=copy.folder, path=_aside(copy), content=copy.content)


def _digest(copy: Copy, wanted: frozenset[str]) -> str:
    """The digest of the notice that the copy is of: its own, else that of the archive it came out of."""
    return copy.content if copy.content in wanted else copy.sha256


def _is_there(places: Iterable[Listed]) -> bool:
    return any(_inode(Path(listed.folder, listed.path)) is not None for listed in places)


def _inode(place: Path) -> tuple[int, int] | None:
    try:
        entry = os.lstat(place)
    except (OSError, ValueError):
        return None
    return entry.st_dev, entry.st_ino

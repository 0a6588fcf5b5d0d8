"""Extracts a fetched tar or zip so that recalls reach what comes out of it: listed before it has its name."""

import hashlib
import os
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from gateway.sdk.destination import WINDOWS, Destination
from gateway.sdk.errors import Misused, NotStored, UnsafePath
from gateway.sdk.holdings import EXTRACTED, UNFINISHED, Copy, NewCopy
from gateway.sdk.machine import Machine
from gateway.sdk.paths import OURS, check_utf8, safe_parts
from gateway.sdk.store import BINARY, BLOCK, NOFOLLOW, READ_ONLY, digest_of

BATCH = 200
"""Files that are named together."""

BATCH_BYTES = 256 << 20


def extract(machine: Machine, url: str, archive: Path, to: Path | None) -> Path:
    """See `Hub.extract`. Returns the folder."""
    place = Path(os.path.realpath(archive.parent), archive.name)
    check_utf8(str(place), "not-fetched")
    sources = [copy for copy in machine.holdings.at(place) if copy.url == url]
    if not sources:
        raise Misused("not-fetched", path=archive)
    destination = Destination(to if to is not None else place.with_name(_stem(place.name)))
    with destination.locked(), open(place, "rb") as file:
        if len(sources) > 1:  # a fetch of another version was cut short: the bytes tell whose they are
            digest = digest_of(file).hexdigest()
            sources = [copy for copy in sources if copy.content == digest] or sources
        extraction = _Extraction(machine, sources[0], destination)
        extraction.refuse_to_replace(file)
        extraction.run(file)
    return destination.folder


class _Extraction:
    """Files get temporary names that are on the list, then their digests are listed, then they get their own names."""

    def __init__(self, machine: Machine, source: Copy, destination: Destination) -> None:
        self._holdings = machine.holdings
        self._source = source
        self._destination = destination
        self._folder = Path(os.path.realpath(destination.folder))
        self._temporary = [f"{OURS}/{number:03}.new" for number in range(BATCH)]

    def refuse_to_replace(self, file: BinaryIO) -> None:
        """Raise NotStored when a file stands in the way that neither is what it would become nor came from here.

        People's own files would be lost, and what took their names would be deleted by a recall.
        """
        if set(os.listdir(self._folder)) <= {OURS}:
            return  # an archive that is compressed is not read twice for nothing
        source, ours = self._source, dict[str, set[str]]()
        for copy in self._holdings.copies(source.url):
            if copy.kind == EXTRACTED and copy.sha256 == source.sha256 and copy.folder == str(self._folder):
                ours.setdefault(copy.path, set()).add(copy.content)
        with _members(file, source) as members:
            for path, _, content in members:
                self._check(path)
                if not os.path.lexists(self._folder / path):
                    continue
                existing = self._destination.open_existing(path)
                if existing is None:
                    raise UnsafePath("path-link", path=path, folder=self._folder)
                with existing:
                    stands = digest_of(existing).hexdigest()
                if stands not in ours.get(path, ()) and stands != hashlib.file_digest(content, "sha256").hexdigest():  # type: ignore[arg-type]
                    raise NotStored("file-in-the-way", path=path, folder=self._folder, archive=source.place)

    def _check(self, path: str) -> None:
        try:
            safe_parts(path, windows=WINDOWS)
        except UnsafePath as error:
            error.params["folder"] = str(self._folder)
            raise

    def run(self, file: BinaryIO) -> None:
        unnamed = [NewCopy(path=p, sha256=self._source.sha256, size=0, content="") for p in self._temporary]
        self._list(unnamed, UNFINISHED)
        batch: list[tuple[str, NewCopy]] = []
        filled = 0
        with _members(file, self._source) as members:
            for path, size, content in members:
                self._check(path)
                temporary = self._temporary[len(batch)]
                batch.append((temporary, self._write(temporary, path, size, content)))
                filled += size
                if len(batch) == BATCH or filled > BATCH_BYTES:
                    self._name(batch)
                    batch, filled = [], 0
        self._name(batch)
        ours = [copy.id for path in self._temporary for copy in self._holdings.at(self._folder / path)]
        self._holdings.forget(ours)

    def _list(self, copies: list[NewCopy], kind: str) -> None:
        source = self._source
        self._holdings.expect(source.url, source.asset, source.version, self._folder, copies, kind=kind)

    def _write(self, temporary: str, path: str, size: int, content: IO[bytes]) -> NewCopy:
        digest = hashlib.sha256()
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | NOFOLLOW | BINARY
        with os.fdopen(os.open(self._folder / temporary, flags, 0o600), "wb") as file:
            left = size
            while left > 0 and (block := content.read(min(BLOCK, left))):
                file.write(block)
                digest.update(block)
                left -= len(block)
            if left or content.read(1):
                raise Misused("archive-broken", path=self._source.place)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(self._folder / temporary, READ_ONLY)
        return NewCopy(path=path, sha256=self._source.sha256, size=size, content=digest.hexdigest())

    def _name(self, batch: list[tuple[str, NewCopy]]) -> None:
        if not batch:
            return
        source, copies = self._source, [copy for _, copy in batch]
        self._list(copies, EXTRACTED)
        for temporary, copy in batch:
            os.replace(self._folder / temporary, self._destination.make_way(copy.path))
        self._holdings.settle(source.url, source.asset, source.version, self._folder, copies)


@contextmanager
def _members(file: BinaryIO, source: Copy) -> Iterator[Iterator[tuple[str, int, IO[bytes]]]]:
    """Path, size and content of each plain file. Raises Misused for what is no archive, UnsafePath for links."""
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as opened:
                yield _zip_members(opened, source)
        else:
            file.seek(0)
            with tarfile.open(fileobj=file, mode="r:*") as opened_tar:
                yield _tar_members(opened_tar, source)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, NotImplementedError, RuntimeError) as error:
        raise Misused("archive-broken", path=source.place) from error


def _zip_members(archive: zipfile.ZipFile, source: Copy) -> Iterator[tuple[str, int, IO[bytes]]]:
    for info in archive.infolist():
        mode = info.external_attr >> 16
        if info.is_dir():
            continue
        if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
            raise UnsafePath("path-link", path=info.filename, folder=source.place)
        with archive.open(info) as content:
            yield info.filename, info.file_size, content


def _tar_members(archive: tarfile.TarFile, source: Copy) -> Iterator[tuple[str, int, IO[bytes]]]:
    for info in archive:
        if info.isdir():
            continue
        content = archive.extractfile(info) if info.isreg() else None
        if content is None:
            raise UnsafePath("path-link", path=info.name, folder=source.place)
        yield info.name.removeprefix("./"), info.size, content


def _stem(name: str) -> str:
    for ending in (".tar.gz", ".tar.xz", ".tar.bz2", ".tgz", ".tar", ".zip"):
        if name.lower().endswith(ending):
            return name[: -len(ending)] or f"{name}.files"
    return f"{name}.files"

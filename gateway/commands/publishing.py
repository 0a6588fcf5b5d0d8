"""`hubgate publish` and `hubgate terms publish`."""

from __future__ import annotations

import errno
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from tqdm import tqdm

from catalog.actions import publish as publishing
from catalog.actions import terms as terms_actions
from catalog.policy import names, packing
from catalog.vocabulary import Actor, DataClass, Item, Kind
from faceguard.worker import Guard
from gateway.blobs.base import BlobsFull
from gateway.commands import intake
from gateway.commands.base import OPERATOR, As, Data, Failed, Json, actor_named, command, opened, read_text, show, words
from gateway.installation import Installation, new_guard, new_runner, random_id, utc_now
from gateway.pickles.examine import examine
from gateway.pickles.messages import Scanned
from gateway.shards import pack_draft

app = typer.Typer()
terms = typer.Typer()


Pack = Annotated[
    bool | None,
    typer.Option(
        "--pack/--no-pack",
        help=f"Store samples in tar shards too; by default a dataset's, from {packing.PACK_FROM} small files on.",
    ),
]


def read_warrant(file: Path) -> dict[str, Any]:
    """Raises Failed."""
    text = read_text(file)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Failed(f"The warrant {file} cannot be read: {error}.") from error


def planned(
    publication: publishing.Publication, path: Path, pack: bool | None
) -> tuple[list[intake.Found], packing.Plan]:
    """The files that are stored, and the shards that are made of them.

    What is stored is what is served: the card is completed before it is hashed, never on its way out.

    `pack` None packs datasets of many small files. Raises Invalid.
    """
    files = intake.walk(path)
    plan = packing.Plan(slots=(), card=publication.card, warnings=())
    if publication.kind is Kind.DATASET or pack:
        plan = packing.plan((packing.File(file.path, file.size) for file in files), plan.card, wanted=pack)
    if plan.card:
        plan = replace(plan, card=publishing.whole_card(replace(publication, card=plan.card)))
        files = intake.with_card(files, path, plan.card)
    return files, plan


def release_folder(
    installation: Installation,
    actor: Actor,
    publication: publishing.Publication,
    path: Path,
    *,
    pack: bool | None = None,
) -> publishing.Released:
    """Everything from the folder to the released version. Raises what the actions and the intake raise, and Failed."""
    names.asset_name(publication.full_name)
    files, plan = planned(publication, path, pack)
    store = installation.store
    with store.begin() as tx:
        draft = publishing.folders_draft(
            tx, actor, publication.kind, publication.full_name, now=utc_now(), new_id=random_id
        )
    with _bar(sum(file.size for file in files), publication.full_name) as bar:
        taking = intake.Intake(store, installation.originals, actor, draft.id, _teller(bar))
        taking.run(files, intake.provenance(path))
    size = sum(slot.size for slot in plan.slots)
    with _bar(size, "packing") as bar, _room_for(size):
        pack_draft(store, installation.originals, actor, draft.id, plan.slots, _teller(bar))
    if publication.kind is Kind.MODEL:
        look_through(installation, actor, draft.id, files)
    with store.begin() as tx:
        released = publishing.release(
            tx,
            actor,
            draft.id,
            replace(publication, card=plan.card),
            previews_per_version=installation.settings.previews_per_version,
            now=utc_now(),
        )
    return replace(released, warnings=(*plan.warnings, *released.warnings))


def _bar(total: int, what: str) -> tqdm[NoReturn]:
    return tqdm(total=total, unit="B", unit_scale=True, desc=what, disable=None if total else True)


def _teller(bar: tqdm[NoReturn]) -> Callable[[int], None]:
    def on_bytes(count: int) -> None:
        bar.update(count)

    return on_bytes


@contextmanager
def _room_for(size: int) -> Iterator[None]:
    """Say what to do where there is no room for the shards. Raises Failed."""
    try:
        yield
    except (BlobsFull, OSError) as error:
        if isinstance(error, OSError) and error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise Failed(
            f"No space left for the packed shards, which take as much as the files: {tqdm.format_sizeof(size, 'B')}. "
            "The files are stored and nothing is lost. Make room and run the same again, or add --no-pack."
        ) from error


def look_through(installation: Installation, actor: Actor, version_id: str, files: list[intake.Found]) -> None:
    """What loading the draft's files would run is found out, and safetensors twins are made where that can be done."""
    with tqdm(total=len(files), unit="file", desc="looking through", disable=None) as bar:

        def on_file(item: Item, scanned: Scanned) -> None:
            bar.update(1)

        examine(installation.store, installation.originals, actor, version_id, clock=utc_now, told=on_file)


def build_previews(installation: Installation, guard: Guard, job: int) -> None:
    """Do jobs here until this one is done, whoever does it."""

    def done() -> bool:
        with installation.store.read() as tx:
            return tx.outbox.is_done(job)

    new_runner(installation, guard).drain(done)


@app.command("publish")
@command
def publish(
    kind: Kind,
    asset: Annotated[str, typer.Argument(metavar="NS/NAME")],
    path: Annotated[Path, typer.Argument(help="A file, or a folder whose README.md is the card.")],
    terms_id: Annotated[str, typer.Option("--terms", metavar="ID")],
    warrant: Annotated[Path, typer.Option(metavar="FILE.toml")],
    tag: Annotated[str | None, typer.Option()] = None,
    data_class: Annotated[DataClass | None, typer.Option("--class", help="Overrides the warrant's class.")] = None,
    pack: Pack = None,
    wait_previews: Annotated[bool, typer.Option("--wait-previews", help="Return when the tiles are built.")] = False,
    data: Data = None,
    as_account: As = OPERATOR,
) -> None:
    """Store a folder and release it as a new version; prints the version's id alone on the last line.

    After a crash the same command goes on where it was.
    """
    publication = publishing.Publication(
        kind=kind,
        full_name=asset,
        terms_id=terms_id,
        warrant=read_warrant(warrant),
        class_override=None if data_class is None else data_class.value,
        tag=tag,
        card=intake.card_of(path),
    )
    with opened(data) as installation:
        with installation.store.read() as tx:
            actor = actor_named(tx, as_account)
        released = release_folder(installation, actor, publication, path, pack=pack)
        for warning in released.warnings:
            print(f"warning: {warning}: {words()(f'publish-warning.{warning}')}", file=sys.stderr)
        if not released.new:
            print("These files are released already; nothing changed.", file=sys.stderr)
        if wait_previews and released.preview_job is not None:
            with new_guard(installation) as guard:
                build_previews(installation, guard, released.preview_job)
    print(released.version.id)


@terms.command("publish")
@command
def publish_terms(
    terms_id: Annotated[str, typer.Argument(metavar="ID")],
    zh: Annotated[Path, typer.Option(help="The Chinese text.")],
    en: Annotated[Path, typer.Option(help="The English text.")],
    major: Annotated[bool, typer.Option("--major/--minor", help="A major version asks everyone again.")] = False,
    data: Data = None,
    as_account: As = OPERATOR,
    as_json: Json = False,
) -> None:
    """Publish the next version of terms in both languages; the first is 1.0."""
    with opened(data) as installation, installation.store.begin() as tx:
        texts = {"en": read_text(en), "zh": read_text(zh)}
        made = terms_actions.publish_terms(
            tx, actor_named(tx, as_account), terms_id, **texts, major=major, now=utc_now()
        )
    show({"id": made.id, "version": made.version, "sha256": made.sha256}, as_json)

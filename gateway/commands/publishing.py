"""`hubgate publish` and `hubgate terms publish`."""

from __future__ import annotations

import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm

from catalog.actions import publish as publishing
from catalog.actions import terms as terms_actions
from catalog.policy import names
from catalog.vocabulary import Actor, DataClass, Kind
from faceguard.worker import Guard
from gateway.commands import intake
from gateway.commands.base import OPERATOR, As, Data, Failed, Json, actor_named, command, opened, read_text, show, words
from gateway.installation import Installation, new_guard, new_runner, random_id, utc_now

app = typer.Typer()
terms = typer.Typer()


def read_warrant(file: Path) -> dict[str, Any]:
    """Raises Failed."""
    text = read_text(file)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Failed(f"The warrant {file} cannot be read: {error}.") from error


def release_folder(
    installation: Installation,
    actor: Actor,
    publication: publishing.Publication,
    path: Path,
) -> publishing.Released:
    """Everything from the folder to the released version. Raises what the actions and the intake raise."""
    names.asset_name(publication.full_name)
    files = intake.walk(path)
    if publication.card:
        # What is stored is what is served: the card is completed before it is hashed, never on its way out.
        publication = replace(publication, card=publishing.whole_card(publication))
        files = intake.with_card(files, publication.card)
    store = installation.store
    with store.begin() as tx:
        draft = publishing.open_draft(
            tx, actor, publication.kind, publication.full_name, now=utc_now(), new_id=random_id
        )
    total = sum(found.size for found in files)
    with tqdm(total=total, unit="B", unit_scale=True, desc=publication.full_name, disable=None) as bar:

        def on_bytes(count: int) -> None:
            bar.update(count)

        intake.Intake(store, installation.originals, actor, draft.id, on_bytes).run(files, intake.provenance(path))
    with store.begin() as tx:
        return publishing.release(
            tx,
            actor,
            draft.id,
            publication,
            previews_per_version=installation.settings.previews_per_version,
            now=utc_now(),
        )


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
        released = release_folder(installation, actor, publication, path)
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

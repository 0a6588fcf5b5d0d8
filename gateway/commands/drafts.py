"""`hubgate draft`: what clients sent and nobody has released yet."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm

from catalog.actions import drafts
from catalog.vocabulary import DataClass
from gateway.commands.base import (
    OPERATOR,
    As,
    Data,
    Failed,
    Json,
    Secret,
    Url,
    actor_named,
    command,
    opened,
    show,
    words,
)
from gateway.commands.operate import remote
from gateway.commands.publishing import Pack, build_previews, read_warrant
from gateway.installation import Installation, new_guard
from gateway.uploads.intake import Choice

draft = typer.Typer(help="Drafts that clients sent: look at them, release them, throw them away.")
Name = Annotated[str, typer.Argument(metavar="NS/NAME")]


def listed(records: list[Mapping[str, Any]], name: str) -> str:
    """The id of the asset's draft. Raises Failed."""
    found = next((str(record["id"]) for record in records if record["asset"] == name), None)
    if found is None:
        raise Failed(f"There is no draft of {name} that you may see. `hubgate draft list` shows those there are.")
    return found


def own(installation: Installation, as_account: str) -> list[Mapping[str, Any]]:
    from gateway.web.api import drafts as records  # the API's packages take a quarter of a second to load

    with installation.store.read() as tx:
        return [records.draft_record(one) for one in drafts.drafts(tx, actor_named(tx, as_account))]


@draft.command("list")
@command
def list_(
    data: Data = None, as_account: As = OPERATOR, url: Url = None, token: Secret = None, as_json: Json = False
) -> None:
    """One's own drafts, newest first; an operator's list has all."""
    api = remote(url, token)
    if api is not None:
        records: list[Mapping[str, Any]] = list(api.get("/v1/drafts")["items"])
    else:
        with opened(data) as installation:
            records = own(installation, as_account)
    for record in records:
        if as_json:
            show(record, as_json)
        else:
            print(f"{record['asset']}  {record['items']} files, {record['size']} bytes, by {record['publisher']}")


@draft.command("show")
@command
def show_(
    name: Name,
    data: Data = None,
    as_account: As = OPERATOR,
    url: Url = None,
    token: Secret = None,
    as_json: Json = False,
) -> None:
    """One draft, its files, and what it lacks for a release."""
    from gateway.web.api import drafts as records

    api = remote(url, token)
    if api is not None:
        record: Mapping[str, object] = api.get(f"/v1/drafts/{listed(api.get('/v1/drafts')['items'], name)}")
    else:
        with opened(data) as installation:
            version_id = listed(own(installation, as_account), name)
            with installation.store.read() as tx:
                actor = actor_named(tx, as_account)
            record = records.seen_record(installation.uploads().look(actor, version_id, Choice()), words())
    show(record, as_json)


@draft.command("release")
@command
def release(
    name: Name,
    terms_id: Annotated[str | None, typer.Option("--terms", metavar="ID")] = None,
    warrant: Annotated[Path | None, typer.Option(metavar="FILE.toml")] = None,
    tag: Annotated[str | None, typer.Option()] = None,
    data_class: Annotated[DataClass | None, typer.Option("--class", help="Overrides the warrant's class.")] = None,
    pack: Pack = None,
    wait_previews: Annotated[bool, typer.Option("--wait-previews", help="Return when the tiles are built.")] = False,
    data: Data = None,
    as_account: As = OPERATOR,
    url: Url = None,
    token: Secret = None,
) -> None:
    """Release a draft; prints the version's id alone on the last line.

    What is not said here is taken from the section `hubgate` in the head of the draft's README.md.
    """
    from gateway.web.api import drafts as records

    keys = None if warrant is None else read_warrant(warrant)
    chosen = None if data_class is None else data_class.value
    api = remote(url, token)
    if api is not None:
        if wait_previews:
            raise Failed("--wait-previews works beside the server, with --data. Leave it out: a job builds the tiles.")
        version_id = listed(api.get("/v1/drafts")["items"], name)
        body = {"warrant": keys, "terms": terms_id, "tag": tag, "data_class": chosen, "pack": pack}
        told: Mapping[str, Any] = api.post(f"/v1/drafts/{version_id}/release", body, long=True)
    else:
        with opened(data) as installation:
            version_id = listed(own(installation, as_account), name)
            with installation.store.read() as tx:
                actor = actor_named(tx, as_account)
            choice = Choice(warrant=keys, terms_id=terms_id, tag=tag, data_class=chosen, pack=pack)
            with tqdm(unit="B", unit_scale=True, desc="packing", disable=None) as bar:

                def on_bytes(count: int) -> None:
                    bar.update(count)

                released = installation.uploads().release(actor, version_id, choice, on_bytes)
            if wait_previews and released.preview_job is not None:
                with new_guard(installation) as guard:
                    build_previews(installation, guard, released.preview_job)
            told = records.released_record(released, words())
    for code, sentence in told["warnings"].items():
        print(f"warning: {code}: {sentence}", file=sys.stderr)
    if not told["new"]:
        print("These files are released already; nothing changed.", file=sys.stderr)
    print(told["version"])


@draft.command("discard")
@command
def discard(name: Name, data: Data = None, as_account: As = OPERATOR, url: Url = None, token: Secret = None) -> None:
    """Empty a draft; what was sent for it is deleted, unless something else has the same content."""
    api = remote(url, token)
    if api is not None:
        api.delete(f"/v1/drafts/{listed(api.get('/v1/drafts')['items'], name)}")
        return
    with opened(data) as installation:
        version_id = listed(own(installation, as_account), name)
        with installation.store.read() as tx:
            actor = actor_named(tx, as_account)
        installation.uploads().discard(actor, version_id)

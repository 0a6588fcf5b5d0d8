"""`hubgate holders | recalls | keys`: who has copies, what was called back, and the keys that sign it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from catalog.actions import boards
from catalog.ports import Transaction
from catalog.vocabulary import Actor
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
from gateway.commands.operate import Subject, remote
from gateway.installation import Installation, utc_now

if TYPE_CHECKING:
    from gateway.keys import KeyRing

app = typer.Typer()
keys = typer.Typer(help="The keys that sign recalls in this gateway's name.")

MOST = 1000  # recalls in a list
PAGE = 200


@app.command("holders")
@command
def holders(
    subject: Subject,
    data: Data = None,
    as_account: As = OPERATOR,
    url: Url = None,
    token: Secret = None,
    as_json: Json = False,
) -> None:
    """Who got what of an asset, a version or an item, how often, how many bytes, and when."""
    from gateway.web.api import boards as records  # loads the web application's half: only what shows records needs it

    far = remote(url, token)
    found: list[dict[str, Any]]
    if far is not None:
        found = far.get(f"/v1/operator/holders?subject={quote(subject, safe='')}")["items"]
    else:
        with opened(data) as installation, installation.store.read() as tx:
            found = records.who_has(tx, actor_named(tx, as_account), subject)
    for one in found:
        if as_json:
            show(one, as_json)
        else:
            size = f"{one['bytes']} B"
            print(f"{one['account']:<20}  {one['version']}  {one['fetches']:>6}×  {size:>16}  {one['last_at']}")


@app.command("recalls")
@command
def recalls(
    recall: Annotated[str | None, typer.Argument(metavar="ID", help="One recall: its notice's number.")] = None,
    evidence: Annotated[Path | None, typer.Option(help="Write the signed evidence of this recall to a file.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write its holders to a file for a spreadsheet.")] = None,
    data: Data = None,
    as_account: As = OPERATOR,
    url: Url = None,
    token: Secret = None,
    as_json: Json = False,
) -> None:
    """What was called back and how it stands; with ID, from whom and what each of them says."""
    from gateway.web.api import boards as records

    far = remote(url, token)
    if recall is None:
        if evidence or csv:
            raise typer.BadParameter("--evidence and --csv are about one recall: name it")
        if far is not None:
            found = list(itertools.islice(far.pages(f"/v1/operator/recalls?limit={PAGE}"), MOST))
        else:
            with opened(data) as installation, installation.store.read() as tx:
                found = [records.board_record(b) for b in boards.boards(tx, actor_named(tx, as_account), MOST)]
        for one in found:
            _print_board(one, as_json)
        return
    path = f"/v1/operator/recalls/{quote(recall, safe='')}"
    if far is not None:
        board, rows = far.get(path), list(far.pages(f"{path}/holders?limit={PAGE}"))
        for file, export in ((evidence, "evidence"), (csv, "holders.csv")):
            if file is not None:
                file.write_bytes(far.raw(f"{path}/{export}"))
    else:
        with opened(data) as installation, installation.store.read() as tx:
            actor = actor_named(tx, as_account)
            board = records.whole_record(tx, actor, recall)
            shown = boards.board(tx, actor, recall)
            rows = [records.row_record(row) for row in boards.every_row(tx, actor, shown)]
            if csv is not None:
                csv.write_bytes(records.in_csv(boards.every_row(tx, actor, shown)))
            if evidence is not None:
                evidence.write_bytes(_evidence(installation, tx, actor, recall))
    if as_json:
        show({**board, "holders": rows}, as_json)
        return
    _print_whole(board)
    say = words()
    for row in rows:
        got = sum(one["bytes"] for one in row["got"])
        state = say(f"holder-state.{row['state']}")
        print(f"  {row['account']:<20}  {state:<8}  {got} B  {row['answered_at'] or ''}")
        for answer in row["answers"]:
            counts = ", ".join(f"{say(f'outcome.{name}')} {count}" for name, count in answer["counts"].items() if count)
            print(f"    {answer['received_at']}  {answer['install'] or '-'}  {counts}")


def _print_board(board: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show(board, as_json)
        return
    action = "withdrawn" if board["withdrawn_at"] else board["action"]
    print(f"{board['issued_at']}  {board['id']}  {action:<10}  {board['subject']}  {_counts(board)}")


def _counts(board: dict[str, Any]) -> str:
    """A hold asks for no answer: nobody is waited for."""
    counts = board["counts"].items()
    return "  ".join(f"{name} {count}" for name, count in counts if board["deadline"] or name == "holders")


def _print_whole(board: dict[str, Any]) -> None:
    """What is known of one recall, a line each: versions and tasks have as many as there are."""
    for key, value in board.items():
        if key == "counts":
            print(f"counts: {_counts(board)}")
        elif key == "versions":
            for version in value:
                print(f"version: {version}")
        elif key == "tasks":
            for task in value:
                end = f"closed {task['closed_at']}  {task['answer']}" if task["closed_at"] else f"due {task['due']}"
                print(f"task: {task['id']}  {task['kind']}  {end}")
        elif value is not None:
            print(f"{key}: {value}")


def _evidence(installation: Installation, tx: Transaction, actor: Actor, notice_id: str) -> bytes:
    from gateway.web.api import boards as records
    from gateway.web.errors import appeal_address
    from gateway.web.statements import Statements

    settings, now = installation.settings, utc_now()
    statements = Statements(ring(installation), settings.base_url)
    appeal_url = appeal_address(settings.base_url, settings.contact)
    return records.signed_evidence(tx, actor, notice_id, statements, appeal_url, now)


@keys.command("list")
@command
def list_keys(data: Data = None, as_json: Json = False) -> None:
    """The keys in force, the one that signs now first."""
    with opened(data) as installation:
        _show_keys(installation, as_json)


@keys.command("rotate")
@command
def rotate(
    withdraw: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="A key that must not sign any more, now; repeatable.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a new key that signs from now on. The former one signs the list of keys beside it for 180 days.

    Machines follow by themselves, unless the only key that they know is withdrawn: those sign in again.
    """
    from gateway.keys import BadKeys

    with opened(data) as installation:
        try:
            ring(installation).rotate(utc_now(), withdraw or ())
        except BadKeys as error:
            raise Failed(f"{error}.") from error
        _show_keys(installation, as_json)


def ring(installation: Installation) -> KeyRing:
    from gateway.keys import key_ring  # loads the signing library

    return key_ring(installation.settings.data, utc_now())


def _show_keys(installation: Installation, as_json: bool) -> None:
    from gateway.web.replies import moment

    known = ring(installation).set()
    for one in known.in_force(utc_now()):
        until = moment(one.not_after)
        record = {"key": one.key.id, "not_before": moment(one.not_before), "not_after": until, "serial": known.serial}
        if as_json:
            show(record, as_json)
        else:
            print(f"{one.key.id}  since {record['not_before']}  {'signs now' if until is None else f'until {until}'}")

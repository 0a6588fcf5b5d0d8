"""`hubgate account …` and `hubgate token …`."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from catalog.actions import accounts, credentials
from catalog.actions.authority import authorise
from catalog.policy.roles import Act
from catalog.vocabulary import ReleaseReason, Role, Scope, StopReason
from gateway.commands.base import OPERATOR, As, Data, Failed, Json, actor_named, command, opened, show
from gateway.installation import random_id, utc_now
from gateway.streams.effective import Enforcer
from gateway.web.operations import one_of
from gateway.web.passwords import Passwords

account = typer.Typer(no_args_is_help=True, help="Accounts: create, suspend, restore.")
token = typer.Typer(no_args_is_help=True, help="Tokens for programs.")


@account.command("create")
@command
def create(
    name: str,
    role: Annotated[Role, typer.Option(help="What the account may do.")] = Role.RESEARCHER,
    email: Annotated[str | None, typer.Option()] = None,
    phone: Annotated[str | None, typer.Option(help="With + and country code, or a mainland number.")] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
    data: Data = None,
    as_account: As = OPERATOR,
    as_json: Json = False,
) -> None:
    """Open an account."""
    password_hash = None
    if password_stdin:
        password = accounts.check_password(sys.stdin.readline().rstrip("\r\n"))
        password_hash = Passwords().hash_now(password)
    new = accounts.NewAccount(name=name, email=email, phone=phone, role=role, password_hash=password_hash)
    with opened(data) as installation, installation.store.begin() as tx:
        operator = authorise(tx, actor_named(tx, as_account), Act.MANAGE_ACCOUNTS)
        made = accounts.create(tx, new, actor=operator.id, now=utc_now(), new_id=random_id)
    show({"account": made.name, "role": made.role.value, "state": made.state.value}, as_json)


@account.command("suspend")
@command
def suspend(
    name: str,
    reason: Annotated[str, typer.Option(help=f"One of {', '.join(StopReason)}.")],
    data: Data = None,
    as_account: As = OPERATOR,
    as_json: Json = False,
) -> None:
    """Take an account's access away; running downloads are cut. Returns when effective."""
    with opened(data) as installation:
        feed = installation.store.feed()
        enforcer = Enforcer(feed)
        before = enforcer.streams_cut()
        with installation.store.begin() as tx:
            code = one_of(StopReason, "reason", reason)
            suspended, position = accounts.suspend(tx, actor_named(tx, as_account), name, code, now=utc_now())
        effect = asyncio.run(enforcer.until_effective(position, cut_before=before))
        feed.close()
    record = {"account": suspended.name, "state": "suspended"}
    show({**record, "effective_ms": effect.effective_ms, "streams_cut": effect.streams_cut}, as_json)


@account.command("restore")
@command
def restore(
    name: str,
    reason: Annotated[str, typer.Option(help=f"One of {', '.join(ReleaseReason)}.")],
    data: Data = None,
    as_account: As = OPERATOR,
    as_json: Json = False,
) -> None:
    """Give a suspended account its access back."""
    with opened(data) as installation, installation.store.begin() as tx:
        code = one_of(ReleaseReason, "reason", reason).value
        restored = accounts.restore(tx, actor_named(tx, as_account), name, code, now=utc_now())
    show({"account": restored.name, "state": "active"}, as_json)


@token.command("create")
@command
def create_token(
    name: str,
    scope: Annotated[list[Scope] | None, typer.Option(help="May be repeated; default: all of the role.")] = None,
    days: Annotated[int, typer.Option()] = credentials.TOKEN_DAYS,
    data: Data = None,
) -> None:
    """Make a token for an account and print it alone: it is shown this once."""
    with opened(data) as installation, installation.store.begin() as tx:
        owner = tx.accounts.named(name)
        if owner is None:
            raise Failed(f"There is no account named {name}. `hubgate account create {name}` makes one.")
        secret, _ = credentials.create_token(
            tx, owner, scopes=scope or None, days=days, now=utc_now(), new_id=random_id
        )
    print(secret)

"""`hubgate`: the researcher's commands, and the server's where the extra `server` is installed."""

from __future__ import annotations

import importlib.util
import sys

import typer

from gateway.sdk.cli import app


def main() -> None:
    """The entry point of the console script."""
    if not _is_a_researchers(sys.argv[1:]) and importlib.util.find_spec("sqlalchemy") is not None:
        _add_server_commands(app)
    app()


def _is_a_researchers(arguments: list[str]) -> bool:
    """Those commands need none of the server's packages, which take most of a second to load."""
    groups = [app, *(group.typer_instance for group in app.registered_groups if group.typer_instance is not None)]
    commands = [command for group in groups for command in group.registered_commands]
    theirs = {command.name or getattr(command.callback, "__name__", "") for command in commands}
    return bool(arguments) and arguments[0] in theirs and not _makes_terms(arguments)


def _makes_terms(arguments: list[str]) -> bool:
    # `terms NS/NAME` reads terms and `terms publish ID` makes them: an asset's name always has a slash.
    return arguments[:2] == ["terms", "publish"]


def _add_server_commands(root: typer.Typer) -> None:
    # Imported here so that the researcher's commands start fast and work without the server's packages.
    from gateway.commands import accounts, drafts, models, operate, publishing, recalls, server

    root.add_typer(server.app)
    root.add_typer(publishing.app)
    root.add_typer(drafts.draft, name="draft")
    root.add_typer(operate.app)
    root.add_typer(recalls.app)
    root.add_typer(recalls.keys, name="keys")
    root.add_typer(accounts.account, name="account")
    root.add_typer(accounts.token, name="token")
    root.add_typer(models.models, name="models")
    if _makes_terms(sys.argv[1:]):
        root.add_typer(publishing.terms, name="terms")  # a group of the same name takes the command's place


if __name__ == "__main__":
    main()

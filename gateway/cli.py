"""`hubgate`: the researcher's commands, and the server's where the extra `server` is installed."""

from __future__ import annotations

import importlib.util
import sys

import typer

from gateway.sdk.cli import app


def main() -> None:
    """The entry point of the console script."""
    if importlib.util.find_spec("sqlalchemy") is not None:
        _add_server_commands(app)
    app()


def _add_server_commands(root: typer.Typer) -> None:
    # Imported here so that the researcher's commands start fast and work without the server's packages.
    from gateway.commands import accounts, operate, publishing, server

    root.add_typer(server.app)
    root.add_typer(publishing.app)
    root.add_typer(operate.app)
    root.add_typer(accounts.account, name="account")
    root.add_typer(accounts.token, name="token")
    if sys.argv[1:3] == ["terms", "publish"]:
        # `terms NS/NAME` reads terms and `terms publish ID` makes them: an asset's name always has a slash.
        root.registered_commands = [c for c in root.registered_commands if c.name != "terms"]
        root.add_typer(publishing.terms, name="terms")


if __name__ == "__main__":
    main()

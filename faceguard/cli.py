"""The command ``faceguard``: its list of commands. All of them use the same workers as the gateway."""

import typer

from faceguard.commands import blur, evaluate, sheet

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Faces in pictures are hidden, never identified.")
for command in (blur, sheet, evaluate):
    app.add_typer(command.app)


def main() -> None:
    """Entry point of the command."""
    app()

"""The command ``faceguard``: its list of commands. All of them use the same workers as the gateway."""

import typer

from faceguard.commands import blur

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Faces in pictures are hidden, never identified.")
for command in (blur,):
    app.add_typer(command.app)


@app.callback()
def faceguard() -> None:
    """Keep ``blur`` a command of its own while it is the only one."""


def main() -> None:
    """Entry point of the command."""
    app()

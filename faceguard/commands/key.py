"""The key that keeps the noise of the covers secret on the command line: made once for each user."""

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_data_path

_BYTES = 32


def noise_key(on_passing: Callable[[Path], None] = lambda file: None) -> bytes:
    """This user's key. With it the same picture always gets the same noise, so averaging copies of it gives nothing.

    Where none can be kept, as without a home folder, a passing one; ``on_passing`` is told where it should have been.
    """
    file = user_data_path("faceguard") / "key"
    try:
        with contextlib.suppress(FileNotFoundError):
            return _read(file)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = file.with_name(f".key.{secrets.token_hex(8)}")
        try:
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
                sink.write(secrets.token_bytes(_BYTES))
            with contextlib.suppress(FileExistsError):  # another command was first: its key counts
                os.link(fresh, file)
        finally:
            fresh.unlink(missing_ok=True)
        return _read(file)
    except OSError:
        on_passing(file)
        return secrets.token_bytes(_BYTES)


def _read(file: Path) -> bytes:
    key = file.read_bytes()
    if len(key) != _BYTES:
        raise OSError(f"{file} holds no key")
    return key

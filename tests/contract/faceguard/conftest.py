"""A few files for the contract tests: pictures with faces and guards that are always closed."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import gateway.demo
from faceguard.result import Limits
from faceguard.worker import Guard

PICTURES = Path(gateway.demo.__file__).parent / "pictures"


@pytest.fixture
def pictures() -> Path:
    return PICTURES


@pytest.fixture
def astronaut() -> bytes:
    return (PICTURES / "astronaut.png").read_bytes()


@pytest.fixture
def guard() -> Iterator[Callable[..., Guard]]:
    """Makes guards; the limits are wide enough for a busy machine."""
    with ExitStack() as stack:
        yield lambda limits=None, **options: stack.enter_context(Guard(limits=limits or Limits(wall_s=60), **options))


@pytest.fixture
def shared() -> Path:
    """The development data beside the repository, or a skip that says so."""
    folder = Path(os.environ.get("HUBGATE_SHARED", Path(__file__).parents[4] / "shared"))
    if not (folder / "faces" / "dev2" / "annotations.json").is_file():
        pytest.skip(f"no development pictures at {folder}")
    return folder

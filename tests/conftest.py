"""What the whole suite shares: stores by driver, a place for artefacts, and tests that need a system program."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter
from hypothesis import HealthCheck, settings

from catalog.ports import Store
from catalog.store import open_store
from tests.contract.clients import compatibility

# Two shared cores say nothing about a deadline: the suite asserts behaviour, never time.
suite = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The suite tries the same cases wherever it runs; `search` looks for new ones, and a find becomes a case of its own.
settings.register_profile("suite", suite, derandomize=True)
settings.register_profile("search", suite, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

MISSING = "missing program"

# Driver → the URL of an empty store in a folder. A second driver is one more line.
DRIVERS: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda folder: f"sqlite:///{folder / 'catalogue.db'}",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--compatibility", metavar="DIR", type=Path, help="write the table of clients into this folder")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.compatibility is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(compatibility.Compatibility(), "compatibility")


def pytest_unconfigure(config: pytest.Config) -> None:
    gathered = config.pluginmanager.get_plugin("compatibility")
    if gathered is not None:
        compatibility.write(gathered, config.option.compatibility)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Clients that are rarely met are tried when a marker is asked for, as `make test-clients` does."""
    if not config.option.markexpr:
        rare = [item for item in items if item.get_closest_marker("every_client")]
        config.hook.pytest_deselected(items=rare)
        items[:] = [item for item in items if item not in rare]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked `needs(program, …)` where a program is not installed."""
    programs = [str(program) for marker in item.iter_markers("needs") for program in marker.args]
    missing = [program for program in programs if shutil.which(program) is None]
    # A report carries its properties home from another process too; a module's variable would not.
    item.user_properties.extend((MISSING, program) for program in missing)
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Name once each system program whose absence skipped a test."""
    skipped: dict[str, set[str]] = {}
    for report in terminalreporter.getreports("skipped"):
        for key, program in getattr(report, "user_properties", ()):
            if key == MISSING:
                skipped.setdefault(str(program), set()).add(report.nodeid)
    if skipped:
        terminalreporter.section("missing system programs")
        for program, tests in sorted(skipped.items()):
            terminalreporter.line(f"{program}: {len(tests)} tests skipped; install it to run them")


@pytest.fixture(autouse=True)
def no_home_of_yours(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK finds no sign-in, and leaves nothing, in the home of whoever runs the tests."""
    if "HUBGATE_HOME" not in os.environ:
        monkeypatch.setenv("HUBGATE_HOME", str(tmp_path_factory.getbasetemp() / "no-home"))


@pytest.fixture(params=sorted(DRIVERS))
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store that does not exist yet, for each driver in turn."""
    return DRIVERS[str(request.param)](tmp_path)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty store, for each driver in turn."""
    opened = open_store(store_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def artefacts(pytestconfig: pytest.Config) -> Path:
    """Where a test leaves what a person may want to look at afterwards; not under version control."""
    folder = pytestconfig.rootpath / "artefacts"
    folder.mkdir(exist_ok=True)
    return folder

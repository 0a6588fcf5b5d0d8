"""One bar for a whole fetch, in bytes; in a terminal or a notebook, never in a log."""

import sys
import threading
import warnings
from importlib import import_module
from typing import Protocol


class Bar(Protocol):
    """What a fetch tells its progress to, from several threads."""

    def advance(self, count: int) -> None:
        """So many bytes are there; fewer than 0 when some must come again."""

    def close(self) -> None: ...


class NoBar:
    """Shows nothing."""

    def advance(self, count: int) -> None:
        pass

    def close(self) -> None:
        pass


class TqdmBar:
    """A tqdm bar: drawn by the notebook's widgets where they are installed, else as text on stderr."""

    def __init__(self, total: int, label: str) -> None:
        # Loaded only when a bar is shown; it chooses the widgets where they can be drawn, and need not say when not.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tqdm = import_module("tqdm.auto").tqdm
        self._bar = tqdm(total=total, desc=label, unit="B", unit_scale=True)
        self._lock = threading.Lock()  # tqdm counts without one

    def advance(self, count: int) -> None:
        with self._lock:
            self._bar.update(count)

    def close(self) -> None:
        self._bar.close()


def bar(total: int, label: str, *, wanted: bool) -> Bar:
    """A bar when it is wanted and somebody can see it."""
    return TqdmBar(total, label) if wanted and (sys.stderr.isatty() or in_notebook()) else NoBar()


def in_notebook() -> bool:
    """Whether this is a Jupyter kernel, and not only a program that has loaded its packages."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")

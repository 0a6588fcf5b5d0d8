"""Work on many things at once without ever holding many of them."""

import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    threads: int,
    beat: Callable[[], None] = lambda: None,
    every_s: float = 10.0,
) -> Generator[Result, None, None]:
    """``work(item)`` of every item as it is done, in no order.

    Items are taken from their source only as threads become free, so a million of them need no more memory than ten.
    There is no point at which all threads wait for the slowest. ``beat`` is called every ``every_s`` seconds or so.
    What ``work``, ``beat`` or the source raises is raised here, after the works that had begun are done.
    """
    source = iter(items)
    due = time.monotonic() + every_s
    with ThreadPoolExecutor(threads) as pool:
        running: set[Future[Result]] = set()
        while True:
            running.update(pool.submit(work, item) for item in islice(source, threads - len(running)))
            if not running:
                return
            done, running = wait(running, max(0.0, due - time.monotonic()), FIRST_COMPLETED)
            if time.monotonic() >= due:
                beat()
                due = time.monotonic() + every_s
            for future in done:
                yield future.result()

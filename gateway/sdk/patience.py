"""How often to try again, and how long to wait before."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.sdk.errors import HubError, Unavailable, Unreachable

Passing = (Unreachable, Unavailable)
"""What may pass by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """At most `tries` in a row without progress; waits double from `first_s` up to `longest_s` seconds."""

    tries: int
    first_s: float = 0.5
    longest_s: float = 15.0


ASKING = Patience(tries=3)
"""For short questions: somebody waits for the answer."""

LOOKING = Patience(tries=1)
"""For what nobody waits for: it is asked again another time."""

FETCHING = Patience(tries=8)
"""For bytes: outlasts a restart of the gateway, about three quarters of a minute."""


class Attempts:
    """Counts the tries of one undertaking. `wait` takes seconds."""

    def __init__(self, patience: Patience, wait: Callable[[float], object] = time.sleep) -> None:
        self._patience = patience
        self._wait = wait
        self._failures = 0

    def progressed(self) -> None:
        """Start counting anew: something arrived."""
        self._failures = 0

    def failed(self, error: HubError) -> None:
        """Wait before the next try; raise the error when there is none. A certificate does not mend by waiting."""
        self._failures += 1
        if self._failures >= self._patience.tries or error.code == "tls":
            raise error
        back_off = self._patience.first_s * 2 ** (self._failures - 1) * random.uniform(0.75, 1.25)  # noqa: S311
        asked = error.retry_after_s if isinstance(error, Unavailable) else 0.0
        self._wait(min(max(back_off, asked), self._patience.longest_s))

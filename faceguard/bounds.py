"""What a worker process may use. Set from inside, before any decoder is loaded, and never loosened."""

import contextlib
import math
import resource
from pathlib import Path

_FILES = 64
_GRACE_S = 5  # the guard's own clock should strike first; this one is for a guard that has died


def bound_memory(memory_bytes: int) -> None:
    """From now on: so much address space, no core dump (it would hold the picture), few descriptors.

    When the machine itself runs out of memory, this process is the first that the kernel ends.
    """
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, _FILES))
    with contextlib.suppress(OSError):  # not everywhere; and it bounds nothing by itself
        Path("/proc/self/oom_score_adj").write_text("1000")


def bound_reach() -> None:
    """From now on no file grows. Processes are faceguard.confine's affair: a limit on them would forbid threads too."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def allow_cpu(seconds: float) -> None:
    """So much CPU time for what comes next; beyond it the kernel ends the process with SIGXCPU."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime + seconds) + _GRACE_S
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))

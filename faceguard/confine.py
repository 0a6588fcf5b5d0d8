"""Locks a worker process in: once loaded it can compute and answer, and nothing else, whatever a picture makes of it.

A filter lists the calls to the kernel that stay open: memory, threads of its own, time, and the descriptors that it
already has. All others are as if the kernel did not know them: no network, no file, no program, no process, no signal
to another process.
"""

import errno
import os
import signal
import sys

from faceguard import seccomp
from faceguard.seccomp import ALLOW, ANY_BIT, EQUAL

_CALLS = {  # name: number on x86-64, number on arm64; None where there is no such call
    # what the descriptors at hand give
    "read": (0, 63), "readv": (19, 65), "pread64": (17, 67), "write": (1, 64), "writev": (20, 66), "lseek": (8, 62),
    "close": (3, 57), "dup": (32, 23), "fstat": (5, 80), "newfstatat": (262, 79), "statx": (332, 291),
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72),
    # memory
    "mmap": (9, 222), "munmap": (11, 215), "mprotect": (10, 226), "mremap": (25, 216), "madvise": (28, 233),
    "brk": (12, 214), "mincore": (27, 232), "membarrier": (324, 283),
    # threads
    "futex": (202, 98), "futex_waitv": (449, 449), "set_robust_list": (273, 99), "get_robust_list": (274, 100),
    "rseq": (334, 293), "set_tid_address": (218, 96), "exit": (60, 93), "exit_group": (231, 94),
    "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "getcpu": (309, 168), "gettid": (186, 178),
    "getpid": (39, 172), "restart_syscall": (219, 128), "arch_prctl": (158, None),
    # its own signals
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
    # time, chance, and what it is
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "nanosleep": (35, 101),
    "gettimeofday": (96, 169), "time": (201, None), "getrandom": (318, 278), "getrusage": (98, 165),
    "times": (100, 153), "uname": (63, 160), "sysinfo": (99, 179), "getrlimit": (97, 163), "setrlimit": (160, 164), 
    "getcwd": (79, 17), "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177),
}  # fmt: skip

# Open when an argument says so; the same two columns.
_CLONE, _TGKILL, _FCNTL, _PRLIMIT, _PRCTL = (56, 220), (234, 131), (72, 25), (302, 261), (157, 167)
_CLONE_THREAD = 0x10000
_FLAGS = (0, 1, 2, 3, 4, 1030)  # F_DUPFD to F_SETFL, F_DUPFD_CLOEXEC; others have signals sent to anyone
_ITSELF = 0
_NAME, _NAME_MEMORY, _PARENT_DEATH = 15, 0x53564D41, 1  # PR_SET_NAME, PR_SET_VMA, PR_SET_PDEATHSIG


def end_with_parent(parent: int) -> None:
    """From now on this process is killed when the thread that started it ends; exits at once if that has happened.

    parent: process id of whoever started this one.
    """
    if sys.platform == "linux":
        seccomp.control(_PARENT_DEATH, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the guard has gone")


def confine() -> None:
    """Lock this process in, with all its threads, for good. Raises Unsupported, and then nothing may be decoded here.

    Everything that will be needed must have been loaded: no file can be opened afterwards.
    """
    machine = seccomp.this_machine()
    unknown = seccomp.refuse(errno.ENOSYS)
    rules = [
        step
        for numbers in _CALLS.values()
        if (number := numbers[machine.column]) is not None
        for step in seccomp.when(number, ALLOW)
    ]
    for call, argument, test, values in (
        (_CLONE, 0, ANY_BIT, (_CLONE_THREAD,)),
        (_TGKILL, 0, EQUAL, (os.getpid(),)),
        (_FCNTL, 1, EQUAL, _FLAGS),
        (_PRLIMIT, 0, EQUAL, (_ITSELF,)),
        (_PRCTL, 0, EQUAL, (_NAME, _NAME_MEMORY)),
    ):
        rules += seccomp.when_argument(call[machine.column], argument, test, values, ALLOW, unknown)
    seccomp.install(machine, rules, rest=unknown)

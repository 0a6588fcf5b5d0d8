"""Filters over the calls that a process may make to the Linux kernel: seccomp, in its classic BPF.

Linux gives such a filter to any user, root or not, puts it on top of those that stand, and never takes it away again.
"""

import ctypes
import os
import platform
import sys
from collections.abc import Iterable
from typing import NamedTuple

NO_NEW_PRIVILEGES = 38  # linux/prctl.h
_SET_MODE_FILTER, _ALL_THREADS = 1, 1  # linux/seccomp.h

ALLOW, END_PROCESS, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000  # linux/seccomp.h
EQUAL, ANY_BIT = 0x15, 0x45  # linux/bpf_common.h
_LOAD, _RETURN = 0x20, 0x06
_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT = 0, 4, 16  # in struct seccomp_data


class Unsupported(Exception):
    """This system has no such filter, or not one that we know how to write."""


class Step(ctypes.Structure):
    """One instruction of the kernel's packet filter (linux/filter.h, struct sock_filter)."""

    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("steps", ctypes.POINTER(Step)))


class Machine(NamedTuple):
    """column: its place in tables of call numbers (x86-64, arm64). arch: the kernel's name of it (linux/audit.h)."""

    column: int
    arch: int
    seccomp: int


_MACHINES = {"x86_64": Machine(0, 0xC000003E, 317), "aarch64": Machine(1, 0xC00000B7, 277)}


def this_machine() -> Machine:
    """Raises Unsupported."""
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None or sys.maxsize < 2**32:
        raise Unsupported(f"no filter is known for {sys.platform} on {platform.machine()}")
    return machine


def refuse(error: int) -> int:
    """The verdict that lets a call fail with this errno."""
    return _ERROR | error


def when(call: int, verdict: int) -> list[Step]:
    """A call and its verdict."""
    return [Step(EQUAL, 0, 1, call), Step(_RETURN, 0, 0, verdict)]


def when_argument(call: int, argument: int, test: int, values: Iterable[int], verdict: int, other: int) -> list[Step]:
    """The verdict on a call one of whose arguments (counted from 0, its lower 32 bits) passes the test against a value.

    test: EQUAL or ANY_BIT. other: the verdict if it passes none.
    """
    tests = [step for value in values for step in (Step(test, 0, 1, value), Step(_RETURN, 0, 0, verdict))]
    body = [Step(_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument), *tests, Step(_RETURN, 0, 0, other)]
    return [Step(EQUAL, 0, len(body), call), *body]


def install(machine: Machine, rules: Iterable[Step], rest: int) -> None:
    """Filter all threads of this process and what they start, for good. Raises Unsupported.

    rest: the verdict on calls that no rule speaks of. Calls by another machine's table end the process.
    """
    steps = [
        Step(_LOAD, 0, 0, _ARCH_AT),
        Step(EQUAL, 1, 0, machine.arch),
        Step(_RETURN, 0, 0, END_PROCESS),
        Step(_LOAD, 0, 0, _NUMBER_AT),
        *rules,
        Step(_RETURN, 0, 0, rest),
    ]
    program = _Program(len(steps), (Step * len(steps))(*steps))
    control(NO_NEW_PRIVILEGES, 1)
    call = ctypes.c_long(machine.seccomp)
    if _libc().syscall(call, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program)) != 0:
        raise Unsupported(f"the kernel refused the filter: {os.strerror(ctypes.get_errno())}")


def control(option: int, value: int) -> None:
    """prctl(2) with one number. Raises Unsupported."""
    zero = ctypes.c_ulong(0)
    if _libc().prctl(option, ctypes.c_ulong(value), zero, zero, zero) != 0:
        raise Unsupported(f"prctl {option}: {os.strerror(ctypes.get_errno())}")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)

"""No network and no other program, for good: the kernel refuses what a library may try behind our back.

The decoders and detectors that a worker loads have no business outside their process, yet they may be taken over by
the bytes they read, and one of them (mediapipe) reports its use to its maker over the network.
"""

import ctypes
import errno
import platform
import socket
import sys
from typing import NamedTuple


class _Machine(NamedTuple):
    """arch: the kernel's name of the architecture (linux/audit.h). refused: numbers of the calls that fail."""

    arch: int
    refused: tuple[int, ...]


# socket; io_uring_setup, which can open sockets as well; execve, execveat; ptrace
_MACHINES = {
    "x86_64": _Machine(0xC000003E, (41, 425, 59, 322, 101)),
    "aarch64": _Machine(0xC00000B7, (198, 425, 221, 281, 117)),
}
_X32 = 0x40000000  # x86_64 knows every call a second time from here on

_SET_SECCOMP, _FILTER, _NO_NEW_PRIVILEGES = 22, 2, 38  # linux/prctl.h, linux/seccomp.h
_ALLOW, _REFUSE, _END_PROCESS = 0x7FFF0000, 0x00050000 | errno.EACCES, 0x80000000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
_NUMBER_AT, _ARCH_AT = 0, 4  # in struct seccomp_data


class _Step(ctypes.Structure):
    """One instruction of the kernel's packet filter (linux/filter.h, struct sock_filter)."""

    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("steps", ctypes.POINTER(_Step)))


def go_offline() -> bool:
    """From now on, for this thread and all that it starts: no socket, no program. False where the kernel cannot.

    A refused call fails with EACCES, so a library that tries sees an error and goes on. Call before any thread starts.
    """
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        return False
    steps = _steps(machine)
    program = _Program(len(steps), (_Step * len(steps))(*steps))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0):
        return False
    return is_offline()


def is_offline() -> bool:
    """True when this process cannot make a socket."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except PermissionError:
        return True
    return False


def _steps(machine: _Machine) -> list[_Step]:
    """Calls of another architecture end the process, those on the list fail, the rest pass."""
    refused = [_Step(_EQUAL, len(machine.refused) - place, 0, call) for place, call in enumerate(machine.refused)]
    return [
        _Step(_LOAD, 0, 0, _ARCH_AT),
        _Step(_EQUAL, 1, 0, machine.arch),
        _Step(_RETURN, 0, 0, _END_PROCESS),
        _Step(_LOAD, 0, 0, _NUMBER_AT),
        _Step(_AT_LEAST, len(refused) + 1, 0, _X32),
        *refused,
        _Step(_RETURN, 0, 0, _ALLOW),
        _Step(_RETURN, 0, 0, _REFUSE),
    ]

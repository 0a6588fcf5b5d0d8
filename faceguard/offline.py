"""No network and no other program, for good: the kernel refuses what a library may try behind our back.

The decoders and detectors that a worker loads have no business outside their process, yet they may be taken over by
the bytes they read, and one of them (mediapipe) reports its use to its maker over the network. This filter is set
before they are loaded; faceguard.confine sets a narrower one once they are.
"""

import errno
import socket

from faceguard.seccomp import ALLOW, Unsupported, install, refuse, this_machine, when

_REFUSED = {  # number on x86-64, number on arm64
    "socket": (41, 198),
    "io_uring_setup": (425, 425),  # it can open sockets as well
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
}
_X32 = 0x40000000  # x86-64 knows every call a second time from here on


def go_offline() -> bool:
    """From now on, for this process and all that it starts: no socket, no program. False where the kernel cannot.

    A refused call fails with EACCES, so a library that tries sees an error and goes on.
    """
    try:
        machine = this_machine()
        calls = [numbers[machine.column] for numbers in _REFUSED.values()]
        calls += [_X32 | call for call in calls]
        install(machine, [step for call in calls for step in when(call, refuse(errno.EACCES))], rest=ALLOW)
    except Unsupported:
        return False
    return is_offline()


def is_offline() -> bool:
    """True when this process cannot make a socket."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except PermissionError:
        return True
    return False

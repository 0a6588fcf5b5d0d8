"""What a process can still do after it went offline; each test asks a fresh process, for there is no way back."""

import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from faceguard.offline import is_offline

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"), reason="needs Linux on a known machine"
)


def in_fresh_process(code: str) -> object:
    """What ``code`` leaves in ``told``, after ``go_offline()``."""
    program = (
        "import json, sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from faceguard.offline import go_offline, is_offline\n"
        f"taken = go_offline()\n{code}\nprint(json.dumps(told))\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


def test_this_process_is_not_offline():
    assert not is_offline()


def test_no_kind_of_socket_can_be_made():
    code = """
import errno, socket
told = [taken, is_offline()]
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        try:
            socket.socket(family, kind)
            told.append("made")
        except OSError as error:
            told.append(error.errno == errno.EACCES)
"""
    assert in_fresh_process(code) == [True] * 10


def test_no_host_is_looked_up():
    code = """
import socket
try:
    told = socket.getaddrinfo("example.org", 443)
except OSError as error:
    told = "refused"
"""
    assert in_fresh_process(code) == "refused"


def test_no_program_is_started_and_none_traced():
    code = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
told = []
try:
    os.execv(sys.executable, [sys.executable, "-c", ""])
except PermissionError:
    told.append("no program")
attach = 16
if libc.ptrace(attach, os.getppid(), 0, 0) == -1 and ctypes.get_errno() == 13:
    told.append("no tracing")
"""
    assert in_fresh_process(code) == ["no program", "no tracing"]


def test_threads_that_start_later_are_offline_too():
    code = """
import threading
told = []
thread = threading.Thread(target=lambda: told.append(is_offline()))
thread.start()
thread.join()
"""
    assert in_fresh_process(code) == [True]


def test_files_can_still_be_read():
    code = f"told = len(open({str(Path(__file__))!r}).read())"
    assert in_fresh_process(code) == len(Path(__file__).read_text())

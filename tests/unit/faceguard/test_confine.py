"""What a process can still do once it is locked in; each test asks a fresh process, for there is no way back."""

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"), reason="needs Linux on a known machine"
)

# Each of these must fail, whoever runs it. What would be done if it did not harms nothing.
FORBIDDEN = {
    "network": "socket.socket()",
    "pair of sockets": "socket.socketpair()",
    "read a file": "open('/etc/passwd').read()",
    "read its own memory map": "open('/proc/self/maps').read()",
    "list a folder": "os.listdir('/')",
    "write a file": "open('written', 'w')",
    "make a folder": "os.mkdir('made')",
    "remove a file": "os.unlink('there')",
    "rename a file": "os.rename('there', 'elsewhere')",
    "cut a file": "os.truncate('there', 0)",
    "change a mode": "os.chmod('there', 0o777)",
    "fork": "os.fork() or os._exit(0)",
    "run a program": "os.execv('/bin/true', ['true'])",
    "spawn": "os.posix_spawn('/bin/true', ['true'], {})",
    "signal the parent": "os.kill(os.getppid(), 0)",
    "signal itself by process": "os.kill(os.getpid(), 0)",
    "limits of the parent": "resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)",
    "priority of the parent": "os.setpriority(os.PRIO_PROCESS, os.getppid(), 5)",
    "another folder": "os.chdir('/')",
    "change user": "os.setuid(0)",
    "memory file": "os.memfd_create('x')",
    "have signals sent": "fcntl.fcntl(1, fcntl.F_SETOWN, os.getppid())",
    "new session": "os.setsid()",
    "outlive the parent": "prctl(1, 0)",
    "another namespace": "call(unshare=(272, 97))",
    "watch another process": "call(ptrace=(101, 117))",
    "open a ring": "call(io_uring_setup=(425, 425))",
    "program the kernel": "call(bpf=(321, 280))",
    "a call of the other table": "other_table()",
}

HELPERS = """
import ctypes, fcntl, json, os, platform, resource, socket, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)

def checked(result):
    if result == -1:
        raise OSError(ctypes.get_errno(), "")

def call(**name):
    (numbers,) = name.values()
    checked(libc.syscall(ctypes.c_long(numbers[platform.machine() == "aarch64"]), 0, 0, 0, 0, 0))

def prctl(option, value):
    checked(libc.prctl(option, value, 0, 0, 0))

def other_table():
    checked(libc.syscall(ctypes.c_long(0x40000000 | 39), 0))  # getpid of x32; nothing on arm64

open("there", "w").close()
"""


def locked_in(code: str, folder: Path, *, user: int | None = None) -> object:
    """What ``code`` leaves in ``told``, after ``confine()``."""
    program = (
        f"{HELPERS}\nfrom faceguard.confine import confine\nconfine()\n{code}\nprint(json.dumps(told), flush=True)"
    )
    python = sys.executable
    if user is not None:  # an interpreter and the two files in a place where anyone may read them
        python = "/usr/bin/python3"
        shutil.copytree(ROOT / "faceguard", folder / "faceguard", ignore=shutil.ignore_patterns("weights", "*.pyc"))
        (folder / "faceguard" / "__init__.py").write_text("")
        os.chown(folder, user, user)
    program = f"import sys\nsys.path.insert(0, {str(ROOT if user is None else folder)!r})\n{program}"
    command = [python, "-I", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=60, user=user)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


TRY_ALL = f"""
told = []
for name, act in {FORBIDDEN!r}.items():
    try:
        eval(act)
        told.append(name)
    except OSError:
        pass
"""


def test_nothing_is_possible_but_to_compute_and_answer(tmp_path):
    assert locked_in(TRY_ALL, tmp_path) == []
    assert sorted(os.listdir(tmp_path)) == ["there"]


@pytest.mark.skipif(os.getuid() != 0 or not Path("/usr/bin/python3").exists(), reason="only root can become another")
def test_an_ordinary_user_is_locked_in_all_the_same(tmp_path_factory):
    folder = Path("/tmp") / f"confined-{os.getpid()}"
    folder.mkdir()
    try:
        assert locked_in(TRY_ALL, folder, user=65534) == []
    finally:
        shutil.rmtree(folder)


def test_much_of_it_is_possible_before(tmp_path):
    """Else the tests above would show nothing."""
    possible = ("network", "read a file", "list a folder", "write a file", "make a folder", "signal the parent", "fork")
    acts = "\n".join(FORBIDDEN[name] for name in possible)
    done = subprocess.run([sys.executable, "-c", f"{HELPERS}\n{acts}"], cwd=tmp_path, timeout=60)
    assert done.returncode == 0
    assert sorted(os.listdir(tmp_path)) == ["made", "there", "written"]


def test_threads_that_run_already_are_locked_in_too(tmp_path):
    program = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
{HELPERS}
from faceguard.confine import confine
told, go = [], threading.Event()
def work():
    go.wait()
    try:
        open("/etc/passwd")
    except OSError:
        told.append("refused")
thread = threading.Thread(target=work)
thread.start()
confine()
go.set()
thread.join()
print(json.dumps(told))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert done.stdout == '["refused"]\n', done.stderr


def test_threads_memory_time_and_chance_remain(tmp_path):
    code = """
told = []
thread = threading.Thread(target=lambda: told.append("thread"))
thread.start()
thread.join()
told += [len(bytes(50_000_000)), len(os.urandom(8)), time.time() > 0, resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 0]
time.sleep(0.001)
resource.setrlimit(resource.RLIMIT_CPU, (1000, resource.RLIM_INFINITY))
"""
    assert locked_in(code, tmp_path) == ["thread", 50_000_000, 8, True, True]


def test_a_crash_is_still_a_crash(tmp_path):
    program = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom faceguard.confine import confine\nconfine()\n"
    done = subprocess.run([sys.executable, "-I", "-c", program + "import os; os.abort()"], cwd=tmp_path, timeout=60)
    assert done.returncode == -6

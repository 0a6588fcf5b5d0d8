"""Whatever a picture or its worker does, the caller gets an answer and the next picture finds a worker."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from faceguard.decode import HEIC
from faceguard.pipeline import safe_preview
from faceguard.result import Blurred, Limits, Refused, Why

ROOT = Path(__file__).parents[3]
PICTURES = ROOT / "gateway" / "demo" / "pictures"


def test_a_guard_gives_the_same_preview_as_the_pipeline_itself(guard, astronaut):
    assert guard(key=b"k").preview(astronaut) == safe_preview(astronaut, key=b"k")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"])
def test_every_format_can_be_decoded_within_the_bounds_of_a_worker(kind, guard, pictures):
    if kind == "HEIF" and not HEIC:
        pytest.skip("the extra heic is not installed")
    file = io.BytesIO()
    with Image.open(pictures / "grace_hopper.jpg") as image:
        image.save(file, kind)
    assert isinstance(guard().preview(file.getvalue()), Blurred)


def test_the_size_may_be_chosen_for_each_picture(guard, astronaut):
    result = guard().preview(astronaut, preview_px=128)
    assert isinstance(result, Blurred)
    assert (result.width, result.height) == (128, 128)


def test_many_threads_share_a_guard(guard, astronaut):
    one = guard(workers=2)
    with ThreadPoolExecutor(6) as threads:
        results = list(threads.map(one.preview, [astronaut, b"garbage"] * 4))
    assert len({result for result in results if isinstance(result, Blurred)}) == 1
    assert results[1::2] == [Refused(Why.UNSUPPORTED_FORMAT)] * 4


def test_a_worker_killed_in_the_middle_costs_one_refusal_and_is_replaced(guard, astronaut):
    one = guard()
    assert isinstance(one.preview(astronaut), Blurred)
    (worker,) = one.pids
    os.kill(worker, signal.SIGSTOP)  # so that it is surely in the middle when it dies
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(one.preview, astronaut)
        _until(lambda: _has_work(worker))
        os.kill(worker, signal.SIGKILL)
        assert waiting.result() == Refused(Why.CRASHED)
    assert one.pids != {worker}
    assert isinstance(one.preview(astronaut), Blurred)


def test_a_worker_that_died_between_two_pictures_costs_nothing(guard, astronaut):
    one = guard()
    (worker,) = one.pids
    os.kill(worker, signal.SIGKILL)
    _until(lambda: _ended(worker))
    assert isinstance(one.preview(astronaut), Blurred)


def test_a_worker_that_hangs_is_ended_and_replaced(guard, astronaut):
    one = guard(Limits(wall_s=3))
    one.preview(b"garbage")
    (worker,) = one.pids
    os.kill(worker, signal.SIGSTOP)
    assert one.preview(astronaut) == Refused(Why.TIME_OUT)
    assert worker not in one.pids
    assert not Path(f"/proc/{worker}").exists()


def test_a_hang_holds_up_no_other_worker(guard, astronaut):
    one = guard(Limits(wall_s=30), workers=2)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(one.preview, [b"garbage"] * 2))
        stopped = min(one.pids)
        os.kill(stopped, signal.SIGSTOP)
        hanging = [threads.submit(one.preview, astronaut) for _ in range(2)]
        _until(lambda: any(result.done() for result in hanging))
        assert sum(result.done() for result in hanging) == 1
        os.kill(stopped, signal.SIGCONT)
        assert all(isinstance(result.result(), Blurred) for result in hanging)


def test_a_picture_that_needs_more_memory_than_allowed_is_refused(guard, astronaut):
    # 60 megapixels are within the limits, their pixels are not within this address space
    one = guard(Limits(wall_s=60, memory_bytes=720 * 2**20))
    assert one.preview(_plain_png(7800, 7700)) in {Refused(Why.OUT_OF_MEMORY), Refused(Why.CRASHED)}
    assert one.preview(b"garbage") == Refused(Why.UNSUPPORTED_FORMAT)


def test_a_bomb_is_refused_and_the_caller_grows_by_next_to_nothing(guard):
    one = guard()
    before = _resident()
    assert one.preview(_plain_png(20_000, 20_000)) == Refused(Why.TOO_MANY_PIXELS)
    assert _resident() - before < 50 * 2**20


def test_too_many_bytes_never_reach_a_worker(guard):
    one = guard(Limits(max_bytes=1000))
    assert one.preview(bytes(1001)) == Refused(Why.TOO_LARGE)


def test_a_guard_whose_workers_cannot_start_refuses_everything(guard, astronaut):
    one = guard(Limits(memory_bytes=40 * 2**20))
    assert one.preview(astronaut) == Refused(Why.CRASHED)
    assert one.preview(astronaut) == Refused(Why.CRASHED)


def test_a_worker_inherits_neither_descriptors_nor_environment(guard, monkeypatch, tmp_path):
    monkeypatch.setenv("HUBGATE_SECRET", "secret")
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        one = guard()
        one.preview(b"garbage")
        (worker,) = one.pids
        assert sorted(os.listdir(f"/proc/{worker}/fd")) == ["0", "1", "2"]
    assert b"secret" not in Path(f"/proc/{worker}/environ").read_bytes()


def test_a_worker_is_bounded(guard):
    one = guard()
    one.preview(b"garbage")
    (worker,) = one.pids
    limits = {
        line[:26].strip(): line[26:].split()[:2] for line in Path(f"/proc/{worker}/limits").read_text().splitlines()
    }
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max address space"] == [str(2 * 2**30)] * 2
    assert int(limits["Max cpu time"][0]) < 100


def test_a_worker_is_locked_in(guard):
    one = guard()
    one.preview(b"garbage")
    (worker,) = one.pids
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{worker}/status").read_text().splitlines())
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert status["Seccomp_filters"] == "2"  # what they refuse: test_offline.py, test_confine.py


def test_a_worker_that_could_not_lock_itself_in_refuses_everything(guard, astronaut, tmp_path):
    # a kernel without filters, played by a filter that the guard's own process has taken: seccomp(2) fails with EINVAL
    program = f"""
import errno, sys
sys.path.insert(0, {str(ROOT)!r})
from faceguard import seccomp
from faceguard.worker import Guard
machine = seccomp.this_machine()
seccomp.install(machine, seccomp.when(machine.seccomp, seccomp.refuse(errno.EINVAL)), rest=seccomp.ALLOW)
with Guard() as guard:
    print(guard.preview(open({str(PICTURES / "astronaut.png")!r}, "rb").read()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.stdout == "Refused(why=<Why.UNCONFINED: 'unconfined'>)\n", done.stderr


def test_a_worker_stands_in_an_empty_folder_that_is_gone(guard):
    one = guard()
    one.preview(b"garbage")
    (worker,) = one.pids
    assert os.readlink(f"/proc/{worker}/cwd").endswith(" (deleted)")
    assert os.listdir(f"/proc/{worker}/cwd") == []


def test_workers_end_with_a_guard_that_is_killed(tmp_path):
    program = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from faceguard.worker import Guard
guard = Guard(workers=2)
guard.preview(b"garbage")
print(*guard.pids, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        workers = process.stdout.readline().split()
        assert len(workers) == 2
        os.kill(int(workers[0]), signal.SIGSTOP)  # one that cannot see its input end
        process.kill()
    for worker in workers:
        _until(lambda worker=worker: _ended(int(worker)))


def test_a_worker_outlives_the_thread_that_had_it_started(guard, astronaut):
    one = guard()
    with ThreadPoolExecutor(1) as thread:
        (worker,) = one.pids
        os.kill(worker, signal.SIGKILL)
        _until(lambda: _ended(worker))
        assert isinstance(thread.submit(one.preview, astronaut).result(), Blurred)
    workers = one.pids
    assert isinstance(one.preview(astronaut), Blurred)
    assert one.pids == workers


def test_closing_ends_every_worker_and_refuses_what_is_in_the_works(guard, astronaut):
    one = guard(workers=2)
    one.preview(b"garbage")
    workers = one.pids
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(one.preview, astronaut)
        _until(lambda: any(_has_work(worker) for worker in workers))
        one.close()
        assert waiting.result() == Refused(Why.CRASHED)
    one.close()
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    with pytest.raises(RuntimeError, match="closed"):
        one.preview(astronaut)


def test_a_call_that_waits_for_a_worker_hears_of_the_closing(guard, astronaut):
    one = guard()
    one.preview(b"garbage")
    (worker,) = one.pids
    os.kill(worker, signal.SIGSTOP)
    outcomes: list[object] = []

    def ask() -> None:
        try:
            outcomes.append(one.preview(astronaut))
        except RuntimeError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    _until(lambda: _has_work(worker))
    one.close()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == sorted([Refused(Why.CRASHED), "the guard is closed"], key=str)


def test_a_guard_without_workers_cannot_be_built(guard):
    with pytest.raises(ValueError, match="at least one"):
        guard(workers=0)


def _plain_png(width: int, height: int) -> bytes:
    """A valid RGB picture of one colour: some kilobytes that unpack to three bytes a pixel."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)

    packer = zlib.compressobj(1)
    row = bytes(1 + 3 * width)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = width.to_bytes(4) + height.to_bytes(4) + b"\x08\x02\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _has_work(pid: int) -> bool:
    """True once bytes wait in the standard input of a process that is stopped."""
    import array
    import fcntl
    import termios

    waiting = array.array("i", [0])
    with open(f"/proc/{pid}/fd/0", "rb", buffering=0) as pipe:
        fcntl.ioctl(pipe, termios.FIONREAD, waiting)
    return waiting[0] > 0


def _ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def _until(condition) -> None:
    while not condition():
        time.sleep(0.01)

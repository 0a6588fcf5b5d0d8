"""The process that looks through files: what it survives, what it may do, and whose word counts."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from catalog.vocabulary import ScanRefusal, ScanVerdict
from faceguard.frames import LENGTH, BadFrame
from faceguard.source import Held
from gateway.pickles.messages import Range, Scanned, heard, said
from gateway.pickles.scanner import Scanner
from gateway.pickles.twin import Tensor as Planned
from tests.torchfiles import Tensor, running, torch_zip

MODEL = torch_zip({"w": Tensor(struct.pack("<4f", 1, 2, 3, 4), (2, 2))})


class Watched(Held):
    """Bytes at hand; it counts how many were handed over."""

    handed = 0

    def read(self, start: int, stop: int) -> bytes:
        self.handed += stop - start
        return super().read(start, stop)


class Vanishing(Held):
    def read(self, start: int, stop: int) -> bytes:
        raise OSError("the disk is gone")


def test_many_files_one_after_another_get_each_its_own_verdict() -> None:
    with Scanner() as scanner:
        verdicts = [scanner.scan(Held(content)).verdict for content in (MODEL, b"# hello\n", MODEL, running("os", "a"))]
    assert verdicts == [ScanVerdict.DATA, ScanVerdict.NO_PICKLE, ScanVerdict.DATA, ScanVerdict.REFUSED]


def test_a_models_tensors_are_not_read_but_where_they_may_be_a_pickle() -> None:
    large = Watched(torch_zip({"w": Tensor(bytes(40_000_000), (10_000_000,))}))
    with Scanner() as scanner:
        told = scanner.scan(large)
    assert [tensor.stop - tensor.start for tensor in told.tensors] == [40_000_000]
    assert large.handed < 2_000_000


def test_a_file_that_takes_too_long_is_refused_and_the_next_one_is_not() -> None:
    slow = b"\x80\x04" + b"N0" * 40_000_000 + b"N."
    with Scanner(file_s=0.5) as scanner:
        assert scanner.scan(Held(MODEL)).why is None
        assert scanner.scan(Held(slow)).why is ScanRefusal.TIME_OUT
    with Scanner() as scanner:
        assert scanner.scan(Held(MODEL)).verdict is ScanVerdict.DATA


def test_a_pickle_that_fills_the_memory_is_refused_and_the_next_one_is_not() -> None:
    hungry = b"\x80\x04](" + b"B" + struct.pack("<I", 240 * 2**20) + bytes(240 * 2**20) + b"e."
    with Scanner(memory_bytes=2**28) as scanner:
        assert scanner.scan(Held(hungry)).why is ScanRefusal.TOO_LARGE
        assert scanner.scan(Held(MODEL)).verdict is ScanVerdict.DATA


def test_a_source_that_fails_is_heard_of_and_the_next_one_is_read() -> None:
    with Scanner() as scanner:
        with pytest.raises(OSError, match="the disk is gone"):
            scanner.scan(Vanishing(MODEL))
        assert scanner.scan(Held(MODEL)).verdict is ScanVerdict.DATA


def test_the_process_can_open_no_file_and_start_none(tmp_path: Path) -> None:
    """Its own code is asked to, in the place of a pickle that has taken it over."""
    from faceguard.process import START_S, Process

    program = """
import os, sys, socket
from gateway.pickles.child import _locked_in
held = _locked_in()
def tried(act):
    try:
        act()
    except OSError as error:
        return type(error).__name__
    return "done"
acts = [lambda: open("/etc/hostname"), lambda: os.listdir("/"), lambda: socket.socket(), lambda: os.fork(),
        lambda: os.execv("/bin/true", ["true"]), lambda: os.kill(1, 0)]
answer = repr([held, *map(tried, acts)]).encode()
sys.stdout.buffer.write(len(answer).to_bytes(4) + answer)
sys.stdout.buffer.flush()
"""
    import time

    process = Process(program, memory_bytes=2**31, most_reply=10_000)
    try:
        told = eval(process._read_frame(time.monotonic() + START_S))
    finally:
        process.bury()
    assert told[0] is True
    assert "done" not in told[1:]
    assert len(told) == 7


TENSOR = ["w", "F32", [2], 10, 18]


class TestItsWord:
    def test_what_is_said_is_heard(self) -> None:
        tensor = Planned(name="w", dtype="F32", shape=(2,), start=10, stop=18)
        for message in (
            Range(3, 9),
            Scanned(verdict=ScanVerdict.DATA, tensors=(tensor,)),
            Scanned(verdict=ScanVerdict.REFUSED, why=ScanRefusal.HARMFUL, names=("os.system",)),
        ):
            assert heard(said(message)[LENGTH.size :], 100) == message

    @pytest.mark.parametrize(
        "told",
        [
            {"read": [-1, 5]}, {"read": [5, 5]}, {"read": [0, 101]}, {"read": [0]}, {}, [], "data", None,
            {"verdict": "fine", "why": None, "names": [], "tensors": []},
            {"verdict": "refused", "why": None, "names": [], "tensors": []},
            {"verdict": "data", "why": "broken", "names": [], "tensors": []},
            {"verdict": "data", "why": None, "names": ["a"] * 101, "tensors": []},
            {"verdict": "data", "why": None, "names": [], "tensors": [["w", "F32", [2], 10, 19]]},
            {"verdict": "data", "why": None, "names": [], "tensors": [["w", "F32", [2], 93, 101]]},
            {"verdict": "data", "why": None, "names": [], "tensors": [["w", "F32", [-2], 10, 2]]},
            {"verdict": "data", "why": None, "names": [], "tensors": [["w", "F33", [2], 10, 18]]},
            {"verdict": "data", "why": None, "names": [], "tensors": [["w", "F32", ["2"], 10, 18]]},
            {"verdict": "data", "why": None, "names": [], "tensors": [[7, "F32", [2], 10, 18]]},
            {"verdict": "data", "why": None, "names": [], "tensors": [TENSOR, TENSOR]},
        ],
    )  # fmt: skip
    def test_what_no_sound_process_says_is_not_believed(self, told: object) -> None:
        with pytest.raises(BadFrame):
            heard(json.dumps(told).encode(), 100)

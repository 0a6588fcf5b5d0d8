"""What loading a file would run: the hostile, the harmless that looks alike, and all that a pickle can hide in."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import random
import secrets
import struct
import tarfile
import zipfile
import zlib
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from catalog.vocabulary import ScanRefusal, ScanVerdict
from gateway.pickles.inert import LONGEST_LINE
from gateway.pickles.messages import Scanned
from gateway.pickles.scan import scan
from tests.torchfiles import Tensor, name, running, text, torch_legacy, torch_zip

WEIGHTS = {"w": Tensor(struct.pack("<6f", *range(6)), (2, 3)), "b": Tensor(struct.pack("<q", 7), (), "LongStorage", 8)}
EVIL = running("os", "system")


def found(content: bytes) -> Scanned:
    return scan(io.BytesIO(content))


def zipped(members: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for path, content in members.items():
            archive.writestr(path, content)
    return out.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, content in members.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def array_of(pickled: bytes) -> bytes:
    """numpy.save of objects, with this pickle in the place of theirs."""
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    return out.getvalue() + pickled


def encrypted(content: bytes) -> bytes:
    """The same archive, its only member marked as encrypted."""
    flags = bytearray(content)
    flags[6] |= 1
    flags[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(flags)


def under_memo(module: str, what: str) -> bytes:
    """The name comes from the memo, which was filled while another text had just gone from the stack."""
    push = b"\x8c" + bytes([len(module)]) + module.encode()
    harmless = b"\x8c\x0bcollections0\x94"  # pushed, dropped, and then what lies below is remembered
    again = b"\x8c" + bytes([len(what)]) + what.encode()
    return b"\x80\x04" + push + harmless + b"0h\x00" + again + b"\x93\x8c\x04true\x85R."


class TestRefused:
    @pytest.mark.parametrize(
        ("module", "what"),
        [
            ("os", "system"), ("posix", "system"), ("nt", "system"), ("subprocess", "Popen"), ("builtins", "eval"),
            ("builtins", "__import__"), ("builtins", "getattr"), ("importlib", "import_module"), ("runpy", "run_path"),
            ("__builtin__", "eval"), ("commands", "getoutput"), ("cPickle", "loads"), ("pickle", "loads"),
            ("shutil", "rmtree"), ("socket", "create_connection"), ("urllib.request", "urlopen"), ("ctypes", "CDLL"),
            ("operator", "attrgetter"), ("functools", "partial"), ("types", "CodeType"), ("types", "FunctionType"),
            ("code", "interact"), ("linecache", "getline"), ("zipimport", "zipimporter"),
            ("multiprocessing", "Process"),
            ("numpy.testing._private.utils", "runstring"), ("torch.utils.bottleneck.__main__", "run_cprofile"),
            ("cloudpickle.cloudpickle", "_make_function"), ("torch.serialization", "os"), ("requests.api", "get"),
            ("joblib.parallel", "os"), ("pip", "main"),
        ],
    )  # fmt: skip
    def test_names_that_can_run_anything_are_known(self, module: str, what: str) -> None:
        told = found(running(module, what))
        assert (told.verdict, told.why) == (ScanVerdict.REFUSED, ScanRefusal.HARMFUL)
        assert told.names == (f"{module}.{what}",)

    def test_a_name_that_reaches_through_a_module_is_harmful_whatever_the_module(self) -> None:
        through = b"\x80\x04\x8c\x13torch.serialization\x8c\x09os.system\x93\x8c\x04true\x85R."
        assert found(through).names == ("torch.serialization.os.system",)
        assert found(b"\x80\x04\x8c\x06shapes\x8c\x0bOuter.Inner\x93)\x81.").verdict is ScanVerdict.CODE

    @pytest.mark.parametrize(
        "hidden",
        [
            pytest.param(EVIL, id="plain"),
            pytest.param(EVIL[2:], id="without the two bytes that pickles begin with"),
            pytest.param(b"cos\nsystem\n(S'true'\ntR.", id="in letters"),
            pytest.param(b"(S'true'\nios\nsystem\n.", id="as an instance"),
            pytest.param(EVIL[:-1], id="broken behind the call"),
            pytest.param(EVIL[:-1] + b"\xff" * 50, id="broken behind the call, and long"),
            pytest.param(b"I010\n0" + EVIL[2:], id="behind a number that only C reads"),
            pytest.param(b"Nr\xff\xff\xff\x7f0" + EVIL[2:], id="behind a number that fills the memory"),
            pytest.param(b"N.N.N." + EVIL, id="the fourth pickle"),
            pytest.param(under_memo("os", "system"), id="by way of the memo"),
            pytest.param(b"\x80\x04\x95" + struct.pack("<Q", len(EVIL) - 2) + EVIL[2:], id="in a frame"),
            pytest.param(b"\x80\x05\x96" + struct.pack("<Q", 3) + b"abc0" + EVIL[2:], id="behind a bytearray"),
            pytest.param(torch_zip(WEIGHTS, EVIL), id="torch"),
            pytest.param(torch_zip({"w": Tensor(EVIL, ())}), id="in a tensor"),
            pytest.param(torch_legacy(WEIGHTS)[:14] + EVIL, id="legacy torch, second pickle"),
            pytest.param(zipped({"a/b.txt": EVIL}, zipfile.ZIP_DEFLATED), id="zip"),
            pytest.param(zipped({"a.zip": zipped({"b": EVIL})}, zipfile.ZIP_LZMA), id="zip in zip"),
            pytest.param(b"\x7fELF" + zipped({"b": EVIL}), id="zip behind something else"),
            pytest.param(zipped({"a.npy": array_of(EVIL)}), id="npz"),
            pytest.param(array_of(EVIL), id="npy"),
            pytest.param(tarred({"x/y.bin": EVIL}), id="tar"),
            pytest.param(gzip.compress(tarred({"x": EVIL})), id="tar.gz"),
            pytest.param(gzip.compress(EVIL), id="gzip"),
            pytest.param(bz2.compress(EVIL), id="bzip2"),
            pytest.param(lzma.compress(EVIL), id="xz"),
            pytest.param(lzma.compress(EVIL, lzma.FORMAT_ALONE), id="lzma"),
            pytest.param(zlib.compress(EVIL), id="zlib"),
            pytest.param(zlib.compress(EVIL + secrets.token_bytes(9000))[:5000] + b"\xff" * 99, id="damaged zlib"),
        ],
    )
    def test_it_is_found_wherever_it_hides(self, hidden: bytes) -> None:
        told = found(hidden)
        assert (told.verdict, told.why) == (ScanVerdict.REFUSED, ScanRefusal.HARMFUL)
        assert told.tensors == ()

    def test_the_memo_trick_is_a_real_one(self) -> None:
        """Python's own unpickler meets the same name; a record of it shows so without running it."""
        met = []

        class Recorder(pickle.Unpickler):
            def find_class(self, module: str, name: str) -> Callable[..., None]:
                met.append((module, name))
                return lambda *_: None

        Recorder(io.BytesIO(under_memo("os", "system"))).load()
        assert met == [("os", "system")]

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (running("torch.nn", "Linear")[:-1], ScanRefusal.BROKEN),
            (torch_zip(WEIGHTS, b"\x80\x02}"), ScanRefusal.BROKEN),
            (b"PK\x03\x04" + secrets.token_bytes(99), ScanRefusal.BROKEN),
            (
                zipped({"a": b"abc" * 99}, zipfile.ZIP_DEFLATED).replace(b"PK\x03\x04", b"PK\x03\x05"),
                ScanRefusal.BROKEN,
            ),
            (gzip.compress(pickle.dumps({"a": "b" * 999}))[:40], ScanRefusal.BROKEN),
            (encrypted(zipped({"a": b"12345678901234567890"})), ScanRefusal.ENCRYPTED),
            (b"7z\xbc\xaf\x27\x1c" + bytes(60), ScanRefusal.UNKNOWN_ARCHIVE),
            (b"\x28\xb5\x2f\xfd" + bytes(60), ScanRefusal.UNKNOWN_ARCHIVE),
        ],
        ids=["cut", "cut zip", "no zip", "odd zip", "cut gzip", "encrypted", "7z", "zstd"],
    )
    def test_what_cannot_be_read_to_its_end_is_refused(self, content: bytes, why: ScanRefusal) -> None:
        told = found(content)
        assert (told.verdict, told.why) == (ScanVerdict.REFUSED, why)

    def test_many_pickles_one_after_another_do_not_hide_the_last(self) -> None:
        assert found(b"N." * 20_000 + EVIL).why is ScanRefusal.TOO_LARGE

    def test_a_line_that_nobody_can_hold_does_not_hide_what_follows(self) -> None:
        assert found(b"V" + b"a" * LONGEST_LINE + b"\n0" + EVIL[2:]).why is ScanRefusal.TOO_LARGE

    def test_archives_nested_too_deep_are_refused(self) -> None:
        content = EVIL
        for _ in range(8):
            content = zipped({"a.zip": content})
        assert found(content).why is ScanRefusal.TOO_DEEP

    def test_a_small_zip_that_unpacks_to_much_is_read_piece_by_piece(self) -> None:
        bomb = zipped({"a": b"\x80\x04" + bytes(30_000_000)}, zipfile.ZIP_DEFLATED)
        assert len(bomb) < 100_000
        assert found(bomb).verdict is ScanVerdict.NO_PICKLE


class TestCode:
    def test_code_of_other_packages_is_named(self) -> None:
        told = found(torch_zip(WEIGHTS, running("torch.nn.modules.linear", "Linear")))
        assert (told.verdict, told.names) == (ScanVerdict.CODE, ("torch.nn.modules.linear.Linear",))
        assert told.tensors == ()

    def test_what_was_made_by_a_call_can_be_called_and_filled_again(self) -> None:
        """A pickle may do with an object whatever a loader can: the reading goes on as far as the loading would."""
        made = b"\x80\x02" + name("shapes", "make") + b")R(K\x01tR}" + text("a") + b"K\x02sb(K\x01K\x02eK\x03a."
        assert found(made) == Scanned(verdict=ScanVerdict.CODE, names=("shapes.make",))


class TestData:
    @pytest.mark.parametrize(
        "value",
        [
            {"w": np.arange(6.0).reshape(2, 3), "n": np.float32(2), "t": (1, None, True, b"x", {3}, frozenset({4}))},
            OrderedDict(a=[1.5] * 2000),
            defaultdict(list, a=[bytearray(70_000)]),
            {"when": datetime(2026, 1, 1, tzinfo=UTC), "where": Path("a/b"), "how": complex(1, 2)},
        ],
        ids=["arrays", "ordered", "defaultdict", "values"],
    )
    @pytest.mark.parametrize("protocol", range(6))
    def test_plain_values_of_every_protocol_are_data(self, value: object, protocol: int) -> None:
        assert found(pickle.dumps(value, protocol)) == Scanned(verdict=ScanVerdict.DATA)

    def test_state_dicts_of_both_forms_are_data(self) -> None:
        for content in (torch_zip(WEIGHTS), torch_legacy(WEIGHTS)):
            told = found(content)
            assert (told.verdict, [tensor.name for tensor in told.tensors]) == (ScanVerdict.DATA, ["b", "w"])

    def test_arrays_and_tensors_without_a_pickle_are_data(self) -> None:
        plain, objects, many = io.BytesIO(), io.BytesIO(), io.BytesIO()
        np.save(plain, np.arange(9))
        np.save(objects, np.array([{"a": 1}], dtype=object))
        np.savez(many, a=np.arange(3), b=np.ones(2))
        for content in (plain.getvalue(), objects.getvalue(), many.getvalue(), save({"w": np.ones(3)})):
            assert found(content).verdict is ScanVerdict.DATA


class TestNoPickle:
    @pytest.mark.parametrize(
        "content",
        [
            b"", b"\n", b"airplane\nautomobile\nbird\n", b"import torch\nimport numpy\n",
            b"images/1.jpg\nimages/2.jpg\n",
            b"class Net:\n    pass\n", b"{}", b'{"a": [1, 2]}', b"# A model\n\nIt sees.\n", b"config: 1\nmore: 2\n",
            "模型\n第二行\n".encode(), b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n" + bytes(99), b"GIF89a" + bytes(99),
            b"x^2 + y\n", b"]\x00\x00 not lzma at all", zipped({"a.txt": b"hello"}),
        ],
    )  # fmt: skip
    def test_other_files_are_not_taken_for_pickles(self, content: bytes) -> None:
        assert found(content) == Scanned(verdict=ScanVerdict.NO_PICKLE)

    def test_this_project_itself_is_not(self) -> None:
        root = Path(__file__).parents[3]
        files = [*root.glob("catalog/**/*.py"), *root.glob("docs/**/*.md"), root / "pyproject.toml", root / "LICENSE"]
        assert len(files) > 50
        assert [file for file in files if found(file.read_bytes()).verdict is not ScanVerdict.NO_PICKLE] == []

    def test_bytes_at_random_are_never_refused(self) -> None:
        chance = random.Random(1)
        pieces = [chance.randbytes(512) for _ in range(2000)] + [
            b"\x78\x9c" + chance.randbytes(512) for _ in range(500)
        ]
        assert [piece for piece in pieces if found(piece).why is not None] == []


def test_nothing_is_run_and_nothing_imported(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    (tmp_path / "sideeffect.py").write_text(f"open({str(trace)!r}, 'w').close()")
    before = os.getcwd()
    os.chdir(tmp_path)
    try:
        assert found(running("os", "system", f"touch {trace}")).why is ScanRefusal.HARMFUL
        assert found(running("sideeffect", "anything")).verdict is ScanVerdict.CODE
    finally:
        os.chdir(before)
    assert not trace.exists()

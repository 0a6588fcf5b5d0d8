"""Which second look there is. Each test asks a fresh process, for going offline and importing cannot be undone."""

import json
import platform
import subprocess
import sys
from importlib import util
from pathlib import Path

import numpy as np
import pytest

import gateway.demo
from faceguard.detectors.weights import BLAZEFACE, PACKAGED
from faceguard.offline import is_offline
from faceguard.verify import Every

ROOT = Path(__file__).parents[3]
ASTRONAUT = Path(gateway.demo.__file__).parent / "pictures" / "astronaut.png"

installed = pytest.mark.skipif(util.find_spec("mediapipe") is None, reason="the extra mediapipe is not installed")
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"), reason="needs Linux on a known machine"
)


def found_after(before: str, after: str = "") -> dict:
    """What second_look answers in a fresh process after ``before``; ``after`` may add to ``told``."""
    program = f"""
import json, sys
sys.path.insert(0, {str(ROOT)!r})
import numpy as np
from PIL import Image
from faceguard.detectors.registry import looker
from faceguard.offline import go_offline
from faceguard.second import second_look
astronaut = np.asarray(Image.open({str(ASTRONAUT)!r}).convert("RGB"))
{before}
found = second_look(looker())
told = dict(mediapipe=found.mediapipe, trouble=found.trouble, faces=len(found.look.strong(astronaut)))
{after}
print(json.dumps(told))
"""
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_without_mediapipe_the_plan_looks_again_and_nothing_is_amiss():
    told = found_after("go_offline(); sys.modules['mediapipe'] = None")
    assert told == {"mediapipe": False, "trouble": "", "faces": 1}


@installed
def test_with_mediapipe_both_find_the_face():
    assert found_after("go_offline()") == {"mediapipe": True, "trouble": "", "faces": 2}


@installed
def test_mediapipe_is_not_even_imported_where_it_could_reach_the_network():
    assert not is_offline()
    told = found_after("", "told['imported'] = 'mediapipe' in sys.modules")
    assert not told["mediapipe"]
    assert not told["imported"]
    assert "network" in told["trouble"]
    assert told["faces"] == 1


@installed
def test_a_mediapipe_that_does_not_load_is_named_and_the_plan_looks_again():
    """As where the system library that it links is missing."""
    broken = "import types; sys.modules['mediapipe.tasks.python.vision'] = types.ModuleType('nothing')"
    told = found_after(f"go_offline(); {broken}")
    assert not told["mediapipe"]
    assert "Error" in told["trouble"]
    assert told["faces"] == 1


@installed
def test_no_thread_starts_once_it_stands_and_the_picture_is_read_as_it_lies():
    """Workers forbid new threads; and a picture may be a view of a larger one."""
    told = found_after(
        "go_offline()",
        """
def threads():
    return int(open("/proc/self/status").read().split("Threads:")[1].split()[0])
before = threads()
left = found.look.strong(astronaut[:, :400][::-1][::-1])
mirrored = found.look.strong(astronaut[:, ::-1])
told["same_threads"] = threads() == before
told["mirrored"] = bool(np.allclose(512 - mirrored[:, 2], found.look.strong(astronaut)[:, 0], atol=15))
told["left"] = len(left)
""",
    )
    assert told["same_threads"]
    assert told["left"] == 2
    assert told["mirrored"]


@installed
def test_what_mediapipe_would_load_in_vain_is_left_out_and_can_still_be_imported():
    told = found_after(
        "go_offline()",
        """
told["loaded"] = [name for name in ("matplotlib", "sounddevice") if name in sys.modules]
""",
    )
    assert told["loaded"] == []


@installed
def test_the_description_is_added_in_memory_alone():
    told = found_after(
        "go_offline()",
        f"""
from faceguard.detectors.blazeface import described
from mediapipe.tasks.metadata import schema_py_generated as schema
file = open({str(PACKAGED / BLAZEFACE.name)!r}, "rb").read()
bare, full = (schema.Model.GetRootAs(data, 0) for data in (file, described(file)))
names = [full.Metadata(i).Name().decode() for i in range(full.MetadataLength())]
told["named"] = names.count("TFLITE_METADATA")
told["buffers"] = full.BuffersLength() - bare.BuffersLength()
told["weights"] = all(
    np.array_equal(bare.Buffers(i).DataAsNumpy(), full.Buffers(i).DataAsNumpy()) for i in range(bare.BuffersLength())
)
""",
    )
    assert (told["named"], told["buffers"], told["weights"]) == (1, 1, True)


def test_what_any_of_several_looks_finds_counts():
    class Finds:
        def __init__(self, *lefts: float) -> None:
            self.boxes = np.array([[left, 0, left + 5, 5, 1] for left in lefts], np.float32).reshape(-1, 5)

        def strong(self, rgb):
            return self.boxes

    assert Every(Finds(1), Finds(), Finds(2, 3)).strong(np.zeros((9, 9, 3), np.uint8))[:, 0].tolist() == [1, 2, 3]

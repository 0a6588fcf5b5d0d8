"""A guard whose workers meet a mediapipe that is sound, broken, missing or deadly."""

import json
import shutil
import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest

import faceguard
import gateway.demo

ASTRONAUT = Path(gateway.demo.__file__).parent / "pictures" / "astronaut.png"

_ASK = """
import dataclasses, json, logging, sys
sys.path.insert(0, sys.argv[1])
logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
from faceguard.result import Blurred, Limits
from faceguard.worker import Guard
picture = open(sys.argv[2], "rb").read()
with Guard(workers=2, limits=Limits(wall_s=60)) as guard:
    results = [guard.preview(picture) for _ in range(3)]
    standing = guard.standing and dataclasses.asdict(guard.standing)
print(json.dumps({"shown": [isinstance(one, Blurred) for one in results], "standing": standing}))
"""


def told_beside(folder: Path, mediapipe: str) -> tuple[dict, str]:
    """What a guard tells whose workers find this module ``mediapipe`` first, and what it logs."""
    shutil.copytree(Path(faceguard.__file__).parent, folder / "faceguard")
    (folder / "mediapipe.py").write_text(mediapipe)
    done = subprocess.run(
        [sys.executable, "-I", "-c", _ASK, folder, ASTRONAUT], capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_a_mediapipe_that_does_not_load_costs_a_warning_and_no_preview(tmp_path):
    told, logged = told_beside(tmp_path, "raise OSError('libEGL.so.1: cannot open shared object file')")
    assert told["shown"] == [True] * 3
    assert told["standing"]["plan"] == "standard"
    assert not told["standing"]["mediapipe"]
    assert "libEGL.so.1" in told["standing"]["trouble"]
    assert logged.count("WARNING faceguard.worker mediapipe does not take part") == 1


def test_a_mediapipe_that_ends_the_process_shows_nothing(tmp_path):
    """There is nothing to tell it from a worker that was taken over."""
    told, _ = told_beside(tmp_path, "import os; os.abort()")
    assert told == {"shown": [False] * 3, "standing": None}


@pytest.mark.skipif(util.find_spec("mediapipe") is None, reason="the extra mediapipe is not installed")
def test_workers_use_mediapipe_where_it_is_installed(guard, astronaut):
    one = guard()
    one.preview(astronaut)
    assert one.standing.mediapipe
    assert one.standing.trouble == ""


def test_what_the_workers_run_is_not_known_before_one_was_asked(guard):
    assert guard().standing is None

"""deface, the tool that previews are compared with, in an environment of its own: it would overwrite our OpenCV."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

VERSION = "1.5.0"
ENVIRONMENT = Path("artefacts/deface").absolute()

_PACKAGES = (f"deface=={VERSION}", "opencv-python-headless", "onnx", "onnxruntime")
_INSTEAD = "opencv-python ; sys_platform == 'never'"

# Its own defaults (threshold .2, ellipse 1.3, blur), file to file, one picture before the clock runs.
_TIMED = """
import json, os, sys, time
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(sys.argv[1])])
import cv2, onnxruntime
cv2.setNumThreads(int(sys.argv[1]))
# Its threads choose their cores by themselves, so their number must be set too; deface takes that of the cores.
session, options = onnxruntime.InferenceSession, onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[1])
onnxruntime.InferenceSession = lambda *given, **named: session(*given, sess_options=options, **named)
from deface.centerface import CenterFace
from deface.deface import image_detect
net = CenterFace(backend=sys.argv[2])
spent = []
for path in [*sys.argv[4:5], *sys.argv[4:]]:
    wall, cpu = time.perf_counter(), time.process_time()
    image_detect(path, sys.argv[3], net, .2, "blur", 1.3, True, False, False, False)
    spent.append((time.perf_counter() - wall, time.process_time() - cpu))
print()
print(json.dumps(spent[1:]))
"""


def command() -> Path:
    """The command ``deface``; its environment is made on the first call. Raises CalledProcessError without packages."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "venv", "--quiet", ENVIRONMENT], check=True)
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as override:
            override.write(_INSTEAD)
            override.flush()
            install = [uv, "pip", "install", "--quiet", "--python", python, "--override", override.name]
            subprocess.run([*install, *_PACKAGES], check=True)
    return ENVIRONMENT / "bin" / "deface"


def timed(pictures: Sequence[Path], *, threads: int, backend: str) -> list[tuple[float, float]]:
    """Wall and CPU seconds of each picture, read, blurred and written at its own size. backend: onnxrt or opencv."""
    python = command().with_name("python")
    with tempfile.TemporaryDirectory() as folder:
        arguments = [str(threads), backend, f"{folder}/out.jpg", *map(str, pictures)]
        done = subprocess.run([python, "-c", _TIMED, *arguments], capture_output=True, text=True, check=True)
    return [(wall, cpu) for wall, cpu in json.loads(done.stdout.splitlines()[-1])]

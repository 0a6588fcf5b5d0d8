"""PyTorch's own weights, in an environment that has PyTorch: what is plain is loaded, what would run code is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest
from filelock import FileLock

from catalog.vocabulary import Kind
from tests.houses import running

ROOT = Path(__file__).parents[3]
UV = Path(sys.executable).with_name("uv")
PACKAGES = ("torch==2.13.0", "numpy", "safetensors", "cryptography", "filelock", "httpx2", "platformdirs", "tqdm")
MAKE = """
import sys, torch
from safetensors.torch import save_file
class Runs:
    def __reduce__(self):
        return print, ("it ran",)
torch.manual_seed(int(sys.argv[1]))
weights = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.BatchNorm1d(4)).state_dict()
torch.save({"state_dict": weights, "epoch": 9}, "net.pth")
torch.save(weights, "old.pt", _use_new_zipfile_serialization=False)
save_file(weights, "net.safetensors")
torch.save({"state_dict": weights, "hook": Runs()}, "bad/runs.pth")
torch.save(torch.nn.Linear(2, 2), "bad/whole.pt")
torch.jit.script(torch.nn.Linear(2, 2)).save("bad/script.pt")
with open("bad/text.bin", "w") as file:
    file.write("no weights")
"""
LOAD = """
import sys, torch
from pathlib import Path
from gateway.sdk import Hub, NotLoaded
from gateway.sdk.loaders import load_torch
net = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.BatchNorm1d(4))
with Hub() as hub:
    model = hub.model("NAME")
    first = model.load_torch("net.pth")
    assert first["epoch"] == 9
    for found in (first["state_dict"], model.load_torch("old.pt"), model.load_torch("net.safetensors")):
        net.load_state_dict(found)
        assert all(torch.equal(found[key], first["state_dict"][key]) for key in found)
    assert model.load_torch("net.safetensors", map_location="meta")["0.weight"].is_meta
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        load_torch(path.open("rb"), Path(path.name), "cpu")
    except NotLoaded as error:
        print(path.name, "refused:", error)
"""


def python_with_torch() -> Path:
    """Made with pip, kept between runs; skips where the packages cannot be had."""
    base = Path(platformdirs.user_cache_dir("hubgate-tests")) / "torch"
    base.mkdir(parents=True, exist_ok=True)
    python, ready = base / "env" / "bin" / "python", base / f"{'-'.join(PACKAGES[:1])}.ready"
    with FileLock(base / "lock"):
        if not ready.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", base / "env"], check=True)
            command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
            done = subprocess.run(command, capture_output=True, text=True, timeout=900)
            if done.returncode != 0:
                pytest.skip(f"PyTorch cannot be had here: {done.stderr[-300:]}")
            ready.touch()
    return python


@pytest.mark.clients
@pytest.mark.every_client
@pytest.mark.timeout(1200)
def test_weights_are_loaded_and_code_is_not_run(tmp_path: Path) -> None:
    python, made, sdk = python_with_torch(), tmp_path / "made", tmp_path / "sdk"
    (made / "bad").mkdir(parents=True)
    subprocess.run([UV, "pip", "install", "--quiet", "--no-deps", "--target", sdk, ROOT], check=True, timeout=170)
    subprocess.run([python, "-c", MAKE, str(int.from_bytes(os.urandom(4)))], cwd=made, check=True, timeout=120)
    with running(tmp_path) as house:
        files = {path.name: path.read_bytes() for path in made.iterdir() if path.is_file()}
        published = house.publish(files, kind=Kind.MODEL)
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(sdk),
            "HUBGATE_URL": house.url,
            "HUBGATE_TOKEN": house.reader(published),
            "HUBGATE_HOME": str(tmp_path / "home"),
            "LC_ALL": "C.UTF-8",
        }
        code = LOAD.replace("NAME", published.name)
        command = [python, "-c", code, made / "bad"]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "it ran" not in done.stdout + done.stderr
    refused = [line.partition(" refused: ")[0] for line in done.stdout.splitlines() if " refused: " in line]
    assert refused == ["runs.pth", "script.pt", "text.bin", "whole.pt"], done.stdout
    assert done.stdout.count("Nothing in it was run") == len(refused)

"""The wheel as a researcher installs it: the base alone, in a bare environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
UV = Path(sys.executable).with_name("uv")
SERVER_ONLY = ["starlette", "sqlalchemy", "cv2", "PIL", "boto3", "pydantic", "numpy", "uvicorn", "jinja2", "httptools"]
MAX_BASE = 50 * 1000 * 1000
REPORT = """
import json, sys, time
start = time.perf_counter()
import gateway.sdk
took = time.perf_counter() - start
light = sorted(sys.modules)
import gateway.sdk.notebook, gateway.sdk.loaders
import gateway.cli
print(json.dumps({"ms": round(took * 1000), "modules": light, "commands": sorted(sys.modules)}))
"""


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=170, cwd=ROOT)
    if done.returncode != 0 and re.search(r"dns error|[Cc]onnect|network", done.stderr):
        pytest.skip("no package index within reach: the base packages cannot be installed")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel and the locked base packages, nothing else."""
    base = tmp_path_factory.mktemp("bare")
    run(UV, "build", "--wheel", "--out-dir", base, ROOT)
    (wheel,) = base.glob("hubgate-*.whl")
    run(UV, "venv", "--python", sys.executable, base / "env")
    python = base / "env" / "bin" / "python"
    # The lock as constraints: only what the base asks for is installed, in the locked versions.
    locked = base / "constraints.txt"
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    locked.write_text("\n".join(line.removesuffix("\\").strip() for line in lines if re.match(r"[a-z]", line)))
    run(UV, "pip", "install", "--python", python, "--constraints", locked, wheel)
    return python


def test_the_base_install_loads_no_server_package_and_knows_the_commands(bare: Path) -> None:
    seen = json.loads(run(bare, "-c", REPORT))
    for modules in (seen["modules"], seen["commands"]):
        assert not set(SERVER_ONLY) & set(modules)
    assert not {"torch", "fsspec", "ipywidgets", "IPython", "safetensors"} & set(seen["commands"])
    for later in ("httpx2", "typer", "tqdm", "filelock", "cryptography", "sqlite3"):
        assert later not in seen["modules"]
    assert "typer" in seen["commands"]
    assert "pydantic" not in seen["commands"]
    sys.stdout.write(f"import gateway.sdk: {seen['ms']} ms\n")
    shown = run(bare.with_name("hubgate"), "--help")
    assert all(
        command in shown
        for command in ("login", "search", "show", "terms", "accept", "fetch", "sync", "holdings", "extract")
    )
    assert "serve" not in shown


def test_the_base_install_is_small(bare: Path) -> None:
    packages = next((bare.parent.parent / "lib").glob("python3*/site-packages"))
    size = sum(path.lstat().st_size for path in packages.rglob("*") if path.is_file() and path.suffix != ".pyc")
    sys.stdout.write(f"base install: {size / 1e6:.1f} MB in {len(os.listdir(packages))} entries\n")
    assert size <= MAX_BASE


def test_the_base_requirements_are_these(bare: Path) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert sorted(re.match(r"[a-z0-9-]+", line)[0] for line in declared) == [  # type: ignore[index]
        "cryptography",
        "filelock",
        "httpx2",
        "platformdirs",
        "tqdm",
        "typer",
    ]
    installed = {record["name"] for record in json.loads(run(UV, "pip", "list", "--python", bare, "--format", "json"))}
    assert "hubgate" in installed
    # typer itself requires pydantic; the test above shows that it is never loaded.
    assert not installed & {"starlette", "sqlalchemy", "pillow", "boto3", "numpy", "opencv-python-headless"}

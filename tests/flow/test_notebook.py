"""A researcher in a real Jupyter kernel: terms read and accepted, files fetched with a progress bar, a stop felt."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.gateways import Gateway

CELLS = (
    """
from gateway.sdk import Hub, Stopped, TermsNotAccepted
hub = Hub()
faces = hub.dataset("lab/notebook")
hub.search("notebook")[0]["title"]["en"]
""",
    """
try:
    faces.fetch("faces")
except TermsNotAccepted as error:
    print(error)
""",
    """
print(faces.terms().en)
faces.accept(purpose="a notebook")["terms_version"]
""",
    """
folder = faces.fetch("faces")
sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
""",
    """
with faces.open("large.bin") as remote:
    remote.seek(1_000_000)
    piece = remote.read(4)
piece
""",
    "hub",
)
LARGE = bytes(range(256)) * 16_000


def run(cells: tuple[str, ...], at: Path) -> list[list[dict[str, Any]]]:
    """The outputs of each cell, run in a kernel of its own in that folder. A cell that fails is an error."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(at)}}).execute()
    return [cell.outputs for cell in notebook.cells]


def printed(outputs: list[dict[str, Any]], stream: str) -> str:
    return "".join(
        output["text"] for output in outputs if output["output_type"] == "stream" and output["name"] == stream
    )


def value(outputs: list[dict[str, Any]]) -> str:
    (result,) = (output for output in outputs if output["output_type"] == "execute_result")
    return str(result["data"]["text/plain"])


@pytest.mark.filterwarnings("default")  # what the notebook libraries warn of among themselves
def test_a_notebook_accepts_fetches_and_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Gateway(tmp_path / "data")
    gateway.terms(tmp_path)
    folder = tmp_path / "set"
    (folder / "portraits").mkdir(parents=True)
    (folder / "large.bin").write_bytes(LARGE)
    (folder / "portraits" / "1.txt").write_text("one", encoding="utf-8")
    gateway.publish(folder, "lab/notebook", "--class", "public")
    token = gateway.account("scholar")
    for name, content in {
        "HUBGATE_URL": gateway.url,
        "HUBGATE_TOKEN": token,
        "HUBGATE_HOME": str(tmp_path / "home"),
        "LC_ALL": "C.UTF-8",
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_PLATFORM_DIRS": "1",
    }.items():
        monkeypatch.setenv(name, content)
    with gateway.serving():
        found, refused, accepted, fetched, read, shown = run(CELLS, tmp_path)
    assert value(found) == "'Street faces'"
    assert "hubgate accept lab/notebook" in printed(refused, "stdout")
    assert "Be kind. (en)" in printed(accepted, "stdout")
    assert value(accepted) == "'1.0'"
    assert value(fetched) == str(["large.bin", "portraits", "portraits/1.txt"])
    assert "lab/notebook: 100%" in printed(fetched, "stderr")
    assert (tmp_path / "faces" / "large.bin").read_bytes() == LARGE
    assert os.listdir(tmp_path / "faces" / "portraits") == ["1.txt"]
    assert value(read) == repr(LARGE[1_000_000:1_000_004])
    assert token not in value(shown)

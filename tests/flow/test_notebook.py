"""A researcher in a real Jupyter kernel: terms read and accepted, files fetched with a progress bar, a recall heard of.

With ipywidgets there are forms, without them the same is text.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.gateways import Gateway

BARE = """
import sys
sys.modules["ipywidgets"] = None  # as where it is not installed
"""
CELLS = (
    BARE
    + """
from gateway.sdk import Hub, Stopped, TermsNotAccepted, notebook
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
notebook.terms(faces)
""",
    """
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
FORMS = (
    """
from gateway.sdk import Hub, notebook
hub = Hub()
faces = hub.dataset("lab/notebook")
form = notebook.terms(faces)
form
""",
    """
before = form.button.disabled
form.purpose.value = "a notebook"
form._language.value = "zh"
form.button.click()
before, form.accepted, faces.accepted(), form.button.description
""",
    """
folder = faces.fetch("faces")
""",
    """
import json, os, sqlite3, time, urllib.request
request = urllib.request.Request(
    hub.url + "/v1/operator/revocations",
    json.dumps({"subject": "lab/notebook", "reason": "rights_complaint"}).encode(),
    {"authorization": "Bearer " + os.environ["OPERATOR"], "content-type": "application/json"},
)
notice = json.load(urllib.request.urlopen(request))["notice"]
hub.sync(dry_run=True)
with sqlite3.connect(os.environ["HUBGATE_HOME"] + "/holdings.db") as record:
    record.execute("UPDATE feeds SET looked_at = 0")  # an hour passes
notice
""",
    """
Hub().close()  # as whoever goes on working makes it
""",
    """
called = notebook.recalls(hub)
called
""",
    """
print(called)
called.outside.value = "none_declared"
called.aside.click()
print(called.handled[0].state, len(list(folder.rglob("*.txt"))))
called.delete.click()
print(called.handled[0].state, called._said.value)
notebook.recalls(hub)._ipython_display_()
""",
)
LARGE = bytes(range(256)) * 16_000


def run(cells: tuple[str, ...], at: Path) -> nbformat.NotebookNode:
    """The notebook after each cell was run, in a kernel of its own in that folder. A cell that fails is an error."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(at)}}).execute()
    return notebook


def states(notebook: nbformat.NotebookNode) -> list[dict[str, Any]]:
    """What every widget showed in the end."""
    (found,) = notebook.metadata["widgets"].values()
    return [model["state"] for model in found["state"].values()]


def shown(outputs: list[dict[str, Any]]) -> int:
    """How many widgets the cell shows."""
    return sum("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in outputs)


def printed(outputs: list[dict[str, Any]], stream: str) -> str:
    return "".join(
        output["text"] for output in outputs if output["output_type"] == "stream" and output["name"] == stream
    )


def value(outputs: list[dict[str, Any]]) -> str:
    (result,) = (output for output in outputs if output["output_type"] == "execute_result")
    return str(result["data"]["text/plain"])


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    made = Gateway(tmp_path / "data")
    made.terms(tmp_path)
    folder = tmp_path / "set"
    (folder / "portraits").mkdir(parents=True)
    (folder / "large.bin").write_bytes(LARGE)
    (folder / "portraits" / "1.txt").write_text("one", encoding="utf-8")
    made.publish(folder, "lab/notebook", "--class", "public")
    for name, content in {
        "HUBGATE_URL": made.url,
        "HUBGATE_TOKEN": made.account("scholar"),
        "OPERATOR": made.token,
        "HUBGATE_HOME": str(tmp_path / "home"),
        "LC_ALL": "C.UTF-8",
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_PLATFORM_DIRS": "1",
    }.items():
        monkeypatch.setenv(name, content)
    with made.serving():
        yield made


@pytest.mark.filterwarnings("default")  # what the notebook libraries warn of among themselves
def test_a_notebook_accepts_fetches_and_reads(gateway: Gateway, tmp_path: Path) -> None:
    cells = [cell.outputs for cell in run(CELLS, tmp_path).cells]
    found, refused, told, accepted, fetched, read, hub = cells
    assert value(found) == "'Street faces'"
    assert "hubgate accept lab/notebook" in printed(refused, "stdout")
    assert "Be kind. (en)" in printed(told, "stdout")
    assert 'hub.asset("lab/notebook").accept(purpose=' in printed(told, "stdout")
    assert value(accepted) == "'1.0'"
    assert value(fetched) == str(["large.bin", "portraits", "portraits/1.txt"])
    assert "lab/notebook: 100%" in printed(fetched, "stderr")
    assert (tmp_path / "faces" / "large.bin").read_bytes() == LARGE
    assert os.listdir(tmp_path / "faces" / "portraits") == ["1.txt"]
    assert value(read) == repr(LARGE[1_000_000:1_000_004])
    assert os.environ["HUBGATE_TOKEN"] not in value(hub)


@pytest.mark.filterwarnings("default")
def test_forms_accept_terms_show_progress_and_follow_a_recall(gateway: Gateway, tmp_path: Path) -> None:
    notebook = run(FORMS, tmp_path)
    form, accepted, fetched, stopped, heard, recalls, followed = (cell.outputs for cell in notebook.cells)
    assert shown(form) == 1
    assert value(accepted) == "(True, True, True, '我接受以上条款')"
    texts = [str(state["value"]) for state in states(notebook) if "value" in state]
    assert any("Be kind. (zh)" in text for text in texts)
    assert any("已接受" in text for text in texts)
    bars = [state for state in states(notebook) if state["_model_name"] == "FloatProgressModel"]
    assert shown(fetched) == 1
    assert [bar["value"] == bar["max"] for bar in bars] == [True]
    notice = value(stopped).strip("'")
    assert f"RECALL {notice}" in printed(heard, "stderr")
    assert shown(recalls) == 1
    said = printed(followed, "stdout")
    assert f"RECALL {notice}" in said
    assert "would be set aside" in said
    assert "waiting 0" in said
    assert "answered" in said
    assert "A signed receipt was sent." in said
    assert list((tmp_path / "faces").rglob("*")) == []
    with gateway.client(gateway.token) as operator:
        assert operator.get(f"/v1/operator/recalls/{notice}").json()["counts"]["deleted"] == 1

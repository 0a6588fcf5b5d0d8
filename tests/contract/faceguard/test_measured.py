"""How much is hidden, judged from outside by the development pictures and their script, where these are at hand."""

import json
import subprocess
import sys
from pathlib import Path

PICTURES = 30


def test_faces_of_the_development_pictures_are_hidden(shared: Path, tmp_path: Path):
    root = Path(__file__).parents[3]
    (tmp_path / "judged.py").write_text(
        "from pathlib import Path\n"
        "from faceguard.pipeline import safe_preview\n"
        "from faceguard.result import Blurred\n"
        "def blur(source, target):\n"
        "    result = safe_preview(Path(source).read_bytes())\n"
        "    if isinstance(result, Blurred):\n"
        "        Path(target).write_bytes(result.jpeg)\n"
    )
    faces = shared / "faces"
    command = [
        sys.executable,
        faces / "eval_faces.py",
        faces / "dev2",
        "--call",
        "judged:blur",
        "--limit",
        str(PICTURES),
    ]
    done = subprocess.run(
        [*command, "--json", tmp_path / "told.json"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{root}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["pictures"] == PICTURES
    assert told["hidden_ge16"] >= 0.975
    assert told["withheld"] <= 3
    assert told["changed_area"] <= 0.28

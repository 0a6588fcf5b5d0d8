from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from catalog.vocabulary import Item
from gateway.web.api.lists import sum_line


@pytest.mark.needs("sha256sum")
@pytest.mark.parametrize("name", ["-", "-c", " a b", "*x", "#y", "é"])
def test_sha256sum_reads_the_file_whatever_it_is_called(name: str, tmp_path: Path) -> None:
    content = b"some bytes"
    (tmp_path / name).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    item = Item(path=name, size=len(content), sha256=digest, git_sha1="0" * 40, media_type="text/plain")
    (tmp_path / "SHA256SUMS").write_text(sum_line(item), encoding="utf-8")
    checked = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=tmp_path, stdin=subprocess.DEVNULL)
    assert checked.returncode == 0

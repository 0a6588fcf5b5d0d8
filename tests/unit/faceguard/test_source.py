import os
from pathlib import Path

import pytest

from faceguard.source import OpenFile


@pytest.mark.timeout(10)
def test_a_pipe_in_a_files_place_is_an_error_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(OSError, match="no plain file"):
        OpenFile(tmp_path / "pipe.jpg")


def test_a_device_is_no_file_to_read(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no plain file"):
        OpenFile(Path("/dev/zero"))

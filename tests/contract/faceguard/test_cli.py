import os
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from faceguard.result import Why
from faceguard.words import say


def faceguard(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from faceguard.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={
            "PATH": os.environ["PATH"],
            "LANG": "en_US.UTF-8",
            "PYTHONUTF8": "1",
            "TERMINAL_WIDTH": "300",
            "XDG_DATA_HOME": "/proc/none",  # no key is left behind in the home of whoever runs the tests
            **environment,
        },
        check=False,
    )


def test_a_picture_becomes_a_small_jpeg(pictures, tmp_path):
    done = faceguard("blur", pictures / "astronaut.png", tmp_path / "out.jpg", "--preview", "200")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.format == "JPEG"
        assert image.size == (200, 200)


def test_a_picture_may_be_put_into_a_folder(pictures, tmp_path):
    assert faceguard("blur", pictures / "astronaut.png", tmp_path).returncode == 0
    assert (tmp_path / "astronaut.jpg").is_file()


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        ((), {}, "The picture file is cut short."),
        ((), {"LANG": "zh_CN.UTF-8"}, "图片文件不完整。"),
        (("--lang", "zh"), {}, "图片文件不完整。"),
        (("--lang", "en"), {"LC_ALL": "zh_CN.UTF-8"}, "The picture file is cut short."),
    ],
)
def test_a_refused_picture_exits_3_writes_nothing_and_says_why(arguments, environment, sentence, pictures, tmp_path):
    (tmp_path / "in.jpg").write_bytes((pictures / "grace_hopper.jpg").read_bytes()[:30_000])
    done = faceguard("blur", tmp_path / "in.jpg", tmp_path / "out.jpg", *arguments, **environment)
    assert done.returncode == 3
    assert done.stderr == f"{tmp_path / 'in.jpg'}: {sentence}\n"
    assert not (tmp_path / "out.jpg").exists()


def test_a_folder_is_taken_picture_by_picture_and_what_is_refused_is_named(pictures, tmp_path):
    source, target = tmp_path / "in", tmp_path / "out"
    (source / "deep").mkdir(parents=True)
    for place, data in {
        "one.png": (pictures / "astronaut.png").read_bytes(),
        "one.jpg": (pictures / "grace_hopper.jpg").read_bytes(),
        "deep/two.jpg": (pictures / "rocket.jpg").read_bytes(),
        "deep/bad.jpg": b"not a picture",
        "notes.txt": b"no picture either",
    }.items():
        (source / place).write_bytes(data)
    done = faceguard("blur", source, target, "--jobs", "2")
    assert done.returncode == 3
    assert "bad.jpg: This file format is not supported" in done.stderr
    written = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert written == {"one.jpg", "one.png.jpg", "deep/two.jpg"}


def test_a_missing_picture_is_bad_usage(tmp_path):
    done = faceguard("blur", tmp_path / "none.jpg", tmp_path / "out.jpg")
    assert done.returncode == 2
    assert "does not exist" in done.stderr


def test_help_names_what_the_command_does():
    done = faceguard("blur", "--help")
    assert done.returncode == 0
    for word in ("--preview", "--jobs", "--lang"):
        assert word in done.stdout


def test_a_container_becomes_a_folder_of_numbered_tiles(pictures, tmp_path):
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.write(pictures / "astronaut.png", "Zhang San.png")
        archive.writestr("broken.jpg", b"no picture")
        archive.write(pictures / "rocket.jpg", "deep/rocket.jpg")
        archive.writestr("labels.csv", b"a,b")
    done = faceguard("blur", tmp_path / "in.zip", tmp_path / "out", "--preview", "128")
    assert done.returncode == 3
    assert done.stderr == f"{tmp_path / 'in.zip'}, picture 2: {say(Why.UNSUPPORTED_FORMAT, 'en')}\n"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["001.jpg", "003.jpg"]
    again = faceguard("blur", tmp_path / "in.zip", tmp_path / "out" / "001.jpg")
    assert again.returncode == 2
    assert "must be a folder" in again.stderr


def film_of(pictures: Path, place: Path) -> Path:
    with Image.open(pictures / "astronaut.png") as image:
        frame = np.asarray(image.convert("RGB").resize((320, 320)))[:, :, ::-1]
    writer = cv2.VideoWriter(str(place), cv2.VideoWriter_fourcc(*"MJPG"), 25, (320, 320))
    for _ in range(20):
        writer.write(frame)
    writer.release()
    return place


def test_a_film_becomes_a_sheet_and_is_not_taken_for_a_picture(pictures, tmp_path):
    film = film_of(pictures, tmp_path / "film.avi")
    done = faceguard("sheet", film, tmp_path / "sheet.jpg", "--preview", "256")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    with Image.open(tmp_path / "sheet.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (8 + 4 * 136, 8 + 2 * 136))
    done = faceguard("blur", film, tmp_path / "out.jpg")
    assert done.returncode == 2
    assert "faceguard sheet" in done.stderr
    assert not (tmp_path / "out.jpg").exists()


def test_what_is_no_film_gives_no_sheet_and_says_why(pictures, tmp_path):
    done = faceguard("sheet", pictures / "astronaut.png", tmp_path, "--lang", "zh")
    assert done.returncode == 3
    assert done.stderr == f"{pictures / 'astronaut.png'}: {say(Why.UNREADABLE_FILM, 'zh')}\n"
    assert list(tmp_path.iterdir()) == []

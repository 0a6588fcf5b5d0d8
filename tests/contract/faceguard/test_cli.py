import os
import subprocess
import sys

import pytest
from PIL import Image


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

import json
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


def test_nothing_beside_the_original_is_overwritten_by_giving_its_folder(pictures, tmp_path):
    place = tmp_path / "photo.jpg"
    place.write_bytes((pictures / "grace_hopper.jpg").read_bytes())
    (tmp_path / "photo.png").write_bytes((pictures / "astronaut.png").read_bytes())
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.write(pictures / "astronaut.png", "a.png")
    (tmp_path / "001.jpg").write_bytes(place.read_bytes())
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    for source, why in (
        (place, "OUT must not be IN itself"),
        (tmp_path / "photo.png", "photo.jpg is there already, in the folder of IN"),
        (tmp_path / "set.zip", "001.jpg is there already, in the folder of IN"),
    ):
        done = faceguard("blur", source, tmp_path)
        assert done.returncode == 2
        assert why in done.stderr
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize("command", ["blur", "eval"])
def test_what_is_no_plain_file_is_not_replaced(command, pictures, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link.jpg").symlink_to("elsewhere.jpg")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.png").write_bytes((pictures / "astronaut.png").read_bytes())
    (tmp_path / "set" / "annotations.json").write_text('{"a.png": {"size": [512, 512], "faces": []}}')
    given = ("blur", pictures / "astronaut.png") if command == "blur" else ("eval", tmp_path / "set", "--plot")
    for name in ("pipe", "link.jpg"):
        done = faceguard(*given, tmp_path / name)
        assert done.returncode == 1
        assert "cannot be written (no plain file)" in done.stderr
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link.jpg").is_symlink()


@pytest.mark.parametrize(
    ("name", "face", "why"),
    [
        ("a.png", "[5000, 5000, 50, 50]", "in the picture"),
        ("a.png", "[NaN, 1, 50, 50]", "in the picture"),
        ("a.png", "[1, 1, Infinity, 50]", "in the picture"),
        ("a.png", "[1, 1, 1e308, 50]", "in the picture"),
        ("absent.png", "[1, 1, 50, 50]", "there is no file"),
        ("../set/a.png", "[1, 1, 50, 50]", "there is no file"),
        ("\\ud800.png", "[1, 1, 50, 50]", "there is no file"),
        ("a\\u0000.png", "[1, 1, 50, 50]", "there is no file"),
        ("a.png", "[" * 100_000, "annotations"),
        ("a.png", '[1, 1, 50, 50]], "tags": ["\\ud800"], "more": [', "'a.png' has a tag that is no text"),
    ],
)
def test_wrong_annotations_are_told_in_a_sentence_before_the_work(name, face, why, pictures, tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "a.png").write_bytes((pictures / "astronaut.png").read_bytes())
    (folder / "annotations.json").write_text(f'{{"{name}": {{"size": [512, 512], "faces": [{face}]}}}}')
    done = faceguard("eval", folder, "--plot", tmp_path / "plot.svg")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert why in done.stderr


def test_without_the_libraries_one_sentence_says_what_to_install(pictures, tmp_path):
    (tmp_path / "bare.py").write_text(
        "import sys\nfrom faceguard.commands import base\n"
        "base.find_spec = lambda name: None\nfrom faceguard.cli import main\nmain()\n"
    )
    command = [sys.executable, tmp_path / "bare.py", "blur", pictures / "astronaut.png", tmp_path / "out.jpg"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install 'hubgate[server]'" in done.stderr


def test_folders_that_were_named_and_are_not_there_are_told_of(pictures, tmp_path):
    done = faceguard("blur", pictures / "astronaut.png", tmp_path / "a.jpg", FACEGUARD_MODELS=str(tmp_path / "none"))
    assert done.returncode == 0
    assert f"{tmp_path / 'none'}, the folder that FACEGUARD_MODELS names, is not there" in done.stderr
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes((pictures / "astronaut.png").read_bytes())
    assert "no key for the noise can be kept" in faceguard("blur", tmp_path / "in", tmp_path / "out").stderr


def test_a_sheet_overwrites_nothing_beside_its_film(pictures, tmp_path):
    film = film_of(pictures, tmp_path / "clip.avi")
    (tmp_path / "clip.jpg").write_bytes(b"mine")
    for target in (tmp_path, tmp_path / "clip.jpg"):
        done = faceguard("sheet", film, target)
        assert done.returncode == 2
        assert "clip.jpg is there already, in the folder of IN" in done.stderr
    assert (tmp_path / "clip.jpg").read_bytes() == b"mine"
    assert faceguard("sheet", film, film).returncode == 2


@pytest.mark.parametrize("command", ["blur", "blur a folder", "blur a zip", "sheet"])
@pytest.mark.parametrize(
    ("place", "trouble"),
    [("n" * 300, "File name too long"), (f"{'n' * 300}/out", "File name too long"), ("round/out", "symbolic links")],
)
def test_an_out_that_no_file_can_have_is_told_in_one_line(command, place, trouble, pictures, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "round").symlink_to("round")
    source = {"blur": pictures / "astronaut.png", "blur a folder": tmp_path / "in"}.get(command, tmp_path / "set.zip")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.write(pictures / "astronaut.png", "a.png")
    done = faceguard(command.split()[0], source, tmp_path / place)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "cannot be written" in done.stderr
    assert trouble in done.stderr
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in", "round", "set.zip"]


def test_a_link_round_in_a_circle_is_no_place_for_the_journal(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "round").symlink_to("round")
    done = faceguard("blur", tmp_path / "in", tmp_path / "out", "--state", tmp_path / "round")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Stopped: " in done.stderr


def test_a_folder_for_weights_that_cannot_be_is_told_of_like_one_that_is_not_there(pictures, tmp_path):
    done = faceguard("blur", pictures / "astronaut.png", tmp_path / "a.jpg", FACEGUARD_MODELS="n" * 300)
    assert done.returncode == 0
    assert "the folder that FACEGUARD_MODELS names, is not there" in done.stderr


@pytest.mark.parametrize("size", [f"[{10**400}, 512]", "[512, 1000001]", "[0, 512]", "[512.5, 512]"])
def test_a_size_that_no_picture_has_is_told_before_the_work(size, pictures, tmp_path):
    (tmp_path / "a.png").write_bytes((pictures / "astronaut.png").read_bytes())
    (tmp_path / "annotations.json").write_text(f'{{"a.png": {{"size": {size}, "faces": [[-{10**390}, 1, 2, 2]]}}}}')
    done = faceguard("eval", tmp_path, "--plot", tmp_path / "plot.svg")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "annotations.json: 'a.png' needs size [width, height]" in done.stderr
    assert len(done.stderr) < 1000


def test_no_name_or_tag_commands_the_terminal(pictures, tmp_path):
    folder = tmp_path / "\x1b[31min"
    folder.mkdir()
    done = faceguard("blur", folder, tmp_path / "\x1b[31mout")
    assert done.returncode == 0
    assert "\x1b" not in done.stderr
    assert "\\x1b[31mout" in done.stderr
    name = "\x1b[31m\udcff.png"
    (folder / name).write_bytes((pictures / "astronaut.png").read_bytes())
    facts = {"size": [512, 512], "faces": [[5, 400, 90, 90]], "tags": ["\x1b[31mdark", "\x9b31m"]}
    (folder / "annotations.json").write_text(json.dumps({name: facts}))
    for form in ((), ("--json",)):
        done = faceguard("eval", folder, "--plot", tmp_path / "plot.svg", *form)
        assert (done.returncode, done.stderr) == (0, "")
        assert not {"\x1b", "\x9b"} & set(done.stdout)
    assert json.loads(done.stdout)["open"] == [name]


def test_tiles_that_cannot_be_written_are_told_of_as_that(pictures, tmp_path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.write(pictures / "astronaut.png", "a.png")
    (tmp_path / "file").touch()
    (tmp_path / "out" / "001.jpg").mkdir(parents=True)
    for target, place in ((tmp_path / "out", "out/001.jpg"), (tmp_path / "none" / ("n" * 300), "n" * 300)):
        done = faceguard("blur", tmp_path / "set.zip", target)
        assert done.returncode == 1
        assert done.stderr.startswith(f"{tmp_path}/")
        assert f"{place} cannot be written" in done.stderr


def test_a_table_is_printed_whatever_the_terminal_can_show(pictures, tmp_path):
    (tmp_path / "a.png").write_bytes((pictures / "astronaut.png").read_bytes())
    (tmp_path / "annotations.json").write_text('{"a.png": {"size": [512, 512], "faces": [], "tags": ["夜"]}}')
    done = faceguard("eval", tmp_path, "--plot", tmp_path / "plot.svg", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "tagged \\u591c" in done.stdout

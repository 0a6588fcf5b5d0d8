"""Settings: one table, read in order of strength, and a reference page that says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import BadSetting, load, masked, reference

ROOT = Path(__file__).parents[3]


def test_the_reference_page_is_the_table() -> None:
    assert (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8") == reference()


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "hubgate.toml").write_text("port = 1\nhost = '127.0.0.2'\npreview_px = 256\n", encoding="utf-8")
    environ = {"HUBGATE_DATA": str(tmp_path), "HUBGATE_PORT": "2", "HUBGATE_HOST": "127.0.0.3"}
    settings = load({"port": 3}, environ=environ)
    assert (settings.port, settings.host, settings.preview_px) == (3, "127.0.0.3", 256)


def test_an_unknown_setting_names_its_nearest_neighbour(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="did you mean 'preview_px'"):
        load({"data": tmp_path}, environ={"HUBGATE_PREVIEWPX": "1"})


@pytest.mark.parametrize(("name", "value"), [("PORT", "many"), ("SIGN_UP", "perhaps")])
def test_a_value_of_another_kind_is_refused(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name.lower()):
        load({"data": tmp_path}, environ={f"HUBGATE_{name}": value})


def test_a_secret_comes_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n", encoding="utf-8")
    settings = load({"data": tmp_path}, environ={"HUBGATE_S3_SECRET_KEY_FILE": str(tmp_path / "key")})
    assert settings.s3_secret_key == "s3cret"
    assert "s3cret" not in masked(settings).values()


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({}, "data/models"),
        ({"FACEGUARD_MODELS": ""}, "data/models"),
        ({"FACEGUARD_MODELS": "a"}, "a"),
        ({"FACEGUARD_MODELS": "a", "HUBGATE_MODELS": "b"}, "b"),
        ({"FACEGUARD_MODELS": "a", "HUBGATE_MODELS": ""}, "data/models"),
    ],
)
def test_detector_weights_lie_below_the_data_unless_another_folder_is_named(
    environ: dict[str, str], folder: str
) -> None:
    assert load({"data": "data"}, environ=environ).models_folder == Path(folder)

"""The researcher's commands against a real gateway."""

from __future__ import annotations

import contextlib
import filecmp
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.sdk.conftest import Published
from tests.gateways import HUBGATE


class Researcher:
    """A person at a shell, with a home of their own."""

    def __init__(self, home: Path, at: Path) -> None:
        self.home = home
        self.at = at
        self.environ = {"PATH": os.environ["PATH"], "HUBGATE_HOME": str(home), "LC_ALL": "C.UTF-8"}

    def run(self, *arguments: str, status: int = 0, stdin: str = "") -> str:
        """Standard output, or standard error of a command that must fail; neither ever shows a traceback."""
        done = subprocess.run(
            [HUBGATE, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environ,
            cwd=self.at,
            timeout=120,
        )
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stderr if status else done.stdout


@pytest.fixture
def person(home: Path, tmp_path: Path) -> Researcher:
    return Researcher(home, tmp_path)


def typed(person: Researcher, arguments: list[str], lines: list[str]) -> tuple[str, int]:
    """What a command shows at a terminal where these lines are typed, and its exit status."""
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(person.at)
        os.execve(HUBGATE, [str(HUBGATE), *arguments], person.environ)
    os.write(terminal, "".join(f"{line}\n" for line in lines).encode())
    shown = b""
    with contextlib.suppress(OSError):  # the terminal is gone when the command is
        while piece := os.read(terminal, 4096):
            shown += piece
    os.close(terminal)
    return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def sign_in(person: Researcher, published: Published, name: str) -> None:
    token = published.gateway.account(name)
    person.run("login", published.gateway.url, "--token-stdin", stdin=token + "\n")


def test_from_sign_in_to_files(person: Researcher, published: Published, tmp_path: Path) -> None:
    version = published.publish("lab/story")
    sign_in(person, published, "story")
    assert "lab/story" in person.run("search", "story")
    assert json.loads(person.run("search", "story", "--kind", "model", "--json")) == []
    assert "not accepted yet" in person.run("show", "lab/story")
    assert "Be kind. (zh)" in person.run("terms", "lab/story", "--lang", "zh")

    assert "hubgate accept lab/story" in person.run("fetch", "lab/story", status=1)
    assert not (tmp_path / "story").exists()
    refused = person.run("accept", "lab/story", "--purpose", "a thesis", status=2)
    assert "--yes" in refused
    accepted = json.loads(person.run("accept", "lab/story", "--purpose", "a thesis", "--yes", "--json"))
    assert (accepted["asset"], accepted["purpose"], accepted["language"]) == ("lab/story", "a thesis", "en")
    assert "(accepted)" in person.run("show", "lab/story")

    fetched = json.loads(person.run("fetch", "lab/story", "--json"))
    assert (fetched["version"], fetched["files"], fetched["kept"]) == (version, 22, 0)
    same = filecmp.dircmp(published.folder, tmp_path / "story")
    # The card's head is completed when it is published: that file alone is not as it was.
    assert (same.left_only, same.right_only, same.diff_files) == ([], [], ["README.md"])
    card = (tmp_path / "story" / "README.md").read_text(encoding="utf-8")
    assert card.endswith("# A set\n\nOf files, called lab/story.\n")
    assert filecmp.cmp(published.folder / "large.bin", tmp_path / "story" / "large.bin", shallow=False)
    assert sorted(os.listdir(tmp_path / "story" / "人脸")) == sorted(os.listdir(published.folder / "人脸"))
    assert "22 of them were there already" in person.run("fetch", "lab/story")


def test_a_fetch_shows_the_terms_and_never_accepts_them_unseen(
    person: Researcher, published: Published, tmp_path: Path
) -> None:
    published.publish("lab/shown")
    sign_in(person, published, "shown")
    for flags in ((), ("--yes",), ("--purpose", "a thesis")):
        assert "hubgate terms lab/shown" in person.run("fetch", "lab/shown", *flags, status=1)
    done = person.run(
        "fetch", "lab/shown", "--purpose", "a thesis", "--yes", "--exclude", "large*", "--exclude", "人脸/*"
    )
    assert done.index("Be kind. (en)") < done.index("lab/shown is in")
    assert os.listdir(tmp_path / "shown") == ["README.md"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_fetch_at_a_terminal_asks_for_consent_and_purpose(
    person: Researcher, published: Published, tmp_path: Path, answer: str
) -> None:
    published.publish(f"lab/asked-{answer}")
    sign_in(person, published, f"asked-{answer}")
    said, status = typed(person, ["fetch", f"lab/asked-{answer}", "--include", "*.md"], [answer, "a thesis"])
    assert "Be kind. (en)" in said
    assert status == (0 if answer == "y" else 1)
    assert (tmp_path / f"asked-{answer}").exists() == (answer == "y")


def test_a_part_of_a_version_goes_where_it_is_wanted(person: Researcher, published: Published, tmp_path: Path) -> None:
    version = published.publish("lab/part")
    sign_in(person, published, "part")
    person.run("accept", "lab/part", "--purpose", "x", "--yes")
    wanted = ("--include", "人脸/1*", "--include", "*.md", "--version", version, "--to", "here/it is")
    person.run("fetch", "lab/part", *wanted)
    assert sorted(os.listdir(tmp_path / "here" / "it is")) == ["README.md", "人脸"]
    assert len(os.listdir(tmp_path / "here" / "it is" / "人脸")) == 11


def test_a_withheld_file_is_left_out_and_said(person: Researcher, published: Published, tmp_path: Path) -> None:
    version = published.publish("lab/withheld")
    sign_in(person, published, "withheld")
    person.run("accept", "lab/withheld", "--purpose", "x", "--yes")
    published.gateway.run("withhold", f"lab/withheld@{version}:large.bin", "--reason", "rights_complaint")
    fetched = json.loads(person.run("fetch", "lab/withheld", "--json"))
    assert fetched["stopped"] == ["large.bin"]
    assert not (tmp_path / "withheld" / "large.bin").exists()
    told = person.run("fetch", "lab/withheld", "--include", "large.bin", status=1)
    assert "Stopped, and left out of lab/withheld: 1 file (large.bin)" in told


def test_who_was_sent_nothing_new_holds_it_all_the_same(
    person: Researcher, published: Published, tmp_path: Path
) -> None:
    name = "lab/corrected"
    published.publish(name)
    sign_in(person, published, "corrected")
    person.run("accept", name, "--purpose", "x", "--yes")
    person.run("fetch", name, "--to", "first")
    (published.folder / "人脸" / "7 #%.txt").unlink()
    second = published.gateway.publish(published.folder, name, "--class", "public")
    person.run("fetch", name, "--to", "second")

    # Another account on the same machine, for which everything is here already.
    sign_in(person, published, "colleague")
    person.run("accept", name, "--purpose", "x", "--yes")
    person.run("fetch", name, "--to", "first", "--version", second)
    told = published.gateway.run("withhold", f"{name}@{second}:large.bin", "--reason", "rights_complaint", "--json")
    notice = json.loads(told)["notice"]
    holders = json.loads(published.gateway.run("recalls", notice, "--json"))["holders"]
    assert {one["account"] for one in holders} == {"corrected", "colleague"}
    (done,) = json.loads(person.run("sync", "--yes", "--json"))
    assert done["counts"]["deleted"] == 1

    published.gateway.run("revoke", f"{name}@{second}", "--reason", "rights_complaint")
    (done,) = json.loads(person.run("sync", "--yes", "--json"))
    assert done["counts"]["deleted"] > 0
    assert sorted(path.name for path in (tmp_path / "second").rglob("*") if path.is_file()) == []


def test_a_set_of_one_file_has_one_file(person: Researcher, published: Published, tmp_path: Path) -> None:
    (tmp_path / "single").mkdir()
    (tmp_path / "single" / "README.md").write_text("# One\n\nFile.\n", encoding="utf-8")
    published.gateway.publish(tmp_path / "single", "lab/single", "--class", "public")
    sign_in(person, published, "single")
    assert "1 file, " in person.run("show", "lab/single")


def test_a_revoked_set_is_refused_with_the_address_of_its_notice(person: Researcher, published: Published) -> None:
    published.publish("lab/gone")
    sign_in(person, published, "gone")
    person.run("accept", "lab/gone", "--purpose", "x", "--yes")
    published.gateway.run("revoke", "lab/gone", "--reason", "rights_complaint")
    assert f"{published.gateway.url}/notices/" in person.run("fetch", "lab/gone", status=1)
    assert "已被停止" in person.run("fetch", "lab/gone", "--lang", "zh", status=1)


def test_the_token_is_kept_for_its_owner_alone_and_forgotten_on_leaving(
    person: Researcher, published: Published
) -> None:
    sign_in(person, published, "leaving")
    store = person.home / "logins.json"
    assert stat.S_IMODE(store.stat().st_mode) == 0o600
    person.run("logout")
    assert "hbg_" not in store.read_text()
    assert "hubgate login" in person.run("search", "x", status=1)


def test_a_token_that_is_not_valid_is_not_kept(person: Researcher, published: Published) -> None:
    wrong = "hbg_" + "a" * 38
    said = person.run("login", published.gateway.url, "--token-stdin", stdin=wrong, status=1)
    assert "hubgate login" in said
    assert wrong not in said
    assert not (person.home / "logins.json").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("fetch",),
        ("accept", "lab/x"),
        ("fetch", "lab/x", "--nonsense"),
        ("search", "x", "--kind", "car"),
        ("nonsense",),
    ],
)
def test_bad_usage_is_status_2(person: Researcher, arguments: tuple[str, ...]) -> None:
    person.run(*arguments, status=2)


@pytest.mark.parametrize(
    "command", ["login", "logout", "search", "show", "terms", "accept", "fetch", "sync", "holdings", "extract"]
)
def test_every_command_explains_itself(person: Researcher, command: str) -> None:
    assert "--lang" in person.run(command, "--help")


@pytest.mark.skipif(sys.platform != "linux", reason="there names are bytes")
def test_no_terms_are_accepted_for_a_folder_whose_name_is_not_utf8(
    person: Researcher, published: Published, tmp_path: Path
) -> None:
    published.publish("lab/named")
    sign_in(person, published, "named")
    bad = tmp_path / os.fsdecode(b"bad\xffname")
    bad.mkdir()
    agreeing = ("--purpose", "x", "--yes")
    said = [person.run("fetch", "lab/named", *agreeing, "--to", str(bad / "w"), status=1)]
    person.at = bad
    said.append(person.run("fetch", "lab/named", *agreeing, status=1))
    person.at = tmp_path
    assert all("is not a name in UTF-8" in one and len(one.splitlines()) == 1 for one in said)
    assert "not accepted yet" in person.run("show", "lab/named")
    person.environ["HUBGATE_HOME"] = str(bad)
    person.environ |= {"HUBGATE_URL": published.gateway.url, "HUBGATE_TOKEN": published.gateway.account("named-too")}
    (line,) = person.run("fetch", "lab/named", *agreeing, status=1).splitlines()
    assert "HUBGATE_HOME" in line
    assert list(bad.iterdir()) == []


def test_what_cannot_be_written_is_one_sentence(person: Researcher, published: Published, tmp_path: Path) -> None:
    published.publish("lab/full")
    sign_in(person, published, "full")
    person.run("accept", "lab/full", "--purpose", "x", "--yes")
    (tmp_path / "file").write_text("in the way")
    for to in ("file", "file/below"):
        said = person.run("fetch", "lab/full", "--to", to, status=1)
        assert f"{to} cannot be made a folder" in said
        assert len(said.splitlines()) == 1

"""Both languages say everything, about the same things; and everything that code can ask for is there."""

from __future__ import annotations

import re
import string
from enum import StrEnum

import pytest

from catalog import errors, recalls, vocabulary
from catalog.actions.letters import LetterKind
from catalog.policy import offer
from faceguard.result import Why
from gateway.web.pages.acts import STOPS, Deed
from gateway.web.pages.identity import READERS
from gateway.web.render import HERE
from gateway.web.words import preferred, words_for

TEMPLATES = HERE / "templates"
ENGLISH, CHINESE = words_for("en"), words_for("zh")
LITERAL = re.compile(r"""words\((["'])([a-z-]+(?:\.[a-z_-]+)+)\1\s*[,)]""")
FAMILIES: dict[str, type[StrEnum]] = {
    "holder-state": recalls.HolderState,
    "outcome": recalls.Outcome,
    "recall.action": recalls.RecallAction,
    "recall.means": recalls.RecallAction,
    "recall.scope": recalls.RecallScope,
    "task.kind": recalls.TaskKind,
    "task.about": recalls.TaskKind,
    "task-answer": recalls.TaskAnswer,
    "mail.subject": LetterKind,
    "mail.lead": LetterKind,
    "mail.do": LetterKind,
    "offer.rule": offer.Rule,
    "wrong": errors.Wrong,
    "loading.verdict": vocabulary.ScanVerdict,
    "loading.means": vocabulary.ScanVerdict,
    "class": vocabulary.DataClass,
    "class-about": vocabulary.DataClass,
    "kind": vocabulary.Kind,
    "kinds": vocabulary.Kind,
    "catalogue.no-pictures": vocabulary.Kind,
    "basis": vocabulary.LawfulBasis,
    "persons": vocabulary.Persons,
    "role": vocabulary.Role,
    "scope": vocabulary.Scope,
    "scope-about": vocabulary.Scope,
    "end": vocabulary.DeliveryEnd,
    "stop-reason": vocabulary.StopReason,
    "release-reason": vocabulary.ReleaseReason,
    "complaint-kind": vocabulary.ComplaintKind,
    "complaint-kind-short": vocabulary.ComplaintKind,
    "case.means": vocabulary.ComplaintState,
    "notice.means": vocabulary.Stop,
    "act-done": vocabulary.Stop,
    "act": Deed,
    "done": Deed,
}


def blanks(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_both_languages_have_the_same_keys() -> None:
    assert ENGLISH.all_keys() == CHINESE.all_keys()


def test_a_sentence_has_the_same_blanks_in_both_languages() -> None:
    differing = [key for key in ENGLISH.all_keys() if blanks(ENGLISH(key)) != blanks(CHINESE(key))]
    assert differing == []


def test_no_sentence_is_empty_or_the_same_as_its_key() -> None:
    for words in (ENGLISH, CHINESE):
        assert [key for key in words.all_keys() if not words(key).strip() or words(key) == key] == []


def test_every_key_that_a_template_names_is_there() -> None:
    named = {key for file in TEMPLATES.glob("*.html") for _, key in LITERAL.findall(file.read_text("utf-8"))}
    assert len(named) > 150
    assert sorted(key for key in named if key not in ENGLISH) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_every_member_of_what_is_shown_has_its_words(family: str) -> None:
    assert [member for member in FAMILIES[family] if f"{family}.{member.value}" not in ENGLISH] == []


def test_every_state_reason_and_deed_has_its_words() -> None:
    states = (vocabulary.VersionState, vocabulary.ItemState, vocabulary.AccountState, vocabulary.ComplaintState)
    wanted = {f"state.{member.value}" for kind in states for member in kind}
    wanted |= {f"error.{r.value}.{part}" for r in vocabulary.Reason for part in ("title", "detail")} - {
        "error.granted.title",
        "error.granted.detail",
    }
    wanted |= {f"confirm.{deed.value}.{part}" for deed in Deed for part in ("head", "text")}
    wanted |= {f"sign-up.{part}.{field}" for field in READERS for part in ("field", "hint", "wrong")}
    assert sorted(key for key in wanted if key not in ENGLISH) == []
    assert Deed.DISMISS not in STOPS


def test_no_word_of_a_refused_picture_says_more_than_that_there_is_none() -> None:
    """Reasons without words of their own fall back to one that is always there."""
    told = {why.value for why in Why if f"preview.{why.value}" in ENGLISH}
    assert {"crashed", "out_of_memory", "time_out", "verify_failed"}.isdisjoint(told)
    assert "preview.refused" in ENGLISH


@pytest.mark.parametrize(
    ("header", "language"),
    [("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("fr, zh-TW;q=0.5, en;q=0.4", "zh"), ("de", "en"), ("en;q=0, zh", "zh")],
)
def test_the_language_asked_for_first_is_shown(header: str, language: str) -> None:
    assert preferred(header) == language


def test_templates_end_no_sentence_with_a_mark_of_one_language() -> None:
    """A full stop or a semicolon after something that is shown comes from the words."""
    found = []
    for file in TEMPLATES.glob("*.html"):
        text = re.sub(r"<pre.*?</pre>", " ", file.read_text("utf-8"), flags=re.S)
        found += [(file.name, end) for end in re.findall(r"(?:}}|%})[.;](?:\s|<|$).{0,20}", text)]
    assert found == []


def test_templates_hold_no_literal_words() -> None:
    """Text between tags comes from the words; proper names, code, addresses and signs may stand as they are."""
    allowed = {
        "hubgate",
        "API",
        "curl",
        "Python",
        "main",
        "lang",
        "中文",
        "English",
        "SHA-256",
        "SHA256SUMS",
        "ms",
        "complaints",
    }
    found = []
    for file in TEMPLATES.glob("*.html"):
        text = re.sub(r"<pre.*?</pre>|<!--.*?-->|{#.*?#}|{%.*?%}|{{.*?}}", " ", file.read_text("utf-8"), flags=re.S)
        for piece in re.findall(r">([^<>]*)<", text):
            found += [(file.name, word) for word in re.findall(r"[^\W\d_][\w-]*", piece) if word not in allowed]
    assert found == []

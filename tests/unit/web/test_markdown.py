"""What others write in Markdown is shown as text, lists, tables and links, and can do nothing else."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.web.markdown import TAGS, render

HARMFUL = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt&#58;alert(1))",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "[a](vbscript:x)",
    "![a](https://foreign.example/track.png)",
    "<iframe src=//foreign.example></iframe>",
    "<a href='#' onclick='alert(1)'>x</a>",
    "`<b onmouseover=alert(1)>`",
    "<style>*{display:none}</style>",
    "<form action=/sign-out method=post><button>x</button></form>",
    '[a](/x "\\" onmouseover=alert(1) x=\\"")',
]
TAG = re.compile(r"<(/?)([a-z0-9]+)([^>]*)>")
SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
CONTROLS = re.compile(r"[\x00-\x20]")
ATTRIBUTE = re.compile(r'\s+([a-z]+)="([^"]*)"')


def check(html: str) -> None:
    """Every tag is an allowed one, every attribute harmless."""
    for _, name, attributes in TAG.findall(html):
        assert name in TAGS
        for key, value in ATTRIBUTE.findall(attributes):
            assert (name, key) in {("a", "href"), ("a", "rel"), ("a", "title"), ("ol", "start")}
            if key == "href":
                # What a browser reads of it: controls and spaces do not count, and no scheme is a path.
                scheme = SCHEME.match(CONTROLS.sub("", unescape(value)))
                assert scheme is None or scheme[0].lower() in {"http:", "https:", "mailto:"}
    assert "<" not in TAG.sub("", html)


@pytest.mark.parametrize("source", HARMFUL)
def test_harmful_markdown_becomes_harmless_text(source: str) -> None:
    check(render(source))


@given(st.lists(st.sampled_from([*HARMFUL, "# h\n", "\n\n", "> ", "* ", "`", "|a|b|\n|-|-|\n", "[x]: "]), max_size=8))
def test_no_mixture_of_harmful_pieces_gets_through(pieces: list[str]) -> None:
    check(render("".join(pieces)))


def test_headings_go_below_the_page_s_own() -> None:
    assert render("# One\n\n###### Six", shift=2) == "<h3>One</h3>\n<h6>Six</h6>\n"


def test_links_carry_nothing_of_ours_along() -> None:
    assert render("[a](https://example.org/)") == (
        '<p><a href="https://example.org/" rel="noopener noreferrer nofollow">a</a></p>\n'
    )


def test_tables_and_lists_stay() -> None:
    html = render("| a |\n|---|\n| 1 |\n\n3. x\n4. y")
    assert "<th>a</th>" in html
    assert '<ol start="3">' in html

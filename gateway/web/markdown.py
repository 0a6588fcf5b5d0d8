"""Markdown that others wrote → HTML that is safe to show. The source is what is kept and hashed."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt

HEADINGS = {f"h{level}" for level in range(1, 7)}
TAGS = HEADINGS | {
    "p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto"}
LOWEST = 6

_parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def render(source: str, *, shift: int = 1) -> str:
    """HTML with text, lists, tables and links alone: no raw HTML, no picture, no script, no style.

    Headings go down by `shift`, so that the page keeps the only first one. Two walls: the parser lets no
    HTML through, and what it made passes a list of what is allowed.
    """
    tokens = _parser.parse(source)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(LOWEST, int(token.tag[1]) + shift)}"
    html = _parser.renderer.render(tokens, _parser.options, {})
    return nh3.clean(
        html, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="noopener noreferrer nofollow"
    )

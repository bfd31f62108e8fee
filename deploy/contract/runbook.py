"""docs/operating.md as a page, for who follows an alarm's link: its headings can be linked to as on a forge."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

DOCUMENT = Path(__file__).parents[2] / "docs" / "operating.md"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Instroom: operating</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="contract.css">
</head>
<body><main class="text">{text}</main></body>
</html>
"""


def page() -> bytes:
    """Return the page; links to other files of the repository, which are not served here, become plain words."""
    markdown = MarkdownIt("commonmark").enable("table")
    tokens = markdown.parse(DOCUMENT.read_text(encoding="utf-8"))
    for heading, inline in pairwise(tokens):
        if heading.type == "heading_open":
            heading.attrSet("id", anchor(inline.content))
        _unlink(inline.children or ())
    return PAGE.format(text=markdown.renderer.render(tokens, markdown.options, {})).encode()


def anchor(heading: str) -> str:
    """Return the name under which a heading is linked to."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _unlink(tokens: Iterable[Token]) -> None:
    """Make links that would lead nowhere words like others."""
    is_dropped = False
    for token in tokens:
        if token.type == "link_open":
            is_dropped = not str(token.attrGet("href")).startswith(("#", "https://", "http://"))
        if token.type in {"link_open", "link_close"} and is_dropped:
            token.tag, token.attrs = "span", {}

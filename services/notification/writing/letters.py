"""Letters: what a mail says, rendered as text and as HTML from one set of words per language.

A template of `templates/<language>/` holds three blocks: the subject, what comes before the cards and what comes after.
`layout.txt` and `layout.html` set them. Text of others is always a value, never a template.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from functools import cache
from typing import Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from services.notification.writing.addresses import mailto
from services.notification.writing.words import TEMPLATES, Words

Wording = Literal[
    "invitation", "changed", "withdrawn", "called-off", "postponed", "waiting-list", "waiting-list-ended", "refusal"
]
WIDTH = 72


@dataclass(frozen=True)
class Row:
    """One fact about a session: its label and one or more lines."""

    label: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """A session as a mail shows it: its title, its day in words, its facts, and the link to take part."""

    title: str
    day: str
    rows: tuple[Row, ...]
    link: str | None = None


@dataclass(frozen=True)
class Content:
    """What a letter is filled with; `programme` is None where it is not known."""

    name: str
    programme: str | None
    provider: str
    contact: str
    cards: tuple[Card, ...] = ()
    reason: str | None = None


@dataclass(frozen=True)
class Rendered:
    """A letter ready to be sent."""

    subject: str
    text: str
    html: str


def rendered(wording: Wording, words: Words, content: Content) -> Rendered:
    """Write a letter in the language of these words."""
    values = {**vars(content), "labels": words.labels, "language": words.language}
    source = _environment(escape=False).get_template(f"{words.language}/{wording}.txt")
    subject, opening, closing = (_block(source, name, values) for name in ("subject", "opening", "closing"))
    values |= {"subject": " ".join(subject), "opening": opening, "closing": closing}
    text = _environment(escape=False).get_template("layout.txt").render(values)
    html = _environment(escape=True).get_template("layout.html").render(values)
    return Rendered(values["subject"], text, html)


def _block(template: Template, name: str, values: dict[str, object]) -> list[str]:
    """Return the paragraphs of one block, each on one line."""
    written = "".join(template.blocks[name](template.new_context(values)))
    return [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", written.strip()) if paragraph.strip()]


def _wrapped(paragraph: str) -> str:
    return textwrap.fill(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False)


@cache
def _environment(*, escape: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=escape,  # noqa: S701  off for plain text only
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(wrapped=_wrapped, mailto=mailto)
    return environment

"""Letters: readable, accessible, and deaf to what others write into their names."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import get_args

import pytest

from services.notification.writing.letters import Card, Content, Row, Wording, rendered
from services.notification.writing.words import languages, words_of

CARD = Card(
    "Participatie als proces",
    "dinsdag 8 juni 2021",
    (Row("Wanneer", ("dinsdag 8 juni 2021, 13.00 - 16.30 uur",)), Row("Programma", ("13.00 Welkom", "13.15 Werk"))),
    "https://meet.example.org/a?b=1&c=2",
)
CONTENT = Content("Robin Jansen", "Week van de Participatie", "VNG Connect", "week@example.org", (CARD,), "Vol.")
EVERY = [(wording, language) for wording in get_args(Wording) for language in sorted(languages())]


class Outline(HTMLParser):
    """Collects a page's tags, and checks that they nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[int] = []
        self.seen: dict[str, dict[str, str | None]] = {}
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.seen[tag] = dict(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that it closes the last one opened."""
        assert self.open.pop() == tag


@pytest.mark.parametrize(("wording", "language"), EVERY)
def test_every_letter_is_written_in_every_language(wording: Wording, language: str) -> None:
    """A template with a slip of the pen would keep its mails from being sent."""
    letter = rendered(wording, words_of(language), CONTENT)
    assert letter.subject
    assert "\n" not in letter.subject
    for text in (letter.text, letter.html):
        assert "Robin Jansen" in text
        assert "week@example.org" in text
        assert "{" not in text.partition("</style>")[2]


@pytest.mark.parametrize(("wording", "language"), EVERY)
def test_a_letter_can_be_read_aloud(wording: Wording, language: str) -> None:
    """A screen reader needs the language, a title, and headings that go down one step at a time (WCAG 2.2)."""
    page = Outline(rendered(wording, words_of(language), CONTENT).html)
    assert page.seen["html"]["lang"] == language
    assert "title" in page.seen
    assert "img" not in page.seen
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(step <= 1 for step in (b - a for a, b in zip(page.headings, page.headings[1:], strict=False)))


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour. WCAG 2.2."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast between two colours, from 1 to 21. WCAG 2.2."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *[(text, ground) for text in ("#1b2733", "#154273", "#45566a", "#0b5394") for ground in ("#ffffff", "#eef2f6")],
        *[(text, ground) for text in ("#e8edf2", "#a9cbf5", "#b9c6d3") for ground in ("#18212b", "#202c38")],
        ("#ffffff", "#154273"),
        ("#10161d", "#a9cbf5"),
    ],
)
def test_letters_stand_out_from_their_ground(text: str, ground: str) -> None:
    """Also for those who see little contrast (WCAG 2.2 asks for 4.5), by day and in dark mode."""
    html = rendered("invitation", words_of("nl"), CONTENT).html
    assert text in html
    assert ground in html
    assert contrast(text, ground) >= 4.5


def test_sizes_follow_the_reader() -> None:
    """Text in pixels would not grow where somebody asks for 200%."""
    style = rendered("invitation", words_of("nl"), CONTENT).html.partition("</style>")[0]
    assert not [size for size in re.findall(r"[\d.]+px", style) if size != "1px"]


def test_what_others_write_is_no_html() -> None:
    """A name is a name, whatever it looks like."""
    content = Content("<b>Robin</b> & co", "<script>", "P", "p@example.org", (CARD,))
    letter = rendered("invitation", words_of("nl"), content)
    assert "&lt;b&gt;Robin&lt;/b&gt; &amp; co" in letter.html
    assert "<script" not in letter.html
    assert "<b>Robin</b> & co" in letter.text


def test_what_others_write_is_no_template() -> None:
    """Or a participant could read what the service knows."""
    content = Content("{{ contact }}{% block x %}", None, "P", "p@example.org", (CARD,), "{{ provider }}")
    letter = rendered("refusal", words_of("nl"), content)
    assert "{{ contact }}{% block x %}" in letter.text
    assert "{{ provider }}" in letter.text


def test_the_link_to_take_part_stands_in_both_forms() -> None:
    """In HTML as something to click and as something to check."""
    letter = rendered("invitation", words_of("nl"), CONTENT)
    assert "https://meet.example.org/a?b=1&c=2" in letter.text
    assert letter.html.count("https://meet.example.org/a?b=1&amp;c=2") == 2


def test_a_refusal_without_a_programme_makes_sense() -> None:
    """The edition may be one that nobody knows."""
    letter = rendered("refusal", words_of("nl"), Content("Robin", None, "P", "p@example.org", (), "Dat kan niet."))
    assert letter.subject == "Uw inschrijving is niet gelukt"
    assert "None" not in letter.text


def test_the_address_to_write_to_is_a_link_in_which_nothing_acts() -> None:
    """A question mark in it would begin the subject of the mail that somebody writes."""
    content = Content("Robin", None, "P", "p?subject=x&bcc=y@bücher.example", (), "Vol.")
    html = rendered("refusal", words_of("nl"), content).html
    assert 'href="mailto:p%3Fsubject%3Dx%26bcc%3Dy@xn--bcher-kva.example"' in html

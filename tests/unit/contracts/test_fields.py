"""Texts, addresses and ids are what the wire says they are."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from instroom_contracts.fields import RULES, Amount, Email, Hours, Id, Language, Line, Link, Open, Slug, Text

GOOD: list[tuple[Any, str]] = [
    (Id, "vng-participatieweek-2021-noord"), (Id, "A.b_c~1"), (Id, "2021"), (Id, "0123456789"), (Id, "12345678-x"),
    (Line, "Zoë 't Hart-O\u2019Neill"), (Line, "李"), (Line, "x" * 200),
    (Text, "één\r\n\ttwee"), (Text, ""),
    (Email, "robin.jansen+cursus@example.org"), (Email, "o'neill@xn--bcher-kva.example"), (Email, "a@" + "b" * 252),
    (Slug, "juridisch-adviseur"), (Slug, "a1"),
    (Language, "nl"), (Language, "nl-BE"),
    (Link, "https://meet.example.org/a?b=c#d"),
    (Amount, "2700.00"), (Hours, "17:00-22:00"),
]  # fmt: skip

BAD: list[tuple[Any, object]] = [
    *((Id, text) for text in ("", "a/b", "a b", "a@b", "-a", ".", "..", "12345678", "123456782", "x" * 101, "é")),
    *((Line, text) for text in ("", " ", "\u00a0", "x" * 201, "a\n")),
    *((Line, f"a{control}b") for control in "\r\n\x00\t\x85\u2028"),
    *((Text, text) for text in ("a\x00b", "\x1b[31m", "x" * 4001)),
    *((Email, text) for text in (
        "", "robin", "@example.org", "robin@", "a@b@c", "a b@example.org", "a@example.org\n", "a\r\nBcc: b@example.org",
        "Robin <a@example.org>", "a@example.org,b@example.org", "a;b@example.org", '"a b"@example.org', "a@[127.0.0.1]",
        "x" * 65 + "@example.org", "a@" + "b" * 253, "a\x00@example.org",
    )),
    *((Id, text) for text in ("a\n", "a\x00")),
    *((Slug, text) for text in ("", "Projectleider", "a--b", "-a", "a-", "a_b", "x" * 65)),
    *((Language, text) for text in ("", "Nederlands", "NL", "nl_NL")),
    *((Link, text) for text in ("http://example.org", "javascript:alert(1)", "https://a b", "https://a\n")),
    *((Amount, text) for text in ("2700", "2,700.00", "-1.00", "1e2")),
    *((Hours, text) for text in ("17-22", "17:00")),
    *((kind, 7) for kind in (Id, Line, Text, Email, Slug)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), GOOD)
def test_a_good_text_is_taken_as_it_is(kind: Any, text: str) -> None:
    """Nothing is trimmed, folded or repaired; only what cannot be seen is taken out (test_visible)."""
    assert TypeAdapter(kind).validate_python(text, strict=True) == text


@pytest.mark.parametrize(("kind", "text"), BAD)
def test_a_bad_text_is_refused(kind: Any, text: object) -> None:
    """Line breaks could forge headers, commas add recipients, slashes join ids."""
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(text, strict=True)


def test_every_rule_is_a_sentence() -> None:
    """They are read by the developers of other systems."""
    assert all(rule.endswith((".", ".)")) and rule[0].isupper() for rule in RULES.values())


def test_a_reader_takes_a_code_that_it_does_not_know_yet() -> None:
    """New codes come within a major version; a reader of last year must not fail on them."""
    codes = TypeAdapter[str](Annotated[Literal["one", "two"], Open()])
    assert codes.validate_json('"three"') == "three"
    assert codes.json_schema()["examples"] == ["one", "two"]
    with pytest.raises(ValidationError):
        codes.validate_json('"Not a code"')

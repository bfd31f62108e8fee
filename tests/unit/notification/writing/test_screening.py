"""What others wrote, before it goes into a mail."""

from __future__ import annotations

import pytest

from services.notification.writing.screening import LONGEST_NAME, name_in, without_addresses

ADDRESSES = [
    "evil.example", "evil.example.", "(evil.example)", "evil.example/win", "evil.example:8080", "sub.evil.example",
    "evil\u3002example", "evil\uff0eexample", "evil\uff61example", "evil\u2024example", "evil\ua4f8example",
    "evil\u0660example", "evil\u06d4example", "e\u200bvil.exam\u00adple", "evil.\u2060example", "evil\u200c.example",
    "evil.\u0301example", "e\u0301vil.example", "\u24d4\u24e5\u24d8\u24db.\u24d2\u24de\u24dc",
    "\U0001d41e\U0001d42f.\U0001d41c\U0001d428", "evil.\u0440\u0444", "evil.\u092d\u093e\u0930\u0924",
    "xn--e1aybc.xn--p1ai", "\U0001f4a9.example", "x.com", "X.Com/abc", "t.co/x", "https://evil", "HTTPS:\\\\evil",
    "ftp://evil", "//evil", "\\\\evil\\share", "www.evil", "mailto:evil", "tel:0900", "192.0.2.1", "192.0.2.1/login",
    "robin@evil", "robin\uff20evil", "robin@evil.example", "evil\U0001d16dexample",
]  # fmt: skip
PLAIN = [
    "J.R. van 't Hoff-de Vries", "Ruimte: wonen, werk en/of water", "13.00 - 16.30 uur", "versie 2.0",
    "t.b.v. raad e.d.", "art. 3.1.2", "Samen... verder", "Samen...verder", "Samen\u2026verder", "Robin @ Gemeente",
    "24/7", "C++ & C#", "Nr.1", "Lees: deel 2", "Vragen? Stel ze!", "m.m.v. het Rijk", "Werken met .NET",
]  # fmt: skip
NAMES = [
    "Robin Jansen", "Zoë 't Hart-O\u2019Neill", "J.P. Bos", "Mw. dr. A. de Vries-Özdemir", "李雷",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "नमस्ते", "Nguye\u0302\u0303n", "Þórr", "'t", "J",
]  # fmt: skip
NO_NAMES = [
    "", " ", "-", "...", "Robin 2", "Jansen, Robin", "Robin (HR)", "Robin/Kim", "Robin!", "Robin: bel mij", "<b>",
    "{{ x }}", "evil.example", "Robin evil\u3002example", "Robin\u2024example", "100", "Bel 0900", "\U0001f4a9",
    "a" * (LONGEST_NAME + 1), "\u202e", "=?utf-8?q?Robin?=", "evil .example", "evil \u2024example", ".example",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_looks_like_an_address_is_left_out(address: str) -> None:
    """Mail programs make a link of it, and people type it over; either way it is the provider's mail that sent them."""
    assert without_addresses(f"Robin {address} Jansen") == "Robin Jansen"
    assert name_in(f"Robin {address} Jansen") is None


@pytest.mark.parametrize("text", PLAIN)
def test_what_does_not_stays_as_it_is(text: str) -> None:
    """Hours, versions and abbreviations have dots too."""
    assert without_addresses(text) == text


@pytest.mark.parametrize(
    ("written", "read"), [("J.Jansen", "J. Jansen"), ("A.B.Jansen", "A.B. Jansen"), ("X.Com", "X. Com")]
)
def test_initials_are_written_apart(written: str, read: str) -> None:
    """So they are no domain to any program, and the person keeps their name."""
    assert without_addresses(written) == name_in(written) == read


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_name_in_any_script(name: str) -> None:
    """With its marks, apostrophes, hyphens, initials and joiners."""
    assert name_in(name) == name


@pytest.mark.parametrize("text", NO_NAMES)
def test_what_does_not_look_like_a_name_is_none(text: str) -> None:
    """A mail greets without one rather than say what a stranger wrote."""
    assert name_in(text) is None


def test_what_cannot_be_seen_is_no_part_of_a_name() -> None:
    """Names kept by an earlier release may hold it."""
    assert name_in("Ro\u200bbin\u202e  Jansen ") == "Robin Jansen"

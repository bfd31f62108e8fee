"""What others wrote, before it goes into a mail: no addresses of sites and mailboxes, and greetings for names only.

Mail programs turn a bare `evil.example` into a link, whoever wrote it, and people type over what looks like one. So a
word is judged as they read it: in whatever shape its letters and dots come, and without what cannot be seen.
"""

from __future__ import annotations

import re
from unicodedata import category, normalize

from instroom_contracts.visible import JOINERS, visible

LONGEST_NAME = 80
"""In characters. Names are shorter, with all their particles; what is longer has something to say."""

# What IDNA takes for a dot, and what Unicode's list of confusables (UTS 39) says looks like one.
_DOTS = str.maketrans(
    dict.fromkeys("\u3002\uff0e\uff61\u2024\u0660\u06f0\u06d4\u0701\u0702\ua4f8\ua60e\U00010a50\U0001d16d", ".")
)
_ADDRESS = re.compile(
    r"""
    [a-z][a-z0-9+.-]{0,30}:[/\\]    # a scheme
    | \b(?:mailto|tel|sms|sip|callto|javascript|data|file):
    | [/\\]{2}\w                    # a scheme left out; a share
    | \bwww\.
    | \S@\S
    | \b\d{1,3}(?:\.\d{1,3}){3}\b   # IPv4
    | [^\s.]\.[^\W\d_]{2}           # a domain, since its last part begins with two letters
    """,
    re.VERBOSE,
)
_DOT_APART = re.compile(r"(?<!\S)\.\w")
"""A dot that a word begins with, as in `evil .example`; no name has one, and `.NET` is no address."""
_INITIALS = re.compile(r"(\W*(?:[^\W\d_]\.)+)([^\W\d_][^\W\d_'\u2019-]+\W?)")
_IN_NAMES = frozenset(" '\u2018\u2019-\u2010\u2011." + JOINERS)


def without_addresses(text: str) -> str:
    """Return a text without the words that look like an address of a site or a mailbox, with single spaces."""
    words = (_initials_apart(word) for word in visible(text).split())
    return " ".join(word for word in words if not _ADDRESS.search(_as_read(word)))


def name_in(text: str) -> str | None:
    """Return the name of a person, or None for what does not look like one.

    One does that is letters of any script with their marks, spaces, ' - and dots; and no address.
    """
    name = " ".join(map(_initials_apart, visible(text).split()))
    signs = all(category(sign)[0] in "LM" or sign in _IN_NAMES for sign in name)
    letters = any(category(sign)[0] == "L" for sign in name)
    looks = signs and letters and len(name) <= LONGEST_NAME and not _DOT_APART.search(_as_read(name))
    return name if looks and without_addresses(name) == name else None


def _initials_apart(word: str) -> str:
    """Write "J.Jansen", which looks like a domain, as "J. Jansen", which does not."""
    found = _INITIALS.fullmatch(word)
    if found and found[1].isupper() and found[2][0].isupper():
        return f"{found[1]} {found[2]}"
    return word


def _as_read(word: str) -> str:
    """Return a word in plain small letters and dots, whatever stands in for them, without marks."""
    read = normalize("NFKC", normalize("NFKC", word).translate(_DOTS)).casefold()
    return "".join(sign for sign in normalize("NFD", read) if category(sign)[0] not in "MC")

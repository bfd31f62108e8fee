"""Mail addresses: one form for each mailbox, however its address is spelt, and whether mail can be sent to it at all.

A domain is read as IDNA 2008 has it, with the mapping of UTS 46, not transitional: `faß.example` is not `fass.example`.
Before the '@' stands what RFC 6532 allows without quotes.
"""

from __future__ import annotations

import re
from unicodedata import category, normalize

from idna import IDNAError, alabel, uts46_remap

from instroom_contracts.visible import visible

MOST_CHARACTERS = 254
"""The longest address that fits the path of SMTP. RFC 5321, section 4.5.3.1.3."""
MOST_BEFORE_AT = 64
"""The longest part before the '@', in octets. RFC 5321, section 4.5.3.1.1."""
MOST_IN_DOMAIN = 253

_ATOMS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+)*"
)
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")

_BEFORE_AT = (
    "No mail can be sent to this address: before the '@' stand letters, digits and signs such as '-', '+' and \"'\", in"
    " at most 64 octets, with single dots between them. Type it anew; a copied one may hold a curly apostrophe."
)
_AFTER_AT = (
    "No mail can be sent to this address: what stands after the '@' is no domain name as IDNA 2008 has it. Correct it;"
    " a domain that has a form with xn-- may be written so."
)


class NotMailable(ValueError):
    """No mail can be sent to an address; the message says why and how to mend it, and never repeats it."""


def mailable(address: str) -> str:
    """Return an address as mail servers take it: the domain in ASCII, what stands before it composed (NFC).

    Only where `needs_utf8` does it hold anything else than ASCII. Raises `NotMailable`.
    """
    before, _, domain = visible(address).rpartition("@")
    before = before if before.isascii() else normalize("NFC", before)
    if not _ATOMS.fullmatch(before) or len(before.encode()) > MOST_BEFORE_AT or not _fits(before):
        raise NotMailable(_BEFORE_AT)
    whole = f"{before}@{_ascii(domain)}"
    if len(whole) > MOST_CHARACTERS:
        raise NotMailable(_AFTER_AT)
    return whole


def mailbox(address: str) -> str:
    """Return the name of the mailbox behind an address: one text for all its spellings, without case.

    It names mailboxes and is no address to send to: before the '@' a server may tell upper from lower case.
    """
    if address.isascii():
        return address.lower().rstrip(".")
    before, _, domain = visible(address).rpartition("@")
    try:
        domain = _ascii(domain)
    except NotMailable:
        domain = normalize("NFC", domain.casefold()).rstrip(".")
    return f"{_caseless(before)}@{domain}"


def needs_utf8(address: str) -> bool:
    """Say whether only a server with SMTPUTF8 takes mail for an address that is `mailable`. RFC 6531."""
    return not address.isascii()


def _ascii(domain: str) -> str:
    """Return a domain as the DNS has it; a label that is ASCII already is taken as it is."""
    if domain.isascii() and len(domain) <= MOST_IN_DOMAIN and _NAME.fullmatch(plain := domain.lower()):
        return plain
    try:
        labels = uts46_remap(domain, std3_rules=False, transitional=False).removesuffix(".").split(".")
        name = ".".join(label if label.isascii() else alabel(label).decode() for label in labels)
    except IDNAError as error:
        raise NotMailable(_AFTER_AT) from error
    if len(name) > MOST_IN_DOMAIN or not _NAME.fullmatch(name):
        raise NotMailable(_AFTER_AT)
    return name


def _fits(before: str) -> bool:
    """Say whether this may stand before the '@': beyond ASCII only what words and numbers are made of."""
    return before.isascii() or all(one.isascii() or category(one)[0] in "LMN" for one in before)


def _caseless(text: str) -> str:
    """Fold case one character at a time: what folds into several, such as `ß`, names another mailbox than these."""
    folded = (
        one if len(one := character.casefold()) == 1 else character.lower() for character in normalize("NFC", text)
    )
    return normalize("NFC", "".join(folded))

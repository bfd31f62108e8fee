"""Mail messages: one recipient each, text and HTML, with the calendar entry where there is one (RFC 5322, 6047).

The standard library makes the parts. The headers are written here: its folding loses the quotes of a long name, so that
a comma in it begins a new address.
"""

from __future__ import annotations

import re
import textwrap
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from instroom_contracts.mailbox import NotMailable, mailable
from instroom_contracts.notification import Failure, Method
from services.notification.domain.delivery import Outcome
from services.notification.writing.calendar import Party
from services.notification.writing.letters import Rendered

LINE = 66
CHUNK = 39
"""Octets of text in an encoded word, so that a line with it stays within 78 characters."""

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PLAIN_NAME = re.compile(r"(?=.{1,60}$)[A-Za-z0-9'-]+(?: [A-Za-z0-9'-]+)*")
_PLAIN_TEXT = re.compile(r"[!-~]{1,60}(?: [!-~]{1,60})*")


class Unmailable(Exception):
    """A mail cannot be made of this; `outcome` says why, in a code, and whether it may be possible later."""

    def __init__(self, code: Failure, *, later: bool = False) -> None:
        super().__init__(code)
        self.outcome = Outcome("try-later" if later else "unmailable", code)


@dataclass(frozen=True)
class Envelope:
    """Who writes to whom, and under which Message-ID."""

    sender: Party
    reply_to: str | None
    recipient: Party
    message_id: str


@dataclass(frozen=True)
class Outgoing:
    """A mail as the mail server gets it: both addresses of its SMTP envelope and its bytes.

    Where an address holds more than ASCII before its '@', only a server with SMTPUTF8 takes it (RFC 6531).
    """

    sender: str
    recipient: str
    content: bytes

    @property
    def needs_utf8(self) -> bool:
        """Say whether a server with SMTPUTF8 is needed: for an address of the envelope, or of a header."""
        return not (self.sender + self.recipient).isascii() or not self.content.isascii()


def outgoing(envelope: Envelope, letter: Rendered, entry: tuple[Method, bytes] | None, at: datetime) -> Outgoing:
    """Make the mail of a letter; `entry` is the calendar object with its method.

    Raises `Unmailable` where a header would not be safe or an address is not one.
    """
    headers = {
        "From": _mailbox(envelope.sender),
        "Reply-To": _address(envelope.reply_to) if envelope.reply_to else None,
        "To": _mailbox(envelope.recipient),
        "Subject": _unstructured(_line(letter.subject)),
        "Date": format_datetime(at),
        "Message-ID": _line(envelope.message_id),
        "Auto-Submitted": "auto-generated",
    }
    block = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value)
    content = block.encode() + _body(letter, entry).as_bytes()
    return Outgoing(_address(envelope.sender.email), _address(envelope.recipient.email), content)


def _body(letter: Rendered, entry: tuple[Method, bytes] | None) -> EmailMessage:
    """Set the parts; the entry twice: as an alternative, which mail programs act on, and as a file to open by hand.

    Base64 keeps the folded lines of iCalendar as they are.
    """
    body = EmailMessage(policy=SMTP)
    body.set_content(letter.text, cte="quoted-printable")
    body.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    if entry is not None:
        method, calendar = entry
        body.add_alternative(calendar.decode(), subtype="calendar", params={"method": method}, cte="base64")
        body.add_attachment(calendar, maintype="application", subtype="ics", filename="invite.ics")
    return body


def _mailbox(party: Party) -> str:
    """Write a name and an address; a name that is more than plain words is encoded, so that nothing in it can act."""
    name, address = _line(party.name), _address(party.email)
    return f"{name if _PLAIN_NAME.fullmatch(name) else _encoded(name)}\r\n <{address}>"


def _unstructured(text: str) -> str:
    """Write a line of text: folded between words where it is plain, else encoded."""
    if not _PLAIN_TEXT.fullmatch(text) or "=?" in text:
        return _encoded(text)
    return "\r\n ".join(textwrap.wrap(text, LINE, break_long_words=False, break_on_hyphens=False))


def _encoded(text: str) -> str:
    """Write text as encoded words of whole characters, one a line (RFC 2047)."""
    chunks = [""]
    for character in text:
        if len((chunks[-1] + character).encode()) > CHUNK:
            chunks.append("")
        chunks[-1] += character
    return "\r\n ".join(f"=?utf-8?b?{b64encode(chunk.encode()).decode()}?=" for chunk in chunks)


def _address(address: str) -> str:
    """Return an address as mail servers take it, its domain in ASCII."""
    try:
        return mailable(_line(address))
    except NotMailable as error:
        raise Unmailable("address-refused") from error


def _line(value: str) -> str:
    """Refuse what could end a header early; Python itself did not always (CVE-2024-6923, CVE-2026-1299)."""
    if _UNSAFE.search(value):
        raise Unmailable("message-refused")
    return value

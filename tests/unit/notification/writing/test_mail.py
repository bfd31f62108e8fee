"""Mail messages as a mail program reads them."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import getaddresses

import pytest

from services.notification.writing import mail
from services.notification.writing.calendar import Party
from services.notification.writing.letters import Rendered
from services.notification.writing.mail import Envelope, Unmailable, outgoing
from tests.unit.notification.builders import NOW, parsed

LETTER = Rendered("Uitnodiging: één plaats", "Beste Robin,\n.\nTot dan.\n", "<p>Beste Robin</p>")
ENVELOPE = Envelope(
    Party("VNG Connect", "week@vng-connect.example.org"),
    "balie@vng-connect.example.org",
    Party("Robin Jansen", "robin.jansen@example.org"),
    "<invite-1.0@mail.example.org>",
)
ICS = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:\xc3\xa9\xc3\xa9n\r\n plaats\r\nEND:VCALENDAR\r\n"


def test_the_headers_say_who_writes_to_whom() -> None:
    """One recipient, the provider as the sender, replies to its desk."""
    message = parsed(outgoing(ENVELOPE, LETTER, None, NOW))
    assert message["From"] == "VNG Connect <week@vng-connect.example.org>"
    assert message["Reply-To"] == "balie@vng-connect.example.org"
    assert message["To"] == "Robin Jansen <robin.jansen@example.org>"
    assert message["Subject"] == LETTER.subject
    assert message["Message-ID"] == "<invite-1.0@mail.example.org>"
    assert message["Date"].datetime == NOW


def test_machines_are_told_not_to_answer() -> None:
    """Out-of-office replies would go to the provider (RFC 3834); and this is no mailing list."""
    message = parsed(outgoing(ENVELOPE, LETTER, None, NOW))
    assert message["Auto-Submitted"] == "auto-generated"
    assert not [name for name in message if name.startswith("List-")]


def test_an_invitation_has_the_structure_that_calendars_act_on() -> None:
    """The method of the part is that of the calendar (RFC 6047, section 2.4)."""
    message = parsed(outgoing(ENVELOPE, LETTER, ("REQUEST", ICS), NOW))
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
        "application/ics",
    ]
    *_, calendar, attached = message.walk()
    assert calendar.get_param("method") == "REQUEST"
    assert calendar.get_content_charset() == "utf-8"
    assert attached.get_filename() == "invite.ics"
    assert calendar.get_payload(decode=True) == attached.get_payload(decode=True) == ICS


def test_a_notice_has_no_calendar() -> None:
    """There is nothing to put on one."""
    message = parsed(outgoing(ENVELOPE, LETTER, None, NOW))
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_the_bytes_can_go_to_any_mail_server() -> None:
    """ASCII only, CRLF only, lines that are not too long (RFC 5321 and 5322)."""
    letter = replace(LETTER, html="<p>" + "é" * 5000 + "</p>")
    content = outgoing(ENVELOPE, letter, ("REQUEST", ICS), NOW).content
    assert content.isascii()
    assert content.endswith(b"\r\n")
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(len(line) for line in content.split(b"\r\n")) <= 998


HOSTILE = [
    "Robin\r\nBcc: victim@example.org",
    "Robin\nBcc: victim@example.org",
    "Robin\rBcc: victim@example.org",
    "Robin\0",
    "Robin\x0bBcc: x",
    "Robin\x85Bcc: x",
    "Robin\u2028Bcc: x",
]


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("where", ["recipient", "sender", "subject", "address", "reply_to", "message_id"])
def test_line_breaks_are_refused_in_every_header(where: str, hostile: str) -> None:
    """A header of the attacker's own would be a mail of the attacker's own."""
    envelope, letter = {
        "recipient": (replace(ENVELOPE, recipient=Party(hostile, "r@example.org")), LETTER),
        "sender": (replace(ENVELOPE, sender=Party(hostile, "s@example.org")), LETTER),
        "subject": (ENVELOPE, replace(LETTER, subject=hostile)),
        "address": (replace(ENVELOPE, recipient=Party("Robin", f"r@example.org{hostile}")), LETTER),
        "reply_to": (replace(ENVELOPE, reply_to=f"{hostile}@example.org"), LETTER),
        "message_id": (replace(ENVELOPE, message_id=hostile), LETTER),
    }[where]
    with pytest.raises(Unmailable) as refused:
        outgoing(envelope, letter, None, NOW)
    assert refused.value.outcome.result == "unmailable"
    assert "victim" not in str(refused.value)


@pytest.mark.parametrize("where", ["recipient", "message_id"])
def test_the_twin_without_the_refusal_lets_a_header_in(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """With the guard off, the attacker's line is a header."""
    for guard in ("_line", "mailable"):
        monkeypatch.setattr(mail, guard, lambda value: value)
    hostile = {
        "recipient": replace(ENVELOPE, recipient=Party("Robin", "r@example.org\r\nBcc: victim.example.org")),
        "message_id": replace(ENVELOPE, message_id="<x>\r\nBcc: victim.example.org"),
    }[where]
    assert "victim" in parsed(outgoing(hostile, LETTER, None, NOW))["Bcc"]


def test_an_international_domain_is_written_in_ascii() -> None:
    """Every mail server takes that (RFC 5891)."""
    recipient = Party("Robin", "robin@voorbeeldé.example.org")
    assert outgoing(replace(ENVELOPE, recipient=recipient), LETTER, None, NOW).recipient.endswith(
        "@xn--voorbeeld-j4a.example.org"
    )


def test_a_domain_with_sharp_s_is_its_own() -> None:
    """IDNA 2003 sent the mail for faß.de to fass.de, where somebody else reads it."""
    to_ss = outgoing(replace(ENVELOPE, recipient=Party("Robin", "robin@faß.de")), LETTER, None, NOW)
    assert to_ss.recipient == "robin@xn--fa-hia.de"
    assert b"<robin@xn--fa-hia.de>" in to_ss.content


@pytest.mark.parametrize("where", ["recipient", "sender", "reply_to"])
def test_a_mailbox_beyond_ascii_needs_a_server_with_smtputf8(where: str) -> None:
    """It stands in the headers as it is (RFC 6532); its domain is in ASCII all the same."""
    party = Party("Robin", "ro\u0308bin@bücher.example")
    envelope = replace(ENVELOPE, **{where: party.email if where == "reply_to" else party})  # type: ignore[arg-type]
    mail = outgoing(envelope, LETTER, None, NOW)
    assert mail.needs_utf8
    assert "<röbin@xn--bcher-kva.example>" in mail.content.decode() or where == "reply_to"
    assert not outgoing(ENVELOPE, LETTER, None, NOW).needs_utf8


@pytest.mark.parametrize(
    "address", ["o\u2019neill@example.org", "robin", "@example.org", "robin@", "robin@..example.org"]
)
def test_an_address_that_cannot_be_mailed_is_refused_for_good(address: str) -> None:
    """Trying again would not help; the course desk must know."""
    with pytest.raises(Unmailable) as refused:
        outgoing(replace(ENVELOPE, recipient=Party("Robin", address)), LETTER, None, NOW)
    assert refused.value.outcome.trouble == "address-refused"


@pytest.mark.parametrize(
    "name",
    [
        "Jansen, Robin",
        'Robin "R" Jansen (gemeente)',
        "Gézieta van den Belt",
        "Robin Jansen, " * 13 + "R",
        "Jansen-Ærø, " * 15 + "R",
        "victim@example.org, <other@example.org>" + " x" * 60,
        "=?utf-8?q?Robin?=",
    ],
)
def test_whatever_a_name_looks_like_there_is_one_recipient(name: str) -> None:
    """A comma in a long name must not begin another address."""
    content = outgoing(replace(ENVELOPE, recipient=Party(name, "r@example.org")), LETTER, None, NOW).content
    raw = message_from_bytes(content)["To"]
    ((shown, address),) = getaddresses([raw])
    assert (str(make_header(decode_header(shown))), address) == (name, "r@example.org")
    assert len(message_from_bytes(content, policy=policy.default)["To"].addresses) == 1


@pytest.mark.parametrize("subject", ["één plaats " * 20 + "x", "plaats " * 30 + "x", "x" * 250, "=?utf-8?q?x?="])
def test_long_subjects_and_ids_survive_the_folding_of_headers(subject: str) -> None:
    """Titles may have two hundred characters, ids a hundred."""
    message_id = f"<{'i' * 100}.0@mail.example.org>"
    mail = outgoing(replace(ENVELOPE, message_id=message_id), replace(LETTER, subject=subject), None, NOW)
    assert parsed(mail)["Subject"] == subject
    assert parsed(mail)["Message-ID"] == message_id

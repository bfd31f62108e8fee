"""Reading what the sink kept, whatever somebody put into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.mail.box import Mailbox
from services.notification.writing.composing import Background
from tests.unit.notification.builders import edition, invitation, mail_of, meeting

IDS = [f"20261122T0828{second:02}.870864Z-00001" for second in range(5)]
TO = b"Delivered-To: robin.jansen@example.org\r\n"


@pytest.fixture
def mailbox(tmp_path: Path) -> Mailbox:
    """Provide an empty mailbox."""
    return Mailbox(tmp_path)


def keep(mailbox: Mailbox, content: bytes, id: str = IDS[0]) -> str:
    """Put a mail into it; return its id."""
    (mailbox.directory / f"{id}.eml").write_bytes(content)
    return id


def test_the_newest_come_first_and_the_rest_after_them(mailbox: Mailbox) -> None:
    """A day of demonstration leaves hundreds."""
    for number, id in enumerate(IDS):
        keep(mailbox, TO + f"Subject: {number}\r\n\r\n".encode(), id)
    newest = mailbox.newest(3)
    assert [mail.subject for mail in newest] == ["4", "3", "2"]
    assert [mail.subject for mail in mailbox.newest(3, before=newest[-1].id)] == ["1", "0"]
    assert newest[0].to == "robin.jansen@example.org"
    assert newest[0].at.isoformat() == "2026-11-22T08:28:04.870864+00:00"


def test_an_invitation_is_read_as_its_participant_gets_it(mailbox: Mailbox) -> None:
    """Text, HTML, and the calendar entry once, though the mail has it twice."""
    sent = mail_of(invitation(), Background(edition(), meeting())).as_bytes()
    mail = mailbox.mail(keep(mailbox, TO + sent))
    assert mail is not None
    assert mail.text
    assert mail.html is not None
    (entry,) = mail.entries
    fields = dict(entry)
    assert fields["method"] == "REQUEST"
    assert "Europe/Amsterdam" in fields["starts"]
    assert fields.keys() >= {"title", "ends", "participant", "sequence", "UID"}


@pytest.mark.parametrize("id", ["../secret", "..", "x", IDS[1], f"{IDS[0]}/../../secret"])
def test_nothing_but_mails_can_be_asked_for(mailbox: Mailbox, id: str) -> None:
    """A mailbox lies beside accounts and keys."""
    keep(mailbox, TO)
    (mailbox.directory.parent / "secret.eml").write_bytes(b"secret")
    assert mailbox.raw(id) is None
    assert mailbox.mail(id) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"Subject: =?nonsense?q?=ff?=\r\nFrom: <<>>@@\r\n\r\n",
        b"Content-Type: text/plain; charset=nonsense\r\n\r\n\xff",
        b"Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:never\r\n",
        b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
    ],
)
def test_a_mail_that_is_badly_made_is_shown_all_the_same(mailbox: Mailbox, content: bytes) -> None:
    """One of them must not hide the others."""
    id = keep(mailbox, content)
    assert mailbox.mail(id) is not None
    assert len(mailbox.newest(1)) == 1


def test_a_calendar_that_cannot_be_read_is_shown_as_it_stands(mailbox: Mailbox) -> None:
    """It may be what somebody is looking for."""
    mail = mailbox.mail(keep(mailbox, b"Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nBEGIN:NONSENSE\r\n"))
    assert mail is not None
    assert "NONSENSE" in str(mail.entries)

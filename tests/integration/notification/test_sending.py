"""From the database to the mailbox: ledger, composing, SMTP and facts together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import count

import pytest

from services.notification.composing import compose
from services.notification.sender import Pace, Sender
from services.notification.smtp import Line, Server
from services.notification.storage import uncertain
from tests.integration.notification.world import LEASES, World, many
from tests.support.mailserver import SILENCE, MailServer
from tests.unit.notification.builders import (
    HOUSE,
    NOW,
    edition,
    invitation,
    meeting,
)


def sender(world: World, line: Line, clock: Callable[[], datetime]) -> Sender:
    """Build a sender as the service does."""
    return Sender(world.ledger, partial(compose, house=HOUSE), lambda: line, clock, Pace(lines=1, poll_s=1, stop_s=5))


async def test_a_mail_goes_from_the_database_to_the_mailbox(world: World, mail_server: MailServer) -> None:
    """Ledger, composing, SMTP and facts together; silence is held, and its neighbours arrive."""
    await world.know(edition(), meeting())
    await world.keep(*many(3))
    mail_server.answers.append(SILENCE)
    line = Line(Server("127.0.0.1", mail_server.port))
    at_work = sender(world, line, lambda: NOW)
    while await at_work.send_next(line):
        pass
    await line.hang_up()
    assert sorted(fact["inviteId"] for fact in await world.told() if "messageId" in fact) == ["i1", "i2"]
    assert [mail.message["Message-ID"] for mail in mail_server.mails] == [
        f"<i{number}.0@mail.example.org>" for number in range(3)
    ]
    assert [letter.id for letter in await uncertain(world.database, 10)] == ["e0.week-noord.proces"]


async def send_and_die(world: World, line: Line) -> None:
    """Let the server take a mail, and die before that is recorded."""
    await world.know(edition(), meeting())
    await world.keep(invitation())
    letter = await world.claimed()
    mail = compose(letter, await world.ledger.background(letter), NOW, HOUSE)
    await line.send(mail, partial(world.ledger.hand_over, letter, NOW))


@pytest.mark.parametrize("recorded", [True, False], ids=["guard", "twin without it"])
async def test_a_sender_that_dies_after_the_dot_leads_to_no_second_mail(
    world: World,
    mail_server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    recorded: bool,
) -> None:
    """Since the leave is on record the mail is uncertain; the twin, which does not record it, sends it twice."""

    async def given(*_: object) -> bool:
        return True

    if not recorded:
        monkeypatch.setattr(world.ledger, "hand_over", given)
    line, later = Line(Server("127.0.0.1", mail_server.port)), count(1)
    await send_and_die(world, line)
    heir = sender(world, line, lambda: NOW + next(later) * LEASES.after_dot)
    while await heir.send_next(line):
        pass
    await line.hang_up()
    assert len(mail_server.mails) == (1 if recorded else 2)
    assert (await world.read(invitation())).delivery.state == ("uncertain" if recorded else "sent")

"""From the database to the mailbox: ledger, composing, SMTP and facts together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest

from chassis.errors import Unavailable
from cli.mails import unsent
from cli.mails.unsent import Which
from services.notification.domain.letter import Letter
from services.notification.sending.ledger import MongoLedger
from services.notification.sending.sender import Pace, Sender
from services.notification.sending.smtp import Server, SmtpConnection
from services.notification.writing.composing import compose
from tests.integration.notification.world import World, many
from tests.support.mailserver import SILENCE, MailServer
from tests.unit.notification.builders import (
    IDENTITY,
    NOW,
    edition,
    invitation,
    meeting,
)


def sender(
    world: World, connection: SmtpConnection, clock: Callable[[], datetime] = lambda: NOW, *, leave_s: float = 60
) -> Sender:
    """Build a sender as the service does."""
    pace = Pace(connections=1, poll_s=1, stop_s=5, leave_s=leave_s)
    return Sender(world.ledger, partial(compose, identity=IDENTITY), lambda: connection, clock, pace)


async def test_a_mail_goes_from_the_database_to_the_mailbox(world: World, mail_server: MailServer) -> None:
    """Ledger, composing, SMTP and facts together; silence is held, and its neighbours arrive."""
    await world.know(edition(), meeting())
    await world.keep(*many(3))
    mail_server.answers.append(SILENCE)
    connection = SmtpConnection(Server("127.0.0.1", mail_server.port))
    at_work = sender(world, connection)
    while await at_work.send_next(connection):
        pass
    await connection.hang_up()
    assert sorted(fact["inviteId"] for fact in await world.told() if "messageId" in fact) == ["i1", "i2"]
    assert [mail.message["Message-ID"] for mail in mail_server.mails] == [
        f"<i{number}.0@mail.example.org>" for number in range(3)
    ]
    assert [row["id"] for row in await unsent.found(world.database, Which(state="uncertain"))] == [many(1)[0].id]


async def send_and_die(world: World, connection: SmtpConnection) -> None:
    """Let the server take a mail, and die before that is recorded."""
    await world.know(edition(), meeting())
    await world.keep(invitation())
    letter = await world.claimed()
    mail = compose(letter, await world.ledger.background(letter), NOW, IDENTITY)
    await connection.send(mail, partial(world.ledger.hand_over, letter))


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
    connection = SmtpConnection(Server("127.0.0.1", mail_server.port))
    await send_and_die(world, connection)
    await world.lapse(invitation())
    heir = sender(world, connection)
    assert not await heir.send_next(connection), "it is judged, and due later where it is due again"
    await world.due_at_once()
    while await heir.send_next(connection):
        pass
    await connection.hang_up()
    assert len(mail_server.mails) == (1 if recorded else 2)
    assert (await world.read(invitation())).delivery.state == ("uncertain" if recorded else "sent")


class Failing(MongoLedger):
    """Its database fails over right after it recorded that the dot comes next."""

    async def hand_over(self, letter: Letter) -> bool:
        """Record it, and hear no more of that; the next time all is well."""
        recorded = await super().hand_over(letter)
        if letter.delivery.attempts == 0 and letter.delivery.due == NOW:
            raise Unavailable("the primary stepped down")
        return recorded


async def test_a_database_that_fails_over_before_the_dot_leaves_nothing_uncertain(
    world: World, mail_server: MailServer
) -> None:
    """The record may stand; whoever asked for it knows that no dot was sent, and the mail goes out once."""
    world.ledger = world.ledger_of(Failing)
    await world.know(edition(), meeting())
    await world.keep(invitation())
    connection = SmtpConnection(Server("127.0.0.1", mail_server.port))
    at_work = sender(world, connection, lambda: NOW + timedelta(seconds=1))
    while await at_work.send_next(connection):
        pass
    await connection.hang_up()
    assert len(mail_server.mails) == 1
    assert (await world.read(invitation())).delivery.state == "sent"


@pytest.mark.parametrize("leave_s", [60, 0], ids=["in time", "asleep meanwhile"])
async def test_a_leave_that_took_longer_than_a_claim_lasts_is_none(
    world: World, mail_server: MailServer, leave_s: float
) -> None:
    """Its sender slept while it asked: by now somebody may have decided that the mail is to be sent again."""
    await world.know(edition(), meeting())
    await world.keep(invitation())
    connection = SmtpConnection(Server("127.0.0.1", mail_server.port))
    await sender(world, connection, leave_s=leave_s).send_next(connection)
    await connection.hang_up()
    assert len(mail_server.mails) == (1 if leave_s else 0)
    assert (await world.read(invitation())).delivery.state == ("sent" if leave_s else "pending")

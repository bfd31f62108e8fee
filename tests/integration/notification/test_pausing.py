"""A real mail server that refuses everything, in each way, and one that refuses some: what becomes of the mails."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.notification import gauges
from services.notification.domain.letter import Letter
from services.notification.domain.standing import Standing
from services.notification.sending import pausing
from services.notification.sending.sender import Sender
from services.notification.sending.smtp import Server, SmtpConnection
from tests.integration.notification.test_sending import sender
from tests.integration.notification.world import World, many
from tests.support.mailserver import MailServer
from tests.unit.notification.builders import NOW, TERMS, edition, meeting, recipient

NO = "550 5.7.1 Not from you"
MOST = TERMS.refusals


class Sending:
    """A sender at work on a world's mails, to different people."""

    def __init__(self, world: World, mail_server: MailServer, **server: str) -> None:
        self.world = world
        self.connection = SmtpConnection(replace(Server("127.0.0.1", mail_server.port, timeout_s=5.0), **server))  # type: ignore[arg-type]
        self.sender: Sender = sender(world, self.connection)

    async def all_due(self) -> None:
        """Send until nothing is left to send, or sending rests."""
        while await self.sender.send_next(self.connection):
            pass
        await self.connection.hang_up()

    async def after_the_pause(self) -> None:
        """Let the pause be over and send on."""
        await self.world.database["standing"].update_one({}, {"$set": {"until": datetime(2021, 1, 1, tzinfo=UTC)}})
        await self.all_due()


async def keep(world: World, count: int) -> list[Letter]:
    """Store so many invitations, each for somebody else."""
    letters = [
        replace(letter, participant=recipient(email=f"robin{number}@example.org"))
        for number, letter in enumerate(many(count))
    ]
    await world.know(edition(), meeting())
    await world.keep(*letters)
    return list(letters)


async def states(world: World) -> Counter[str]:
    """Count the mails by how far they have come."""
    return Counter([document["delivery"]["state"] async for document in world.database["mails"].find({})])


@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA"])
async def test_a_server_that_refuses_everybody_costs_nobody_their_mail(
    world: World, mail_server: MailServer, at: str
) -> None:
    """Once it takes mails again everybody has theirs, also those that it refused before that was clear."""
    await keep(world, 12)
    mail_server.refuses[at] = NO
    sending = Sending(world, mail_server)
    await sending.all_due()
    assert await states(world) == {"pending": 12}
    assert "nothing is sent since" in str(await pausing.remark(world.database))
    mail_server.refuses.clear()
    await sending.after_the_pause()
    assert await states(world) == {"sent": 12}
    assert len(mail_server.mails) == 12
    assert await pausing.remark(world.database) is None


async def test_the_twin_that_never_rests_gives_every_mail_up(
    world: World, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched off, the guard of the test above is missed."""
    monkeypatch.setattr(Standing, "after", lambda standing, *_: standing)
    await keep(world, 12)
    mail_server.refuses["RCPT"] = NO
    await Sending(world, mail_server).all_due()
    assert await states(world) == {"failed": 12}


@pytest.mark.parametrize(
    "refuses", [{"greeting": "554 5.7.1 Go away"}, {"EHLO": NO, "HELO": NO}, {"MAIL": "530 5.7.0 Log in first"}]
)
async def test_a_server_that_turns_us_away_is_asked_once(
    world: World, mail_server: MailServer, refuses: dict[str, str]
) -> None:
    """It is not about any of them: no attempt counts and no fact is told."""
    await keep(world, 3)
    mail_server.refuses = dict(refuses)
    sending = Sending(world, mail_server)
    await sending.all_due()
    found = [document["delivery"] async for document in world.database["mails"].find({})]
    assert [(one["state"], one["attempts"]) for one in found] == [("pending", 0)] * 3
    assert await world.told() == []
    mail_server.refuses.clear()
    await sending.after_the_pause()
    assert await states(world) == {"sent": 3}


async def test_a_pause_ends_with_one_mail_that_tries_and_doubles_when_it_fails(
    world: World, mail_server: MailServer
) -> None:
    """Of several senders one tries; a server that is left alone for minutes loses nothing by the next ones."""
    await keep(world, MOST + 3)
    mail_server.refuses["RCPT"] = NO
    sending = Sending(world, mail_server)
    await sending.all_due()
    lengths = [await left(world)]
    for _ in range(5):
        await sending.after_the_pause()
        lengths.append(await left(world))
    assert lengths == [30, 60, 100, 100, 100, 100]
    tried = [document["delivery"]["attempts"] async for document in world.database["mails"].find({})]
    assert sorted(tried) == [1, 1, 1, 1, 1, 1, 2, 2]


async def left(world: World) -> int:
    """Return how long the pause is, in seconds, of which none has passed."""
    document = await world.database["standing"].find_one({})
    assert document is not None
    seconds: float = (document["until"] - datetime.now(UTC)).total_seconds()
    return round(seconds / 10) * 10


async def test_only_one_sender_tries(world: World, mail_server: MailServer) -> None:
    """However many replicas wait for the end of the pause."""
    await keep(world, MOST + 3)
    mail_server.refuses["RCPT"] = NO
    await Sending(world, mail_server).all_due()
    assert await world.ledger.claim(datetime.now(UTC)) is None
    await pausing.prepare(world.database)
    claims = [await world.ledger.claim(datetime.now(UTC)) for _ in range(3)]
    assert [claim is not None for claim in claims] == [True, False, False]


async def test_a_pause_is_over_for_a_service_that_starts(world: World, mail_server: MailServer) -> None:
    """It may have been given another password."""
    await keep(world, 1)
    mail_server.refuses["greeting"] = "554 5.7.1 Go away"
    sending = Sending(world, mail_server)
    await sending.all_due()
    mail_server.refuses.clear()
    await pausing.prepare(world.database)
    await sending.all_due()
    assert await states(world) == {"sent": 1}


async def test_addresses_that_do_not_exist_are_given_up_one_by_one(world: World, mail_server: MailServer) -> None:
    """The server takes others' mails between."""
    letters = await keep(world, 12)
    mail_server.unknown = {letter.participant.email for number, letter in enumerate(letters) if number % 3 < 2}
    await Sending(world, mail_server).all_due()
    assert await states(world) == {"failed": 8, "sent": 4}
    assert await pausing.remark(world.database) is None


async def test_bad_addresses_in_a_row_are_found_out_by_the_next_good_one(world: World, mail_server: MailServer) -> None:
    """They are put back once: refused again by a server that takes others, they are given up, and nothing rests."""
    letters = await keep(world, MOST + 3)
    mail_server.unknown = {letter.participant.email for letter in letters[:MOST]}
    earlier = {"$set": {"delivery.due": NOW - timedelta(minutes=1)}}
    await world.database["mails"].update_many({"_id": {"$in": [one.id for one in letters[:MOST]]}}, earlier)
    sending = Sending(world, mail_server)
    await sending.all_due()
    assert await states(world) == {"pending": len(letters)}
    await sending.after_the_pause()
    assert await states(world) == {"failed": MOST, "sent": 3}
    assert await pausing.remark(world.database) is None


async def a_long_line_of_bad_addresses(world: World, mail_server: MailServer) -> Sending:
    """Let the server take one mail, and then find a line of addresses that do not exist before two that do."""
    first, *line, last, very_last = await keep(world, 3 * MOST + 3)
    mail_server.unknown = {letter.participant.email for letter in line}
    for minutes, letters in ((3, [first]), (2, line), (1, [last, very_last])):
        due = {"$set": {"delivery.due": NOW - timedelta(minutes=minutes)}}
        await world.database["mails"].update_many({"_id": {"$in": [one.id for one in letters]}}, due)
    sending = Sending(world, mail_server)
    await sending.all_due()
    return sending


async def test_a_line_of_bad_addresses_holds_up_nobody_else(world: World, mail_server: MailServer) -> None:
    """Somebody's old list once stopped everybody's mails: one in a quarter of an hour was tried, and those were bad."""
    await a_long_line_of_bad_addresses(world, mail_server)
    assert await states(world) == {"failed": 3 * MOST, "sent": 3}
    assert await pausing.remark(world.database) is None
    assert len(mail_server.mails) == 3, "who is asked about gets no mail"


async def test_the_twin_that_asks_about_nobody_holds_everybody_up(
    world: World, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched off, the guard of the test above is missed."""

    async def unasked(*_: object) -> bool:
        return False

    monkeypatch.setattr(SmtpConnection, "takes", unasked)
    await a_long_line_of_bad_addresses(world, mail_server)
    assert (await states(world))["sent"] == 1


async def test_a_server_that_refuses_those_it_took_before_refuses_everybody(
    world: World, mail_server: MailServer
) -> None:
    """Its table of users is broken, and nobody is given up for that."""
    letters = await keep(world, MOST + 4)
    sending = Sending(world, mail_server)
    await sending.sender.send_next(sending.connection)
    mail_server.refuses["RCPT"] = NO
    await sending.all_due()
    assert await states(world) == {"sent": 1, "pending": len(letters) - 1}
    mail_server.refuses.clear()
    await sending.after_the_pause()
    assert await states(world) == {"sent": len(letters)}


async def test_how_long_nothing_is_sent_is_shown(world: World, mail_server: MailServer) -> None:
    """An alarm rests on it."""
    await keep(world, 1)
    mail_server.refuses["greeting"] = "554 5.7.1 Go away"
    soon = datetime.now(UTC) + timedelta(minutes=10)
    assert (await gauges.paused(world.database, soon))[0].samples[0].value == 0  # type: ignore[index]
    await Sending(world, mail_server).all_due()
    shown = (await gauges.paused(world.database, soon))[0].samples[0].value  # type: ignore[index]
    assert 500 < shown <= 600

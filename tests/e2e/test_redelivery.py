"""Every message comes three times."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.e2e.world import World, open_world
from tests.support.eventually import eventually
from tests.support.mailserver import MailServer
from tests.support.place import Place
from tests.support.running import running
from tests.unit.enrolment.examples import edition, request, session

PEOPLE = 30
SEATS = 20
ONLINE = {"form": "on-site", "location": "Utrecht"}


async def thrice(place: Place, mail_server: MailServer, *, without: str | None = None) -> None:
    """Send each request three times, in three rounds, and check that each counts once."""
    settings = {"SMTP_URL": mail_server.url, "MAIL_POLL_MS": "50"}
    with running(place, "enrolment", "notification", settings=settings, without=without):
        async with open_world(place) as world:
            await world.publish_edition(edition(session(capacity=SEATS, **ONLINE)), "enrolment", "notification")
            events = [request(name=f"deelnemer-{number}") for number in range(PEOPLE)]
            for _ in range(3):
                await world.send_all(events)
            await world.answered([event.id for event in events])
            await everybody_hears_once(world, mail_server)


async def everybody_hears_once(world: World, mail_server: MailServer) -> None:
    """Check: one answer per request, one mail per participant, and every promise kept."""
    await eventually(lambda: len(mail_server.mails) >= PEOPLE, within=30)
    assert await world.verdicts() == []
    assert {len(answers) for answers in world.systems.answers.values()} == {1}
    assert set(Counter(mail.recipients[0] for mail in mail_server.mails).values()) == {1}
    assert world.systems.counts["enrolment-confirmed"] == SEATS


async def test_a_message_that_comes_three_times_counts_once(place: Place, mail_server: MailServer) -> None:
    """A bus delivers at least once; a participant must not notice."""
    await thrice(place, mail_server)


async def test_without_memory_it_counts_three_times(place: Place, mail_server: MailServer) -> None:
    """Switched off, the guard of the test above is missed."""
    with pytest.raises(AssertionError):
        await thrice(place, mail_server, without="memory")

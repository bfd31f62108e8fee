"""When facts go past queues that refuse them, and when they go to all again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

import pytest
from aiormq.exceptions import DeliveryError

from chassis.facts import Facts
from chassis.frames import Outgoing
from chassis.link import Link, May
from chassis.pipeline import Confirms
from chassis.refusals import Refusals
from chassis.topology import BYPASS
from instroom_contracts.topology import EVENTS

FACT = Outgoing("1", EVENTS, "a.b.v1", None, "toy", datetime.now(UTC), None, b"{}")


async def may() -> bool:
    """Hold the lease."""
    return True


class Broker:
    """A link to a broker that confirms or refuses as told, and notes by which exchange facts came."""

    def __init__(self) -> None:
        self.refuses = False
        self.seen: list[str] = []

    async def publish(self, messages: Sequence[Outgoing], _: float, __: May) -> Confirms:
        """Answer for each message."""
        confirms = Confirms(len(messages))
        for number, message in enumerate(messages):
            self.seen.append(message.exchange)
            refused = self.refuses and message.exchange == EVENTS
            confirms.settle(number, DeliveryError(None, None) if refused else None)  # type: ignore[arg-type]
        return confirms

    async def close(self) -> None:
        """Close nothing."""


@pytest.fixture
def broker() -> Broker:
    """Provide the broker."""
    return Broker()


@pytest.fixture
def way(broker: Broker) -> Facts:
    """Provide the way of facts to it."""
    link = cast("Link", broker)
    return Facts(link, link, Refusals())


async def test_what_is_refused_stays_open_and_goes_past_the_next_time(broker: Broker, way: Facts) -> None:
    """A refusal is no trouble to wait for: there is another way."""
    broker.refuses = True
    first = await way.publish([FACT], may)
    assert (first.open, first.trouble) == ({0}, None)
    second = await way.publish([FACT], may)
    assert not second.open
    assert broker.seen == [EVENTS, BYPASS]


async def test_the_usual_way_is_tried_with_one_fact_and_less_and_less_often(
    broker: Broker, way: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever listens may hear that one twice."""
    now = 0.0
    monkeypatch.setattr("chassis.facts.monotonic", lambda: now)
    broker.refuses = True
    await way.publish([FACT], may)
    assert not way.takes_one()
    for pause in (60, 120, 240, 480, 600, 600):
        now += pause
        assert way.takes_one()
        await way.publish([FACT], may)
        assert not way.takes_one()
    broker.refuses = False
    now += 600
    await way.publish([FACT], may)
    await way.publish([FACT], may)
    assert broker.seen[-2:] == [EVENTS, EVENTS]


async def test_who_gives_the_lease_away_forgets_who_refused(broker: Broker, way: Facts) -> None:
    """An alarm that nobody takes back any more would stand for ever."""
    broker.refuses = True
    await way.publish([FACT], may)
    way.rest()
    broker.refuses = False
    await way.publish([FACT], may)
    assert broker.seen == [EVENTS, EVENTS]

"""Acknowledging a run of deliveries with one frame, and leaving what a lost channel delivered."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import consumer, metrics
from chassis.clock import Clock
from chassis.committer import Committer, Limits
from chassis.consumer import Acknowledgements, Consumer, Delivery
from chassis.deciding import Received
from tests.support.eventually import eventually
from tests.unit.chassis.toy import HEARS, SOURCE, received


def test_a_run_from_the_first_delivery_on_is_acknowledged_at_once() -> None:
    """One frame for two hundred messages is what makes it fast."""
    assert Acknowledgements().finish([1, 2, 3]) == 3


def test_nothing_is_acknowledged_beyond_an_unfinished_delivery() -> None:
    """An acknowledgement up to a tag takes every delivery before it along: those must be finished."""
    acknowledgements = Acknowledgements()
    assert acknowledgements.finish([2, 3]) is None
    assert acknowledgements.finish([1]) == 3


@given(st.permutations(range(1, 30)), st.integers(1, 7))
def test_in_any_order_no_unfinished_delivery_is_acknowledged_and_none_is_forgotten(tags: list[int], size: int) -> None:
    """Batches may end in another order than they came in."""
    acknowledgements, finished, upto = Acknowledgements(), set[int](), 0
    for start in range(0, len(tags), size):
        finished.update(tags[start : start + size])
        upto = acknowledgements.finish(tags[start : start + size]) or upto
        assert set(range(1, upto + 1)) <= finished
    assert upto == 29


class Committed:
    """A committer that notes what it is given."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.clock = Clock(cast("Any", None))

    async def prepare(self, batch: Sequence[Received], ahead: object) -> None:
        """Prepare nothing."""

    async def commit(self, batch: Sequence[Received], plan: object = None) -> bool:
        """Note what comes."""
        self.events += [message.event.id or "?" for message in batch]
        return True


@dataclass
class Channel:
    """A channel as far as the consumer knows it."""

    is_closed: bool = False
    acknowledged: list[int] = field(default_factory=list)

    __hash__ = object.__hash__

    async def basic_ack(self, tag: int, *, multiple: bool) -> None:
        """Note an acknowledgement."""
        assert multiple
        self.acknowledged.append(tag)


def delivery(channel: Channel, tag: int, id: str) -> Delivery:
    """Build a delivery of the toy service."""
    message = received("a", id=id)
    body = b'{"specversion": "1.0", "type": "nl.enrolments.thing-counted.v1", "time": "2021-05-20T09:30:00Z",'
    body += f' "id": "{id}", "source": "{SOURCE}", "data": {{"jar": "a"}}}}'.encode()
    raw = SimpleNamespace(body=body, content_type=message.content_type, headers={}, delivery_tag=tag, user_id=None)
    return Delivery(cast("Any", raw), "toy", channel)


class Surprised(Committed):
    """A committer whose first batch comes out otherwise than planned, and who notes on what each was decided."""

    def __init__(self) -> None:
        super().__init__()
        self.decided: list[tuple[str, object]] = []
        self.planned: list[object] = []
        self.first_written = asyncio.Event()

    async def prepare(self, batch: Sequence[Received], ahead: object) -> Any:
        """Make a plan that says what it is built on."""
        self.decided.append((batch[0].event.id or "?", ahead))
        if len(self.decided) == 2:
            self.first_written.set()
        return f"plan {len(self.decided)}"

    async def commit(self, batch: Sequence[Received], plan: object = None) -> bool:
        """Let the first batch wait until the second is decided, and come out otherwise."""
        await self.first_written.wait()
        self.planned.append(plan)
        await super().commit(batch)
        return len(self.planned) > 1


async def test_what_was_decided_on_what_did_not_come_about_is_decided_again() -> None:
    """On top of nothing, once the other is written: deciding ahead goes on after a conflict."""
    committed, channel = Surprised(), Channel()
    consumer = Consumer(cast("Committer", committed), {"toy": HEARS}, Limits(1, 0))
    for one in (delivery(channel, 1, "first"), delivery(channel, 2, "second")):
        consumer._take(one)
    running = asyncio.ensure_future(consumer.run())
    await eventually(lambda: channel.acknowledged[-1:] == [2])
    await consumer.stop()
    await running
    assert committed.decided == [("first", None), ("second", "plan 1"), ("second", None)]
    assert committed.planned == ["plan 1", "plan 3"]


async def test_what_a_lost_channel_delivered_is_left_to_come_again() -> None:
    """A broker that restarts delivers anew; acknowledging on the old channel would end the consumer."""
    committed, lost, new = Committed(), Channel(is_closed=True), Channel()
    consumer = Consumer(cast("Committer", committed), {"toy": HEARS}, Limits(10, 0))
    for one in (delivery(lost, 7, "old"), delivery(new, 1, "first"), delivery(new, 2, "second")):
        consumer._take(one)
    running = asyncio.ensure_future(consumer.run())
    await eventually(lambda: new.acknowledged == [2])
    await consumer.stop()
    await running
    assert committed.events == ["first", "second"]
    assert lost.acknowledged == []


def measured() -> dict[str, float]:
    """Return how many decisions were measured and how long they took in all, in seconds."""
    samples = [sample for family in metrics.DECISION.collect() for sample in family.samples]
    return {
        sample.name: sample.value
        for sample in samples
        if sample.labels.get("queue") == "toy" and "le" not in sample.labels
    }


@pytest.mark.parametrize(("stamp", "seconds"), [(98_500, 1.5), (105_000, 0)])
def test_a_decision_is_measured_from_the_brokers_stamp(stamp: int, seconds: float) -> None:
    """A participant waits from there on; a clock that runs ahead makes no negative time."""
    arrived = delivery(Channel(), 1, "1")
    arrived.raw.headers["timestamp_in_ms"] = stamp
    metrics.DECISION.clear()
    consumer._measure([arrived], now=100)
    assert measured()["instroom_decision_seconds_count"] == 1
    assert measured()["instroom_decision_seconds_sum"] == seconds


@pytest.mark.parametrize("headers", [{}, {"timestamp_in_ms": "yesterday"}])
def test_a_message_without_a_stamp_is_not_measured(headers: dict[str, Any]) -> None:
    """Older brokers set none, and a sender may set anything: it must not stop the batch."""
    arrived = delivery(Channel(), 1, "1")
    arrived.raw.headers.update(headers)
    metrics.DECISION.clear()
    consumer._measure([arrived], now=100)
    assert not measured()

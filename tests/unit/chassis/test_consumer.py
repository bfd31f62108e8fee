"""Taking deliveries, deciding them ahead, acknowledging them, and leaving what a lost channel delivered."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from pamqp.commands import Basic

from chassis import consumer, hands, metrics, reading
from chassis.clock import Clock
from chassis.committer import Committer, Limits
from chassis.consumer import Consumer
from chassis.deciding import Received
from chassis.incoming import Arrived
from instroom_contracts.cloudevent import InvalidEvent
from tests.support.eventually import eventually
from tests.unit.chassis.toy import HEARS, SOURCE, received


class Committed:
    """A committer that notes what it is given."""

    def __init__(self) -> None:
        self.available = True
        self.events: list[str] = []
        self.held: list[str] = []
        self.clock = Clock(cast("Any", None))

    async def prepare(self, batch: Sequence[Received], ahead: object) -> None:
        """Prepare nothing."""

    async def commit(self, batch: Sequence[Received], plan: object = None) -> bool:
        """Note what comes."""
        self.events += [message.event.id or "?" for message in batch]
        self.held += [message.event.reason for message in batch if isinstance(message.event, InvalidEvent)]
        return True


@dataclass
class Channel:
    """A channel as far as the consumer knows it."""

    number: int = 1
    is_closed: bool = False
    acknowledged: list[int] = field(default_factory=list)

    __hash__ = object.__hash__

    async def basic_ack(self, tag: int, *, multiple: bool) -> None:
        """Note an acknowledgement."""
        assert multiple
        self.acknowledged.append(tag)

    async def close(self) -> None:
        """Be closed by whoever consumes."""
        self.is_closed = True


PROPERTIES = Basic.Properties(content_type="application/cloudevents+json").marshal()


def arrived(tag: int, id: str, *, channel: int = 1, properties: bytes = PROPERTIES) -> Arrived:
    """Build a message to the toy service, as it arrives."""
    body = b'{"specversion": "1.0", "type": "nl.enrolments.thing-counted.v1", "time": "2021-05-20T09:30:00Z",'
    body += f' "id": "{id}", "source": "{SOURCE}", "data": {{"jar": "a"}}}}'.encode()
    return Arrived(channel, tag, properties, body)


def consuming(committed: Committed, batch: int = 10) -> tuple[Consumer, Callable[[Arrived], None]]:
    """Provide a consumer, and what takes deliveries for it."""
    made = Consumer(cast("Committer", committed), {"toy": HEARS}, Limits(batch, 0))
    return made, made.taps[b"toy"]


@asynccontextmanager
async def at_work(consumer: Consumer) -> AsyncIterator[None]:
    """Let a consumer run during the block."""
    running = asyncio.ensure_future(consumer.run())
    yield
    await consumer.stop()
    await running


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
    consumer, take = consuming(committed, batch=1)
    consumer.opened("toy", channel)
    take(arrived(1, "first"))
    take(arrived(2, "second"))
    async with at_work(consumer):
        await eventually(lambda: channel.acknowledged[-1:] == [2])
    assert committed.decided == [("first", None), ("second", "plan 1"), ("second", None)]
    assert committed.planned == ["plan 1", "plan 3"]


async def test_what_a_lost_channel_delivered_is_left_to_come_again() -> None:
    """A broker that restarts delivers anew; acknowledging on the old channel would end the consumer."""
    committed, lost, new = Committed(), Channel(), Channel(2)
    consumer, take = consuming(committed)
    consumer.opened("toy", lost)
    take(arrived(1, "old"))
    lost.is_closed = True
    consumer.opened("toy", new)
    take(arrived(2, "late", channel=1))
    take(arrived(1, "first", channel=2))
    take(arrived(2, "second", channel=2))
    async with at_work(consumer):
        await eventually(lambda: new.acknowledged == [2])
    assert committed.events == ["first", "second"]
    assert lost.acknowledged == []


def test_deliveries_of_lost_channels_are_forgotten() -> None:
    """While the database is away and the broker comes and goes, each connection delivers the same messages again."""
    consumer, take = consuming(Committed())
    for number in range(1, 50):
        consumer.opened("toy", Channel(number))
        for tag in range(1, 31):
            take(arrived(tag, str(tag), channel=number))
    assert len(consumer._arrived) == 30


async def test_a_message_that_cannot_be_read_is_held_and_its_neighbours_are_decided() -> None:
    """Whatever a sender made of its properties concerns that message alone."""
    committed, channel = Committed(), Channel()
    consumer, take = consuming(committed)
    consumer.opened("toy", channel)
    for tag, properties in enumerate((PROPERTIES, b"\xff\xff", PROPERTIES), 1):
        take(arrived(tag, str(tag), properties=properties))
    async with at_work(consumer):
        await eventually(lambda: channel.acknowledged == [3])
    assert committed.held == ["unreadable-properties"]
    assert committed.events == ["1", "2", "3"]


async def test_a_message_on_which_reading_itself_fails_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of ours must not keep everything behind it from being acknowledged."""
    committed, channel = Committed(), Channel()
    consumer, take = consuming(committed)
    consumer.opened("toy", channel)
    take(arrived(1, "1"))
    monkeypatch.setattr(reading, "decode", lambda *_, **__: 1 / 0)
    async with at_work(consumer):
        await eventually(lambda: channel.acknowledged == [1])
    assert committed.held == ["unreadable-properties"]


def test_a_queue_whose_messages_do_not_get_done_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who consumes and never acknowledges looks well from the broker's side."""
    consumer, take = consuming(Committed())
    channel = Channel()
    consumer.opened("toy", channel)
    assert consumer.trouble() is None
    take(arrived(1, "1"))
    assert consumer.trouble() is None
    monkeypatch.setattr(hands, "STALLED_S", 0.0)
    assert str(consumer.trouble()).startswith("toy: 1 messages are in hand")
    channel.is_closed = True
    assert consumer.trouble() is None


async def lose(consumer: Consumer, take: Callable[[Arrived], None], ids: Sequence[str], number: int) -> int:
    """Deliver as many of these as are asked for on a new channel, and leave it; return how many that were."""
    prefetch = consumer.opened("toy", Channel(number))
    for tag, id in enumerate(ids[:prefetch], 1):
        take(arrived(tag, id, channel=number))
    return min(prefetch, len(ids))


async def test_after_three_losses_messages_are_taken_alone_and_the_one_that_is_lost_again_is_held() -> None:
    """What nobody foresaw of a message must cost its queue some connections at most, not everybody their place."""
    committed, channel = Committed(), Channel(6)
    consumer, take = consuming(committed)
    given = [await lose(consumer, take, ["bad", "good"], number) for number in range(1, 6)]
    assert given == [2, 2, 2, 1, 1]
    assert consumer.opened("toy", channel) == 1
    take(arrived(1, "bad", channel=6))
    async with at_work(consumer):
        await eventually(lambda: channel.acknowledged == [1])
        take(arrived(2, "good", channel=6))
        await eventually(lambda: channel.acknowledged == [1, 2])
    assert committed.held == ["unreadable-properties"]
    assert committed.events == ["?", "good"]


class Deaf(Channel):
    """A channel that is lost before anything can be acknowledged."""

    async def basic_ack(self, tag: int, *, multiple: bool) -> None:
        """Be gone."""
        self.acknowledged.append(tag)
        raise ConnectionError("gone")


async def test_what_is_decided_and_never_acknowledged_is_no_progress() -> None:
    """A message that ends the connection a moment later has its neighbours decided again and again."""
    consumer, take = consuming(Committed())
    async with at_work(consumer):
        for number in range(1, 4):
            channel = Deaf(number)
            assert consumer.opened("toy", channel) == 30
            take(arrived(1, "bad", channel=number))
            await eventually(lambda channel=channel: channel.acknowledged)  # type: ignore[misc]
        assert consumer.opened("toy", Channel(4)) == 1


async def test_losses_while_the_database_is_away_make_nobody_suspect() -> None:
    """Then nothing gets done, whatever the messages are."""
    committed = Committed()
    committed.available = False
    consumer, take = consuming(committed)
    assert {await lose(consumer, take, ["good", "other"], number) for number in range(1, 9)} == {2}


async def test_when_enough_went_through_alone_the_queue_is_read_as_fast_as_ever() -> None:
    """It may have been the network after all."""
    committed, channel = Committed(), Channel(4)
    consumer, take = consuming(committed, batch=1)
    for number in range(1, 4):
        await lose(consumer, take, ["good"], number)
    assert consumer.opened("toy", channel) == 1
    async with at_work(consumer):
        for tag in range(1, 4):
            take(arrived(tag, str(tag), channel=4))
        await eventually(lambda: channel.is_closed)
    assert consumer.opened("toy", Channel(5)) == 3


def measured() -> dict[str, float]:
    """Return how many decisions were measured and how long they took in all, in seconds."""
    samples = [sample for family in metrics.DECISION.collect() for sample in family.samples]
    return {
        sample.name: sample.value
        for sample in samples
        if sample.labels.get("queue") == "toy" and "le" not in sample.labels
    }


def stamped(headers: Mapping[str, Any]) -> Received:
    """Build a message with these headers."""
    return replace(received("a", id="1"), queue="toy", headers=headers)


@pytest.mark.parametrize(("stamp", "seconds"), [(98_500, 1.5), (105_000, 0)])
def test_a_decision_is_measured_from_the_brokers_stamp(stamp: int, seconds: float) -> None:
    """A participant waits from there on; a clock that runs ahead makes no negative time."""
    metrics.DECISION.clear()
    consumer._measure([stamped({"timestamp_in_ms": stamp})], now=100)
    assert measured()["instroom_decision_seconds_count"] == 1
    assert measured()["instroom_decision_seconds_sum"] == seconds


@pytest.mark.parametrize("headers", [{}, {"timestamp_in_ms": "yesterday"}])
def test_a_message_without_a_stamp_is_not_measured(headers: dict[str, Any]) -> None:
    """Older brokers set none, and a sender may set anything: it must not stop the batch."""
    metrics.DECISION.clear()
    consumer._measure([stamped(headers)], now=100)
    assert not measured()

"""What the outbox holds is what an integrator's own tools would make of the same event."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chassis.deciding import Told
from chassis.frames import table
from chassis.handling import Tell, Tells, ToldBefore
from chassis.outbox import BYTES_PER_DOCUMENT, EVENTS_PER_DOCUMENT, Teller, portions
from instroom_contracts.cloudevent import encode, new_event
from instroom_contracts.origin import Origin
from tests.unit.chassis.toy import SOURCE, TELLS, CountRose, received

NOW = datetime(2021, 5, 20, 9, 30, 0, 123456, tzinfo=UTC)
TELLER = Teller.of(SOURCE, TELLS)
DATA = CountRose(jar='ja"r é', count=3)
WEBSITE = "urn:nld:oin:00000001823288444000:systeem:website"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("parked", [False, True])
@pytest.mark.parametrize("traceparent", [None, TRACE])
def test_a_fact_is_what_encoding_it_as_an_event_gives(parked: bool, traceparent: str | None) -> None:
    """The shorter way skips the checks of a sender; the bytes and headers must be the same."""
    message = received("a", id="1")
    assert not isinstance(message.event, Exception)
    if not parked:
        message = replace(message, event=message.event.model_copy(update={"traceparent": traceparent}))
    answers = Origin("request-1", WEBSITE, traceparent) if parked else None
    tell = Tell(DATA, "subject/1", "edition-1", answers, provider="cmo-stamm", owner=WEBSITE)
    kept = TELLER.envelope(Told(tell, message, 0), NOW)
    cause = answers or Origin("1", SOURCE)
    wire = encode(
        new_event(
            DATA,
            source=SOURCE,
            id=kept["id"],
            time=NOW,
            subject="subject/1",
            partitionkey="edition-1",
            provider="cmo-stamm",
            ownersource=WEBSITE,
            correlationid=cause.id,
            correlationsource=cause.source,
            causationid="1",
            traceparent=traceparent,
        )
    )
    assert kept["body"] == wire.body
    assert kept["headers"] == table(wire.headers)
    assert (kept["type"], kept["correlationId"]) == (wire.type, wire.correlation_id)


def test_what_stays_between_the_services_says_its_attributes_once() -> None:
    """Only facts have them again as headers."""
    teller = Teller.of(SOURCE, (Tells(CountRose, "instroom.private"),))
    assert teller.envelope(Told(Tell(DATA, "a"), received("a", id="1"), 0), NOW)["headers"] is None


def test_a_fact_that_is_told_again_is_the_same_message() -> None:
    """Not one byte may differ, and no property: who heard it before must recognise it."""
    message = received("a", id="1")
    tell = Tell(DATA, "subject/1", "edition-1", provider="cmo-stamm", owner=WEBSITE)
    first = TELLER.envelope(Told(tell, message, 0), NOW)
    later = Told(Tell(ToldBefore(body=first["body"]), "a"), received("a", id="2"), 0)
    assert TELLER.envelope(later, NOW.replace(year=2022)) == first


def test_a_reply_is_kept_for_whom_it_is() -> None:
    """A parked request is answered by what the edition's fact leads to."""
    message, parked = received("a", id="1"), Origin("request-1", WEBSITE)
    told = [Told(Tell(DATA, "a", in_reply_to=answers), message, n) for n, answers in enumerate((None, parked, parked))]
    events = [TELLER.envelope(one, NOW) for one in told]
    bodies = [event["body"] for event in events]
    assert TELLER.replies_among(told, events) == {f"{SOURCE} 1": bodies[:1], f"{WEBSITE} request-1": bodies[1:]}
    silent = Teller.of(SOURCE, (Tells(CountRose, "instroom.events"),))
    assert silent.replies_among(told, events) == {}, "only what the table calls an answer is kept"


def test_what_one_commit_tells_is_kept_by_exchange() -> None:
    """What waits on one exchange must not have to be read past for another."""
    events = [{"exchange": exchange, "body": b"", "n": n} for n, exchange in enumerate("abaab")]
    assert [[event["n"] for event in portion] for portion in portions(events)] == [[0, 2, 3], [1, 4]]


def test_what_one_commit_tells_is_split_where_a_document_could_not_hold_it() -> None:
    """MongoDB takes 16 MB, and the relay holds several documents in memory."""
    many = [{"exchange": "a", "body": b""}] * (EVENTS_PER_DOCUMENT + 1)
    large = [{"exchange": "a", "body": b"x" * (BYTES_PER_DOCUMENT // 2)}] * 3
    assert [len(portion) for portion in portions(many)] == [EVENTS_PER_DOCUMENT, 1]
    assert [len(portion) for portion in portions(large)] == [2, 1]


@pytest.mark.parametrize("exchange", ["instroom.events", ""])
def test_what_comes_of_a_fact_is_no_answer_to_keep(exchange: str) -> None:
    """A session that is cancelled releases thousands of places: its record must not hold them all."""
    message = received("a", id="1")
    message = replace(message, hears=replace(message.hears, exchange=exchange))
    told = [Told(Tell(DATA, "a"), message, 0)]
    assert TELLER.replies_among(told, [TELLER.envelope(one, NOW) for one in told]) == {}


def test_the_same_cause_and_number_give_the_same_id() -> None:
    """A batch that is decided again tells nothing under a second id."""
    told = [Told(Tell(DATA, "a"), received("a", id="1"), number) for number in (0, 0, 1)]
    first, again, other = (TELLER.envelope(one, NOW)["id"] for one in told)
    assert first == again != other


def test_a_fact_that_no_message_can_hold_is_refused() -> None:
    """Better its own message is held than that the relay stops at it."""
    with pytest.raises(ValueError, match="at most 65,536"):
        TELLER.envelope(Told(Tell(CountRose(jar="j" * 70_000, count=1), "a"), received("a", id="1"), 0), NOW)

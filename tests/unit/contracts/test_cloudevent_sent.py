"""What is published is a valid message, and what is sent is what is read."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from instroom_contracts.cloudevent import STRUCTURED, Wire, decode, encode, new_event, schema_id, type_of
from instroom_contracts.enrolment import EnrolmentConfirmed, EnrolmentRejected, Place
from instroom_contracts.intake import (
    EnrolmentCancellationRequested,
    EnrolmentRequested,
    InCompanyRequested,
    Participant,
)
from tests.unit.contracts.builders import NOW, WEBSITE, participant, refusal

SERVICE = "urn:nld:oin:00000001823288444000:systeem:instroom-enrolment"


def confirmed() -> EnrolmentConfirmed:
    """Return a fact with one place."""
    place = Place(session_id="start", state="confirmed", session_version=3)
    return EnrolmentConfirmed(enrolment_id="enrolment-1", edition_id="voorbeeld-2021", places=(place,))


def sent(**attributes: Any) -> Wire:
    """Return a fact as it travels."""
    return encode(new_event(confirmed(), source=SERVICE, id="fact-1", time=NOW, **attributes))


def test_the_type_follows_from_the_class() -> None:
    """One place for each fact."""
    assert type_of(EnrolmentCancellationRequested) == "nl.enrolments.enrolment-cancellation-requested.v1"
    assert type_of(InCompanyRequested) == "nl.enrolments.in-company-requested.v1"


def test_a_new_event_is_about_its_edition() -> None:
    """Consumers route and partition by edition without looking into the data."""
    event = new_event(confirmed(), source=SERVICE)
    assert (event.subject, event.partitionkey) == ("voorbeeld-2021", "voorbeeld-2021")


def test_a_new_event_without_an_edition_is_about_its_enrolment() -> None:
    """The sender of a cancellation need not know the edition."""
    event = new_event(EnrolmentCancellationRequested(enrolment_id="enrolment-1"), source=WEBSITE)
    assert (event.subject, event.partitionkey) == ("enrolment-1", None)


def test_a_new_event_has_an_id_and_a_time_of_its_own() -> None:
    """Two events are two keys."""
    first, second = (new_event(confirmed(), source=SERVICE) for _ in range(2))
    assert first.id != second.id
    assert first.time.utcoffset() == timedelta(0)


def test_a_new_event_is_checked() -> None:
    """The publisher finds a mistake where it is made."""
    with pytest.raises(ValidationError):
        new_event(confirmed(), source="website")


def test_a_message_repeats_its_attributes_in_properties_and_headers() -> None:
    """Brokers, tools and filters work without opening the body."""
    wire = sent(correlationid="request-1", correlationsource=WEBSITE, causationid="request-1", sampled=True)
    assert (wire.routing_key, wire.type, wire.content_type) == (type_of(EnrolmentConfirmed),) * 2 + (STRUCTURED,)
    assert (wire.message_id, wire.correlation_id, wire.app_id, wire.timestamp) == (
        "fact-1", "request-1", "instroom-enrolment", NOW,
    )  # fmt: skip
    assert wire.headers == {
        "ce-specversion": "1.0", "ce-id": "fact-1", "ce-source": SERVICE, "ce-type": type_of(EnrolmentConfirmed),
        "ce-subject": "voorbeeld-2021", "ce-time": "2021-05-20T09:30:00Z", "ce-datacontenttype": "application/json",
        "ce-dataschema": schema_id(EnrolmentConfirmed), "ce-partitionkey": "voorbeeld-2021",
        "ce-correlationid": "request-1", "ce-correlationsource": WEBSITE, "ce-causationid": "request-1",
        "ce-sampled": "true",
    }  # fmt: skip


def test_a_correlation_id_that_amqp_cannot_hold_stays_in_the_envelope() -> None:
    """64 characters may take 256 bytes, and a short string holds 255: the answer must still go out."""
    wire = sent(correlationid="😀" * 64)
    assert wire.correlation_id is None
    assert json.loads(wire.body)["correlationid"] == "😀" * 64


def test_attributes_and_fields_without_a_value_are_left_out() -> None:
    """`position?` on the wire means absent, not null."""
    told = json.loads(sent().body)
    assert "correlationid" not in told
    assert told["data"] == {
        "enrolmentId": "enrolment-1",
        "editionId": "voorbeeld-2021",
        "places": [{"sessionId": "start", "state": "confirmed", "sessionVersion": 3}],
    }


def test_an_event_of_more_than_64_kib_is_not_sent() -> None:
    """The publisher hears it, not the receiver."""
    answers: dict[str, str | bool | int | float] = {f"vraag {number}": "x" * 4000 for number in range(20)}
    data = EnrolmentRequested(edition_id="x", participant=Participant(**participant()), answers=answers)
    event = new_event(data, source=WEBSITE)
    with pytest.raises(ValueError, match="65,536"):
        encode(event)


PRINTED = st.characters(exclude_categories=["C"])
LINES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=60)
TEXTS = st.text(PRINTED, min_size=1, max_size=40)
SLUGS = st.from_regex(r"[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,9})?", fullmatch=True)
EXACT = 2**53 - 1
ANSWERS = TEXTS | st.booleans() | st.integers(-EXACT, EXACT) | st.floats(-EXACT, EXACT)
PARTICIPANTS = st.fixed_dictionaries(
    {"name": LINES, "email": SLUGS.map("{}@example.org".format), "organisation": LINES, "role": SLUGS},
    optional={"region": LINES, "dietaryWishes": TEXTS, "language": st.sampled_from(("nl", "en")), "reference": LINES},
)
SESSIONS = st.lists(SLUGS, min_size=1, max_size=5)
COMPANIONS = st.fixed_dictionaries({"sessionIds": SESSIONS, "participant": PARTICIPANTS})
REQUESTS = st.fixed_dictionaries(
    {"editionId": SLUGS, "participant": PARTICIPANTS},
    optional={
        "sessionIds": SESSIONS,
        "companions": st.lists(
            st.fixed_dictionaries({"sessionIds": SESSIONS, "participant": PARTICIPANTS}), max_size=2
        ),
        "allOrNothing": st.booleans(),
        "answers": st.dictionaries(LINES, ANSWERS, max_size=5),
    },
).map(EnrolmentRequested.model_validate)


@given(REQUESTS, st.text(st.characters(exclude_categories=["C"], exclude_characters="@"), min_size=1, max_size=64))
def test_what_is_sent_is_what_is_read(data: EnrolmentRequested, id: str) -> None:
    """Publisher and reader agree on every text, number and time."""
    event = new_event(data, source=WEBSITE, id=id, time=NOW)
    wire = encode(event)
    back = decode(wire.body, model=EnrolmentRequested, content_type=wire.content_type, headers=dict(wire.headers))
    assert back.data == data
    assert encode(back) == encode(event)


@given(REQUESTS)
def test_both_modes_mean_the_same(data: EnrolmentRequested) -> None:
    """A sender may put the attributes into headers, with the data alone as body."""
    wire = encode(new_event(data, source=WEBSITE, id="request-1", time=NOW))
    bare = json.dumps(json.loads(wire.body)["data"]).encode()
    structured = decode(wire.body, model=EnrolmentRequested, content_type=STRUCTURED)
    assert (
        decode(bare, model=EnrolmentRequested, content_type="application/json", headers=dict(wire.headers))
        == structured
    )


@given(st.binary(max_size=200), st.sampled_from((STRUCTURED, None, "application/json", "text/plain")))
def test_any_bytes_are_an_event_or_a_refusal(body: bytes, content_type: str | None) -> None:
    """No message may stop a consumer."""
    error = refusal(lambda: decode(body, model=EnrolmentRejected, content_type=content_type))
    assert error.problems

"""CloudEvents 1.0.2, bindings/amqp-protocol-binding.md, as far as RabbitMQ's AMQP 0-9-1 goes.

Its application properties are headers here. Structured mode is sent and read, binary mode only read.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from instroom_contracts.cloudevent import CloudEvent, decode
from instroom_contracts.intake import EnrolmentRequested
from tests.unit.contracts.builders import NOW, envelope, read, refusal, request
from tests.unit.contracts.conformance.messages import ATTRIBUTES, SENT, fact

BODY = json.dumps(request()).encode()
AT = datetime(2021, 5, 20, 9, 30, tzinfo=UTC)


def binary(prefix: str = "cloudEvents:", content_type: str = "application/json", **changes: Any) -> CloudEvent[Any]:
    """Read a request in binary mode."""
    attributes = {name: value for name, value in {**envelope(), **changes}.items() if name != "data"}
    headers = {prefix + name: value for name, value in attributes.items()}
    return decode(BODY, model=EnrolmentRequested, content_type=content_type, headers=headers, now=NOW)


def test_structured_mode_supports_the_json_format() -> None:
    """1.4 Event Formats."""
    for wire in SENT.values():
        assert json.loads(wire.body)["specversion"] == "1.0"
    assert read(envelope()).data.edition_id == request()["editionId"]


@pytest.mark.parametrize("prefix", ["cloudEvents:", "cloudEvents_", "ce-"])
def test_attributes_are_mapped_one_by_one_from_the_headers(prefix: str) -> None:
    """3.1.3 Metadata Headers: all but datacontenttype; the prefix of the binding, that of JMS and that of RabbitMQ."""
    event = binary(prefix, subject="voorbeeld-2021", sequence="7", partitionkey="voorbeeld-2021")
    wanted = {**envelope(), "subject": "voorbeeld-2021", "sequence": "7", "partitionkey": "voorbeeld-2021"}
    assert event == read(wanted).model_copy(update={"datacontenttype": "application/json"})


def test_datacontenttype_is_the_content_type() -> None:
    """3.1.1 AMQP content-type: it is mapped there and nowhere else."""
    assert binary(datacontenttype="text/plain").datacontenttype == "application/json"
    assert refusal(lambda: binary(content_type="text/plain", datacontenttype="application/json")).problems


@pytest.mark.parametrize(
    "time", [AT, AT.replace(tzinfo=None), 1621503000000, "2021-05-20T09:30:00Z", b"2021-05-20T09:30:00Z"]
)
def test_a_time_is_read_as_a_timestamp_and_as_a_string(time: object) -> None:
    """3.1.3.2 Application Property Values: both forms; clients of RabbitMQ show a timestamp as a time or a number."""
    assert binary(time=time).time == AT


@pytest.mark.parametrize("time", [True, 10**18, -(10**18), 1.5])
def test_what_is_no_timestamp_is_refused(time: object) -> None:
    """3.1.3.2: neither a flag nor a number beyond all calendars, and it does no harm."""
    assert [problem.pointer for problem in refusal(lambda: binary(time=time)).problems] == ["/time"]


@pytest.mark.parametrize("value", [True, 7, "true", "7"])
def test_native_values_and_canonical_strings_are_both_read(value: object) -> None:
    """3.1.3.2: nobody here knows the type of an extension, so each is kept as it came."""
    assert binary(sampled=value).model_extra == {"sampled": value}


def test_attributes_that_are_said_again_are_canonical_strings() -> None:
    """3.2.3 Metadata Headers, and strictness about what is sent: each attribute of the body, as a string."""
    for type, wire in SENT.items():
        assert wire.headers == {f"ce-{name}": text for name, text in ATTRIBUTES[type].items()}
    assert fact(sampled=True).headers["ce-sampled"] == "true"


def test_amqp_properties_copy_attributes_and_never_replace_them() -> None:
    """3.1.3 Metadata Headers: a secondary mapping comes beside the primary one."""
    wire = fact(correlationid="request-1")
    body = json.loads(wire.body)
    assert (wire.message_id, wire.type, wire.correlation_id) == (body["id"], body["type"], body["correlationid"])


def test_the_content_type_alone_tells_the_mode() -> None:
    """3 AMQP Message Mapping: headers beside a structured message do not make it binary."""
    headers = {"cloudEvents:id": "other", "ce-id": "other"}
    assert read(envelope(), headers=headers).id == envelope()["id"]

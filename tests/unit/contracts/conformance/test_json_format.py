"""CloudEvents 1.0.2, formats/json-format.md: the event as JSON."""

from __future__ import annotations

import base64
import json

import pytest

from instroom_contracts.cloudevent import STRUCTURED, encode
from tests.unit.contracts.builders import LEFT_OUT, envelope, problems, read, refusal, request
from tests.unit.contracts.conformance.messages import BODIES, SENT, event_of, fact, taken


def test_extensions_are_top_level_members() -> None:
    """2 Attributes."""
    assert json.loads(fact(sequence="7").body)["sequence"] == "7"
    assert taken(sequence="7").sequence == "7"


def test_types_map_to_json_types() -> None:
    """2.2 Type System Mapping: Boolean, Integer, String, URI, URI-reference and Timestamp."""
    body = json.loads(fact(sampled=True, attempt=3, sequence="3").body)
    assert (body["sampled"], body["attempt"], body["sequence"]) == (True, 3, "3")
    texts = ("id", "source", "type", "subject", "time", "dataschema")
    assert all(isinstance(body[name], str) for name in texts)


@pytest.mark.parametrize(
    "name", ["subject", "datacontenttype", "dataschema", "partitionkey", "traceparent", "sequence"]
)
def test_null_means_unset(name: str) -> None:
    """2.2 Type System Mapping: an attribute that is null is the same as one that is left out."""
    with_null, without = encode(taken(**{name: None})), encode(taken(**{name: LEFT_OUT}))
    assert with_null == without
    assert f"ce-{name}" not in with_null.headers


def test_the_media_type_is_application_cloudevents_json() -> None:
    """3 Envelope."""
    assert {wire.content_type for wire in SENT.values()} == {"application/cloudevents+json"}


def test_every_attribute_that_is_not_omitted_becomes_a_member() -> None:
    """3 Envelope: under its own name."""
    for type, body in BODIES.items():
        assert set(event_of(type).model_dump(exclude_none=True)) == set(body)


def test_data_is_stored_as_a_json_value() -> None:
    """3.1.1 Payload Serialization: never as a document in a string, nor in Base64."""
    assert all(isinstance(body["data"], dict) and "data_base64" not in body for body in BODIES.values())


def test_a_string_in_data_is_not_read_as_a_document() -> None:
    """3.1.2 Payload Deserialization: it is a string, which no event of the contract has for data."""
    (problem,) = problems(envelope(data=json.dumps(request())))
    assert (problem.pointer, problem.detail) == ("/data", "This must be a JSON object: { ... }.")


def test_data_in_base64_is_never_misread() -> None:
    """3.1.2 Payload Deserialization: binary data is no data of this contract, and the sender is told how to mend it."""
    coded = base64.b64encode(json.dumps(request()).encode()).decode()
    (problem,) = problems(envelope(data=LEFT_OUT, data_base64=coded))
    assert problem.pointer == "/data"
    assert "not Base64-encoded into data_base64" in problem.detail


def test_without_datacontenttype_data_is_json() -> None:
    """3.1.2 Payload Deserialization (SHOULD)."""
    assert taken(datacontenttype=LEFT_OUT).data.edition_id == request()["editionId"]


@pytest.mark.parametrize("content_type", ["application/cloudevents-batch+json", STRUCTURED])
def test_a_batch_is_not_taken_for_an_event(content_type: str) -> None:
    """4 JSON Batch Format: another format, with a media type of its own, which is not supported."""
    assert refusal(lambda: read([envelope()], content_type=content_type)).reason == "invalid-event"

"""The content type decides the mode; in binary mode the attributes come from headers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from instroom_contracts import cloudevent
from instroom_contracts.cloudevent import STRUCTURED, CloudEvent, decode
from instroom_contracts.intake import EnrolmentRequested
from tests.unit.contracts.builders import NOW, WEBSITE, envelope, read, refusal, request

BODY = json.dumps(request()).encode()


def attributes(prefix: str = "ce-", **changes: object) -> dict[str, object]:
    """Return the attributes of a request as headers."""
    plain = {name: value for name, value in envelope().items() if name != "data"}
    return {prefix + name: value for name, value in {**plain, **changes}.items()}


def binary(
    headers: dict[str, Any], body: bytes = BODY, content_type: str | None = "application/json"
) -> CloudEvent[EnrolmentRequested]:
    """Decode a message in binary mode."""
    return decode(body, model=EnrolmentRequested, content_type=content_type, headers=headers, now=NOW)


@pytest.mark.parametrize("content_type", [STRUCTURED, STRUCTURED + "; charset=utf-8", "Application/CloudEvents+JSON"])
def test_structured_mode_is_said_by_the_content_type_whatever_headers_exist(content_type: str) -> None:
    """Media types are compared without case, and may have parameters."""
    assert read(envelope(), content_type=content_type, headers=attributes(id="other")).id == envelope()["id"]


@pytest.mark.parametrize("prefix", ["ce-", "cloudEvents_", "cloudEvents:"])
def test_every_spelling_of_the_headers_is_read(prefix: str) -> None:
    """The AMQP binding has two prefixes, and RabbitMQ's users a third."""
    assert binary(attributes(prefix)).source == WEBSITE


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", None])
def test_binary_mode_takes_json(content_type: str | None) -> None:
    """The message's content type is that of the data."""
    assert binary(attributes(), content_type=content_type).datacontenttype == content_type


@pytest.mark.parametrize("content_type", ["text/plain", "application/cloudevents-batch+json"])
def test_binary_mode_takes_nothing_else(content_type: str) -> None:
    """Neither texts nor batches."""
    error = refusal(lambda: binary(attributes(), content_type=content_type))
    assert [problem.pointer for problem in error.problems] == ["/datacontenttype"]


def test_headers_may_be_bytes_or_native_values() -> None:
    """AMQP clients write texts as bytes and times as timestamps."""
    told = {name: str(value).encode() for name, value in attributes().items()}
    event = binary({**told, "ce-time": datetime(2021, 5, 20, 9, 30, tzinfo=UTC), "ce-attempt": 2, "ce-sampled": True})
    assert (event.time, event.id) == (NOW, envelope()["id"])
    assert event.model_extra == {"attempt": 2, "sampled": True}


def test_an_amqp_timestamp_without_offset_is_utc() -> None:
    """AMQP timestamps are POSIX times."""
    assert binary(attributes(time=NOW.replace(tzinfo=None))).time == NOW


@pytest.mark.parametrize("value", [b"\xff", None, 1.5, ["a"], 7])
def test_a_header_that_is_no_text_is_no_id(value: object) -> None:
    """Undecodable bytes must not be repaired: two ids could become one."""
    error = refusal(lambda: binary(attributes(id=value)))
    assert [problem.pointer for problem in error.problems] == ["/id"]


def test_other_headers_are_not_attributes() -> None:
    """Brokers add their own, such as x-death."""
    assert binary({**attributes(), "x-death": [{}], "user": "x"}).model_extra == {}


def test_a_body_cannot_reach_into_the_envelope() -> None:
    """The body is one JSON value, whatever it looks like when it is put between braces."""
    error = refusal(lambda: binary(attributes(), BODY + b',"id":"other"'))
    assert (error.reason, error.id) == ("not-json", envelope()["id"])


def test_a_body_that_is_not_parsed_reaches_into_the_envelope(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: put together as text, the body replaces the id."""

    def pasted(attributes: dict[str, object], body: bytes) -> bytes:
        return json.dumps(attributes).encode()[:-1] + b',"data":' + body + b"}"

    monkeypatch.setattr(cloudevent, "_structured", pasted)
    assert binary(attributes(), BODY + b',"id":"other"').id == "other"


def test_a_binary_message_that_is_too_large_or_no_json_can_still_be_answered() -> None:
    """Its identity stands in the headers."""
    for body in (b"{", b" " * 70_000):
        error = refusal(lambda body=body: binary(attributes(), body))  # type: ignore[misc]
        assert (error.id, error.source) == (envelope()["id"], WEBSITE)


def test_a_body_with_numbers_that_json_does_not_have_is_no_json() -> None:
    """Python would read NaN."""
    assert refusal(lambda: binary(attributes(), b'{"editionId": NaN}')).reason == "not-json"


@pytest.mark.parametrize("content_type", [None, "application/json"])
def test_a_forgotten_content_type_is_explained(content_type: str | None) -> None:
    """The most common mistake of a new sender gets one clear answer."""
    error = refusal(lambda: read(envelope(), content_type=content_type))
    assert (error.id, len(error.problems)) == (envelope()["id"], 1)
    assert STRUCTURED in error.problems[0].detail

"""Mending and replaying what is held in quarantine."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cli.quarantine.held import Held, replay_of, with_settings
from cli.trouble import Trouble
from instroom_contracts import topology
from instroom_contracts.cloudevent import data_digest, type_of
from instroom_contracts.enrolment import SessionFull
from instroom_contracts.intake import EnrolmentRequested
from instroom_contracts.notification import NoticeRequested

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
PARTICIPANT = {"name": "Robin", "email": "robin@example.org", "organisation": "Gemeente", "role": "projectleider"}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "spent",
    "source": "urn:nld:oin:00000001823288444000:systeem:website",
    "type": type_of(EnrolmentRequested),
    "time": "2021-05-20T09:30:00Z",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "data": {"editionId": "week", "participant": PARTICIPANT},
}


def held(event: object = EVENT, **changes: Any) -> Held:
    """Build a message as a service stores it."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    document = {
        "_id": "a1",
        "reason": "invalid-event",
        "state": "held",
        "eventId": "spent",
        "contentType": "application/cloudevents+json",
        "headers": [],
        "body": body,
        "whole": True,
        **changes,
    }
    return Held("enrolment", document)


def test_what_a_service_does_by_itself_is_not_sent() -> None:
    """It has no envelope, and nobody would take it: the service tries again, whatever an operator does."""
    with pytest.raises(Trouble, match="tries that again by itself"):
        replay_of(held({"pool": "zaal"}, queue="", reason="failed", contentType=None), None, NOW)


def sent(message: Held, mended: dict[str, Any] | None = None, now: datetime = NOW) -> dict[str, Any]:
    """Return what travels."""
    event: dict[str, Any] = json.loads(replay_of(message, mended, now).wire.body)
    return event


def test_a_mended_message_travels_under_a_new_id_that_records_the_old_one() -> None:
    """An invalid request has spent its id; the chain must stay traceable."""
    mended = with_settings(EVENT, ["/data/participant/role=griffier"])
    event = sent(held(), mended)
    assert event["data"]["participant"]["role"] == "griffier"
    assert event["replayof"] == "spent"
    assert event["id"] not in ("spent", "a1")
    assert replay_of(held(), mended, NOW).exchange == topology.INTAKE


def test_the_moment_of_the_request_stays() -> None:
    """Deadlines are judged on when the participant asked, not on when the operator mended it."""
    assert sent(held())["time"] == "2021-05-20T09:30:00Z"
    assert sent(held())["traceparent"] == EVENT["traceparent"]


def test_the_same_mending_gives_the_same_id() -> None:
    """Where marking it fails after publishing, replaying it again must not enrol anybody twice."""
    later = NOW.replace(hour=13)
    assert sent(held())["id"] == sent(held(), now=later)["id"]
    assert sent(held())["id"] != sent(held(), with_settings(EVENT, ["/data/editionId=other"]))["id"]


def test_a_message_that_was_never_decided_keeps_its_id() -> None:
    """The service failed, not the sender: whoever waits for an answer to this id must get it."""
    failed = held(reason="failed")
    assert sent(failed)["id"] == "spent"
    assert "replayof" not in sent(failed)
    assert sent(failed, with_settings(EVENT, ["/data/editionId=other"]))["id"] != "spent"


def test_the_data_travels_as_it_came() -> None:
    """A sender that repeats the message must find the same data under its id, not one with defaults filled in."""
    failed = held(reason="failed")
    kept = data_digest(failed.body, content_type="application/cloudevents+json")
    replayed = replay_of(failed, None, NOW).wire
    assert data_digest(replayed.body, content_type=replayed.content_type) == kept


def test_two_replays_of_one_message_differ_in_their_bytes() -> None:
    """Quarantine stores equal bytes once: a replay that fails again must show up as held again."""
    failed = held(reason="failed")
    first, second = (replay_of(failed, None, NOW.replace(hour=hour)).wire.body for hour in (12, 13))
    assert first != second


def test_what_is_still_invalid_is_not_sent() -> None:
    """A second round through quarantine helps nobody."""
    broken = with_settings(EVENT, ["/data/participant/email=robin"])
    with pytest.raises(Trouble, match="/data/participant/email"):
        replay_of(held(), broken, NOW)


def test_a_message_in_binary_mode_is_sent_in_structured_mode() -> None:
    """Its attributes stand in headers, its body is the data."""
    headers = {f"ce-{name}": value for name, value in EVENT.items() if name != "data"}
    binary = held(EVENT["data"], contentType="application/json", headers=headers)
    event = sent(binary)
    assert (event["data"], event["replayof"], event["source"]) == (EVENT["data"], "spent", EVENT["source"])


def test_a_private_message_goes_back_to_the_private_exchange() -> None:
    """Contact data must not come near the facts, and the intake does not know the type."""
    data = {"noticeId": "n1", "kind": "refusal", "participant": {"name": "Robin", "email": "robin@example.org"}}
    private = held({**EVENT, "type": type_of(NoticeRequested), "data": data}, reason="failed")
    assert replay_of(private, None, NOW).exchange == topology.PRIVATE


@pytest.mark.parametrize(
    ("message", "way_out"),
    [
        (held(b"no json"), "--edit FILE"),
        (held([1]), "--edit FILE"),
        (held(whole=False), "Only the head"),
        (held({**EVENT, "type": "nl.enrolments.nonsense.v1"}), "mend /type"),
        (held({**EVENT, "type": type_of(SessionFull)}), "catalog republish"),
    ],
)
def test_what_cannot_be_replayed_says_why(message: Held, way_out: str) -> None:
    """The operator at night needs the next step, not a traceback."""
    with pytest.raises(Trouble, match=way_out):
        replay_of(message, None, NOW)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("/data/allOrNothing=true", True),
        ("/data/allOrNothing=3", 3),
        ('/data/allOrNothing="3"', "3"),
        ("/data/allOrNothing=a=b", "a=b"),
        ("/data/allOrNothing=null", None),
    ],
)
def test_a_value_that_reads_as_json_is_taken_as_json(setting: str, expected: object) -> None:
    """Types on the wire are strict: a quoted number is a text."""
    assert with_settings(EVENT, [setting])["data"]["allOrNothing"] == expected


def test_values_are_put_into_lists_and_escaped_names() -> None:
    """JSON Pointer, RFC 6901."""
    event = {"list": [{"a": 1}], "a/b": 1}
    assert with_settings(event, ["/list/0/a=2", "/a~1b=2", "/new/x=1"]) == {
        "list": [{"a": 2}],
        "a/b": 2,
        "new": {"x": 1},
    }
    assert event == {"list": [{"a": 1}], "a/b": 1}


@pytest.mark.parametrize("setting", ["/list/7=1", "/list/x=1", "/text/x=1", "list=1", "/list"])
def test_a_place_that_is_not_there_is_told(setting: str) -> None:
    """A slip in a pointer must not put a value somewhere else."""
    with pytest.raises(Trouble, match="--set"):
        with_settings({"list": [1], "text": "x"}, [setting])


def test_a_list_shows_no_content() -> None:
    """A body may hold personal data; a list is what people look at together."""
    summary = held(at=NOW).summary()
    assert "body" not in summary
    assert "robin@example.org" not in str(summary)


def test_a_message_that_is_nested_without_end_is_told_to_be_mended() -> None:
    """Its sender chose it, and an operator has to deal with it."""
    with pytest.raises(Trouble, match="is no JSON"):
        held(b"[" * 60_000).event()


@pytest.mark.parametrize("stored", [{"ce-id": "7"}, [{"name": "ce-id", "value": "7"}]])
def test_headers_are_read_in_either_form(stored: object) -> None:
    """A replica of before may have stored them by name since the last start."""
    assert held(headers=stored).headers == {"ce-id": "7"}

"""The rules for a publisher, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from instroom_checking.publishing import Published, judge_publisher, matches
from instroom_checking.traffic import Sent, Traffic
from instroom_checking.verdict import Finding
from instroom_contracts.amqp import MARK
from tests.unit.checking import SOURCE, event, sent


def found(*messages: Sent, **more: Any) -> dict[str, Finding]:
    """Judge a publisher that sent these."""
    return {finding.what: finding for finding in judge_publisher(Published(Traffic(sent=list(messages)), **more))}


def wrong(*messages: Sent, **more: Any) -> set[str]:
    """Name what is not ok about it."""
    return {what for what, finding in found(*messages, **more).items() if finding.state == "not ok"}


def test_nothing_is_wrong_with_a_good_message() -> None:
    """Else no complaint would mean anything."""
    assert wrong(sent()) == set()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"confirms": False}, "publisher confirms"),
        ({"mandatory": False}, "mandatory"),
        ({"delivery_mode": 1}, "persistent"),
        ({"delivery_mode": None}, "persistent"),
        ({"expiration": "60000"}, "persistent"),
        ({"content_type": "application/json"}, "content type"),
        ({"content_type": None}, "content type"),
        ({"routing_key": "nl.enrolments.misspelt.v1"}, "envelope"),
        ({"body": b"{"}, "envelope"),
        ({"headers": {MARK: "timestamp"}}, "envelope"),
        ({"message_id": "another"}, "message_id and type"),
    ],
    ids=str,
)
def test_a_fault_of_the_message_is_told(changes: dict[str, Any], what: str) -> None:
    """Under the name of what is to be mended."""
    assert what in wrong(sent(**changes))


@pytest.mark.parametrize(
    ("event", "what"),
    [
        (event(time="2021-05-20T09:30:00"), "envelope"),
        (event(time="2999-05-20T09:30:00Z"), "envelope"),
        (event(source="website"), "envelope"),
        (event(data={"enrolmentId": "x", "misspelt": 1}), "data"),
        (event(data={}), "data"),
    ],
    ids=["no offset", "in the future", "no urn", "unknown field", "missing field"],
)
def test_a_fault_of_the_event_is_told(event: dict[str, Any], what: str) -> None:
    """Envelope and data are judged as Instroom does it, by the same code."""
    assert wrong(sent(event)) == {what}


def test_data_that_could_not_be_reached_is_not_judged() -> None:
    """Nothing was read of it, so nothing can be said."""
    assert found(sent(body=b"{"))["data"].state == "not seen"


def test_a_value_is_never_repeated() -> None:
    """A verdict is pasted into tickets; a participant's data is not to be in it."""
    secret = event(data={"enrolmentId": 1, "robin.jansen@example.org": "robin.jansen@example.org"})
    assert not any("robin" in detail for one in found(sent(secret)).values() for detail in one.details)


def test_binary_mode_is_accepted_with_a_hint() -> None:
    """The intake takes it, so it is not wrong."""
    headers = {f"cloudEvents_{name}": value for name, value in event().items() if name != "data"}
    binary = sent(content_type="application/json", headers=headers, body=b'{"enrolmentId": "x"}')
    assert found(binary)["content type"].state == "hint"
    assert wrong(binary) == set()


def test_properties_that_are_missing_are_a_hint() -> None:
    """Instroom reads the event; people who look for a message read the properties."""
    assert found(sent(message_id=None))["message_id and type"].state == "hint"


def test_an_id_is_for_one_request() -> None:
    """The second would be quarantined."""
    assert wrong(sent(), sent(event(data={"enrolmentId": "another"}))) == {"idempotency, ids"}


def test_a_request_has_one_id() -> None:
    """Under another id it is another request."""
    assert wrong(sent(), sent(event(id="two"))) == {"idempotency, ids"}


def test_the_same_event_may_come_again() -> None:
    """In doubt it is to."""
    assert wrong(sent(), sent()) == set()


def test_what_was_not_confirmed_has_to_come_again() -> None:
    """A participant's request would be lost."""
    lost = sent()
    assert wrong(lost, interrupted=lost) == {"idempotency, sent again after a lost confirm"}
    assert wrong(lost, sent(), interrupted=lost) == set()


def test_what_was_not_confirmed_may_not_come_again_as_something_else() -> None:
    """A participant would be asked for twice."""
    lost = sent()
    assert wrong(lost, sent(event(id="two")), interrupted=lost) == {"idempotency, sent again after a lost confirm"}


def test_who_has_sources_of_its_own_needs_its_user_id() -> None:
    """Without it a message is held and never answered."""
    assert wrong(sent(), sources=[SOURCE]) == {"source and user_id"}
    assert wrong(sent(user_id="website"), sources=[SOURCE]) == set()
    assert wrong(sent(user_id="website"), sources=["urn:nld:kvk:1"]) == {"source and user_id"}


def test_who_listens_for_one_answer_only_is_told_so() -> None:
    """Any of the three may come."""
    request = "nl.enrolments.enrolment-requested.v1"
    traffic = Traffic(sent=[sent(routing_key=request)], bindings=[("q", "nl.enrolments.enrolment-confirmed.v1")])
    judged = {one.what: one for one in judge_publisher(Published(traffic))}
    assert judged["hears its answers"].state == "not ok"


def test_who_publishes_nothing_is_told_why() -> None:
    """The broker may have refused it."""
    (finding,) = judge_publisher(Published(Traffic(refusals=["ACCESS_REFUSED - no"]), ended_with=3))
    assert finding.state == "not ok"
    assert "The broker refused: ACCESS_REFUSED - no." in finding.details
    assert "The command ended with code 3." in finding.details


@pytest.mark.parametrize(
    ("pattern", "key", "is_taken"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.b.c", False),
        ("a.*", "a.b", True),
        ("a.*", "a.b.c", False),
        ("a.#", "a", True),
        ("#.c", "a.b.c", True),
        ("#", "", True),
        ("*", "a.b", False),
    ],
)
def test_patterns_match_as_the_broker_matches_them(pattern: str, key: str, is_taken: bool) -> None:
    """What a queue gets decides which facts it is tried with."""
    assert matches(pattern, key) is is_taken

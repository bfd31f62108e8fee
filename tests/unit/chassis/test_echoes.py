"""What we told ourselves, come back on the intake."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis import deciding
from chassis.allowances import ALLOWANCES
from chassis.deciding import Received, Verdict, decide
from chassis.documents import Kind, Loaded, Need
from chassis.senders import ALL_SENDERS, Senders
from cli.options import OWN_SOURCE
from instroom_contracts.cloudevent import STRUCTURED, CloudEvent, InvalidEvent, decode
from tests.unit.chassis.toy import HEARS, JARS, ThingCounted, received

NOW = datetime(2021, 5, 20, 12, tzinfo=UTC)
OURS = "urn:nld:oin:00000001823288444000:systeem:instroom-enrolment"
LATER = "urn:nld:oin:00000001823288444000:systeem:instroom-later"
FOREIGN = "urn:nld:oin:00000009999999999999:systeem:instroom-enrolment"
HR = "urn:nld:oin:00000009999999999999:systeem:hr"
FACT, REQUEST, NEW = (f"nl.enrolments.{name}.v1" for name in ("request-refused", "thing-counted", "told-later"))
STRUCTURED_MODE, BINARY_MODE = STRUCTURED, "application/json"


def message(source: object, type: object, *, content_type: str = STRUCTURED, **more: object) -> Received:
    """Receive an event as the consumer would, in either mode."""
    data: object = {"jar": "a"}
    attributes = {"specversion": "1.0", "id": "1", "source": source, "type": type, "time": NOW.isoformat(), **more}
    if content_type == STRUCTURED:
        body, headers = json.dumps({**attributes, "data": data}).encode(), {}
    else:
        body, headers = json.dumps(data).encode(), {f"ce-{name}": value for name, value in attributes.items()}
    event: CloudEvent[Any] | InvalidEvent
    try:
        event = decode(body, model=ThingCounted, content_type=content_type, headers=headers)
    except InvalidEvent as invalid:
        event = invalid
    return Received(HEARS, "toy.thing-counted.v1", body, content_type, headers, event, "digest")


def verdict_on(*batch: Received, senders: Senders | None = None, kept: dict[Any, Any] | None = None) -> Verdict:
    """Decide a batch, with all that it asks for being empty."""
    return _decided(batch, Loaded(values={ALL_SENDERS: senders, **(kept or {})}), NOW)


def _decided(batch: tuple[Received, ...], loaded: Loaded, now: datetime) -> Verdict:
    while not isinstance(outcome := asyncio.run(decide(batch, {}, loaded, now)), Verdict):
        loaded.values.update({(need.kind, need.id): None for need in _by_id(outcome)})
    return outcome


def _by_id(needs: frozenset[Need]) -> list[Any]:
    return [need for need in needs if hasattr(need, "id")]


ECHOES = {
    "a fact of ours": message(OURS, FACT),
    "a fact of ours in binary mode": message(OURS, FACT, content_type=BINARY_MODE),
    "a fact of another installation": message(FOREIGN, FACT),
    "a fact that somebody sends on in their own name": message(HR, FACT),
    "a fact whose source cannot be read": message("nothing", FACT),
    "one of a type that is told by a release to come": message(LATER, NEW),
    "one of ours with a broken envelope": message(OURS, NEW, time="yesterday"),
    "the same in binary mode": message(OURS, NEW, time="yesterday", content_type=BINARY_MODE),
    "one of ours whose type cannot be read": message(OURS, 7),
    "a request in our name": message(OURS, REQUEST),
}
OTHERS = {
    "a request": message(HR, REQUEST),
    "a request in binary mode": message(HR, REQUEST, content_type=BINARY_MODE),
    "a request of another installation": message(FOREIGN, REQUEST),
    "a request of the instroom command": message(OWN_SOURCE, REQUEST),
    "one of a type that nobody hears": message(HR, NEW),
    "one with a broken envelope": message(HR, REQUEST, time="yesterday"),
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_an_echo_is_held_unanswered_and_spends_nothing(echo: Received) -> None:
    """Its answer would come back too; and its id is that of a fact."""
    verdict = verdict_on(echo)
    assert [held.reason for held in verdict.held] == ["echo"]
    assert not verdict.told
    assert not verdict.spent


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_without_the_guard_it_is_answered_where_that_can_be(echo: Received, monkeypatch: pytest.MonkeyPatch) -> None:
    """Switched off, the guard of the test above is missed."""
    monkeypatch.setattr(deciding, "is_echo", lambda *_: False)
    assert bool(verdict_on(echo).told) is (echo.event.source is not None)


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_what_others_ask_is_answered(other: Received) -> None:
    """Another installation's systems may well be called as ours are, and the command asks like anybody."""
    verdict = verdict_on(other)
    assert len(verdict.told) == 1
    assert not verdict.echoes


def test_a_source_that_was_claimed_is_its_account_s() -> None:
    """An integrator whose source had such a name before goes on, with a claim."""
    own = replace(message(LATER, REQUEST), account="later")
    assert len(verdict_on(own, senders=Senders({LATER: "later"})).told) == 1


def test_one_of_each_sender_is_held() -> None:
    """A hundred facts a second must not fill the quarantine; all are counted."""
    echo = message(OURS, FACT)
    sent_on = replace(echo, account="website")
    verdict = verdict_on(echo, echo, sent_on, echo, sent_on)
    assert [held.message for held in verdict.held] == [echo, sent_on]
    assert len(verdict.echoes) == 5


def test_after_a_day_another_one_is_held() -> None:
    """What goes on after an operator looked must be seen again."""
    echo, key = message(OURS, FACT), (ALLOWANCES, f"echo  {OURS}")
    taken = verdict_on(echo).changes[key]
    for later, count in ((timedelta(hours=23), 0), (timedelta(hours=24), 1)):
        again = _decided((echo,), Loaded(values={ALL_SENDERS: None, key: taken}), NOW + later)
        assert len(again.held) == count


def test_within_the_services_a_fact_is_no_echo() -> None:
    """They hear each other's facts."""
    heard = replace(received("a", id="1"), hears=replace(HEARS, exchange="instroom.events"))
    jar: dict[tuple[Kind[Any], str], Any] = {(JARS, "a"): None}
    event = heard.event.model_copy(update={"source": OURS})  # type: ignore[union-attr]
    assert len(verdict_on(replace(heard, event=event), kept=jar).told) == 1

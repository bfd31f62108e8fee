"""What falls due, as handlers see it: planned, taken up once, and gone on with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chassis.deciding import Received, Verdict, decide
from chassis.documents import Documents, Loaded
from chassis.due import Due, go_on, left_of, need, plan, taken_up
from chassis.handling import Hears
from chassis.schedule import as_event
from chassis.senders import ALL_SENDERS
from instroom_contracts.cloudevent import CloudEvent, EventData, new_event
from instroom_contracts.origin import Origin
from tests.unit.chassis.toy import SOURCE, ThingCounted

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=30)
ORIGIN = Origin("1", SOURCE)
KEY = need(ThingCounted, "a")


def asked(id: str = "1") -> CloudEvent[ThingCounted]:
    """Build what a plan goes back to."""
    return new_event(ThingCounted(jar="a"), source=SOURCE, id=id, time=NOON)


def documents(*known: Due) -> Documents:
    """Provide documents in which this is due, and nothing else about the same."""
    loaded = Loaded()
    loaded.values[KEY] = known[0] if known else None
    return Documents(loaded)


def planned(by: str = "1", at: datetime = LATER) -> Due:
    """Return what is kept of a plan."""
    kept = documents()
    plan(kept, asked(by), ThingCounted(jar="a"), "a", at)
    due: Due | None = kept.get(*KEY)
    assert due is not None
    return due


def event_of(due: Due) -> CloudEvent[EventData]:
    """Return the event that the schedule makes of it."""
    return as_event(due, [Hears(ThingCounted, "", lambda *_: ())], SOURCE)[1]


def test_what_is_planned_names_its_event_by_who_planned_it() -> None:
    """However often that is decided; and another the next time, so that neither is taken for the other."""
    assert planned() == planned()
    assert planned("1").event != planned("2").event
    assert planned().at == planned().moment == LATER


def test_it_is_taken_up_once() -> None:
    """Two processes may hand it out, when one of them was thought dead."""
    kept = documents(planned())
    event = event_of(planned())
    assert taken_up(kept, event, "a") is not None
    assert kept.get(*KEY) is None
    assert taken_up(kept, event, "a") is None


def test_what_was_planned_anew_is_not_done_by_the_old_event() -> None:
    """A session that moves takes its reminder along."""
    kept = documents(planned("2"))
    assert taken_up(kept, event_of(planned("1")), "a") is None
    assert kept.get(*KEY) == planned("2")


def test_a_plan_takes_the_place_of_the_one_before() -> None:
    """There is one of a kind about one thing."""
    kept = documents(planned("1"))
    plan(kept, asked("2"), ThingCounted(jar="a", note="new"), "a", NOON)
    assert left_of(kept, ThingCounted, "a") == ThingCounted(jar="a", note="new")
    assert (due := kept.get(*KEY)) is not None
    assert due.at == NOON


@pytest.mark.parametrize(("known", "at"), [((), NOON), ((planned(),), LATER)])
def test_what_is_left_waits_its_turn_and_whoever_adds_to_it_does_not_hold_it_up(
    known: tuple[Due, ...], at: datetime
) -> None:
    """A portion that is done lines up behind what is due; work that is added keeps the place that it has."""
    kept = documents(*known)
    go_on(kept, asked("9"), ThingCounted(jar="b"), "a", moment=NOON, origin=ORIGIN, now=NOON)
    due = kept.get(*KEY)
    assert due is not None
    assert (due.at, due.data["jar"]) == (at, "b")
    assert [due.event] == [one.event for one in known] or not known


async def test_a_command_of_the_schedule_leaves_no_record_and_one_from_outside_does() -> None:
    """What falls due would stay in the inbox for ever; its document keeps it from being done twice."""
    for exchange, spent in (("", 0), ("instroom.intake", 1)):
        heard = Hears(ThingCounted, exchange, lambda *_: ())
        message = Received(heard, "", b"{}", None, {}, asked(), "digest", "operator")
        verdict = await decide([message], {}, Loaded(values={ALL_SENDERS: None}), NOON)
        assert isinstance(verdict, Verdict)
        assert len(verdict.spent) == spent

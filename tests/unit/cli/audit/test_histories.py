"""The audit on random histories of the enrolment service: it finds nothing where nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cli.audit.answers import versions_in_order
from cli.audit.endings import nobody_locked_out, nothing_held_in_cancelled
from cli.audit.evidence import (
    Counter,
    Enrolment,
    Evidence,
    Invitation,
    Offered,
    Place,
    Pool,
    SessionKey,
    Turn,
)
from cli.audit.seats import (
    counters_equal_places,
    no_pool_overbooked,
    no_session_overbooked,
    one_live_enrolment,
    told_is_kept,
)
from cli.audit.verdict import Verdict
from cli.audit.waiting import lists_whole, no_seat_idle, nobody_promoted_late, served_in_turn
from cli.facts import Fact
from instroom_contracts import topology
from instroom_contracts.catalog import EditionPublished
from instroom_contracts.cloudevent import EventData, type_of
from instroom_contracts.notification import InvitationRequested
from services.enrolment.domain import promotion
from services.enrolment.storage.kinds import EDITIONS, ENROLMENTS, PARTICIPANTS, POOLS, SESSIONS, WAITING
from tests.unit.enrolment.examples import ASKED, Desk
from tests.unit.enrolment.history import (
    FOYER,
    HALL,
    NAMES,
    OWN,
    STEPS,
    Begin,
    Cancel,
    Enrol,
    History,
    Move,
    Seats,
    Step,
)

PROMISES = (
    no_pool_overbooked,
    no_session_overbooked,
    counters_equal_places,
    told_is_kept,
    one_live_enrolment,
    nobody_locked_out,
    nothing_held_in_cancelled,
    versions_in_order,
    lists_whole,
    served_in_turn,
    no_seat_idle,
    nobody_promoted_late,
)
Promise = Callable[[Evidence], Verdict]
Alone = st.builds(
    Enrol,
    st.sampled_from(NAMES),
    chosen=st.just(frozenset(["drie"])),
    companions=st.just(0),
    all_or_nothing=st.just(value=False),
    elsewhere=st.booleans(),
)
IN_THE_HALL = st.lists(Alone | st.builds(Cancel, st.integers(0, 20)), min_size=15, max_size=30)
"""Histories of two sessions that share a hall: many wait, and seats come free."""
ONE_SEAT: dict[str, int | None] = {**dict.fromkeys(OWN.values()), HALL: 1, FOYER: 1}
APART = timedelta(minutes=2)
"""More than clocks may differ by: the order of these facts is not in doubt."""


class Streamed(Desk):
    """Tells of an edition what the catalogue does."""

    def publish(self, published: EditionPublished, *, at: datetime = ASKED) -> list[EventData]:
        """Take in an edition, and tell it before what follows from it."""
        return [published, *super().publish(published, at=at)]


@dataclass
class Dated(History):
    """Notes when what was told; one fact after the other."""

    desk: Desk = field(default_factory=Streamed)
    times: list[datetime] = field(default_factory=list)

    def hear(self, told: list[EventData]) -> None:
        """Take in what was told, each a while after the one before."""
        super().hear(told)
        for _ in told:
            self.times.append(max(self.now, self.times[-1] + APART) if self.times else self.now)


def evidence(history: Dated) -> Evidence:
    """Return what the audit would find of a history."""
    memory = history.desk.memory
    return Evidence(
        now=history.now,
        pools=tuple(
            Pool(one.id, one.capacity, one.limit, one.taken, one.waiting, one.sessions)
            for one in memory.all(POOLS).values()
        ),
        counters=tuple(
            Counter((one.edition_id, one.session_id), one.version, one.confirmed, one.queued, one.waiting)
            for one in memory.all(SESSIONS).values()
        ),
        enrolments=tuple(_enrolment(one) for one in memory.all(ENROLMENTS).values()),
        turns=tuple(Turn(one.session, one.enrolment_id, one.number, one.seats) for one in memory.all(WAITING).values()),
        live={key: one.enrolment_id for key, one in memory.all(PARTICIPANTS).items()},
        sessions=dict(_sessions(history)),
        invitations=tuple(_invitations(history)),
        facts=tuple(_facts(history)),
    )


def _enrolment(one: Any) -> Enrolment:
    places = (Place(one.id, (one.edition_id, of.session_id), of.state, one.party_id) for of in one.places)
    return Enrolment(
        one.id,
        one.edition_id,
        one.participant.email,
        one.state,
        all_or_nothing=one.all_or_nothing,
        places=tuple(places),
    )


def _sessions(history: History) -> Iterator[tuple[SessionKey, Offered]]:
    for edition in history.desk.memory.all(EDITIONS).values():
        for session in edition.sessions.values():
            cancelled = not edition.goes_ahead(session.id)
            yield session.key, Offered(session.starts_at, cancelled, edition.pool_of(session.id), session.capacity)


def _invitations(history: History) -> Iterator[Invitation]:
    """Return what was asked last for each place."""
    asked = [one for one in history.told if isinstance(one, InvitationRequested)]
    for one in {(one.enrolment_id, one.session_id): one for one in asked}.values():
        session = (one.edition_id, one.session_id)
        yield Invitation(one.enrolment_id, session, one.method, one.asked_at, one.method, one.sequence, "sent")


def _facts(history: Dated) -> Iterator[Fact]:
    for number, (at, one) in enumerate(zip(history.times, history.told, strict=True)):
        type = type_of(one.__class__)
        if topology.TYPES[type].exchange == topology.EVENTS:
            attributes = {"id": str(number), "source": "somebody", "type": type, "time": at.isoformat()}
            yield Fact(attributes, one.model_dump(mode="json"))


def live_through(seats: dict[str, int | None], steps: list[Step], promises: Sequence[Promise] = PROMISES) -> None:
    """Live through a history, and have it audited after every step."""
    history = Dated(seats)
    for step in steps:
        history.take(step)
        found = evidence(history)
        for promise in promises:
            assert promise(found).offences == ()


@settings(max_examples=100, deadline=None)
@given(Seats, STEPS)
def test_nothing_is_found_where_nothing_is_wrong(seats: dict[str, int | None], steps: list[Step]) -> None:
    """An audit that cries wolf is soon not run any more."""
    live_through(seats, steps)


@settings(max_examples=100, deadline=None)
@given(IN_THE_HALL)
def test_nothing_is_found_where_sessions_share_a_hall(steps: list[Step]) -> None:
    """Those who wait for different sessions of a pool are on one list."""
    live_through(ONE_SEAT, steps)


@pytest.mark.parametrize("begun", [False, True])
def test_seats_that_a_session_finds_where_it_moves(*, begun: bool) -> None:
    """They were free all along, and of use since the move: whoever waits gets them, but for what has begun."""
    history = Dated({**ONE_SEAT, OWN["een"]: 0, HALL: None})
    history.take(Enrol("robin", frozenset(["een"]), companions=0, all_or_nothing=True, elsewhere=False))
    if begun:
        history.take(Begin())
    history.take(Move({"een": HALL}, FOYER, 1))
    found = evidence(history)
    assert [one.state for one in found.enrolments] == ["queued" if begun else "confirmed"]
    assert no_seat_idle(found).offences == ()


def test_seats_that_nobody_is_given_after_a_move_are_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin: a service that serves no list finds them as free."""
    monkeypatch.setattr(promotion, "_turns", lambda *_: iter(()))
    history = Dated({**ONE_SEAT, OWN["een"]: 0, HALL: None})
    history.take(Enrol("robin", frozenset(["een"]), companions=0, all_or_nothing=True, elsewhere=False))
    history.take(Move({"een": HALL}, FOYER, 1))
    assert {one.detail for one in no_seat_idle(evidence(history)).offences} == {"waits, and seats are free for it"}


ORDERS: dict[str, Callable[[Any], Any]] = {
    "who came last": lambda turn: (-turn.number, turn.id),
    "one session of a pool before the others": lambda turn: (turn.session, turn.order),
}
"""Whom a service may serve first, against the promise."""


@pytest.mark.parametrize("first", ORDERS)
def test_another_order_than_that_of_the_list_is_found(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin: an audit that stays content with it looks at nothing."""
    turns = promotion._turns
    monkeypatch.setattr(promotion, "_turns", lambda *of: iter(sorted(turns(*of), key=ORDERS[first])))

    @settings(max_examples=200, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
    @given(IN_THE_HALL)
    def hunt(steps: list[Step]) -> None:
        live_through(ONE_SEAT, steps, [served_in_turn])

    with pytest.raises(AssertionError, match="had waited longer"):
        hunt()

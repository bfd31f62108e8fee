"""Promises of ARCHITECTURE.md on random histories, beside a reference model; each with a guard switched off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from instroom_contracts.enrolment import EnrolmentConfirmed, EnrolmentQueued, SessionReopened
from services.enrolment.domain import decision, places, promotion, publishing, rules, withdrawal
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.seats import Pool
from services.enrolment.handlers import editions
from services.enrolment.storage.kinds import EDITIONS, PARTICIPANTS, POOLS, SESSIONS, WAITING
from tests.support.memory import Contested
from tests.unit.enrolment.examples import Desk
from tests.unit.enrolment.history import CONTESTED, INTERRUPTED, STEPS, History, Seats, Step, id_of


def agree(history: History) -> None:
    """Check that service and model seat the same parties."""
    mains = {one.id: one for one in history.live() if one.main_id is None}
    seated = {id: {place.session_id for place in one.places if place.state == "confirmed"} for id, one in mains.items()}
    assert seated == {id: party.seated for id, party in history.model.parties.items()}


def nothing_is_overbooked(history: History) -> None:
    """Promise 2, and that every count says the same as the places themselves."""
    memory, pool_of = history.desk.memory, {id: id_of(pool) for id, pool in history.model.pool_of.items()}
    held = Counter((pool_of[place.session_id], place.state) for one in history.live() for place in one.places)
    turns = [(pool_of[turn.session_id], turn.seats) for turn in memory.all(WAITING).values()]
    for pool in memory.all(POOLS).values():
        assert pool.limit is None or pool.taken <= pool.limit
        assert pool.taken == held[pool.id, "confirmed"]
        assert pool.waiting == sum(of == pool.id for of, _ in turns)
        assert sum(seats for of, seats in turns if of == pool.id) == held[pool.id, "queued"]
        assert {id for _, id in pool.sessions} == {id for id, of in pool_of.items() if of == pool.id}
    by_session = Counter(
        (one.edition_id, place.session_id, place.state) for one in history.live() for place in one.places
    )
    for count in memory.all(SESSIONS).values():
        key = (count.edition_id, count.session_id)
        assert (count.confirmed, count.queued) == (by_session[*key, "confirmed"], by_session[*key, "queued"])
        assert count.waiting == sum(turn.session == key for turn in memory.all(WAITING).values())


def nobody_who_fits_waits(history: History) -> None:
    """Promise 2, second half: no seat stays free while somebody who fits is queued for it."""
    model = history.model
    for party in model.parties.values():
        waiting = set(party.size) - party.seated
        groups = [waiting] if party.all_or_nothing else [{session} for session in waiting]
        assert not any(group and model.fits(party, group, history.now) for group in groups)


def everybody_has_one_enrolment(history: History) -> None:
    """One live enrolment per participant and edition, with something to live for; parties together, all or nothing."""
    live = history.live()
    people = Counter((one.edition_id, one.participant.email) for one in live)
    assert set(people.values()) <= {1}
    assert {one.enrolment_id for one in history.desk.memory.all(PARTICIPANTS).values()} == {one.id for one in live}
    for one in live:
        main = next(other for other in live if other.id == (one.main_id or one.id))
        held = [place for place in one.places if place.state != "released"]
        assert held
        assert all((there := main.place(place.session_id)) and there.state == place.state for place in held)
        states = {place.state for place in held}
        assert not one.all_or_nothing or len(states) == 1
        required = {place.state for place in held if place.session_id in {"start", "elders"}}
        assert (one.state == "confirmed") == (required == {"confirmed"} if required else "confirmed" in states)


def nobody_holds_what_is_off(history: History) -> None:
    """A seat in, or a turn for, what does not take place is nobody's."""
    held = {place.session_id for one in history.live() for place in one.places if place.state != "released"}
    assert all(map(history.goes_ahead, held))


def facts_are_in_order(history: History) -> None:
    """Promise 4: the versions of a session's facts rise one by one, and "full" and "reopened" are true when told."""
    last: Counter[tuple[str, str]] = Counter()
    for edition_id, session_id, version in versions(history.told):
        last[edition_id, session_id] += 1
        assert version == last[edition_id, session_id]
    for fact in history.told:
        assert not isinstance(fact, SessionReopened) or fact.confirmed < fact.capacity


def counts_are_told(history: History) -> None:
    """Whoever keeps what the newest version of each session said knows its places."""
    newest: dict[tuple[str, str], tuple[int, int, int]] = {}
    for fact in history.told:
        for key, *said in counts(fact):
            newest[key] = max(newest.get(key, (0, 0, 0)), (said[0], said[1], said[2]))
    kept = history.desk.memory.all(SESSIONS).values()
    assert newest == {one.session: (one.version, one.confirmed, one.queued) for one in kept if one.version}


def counts(fact: Any) -> Iterator[tuple[Any, ...]]:
    """Return session, version and counts of everything that a fact tells of sessions."""
    parties = [fact, *fact.companions] if isinstance(fact, EnrolmentConfirmed | EnrolmentQueued) else []
    found = [place for party in parties for place in party.places] or ([fact] if hasattr(fact, "confirmed") else [])
    for one in found:
        yield (fact.edition_id, one.session_id), one.session_version, one.confirmed, one.queued


def what_is_shown_of_seats_is_so(history: History) -> None:
    """Of every session still to come a website shows whether there are seats."""
    memory = history.desk.memory
    editions = memory.all(EDITIONS)
    for pool in memory.all(POOLS).values():
        for edition_id, session_id in pool.sessions:
            if editions[edition_id].offers(session_id, history.now):
                assert history.shown_full[edition_id, session_id] == (pool.free == 0)


def versions(told: Iterable[Any]) -> Iterator[tuple[str, str, int]]:
    """Return edition, session and version of everything told about a session, in order."""
    for fact in told:
        if isinstance(fact, EnrolmentConfirmed | EnrolmentQueued):
            parties = [fact.places, *(one.places for one in fact.companions)]
            found = [place for places in parties for place in places]
        else:
            found = [fact] if hasattr(fact, "session_version") else []
        for place in sorted(found, key=lambda one: one.session_version):
            yield fact.edition_id, place.session_id, place.session_version


Check = Callable[[History], None]
CHECKS: tuple[Check, ...] = (
    agree,
    nothing_is_overbooked,
    nobody_who_fits_waits,
    everybody_has_one_enrolment,
    nobody_holds_what_is_off,
    facts_are_in_order,
    counts_are_told,
    what_is_shown_of_seats_is_so,
)


def live_through(seats: dict[str, int | None], steps: list[Step]) -> None:
    """Live through a history and check every promise after every step."""
    history = History(seats)
    for step in steps:
        history.take(step)
        for check in CHECKS:
            check(history)


@settings(max_examples=300, deadline=None)
@given(Seats, STEPS)
def test_every_promise_holds_through_any_history(seats: dict[str, int | None], steps: list[Step]) -> None:
    """What no example thought of: parties, pools, cancellations and capacities in any order."""
    live_through(seats, steps)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seats=Seats, steps=STEPS)
def test_so_it_does_where_long_work_is_done_in_portions(
    seats: dict[str, int | None], steps: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little a decision does at once, what comes of it in the end is the same."""
    monkeypatch.setattr(decision, "PORTION", 1)
    live_through(seats, steps)


def live_on(history: History, steps: list[Step], finally_: Iterable[Check]) -> None:
    """Live through a history in which work is left for a while, and check promises: some at once, all at its end."""
    for step in steps:
        history.take(step)
        for holds in (nothing_is_overbooked, everybody_has_one_enrolment, facts_are_in_order):
            holds(history)
    history.hear(history.desk.finish())
    history.model = history.as_it_is()
    for check in finally_:
        check(history)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seats=Seats, steps=INTERRUPTED)
def test_work_that_is_left_for_a_while_breaks_no_promise(
    seats: dict[str, int | None], steps: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others come in between, and the catalogue changes its mind: what is left is judged as things are by then."""
    monkeypatch.setattr(decision, "PORTION", 1)
    live_on(History(seats, leaves_work=True), steps, CHECKS)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seats=Seats, steps=CONTESTED, portion=st.sampled_from([1, 200]))
def test_two_processes_that_decide_at_once_break_no_promise(
    seats: dict[str, int | None], steps: list[Step], portion: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each decides on what was there before the other wrote; sessions move, and places end, while seats are given."""
    monkeypatch.setattr(decision, "PORTION", portion)
    desk = Desk()
    desk.memory = Contested()
    told_apart = [check for check in CHECKS if check is not what_is_shown_of_seats_is_so]
    live_on(History(seats, leaves_work=True, desk=desk), steps, told_apart)


def nobody(*_: object, **__: object) -> None:
    """Do nothing, or object to nothing."""


def first_of(turns: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """Look at the first of the line only."""
    return lambda *args: islice(turns(*args), 1)


def joined_without(figure: str) -> Callable[..., Pool]:
    """Have a session join a pool without some of what it brings along."""
    join = Pool.joined_by
    return lambda pool, count, last: join(pool, replace(count, **{figure: 0}), last)


GUARDS: dict[str, tuple[object, str, object]] = {
    "seats are counted": (Pool, "free", property(lambda _: 99)),
    "a limit sinks with the seats held": (Pool, "release", lambda pool: pool.promote(-1)),
    "a cancellation serves the waiting list": (withdrawal, "serve", nobody),
    "more seats serve the waiting list": (publishing, "serve", nobody),
    "what is off ends": (editions, "end_places", lambda *_: True),
    "all or nothing looks at every pool": (promotion, "_room_for", lambda *_: True),
    "a begun session takes nobody": (Decision, "still_offered", lambda *_: True),
    "one live enrolment": (rules, "RULES", tuple(rule for rule in rules.RULES if rule.__name__ != "_is_enrolled")),
    "whoever does not fit is passed over": (promotion, "_turns", first_of(promotion._turns)),
    "the state follows from the places": (places, "state_of", lambda _: "confirmed"),
    "seats go along with a session": (Pool, "joined_by", joined_without("confirmed")),
    "a waiting list goes along with a session": (Pool, "joined_by", joined_without("waiting")),
    "a session that moves gives its seats back": (Pool, "without", lambda pool, _: pool),
    "seats are told of a session that moved": (Decision, "moved", nobody),
}
"""A guard each: where it stands, and what stands there when it is switched off."""


@pytest.mark.parametrize("guard", GUARDS)
def test_without_a_guard_some_history_breaks_a_promise(guard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin: if this stays green with a guard off, the test above does not watch it."""
    monkeypatch.setattr(*GUARDS[guard])
    hunt: Callable[[], None] = settings(
        max_examples=2000, deadline=None, database=None, derandomize=True, phases=[Phase.generate]
    )(given(Seats, STEPS)(live_through))
    with pytest.raises((AssertionError, ValueError)):
        hunt()

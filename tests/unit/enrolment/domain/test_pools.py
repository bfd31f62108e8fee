"""Sessions that move to another pool, and what a pool offers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from instroom_contracts import catalog
from instroom_contracts.cloudevent import EventData
from instroom_contracts.enrolment import PlaceConfirmed, SessionFull, SessionReopened
from services.enrolment.domain import endings, pools, publishing
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.seats import Pool
from services.enrolment.storage.kinds import POOLS, WAITING
from tests.unit.enrolment.examples import ASKED, EDITION, STARTS, Desk, all_of, choice, edition, session

HALL = "aanbieder:zaal"


def moved(*sessions: catalog.Session, version: int = 2, **fields: Any) -> catalog.EditionPublished:
    """Build a later version of the edition."""
    return edition(*sessions, version=version, **fields)


def pool(desk: Desk, id: str) -> Pool:
    """Return a pool."""
    return desk.memory.all(POOLS)[id]


def promoted(told: list[EventData]) -> list[str]:
    """Return the enrolments that got a seat, in order."""
    return [fact.enrolment_id for fact in all_of(told, PlaceConfirmed)]


def test_seats_and_waiting_list_go_along() -> None:
    """They were left behind: the new pool gave its seats again, and nobody who waited was ever served."""
    desk = Desk(edition(choice("een", capacity=1)))
    seated, waiting = desk.ask("een", name="robin"), desk.ask("een", name="kim")
    assert not promoted(desk.publish(moved(choice("een", capacity=1, pool="zaal"))))
    assert (pool(desk, HALL).taken, pool(desk, HALL).waiting) == (1, 1)
    assert (pool(desk, f"{EDITION}/een").taken, pool(desk, f"{EDITION}/een").waiting) == (0, 0)
    assert promoted(desk.cancel(seated.enrolment_id)) == [waiting.enrolment_id]


def test_a_move_without_its_seats_would_give_them_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin: with what it brings along forgotten, the seat that somebody sits on is free."""
    join = Pool.joined_by
    empty = lambda pool, count, last: join(pool, replace(count, confirmed=0, waiting=0), last)  # noqa: E731
    monkeypatch.setattr(Pool, "joined_by", empty)
    desk = Desk(edition(choice("een", capacity=1)))
    desk.ask("een", name="robin")
    desk.publish(moved(choice("een", capacity=1, pool="zaal")))
    assert desk.ask("een", name="kim").places[0].state == "confirmed"


def merging() -> bool:
    """Have people wait for two sessions in turn, which then share a pool; say whether their order is kept."""
    desk = Desk(edition(choice("een", capacity=0), choice("twee", capacity=0, pool="zaal")))
    asked = [desk.ask(("een", "twee")[number % 2], name=f"d{number}") for number in range(6)]
    ordered = [one.enrolment_id for one in asked]
    told = desk.publish(moved(choice("een", capacity=4, pool="zaal"), choice("twee", capacity=4, pool="zaal")))
    turns = sorted(desk.memory.all(WAITING).values(), key=lambda turn: turn.order)
    return promoted(told) + [turn.enrolment_id for turn in turns] == ordered


def test_lists_are_merged_in_the_order_of_decision() -> None:
    """Whoever waited longest comes first, in whichever session they wait."""
    assert merging()


def test_numbered_by_pool_they_would_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin: as 0.2.0 numbered turns, each pool from 1."""
    ahead = iter(range(1_000_000, 0, -1))
    monkeypatch.setattr(Decision, "number", property(lambda _: next(ahead)))
    assert not merging()


def test_a_clock_that_goes_back_lets_nobody_overtake() -> None:
    """Within a pool the order is exact whatever clocks say, also for who comes after a list that moved in."""
    desk = Desk(edition(choice("een", capacity=0), choice("twee", capacity=0, pool="zaal")))
    first = desk.ask("een", name="robin")
    desk.publish(moved(choice("een", capacity=0, pool="zaal"), choice("twee", capacity=0, pool="zaal")))
    desk.memory.handled = -1_000_000
    second = desk.ask("twee", name="kim")
    turns = sorted(desk.memory.all(WAITING).values(), key=lambda turn: turn.order)
    assert [turn.enrolment_id for turn in turns] == [first.enrolment_id, second.enrolment_id]


def test_a_session_that_moves_and_comes_back_is_as_it_was() -> None:
    """A slip in a file is mended by the next load."""
    desk = Desk(edition(choice("een", capacity=1)))
    desk.ask("een", name="robin")
    desk.ask("een", name="kim")
    before = pool(desk, f"{EDITION}/een")
    desk.publish(moved(choice("een", capacity=1, pool="zaal")))
    assert not all_of(desk.publish(moved(choice("een", capacity=1), version=3)), SessionFull, SessionReopened)
    assert pool(desk, f"{EDITION}/een") == before
    assert (pool(desk, HALL).taken, pool(desk, HALL).waiting, pool(desk, HALL).sessions) == (0, 0, ())


def test_two_sessions_swap_their_pools() -> None:
    """Each takes its own people along, and neither counts the other's."""
    one, two = (choice(id, capacity=2, pool=room) for id, room in (("een", "zaal"), ("twee", "foyer")))
    desk = Desk(edition(one, two))
    desk.ask("een", name="robin")
    for name in ("kim", "sam"):
        desk.ask("twee", name=name)
    desk.publish(moved(choice("een", capacity=2, pool="foyer"), choice("twee", capacity=2, pool="zaal")))
    assert (pool(desk, HALL).taken, pool(desk, "aanbieder:foyer").taken) == (2, 1)
    assert (pool(desk, HALL).sessions, pool(desk, "aanbieder:foyer").sessions) == (
        ((EDITION, "twee"),),
        ((EDITION, "een"),),
    )


def test_nobody_loses_a_seat_in_a_pool_that_is_full() -> None:
    """The room is too small, which is no fault of who was told "confirmed"; nothing is given until it fits."""
    desk = Desk(edition(choice("een", capacity=1), choice("twee", capacity=1, pool="zaal")))
    seated = [desk.ask("een", name="robin"), desk.ask("twee", name="kim")]
    desk.ask("een", name="sam")
    desk.publish(moved(choice("een", capacity=1, pool="zaal"), choice("twee", capacity=1, pool="zaal")))
    assert (pool(desk, HALL).capacity, pool(desk, HALL).limit, pool(desk, HALL).taken) == (1, 2, 2)
    assert not promoted(desk.cancel(seated[1].enrolment_id))
    assert promoted(desk.cancel(seated[0].enrolment_id))


def test_seats_that_a_session_leaves_go_to_who_waits_there() -> None:
    """In the same decision: no seat stays free while somebody who fits is queued for it."""
    shared = [choice(id, capacity=1, pool="zaal") for id in ("een", "twee")]
    desk = Desk(edition(*shared))
    desk.ask("een", name="robin")
    waiting = desk.ask("twee", name="kim")
    assert promoted(desk.publish(moved(choice("een", capacity=1), shared[1]))) == [waiting.enrolment_id]


def test_a_pool_that_was_left_and_not_served_would_keep_its_seats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin: with only the pools served that the edition has now."""
    house, own = pools.house, f"{EDITION}/een"
    both = [choice(id, capacity=1, pool="zaal") for id in ("een", "twee")]
    desk = Desk(edition(*both))
    desk.ask("een", name="robin")
    waiting = desk.ask("twee", name="kim")
    monkeypatch.setattr(publishing, "house", lambda *args: [id for id in house(*args) if id == own])
    told = desk.publish(moved(choice("een", capacity=1), both[1]))
    assert waiting.enrolment_id not in promoted(told)


def test_who_waits_gets_the_free_seats_of_the_new_pool_and_every_session_hears() -> None:
    """A website shows the moved session with seats, and those that shared its old or new room as they are now."""
    desk = Desk(edition(choice("een", capacity=1), choice("twee", capacity=3, pool="zaal")))
    desk.ask("een", name="robin")
    waiting = desk.ask("een", name="kim")
    told = desk.publish(moved(choice("een", capacity=3, pool="zaal"), choice("twee", capacity=3, pool="zaal")))
    assert promoted(told) == [waiting.enrolment_id]
    assert [fact.session_id for fact in all_of(told, SessionReopened)] == ["een"]


def test_nobody_gets_a_seat_in_a_session_that_has_begun_by_its_move() -> None:
    """Its seats go along all the same, since a place there may still be given back."""
    desk = Desk(edition(choice("een", capacity=0, starts_at=STARTS)))
    desk.ask("een")
    told = desk.publish(
        moved(choice("een", capacity=9, pool="zaal", starts_at=STARTS)), at=STARTS + timedelta(minutes=1)
    )
    assert not promoted(told)
    assert pool(desk, HALL).waiting == 1


def test_a_version_that_comes_late_moves_nothing() -> None:
    """Editions may arrive out of order."""
    desk = Desk(edition(choice("een", capacity=1, pool="zaal"), version=3))
    desk.ask("een")
    assert not desk.publish(moved(choice("een", capacity=1)))
    assert pool(desk, HALL).taken == 1


def test_a_session_that_left_its_edition_gives_its_seats_back_to_the_pool() -> None:
    """What is no longer published takes no seats of those that are."""
    shared = [choice(id, capacity=1, pool="zaal") for id in ("een", "twee")]
    desk = Desk(edition(*shared))
    desk.ask("een", name="robin")
    waiting = desk.ask("twee", name="kim")
    assert promoted(desk.publish(moved(shared[1]))) == [waiting.enrolment_id]
    assert pool(desk, HALL).sessions == ((EDITION, "twee"),)


def test_two_providers_rooms_of_one_name_are_two_rooms() -> None:
    """One provider's people took the other's seats, and saw its sessions fill up."""
    desk = Desk()
    for id, provider in (("noord", "aanbieder-een"), ("zuid", "aanbieder-twee")):
        desk.publish(edition(session(capacity=1, pool="zaal"), edition_id=id, provider=provider))
    assert [desk.ask(edition_id=id, name=id).places[0].state for id in ("noord", "zuid")] == ["confirmed"] * 2
    assert desk.memory.all(POOLS).keys() == {"aanbieder-een:zaal", "aanbieder-twee:zaal"}


def test_no_pool_is_taken_for_another() -> None:
    """A pool that is named as a session's own, or as another provider's, is neither."""
    desk = Desk(edition(session("zaal", capacity=1), choice("een", capacity=1, pool="zaal")))
    assert desk.memory.all(POOLS).keys() == {f"{EDITION}/zaal", HALL}


@pytest.mark.parametrize(("first", "second"), [(1, 3), (3, 1), (None, 1), (1, None)])
def test_editions_that_share_seats_and_disagree_offer_the_fewest(first: int | None, second: int | None) -> None:
    """They are published one by one and in any order: none must get more people than its own page says."""
    desk = Desk()
    for id, capacity in (("noord", first), ("zuid", second)):
        desk.publish(edition(session(capacity=capacity, pool="zaal"), edition_id=id))
    assert pool(desk, HALL).capacity == 1
    desk.publish(edition(session(capacity=5, pool="zaal"), edition_id="noord", version=2))
    desk.publish(edition(session(capacity=5, pool="zaal"), edition_id="zuid", version=2))
    assert pool(desk, HALL).capacity == 5


def test_a_cancelled_session_does_not_hold_its_pool_to_its_seats() -> None:
    """Its page is no longer read for how many may come."""
    desk = Desk(
        edition(choice("een", capacity=1, pool="zaal", state="cancelled"), choice("twee", capacity=4, pool="zaal"))
    )
    assert pool(desk, HALL).capacity == 4


def test_a_session_that_moves_touches_neither_places_nor_turns() -> None:
    """However many people are in it: thousands of documents are no matter of one transaction."""
    desk = Desk(edition(choice("een", capacity=2)))
    for number in range(5):
        desk.ask("een", name=f"d{number}")
    desk.publish(moved(choice("een", capacity=2, pool="zaal")), at=ASKED)
    assert {kind.collection for kind, _ in desk.memory.written} == {"editions", "pools"}


def freed_by_a_cancelled_session() -> bool:
    """Cancel a session whose pool somebody else waits for; say whether they get the seat in the same decision."""
    off = choice("een", capacity=1, pool="zaal", state="cancelled")
    shared = [choice(id, capacity=1, pool="zaal") for id in ("een", "twee")]
    desk = Desk(edition(*shared))
    desk.ask("een", name="robin")
    waiting = desk.ask("twee", name="kim")
    return waiting.enrolment_id in promoted(desk.publish(moved(off, shared[1])))


def test_seats_of_a_cancelled_session_go_to_who_waits_in_its_pool() -> None:
    """The room is theirs now."""
    assert freed_by_a_cancelled_session()


def test_without_serving_what_ends_they_would_stay_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin: the list is served before the places end, and not after."""
    monkeypatch.setattr(endings, "serve_after", lambda *_: None)
    assert not freed_by_a_cancelled_session()

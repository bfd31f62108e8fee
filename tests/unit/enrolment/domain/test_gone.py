"""What a decision meets when something is gone that should be there: it leaves the rest as it is, and tells nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from chassis.documents import Documents, Kind
from chassis.handling import Hears, Tell
from instroom_contracts.cloudevent import CloudEvent, EventData
from instroom_contracts.enrolment import PlaceConfirmed, PlaceReleased
from instroom_contracts.notification import InvitationRequested
from services.enrolment.domain import decision as deciding
from services.enrolment.domain.decision import Decision
from services.enrolment.domain.enrolment import Enrolment, Live
from services.enrolment.domain.seats import Turn
from services.enrolment.domain.transitions import promote, withdraw_again
from services.enrolment.storage.kinds import ENROLMENTS, PARTICIPANTS, POOLS, WAITING
from services.enrolment.storage.ledger import Ledger
from tests.unit.enrolment.examples import (
    ASKED,
    EDITION,
    Desk,
    all_of,
    cancellation,
    choice,
    companion,
    data_of,
    edition,
    one_of,
    session,
)

POOL = f"{EDITION}/werksessie"


def decided(desk: Desk, change: Callable[[Decision], object]) -> list[EventData]:
    """Make a decision of this alone; return what it tells."""

    def handler(_: CloudEvent[Any], documents: Documents, now: datetime) -> Sequence[Tell]:
        decision = Decision(Ledger(documents), ASKED, now)
        change(decision)
        return [Tell(data, "about") for data in decision.told]

    event = cancellation("any")
    return data_of(desk.memory.handle(Hears(type(event.data), "", handler), event, ASKED))


def lose(desk: Desk, kind: Kind[Any], id: str) -> None:
    """Let a document be gone."""
    del desk.memory.collections[kind.collection][id]


def queued(**fields: Any) -> tuple[Desk, Enrolment, Turn]:
    """Let somebody wait for a session without seats."""
    desk = Desk(edition(session(capacity=0, **fields)))
    id = desk.ask(name="kim").enrolment_id
    return desk, desk.memory.all(ENROLMENTS)[id], desk.memory.all(WAITING)[f"{id}/werksessie"]


def test_without_its_pool_a_turn_gets_no_seat() -> None:
    """A seat that nobody counts could be given twice."""
    desk, kim, turn = queued()
    lose(desk, POOLS, POOL)
    assert decided(desk, lambda decision: promote(decision, kim, turn)) == []
    assert desk.memory.all(WAITING) == {turn.id: turn}


def test_a_turn_whose_pool_is_gone_can_be_given_up() -> None:
    """Who waits may leave whatever became of the seats."""
    desk, kim, _ = queued()
    lose(desk, POOLS, POOL)
    assert one_of(desk.cancel(kim.id), PlaceReleased).enrolment_id == kim.id


def test_a_turn_of_an_enrolment_that_is_gone_holds_up_nobody() -> None:
    """The next on the list gets the seat."""
    desk, kim, _ = queued()
    sam = desk.ask(name="sam").enrolment_id
    lose(desk, ENROLMENTS, kim.id)
    told = desk.publish(edition(session(capacity=1), version=2))
    assert one_of(told, PlaceConfirmed).enrolment_id == sam


def test_a_party_is_seated_without_the_member_whose_enrolment_is_gone() -> None:
    """The others have waited for it."""
    desk = Desk(edition(session(capacity=0, companion="optional")))
    asked = desk.ask(name="kim", companions=(companion("sam", "werksessie"),), all_or_nothing=True)
    lose(desk, ENROLMENTS, desk.memory.all(ENROLMENTS)[asked.enrolment_id].companion_ids[0])
    told = desk.publish(edition(session(capacity=2, companion="optional"), version=2))
    assert one_of(told, PlaceConfirmed).enrolment_id == asked.enrolment_id


def test_who_is_live_under_another_enrolment_stays_so() -> None:
    """An earlier enrolment that ends takes nothing from a later one."""
    desk, kim, _ = queued()
    ((key, _),) = desk.memory.all(PARTICIPANTS).items()
    desk.memory.put(PARTICIPANTS, key, Live(key, "another", kim.source))
    desk.cancel(kim.id)
    assert desk.memory.all(PARTICIPANTS)[key].enrolment_id == "another"


def test_a_seat_that_was_given_up_is_withdrawn_again_and_a_turn_is_not() -> None:
    """Nobody was invited to what they only waited for."""
    desk, kim, _ = queued()
    desk.cancel(kim.id)
    desk.publish(edition(session(capacity=1), version=2))
    robin = desk.ask().enrolment_id
    desk.cancel(robin)
    kept = desk.memory.all(ENROLMENTS)
    asked = [
        all_of(decided(desk, partial(withdraw_again, enrolment=kept[id], cause="cancellation")), InvitationRequested)
        for id in (kim.id, robin)
    ]
    assert [[one.method for one in found] for found in asked] == [[], ["CANCEL"]]


def test_what_one_portion_has_no_room_for_is_left_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second session that is off is not even looked into once the first took all."""
    monkeypatch.setattr(deciding, "PORTION", 1)
    desk = Desk(edition(choice("een"), choice("twee")))
    for id, name in (("een", "kim"), ("twee", "sam")):
        desk.ask(id, name=name)
    off = edition(choice("een", state="cancelled"), choice("twee", state="cancelled"), version=2)
    assert len(all_of(desk.publish(off), PlaceReleased)) == 1
    assert len(all_of(desk.finish(), PlaceReleased)) == 1

"""Two processes decide at the same moment, each on what was there before the other wrote."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from chassis.documents import Repository
from chassis.due import DUE, Due
from instroom_contracts import catalog
from instroom_contracts.cloudevent import EventData, type_of
from services.enrolment.domain import decision
from services.enrolment.domain.seats import Pool
from services.enrolment.internal import EditionSettling, PoolServing
from services.enrolment.storage.kinds import ENROLMENTS
from tests.support.memory import Contested
from tests.unit.enrolment.examples import Desk, choice, companion, edition

HALL = "aanbieder:zaal"
SISTER = "zustereditie"


def opened(*editions: catalog.EditionPublished) -> tuple[Desk, Contested]:
    """Publish editions to a service of two processes."""
    desk, memory = Desk(), Contested()
    desk.memory = memory
    for one in editions:
        desk.publish(one)
    return desk, memory


def hall(id: str, capacity: int, **fields: object) -> catalog.Session:
    """Build a session that shares the hall."""
    return choice(id, capacity=capacity, pool="zaal", companion="optional", **fields)


def state(desk: Desk, enrolment_id: str) -> str:
    """Return the state of an enrolment."""
    return desk.memory.all(ENROLMENTS)[enrolment_id].state


def left(desk: Desk, model: type[EventData]) -> Due | None:
    """Return what is left of this kind of work."""
    return next((one for one in desk.memory.all(DUE).values() if one.type == type_of(model)), None)


def party_shrinks_while_a_seat_comes_free() -> str:
    """Have three wait for a hall with one free seat; one of them gives up while another seat comes free."""
    desk, memory = opened(edition(hall("een", 2)), edition(hall("elders", 2), edition_id=SISTER))
    seated = [desk.ask("elders", name=name, edition_id=SISTER).enrolment_id for name in ("kim", "lou")]
    others = (companion("sam", "een"), companion("bo", "een"))
    waiting = desk.ask("een", name="robin", companions=others)
    desk.cancel(seated[0])
    memory.rival = partial(desk.cancel, seated[1])
    desk.cancel(waiting.companions[0].enrolment_id)
    return state(desk, waiting.enrolment_id)


def newcomer_comes_as_the_last_portion_ends() -> str:
    """Have somebody ask for a seat in a hall at the moment when nobody is left on its list who fits."""
    sister = partial(edition, edition_id=SISTER)
    desk, memory = opened(edition(hall("een", 1)), sister(hall("elders", 1)))
    for name in ("kim", "lou", "sam"):
        desk.ask("elders", name=name, edition_id=SISTER, companions=(companion(f"{name}-2", "elders"),))
    desk.ask("een", name="bo", companions=tuple(companion(f"bo-{number}", "een") for number in range(9)))
    desk.publish(edition(hall("een", 9), version=2))
    desk.publish(sister(hall("elders", 9), version=2))
    desk.publish(sister(hall("elders", 9, state="cancelled"), version=3))
    while ending := left(desk, EditionSettling):
        desk.asked_to_go_on(ending)
    serving, asked = left(desk, PoolServing), []
    assert serving
    memory.rival = lambda: asked.append(desk.ask("een", name="robin").enrolment_id)
    desk.asked_to_go_on(serving)
    return state(desk, asked[0])


CASES = (party_shrinks_while_a_seat_comes_free, newcomer_comes_as_the_last_portion_ends)


@pytest.fixture(autouse=True)
def _small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Serve a list one party at a time."""
    monkeypatch.setattr(decision, "PORTION", 1)


@pytest.mark.parametrize("case", CASES)
def test_nobody_waits_beside_a_seat_that_another_process_freed(case: Callable[[], str]) -> None:
    """Neither of the two would see that somebody fits now, and the seat would stay idle for good."""
    assert case() == "confirmed"


@pytest.mark.parametrize("case", CASES)
def test_somebody_would_if_only_a_pool_that_changes_were_kept(
    case: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin: what the two have written is not the same, and both stand."""
    keep = Repository.keep

    def keep_changed(of: Repository[Any], value: Any) -> None:
        if not isinstance(value, Pool) or of.get(value.id) != value:
            keep(of, value)

    monkeypatch.setattr(Repository, "keep", keep_changed)
    assert case() == "queued"

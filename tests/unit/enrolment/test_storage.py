"""Documents and values."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from chassis.documents import Kind
from instroom_contracts import catalog
from services.enrolment.domain.edition import Edition
from services.enrolment.domain.enrolment import Enrolment, Live, Place
from services.enrolment.domain.parked import Parked, Parking
from services.enrolment.domain.seats import Pool, SessionCount, Turn
from services.enrolment.storage import kinds
from tests.support.memory import Memory
from tests.unit.enrolment.examples import ASKED, EDITION, choice, edition, participant, session

PLACES = (
    Place("werksessie", "confirmed", required=True, version=7, sequence=1),
    Place("atelier", "queued", required=False, version=8),
)
VALUES: list[tuple[Kind[Any], str, Any]] = [
    (kinds.POOLS, "zaal", Pool("zaal", 20, 21, 21, 40, 3, (("noord", "atelier"), ("zuid", "atelier")))),
    (kinds.POOLS, "open", Pool("open", None, None)),
    (kinds.SESSIONS, "noord/atelier", SessionCount("noord", "atelier", 9, 4, 2, 1)),
    (kinds.PARTICIPANTS, "a1b2", Live("a1b2", "enrolment-1", "urn:nld:oin:1")),
    (kinds.WAITING, "enrolment-1/atelier", Turn(("noord", "atelier"), 4, "enrolment-1", 2)),
    (kinds.PARKED, "urn:x 1", Parked("urn:x 1", "noord", 1, ASKED, "{}")),
    (kinds.PARKINGS, "noord", Parking("noord", 3, 2)),
    (
        kinds.ENROLMENTS,
        "enrolment-1",
        Enrolment(
            "enrolment-1",
            EDITION,
            "urn:nld:oin:1",
            "request-1",
            participant(reference="balie", region="noord", dietary_wishes="geen"),
            "confirmed",
            all_or_nothing=True,
            places=PLACES,
            asked_at=ASKED,
            answers={"$ref": "casus", "a.b": 2.5, "ja": True},
            companion_ids=("enrolment-2",),
        ),
    ),
    (
        kinds.ENROLMENTS,
        "enrolment-2",
        Enrolment(
            "enrolment-2",
            EDITION,
            "urn:nld:oin:1",
            "request-1",
            participant("kim"),
            "cancelled",
            all_or_nothing=False,
            places=(),
            asked_at=ASKED,
            answers={},
            main_id="enrolment-1",
        ),
    ),
]


@pytest.mark.parametrize(("kind", "id", "value"), VALUES, ids=[f"{kind.collection} {id}" for kind, id, _ in VALUES])
def test_a_value_is_read_as_it_was_written(kind: Kind[Any], id: str, value: object) -> None:
    """Memory keeps BSON, so this also says that MongoDB can keep the document."""
    memory = Memory()
    memory.put(kind, id, value)
    assert memory.get(kind, id) == value


def test_an_edition_is_kept_as_it_was_published() -> None:
    """An operator reads the same document as an integrator."""
    published = edition(
        session(capacity=60, groups=catalog.Grouping(kind="balanced", names=("a", "b"))),
        choice("atelier", prerequisite=catalog.Prerequisite(session_ids=("werksessie",))),
        deadline=catalog.Deadline(
            at=datetime(2021, 5, 21, 23, 59, 59, 999000, timezone(timedelta(hours=2))), text="tot 21 mei"
        ),
    )
    memory = Memory()
    memory.put(kinds.EDITIONS, EDITION, Edition.of(published))
    kept = memory.get(kinds.EDITIONS, EDITION)
    assert kept is not None
    assert kept.published == published
    assert kinds.EDITIONS.cached, "an edition is costly to read and seldom changes"


def test_a_time_is_kept_as_an_instant() -> None:
    """MongoDB keeps no offsets; what is read back is the same moment in UTC."""
    amsterdam = ASKED.astimezone(timezone(timedelta(hours=2)))
    memory = Memory()
    memory.put(kinds.PARKED, "a 1", Parked("a 1", EDITION, 1, amsterdam, "{}"))
    kept = memory.get(kinds.PARKED, "a 1")
    assert kept is not None
    assert (kept.until, kept.until.utcoffset()) == (ASKED, timedelta(0))


def test_waiting_lists_are_ordered_by_turn() -> None:
    """What the index is on, and what is read from a value, must be the same."""
    turn = Turn(("noord", "atelier"), 4, "enrolment-1", 2)
    document = kinds.WAITING.write(turn)
    lookup = kinds.WAITING_BY_SESSION
    assert (document[lookup.group], document[lookup.rank]) == (lookup.group_of(turn), lookup.rank_of(turn))


def test_parked_requests_are_ordered_by_number() -> None:
    """First come, first served."""
    parked = Parked("a 1", "noord", 2, ASKED, "{}")
    document = kinds.PARKED.write(parked)
    lookup = kinds.PARKED_BY_EDITION
    assert (document[lookup.group], document[lookup.rank]) == (lookup.group_of(parked), lookup.rank_of(parked))

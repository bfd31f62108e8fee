"""The tables of the service."""

from __future__ import annotations

from chassis.handling import UnknownType
from instroom_contracts.topology import INTAKE
from services.enrolment import app
from services.enrolment.storage.schema import KEPT
from tests.unit.enrolment.examples import POLICY


def test_every_intake_event_has_an_answer_for_what_is_invalid() -> None:
    """Nothing invalid is dropped in silence."""
    assert all(one.refusal for one in app.hears(POLICY) if one.exchange == INTAKE or one.model is UnknownType)


def test_every_kind_has_a_collection_of_its_own() -> None:
    """Two kinds in one collection would overwrite each other."""
    assert len({kind.collection for kind in KEPT}) == len(KEPT)

"""The facts of a check are such as Instroom tells, or could tell one day."""

from __future__ import annotations

import json

import pytest

from instroom_checking.telling import FACTS, UNKNOWN, Teller
from instroom_contracts import topology
from instroom_contracts.cloudevent import STRUCTURED, decode


@pytest.mark.parametrize("type", FACTS)
def test_a_fact_is_valid(type: str) -> None:
    """Who stumbles over one has a fault, not the check."""
    model = topology.TYPES[type].model
    teller = Teller(["#"])
    for told in (teller.new(type), teller.older(type), teller.extended(type)):
        assert decode(told.wire.body, model=model, content_type=STRUCTURED).id == told.id == told.wire.message_id


def test_facts_are_about_no_edition_of_life() -> None:
    """Somebody may look for what a check left in their store, and remove it."""
    for type in FACTS:
        data = json.loads(Teller(["#"]).new(type).wire.body)["data"]
        assert data.get("editionId", "integration-check") == "integration-check"


def test_versions_rise_and_a_late_fact_has_a_low_one() -> None:
    """A reader goes by them."""
    type = "nl.enrolments.session-full.v1"
    teller = Teller([type])
    told = [teller.new(type), teller.new(type), teller.older(type)]
    first, second, late = (json.loads(one.wire.body)["data"]["sessionVersion"] for one in told)
    assert late < first < second


def test_an_unknown_type_is_told_to_who_asked_for_everything() -> None:
    """Others get no such thing, and need not stand it."""
    assert Teller(["nl.enrolments.#"]).hears_unknown
    assert not Teller(["nl.enrolments.session-full.v1"]).hears_unknown
    assert UNKNOWN not in topology.TYPES


def test_only_types_that_are_listened_to_are_told() -> None:
    """The broker would not hand the others over."""
    assert Teller(["nl.enrolments.session-*.v1"]).types == ()
    assert Teller(["nl.enrolments.session-full.*"]).types == ("nl.enrolments.session-full.v1",)


def test_facts_have_the_attributes_by_which_they_are_selected() -> None:
    """Else the broker would not hand them over."""
    wire = Teller(["#"], attributes={"ownersource": "urn:nld:kvk:1", "partitionkey": "x"}).new(FACTS[0]).wire
    assert (wire.headers["ce-ownersource"], wire.headers["ce-partitionkey"]) == ("urn:nld:kvk:1", "x")
    assert json.loads(wire.body)["ownersource"] == "urn:nld:kvk:1"

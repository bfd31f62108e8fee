"""A part of the facts as bindings, and rights as RabbitMQ keeps them."""

from __future__ import annotations

from cli.integrators.accounts import ALL, NOTHING, Rights
from cli.integrators.parts import OWNER, Arguments, Part
from instroom_contracts import topology

WEBSITE = "urn:nld:oin:00000001823288444000:systeem:website"
PARTS = Part(frozenset({WEBSITE}), frozenset({"week-noord"}), frozenset({"cmo-stamm"}))
FULL = "nl.enrolments.session-full.v1"


def selected(part: Part) -> list[Arguments]:
    """Return the headers by which facts are selected."""
    return [binding.arguments for binding in part.bindings() if binding.source == topology.BY_ATTRIBUTE]


def test_a_part_is_read_back_from_its_bindings() -> None:
    """The broker is the only place where it is kept."""
    assert Part.of(selected(PARTS)) == PARTS
    assert PARTS.words() == ["own", "edition week-noord", "provider cmo-stamm"]
    assert Part.of([]) == Part()
    assert Part().bindings() == []


def test_every_selection_asks_for_one_thing() -> None:
    """One that asked for nothing would let everything through; the broker compares every fact with each of them."""
    assert len(selected(PARTS)) == 3
    for headers in selected(PARTS):
        assert headers["x-match"] == "all"
        assert len(headers) == 2


def test_the_catalogue_comes_with_what_is_own_alone() -> None:
    """By type, and by nothing else than these types. Who follows an edition asked for no other's."""
    by_type = [binding for binding in PARTS.bindings() if binding.source == topology.EVENTS]
    assert [binding.routing_key for binding in by_type] == [
        f"nl.enrolments.{name}.v1"
        for name in ("edition-published", "session-rescheduled", "session-cancelled", "edition-cancelled")
    ]
    narrow = Part(editions=frozenset({"week-noord"}))
    assert [binding.arguments for binding in narrow.bindings()] == [{"x-match": "all", "ce-partitionkey": "week-noord"}]


def test_a_part_leaves_one_exchange_to_read() -> None:
    """Neither the one with all facts, nor the selecting one, nor the stream."""
    rights = Rights((), (ALL,), PARTS)
    for closed in (topology.EVENTS, topology.BY_ATTRIBUTE, topology.STREAM, "instroom.for.website-2"):
        assert not rights.allow("website", closed, FULL)
    assert rights.allow("website", "instroom.for.website", FULL)
    assert {one["exchange"]: one["read"] for one in rights.topic_permissions("website")} == {
        topology.INTAKE: NOTHING,
        topology.EVENTS: NOTHING,
        "instroom.for.website": ".*",
    }


def test_all_facts_come_with_every_way_to_them() -> None:
    """By type, by attribute, and from the past."""
    whole, some = Rights((), (ALL,)), Rights((), (FULL,))
    for open_to_all in (topology.EVENTS, topology.BY_ATTRIBUTE, topology.STREAM):
        assert whole.allow("website", open_to_all, "#")
        assert not some.allow("website", open_to_all, "#")
    assert some.allow("website", topology.EVENTS, FULL)
    assert not whole.allow("website", "instroom.for.website", FULL)


def test_rights_are_read_back_from_what_the_broker_keeps() -> None:
    """For each integrator its own."""
    for rights in (Rights(("a.v1",), (FULL, "b.v1")), Rights((), (ALL,), PARTS)):
        topics = [{"user": "website", **topic} for topic in rights.topic_permissions("website")]
        others = [{"user": "other", **topic} for topic in Rights((), (ALL,)).topic_permissions("other")]
        bound = {topology.exchange_for("website"): rights.part} if rights.part else {}
        assert Rights.of("website", [*others, *topics], bound) == rights


def test_what_is_own_is_selected_by_whose_it_is() -> None:
    """Not by who caused it: that would tell of another's promotion."""
    assert selected(Part(frozenset({WEBSITE}))) == [{"x-match": "all", OWNER: WEBSITE}]

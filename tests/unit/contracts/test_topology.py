"""The names on the broker are the ones that other parties' clients already use."""

from __future__ import annotations

from instroom_contracts import topology
from instroom_contracts.cloudevent import EventData, IntakeData, type_of
from instroom_contracts.enrolment import REASONS
from instroom_contracts.intake import EnrolmentRequested
from instroom_contracts.topology import CATALOG, EVENTS, TYPES, traits


def test_the_exchanges_have_their_names() -> None:
    """They are part of the contract."""
    assert (topology.INTAKE, topology.EVENTS, topology.PRIVATE, topology.DEAD, topology.STREAM) == (
        "instroom.intake", "instroom.events", "instroom.private", "instroom.dead", "instroom.events.stream",
    )  # fmt: skip
    assert (topology.BY_ATTRIBUTE, topology.exchange_for("website")) == (
        "instroom.events.by-attribute", "instroom.for.website",
    )  # fmt: skip


def test_a_queue_is_named_after_its_service_and_event() -> None:
    """An operator knows whose it is and what lies in it."""
    queue = topology.queue_name("enrolment", type_of(EnrolmentRequested))
    assert queue == "enrolment.enrolment-requested.v1"
    assert topology.dead_letter_queue(queue) == "enrolment.enrolment-requested.v1.dead"


def test_what_a_request_is_answered_with_is_a_fact_of_its_asker_s() -> None:
    """An answer that is nobody's own is hidden from an integrator who may read what is theirs alone."""
    for listed in TYPES.values():
        assert bool(listed.answers) == (not listed.told_by and listed.exchange != EVENTS)
        for answer in (traits(model) for model in listed.answers):
            assert answer.exchange == EVENTS
            assert answer.about in {"enrolment", "request"} or answer.told_by == (CATALOG,)


def test_every_fact_says_what_it_is_about() -> None:
    """Its subject and its owner follow from that."""
    assert all(listed.about for listed in TYPES.values() if listed.exchange == EVENTS)
    for listed in (one for one in TYPES.values() if one.about):
        names_a_session_alone = {"session_id", "enrolment_id"} & listed.model.model_fields.keys() == {"session_id"}
        assert (listed.about == "session") is names_a_session_alone, listed.model


def test_no_public_event_is_missing_from_the_list() -> None:
    """A new model must be listed, or marked as a base by its underscore."""
    found, bases = set(), [EventData]
    while bases:
        below = bases.pop().__subclasses__()
        bases += below
        found |= {model for model in below if model.__module__.startswith("instroom_contracts.")}
    public = {model for model in found if not model.__name__.startswith("_") and model is not IntakeData}
    assert public == {listed.model for listed in TYPES.values()}


def test_facts_hold_no_personal_data_of_participants() -> None:
    """The stream keeps them for ever, and everybody may read it."""
    personal = {"participant", "email", "name", "contact", "answers", "dietaryWishes", "joinUrl", "recipient"}
    for listed in TYPES.values():
        if listed.exchange == EVENTS and listed.model.__name__ not in {"EditionPublished", "GroupsFormed"}:
            schema = listed.model.model_json_schema()
            parts = [schema, *schema.get("$defs", {}).values()]
            assert not personal & {name for part in parts for name in part.get("properties", {})}


def test_an_edition_never_holds_a_meeting_link() -> None:
    """Links are for participants: they travel on the private exchange only."""
    schema = TYPES["nl.enrolments.edition-published.v1"].model.model_json_schema()
    assert "joinUrl" not in str(schema)
    objects = (schema, *schema["$defs"].values())
    links = {name for part in objects for name, field in part.get("properties", {}).items() if "https" in str(field)}
    assert links == {"website", "privacyUrl"}, "anybody may follow these"


def test_the_reasons_are_in_the_order_of_the_checks() -> None:
    """The first that fails is told."""
    assert REASONS == (
        "invalid-request", "unknown-edition", "request-only", "edition-cancelled", "edition-not-open",
        "deadline-passed", "already-enrolled", "unknown-session", "session-over", "not-in-audience",
        "prerequisite-missing", "too-few-choices", "too-many-choices", "sessions-clash", "companion-required",
        "companion-not-allowed", "answers-incomplete", "queue-full", "unknown-enrolment", "not-yours",
        "already-cancelled", "choice-closed", "not-a-twin", "unknown-request", "answer-not-kept", "asked-too-often",
    )  # fmt: skip

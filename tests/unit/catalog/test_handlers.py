"""What the catalogue answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import pytest

from chassis.documents import Documents, First, Head, Loaded
from chassis.handling import Tell
from instroom_contracts.catalog import (
    EditionPublished,
    EditionSubmitted,
    JoiningDetailsPublished,
    RepublishRequested,
    SessionRescheduled,
)
from instroom_contracts.cloudevent import CloudEvent, EventData, InvalidEvent, Problem, encode, new_event
from instroom_contracts.enrolment import RequestAccepted, RequestRefused
from services.catalog.app import HEARS, TELLS
from services.catalog.domain import Entry
from services.catalog.handlers import publish_edition, refuse, republish
from services.catalog.storage import ALL_EDITIONS, CATALOGUE, EDITIONS
from tests.unit.catalog.builders import entry, session, submitted

D = TypeVar("D", bound=EventData)

NOW = datetime(2021, 5, 20, tzinfo=UTC)
ID = "voorbeeld-2021"
LONG_PAST = entry(*(session(f"s{number}", homework="x" * 3000) for number in range(10)))
LONG = submitted(*(session(f"t{number}", homework="x" * 3000) for number in range(15)), link=None)


def event(data: D) -> CloudEvent[D]:
    """Build what the command line would send."""
    return new_event(data, source="urn:nld:oin:00000001823288444000:systeem:instroom-cli")


def with_entry(kept: Entry | None) -> Documents:
    """Provide the one edition that was read."""
    return Documents(Loaded(values={(EDITIONS, ID): kept}))


def with_all(*kept: Entry) -> Documents:
    """Provide the list of all editions."""
    members = tuple((each.edition.edition_id, each) for each in kept)
    return Documents(Loaded(heads={First(ALL_EDITIONS, CATALOGUE): Head(members, complete=True)}))


def kinds(told: Sequence[Tell]) -> list[type[EventData]]:
    """Return the kinds of events told."""
    return [type(tell.data) for tell in told]


def test_a_new_edition_is_kept_and_told() -> None:
    """The command line waits for EditionPublished; notification needs the link."""
    documents = with_entry(None)
    told = publish_edition(event(submitted()), documents, NOW)
    assert kinds(told) == [EditionPublished, JoiningDetailsPublished]
    assert documents.get(EDITIONS, ID) == entry()


def test_what_is_told_of_an_edition_names_its_provider() -> None:
    """Integrators select by it."""
    told = publish_edition(event(submitted()), with_entry(None), NOW)
    assert {tell.provider for tell in told} == {submitted().edition.provider}


def test_an_unchanged_edition_is_accepted_and_not_written() -> None:
    """There is an answer, and nobody else is troubled."""
    documents = with_entry(entry())
    assert kinds(publish_edition(event(submitted()), documents, NOW)) == [RequestAccepted]
    assert not documents.changes


def test_a_new_link_alone_is_accepted_and_told_in_private() -> None:
    """The answer is public and the link is not."""
    told = publish_edition(event(submitted(link="https://meet.example.org/anders")), with_entry(entry()), NOW)
    assert kinds(told) == [RequestAccepted, JoiningDetailsPublished]


def test_a_fact_of_a_session_names_the_session_as_its_subject() -> None:
    """Integrators filter on it; its partition stays the edition."""
    moved = submitted(session(starts_at=datetime(2021, 5, 25, 9, tzinfo=UTC)))
    told = publish_edition(event(moved), with_entry(entry()), NOW)
    assert kinds(told) == [EditionPublished, SessionRescheduled]
    assert [(tell.subject, tell.partitionkey) for tell in told] == [(ID, ID), (f"{ID}/werksessie", ID)]


def test_an_edition_that_makes_no_sense_is_refused() -> None:
    """A publisher that bypasses the loader gets the same judgement, and nothing is kept."""
    documents = with_entry(entry())
    told = publish_edition(event(submitted(session(), session())), documents, NOW)
    refused = told[0].data
    assert isinstance(refused, RequestRefused)
    assert (refused.reason, refused.request_type) == ("invalid-request", "nl.enrolments.edition-submitted.v1")
    assert [problem.pointer for problem in refused.errors] == ["/edition/sessions/1/sessionId"]
    assert not documents.changes


def test_an_edition_that_its_past_makes_too_large_is_refused() -> None:
    """Sessions that were cancelled stay in it; at some point it no longer fits into a message."""
    told = publish_edition(event(LONG), with_entry(LONG_PAST), NOW)
    assert kinds(told) == [RequestRefused]


def test_an_edition_whose_sessions_are_too_many_at_once_is_refused_with_a_way_out() -> None:
    """It ended as a defect of Instroom's, and whoever loaded it waited for an answer."""
    first, second = ([session(f"{name}-{n}") for n in range(150)] for name in ("oud", "nieuw"))
    told = publish_edition(event(submitted(*second)), with_entry(entry(*first)), NOW)
    refused = told[0].data
    assert isinstance(refused, RequestRefused)
    assert [problem.pointer for problem in refused.errors] == ["/edition/sessions"]
    assert "in several steps" in refused.errors[0].detail


def test_without_that_guard_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin: no edition holds so many."""
    monkeypatch.setattr("services.catalog.handlers.crowded", lambda _: ())
    first, second = ([session(f"{name}-{n}") for n in range(150)] for name in ("oud", "nieuw"))
    with pytest.raises(ValueError, match="at most 200"):
        publish_edition(event(submitted(*second)), with_entry(entry(*first)), NOW)


def test_without_that_guard_the_fact_could_not_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin: the outbox would be handed a message that no envelope takes."""
    monkeypatch.setattr("services.catalog.handlers.oversized", lambda _: ())
    told = publish_edition(event(LONG), with_entry(LONG_PAST), NOW)
    with pytest.raises(ValueError, match="65,536"):
        encode(event(told[0].data))


def test_one_edition_is_told_again_as_it_is() -> None:
    """A service that lost its copy gets it back under the same version."""
    told = republish(event(RepublishRequested(edition_id=ID)), with_entry(entry()), NOW)
    assert [tell.data for tell in told] == [entry().edition, *entry().joining]


def test_all_editions_are_told_again() -> None:
    """However many there are."""
    others = [entry(edition_id=id) for id in ("noord", "zuid")]
    told = republish(event(RepublishRequested()), with_all(*others), NOW)
    assert kinds(told) == [EditionPublished, JoiningDetailsPublished] * 2


def test_an_empty_catalogue_accepts_to_be_told_again() -> None:
    """There is nothing to tell, and still an answer."""
    assert kinds(republish(event(RepublishRequested()), with_all(), NOW)) == [RequestAccepted]


def test_an_unknown_edition_cannot_be_told_again() -> None:
    """A misspelt id must not look like success."""
    refused = republish(event(RepublishRequested(edition_id=ID)), with_entry(None), NOW)[0].data
    assert isinstance(refused, RequestRefused)
    assert refused.reason == "unknown-edition"


def test_a_message_that_is_no_event_is_refused_with_its_problems() -> None:
    """Its sender learns what to mend."""
    problems = (Problem("/data/edition", "This field is required: add it."),)
    kind = "nl.enrolments.edition-submitted.v1"
    refused = refuse(InvalidEvent("invalid-event", problems, id="x", source="urn:nld:oin:1", type=kind))[0].data
    assert isinstance(refused, RequestRefused)
    assert (refused.request_type, refused.errors) == (kind, problems)


def test_every_told_event_is_valid_on_the_wire() -> None:
    """Subjects and ids of the catalogue must pass the envelope's own rules."""
    told = [*publish_edition(event(submitted()), with_entry(None), NOW), *refuse(InvalidEvent("not-json", ()))]
    for tell in told:
        new_event(tell.data, source="urn:nld:oin:1", subject=tell.subject, partitionkey=tell.partitionkey)


def test_what_is_heard_and_told_stands_in_the_tables() -> None:
    """Topology and documentation follow from them; a fact that is missing there cannot be told."""
    assert [heard.model for heard in HEARS] == [EditionSubmitted, RepublishRequested]
    private = {tells.model for tells in TELLS if tells.exchange == "instroom.private"}
    assert private == {JoiningDetailsPublished}

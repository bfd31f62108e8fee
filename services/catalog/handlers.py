"""What the catalogue does with what it hears: keep and tell an edition that was handed in, or tell all again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from chassis.documents import Documents
from chassis.handling import Tell
from instroom_contracts.catalog import Edition, EditionSubmitted, RepublishRequested
from instroom_contracts.cloudevent import CloudEvent, EventData, InvalidEvent, Problem, type_of
from instroom_contracts.enrolment import ReasonCode, RequestAccepted, RequestRefused
from services.catalog.domain import Entry, overcrowded, revise
from services.catalog.rules import crowded, oversized, problems_in
from services.catalog.storage import ALL_EDITIONS, CATALOGUE, EDITIONS


def publish_edition(event: CloudEvent[EditionSubmitted], documents: Documents, _now: datetime) -> Sequence[Tell]:
    """Keep an edition and tell what changed; accept one that is as it was, refuse one that makes no sense."""
    id = event.data.edition.edition_id
    entry = documents.get(EDITIONS, id)
    if problems := problems_in(event.data) or crowded(overcrowded(entry, event.data)):
        return [_not_taken_over(id, problems)]
    revised, facts = revise(entry, event.data)
    if problems := oversized(revised.edition):
        return [_not_taken_over(id, problems)]
    if revised != entry:
        documents.put(EDITIONS, id, revised)
    answer = () if revised.edition in facts else (RequestAccepted(request_type=type_of(EditionSubmitted)),)
    return _tells(event.data.edition, (*answer, *facts))


def republish(event: CloudEvent[RepublishRequested], documents: Documents, _now: datetime) -> Sequence[Tell]:
    """Tell an edition, or all of them, again as they are, with their meeting links."""
    id = event.data.edition_id
    all_of_them = [] if id else documents.every(ALL_EDITIONS, CATALOGUE)
    entries = [documents.get(EDITIONS, id)] if id else [entry for _, entry in all_of_them]
    if None in entries:
        detail = f"The catalogue has no edition {id}: correct the id, or load the edition first."
        return [_refused(RepublishRequested, str(id), "unknown-edition", detail)]
    told = [tell for entry in entries if entry for tell in _again(entry)]
    return told or [Tell(RequestAccepted(request_type=type_of(RepublishRequested)), CATALOGUE)]


def refuse(invalid: InvalidEvent) -> Sequence[Tell]:
    """Answer a message that is no valid event."""
    detail = "The message is no valid event: mend what the errors name and send it again under a new id."
    refused = RequestRefused(
        request_type=invalid.type, reason="invalid-request", detail=detail, errors=invalid.problems
    )
    return [Tell(refused, CATALOGUE)]


def _again(entry: Entry) -> Sequence[Tell]:
    return _tells(entry.edition, (entry.edition, *entry.joining))


def _tells(edition: Edition, facts: Iterable[EventData]) -> Sequence[Tell]:
    """Tell facts of one edition; one of a session is about that session."""
    id, provider = edition.edition_id, edition.provider
    return [Tell(fact, _subject(id, fact), id, provider=provider) for fact in facts]


def _subject(edition_id: str, fact: EventData) -> str:
    session_id = getattr(fact, "session_id", None)
    return f"{edition_id}/{session_id}" if session_id else edition_id


def _not_taken_over(edition_id: str, problems: Sequence[Problem]) -> Tell:
    detail = "The edition was not taken over: mend what the errors name and hand it in again."
    return _refused(EditionSubmitted, edition_id, "invalid-request", detail, problems)


def _refused(
    request: type[EventData], edition_id: str, reason: ReasonCode, detail: str, errors: Sequence[Problem] = ()
) -> Tell:
    refused = RequestRefused(request_type=type_of(request), reason=reason, detail=detail, errors=tuple(errors)[:20])
    return Tell(refused, edition_id, edition_id)

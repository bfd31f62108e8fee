"""Documents of the enrolment service: their kinds, and how each is read and written (see `schema.py`)."""

from __future__ import annotations

from chassis.documents import Document, Kind, Lookup
from instroom_contracts.catalog import EditionPublished
from instroom_contracts.intake import Participant
from services.enrolment.domain.edition import Edition
from services.enrolment.domain.values import Enrolment, Live, Parked, Parking, Place, Pool, SessionCount, Turn


def read_edition(document: Document) -> Edition:
    """Read an edition as it was published; other fields of the document are ignored."""
    return Edition.of(EditionPublished.model_validate(document))


def write_edition(edition: Edition) -> Document:
    """Write an edition as it was published."""
    return edition.published.model_dump(mode="json")


def read_pool(document: Document) -> Pool:
    """Read a pool."""
    return Pool(
        document["_id"],
        document["capacity"],
        document["limit"],
        document["taken"],
        document["last"],
        document["waiting"],
        tuple((edition_id, session_id) for edition_id, session_id in document["sessions"]),
    )


def write_pool(pool: Pool) -> Document:
    """Write a pool."""
    return {
        "capacity": pool.capacity,
        "limit": pool.limit,
        "taken": pool.taken,
        "last": pool.last,
        "waiting": pool.waiting,
        "sessions": pool.sessions,
    }


def read_count(document: Document) -> SessionCount:
    """Read the count of a session."""
    return SessionCount(
        document["editionId"],
        document["sessionId"],
        document["version"],
        document["confirmed"],
        document["queued"],
        document["waiting"],
    )


def write_count(count: SessionCount) -> Document:
    """Write the count of a session."""
    return {
        "editionId": count.edition_id,
        "sessionId": count.session_id,
        "version": count.version,
        "confirmed": count.confirmed,
        "queued": count.queued,
        "waiting": count.waiting,
    }


HELD_IN = "heldIn"
"""The field that names the sessions ("edition/session") in which an enrolment has a place or a turn."""
UNTOLD = "(untold)"
"""Stands there instead, until notification was told, where 0.2.0 took places back; the id of nothing."""


def sessions_of(enrolment: Enrolment) -> frozenset[str]:
    """Return the sessions ("edition/session") in which an enrolment has a place or a turn."""
    return frozenset(
        [f"{enrolment.edition_id}/{place.session_id}" for place in enrolment.places if place.state != "released"]
    )


def read_enrolment(document: Document) -> Enrolment:
    """Read an enrolment; what was valid when it came in is not validated again."""
    return Enrolment(
        id=document["_id"],
        edition_id=document["editionId"],
        source=document["source"],
        request_id=document["requestId"],
        participant=Participant.model_construct(**document["participant"]),
        state=document["state"],
        all_or_nothing=document["allOrNothing"],
        places=tuple(_read_place(place) for place in document["places"]),
        asked_at=document["askedAt"],
        main_id=document["mainId"],
        companion_ids=tuple(document["companionIds"]),
        answers=dict(document["answers"]),
    )


def write_enrolment(enrolment: Enrolment) -> Document:
    """Write an enrolment; answers as pairs, since what a provider asks is no safe name for a field."""
    return {
        "editionId": enrolment.edition_id,
        "source": enrolment.source,
        "requestId": enrolment.request_id,
        "participant": enrolment.participant.model_dump(),
        "state": enrolment.state,
        "allOrNothing": enrolment.all_or_nothing,
        "places": [_write_place(place) for place in enrolment.places],
        HELD_IN: list(sessions_of(enrolment)),
        "askedAt": enrolment.asked_at,
        "mainId": enrolment.main_id,
        "companionIds": enrolment.companion_ids,
        "answers": list(enrolment.answers.items()),
    }


def _read_place(document: Document) -> Place:
    return Place(
        document["sessionId"],
        document["state"],
        document["required"],
        document["version"],
        document["sequence"],
    )


def _write_place(place: Place) -> Document:
    return {
        "sessionId": place.session_id,
        "state": place.state,
        "required": place.required,
        "version": place.version,
        "sequence": place.sequence,
    }


def read_live(document: Document) -> Live:
    """Read who holds a participant's live enrolment."""
    return Live(document["enrolmentId"], document["source"])


def write_live(live: Live) -> Document:
    """Write who holds a participant's live enrolment."""
    return {"enrolmentId": live.enrolment_id, "source": live.source}


def read_turn(document: Document) -> Turn:
    """Read a turn on a waiting list."""
    edition_id, _, session_id = document["session"].partition("/")
    return Turn(edition_id, session_id, document["enrolmentId"], document["number"], document["seats"])


def write_turn(turn: Turn) -> Document:
    """Write a turn on a waiting list."""
    return {
        "session": "/".join(turn.session),
        "number": turn.number,
        "enrolmentId": turn.enrolment_id,
        "seats": turn.seats,
    }


def read_parked(document: Document) -> Parked:
    """Read a parked request."""
    return Parked(document["_id"], document["editionId"], document["number"], document["until"], document["event"])


def write_parked(parked: Parked) -> Document:
    """Write a parked request."""
    return {
        "editionId": parked.edition_id,
        "number": parked.number,
        "until": parked.until,
        "event": parked.event,
    }


def read_parking(document: Document) -> Parking:
    """Read how many requests wait for an edition."""
    return Parking(document["_id"], document["last"], document["waiting"])


def write_parking(parking: Parking) -> Document:
    """Write how many requests wait for an edition."""
    return {"last": parking.last, "waiting": parking.waiting}


EDITIONS = Kind("editions", read_edition, write_edition, personal=(), cached=True)
POOLS = Kind("pools", read_pool, write_pool, personal=())
SESSIONS = Kind("sessions", read_count, write_count, personal=())
ENROLMENTS = Kind("enrolments", read_enrolment, write_enrolment, personal=("participant", "answers"))
PARTICIPANTS = Kind("participants", read_live, write_live, personal=())
WAITING = Kind("waiting_list", read_turn, write_turn, personal=())
PARKED = Kind("parked", read_parked, write_parked, personal=("event",))
PARKINGS = Kind("parkings", read_parking, write_parking, personal=())

WAITING_BY_SESSION = Lookup(
    WAITING, "session", "number", lambda turn: "/".join(turn.session), lambda turn: turn.number, unique=True
)
PARKED_BY_EDITION = Lookup(
    PARKED, "editionId", "number", lambda parked: parked.edition_id, lambda parked: parked.number
)
ENROLMENTS_BY_SESSION = Lookup(ENROLMENTS, HELD_IN, "_id", sessions_of, lambda enrolment: enrolment.id)

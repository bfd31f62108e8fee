"""Documents of the enrolment service: their kinds, how each is read and written, and how several are found."""

from __future__ import annotations

from cattrs import override

from chassis.codec import IN_PAIRS, kept_in
from chassis.documents import Document, Kind, Lookup
from instroom_contracts.catalog import EditionPublished
from instroom_contracts.intake import Participant
from services.enrolment.domain.edition import Edition
from services.enrolment.domain.enrolment import Enrolment, Live
from services.enrolment.domain.parked import Parked, Parking
from services.enrolment.domain.seats import Pool, SessionCount, Turn


def read_edition(document: Document) -> Edition:
    """Read an edition as it was published; other fields of the document are ignored."""
    return Edition.of(EditionPublished.model_validate(document))


def write_edition(edition: Edition) -> Document:
    """Write an edition as it was published."""
    return edition.published.model_dump(mode="json")


HELD_IN = "heldIn"
"""The field that names the sessions ("edition/session") in which an enrolment has a place or a turn."""
UNTOLD = "(untold)"
"""Stands there instead, until notification was told, where 0.2.0 took places back; the id of nothing."""


def sessions_of(enrolment: Enrolment) -> frozenset[str]:
    """Return the sessions ("edition/session") in which an enrolment has a place or a turn."""
    return frozenset(
        [f"{enrolment.edition_id}/{place.session_id}" for place in enrolment.places if place.state != "released"]
    )


_AS_GIVEN = override(struct_hook=lambda kept, _: Participant.model_construct(**kept))
"""What was valid when it came in is not validated again."""
_JOINED = override(unstruct_hook="/".join, struct_hook=lambda kept, _: tuple(kept.split("/", 1)))

EDITIONS = Kind("editions", read_edition, write_edition, personal=(), cached=True)
POOLS = kept_in("pools", Pool, personal=())
SESSIONS = kept_in("sessions", SessionCount, personal=())
ENROLMENTS = kept_in(
    "enrolments",
    Enrolment,
    personal=("participant", "answers", "invoiceReference"),
    overrides={"participant": _AS_GIVEN, "answers": IN_PAIRS},
    also=lambda enrolment: {HELD_IN: list(sessions_of(enrolment))},
)
PARTICIPANTS = kept_in("participants", Live, personal=())
WAITING = kept_in("waiting_list", Turn, personal=(), overrides={"session": _JOINED})
PARKED = kept_in("parked", Parked, personal=("event",))
PARKINGS = kept_in("parkings", Parking, personal=())

WAITING_BY_SESSION = Lookup(
    WAITING, "session", "number", lambda turn: "/".join(turn.session), lambda turn: turn.number, unique=True
)
PARKED_BY_EDITION = Lookup(
    PARKED, "editionId", "number", lambda parked: parked.edition_id, lambda parked: parked.number
)
ENROLMENTS_BY_SESSION = Lookup(ENROLMENTS, HELD_IN, "_id", sessions_of, lambda enrolment: enrolment.id)

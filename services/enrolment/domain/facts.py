"""The events that a decision tells, made of the values that it kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from instroom_contracts import enrolment as contract
from instroom_contracts.catalog import Price
from instroom_contracts.cloudevent import EventData, type_of
from instroom_contracts.intake import Participant
from instroom_contracts.notification import InvitationRequested, Method, NoticeRequested, QueuedSession, Recipient
from instroom_contracts.topology import traits
from services.enrolment.domain.enrolment import Enrolment, Place
from services.enrolment.domain.ids import invite_id
from services.enrolment.domain.seats import SessionCount
from services.enrolment.domain.sentences import Refused

Decided = contract.EnrolmentConfirmed | contract.EnrolmentQueued
PlaceFact = contract.PlaceConfirmed | contract.PlaceReleased
SeatsFact = contract.SessionFull | contract.SessionReopened


@dataclass(frozen=True, slots=True)
class Admitted:
    """How a party came to a session: its turn on the waiting list, from 1, where it waits; and the count before."""

    position: int | None
    before: SessionCount

    def counted(self, place: Place) -> SessionCount:
        """Return the count of the session after a member of the party had this place."""
        so_far = place.version - self.before.version
        return self.before.change(**{"queued" if place.state == "queued" else "confirmed": so_far}, facts=so_far)


Admissions = Mapping[str, Admitted]
"""By session id."""

ENVELOPE_BYTES, MEMBER_BYTES, PLACE_BYTES = 4700, 67, 130
"""The most that an answer takes besides its members' places, a member besides theirs, a place besides its session."""


def decided(party: Sequence[Enrolment], admissions: Admissions, price: Price) -> Decided:
    """Answer a request that led to enrolments: the participant's, then those of the companions."""
    main, *companions = party
    answer = contract.EnrolmentConfirmed if main.state == "confirmed" else contract.EnrolmentQueued
    return answer(
        enrolment_id=main.id,
        edition_id=main.edition_id,
        places=_places(main, admissions),
        companions=tuple(
            contract.CompanionPlaces(enrolment_id=companion.id, places=_places(companion, admissions))
            for companion in companions
        ),
        price=price,
        invoice_reference=main.invoice_reference,
    )


def most_bytes(party: Iterable[Collection[str]]) -> int:
    """Return the most that the answer to a party takes, of which these are each member's sessions (ids)."""
    members = (MEMBER_BYTES + sum(PLACE_BYTES + len(id) for id in session_ids) for session_ids in party)
    return ENVELOPE_BYTES + sum(members)


def _places(enrolment: Enrolment, admissions: Admissions) -> tuple[contract.Place, ...]:
    return tuple(_place(place, admissions[place.session_id]) for place in enrolment.places)


def _place(place: Place, admitted: Admitted) -> contract.Place:
    count = admitted.counted(place)
    return contract.Place(
        session_id=place.session_id,
        state="queued" if place.state == "queued" else "confirmed",
        position=admitted.position,
        session_version=place.version,
        confirmed=count.confirmed,
        queued=count.queued,
    )


def rejected(
    edition_id: str, refusal: Refused, language: str, enrolment_id: str | None = None
) -> contract.EnrolmentRejected:
    """Answer a request that is refused; `enrolment_id` is the one that stands in its way, for its owner only."""
    return contract.EnrolmentRejected(
        edition_id=edition_id,
        enrolment_id=enrolment_id,
        reason=refusal.reason,
        detail=refusal.detail(language),
        errors=refusal.errors,
    )


def refused(request: type[EventData], refusal: Refused, enrolment_id: str, language: str) -> contract.RequestRefused:
    """Answer another request than one for an enrolment, which is refused."""
    return contract.RequestRefused(
        request_type=type_of(request),
        enrolment_id=enrolment_id,
        reason=refusal.reason,
        detail=refusal.detail(language),
    )


def place(
    tell: type[PlaceFact], enrolment: Enrolment, place: Place, count: SessionCount, cause: contract.Cause
) -> PlaceFact:
    """Tell that a place changed after the answer: its turn became a seat, or seat or turn was given up."""
    return tell(
        enrolment_id=enrolment.id,
        enrolment_state=enrolment.state,
        edition_id=enrolment.edition_id,
        session_id=place.session_id,
        session_version=place.version,
        confirmed=count.confirmed,
        queued=count.queued,
        cause=cause,
    )


def cancelled(enrolment: Enrolment, cause: contract.Cause) -> contract.EnrolmentCancelled:
    """Tell that an enrolment has ended, with the sessions it still had places in."""
    return contract.EnrolmentCancelled(
        enrolment_id=enrolment.id,
        edition_id=enrolment.edition_id,
        session_ids=tuple(place.session_id for place in enrolment.places if place.state != "released"),
        cause=cause,
    )


def seats(tell: type[SeatsFact], capacity: int, count: SessionCount) -> SeatsFact:
    """Tell that a session filled up or reopened."""
    return tell(
        session_id=count.session_id,
        edition_id=count.edition_id,
        capacity=capacity,
        confirmed=count.confirmed,
        queued=count.queued,
        session_version=count.version,
    )


def invitation(
    enrolment: Enrolment, place: Place, method: Method, cause: contract.Cause, asked_at: datetime
) -> InvitationRequested:
    """Ask for the calendar entry of a place, or for its withdrawal."""
    return InvitationRequested(
        invite_id=invite_id(enrolment.id, place.session_id),
        enrolment_id=enrolment.id,
        edition_id=enrolment.edition_id,
        session_id=place.session_id,
        participant=_recipient(enrolment.participant),
        method=method,
        sequence=place.sequence,
        cause=cause,
        asked_at=asked_at,
    )


def waiting_notice(enrolment: Enrolment, admissions: Admissions) -> NoticeRequested:
    """Ask for the mail that says for which sessions somebody waits."""
    return NoticeRequested(
        notice_id=enrolment.id,
        kind="waiting-list",
        enrolment_id=enrolment.id,
        edition_id=enrolment.edition_id,
        participant=_recipient(enrolment.participant),
        sessions=tuple(
            QueuedSession(session_id=place.session_id, position=admissions[place.session_id].position)
            for place in enrolment.places
            if place.state == "queued"
        ),
    )


def called_off_notice(enrolment: Enrolment, places: Sequence[Place]) -> NoticeRequested:
    """Ask for the mail that says that sessions somebody waits for do not take place."""
    of = "/".join([enrolment.id, *(f"{place.session_id}@{place.version}" for place in places)])
    return NoticeRequested(
        notice_id=sha256(of.encode()).hexdigest()[:32],
        kind="waiting-list-ended",
        enrolment_id=enrolment.id,
        edition_id=enrolment.edition_id,
        participant=_recipient(enrolment.participant),
        sessions=tuple(QueuedSession(session_id=place.session_id) for place in places),
    )


def refusal_notice(notice_id: str, edition_id: str, participant: Participant, refusal: Refused) -> NoticeRequested:
    """Ask for the mail that says why somebody was not enrolled."""
    return NoticeRequested(
        notice_id=notice_id,
        kind="refusal",
        edition_id=edition_id,
        participant=_recipient(participant),
        reason=refusal.reason,
        detail=refusal.detail(participant.language),
    )


def subject_of(data: EventData) -> str:
    """Return the id of what an event is about: an enrolment, else a session ("edition/session"), else an edition."""
    ids = data.__dict__
    if traits(type(data)).about == "session":
        return f"{ids['edition_id']}/{ids['session_id']}"
    return str(ids.get("enrolment_id") or ids["edition_id"])


def _recipient(participant: Participant) -> Recipient:
    return Recipient(name=participant.name, email=participant.email, language=participant.language)

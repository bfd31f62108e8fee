"""Messages by the ten thousand: one is built and validated with the contracts, the others are copies of its bytes.

Every copy has an id of its own, and so has the participant or the enrolment that it is about. Ids and editions are as
long as the marks that they replace, so a copy may be made of the bytes on the line as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from typing import Any
from uuid import uuid4

from instroom_contracts.catalog import Edition, EditionPublished, EditionSubmitted, Session
from instroom_contracts.cloudevent import EventData, Wire, encode, new_event
from instroom_contracts.enrolment import EnrolmentConfirmed, Place
from instroom_contracts.intake import EnrolmentRequested, Participant
from instroom_contracts.notification import InvitationRequested, Recipient

WEBSITE = "urn:nld:oin:00000001823288444000:systeem:website"
SERVICE = "urn:nld:oin:00000001823288444000:systeem:instroom-bench"
SESSION = "werksessie"
ID = "00000000-0000-4000-8000-000000000000"
EDITION = "edition-00"
"""What stands in a pattern where each copy has its own id and edition."""


@dataclass(frozen=True)
class Pattern:
    """A message with marks in it."""

    wire: Wire

    def copies(self, count: int, editions: Sequence[str]) -> Iterator[Wire]:
        """Return so many messages, over these editions by turns."""
        for id, edition in marks(count, editions):
            headers = {**self.wire.headers, "ce-id": id, "ce-subject": edition, "ce-partitionkey": edition}
            yield replace(self.wire, body=stamped(self.wire.body, id, edition), message_id=id, headers=headers)


def marks(count: int, editions: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield a new id and the next edition, so many times."""
    assert {len(edition) for edition in editions} == {len(EDITION)}
    for edition in islice(cycle(editions), count):
        yield str(uuid4()), edition


def stamped(pattern: bytes, id: str, edition: str) -> bytes:
    """Return the bytes of a pattern with this id and edition in place of the marks."""
    return pattern.replace(ID.encode(), id.encode()).replace(EDITION.encode(), edition.encode())


@dataclass(frozen=True)
class Batch:
    """So many copies of a pattern, over these editions by turns."""

    pattern: Pattern
    count: int
    editions: Sequence[str]


def _pattern(data: EventData, source: str) -> Pattern:
    return Pattern(encode(new_event(data, source=source, id=ID)))


def requests() -> Pattern:
    """Return the pattern of a request as a provider's website would publish it."""
    participant = Participant(
        name="Robin Jansen",
        email=f"{ID}@example.org",
        organisation="Gemeente Voorbeeld",
        role="projectleider",
        region="noord",
    )
    return _pattern(EnrolmentRequested(edition_id=EDITION, participant=participant), WEBSITE)


def invitations() -> Pattern:
    """Return the pattern of what the enrolment service asks of the notification service."""
    asked = InvitationRequested(
        invite_id=ID,
        enrolment_id=ID,
        edition_id=EDITION,
        session_id=SESSION,
        participant=Recipient(name="Robin Jansen", email=f"{ID}@example.org"),
        method="REQUEST",
        sequence=0,
        cause="enrolment",
        asked_at=datetime.now(UTC),
    )
    return _pattern(asked, SERVICE)


def submissions() -> Pattern:
    """Return the pattern of an edition that is handed in to the catalog service."""
    return _pattern(EditionSubmitted(edition=Edition(**_edition(EDITION, 20))), SERVICE)


def publication(id: str, capacity: int) -> Wire:
    """Return the fact that an edition is open, with one session for everyone."""
    return encode(new_event(EditionPublished(version=1, **_edition(id, capacity)), source=SERVICE))


def _edition(id: str, capacity: int) -> dict[str, Any]:
    starts_at = datetime.now(UTC) + timedelta(days=30)
    session = Session(
        session_id=SESSION,
        title="Werksessie",
        attendance="everyone",
        form="on-site",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=3),
        capacity=capacity,
        location="Raadzaal, Voorbeeldstad",
    )
    return {
        "edition_id": id,
        "programme_id": "meting",
        "provider": "meting",
        "title": "Werksessie participatie",
        "kind": "open",
        "state": "open",
        "sessions": (session,),
    }


def answer() -> Wire:
    """Return a fact as the enrolment service would answer a request: the same size, the same headers."""
    id = str(uuid4())
    place = Place(session_id=SESSION, state="confirmed", session_version=20)
    confirmed = EnrolmentConfirmed(enrolment_id=id, edition_id="spread-0001", places=(place,))
    event = new_event(confirmed, source=SERVICE, id=id, correlationid=id, correlationsource=WEBSITE, causationid=id)
    return encode(event)

"""The documents of a service in memory, read and written for handlers as the committer does."""

from __future__ import annotations

from typing import Any, TypeVar

from chassis.documents import ById, Documents, Kind, Loaded, NotLoaded
from chassis.handling import Handler
from instroom_contracts.cloudevent import EventData, new_event
from services.notification.domain.inviting import judged
from services.notification.storage.kinds import INVITATIONS, MEETINGS, meeting_id
from tests.unit.notification.builders import NOW

T = TypeVar("T")
SOURCE = "urn:nld:oin:00000001823288444000:systeem:instroom-enrolment"


class Kept:
    """What is in the database, through the same reading and writing."""

    def __init__(self) -> None:
        self.documents: dict[tuple[Kind[Any], str], dict[str, Any]] = {}
        self.written: list[str] = []

    def get(self, kind: Kind[T], id: str) -> T | None:
        """Return a document."""
        document = self.documents.get((kind, id))
        return None if document is None else kind.read({"_id": id, "revision": 1, **document})

    def the(self, kind: Kind[T], id: str) -> T:
        """Return a document that must be there."""
        found = self.get(kind, id)
        assert found is not None
        return found

    def hear(self, handler: Handler, data: EventData, **attributes: Any) -> None:
        """Let a handler decide an event, and keep what it changed."""
        event, loaded = new_event(data, source=SOURCE, **attributes), Loaded()
        while True:
            documents = Documents(loaded)
            try:
                assert not handler(event, documents, NOW)
            except NotLoaded as missing:
                self._read(missing, loaded)
            else:
                break
        self.written = [id for _, id in documents.changes]
        self.documents |= {(kind, id): kind.write(value) for (kind, id), value in documents.changes.items()}

    def follow(self) -> None:
        """Let what changed about sessions reach their invitations, as the service's task does."""
        for id in [id for kind, id in self.documents if kind is INVITATIONS]:
            invitation = self.the(INVITATIONS, id)
            meeting = self.the(MEETINGS, meeting_id(invitation.edition_id, invitation.session_id))
            if invitation.seen < meeting.version and invitation.delivery.state != "sending":
                self.documents[INVITATIONS, id] = INVITATIONS.write(judged(invitation, meeting, NOW))

    def _read(self, missing: NotLoaded, into: Loaded) -> None:
        for need in missing.needs:
            assert isinstance(need, ById)
            into.values[need] = self.get(need.kind, need.id)

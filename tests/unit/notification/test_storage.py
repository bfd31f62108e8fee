"""What is kept comes back as it was, under the names that the wire has."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import bson
from bson.codec_options import CodecOptions

from chassis.documents import Document, Kind
from services.notification.domain.meeting import Meeting
from services.notification.storage.kinds import EDITIONS, INVITATIONS, MEETINGS, NOTICES
from tests.unit.notification.builders import NOW, ORIGIN, edition, invitation, meeting, notice, sending, sent, session

T = TypeVar("T")
READS = CodecOptions[Document](tz_aware=True)


def stored_and_read(kind: Kind[T], value: T) -> T:
    """Take a value through the database's own format."""
    return kind.read(bson.decode(bson.encode({"_id": "x", "revision": 1, **kind.write(value)}), READS))


def test_everything_comes_back_as_it_was() -> None:
    """A field that got lost would be lost for good."""
    arrived = replace(sending(sent(), handed_over=True), overtaken=True)
    assert stored_and_read(INVITATIONS, arrived) == arrived
    changed = Meeting().after(meeting(), ORIGIN, NOW)
    assert stored_and_read(MEETINGS, changed) == changed
    assert stored_and_read(NOTICES, notice(reason="queue-full")) == notice(reason="queue-full")
    whole = edition(session(agenda=[{"time": "13:00", "title": "Welkom"}], audience={"roles": ["griffier"]}))
    assert stored_and_read(EDITIONS, whole) == whole


def test_documents_have_the_names_of_the_wire() -> None:
    """Whoever looks into the database meets one set of names."""
    document = INVITATIONS.write(invitation())
    assert document["enrolmentId"] == "enrolment-1"
    assert document["delivery"]["state"] == "pending"
    assert document["session"] == "week-noord/proces"

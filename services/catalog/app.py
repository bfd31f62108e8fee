"""The catalog service's table of contents: what it hears, what it tells, and how it is run."""

from __future__ import annotations

from chassis.handling import Hears, Tells
from chassis.service import Service, run
from instroom_contracts.catalog import (
    EditionCancelled,
    EditionPublished,
    EditionSubmitted,
    JoiningDetailsPublished,
    RepublishRequested,
    SessionCancelled,
    SessionRescheduled,
)
from instroom_contracts.enrolment import RequestAccepted, RequestRefused
from instroom_contracts.topology import EVENTS, PRIVATE
from services.catalog import handlers, storage
from services.catalog.settings import CatalogSettings

HEARS: tuple[Hears, ...] = (
    Hears(EditionSubmitted, PRIVATE, handlers.publish_edition, handlers.refuse),
    Hears(RepublishRequested, PRIVATE, handlers.republish, handlers.refuse),
)

TELLS: tuple[Tells, ...] = (
    Tells(EditionPublished, EVENTS),
    Tells(SessionRescheduled, EVENTS),
    Tells(SessionCancelled, EVENTS),
    Tells(EditionCancelled, EVENTS),
    Tells(RequestAccepted, EVENTS),
    Tells(RequestRefused, EVENTS),
    Tells(JoiningDetailsPublished, PRIVATE),
)

SERVICE = Service("catalog", HEARS, TELLS, storage.prepare)

if __name__ == "__main__":
    run(SERVICE, CatalogSettings())

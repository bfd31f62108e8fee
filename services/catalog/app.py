"""The catalog service's table of contents: what it hears, what it tells, and how it is run."""

from __future__ import annotations

from chassis.handling import Hears, told_by
from chassis.service import Service, run
from instroom_contracts.catalog import EditionSubmitted, RepublishRequested
from services.catalog import handlers, storage
from services.catalog.settings import Settings

HEARS: tuple[Hears, ...] = (
    Hears.of(EditionSubmitted, handlers.publish_edition, handlers.refuse),
    Hears.of(RepublishRequested, handlers.republish, handlers.refuse),
)

TELLS = told_by("catalog")


def service(_: Settings) -> Service:
    """Return the service; it has no settings of its own."""
    return Service("catalog", HEARS, TELLS, storage.KEPT, storage.prepare)


def main() -> None:
    """Run the service until it is told to stop."""
    settings = Settings()
    run(service(settings), settings)


if __name__ == "__main__":
    main()

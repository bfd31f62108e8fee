"""The queues that the services may have: every service and event, by the naming of the contract."""

from __future__ import annotations

from cli.databases import SERVICES
from instroom_contracts import topology

UNKNOWN_TYPE = "enrolment.unknown-type"
"""Where messages of a type that no service knows arrive."""


def queue_names() -> list[str]:
    """Return the names that an intake queue or its dead-letter queue can have; most do not exist."""
    queues = [topology.queue_name(service, type) for service in SERVICES for type in topology.TYPES]
    return [name for queue in (*queues, UNKNOWN_TYPE) for name in (queue, topology.dead_letter_queue(queue))]


def is_dead_letter_queue(name: str) -> bool:
    """Say whether a queue keeps dead letters."""
    return name == topology.dead_letter_queue(name.removesuffix(topology.dead_letter_queue("")))

"""Names of queues."""

from __future__ import annotations

from chassis.topology import heard_queues
from cli.queues import UNKNOWN_TYPE, is_dead_letter_queue, queue_names
from instroom_contracts.topology import dead_letter_queue
from services.catalog import app as catalog
from services.notification import app as notification


def test_every_queue_of_the_services_is_among_the_names() -> None:
    """A queue that is not looked at fills up unseen."""
    known = set(queue_names())
    queues = [*heard_queues("catalog", catalog.HEARS), *heard_queues("notification", notification.HEARS), UNKNOWN_TYPE]
    assert known >= {*queues, *map(dead_letter_queue, queues)}


def test_dead_letter_queues_are_told_apart() -> None:
    """Messages that wait are work, dead letters are trouble."""
    dead = {name for name in queue_names() if is_dead_letter_queue(name)}
    assert len(dead) * 2 == len(queue_names())
    assert "enrolment.enrolment-requested.v1.dead" in dead

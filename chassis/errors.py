"""The errors of the chassis.

    InstroomError
    +-- Conflict      another process changed what this batch read: decide it again
    +-- Unavailable   the database or the broker is away: wait, and take no more messages

aiormq ends a connection that has fallen silent by cancelling whoever waits for it; `is_asked_to_stop` tells that from
being asked to stop.

A refusal is no error but an event, and an invalid message is `instroom_contracts.cloudevent.InvalidEvent`.
"""

from __future__ import annotations

import asyncio


class InstroomError(Exception):
    """Anything that Instroom raises on purpose."""


class Conflict(InstroomError):
    """Another process changed a document between reading and writing it."""


class Unavailable(InstroomError):
    """A server that is needed does not answer."""


def is_asked_to_stop() -> bool:
    """Say whether somebody cancelled this very task, where a CancelledError may also mean that a connection is gone."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0

"""The errors of the chassis.

    InstroomError
    +-- Conflict      another process changed what this batch read: decide it again
    +-- Unavailable   the database or the broker is away: wait, and take no more messages

A refusal is no error but an event, and an invalid message is `instroom_contracts.cloudevent.InvalidEvent`.
"""


class InstroomError(Exception):
    """Anything that Instroom raises on purpose."""


class Conflict(InstroomError):
    """Another process changed a document between reading and writing it."""


class Unavailable(InstroomError):
    """A server that is needed does not answer."""

"""What a service is made of: the events it hears with their handlers, and the events it tells."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from chassis.documents import Documents, Need
from instroom_contracts.cloudevent import CloudEvent, EventData, InvalidEvent
from instroom_contracts.origin import Origin
from instroom_contracts.topology import TYPES, traits


@dataclass(frozen=True)
class Tell:
    """An event to publish: its data, the opaque id that it is about, and the edition it belongs to.

    `provider` is the edition's, `owner` the source whose enrolment or request the event is about. `in_reply_to` names
    the intake event where it is another than the message being handled (a request that was parked).
    """

    data: EventData
    subject: str
    partitionkey: str | None = None
    in_reply_to: Origin | None = None
    provider: str | None = None
    owner: str | None = None


Handler = Callable[[CloudEvent[Any], Documents, datetime], Sequence[Tell]]
"""Decide one event: (event, documents, now) to the events to tell. Synchronous; changes go into the documents."""

Foresight = Callable[[CloudEvent[Any], Documents], Iterable[Need]]
"""What a handler will need for an event, as far as it can be foreseen, be it too much: it saves rounds of reading."""

Refusal = Callable[[InvalidEvent], Sequence[Tell]]
"""Answer a message that is no valid event, where its id and source could be read."""


def nothing_foreseen(_: CloudEvent[Any], __: Documents) -> Iterable[Need]:
    """Leave it to the handler to ask for what it needs."""
    return ()


@dataclass(frozen=True)
class Hears:
    """One event that a service hears: its data model, the exchange it comes from, who handles it, what that needs.

    `too_often` handles it instead where its account has sent more than it may of the types that have one.
    """

    model: type[EventData]
    exchange: str
    handler: Handler
    refusal: Refusal | None = None
    needs: Foresight = nothing_foreseen
    too_often: Handler | None = None

    @classmethod
    def of(
        cls,
        model: type[EventData],
        handler: Handler,
        refusal: Refusal | None = None,
        needs: Foresight = nothing_foreseen,
        too_often: Handler | None = None,
    ) -> Self:
        """Say who handles an event of the contract, which names the exchange that it comes from."""
        return cls(model, traits(model).exchange, handler, refusal, needs, too_often)


class UnknownType(EventData):
    """Stands in `Hears` for every message on the intake that no queue is bound for."""


class ToldBefore(EventData):
    """Stands in `Tell` for a fact to be told again as it was: the body of its message."""

    body: bytes


@dataclass(frozen=True)
class Tells:
    """One event that a service tells, and the exchange it goes to.

    `is_reply`: it answers a request of others, and is kept with the request's record, to be told again on demand.
    """

    model: type[EventData]
    exchange: str
    is_reply: bool = False


def told_by(service: str, kept: Collection[type[EventData]] = ()) -> tuple[Tells, ...]:
    """Return what a service tells, as the contract says; some of it is `kept`, to be told again on demand."""
    mine = (listed for listed in TYPES.values() if service in listed.told_by)
    return tuple(Tells(listed.model, listed.exchange, listed.model in kept) for listed in mine)

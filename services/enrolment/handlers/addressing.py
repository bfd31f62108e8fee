"""Addressing what is told: what it is about, whose it is, and which request it answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chassis.handling import Tell
from instroom_contracts.cloudevent import CloudEvent, EventData
from instroom_contracts.origin import Origin, as_origin
from instroom_contracts.topology import traits
from services.enrolment.domain import facts
from services.enrolment.storage.ledger import Ledger


def addressed(told: Iterable[EventData], ledger: Ledger, by: CloudEvent[Any], *, parked: bool = False) -> list[Tell]:
    """Address events that an event led to; `parked` where it is a request that waited, not the event at hand.

    May raise `NotLoaded`: seats that editions share are told of in each of them.
    """
    events = list(told)
    ledger.require_editions(id for data in events if (id := _edition_of(data)))
    in_reply_to = as_origin(by) if parked else None
    return [_addressed(data, ledger, by, in_reply_to) for data in events]


def _addressed(data: EventData, ledger: Ledger, by: CloudEvent[Any], in_reply_to: Origin | None) -> Tell:
    edition_id = _edition_of(data)
    edition = ledger.editions.get(edition_id) if edition_id else None
    provider = edition.published.provider if edition else None
    return Tell(data, facts.subject_of(data), edition_id, in_reply_to, provider, _owner(data, ledger, by))


def _edition_of(data: EventData) -> str | None:
    return getattr(data, "edition_id", None)


def _owner(data: EventData, ledger: Ledger, by: CloudEvent[Any]) -> str | None:
    about = traits(type(data)).about
    if about == "enrolment":
        enrolment = ledger.enrolments.get(data.__dict__["enrolment_id"])
        return enrolment.source if enrolment else None
    return by.source if about == "request" else None

"""Deciding a batch in memory: one message after the other, each seeing what those before it changed.

Nothing here reads or writes. `foresee` says what a batch will need. `decide` either returns the whole verdict on it or
what it lacks all the same; it may be called again with more, since deciding has no effects.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chassis.answers import DECIDED, UNDER_WAY
from chassis.documents import Documents, Kind, Loaded, Need, NotLoaded
from chassis.handling import Cause, Hears, Tell, goes_back_to
from chassis.senders import ALL_SENDERS, Admission, Senders
from chassis.topology import UNROUTED
from chassis.turns import in_turns
from instroom_contracts.cloudevent import CloudEvent, InvalidEvent, Problem
from instroom_contracts.topology import INTAKE

EVERYBODY = Admission()
APART = timedelta(microseconds=20)
"""How much later each message of a batch is decided than the one before: less than deciding it takes, and enough to
number what one message decides in between."""


@dataclass(frozen=True, slots=True, eq=False)
class Received:
    """A message as it came: whom it is for, what it says or why it says nothing, and its bytes."""

    hears: Hears
    queue: str
    body: bytes
    content_type: str | None
    headers: Mapping[str, Any]
    event: CloudEvent[Any] | InvalidEvent
    digest: str
    account: str | None = None
    """Whose message it is, where it says so; the broker has checked that."""
    defect: str | None = None
    """The error that writing its outcome ended in; such a message is held and not decided."""
    span: object = None
    """Its span, which belongs to the tracer; None where there is none."""

    @property
    def key(self) -> str | None:
        """The idempotency key, "source id"; None where it could not be read."""
        if self.event.source is None or self.event.id is None:
            return None
        return f"{self.event.source} {self.event.id}"

    @property
    def is_from_outside(self) -> bool:
        """Whether others than our own services and operators may have sent it."""
        return self.hears.exchange in {INTAKE, UNROUTED}

    @property
    def type(self) -> str:
        """The event's type, or what could be read of it."""
        return self.event.type or "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """An event to publish, the message that caused it, and its number among those that this message caused."""

    tell: Tell
    by: Received
    number: int


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A message for the quarantine, with the reason."""

    message: Received
    reason: str
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class Verdict:
    """What one batch comes to: the documents that change, what to tell, what to hold, whose keys are spent."""

    changes: dict[tuple[Kind[Any], str], Any] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    spent: dict[str, Received] = field(default_factory=dict)
    duplicates: int = 0

    def spend(self, key: str, message: Received) -> None:
        """Note that a message is decided, for those that come after it as well."""
        self.spent[key] = message
        self.changes[DECIDED, key] = UNDER_WAY


async def foresee(batch: Sequence[Received], loaded: Loaded) -> frozenset[Need]:
    """Return what deciding these messages will need, as far as can be foreseen, and what `loaded` lacks of it."""
    documents, needs = Documents(loaded), set[Need]()
    async for message in in_turns(batch):
        needs.update(_foreseen(message, documents))
    return frozenset(needs)


def _foreseen(message: Received, documents: Documents) -> Iterator[Need]:
    if message.is_from_outside and documents.lacks(ALL_SENDERS):
        yield ALL_SENDERS
    if isinstance(message.event, InvalidEvent) or message.defect is not None:
        return
    with contextlib.suppress(Exception):  # the handler meets the same trouble, and there it concerns this message alone
        yield from [need for need in message.hears.needs(message.event, documents) if documents.lacks(need)]


async def decide(
    batch: Sequence[Received],
    inbox: Mapping[str, str],
    loaded: Loaded,
    now: datetime,
    admission: Admission = EVERYBODY,
) -> Verdict | frozenset[Need]:
    """Decide each message of a batch once.

    `inbox` gives the digest of every key of this batch that was decided before. Each message is decided a moment
    after the one before it, so that what is kept of the moment tells which came first. Returns the verdict, or
    everything that the handlers asked for, or will ask for next, and that `loaded` lacks.
    """
    verdict, needs = Verdict(), set[Need]()
    async for message in in_turns(batch):
        now += APART
        try:
            if message.is_from_outside and not _is_admitted(message, loaded, verdict, admission):
                _hold_foreign(message, verdict)
            else:
                _decide_one(message, inbox, loaded, now, verdict)
        except NotLoaded as missing:
            needs.update(missing.needs, _foreseen(message, Documents(loaded, verdict.changes)))
    return frozenset(needs) if needs else verdict


def _is_admitted(message: Received, loaded: Loaded, verdict: Verdict, admission: Admission) -> bool:
    senders = Documents(loaded, verdict.changes).get(*ALL_SENDERS) or Senders()
    return admission.admits(senders, message.account, message.event.source)


def _hold_foreign(message: Received, verdict: Verdict) -> None:
    """Hold a message that speaks for somebody else: it spends no id and gets no answer, for both are that other's."""
    verdict.held.append(Held(message, "foreign-source", (Problem(pointer="/source", detail=_FOREIGN),)))


_FOREIGN = (
    "The account that this came from may not speak for this source: see `instroom integrator list`. A source that is an"
    " account's own takes the AMQP property user_id, set to that account, on every message."
)


def _decide_one(message: Received, inbox: Mapping[str, str], loaded: Loaded, now: datetime, verdict: Verdict) -> None:
    key = message.key
    if key is not None:
        earlier = verdict.spent[key].digest if key in verdict.spent else inbox.get(key)
        if earlier is not None:
            _repeated(message, earlier, verdict)
            return
    if message.defect is not None:
        _failed(message, message.defect, verdict)
        return
    if isinstance(message.event, InvalidEvent):
        _refuse(message, message.event, verdict)
        return
    _handle(message, message.event, loaded, now, verdict)


def _repeated(message: Received, earlier: str, verdict: Verdict) -> None:
    """Leave a repeated message alone; hold it where its data differs from the first one's."""
    if message.digest == earlier:
        verdict.duplicates += 1
        return
    detail = "This id was used before with other data. Send the request again under a new id."
    verdict.held.append(Held(message, "id-reused", (Problem(pointer="/id", detail=detail),)))


def _refuse(message: Received, invalid: InvalidEvent, verdict: Verdict) -> None:
    """Hold an invalid message and answer it where its sender can be told; its id is spent."""
    verdict.held.append(Held(message, invalid.reason, invalid.problems))
    if message.key is None:
        return
    verdict.spend(message.key, message)
    if message.hears.refusal:
        _tell(message, message.hears.refusal(invalid), verdict)


def _handle(message: Received, event: CloudEvent[Any], loaded: Loaded, now: datetime, verdict: Verdict) -> None:
    """Let the handler decide; its changes count only when it came to an end."""
    documents = Documents(loaded, verdict.changes)
    try:
        tells = message.hears.handler(event, documents, now)
    except NotLoaded:
        raise
    except Exception as error:  # noqa: BLE001  whatever a handler's defect is, it concerns this message alone
        _failed(message, type(error).__name__, verdict)
        return
    verdict.changes.update(documents.changes)
    verdict.spend(f"{event.source} {event.id}", message)
    _tell(message, tells, verdict)


def _failed(message: Received, error: str, verdict: Verdict) -> None:
    """Hold a message that Instroom itself fails on; its id stays free, so that it can be replayed as it is."""
    detail = f"Instroom failed on this message ({error}). Nothing was decided: once that is mended, replay it."
    verdict.held.append(Held(message, "failed", (Problem(pointer="", detail=detail),)))


def _tell(message: Received, tells: Sequence[Tell], verdict: Verdict) -> None:
    verdict.told.extend(Told(tell, message, number) for number, tell in enumerate(tells))


def cause_of(message: Received) -> Cause:
    """Return the intake event that this message goes back to: the one it names, else itself.

    What comes from outside is such an event: whatever it names, its answer is its sender's and nobody else's.
    """
    event = message.event
    if message.is_from_outside or isinstance(event, InvalidEvent):
        return Cause(event.id or "", event.source or "", event.traceparent)
    return goes_back_to(event)

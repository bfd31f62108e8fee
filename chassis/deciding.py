"""Deciding a batch in memory: one message after the other, each seeing what those before it changed.

Nothing here reads or writes. `foresee` says what a batch will need. `decide` either returns the whole verdict on it or
what it lacks all the same; it may be called again with more, since deciding has no effects.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from chassis.allowances import Allowance
from chassis.cooperative import cooperatively
from chassis.documents import Documents, Kind, Loaded, Need, NotLoaded
from chassis.handling import Handler, Hears, Tell
from chassis.replies import DECIDED, UNDER_WAY
from chassis.senders import ALL_SENDERS, Admission, Senders
from chassis.topology import UNROUTED
from instroom_contracts.cloudevent import CloudEvent, InvalidEvent, Problem
from instroom_contracts.digest import MOST_BYTES
from instroom_contracts.origin import Origin, origin_of
from instroom_contracts.topology import EVENTS, INTAKE, TYPES

EVERYBODY = Admission()
APART = timedelta(microseconds=20)
"""How much later each message of a batch is decided than the one before: less than deciding it takes, and enough to
number what one message decides in between."""
FACTS = frozenset(type for type, listed in TYPES.items() if listed.exchange == EVENTS)
FAILED = "failed"
ONE_ECHO = Allowance(1, timedelta(days=1))
"""One of each sender is held, for an operator to see; a day later another one, if it still goes on."""

_ECHO = (
    "This was told by Instroom itself, or is a fact, and came back on the intake. It is not answered, and no more of"
    " this sender's are held today. `instroom integrator list` names what leads facts there."
)
_FOREIGN = (
    "The account that this came from may not speak for this source: see `instroom integrator list`. A source that is an"
    " account's own takes the AMQP property user_id, set to that account, on every message."
)
_REUSED = "This id was used before with other data. Send the request again under a new id."


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
    properties_bytes: int = 0
    """How many bytes its properties took, headers among them: a body may be the least of a message."""
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
    """A message for the quarantine, with the reason; of one that is not `kept` only that it came, and what it was."""

    message: Received
    reason: str
    problems: tuple[Problem, ...]
    kept: bool = True


@dataclass(slots=True)
class Verdict:
    """What one batch comes to: the documents that change, what to tell, what to hold, whose keys are spent.

    `echoes` are messages of our own that came back, `overdrawn` names allowances that were not enough, and whose.
    """

    changes: dict[tuple[Kind[Any], str], Any] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    spent: dict[str, Received] = field(default_factory=dict)
    duplicates: int = 0
    echoes: list[Received] = field(default_factory=list)
    overdrawn: list[tuple[str, str]] = field(default_factory=list)

    def spend(self, key: str, message: Received) -> None:
        """Note that a message is decided, for those that come after it as well."""
        self.spent[key] = message
        self.changes[DECIDED, key] = UNDER_WAY


async def foresee(batch: Sequence[Received], loaded: Loaded) -> frozenset[Need]:
    """Return what deciding these messages will need, as far as can be foreseen, and what `loaded` lacks of it."""
    documents, needs = Documents(loaded), set[Need]()
    async for message in cooperatively(batch):
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
    deciding = _Deciding(inbox, loaded, now, admission, verdict)
    async for message in cooperatively(batch):
        deciding.now += APART
        try:
            deciding.judge(message)
        except NotLoaded as missing:
            needs.update(missing.needs, _foreseen(message, deciding.documents()))
    try:
        deciding.ration()
    except NotLoaded as missing:
        needs.update(missing.needs)
    return frozenset(needs) if needs else verdict


@dataclass(slots=True)
class _Deciding:
    """Adds one message after the other to the verdict on their batch; `now` is the moment of the one at hand."""

    inbox: Mapping[str, str]
    loaded: Loaded
    now: datetime
    admission: Admission
    verdict: Verdict

    def documents(self) -> Documents:
        """Return the documents as the next message sees them."""
        return Documents(self.loaded, self.verdict.changes)

    def judge(self, message: Received) -> None:
        """Decide a message, unless it is an echo or speaks for somebody else."""
        if message.is_from_outside:
            senders = self.documents().get(*ALL_SENDERS) or Senders()
            if is_echo(message.event.type, message.event.source, senders, self.admission):
                self._pass_over(message)
                return
            if not self.admission.admits(senders, message.account, message.event.source):
                self._hold_foreign(message)
                return
        self._decide(message)

    def _take(self, allowance: Allowance, key: str, amount: float = 1) -> bool:
        documents = self.documents()
        is_there = allowance.take(documents, key, self.now, amount)
        self.verdict.changes.update(documents.changes)
        return is_there

    def _pass_over(self, echo: Received) -> None:
        """Count an echo and hold one of each sender: it spends no id, and its answer would come back as well."""
        self.verdict.echoes.append(echo)
        if self._take(ONE_ECHO, f"echo {echo.account or ''} {echo.event.source or ''}"):
            self._hold(echo, "echo", Problem(pointer="/source", detail=_ECHO))

    def _hold_foreign(self, message: Received) -> None:
        """Hold a message that speaks for somebody else: it spends no id and gets no answer, both are that other's."""
        self._hold(message, "foreign-source", Problem(pointer="/source", detail=_FOREIGN))

    def _decide(self, message: Received) -> None:
        key, event = message.key, message.event
        if key is not None:
            earlier = self.verdict.spent[key].digest if key in self.verdict.spent else self.inbox.get(key)
            if earlier is not None:
                self._repeated(message, earlier)
                return
        if message.defect is not None:
            self._failed(message, message.defect)
        elif isinstance(event, InvalidEvent):
            self._refuse(message, event)
        else:
            self._handle(message, event)

    def _repeated(self, message: Received, earlier: str) -> None:
        """Leave a repeated message alone; hold it where its data differs from the first one's, or it is invalid."""
        if message.digest == earlier:
            self.verdict.duplicates += 1
            if isinstance(message.event, InvalidEvent):
                self._hold(message, message.event.reason, *message.event.problems)
        else:
            self._hold(message, "id-reused", Problem(pointer="/id", detail=_REUSED))

    def _refuse(self, message: Received, invalid: InvalidEvent) -> None:
        """Hold an invalid message and answer it where its sender can be told; its id is spent."""
        self._hold(message, invalid.reason, *invalid.problems)
        if message.key is None:
            return
        self.verdict.spend(message.key, message)
        if message.hears.refusal:
            self._tell(message, message.hears.refusal(invalid))

    def _handle(self, message: Received, event: CloudEvent[Any]) -> None:
        """Let the handler decide; its changes count only when it came to an end."""
        documents = self.documents()
        try:
            tells = self._handler_of(message)(event, documents, self.now)
        except NotLoaded:
            raise
        except Exception as error:  # noqa: BLE001  whatever a handler's defect is, it concerns this message alone
            self._failed(message, type(error).__name__)
            return
        self.verdict.changes.update(documents.changes)
        if message.hears.exchange:  # what falls due is done once since its document goes (`chassis.due`)
            self.verdict.spend(f"{event.source} {event.id}", message)
        self._tell(message, tells)

    def _handler_of(self, message: Received) -> Handler:
        """Return who handles a message: somebody else where its account has sent more of its type than it may."""
        hears, account = message.hears, message.account
        if hears.too_often is None or account == self.admission.operator:
            return hears.handler
        if self._take(self.admission.asked, f"asked {account or ''}"):
            return hears.handler
        self.verdict.overdrawn.append(("asked", account or ""))
        return hears.too_often

    def _failed(self, message: Received, error: str) -> None:
        """Hold a message that Instroom itself fails on; its id stays free, so that it can be replayed as it is."""
        detail = f"Instroom failed on this message ({error}). Nothing was decided: once that is mended, replay it."
        self._hold(message, FAILED, Problem(pointer="", detail=detail))

    def _hold(self, message: Received, reason: str, *problems: Problem) -> None:
        self.verdict.held.append(Held(message, reason, problems))

    def ration(self) -> None:
        """Keep no more of an account's messages than it may have us keep; of the others, that they came."""
        for number, held in enumerate(self.verdict.held):
            if not self._may_be_kept(held):
                self.verdict.held[number] = replace(held, kept=False)
                self.verdict.overdrawn.append(("held", held.message.account or ""))

    def _may_be_kept(self, held: Held) -> bool:
        message = held.message
        is_due_to_us = held.reason == FAILED or not message.is_from_outside
        return is_due_to_us or self._take(self.admission.held_bytes, f"held {message.account or ''}", weight(message))

    def _tell(self, message: Received, tells: Sequence[Tell]) -> None:
        self.verdict.told.extend(Told(tell, message, number) for number, tell in enumerate(tells))


def weight(message: Received) -> int:
    """Return how many bytes of a message would be kept, as far as that is its sender's choice."""
    return min(len(message.body), MOST_BYTES) + message.properties_bytes


def is_echo(type: str | None, source: str | None, senders: Senders, admission: Admission) -> bool:
    """Tell whether a message on the intake, valid or not, is what we told, or a fact of anybody's.

    Whoever may read facts and publish requests can bind `instroom.events` to `instroom.intake`, have a queue of facts
    dead-letter there, or publish what they hear. Answered, each fact would come back as another one, without end.
    """
    return type in FACTS or admission.is_ours(senders, source)


def goes_back_to(message: Received) -> Origin:
    """Return the intake event that this message goes back to: the one it names, else itself.

    What comes from outside is such an event: whatever it names, its answer is its sender's and nobody else's.
    """
    event = message.event
    if message.is_from_outside or isinstance(event, InvalidEvent):
        return Origin(event.id or "", event.source or "", event.traceparent)
    return origin_of(event)

"""What is asked of a publisher, judged by what it sent: pure rules, one for each thing that is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from instroom_checking.traffic import Sent, Traffic
from instroom_checking.verdict import Finding, hint, judged, not_ok, not_seen, ok
from instroom_contracts import topology
from instroom_contracts.amqp import unreadable
from instroom_contracts.cloudevent import STRUCTURED, CloudEvent, EventData, InvalidEvent, Problem, decode
from instroom_contracts.modes import is_structured

PERSISTENT = 2
INTAKE_TYPES = {type: listed.model for type, listed in topology.TYPES.items() if listed.exchange == topology.INTAKE}
ANSWERS = ("enrolment-confirmed", "enrolment-queued", "enrolment-rejected")


@dataclass(frozen=True)
class Request:
    """A message on the intake, and what Instroom reads in it: an event, or what is wrong with it."""

    number: int
    sent: Sent

    @cached_property
    def read(self) -> CloudEvent[Any] | InvalidEvent:
        """Read it as Instroom would."""
        sent = self.sent
        model = INTAKE_TYPES.get(sent.routing_key)
        if model is None:
            detail = f"Instroom hears no type '{sent.routing_key}': publish under the event's type."
            return InvalidEvent("unknown-type", (Problem("/type", detail),))
        event, lost = _event_in(sent, model), sent.properties.lost
        return unreadable(event, lost) if lost else event

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return what is wrong with the event."""
        return self.read.problems if isinstance(self.read, InvalidEvent) else ()

    @property
    def key(self) -> tuple[str, str] | None:
        """Return its source and id, where both can be read."""
        return (self.read.source, self.read.id) if self.read.source and self.read.id else None

    @property
    def label(self) -> str:
        """Name it to people."""
        return f"message {self.number}{f' (id {self.read.id})' if self.read.id else ''}"


@dataclass(frozen=True)
class Published:
    """All that a publisher did, and what was done to it: `interrupted` is the message whose confirm was withheld."""

    traffic: Traffic
    account: str = ""
    sources: Sequence[str] = ()
    interrupted: Sent | None = None
    without_interruption: bool = False
    ended_with: int | None = None
    answers: Mapping[str, Request] = field(default_factory=dict)

    @cached_property
    def requests(self) -> list[Request]:
        """Return the messages on the intake, in the order in which they came."""
        sent = [one for one in self.traffic.sent if one.exchange == topology.INTAKE]
        return [Request(number, one) for number, one in enumerate(sent, 1)]

    def complaints(self, rule: Callable[[Request], str]) -> list[str]:
        """Return what a rule says of each message that breaks it."""
        return [f"{request.label}: {said}" for request in self.requests if (said := rule(request))]


def _event_in(sent: Sent, model: type[EventData]) -> CloudEvent[Any] | InvalidEvent:
    try:
        return decode(sent.body, model=model, content_type=sent.properties.get("content_type"), headers=sent.headers)
    except InvalidEvent as invalid:
        return invalid


def judge_publisher(published: Published) -> list[Finding]:
    """Judge a publisher by every rule; one that published nothing can only be told so."""
    if not published.requests:
        said = [f"The broker refused: {text}." for text in dict.fromkeys(published.traffic.refusals)]
        said += [f"The command ended with code {published.ended_with}."] if published.ended_with is not None else []
        came = f"{published.traffic.connections} connections" if published.traffic.connections else "no connection"
        return [not_ok("publishes", f"Nothing came on {topology.INTAKE}, over {came}.", *said)]
    return [rule(published) for rule in _RULES]


def _arrives(published: Published) -> Finding:
    traffic = published.traffic
    elsewhere = {sent.exchange for sent in traffic.sent if not sent.exchange.startswith(("instroom.", "int."))}
    complaints = [f"The broker refused: {text}." for text in traffic.refusals]
    complaints += [
        f"{name or 'the default exchange'}: your account may publish to {topology.INTAKE} alone." for name in elsewhere
    ]
    complaints += _declarations(traffic)
    count = len(published.requests)
    return judged("publishes", complaints, f"{count} messages on {topology.INTAKE}, {traffic.connections} connections")


def _declarations(traffic: Traffic) -> list[str]:
    ours = (name for name in traffic.declared_exchanges if name.startswith("instroom."))
    why = "your account may not, and the broker would refuse it. Look it up passively, or not at all"
    return [f"{name} is declared: {why}." for name in ours]


def _confirms(published: Published) -> Finding:
    unasked = published.complaints(
        lambda one: (
            "" if one.sent.confirms else "not to be confirmed. Put the channel in confirm mode (confirm.select)."
        )
    )
    left = [one for one in published.requests if one.sent in published.traffic.left_unconfirmed]
    hasty = [f"{one.label}: you left before the broker confirmed it. Wait for the confirm." for one in left]
    return judged("publisher confirms", unasked + hasty)


def _mandatory(published: Published) -> Finding:
    rule = "not mandatory: where no queue takes it, it would be lost without a word. Set the flag mandatory."
    return judged("mandatory", published.complaints(lambda one: "" if one.sent.mandatory else rule))


def _persistent(published: Published) -> Finding:
    return judged("persistent", published.complaints(_perishes))


def _perishes(one: Request) -> str:
    """Say how a message may be lost after the broker has confirmed it."""
    if one.sent.properties.get("delivery_mode") != PERSISTENT:
        return "not persistent: it may be lost when the broker restarts. Set delivery_mode to 2."
    if one.sent.properties.get("expiration"):
        return (
            "with an expiration: while Instroom is busy or away it expires, undecided and unanswered, and lies among"
            " the dead letters. Leave the property expiration out."
        )
    return ""


def _content_type(published: Published) -> Finding:
    kinds = {one.sent.properties.get("content_type") for one in published.requests}
    if all(is_structured(kind) for kind in kinds):
        return ok("content type", STRUCTURED)
    mistaken = published.complaints(_mistakes_the_mode)
    if mistaken:
        return not_ok("content type", *mistaken)
    return hint("content type", f"Binary mode, which is accepted; {STRUCTURED} is what Instroom itself sends.")


def _mistakes_the_mode(request: Request) -> str:
    """Tell a message that is meant to be in structured mode and does not say so."""
    kind = request.sent.properties.get("content_type")
    if is_structured(kind) or any(name.lower().startswith(("ce-", "cloudevents")) for name in request.sent.headers):
        return ""
    return f"'{kind or ''}' makes it binary mode, and its headers hold no event. Set content_type to {STRUCTURED}."


def _envelope(published: Published) -> Finding:
    return judged("envelope", _problems(published, lambda pointer: not pointer.startswith("/data")), "CloudEvents 1.0")


def _schema(published: Published) -> Finding:
    complaints = _problems(published, lambda pointer: pointer.startswith("/data"))
    unread = [one for one in published.requests if one.problems and not _reaches_data(one)]
    if not complaints and len(unread) == len(published.requests):
        return not_seen("data", "No message could be read so far that its data can be judged: mend the envelope first.")
    kinds = sorted(
        {topology.TYPES[one.sent.routing_key].model.__name__ for one in published.requests if not one.problems}
    )
    return judged("data", complaints, ", ".join(kinds))


def _reaches_data(request: Request) -> bool:
    """Tell whether a refusal looked at the data; what is no event at all is refused before that."""
    read = request.read
    is_event = isinstance(read, InvalidEvent) and read.reason == "invalid-event"
    return is_event and any(problem.pointer not in {"", "/type"} for problem in request.problems)


def _problems(published: Published, belongs: Callable[[str], bool]) -> list[str]:
    return [
        f"{one.label}: {problem.pointer or 'the whole'}: {problem.detail}"
        for one in published.requests
        for problem in one.problems
        if belongs(problem.pointer)
    ]


def _properties(published: Published) -> Finding:
    wrong, missing = [], set()
    for one in published.requests:
        for name, meant in (("message_id", one.read.id), ("type", one.read.type)):
            found = one.sent.properties.get("message_type" if name == "type" else name)
            if not found:
                missing.add(name)
            elif meant and found != meant:
                wrong.append(f"{one.label}: the property {name} is not the event's: make them the same.")
    if wrong or not missing:
        return judged("message_id and type", wrong, "as the event has them")
    return hint("message_id and type", f"Without {' and '.join(sorted(missing))}: set them to the event's id and type.")


def _sender(published: Published) -> Finding:
    """Judge who speaks for whom; whether an account has sources of its own is not for its owner's eyes to see."""
    what = "source and user_id"
    if not published.sources:
        unnamed = (
            ""
            if all(one.sent.properties.get("user_id") for one in published.requests)
            else " Messages came without user_id."
        )
        return not_seen(
            what,
            "Whether your account has sources of its own does not show here: name them with --source."
            f" Where it has, a message without user_id is held and never answered.{unnamed}",
        )
    foreign = published.complaints(
        lambda one: "" if one.read.source in {None, *published.sources} else "its source is not one of --source."
    )
    rule = f"without user_id: it would be held and never answered. Set the property user_id to {published.account}."
    return judged(what, foreign + published.complaints(lambda one: "" if one.sent.properties.get("user_id") else rule))


def _ids(published: Published) -> Finding:
    """Judge ids: one for one request, and another for another."""
    first: dict[tuple[str, str], Request] = {}
    by_digest: dict[str, Request] = {}
    complaints = []
    for one in published.requests:
        if one.key is None:
            continue
        before = first.setdefault(one.key, one)
        if before.sent.digest != one.sent.digest:
            complaints.append(
                f"{one.label}: the id of message {before.number} with other data; the first stands, and this one would"
                " be quarantined as id-reused. Give every request an id of its own."
            )
        same = by_digest.setdefault(one.sent.digest, one)
        if same.key != one.key and same.sent is not published.interrupted:
            complaints.append(
                f"{one.label}: the same data as message {same.number} under another id, so it would be another request."
                " Send the same event again, with its id."
            )
    if not first:
        return not_seen("idempotency, ids", "No message had an id and a source that could be read.")
    return judged("idempotency, ids", complaints, f"{len(first)} ids for {len(published.requests)} messages")


def _sent_again(published: Published) -> Finding:
    what = "idempotency, sent again after a lost confirm"
    lost = published.interrupted
    if published.without_interruption:
        return not_seen(what, "It was not tried, as you asked for.")
    if lost is None:
        return not_seen(what, "It was not tried: no valid message came on a channel with confirms.")
    request = next(one for one in published.requests if one.sent is lost)
    later = published.requests[request.number :]
    if any(one.key == request.key and one.sent.digest == lost.digest for one in later):
        return ok(what, "the same id and data")
    renamed = next((one for one in later if one.sent.digest == lost.digest), None)
    if renamed is not None:
        return not_ok(
            what,
            f"{request.label} got no confirm, since the connection broke, and {renamed.label} is the same request under"
            " a new id. Keep an event until it is confirmed, and send it again as it was.",
        )
    return not_ok(
        what,
        f"{request.label} got no confirm, since the connection broke, and it did not come again. Keep an event until it"
        " is confirmed: connect again, and send it again as it was.",
    )


def _answers(published: Published) -> Finding:
    """Judge whether a publisher of enrolments listens for every answer that may come."""
    what = "hears its answers"
    asks = any(one.sent.routing_key == "nl.enrolments.enrolment-requested.v1" for one in published.requests)
    keys = [key for _, key in published.traffic.bindings]
    if not asks or not keys:
        return not_seen(what, "It bound no queue to instroom.events; another system of yours may listen, or none does.")
    deaf = [name for name in ANSWERS if not any(matches(key, f"nl.enrolments.{name}.v1") for key in keys)]
    if deaf:
        return not_ok(what, f"No queue is bound for {', '.join(deaf)}: any of the three may be the answer.")
    told = [id for id in published.answers if published.traffic.outcomes(id)]
    if not told:
        return not_seen(what, "Queues are bound for all three, and no answer was taken from them.")
    unsettled = [id for id in told if not published.traffic.is_settled(id)]
    if unsettled:
        return not_ok(what, f"{len(unsettled)} of {len(told)} answers were taken and never acknowledged.")
    return ok(what, f"taken {len(told)}, each told twice")


def matches(pattern: str, key: str) -> bool:
    """Tell whether a binding's pattern takes a routing key: `*` is one word, `#` any number (AMQP 0-9-1, 3.1.3.3)."""
    return _matches(pattern.split("."), key.split("."))


def _matches(pattern: Sequence[str], words: Sequence[str]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(_matches(pattern[1:], words[taken:]) for taken in range(len(words) + 1))
    return bool(words) and pattern[0] in {"*", words[0]} and _matches(pattern[1:], words[1:])


_RULES = (
    _arrives,
    _confirms,
    _mandatory,
    _persistent,
    _content_type,
    _envelope,
    _schema,
    _properties,
    _sender,
    _ids,
    _sent_again,
    _answers,
)

"""A dialogue with a service: publish requests, show each answer as it comes, and return the worst outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.asking import ask
from cli.facts import Fact, saying
from cli.terminal import remark, show, show_json
from cli.trouble import Exit
from instroom_contracts.cloudevent import CloudEvent

OUTCOMES: Mapping[str, tuple[str, Exit]] = {
    "enrolment-confirmed": ("confirmed", Exit.FINE),
    "enrolment-queued": ("queued", Exit.QUEUED),
    "enrolment-rejected": ("rejected", Exit.REJECTED),
    "enrolment-cancelled": ("cancelled", Exit.FINE),
    "place-released": ("released", Exit.FINE),
    "edition-published": ("published", Exit.FINE),
    "request-accepted": ("accepted", Exit.FINE),
    "request-refused": ("refused", Exit.REJECTED),
}
NO_ANSWER = ("no answer", Exit.NO_ANSWER)
HINT = """\
The request itself is safe with RabbitMQ. Either the services are down (`instroom status`), or an event with this id was
sent before: then it was answered then, and `instroom answer ID` has that told again."""


@dataclass(frozen=True)
class Labelled:
    """A request, and how the person who typed it finds it again: its line in the file."""

    label: str
    event: CloudEvent[Any]


async def converse(url: str, requests: Sequence[Labelled], timeout_s: float, *, as_json: bool) -> Exit:
    """Publish requests, show each answer as it comes, and return the worst outcome."""
    labels = iter(requests)
    counts: Counter[str] = Counter()
    worst = Exit.FINE
    async for event, answer in ask(url, [request.event for request in requests], timeout_s):
        outcome, code = OUTCOMES[answer.name] if answer else NO_ANSWER
        _show(next(labels).label, event, outcome, answer, as_json=as_json)
        counts[outcome] += 1
        worst = max(worst, code)
    if len(requests) > 1:
        remark(", ".join(f"{count} {outcome}" for outcome, count in counts.most_common()))
    if worst == Exit.NO_ANSWER:
        remark(f"No answer within {timeout_s:g} s. {HINT}")
    return worst


def _show(label: str, event: CloudEvent[Any], outcome: str, answer: Fact | None, *, as_json: bool) -> None:
    if as_json:
        told = answer.event if answer else None
        return show_json({"id": event.id, "source": event.source, "outcome": outcome, "answer": told})
    words = [label, f"{outcome:<9}", answer.edition if answer else "", saying(answer) if answer else ""]
    return show("  ".join([*(word for word in words if word), f"(request {event.id})"]))

"""Playing the story against a running stack, as other systems would."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from demo.integrator import Integrator
from demo.story import AMSTERDAM, NOORD, SPRING_2021, WEBSITE, Step, story
from instroom_contracts.cloudevent import new_event
from instroom_contracts.intake import EnrolmentCancellationRequested

PAUSE_S = 0.01
"""Between two messages of one system: about a hundred a second, so that a person can watch."""
PATIENCE_S = 30.0
CANCELLED = 9


@dataclass(frozen=True)
class Act:
    """What was sent: the ids of requests that must be answered once each, and how many messages there were."""

    requests: frozenset[str]
    messages: int


async def enrol(world: Integrator, steps: Iterable[Step], sent: Callable[[], None]) -> Act:
    """Send these messages and wait until every request has its answer."""
    requests, messages = set(), 0
    for step in steps:
        if step.id and step.id not in world.sent:
            requests.add(step.id)
        await world.send_bytes(step.body, step.routing_key, id=step.id)
        messages += 1
        sent()
        await asyncio.sleep(PAUSE_S)
    await answered(world, requests)
    return Act(frozenset(requests), messages)


async def answered(world: Integrator, requests: Iterable[str]) -> None:
    """Wait until each of these requests has an answer, at most as long as the contract allows."""
    waiting = set(requests)
    async with asyncio.timeout(PATIENCE_S):
        while waiting := {request for request in waiting if world.answer_to(request) is None}:
            world.heard.clear()
            await world.heard.wait()


async def first_act(world: Integrator, sent: Callable[[], None]) -> Act:
    """Let everybody enrol."""
    return await enrol(world, story(), sent)


async def second_act(world: Integrator, sent: Callable[[], None]) -> Act:
    """Cancel some confirmed enrolments of a full edition, one of them twice and one by a stranger."""
    confirmed = [
        fact["data"]["enrolmentId"]
        for fact in world.facts
        if fact["kind"] == "enrolment-confirmed" and fact["data"]["editionId"] == NOORD
    ][:CANCELLED]
    times = SPRING_2021 + timedelta(days=4)
    events = [
        new_event(
            EnrolmentCancellationRequested(enrolment_id=enrolment),
            source="urn:nld:oin:00000001823288444000:systeem:stranger" if number == 0 else WEBSITE.source,
            id=f"cancel-{number}",
            time=times.astimezone(AMSTERDAM) + timedelta(minutes=number),
        )
        for number, enrolment in enumerate([confirmed[0], *confirmed, confirmed[-1]])
    ]
    for event in events:
        await world.send(event)
        sent()
        await asyncio.sleep(PAUSE_S)
    return Act(frozenset(event.id for event in events), len(events))

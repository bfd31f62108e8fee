"""Playing the story against a running stack, as other systems would."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta

from demo.integrator import Integrator
from demo.story import AMSTERDAM, NOORD, SPRING_2021, WEBSITE, Step, story
from instroom_contracts.cloudevent import new_event
from instroom_contracts.intake import EnrolmentCancellationRequested

PAUSE_S = 0.01
"""Between two messages of one system: about a hundred a second, so that a person can watch."""
PATIENCE_S = 30.0
CANCELLED = 9


async def enrol(world: Integrator, steps: Iterable[Step], sent: Callable[[], None]) -> None:
    """Send these messages and wait until every request has its answer."""
    requests = set()
    for step in steps:
        if step.id and step.id not in world.sent:
            requests.add(step.id)
        await world.send_bytes(step.body, step.routing_key, id=step.id)
        sent()
        await asyncio.sleep(PAUSE_S)
    await heard_of(world, requests)


async def heard_of(world: Integrator, requests: Iterable[str]) -> None:
    """Wait until each of these requests has led to a fact, at most as long as the contract allows."""
    wanted = set(requests)
    async with asyncio.timeout(PATIENCE_S):
        while not wanted <= world.effects:
            world.heard.clear()
            await world.heard.wait()


async def first_act(world: Integrator, sent: Callable[[], None]) -> None:
    """Let everybody enrol."""
    await enrol(world, story(), sent)


async def second_act(world: Integrator, sent: Callable[[], None]) -> None:
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
    await heard_of(world, (event.id for event in events))

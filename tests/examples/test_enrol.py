"""The example that asks for a place: one request, decided, its answer printed."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from aio_pika.abc import AbstractIncomingMessage

from instroom_contracts.topology import INTAKE
from tests.e2e.world import World
from tests.examples.programs import Language
from tests.support.eventually import eventually


async def enrol(language: Language, world: World, email: str, folder: Path) -> tuple[str, str]:
    """Run the example; return the request's id and what was printed after it."""
    url = world.place.rabbitmq_url_of("integrator")
    printed = await asyncio.to_thread(
        language.program("enrol").run, url, "Kim Bakker", f"{language.name}-{email}", folder=folder
    )
    found = re.match(r"request (\S+)\n", printed)
    assert found, printed
    return found[1], printed[found.end() :]


async def test_a_request_is_decided_and_its_answer_printed(language: Language, world: World, folder: Path) -> None:
    """The first thing that an integrator sees work."""
    request, printed = await enrol(language, world, "kim@example.org", folder)
    (answer,) = await world.answered([request])
    assert answer["kind"] == "enrolment-confirmed"
    assert answer["data"]["enrolmentId"] in printed
    assert "confirmed" in printed


async def test_a_refusal_is_told_with_its_reason(language: Language, world: World, folder: Path) -> None:
    """Whoever has a place gets no second one, and reads why."""
    await enrol(language, world, "twice@example.org", folder)
    _, printed = await enrol(language, world, "twice@example.org", folder)
    assert "already-enrolled" in printed


async def test_a_request_travels_as_the_contract_says(language: Language, world: World, folder: Path) -> None:
    """Persistent, and in the sender's own name: what copies of the example should keep."""
    heard: list[AbstractIncomingMessage] = []
    async with world.connection.channel() as channel:
        queue = await channel.declare_queue("", exclusive=True)
        await queue.bind(INTAKE, "#")
        await queue.consume(heard.append, no_ack=True)
        request, _ = await enrol(language, world, "wire@example.org", folder)
        await eventually(lambda: len(heard) > 0)
    (message,) = heard
    assert (message.message_id, message.delivery_mode) == (request, 2)
    assert (message.content_type, message.user_id) == (
        "application/cloudevents+json",
        f"{world.place.name}.integrator",
    )

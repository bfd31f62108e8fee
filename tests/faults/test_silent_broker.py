"""A broker that takes connections and says nothing, as a machine that hangs does; another would be there."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest
from yarl import URL

from tests.support.eventually import eventually
from tests.support.gate import open_gate
from tests.support.place import Place
from tests.support.running import running


async def silenced(place: Place, *, without: str | None = None) -> None:
    """Let a service lose its connections, and connect to silence once before it finds a broker that answers."""
    url = URL(place.rabbitmq_url_of("enrolment"))
    assert url.host
    assert url.port
    async with open_gate(url.host, url.port) as (gate, port):
        through = str(url.with_host("127.0.0.1").with_port(port).with_query(heartbeat=10))
        life = ExitStack()  # in threads: the gate needs this one
        service_at_work = running(place, "enrolment", settings={"RABBITMQ_URL": through}, without=without)
        (service,) = await asyncio.to_thread(life.enter_context, service_at_work)
        try:
            cut = gate.hold()
            await eventually(lambda: gate.held >= cut)  # the consumers' among them
            gate.let_through()
            await eventually(service.ready, within=20)
        finally:
            await asyncio.to_thread(life.close)


async def test_a_service_leaves_a_broker_that_says_nothing(place: Place) -> None:
    """In a cluster it would wait for the one that hangs, beside two that work."""
    await silenced(place)


async def test_without_hurry_it_waits_for_ever(place: Place) -> None:
    """Switched off, the guard of the test above is missed."""
    with pytest.raises(AssertionError):
        await silenced(place, without="hurry")

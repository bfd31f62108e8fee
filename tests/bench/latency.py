"""Latency: from the moment a request is due to be published to the moment its answer has arrived.

Requests are offered at a steady rate whatever the answers do (an open loop), by this process, which also reads the
answers; so one clock tells both times, and a request that is sent late counts from when it was due.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from statistics import quantiles

from aiormq.abc import DeliveredMessage

from instroom_contracts import topology as names
from instroom_contracts.cloudevent import Wire, type_of
from tests.bench import layout
from tests.bench.broker import Broker, connected
from tests.bench.messages import requests
from tests.bench.processes import running
from tests.bench.stage import Stage

WARM_UP_S = 1.0
STEADY_S = 8.0

Percentiles = dict[str, float]
"""Milliseconds by `p50`, `p95` and `p99`."""


class Load:
    """Publishes requests and notes when each was due and when it was answered."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._due: dict[str, float] = {}
        self.took_ms: list[float] = []

    async def listen(self) -> None:
        """Read every answer, in a queue that goes with this connection."""
        channel = self._broker.channel
        queue = (await channel.queue_declare(exclusive=True, auto_delete=True)).queue or ""
        for model in layout.ANSWERING:
            await channel.queue_bind(queue, names.EVENTS, type_of(model))
        await channel.basic_consume(queue, self._answered, no_ack=True)

    async def offer(self, wires: Sequence[Wire], per_second: float) -> None:
        """Publish all of these at this rate, each when it is due."""
        begin = time.perf_counter()
        for number, wire in enumerate(wires):
            due = begin + number / per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            self._due[wire.message_id] = due
            await self._broker.publish(wire, names.INTAKE)

    def all_answered(self) -> bool:
        """Tell whether nothing that was published lacks its answer."""
        return not self._due

    async def _answered(self, message: DeliveredMessage) -> None:
        due = self._due.pop(message.header.properties.correlation_id or "", None)
        if due is not None:
            self.took_ms.append((time.perf_counter() - due) * 1000)


async def measure(stage: Stage, edition_ids: Sequence[str], per_second: float) -> Percentiles:
    """Return how long answers take at this rate of requests for these editions, after a second to warm up."""
    program = stage.service("enrolment")
    await stage.broker.empty(program.queue)
    async with connected(stage.place.rabbitmq_url) as line:
        load = Load(line)
        await load.listen()
        with running(program, stage.folder) as process:
            await stage.until_ready(process)
            for seconds in (WARM_UP_S, STEADY_S):
                load.took_ms.clear()
                await load.offer(list(requests().copies(int(per_second * seconds), edition_ids)), per_second)
                await process.until(load.all_answered)
    return percentiles(load.took_ms)


def percentiles(milliseconds: Sequence[float]) -> Percentiles:
    """Return the percentiles that are reported."""
    hundredths = quantiles(milliseconds, n=100)
    return {f"p{part}": hundredths[part - 1] for part in (50, 95, 99)}

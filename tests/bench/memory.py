"""Memory: the most that each service has resident while 100,000 messages wait in its main intake queue and it works."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from tests.bench.broker import Broker
from tests.bench.messages import Batch
from tests.bench.processes import Process, Program, running

WORKING_S = 5.0


async def peaks_mib(broker: Broker, waiting: Mapping[Program, Batch], logs: Path) -> dict[str, float]:
    """Return each service's peak memory in MiB, after all have worked on their messages for five seconds."""
    for program, batch in waiting.items():
        await broker.fill(program.queue, batch)
    with ExitStack() as stack:
        processes = [stack.enter_context(running(program, logs)) for program in waiting]
        for process in processes:
            await _until_begun(broker, process, waiting[process.program].count)
        await asyncio.sleep(WORKING_S)
        for process in processes:
            process.ensure_alive()
        return {process.program.name: process.peak_rss_mib() for process in processes}


async def _until_begun(broker: Broker, process: Process, count: int) -> None:
    async def begun() -> bool:
        return await broker.depth(process.program.queue) < count

    await process.until(begun)

"""Throughput: how many requests per second one process decides while its queue is never empty.

The queue is filled first, then the process is started. Answers gather in a queue of their own whose depth is read
every 50 ms, which costs the two sides nothing. The rate is taken between the first 5 % and the first 95 % of the
answers, so that neither the start of Python nor the last half-empty batch counts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.broker import Broker
from tests.bench.layout import COUNTED
from tests.bench.messages import Batch
from tests.bench.processes import Process, Program, running

PERIOD_S = 0.05
STALLED_S = 30.0
FROM, TO = 0.05, 0.95

Sample = tuple[float, int]
"""A moment (seconds) and the number of answers by then."""


async def measure(broker: Broker, program: Program, batch: Batch, logs: Path, *, profile: Path | None = None) -> float:
    """Return how many of these requests the program answers per second."""
    await broker.empty(COUNTED)
    await broker.fill(program.queue, batch)
    with running(program, logs, profile=profile) as process:
        return rate(await watch(broker, process, batch.count), batch.count)


async def watch(broker: Broker, process: Process, count: int) -> list[Sample]:
    """Count answers until all are there; raise `Ended` where they stop coming."""
    samples: list[Sample] = [(time.perf_counter(), 0)]
    moved = samples[0][0]
    while samples[-1][1] < count:
        await asyncio.sleep(PERIOD_S)
        process.ensure_alive()
        now, answers = time.perf_counter(), await broker.depth(COUNTED)
        moved = now if answers > samples[-1][1] else moved
        samples.append((now, answers))
        if now - moved > STALLED_S:
            process.fail(f"gave {answers} of {count} answers and then none for {STALLED_S:.0f} s")
    return samples


def rate(samples: Sequence[Sample], count: int) -> float:
    """Return answers per second between the first samples that reach 5 % and 95 % of `count`."""
    (begin, before), (end, after) = (
        next(sample for sample in samples if sample[1] >= share * count) for share in (FROM, TO)
    )
    return (after - before) / (end - begin)

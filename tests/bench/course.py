"""The course of a run: editions made known, the measures by turns, then latency, then memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench import latency, layout, memory, messages, throughput
from tests.bench.figures import Figures
from tests.bench.latency import Percentiles
from tests.bench.messages import Batch, Pattern
from tests.bench.processes import Program
from tests.bench.stage import Stage

SPREAD = [f"spread-{number:03d}" for number in range(1, 501)]
SPREAD_SEATS, RUSHED_SEATS = 1000, 20
TEXTBOOK_SHARE = 5
"""The textbook consumer gets so many times fewer requests, since it takes so many times longer over each."""
WAITING = 100_000
"""How many messages wait while memory is measured."""
PATTERNS: dict[str, Callable[[], Pattern]] = {
    "enrolment": messages.requests,
    "notification": messages.invitations,
    "catalog": messages.submissions,
}
"""By service, what waits then."""


@dataclass(frozen=True)
class Course:
    """One run: the stage, how many rounds of the measures, how many requests in each, and whom to tell about it."""

    stage: Stage
    rounds: int
    requests: int
    tell: Callable[[str], None]

    async def run(self) -> Figures:
        """Measure everything."""
        await self.prepare()
        rates = await self._rates()
        halves = {name: median(rates[name]) / 2 for name in ("rush", "spread")}
        latencies = {name: await self._latency(name, per_second) for name, per_second in halves.items()}
        return Figures(rates, latencies, await self._memory())

    async def prepare(self) -> None:
        """Make the editions known and the queues ready."""
        facts = [messages.publication(id, SPREAD_SEATS) for id in SPREAD]
        facts += [messages.publication(_rush(number), RUSHED_SEATS) for number in range(self.rounds + 1)]
        self.tell(f"starting the services, and publishing {len(facts)} editions")
        await self.stage.publish_editions(facts)
        await layout.declare(self.stage.broker.channel)
        self.stage.prepare_textbook(SPREAD)

    async def spread(self, profile: Path | None = None) -> float:
        """Measure the enrolment service over all editions by turns."""
        return await self._rate(self.stage.service("enrolment"), SPREAD, self.requests, profile)

    async def _rates(self) -> dict[str, list[float]]:
        rates: dict[str, list[float]] = defaultdict(list)
        for number in range(1, self.rounds + 1):
            for name, program, edition_ids, count in self._measures(number):
                rates[name].append(await self._rate(program, edition_ids, count))
                self.tell(f"round {number}: {name.replace('_', ' ')} {rates[name][-1]:,.0f} per second")
        return rates

    def _measures(self, number: int) -> Iterator[tuple[str, Program, Sequence[str], int]]:
        """Yield the measures of a round: name, program, editions, number of requests."""
        stage, count = self.stage, self.requests
        yield "bare_loop", stage.reference("bare_loop", layout.BARE_LOOP), SPREAD, count
        yield "spread", stage.service("enrolment"), SPREAD, count
        yield "textbook", stage.reference("textbook", layout.TEXTBOOK), SPREAD, count // TEXTBOOK_SHARE
        yield "rush", stage.service("enrolment"), [_rush(number)], count

    async def _rate(
        self, program: Program, edition_ids: Sequence[str], count: int, profile: Path | None = None
    ) -> float:
        await self.stage.broker.empty(*layout.PRIVATE)
        batch = Batch(messages.requests(), count, edition_ids)
        return await throughput.measure(self.stage.broker, program, batch, self.stage.folder, profile=profile)

    async def _latency(self, name: str, per_second: float) -> Percentiles:
        """Measure latency; the rush of round 0 is kept for it."""
        reached = await latency.measure(self.stage, [_rush(0)] if name == "rush" else SPREAD, per_second)
        self.tell(f"latency: {name} p50 {reached['p50']:.0f} ms at {per_second:,.0f} per second")
        return reached

    async def _memory(self) -> dict[str, float]:
        waiting = {self.stage.service(name): Batch(pattern(), WAITING, SPREAD) for name, pattern in PATTERNS.items()}
        peaks = await memory.peaks_mib(self.stage.broker, waiting, self.stage.folder)
        self.tell("memory: " + ", ".join(f"{name} {mib:.0f} MiB" for name, mib in peaks.items()))
        return peaks


def _rush(number: int) -> str:
    """Return the edition of one rush; each has its own, so that each begins with free seats."""
    return f"rush-{number:05d}"

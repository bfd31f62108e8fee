"""Watching a big decision: how fast it goes on, how long others wait for an answer meanwhile, and what it takes.

With INSTROOM_TEST_FIGURES=FILE what was seen is added to that file (JSON), by the name of the decision.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any

from deploy.web import page
from tests.bench.processes import peak_rss_mib
from tests.support.eventually import eventually
from tests.support.running import IMAGE, ServiceProcess

FIGURES = os.environ.get("INSTROOM_TEST_FIGURES")

COMMITS = re.compile(r'^instroom_commit_seconds_bucket\{le="(.*)"\} (\S+)$', re.MULTILINE)

Count = Callable[[], Awaitable[int]]
Mark = tuple[float, int]
"""When so many were done."""


@dataclass
class Watch:
    """What is seen of one decision; each stretch of it ends where a service is killed, or where it is done."""

    name: str
    services: Sequence[ServiceProcess]
    _stretches: list[list[Mark]] = field(default_factory=list)
    _peaks_mib: dict[str, float] = field(default_factory=dict)
    _commits: Counter[str] = field(default_factory=Counter)

    async def until(self, done: Count, number: int, *, within: float) -> None:
        """Wait until so many are done."""
        marks: list[Mark] = []
        self._stretches.append(marks)

        async def enough() -> bool:
            marks.append((time.perf_counter(), await done()))
            return marks[-1][1] >= number

        await eventually(enough, within=within)

    async def kill(self, service: ServiceProcess) -> None:
        """Kill a service and start it again."""
        await asyncio.to_thread(self._look, service)
        service.kill()
        await asyncio.to_thread(service.start)

    async def over(self, others_s: Sequence[float]) -> None:
        """Add up what was seen; `others_s` is how long each of the others waited for an answer, in seconds."""
        for service in self.services:
            await asyncio.to_thread(self._look, service)
        seen = {
            "seconds": round(self._stretches[-1][-1][0] - self._stretches[0][0][0], 1),
            "per_second": [_pace(marks) for marks in self._stretches],
            "began_after_s": [_began_after(marks) for marks in self._stretches],
            "others_ms": _percentiles([1000 * seconds for seconds in others_s]),
            "commits_within_s": _buckets(self._commits),
            "peak_rss_mib": self._peaks_mib,
        }
        if FIGURES:
            await asyncio.to_thread(_add, Path(FIGURES), self.name, seen)

    def _look(self, service: ServiceProcess) -> None:
        """See what a process took so far: of what it takes after this, nothing is known."""
        pid = service.daemon.pid()
        if pid is not None and not IMAGE:
            peak = round(peak_rss_mib(pid))
            self._peaks_mib[service.service] = max(peak, self._peaks_mib.get(service.service, 0))
        for most, count in COMMITS.findall(page(f"{service.url}/metrics").decode()):
            self._commits[f"{service.service} {most}"] += int(float(count))


def _pace(marks: Sequence[Mark]) -> float:
    """Return how many were done a second, once the first were."""
    going = [mark for mark in marks if mark[1] > marks[0][1]] or marks[:1]
    (began, first), (ended, last) = going[0], going[-1]
    return round((last - first) / (ended - began)) if ended > began else 0


def _began_after(marks: Sequence[Mark]) -> float:
    """Return how long it took until the first were done."""
    return round(next((at for at, count in marks if count > marks[0][1]), marks[-1][0]) - marks[0][0], 1)


def _percentiles(ms: Sequence[float]) -> dict[str, float]:
    if len(ms) < 2:
        return {"count": len(ms)}
    hundredths = quantiles(ms, n=100, method="inclusive")
    return {"count": len(ms), "p50": round(hundredths[49]), "p95": round(hundredths[94]), "max": round(max(ms))}


def _buckets(commits: Counter[str]) -> dict[str, int]:
    """Return how many commits took up to so many seconds, and longer than the bucket before: each once."""
    seen: dict[str, int] = {}
    before: Counter[str] = Counter()
    for bucket, count in commits.items():
        service = bucket.partition(" ")[0]
        if count > before[service]:
            seen[bucket] = count - before[service]
        before[service] = count
    return seen


def _add(file: Path, name: str, seen: dict[str, Any]) -> None:
    known = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**known, name: seen}, indent=1) + "\n")

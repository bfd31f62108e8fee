"""Run the benchmark: `python -m tests.bench [--rounds N] [--requests N] [--profile]`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time

from rich.console import Console

from tests.bench import figures, hotspots
from tests.bench.course import Course
from tests.bench.processes import ROOT
from tests.bench.stage import open_stage
from tests.support.place import Place, open_place
from tests.support.servers import open_servers

FOLDER = ROOT / "build" / "bench"
RESULT = ROOT / "build" / "bench.json"
PROFILE = FOLDER / "enrolment.prof"
LEAST_REQUESTS = 1000
BEGAN = time.monotonic()

console = Console()


def main() -> None:
    """Measure, show the figures, and write them; exits non-zero only where something could not be measured."""
    options = _options()
    FOLDER.mkdir(parents=True, exist_ok=True)
    _warn_if_busy()
    with open_servers() as servers, open_place(servers) as place:
        asyncio.run(_profile(place, options) if options.profile else _measure(place, options))
    _tell(f"done; logs are in {FOLDER.relative_to(ROOT)}")


def _warn_if_busy() -> None:
    """Say so where others use this machine's cores: their share is missing from every figure."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores / 2:
        _tell(f"this machine is busy (load {load:.1f} on {cores} cores); the figures will be too low")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure speed and memory of Instroom.")
    parser.add_argument("--rounds", type=int, default=2, help="how often each rate is measured (default: 2)")
    parser.add_argument("--requests", type=int, default=10_000, help="requests per measure (default: 10000)")
    parser.add_argument("--profile", action="store_true", help="show where the enrolment service's time goes, instead")
    options = parser.parse_args()
    if options.rounds < 1 or options.requests < LEAST_REQUESTS:
        parser.error(f"there is nothing to measure with fewer than 1 round or {LEAST_REQUESTS} requests")
    return options


async def _measure(place: Place, options: argparse.Namespace) -> None:
    async with open_stage(place, FOLDER) as stage:
        reached = await Course(stage, options.rounds, options.requests, _tell).run()
    text = json.dumps(reached.as_json(), indent=2)
    RESULT.write_text(text + "\n", encoding="utf-8")
    for table in figures.tables(reached):
        console.print(table)
    console.print_json(text)


async def _profile(place: Place, options: argparse.Namespace) -> None:
    async with open_stage(place, FOLDER) as stage:
        course = Course(stage, 0, options.requests, _tell)
        await course.prepare()
        _tell(f"{await course.spread(PROFILE):,.0f} per second under the profiler")
    for table in hotspots.tables(PROFILE):
        console.print(table)


def _tell(text: str) -> None:
    print(f"bench, {time.monotonic() - BEGAN:3.0f} s: {text}", flush=True)


if __name__ == "__main__":
    main()

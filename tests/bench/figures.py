"""The figures: what was measured, what was aimed at, and how both are shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from rich.table import Table

from tests.bench.latency import Percentiles

MEASURES = ("bare_loop", "textbook", "spread", "rush")
RATIOS = (("spread", "bare_loop", 0.6), ("spread", "textbook", 4.0), ("rush", "spread", 0.8))
"""Which rate is compared to which, and what their ratio should be at least."""
MOST_RSS_MIB = 150.0


@dataclass(frozen=True)
class Figures:
    """All that one run measured: rates per second by measure and round, latencies, peak memory by service."""

    rates: Mapping[str, list[float]]
    latency_ms: Mapping[str, Percentiles]
    rss_mib: Mapping[str, float]

    def per_s(self, measure: str) -> float:
        """Return the median of a measure's rounds."""
        return median(self.rates[measure])

    def ratio(self, of: str, to: str) -> float:
        """Return the ratio of two medians."""
        return self.per_s(of) / self.per_s(to)

    def as_json(self) -> dict[str, Any]:
        """Return what goes to `build/bench.json`."""
        return {
            **{f"{measure}_per_s": round(self.per_s(measure)) for measure in MEASURES},
            **{f"ratio_{of}_to_{to.removesuffix('_loop')}": round(self.ratio(of, to), 3) for of, to, _ in RATIOS},
            "latency_ms": {
                load: {name: round(value, 1) for name, value in parts.items()}
                for load, parts in self.latency_ms.items()
            },
            "rss_mib": {service: round(mib, 1) for service, mib in self.rss_mib.items()},
        }

    def targets(self) -> Iterator[tuple[str, str, str, bool]]:
        """Yield each target: its name, what was reached, what was aimed at, and whether it is met."""
        for of, to, least in RATIOS:
            ratio = self.ratio(of, to)
            yield f"{of} / {to}".replace("_", " "), f"{ratio:.2f}", f">= {least}", ratio >= least
        for service, mib in self.rss_mib.items():
            yield f"memory of {service}", f"{mib:.0f} MiB", f"< {MOST_RSS_MIB:.0f} MiB", mib < MOST_RSS_MIB


def tables(figures: Figures) -> Iterator[Table]:
    """Yield the tables for people."""
    speed = Table("measure", "per second", "rounds", title="Requests per second, one process")
    for measure in MEASURES:
        rounds = ", ".join(f"{rate:,.0f}" for rate in figures.rates[measure])
        speed.add_row(measure.replace("_", " "), f"{figures.per_s(measure):,.0f}", rounds)
    yield speed
    latency = Table("load", "p50", "p95", "p99", title="Publish to answer at half that load, milliseconds")
    for load, parts in figures.latency_ms.items():
        latency.add_row(load, *(f"{value:.1f}" for value in parts.values()))
    yield latency
    aims = Table("target", "reached", "aim", "", title="Targets (memory: the peak with 100,000 messages waiting)")
    for name, reached, aim, met in figures.targets():
        aims.add_row(name, reached, aim, "[green]met[/]" if met else "[bold red]MISSED[/]")
    yield aims

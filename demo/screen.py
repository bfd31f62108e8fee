"""What the demonstration shows: progress while it plays, and tables of what came of it."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from demo.integrator import Integrator

SHOWN = ("enrolment-confirmed", "enrolment-queued", "enrolment-rejected", "place-confirmed", "invite-sent")


@contextmanager
def progress(console: Console, title: str, total: int, counts: Counter[str]) -> Iterator[Callable[[], None]]:
    """Show a bar with the facts heard so far beside it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    bars, figures = Progress(*columns, console=console), Text(counted(counts))
    with Live(Group(bars, figures), console=console):
        task = bars.add_task(title, total=total)

        def advance() -> None:
            bars.advance(task)
            figures.plain = counted(counts)

        yield advance
        figures.plain = counted(counts)
    console.print()


def counted(counts: Counter[str]) -> str:
    """Return the counts that matter to an onlooker, in one line."""
    return "heard: " + ", ".join(f"{counts[kind]} {kind.removeprefix('enrolment-')}" for kind in SHOWN)


def sessions(status: Mapping[str, Any]) -> Table:
    """Make the table of seats per session from what `instroom status --json` says."""
    table = Table("session", title="Seats per session", title_justify="left")
    for column in ("capacity", "confirmed", "queued"):
        table.add_column(column, justify="right")
    enrolled = [session for session in status["sessions"] if session["confirmed"] or session["queued"]]
    for edition, rows in groupby(enrolled, key=itemgetter("edition")):
        table.add_section()
        table.add_row(f"[bold]{edition}[/bold]")
        for session in rows:
            capacity = "no limit" if session["capacity"] is None else str(session["capacity"])
            table.add_row(f"  {session['session']}", capacity, str(session["confirmed"]), str(session["queued"]))
    return table


def reasons(world: Integrator) -> Table:
    """Make the table of refusals by reason, each with one of its sentences."""
    table = Table(
        "refused because", "sentence for the participant or the sender", title="Refusals", title_justify="left"
    )
    table.add_column("times", justify="right")
    refusals = [fact["data"] for fact in world.facts if fact["kind"] in {"enrolment-rejected", "request-refused"}]
    sentences = {refusal["reason"]: refusal["detail"] for refusal in refusals}
    for reason, times in Counter(refusal["reason"] for refusal in refusals).most_common():
        table.add_row(reason, sentences[reason], str(times))
    return table


def quarantine(held: Sequence[Mapping[str, Any]]) -> Table:
    """Make the table of quarantined messages by reason."""
    table = Table("quarantined because", title="Quarantine (instroom quarantine list)", title_justify="left")
    table.add_column("messages", justify="right")
    for reason, times in Counter(message["reason"] for message in held).most_common():
        table.add_row(reason, str(times))
    return table


def latency(seconds: Sequence[float]) -> str:
    """Say how long answers took, in milliseconds from publish to answer."""
    cuts = statistics.quantiles(seconds, n=100)
    return f"publish to answer: p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms over {len(seconds)} requests"

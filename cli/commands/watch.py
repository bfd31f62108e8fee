"""`instroom watch`: facts as they are told, one readable line each."""

# ruff: noqa: PLR0913, PLR0917  every option is an argument

from __future__ import annotations

import asyncio
import difflib
import hashlib
from collections.abc import Iterable, MutableMapping
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import typer

from chassis.recent import Recent
from cli.broker import connected
from cli.facts import Fact, Selection, line, short_type
from cli.moments import moment
from cli.options import AsJson, commands, servers_of
from cli.stream import Start, follow, read_up_to_now
from cli.terminal import remark, show, show_json
from cli.trouble import EXIT_CODES, told
from instroom_contracts import topology

HELP = f"""\
Follow the facts as they are told, or tell what was told before; one line each, until Ctrl-C.

\b
  instroom watch
  instroom watch --type SessionFull --type SessionReopened --edition berenschot-leeratelier-2024
  instroom watch --correlation 0d0c3f6e-8f0a-4c0e-9a55-0c8b2a9a7d11 --stop
  instroom watch --from 2026-01-01T00:00:00+01:00 --until 2026-02-01T00:00:00+01:00 \\
      --provider cmo-stamm --json > january.jsonl

Facts hold no personal data. They come from the replay stream: --from goes back to its first fact, to its last chunk, or
to a moment. With --stop the command tells what there is (from the first fact, unless --from says otherwise) and ends;
with --until it tells what came about before that moment, and ends.

What goes back tells each fact once, in the order of its first telling, so that the sessionVersion of each session only
rises. --repeated tells every telling.

{EXIT_CODES}"""
MOST_REMEMBERED = 1_000_000
"""So many facts are remembered by who follows for ever."""

app = commands()


@app.command("watch", help=HELP)
@told()
def watch(
    context: typer.Context,
    type: Annotated[
        list[str] | None, typer.Option(metavar="TYPE", help="Only this type, e.g. SessionFull; once for each.")
    ] = None,
    edition: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only this edition; once for each.")] = None,
    provider: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this provider's editions; once for each.")
    ] = None,
    owner: Annotated[
        list[str] | None, typer.Option(metavar="URN", help="Only this source's enrolments and requests; once for each.")
    ] = None,
    correlation: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only what the request with this id led to; once for each.")
    ] = None,
    start: Annotated[str, typer.Option("--from", metavar="first|last|TIME", help="Where to begin; else now.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Only what came about before; implies --stop.")] = "",
    stop: Annotated[bool, typer.Option("--stop", help="End at the newest fact.")] = False,
    repeated: Annotated[bool, typer.Option("--repeated", help="Also what was told again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Follow the facts as they are told."""
    stop = stop or bool(until)
    begin, end = _start(start, stop=stop), moment("--until is", until) if until else None
    chosen = Selection.of(type or (), edition or (), correlation or (), provider or (), owner or ())
    _remark_unknown(chosen.types)
    selection = replace(chosen, since=begin if isinstance(begin, datetime) else None, until=end)
    seen: Seen | None = None if repeated or begin == "next" else {} if stop else Recent(MOST_REMEMBERED)
    asyncio.run(_watch(servers_of(context).broker, begin, selection, seen, stop=stop, as_json=as_json))


def _remark_unknown(types: Iterable[str]) -> None:
    for unknown in sorted(frozenset(types) - _known_types()):
        near = difflib.get_close_matches(unknown, sorted(_known_types()), n=1, cutoff=0.5)
        remark(f"No fact is called '{unknown}' in this version{f'; did you mean {near[0]}?' if near else '.'}")


def _known_types() -> frozenset[str]:
    kinds = {short_type(type) for type, listed in topology.TYPES.items() if listed.exchange == topology.EVENTS}
    return frozenset(kinds | {kind.partition(".")[0] for kind in kinds})


def _start(typed: str, *, stop: bool) -> Start:
    if typed in {"first", "last"}:
        return typed
    if not typed:
        return "first" if stop else "next"
    return moment("--from is first, last, or", typed)


async def _watch(url: str, start: Start, selection: Selection, seen: Seen | None, *, stop: bool, as_json: bool) -> None:
    async with connected(url) as connection:
        messages = read_up_to_now(connection, start) if stop else follow(connection, start)
        async with aclosing(messages):
            async for _, fact in messages:
                if fact is not None and selection.takes(fact) and (seen is None or is_new(fact, seen)):
                    show_json(fact.event) if as_json else show(line(fact))


Seen = MutableMapping[bytes, None]


def is_new(fact: Fact, seen: Seen) -> bool:
    """Tell whether a fact is told for the first time, and remember it; `seen` holds short digests of their names."""
    name = hashlib.blake2b(f"{fact.text('source')} {fact.id}".encode(), digest_size=12).digest()
    if name in seen:
        return False
    seen[name] = None
    return True

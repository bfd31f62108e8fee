"""`instroom watch`: facts as they are told, one readable line each."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from cli.broker import connected
from cli.facts import Fact, Selection, line, short_type
from cli.options import AsJson, servers_of
from cli.stream import Messages, Start, follow, read_up_to_now
from cli.terminal import remark, show, show_json
from cli.trouble import EXIT_CODES, Trouble, told
from instroom_contracts import topology
from instroom_contracts.fields import Instant

HELP = f"""\
Follow the facts as they are told, one line each, until Ctrl-C.

\b
  instroom watch
  instroom watch --type SessionFull --type SessionReopened --edition berenschot-leeratelier-2024
  instroom watch --correlation 0d0c3f6e-8f0a-4c0e-9a55-0c8b2a9a7d11 --stop
  instroom watch --from 2026-01-31T00:00:00+01:00 --json | jq .data

Facts hold no personal data. They come from the replay stream: --from goes back to its first fact, to its last chunk, or
to a moment. With --stop the command tells what there is (from the first fact, unless --from says otherwise) and ends.

{EXIT_CODES}"""


@told()
def watch(
    context: typer.Context,
    type: Annotated[list[str] | None, typer.Option(help="Only this type, e.g. SessionFull; once for each.")] = None,
    edition: Annotated[list[str] | None, typer.Option(help="Only this edition; once for each.")] = None,
    correlation: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only what the request with this id led to; once for each.")
    ] = None,
    start: Annotated[str, typer.Option("--from", metavar="first|last|TIME", help="Where to begin; else now.")] = "",
    stop: Annotated[bool, typer.Option("--stop", help="End at the newest fact.")] = False,
    as_json: AsJson = False,
) -> None:
    """Follow the facts as they are told."""
    selection = Selection.of(type or (), edition or (), correlation or ())
    for unknown in sorted(selection.types - _known_types()):
        near = difflib.get_close_matches(unknown, sorted(_known_types()), n=1, cutoff=0.5)
        remark(f"No fact is called '{unknown}' in this version{f'; did you mean {near[0]}?' if near else '.'}")
    asyncio.run(_watch(servers_of(context).broker, _start(start, stop=stop), selection, stop=stop, as_json=as_json))


def _known_types() -> frozenset[str]:
    kinds = {short_type(type) for type, listed in topology.TYPES.items() if listed.exchange == topology.EVENTS}
    return frozenset(kinds | {kind.partition(".")[0] for kind in kinds})


def _start(typed: str, *, stop: bool) -> Start:
    if typed in {"first", "last"}:
        return typed
    if not typed:
        return "first" if stop else "next"
    try:
        moment: datetime = TypeAdapter(Instant).validate_python(typed)
    except ValidationError:
        raise Trouble(f"--from is first, last, or a time such as 2026-01-31T00:00:00+01:00; not '{typed}'.") from None
    return moment


async def _watch(url: str, start: Start, selection: Selection, *, stop: bool, as_json: bool) -> None:
    async with connected(url) as connection:
        facts = _facts(read_up_to_now(connection, start) if stop else follow(connection, start), start)
        async with aclosing(facts):
            async for fact in facts:
                if selection.takes(fact):
                    show_json(fact.event) if as_json else show(line(fact))


async def _facts(messages: Messages, start: Start) -> AsyncGenerator[Fact, None]:
    """Leave out what is no event, and what was told before the moment that was asked for: chunks begin earlier."""
    async with aclosing(messages):
        async for _, fact in messages:
            if fact is not None and not (isinstance(start, datetime) and _told_before(fact, start)):
                yield fact


def _told_before(fact: Fact, moment: datetime) -> bool:
    try:
        return datetime.fromisoformat(fact.text("time")) < moment
    except (ValueError, TypeError):  # no time, or one without an offset: not ours to judge
        return False

"""`instroom catalog`: hand in the editions of programme files, and have the catalogue's facts told again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli.asking import ask
from cli.dialogue import NO_ANSWER, OUTCOMES
from cli.facts import Fact, saying
from cli.options import OPERATOR_SOURCE, AsJson, Timeout, commands, servers_of
from cli.terminal import remark, show, show_json
from cli.trouble import EXIT_CODES, Exit, Trouble, told
from instroom_contracts.catalog import EditionSubmitted, RepublishRequested
from instroom_contracts.cloudevent import new_event
from services.catalog.programmes import ProgrammesInvalid, load

TIMEOUT_S = 30.0

LOAD_HELP = f"""\
Check programme files and hand in their editions.

\b
  instroom catalog load programmes/
  instroom catalog load --check programmes/vng-participatieweek-2021.yaml

Every mistake is told with its file, line and field; where there is one, nothing is sent. An edition that is as the
catalogue has it stays as it is; one that changed gets the next version and is published.

{EXIT_CODES}"""

REPUBLISH_HELP = f"""\
Have the catalogue tell its facts again: of one edition, or of all.

\b
  instroom catalog republish
  instroom catalog republish vng-participatieweek-2021-noord

For a service whose copy was lost. Versions stay as they are; meeting links go to the notification service again too.

{EXIT_CODES}"""

app = commands()


@app.command("load", help=LOAD_HELP)
@told()
def load_files(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="YAML files, or folders with .yaml files.")],
    check: Annotated[bool, typer.Option("--check", help="Only check the files; nothing is sent.")] = False,
    timeout: Timeout = TIMEOUT_S,
    as_json: AsJson = False,
) -> None:
    """Check programme files and hand in their editions."""
    try:
        editions = load(paths)
    except ProgrammesInvalid as invalid:
        count = len(invalid.mistakes)
        raise Trouble(f"{count} mistake{'s' if count > 1 else ''}; nothing was sent.\n{invalid}") from None
    if check:
        remark(f"{len(editions)} editions are valid: {', '.join(one.edition.edition_id for one in editions)}.")
        return
    raise typer.Exit(asyncio.run(_hand_in(servers_of(context).operator_broker, editions, timeout, as_json=as_json)))


async def _hand_in(url: str, editions: Sequence[EditionSubmitted], timeout_s: float, *, as_json: bool) -> Exit:
    ids = [submitted.edition.edition_id for submitted in editions]
    events = [
        new_event(submitted, source=OPERATOR_SOURCE, subject=id, partitionkey=id)
        for submitted, id in zip(editions, ids, strict=True)
    ]
    worst, width = Exit.FINE, max(map(len, ids), default=0)
    async for event, answer in ask(url, events, timeout_s):
        outcome, code = OUTCOMES[answer.name] if answer else NO_ANSWER
        id = event.data.edition.edition_id
        if as_json:
            show_json({"editionId": id, "outcome": outcome, "answer": answer.event if answer else None})
        else:
            show(f"{id:<{width}}  {_outcome(answer)}")
        worst = max(worst, code)
    if worst == Exit.NO_ANSWER:
        remark(f"No answer within {timeout_s:g} s. What was sent waits for the catalog service: see `instroom status`.")
    return worst


def _outcome(answer: Fact | None) -> str:
    match answer.name if answer else "":
        case "edition-published":
            return f"published version {answer.data.get('version')}" if answer else ""
        case "request-accepted":
            return "unchanged"
        case "request-refused":
            return f"refused: {saying(answer)}" if answer else ""
        case _:
            return "no answer"


@app.command("republish", help=REPUBLISH_HELP)
@told()
def republish(
    context: typer.Context,
    edition: Annotated[str | None, typer.Argument(metavar="EDITION", help="The edition's id; else all.")] = None,
    timeout: Timeout = TIMEOUT_S,
) -> None:
    """Have the catalogue tell its facts again."""
    raise typer.Exit(asyncio.run(_republish(servers_of(context).operator_broker, edition, timeout)))


async def _republish(url: str, edition: str | None, timeout_s: float) -> Exit:
    event = new_event(RepublishRequested(edition_id=edition), source=OPERATOR_SOURCE)
    code = Exit.NO_ANSWER
    async for _, answer in ask(url, [event], timeout_s):
        outcome, code = OUTCOMES[answer.name] if answer else NO_ANSWER
        match outcome:
            case "published":
                remark(f"The catalogue tells {edition or 'all its editions'} again; `instroom watch` shows it.")
            case "accepted":
                remark("The catalogue is empty: there is nothing to tell.")
            case _:
                remark(saying(answer) if answer else f"No answer within {timeout_s:g} s: see `instroom status`.")
    return code

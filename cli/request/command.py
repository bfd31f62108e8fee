"""`instroom request` and `instroom cancel`: publish what a participant asks for, and wait for the answer."""

# ruff: noqa: ARG001, PLR0913, PLR0917  every option is an argument; those of a draft are read by name, in `_typed`

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.clock import stack_time
from cli.dialogue import Labelled, converse
from cli.drafts import ANSWER, POINTERS, REQUIRED, Misfit, event_of, request_from
from cli.files import json_in
from cli.options import ANSWER_TIMEOUT_S, OWN_SOURCE, AsJson, Source, Timeout, commands, servers_of
from cli.request.spreadsheet import COLUMNS, BadRow, Row, read_rows
from cli.terminal import remark
from cli.trouble import EXIT_CODES, Exit, Trouble, told
from instroom_contracts.intake import EnrolmentCancellationRequested, EnrolmentRequested

WHEN = "When the participant asked, e.g. 2021-05-20T11:30:00+02:00; else now."
When = Annotated[str, typer.Option("--time", metavar="TIME", help=WHEN)]
Id = Annotated[
    str, typer.Option("--id", metavar="ID", help="The request's id, to send the same one again; else a new UUID.")
]

REQUEST_HELP = f"""\
Request places, wait for the answers, and show them.

\b
One request from flags:
  instroom request --edition cmo-stamm-participatie-2021 --name "Robin Jansen" \\
      --email robin.jansen@example.org --organisation "Gemeente Voorbeeld" \\
      --role beleidsmedewerker --region groningen --time 2021-05-20T11:30:00+02:00

\b
Many from a CSV file; other flags stand in for what a row leaves empty:
  instroom request --csv aanmeldingen.csv --edition berenschot-leeratelier-2024

\b
Anything else, such as companions, from a file with an event's data as JSON:
  instroom request --data request.json

The CSV file is in UTF-8, separated by commas or semicolons. Its first line names the columns: {COLUMNS}; and
{ANSWER}QUESTION for the answer to a question, by its id; a yes-no is answered by true or false. Sessions in one cell
are separated by spaces or semicolons; all-or-nothing is yes or no. Where a row is not valid nothing is sent, unless
--skip-bad says so.

The request's time decides deadlines and whether a session has begun. A request that is sent again under the same id
changes nothing, and its answer is not told again by that: `instroom answer ID` asks for it.

{EXIT_CODES}"""

CANCEL_HELP = f"""\
Withdraw an enrolment and wait for the answer.

\b
  instroom cancel 6d2f3c1e-... --reason "verhinderd"

Only the source that requested an enrolment may withdraw it, or one configured as a course desk: see --source.

{EXIT_CODES}"""

app = commands()


@app.command("request", help=REQUEST_HELP)
@told()
def request(
    context: typer.Context,
    edition: Annotated[str, typer.Option(metavar="ID", help="The edition's id.")] = "",
    name: Annotated[str, typer.Option(metavar="TEXT", help="The participant's name.")] = "",
    email: Annotated[str, typer.Option(metavar="ADDRESS", help="The participant's mail address.")] = "",
    organisation: Annotated[str, typer.Option(metavar="TEXT", help="The participant's organisation.")] = "",
    role: Annotated[
        str, typer.Option(metavar="ROLE", help="A role of the edition's audience, e.g. projectleider.")
    ] = "",
    region: Annotated[str, typer.Option(metavar="REGION", help="The participant's region.")] = "",
    language: Annotated[str, typer.Option(metavar="nl|en", help="The language of the mails: nl or en.")] = "",
    dietary_wishes: Annotated[str, typer.Option(metavar="TEXT", help="What the kitchen should know.")] = "",
    reference: Annotated[str, typer.Option(metavar="TEXT", help="Tells people apart who share a mailbox.")] = "",
    session: Annotated[list[str] | None, typer.Option(metavar="ID", help="A chosen session; once for each.")] = None,
    answer: Annotated[
        list[str] | None, typer.Option(metavar="QUESTION=TEXT", help="Once for each; true or false for a yes-no.")
    ] = None,
    all_or_nothing: Annotated[bool, typer.Option("--all-or-nothing", help="All confirmed, or all queued.")] = False,
    invoice: Annotated[str, typer.Option(metavar="TEXT", help="What is to stand on the invoice; nobody's name.")] = "",
    time: When = "",
    id: Id = "",
    source: Source = OWN_SOURCE,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="A CSV file with a request per row.")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Send the good rows although others are bad.")] = False,
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file with the data as JSON; - is standard input.")
    ] = None,
    timeout: Timeout = ANSWER_TIMEOUT_S,
    as_json: AsJson = False,
) -> None:
    """Request places, wait for the answers, and show them."""
    requests, skipped = _requests(_typed(context.params), csv, data, stack_time(context), skip_bad=skip_bad)
    worst = asyncio.run(converse(servers_of(context).broker, requests, timeout, as_json=as_json))
    raise typer.Exit(max(worst, Exit.INVALID if skipped else Exit.FINE))


@app.command("cancel", help=CANCEL_HELP)
@told()
def cancel(
    context: typer.Context,
    enrolment_id: Annotated[str, typer.Argument(metavar="ENROLMENT_ID", help="As the answer to the request told it.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="For the course desk; never repeated in a fact.")] = "",
    time: When = "",
    id: Id = "",
    source: Source = OWN_SOURCE,
    timeout: Timeout = ANSWER_TIMEOUT_S,
    as_json: AsJson = False,
) -> None:
    """Withdraw an enrolment and wait for the answer."""
    data = {"enrolmentId": enrolment_id, "reason": reason or None}
    try:
        event = event_of(EnrolmentCancellationRequested, data, _envelope(_typed(context.params)), stack_time(context))
    except Misfit as misfit:
        raise _as_trouble(misfit) from None
    asked = converse(servers_of(context).broker, [Labelled("", event)], timeout, as_json=as_json)
    raise typer.Exit(asyncio.run(asked))


def _typed(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Name what was typed as drafts do, as text; what was left out is left out."""
    typed = {name: parameters.get(name.replace("-", "_")) or "" for name in POINTERS}
    typed["sessions"] = " ".join(parameters.get("session") or ())
    typed["all-or-nothing"] = "yes" if parameters.get("all_or_nothing") else ""
    for pair in parameters.get("answer") or ():
        question, separator, text = pair.partition("=")
        if not separator:
            raise Trouble(f"--answer '{pair}' is not of the form QUESTION=TEXT.")
        typed[f"{ANSWER}{question.strip()}"] = text
    return {name: text for name, text in typed.items() if text}


def _envelope(typed: Mapping[str, str]) -> dict[str, str]:
    return {name: typed[name] for name in ("id", "source", "time") if name in typed}


def _requests(
    typed: Mapping[str, str], csv: Path | None, data: Path | None, now: datetime, *, skip_bad: bool
) -> tuple[list[Labelled], int]:
    """Make the requests that were asked for, and count the bad rows that are left out."""
    try:
        if csv is not None:
            return _good_rows(csv, read_rows(csv, typed, now), skip_bad=skip_bad)
        if data is not None:
            return [Labelled("", event_of(EnrolmentRequested, json_in(data), _envelope(typed), now))], 0
        missing = [f"--{name}" for name in REQUIRED if name not in typed]
        if missing:
            raise Trouble(f"{', '.join(missing)} must be given, or --csv, or --data. See instroom request --help.")
        return [Labelled("", request_from(typed, now))], 0
    except Misfit as misfit:
        raise _as_trouble(misfit) from None


def _as_trouble(misfit: Misfit) -> Trouble:
    flags = (f"  {name}: {detail}" for name, detail in misfit.complaints)
    return Trouble("\n".join(["This is no valid request; nothing was sent.", *flags]))


def _good_rows(path: Path, rows: Sequence[Row | BadRow], *, skip_bad: bool) -> tuple[list[Labelled], int]:
    bad = [row for row in rows if isinstance(row, BadRow)]
    for row in bad:
        remark(row.told(path))
    if bad and not skip_bad:
        raise Trouble(f"{len(bad)} of {len(rows)} rows are not valid; nothing was sent. --skip-bad sends the others.")
    if len(bad) == len(rows):
        raise Trouble(f"{path} holds no valid rows; nothing was sent.")
    return [Labelled(f"line {row.line}", row.request) for row in rows if isinstance(row, Row)], len(bad)

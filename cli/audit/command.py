"""`instroom audit`: prove from live data that the promises hold."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated

import typer

from cli import broker, databases
from cli.audit.auditor import audit as audit_promises
from cli.audit.readers import Reader
from cli.audit.verdict import Verdict
from cli.options import AsJson, commands, servers_of
from cli.servers import Servers
from cli.terminal import remark, show, show_json
from cli.trouble import EXIT_CODES, Exit, told
from deploy.observability import runs

SHOWN_OFFENCES = 5
SETTLE_S = 10.0

HELP = f"""\
Prove from live data that the promises hold: one line each, with the first breaches.

\b
  instroom audit
  instroom audit --settle 60 --json

The figures are counted again from enrolments, the replay stream and the mails, without the services' own code. It can
run on a system at work: a breach counts when it is still there after --settle seconds. It reads only.
Where PUSHGATEWAY_URL is set, alarms learn when it ended and what it found.

{EXIT_CODES}"""

app = commands()


@app.command("audit", help=HELP)
@told()
def audit(
    context: typer.Context,
    settle: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long things may be on their way.")
    ] = SETTLE_S,
    as_json: AsJson = False,
) -> None:
    """Prove from live data that the promises hold."""
    servers = servers_of(context)
    verdicts = asyncio.run(_audit(servers, settle))
    broken = sum(not verdict.holds for verdict in verdicts)
    if as_json:
        show_json({"holds": not broken, "promises": [_as_json(verdict) for verdict in verdicts]})
    else:
        for verdict in verdicts:
            _show(verdict)
        remark(f"{broken} of {len(verdicts)} promises are broken." if broken else "Every promise holds.")
    _tell_gateway(servers, broken)
    raise typer.Exit(Exit.BROKEN if broken else Exit.FINE)


async def _audit(servers: Servers, settle_s: float) -> Sequence[Verdict]:
    async with databases.connected(servers) as kept, broker.connected(servers.operator_broker) as connection:
        return await audit_promises(Reader(kept, connection), settle_s)


def _tell_gateway(servers: Servers, broken: int) -> None:
    """Tell when an audit ended and how many promises are broken, for alarms; say so where that failed."""
    figures = {"ended_timestamp_seconds": time.time(), "broken_promises": broken}
    if trouble := runs.tell(servers.push_gateway, "audit", figures):
        remark(trouble)


def _as_json(verdict: Verdict) -> dict[str, object]:
    return {
        "promise": verdict.promise,
        "holds": verdict.holds,
        "cases": verdict.cases,
        "offences": [{"subject": offence.subject, "detail": offence.detail} for offence in verdict.offences],
        "remarks": list(verdict.remarks),
        "remedy": "" if verdict.holds else verdict.remedy,
    }


def _show(verdict: Verdict) -> None:
    remarks = f" ({'; '.join(verdict.remarks)})" if verdict.remarks else ""
    show(f"{'ok' if verdict.holds else 'BROKEN':<7} {verdict.promise}: {verdict.cases} judged{remarks}")
    for offence in verdict.offences[:SHOWN_OFFENCES]:
        show(f"        {offence.subject}: {offence.detail}")
    if len(verdict.offences) > SHOWN_OFFENCES:
        show(f"        and {len(verdict.offences) - SHOWN_OFFENCES} more: --json lists all")
    if not verdict.holds:
        show(f"        What to do: {verdict.remedy}.")

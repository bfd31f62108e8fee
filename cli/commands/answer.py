"""`instroom answer`: have the answer to a request told again, and show it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from cli.asking import ask_again
from cli.clock import stack_time
from cli.dialogue import OUTCOMES
from cli.drafts import Misfit, event_of
from cli.facts import Fact, line, saying
from cli.options import ANSWER_TIMEOUT_S, OWN_SOURCE, AsJson, Source, Timeout, commands, servers_of
from cli.terminal import remark, show, show_json
from cli.trouble import EXIT_CODES, Exit, Trouble, told
from instroom_contracts.intake import AnswerRequested

HELP = f"""\
Have the answer to a request told again, and show it.

\b
  instroom answer 0d0c3f6e-... --source urn:nld:oin:00000001823288444000:systeem:website
  instroom answer 0d0c3f6e-... --source urn:nld:oin:... --json > answer.jsonl

The answer is published again as it was, under the same id, so that whoever lost it hears it. It is that of the request
with this id and source: an operator's account may name every source, another account its own.

{EXIT_CODES}"""

app = commands()


@app.command("answer", help=HELP)
@told()
def answer(
    context: typer.Context,
    request_id: Annotated[str, typer.Argument(metavar="REQUEST_ID", help="The request's id.")],
    source: Source = OWN_SOURCE,
    timeout: Timeout = ANSWER_TIMEOUT_S,
    as_json: AsJson = False,
) -> None:
    """Have the answer to a request told again, and show it."""
    try:
        event = event_of(AnswerRequested, {"requestId": request_id}, {"source": source}, stack_time(context))
    except Misfit as misfit:
        raise Trouble(str(misfit)) from None
    reply, facts = asyncio.run(ask_again(servers_of(context).operator_broker, event, timeout))
    for fact in facts:
        show_json(fact.event) if as_json else show(line(fact))
    raise typer.Exit(_outcome(reply, facts, timeout))


def _outcome(reply: Fact | None, facts: Sequence[Fact], timeout_s: float) -> Exit:
    """Say what went wrong; return the outcome of the request itself where its answer was told."""
    if reply is None:
        remark(f"No answer within {timeout_s:g} s: see `instroom status`, and `instroom quarantine list`.")
        return Exit.NO_ANSWER
    if reply.name == "request-refused":
        remark(saying(reply))
        return Exit.REJECTED
    if not facts:
        remark("The request is still being decided; its answer is told within 30 s: `instroom watch --correlation`.")
        return Exit.NO_ANSWER
    return max((OUTCOMES[fact.name][1] for fact in facts if fact.name in OUTCOMES), default=Exit.FINE)

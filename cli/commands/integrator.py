"""`instroom integrator`: accounts for other systems, each with what it needs and a name that nobody else can use."""

# ruff: noqa: PLR0913, PLR0917  every option is an argument

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote, urlsplit

import typer
from pydantic import TypeAdapter, ValidationError

from chassis.senders import ALL_SENDERS
from cli import databases
from cli.asking import ask
from cli.facts import Fact
from cli.integrators.accounts import ALL, MOST_QUEUES, Accounts, Rights
from cli.integrators.inlets import Inlet
from cli.integrators.parts import Part
from cli.options import OPERATOR_SOURCE, AsJson, Timeout, commands, servers_of
from cli.servers import Servers
from cli.terminal import remark, show, show_json, show_table
from cli.trouble import EXIT_CODES, Exit, Trouble, told
from instroom_contracts import topology
from instroom_contracts.cloudevent import new_event
from instroom_contracts.enrolment import MOST_SOURCES, SourcesClaimed
from instroom_contracts.fields import Id, Slug, Source

TIMEOUT_S = 30.0
_SLUG, _SOURCE, _ID = TypeAdapter[str](Slug), TypeAdapter[str](Source), TypeAdapter[str](Id)

ADD_HELP = f"""\
Make an account on the broker for another system, or change what one may do. Prints what to give its maker.

\b
  instroom integrator add website --source urn:nld:oin:00000001823288444000:systeem:website \\
      --may-publish EnrolmentRequested,EnrolmentCancellationRequested \\
      --may-read EnrolmentConfirmed,EnrolmentQueued,EnrolmentRejected
  instroom integrator add data-team --may-read all
  instroom integrator add portal --source urn:nld:oin:... --may-publish EnrolmentRequested,AnswerRequested \\
      --may-read all --only-own
  instroom integrator add academy --may-read all --only-provider vng-academie

It may publish and read what is named and nothing else; `--may-read all` includes the replay stream. Its queues are
named int.NAME.*. The sources are its own from then on: only messages with the AMQP property user_id set to its name
are taken in their name, and from it nothing else is. Its password is shown once; --new-password makes another.

With --only-... it reads a part of the facts, from an exchange of its own (instroom.for.NAME), and neither the others
nor the stream. --only-own: what is about enrolments and requests of its sources, and the catalogue's public facts.
--only-edition and --only-provider: what is about these. Several add up.

{EXIT_CODES}"""

LIST_HELP = f"""\
List these accounts: what each may publish and read, and the sources that are its own.

\b
  instroom integrator list
  instroom integrator list --json

{EXIT_CODES}"""

REMOVE_HELP = f"""\
Remove an account; its connections are closed.

\b
  instroom integrator remove website

Its sources stay closed, so that nobody else can change its enrolments: `add` under the same name opens them again, and
--free-sources lets others use them. Its queues stay for 28 days, unless --with-queues says otherwise. What leads facts
back into our exchanges goes: its own, and bindings that say nobody's name.

{EXIT_CODES}"""

CLOSE_HELP = f"""\
Take away whatever leads messages back into our exchanges: bindings, and queues and exchanges with such a setting.

\b
  instroom integrator close

`list` and `status` name them. Accounts stay. A queue goes with what lies in it: that setting cannot be changed.

{EXIT_CODES}"""

app = commands()
Name = Annotated[str, typer.Argument(metavar="NAME", help="Its account: lower-case letters, digits, single hyphens.")]
SomeTypes = Annotated[list[str] | None, typer.Option(metavar="TYPE,...", help="Event types, with commas; or all.")]


@app.command("add", help=ADD_HELP)
@told()
def add(
    context: typer.Context,
    name: Name,
    may_publish: SomeTypes = None,
    may_read: SomeTypes = None,
    source: Annotated[list[str] | None, typer.Option(metavar="URN", help="One it speaks for; once for each.")] = None,
    only_own: Annotated[bool, typer.Option("--only-own", help="Reads what its own sources' requests led to.")] = False,
    only_edition: Annotated[list[str] | None, typer.Option(metavar="ID", help="Reads of this; once for each.")] = None,
    only_provider: Annotated[list[str] | None, typer.Option(metavar="ID", help="Reads of this; once for each.")] = None,
    address: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Where it reaches the broker.")] = None,
    new_password: Annotated[bool, typer.Option("--new-password", help="Also where it is there already.")] = False,
    timeout: Timeout = TIMEOUT_S,
    as_json: AsJson = False,
) -> None:
    """Make an account, or change what one may do."""
    claimed = _claimed(name, source or ())
    part = Part(
        frozenset(claimed.sources if only_own else ()),
        frozenset(_valid(_ID, one) for one in only_edition or ()),
        frozenset(_valid(_ID, one) for one in only_provider or ()),
    )
    types = _types(may_publish or (), topology.INTAKE), _types(may_read or (), topology.EVENTS)
    rights = Rights(*types, part if part != Part() else None)
    if not (rights.publishes or rights.reads):
        raise Trouble("Say what it may do: --may-publish, --may-read, or both.")
    if rights.publishes and not claimed.sources:
        raise Trouble("Who publishes needs a --source to speak for, such as urn:nld:oin:<20 digits>:systeem:website.")
    if only_own and not claimed.sources:
        raise Trouble("--only-own needs a --source: what is own is what that source asks for.")
    if rights.part and not rights.reads:
        raise Trouble("--only-... narrows what it may read: say which types, --may-read all or some of them.")
    servers = servers_of(context, as_administrator=True)
    accounts = _accounts(servers)
    accounts.refuse_others(name)
    asyncio.run(_claim(servers.operator_broker, claimed, timeout))
    password = accounts.ensure(name, rights, new_password=new_password)
    _name_inlets(accounts.inlets())
    url = _url(servers, name, password, address)
    if as_json:
        return show_json({"name": name, "url": url, "sources": claimed.sources, **_named(rights)})
    _hand_over(name, url, claimed.sources, rights)
    shown_once = (
        "Hand it over on a safe way; the password is not shown again." if password else "It keeps its password."
    )
    return remark(f"{shown_once} How to go on: docs/integrating.md.")


@app.command("list", help=LIST_HELP)
@told()
def list_integrators(context: typer.Context, as_json: AsJson = False) -> None:
    """List these accounts."""
    servers = servers_of(context, as_administrator=True)
    owners = asyncio.run(_owners(servers))
    accounts = _accounts(servers)
    known = accounts.all()
    rows = [
        {
            "name": name,
            **(_named(known[name]) if name in known else {"publishes": ["(removed)"], "reads": [], "only": []}),
            "sources": [source for source, owner in owners.items() if owner == name],
        }
        for name in sorted({*known, *owners.values()})
    ]
    for queue in accounts.refusing_queues():
        remark(f"{queue} refuses facts when it is full, and then misses them: have it declared without x-overflow.")
    for owner, count in accounts.crowds().items():
        remark(f"{owner} has {count} queues, more than {MOST_QUEUES}: does it make a new one at each start?")
    _name_inlets(accounts.inlets())
    if as_json:
        return show_json(rows)
    columns = ("name", "publishes", "reads", "only", "sources")
    lines = [[row["name"], *("\n".join(row[column]) or None for column in columns[1:])] for row in rows]
    return show_table("Integrators", columns, lines)


@app.command("remove", help=REMOVE_HELP)
@told()
def remove(
    context: typer.Context,
    name: Name,
    free_sources: Annotated[bool, typer.Option("--free-sources", help="Let others use its sources.")] = False,
    with_queues: Annotated[bool, typer.Option("--with-queues", help="Remove its queues and what is in them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    timeout: Timeout = TIMEOUT_S,
) -> None:
    """Remove an account."""
    servers = servers_of(context, as_administrator=True)
    accounts = _accounts(servers)
    accounts.require(name)
    leading_back = {inlet.name for inlet in accounts.inlets()}
    for queue, messages in accounts.queues(name):
        remark(f"{queue}: {messages} messages; {'goes' if with_queues or queue in leading_back else 'stays'}")
    if not yes:
        typer.confirm(f"Remove {name}?", abort=True, err=True)
    accounts.remove(name)
    _close(accounts, [inlet for inlet in accounts.inlets() if inlet.owner in {name, None}])
    for queue in (queue for queue, _ in accounts.queues(name) if with_queues):
        accounts.remove_queue(queue)
    if free_sources:
        asyncio.run(_claim(servers.operator_broker, SourcesClaimed(account=name, sources=()), timeout))
    remark(f"{name} is removed.")


@app.command("close", help=CLOSE_HELP)
@told()
def close(context: typer.Context, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Take away whatever leads messages back into our exchanges."""
    accounts = _accounts(servers_of(context, as_administrator=True))
    inlets = accounts.inlets()
    _name_inlets(inlets)
    if inlets and not yes:
        typer.confirm("Take them away?", abort=True, err=True)
    _close(accounts, inlets)
    remark(f"{len(inlets)} taken away.")


def _close(accounts: Accounts, inlets: Sequence[Inlet]) -> None:
    for inlet in inlets:
        accounts.close(inlet)
        remark(f"{inlet.kind} {inlet.name}, into {inlet.into}: taken away.")


def _name_inlets(inlets: Sequence[Inlet]) -> None:
    for inlet in inlets:
        remark(inlet.words())


def _accounts(servers: Servers) -> Accounts:
    return Accounts.of(servers, servers.administration)


def _claimed(name: str, sources: Sequence[str]) -> SourcesClaimed:
    if len(sources) > MOST_SOURCES:
        raise Trouble(f"{len(sources)} sources are more than the {MOST_SOURCES} of one account: give some to another.")
    return SourcesClaimed(account=_valid(_SLUG, name), sources=tuple(_valid(_SOURCE, one) for one in sources))


def _types(typed: Sequence[str], exchange: str) -> tuple[str, ...]:
    """Read event types, by class name or as they travel."""
    words = [word for words in typed for word in words.split(",") if word]
    if ALL in words:
        return (ALL,)
    known = {listed.model.__name__: type for type, listed in topology.TYPES.items() if listed.exchange == exchange}
    types = dict(known) | {type: type for type in known.values()}
    if unknown := [word for word in words if word not in types]:
        raise Trouble(f"{', '.join(unknown)}: no event of {exchange}. There are {', '.join(known)}; and all.")
    return tuple(dict.fromkeys(types[word] for word in words))


def _valid(kind: TypeAdapter[str], typed: str) -> str:
    try:
        return kind.validate_python(typed)
    except ValidationError:
        raise Trouble(f"'{typed}': {kind.json_schema()['description']}") from None


async def _claim(url: str, claimed: SourcesClaimed, timeout_s: float) -> None:
    event = new_event(claimed, source=OPERATOR_SOURCE, subject=claimed.account)
    answers = [answer async for _, answer in ask(url, [event], timeout_s)]
    _require_accepted(answers[0])


def _require_accepted(answer: Fact | None) -> None:
    if answer is None:
        raise Trouble("The enrolment service did not answer; nothing was changed (`instroom status`).", Exit.NO_ANSWER)
    if answer.name == "request-refused":
        raise Trouble(str(answer.data.get("detail")), Exit.REJECTED)


async def _owners(servers: Servers) -> dict[str, str]:
    """Return the account of each source that is somebody's own."""
    async with databases.connected(servers) as kept:
        found = await kept["enrolment"][ALL_SENDERS.kind.collection].find_one({"_id": ALL_SENDERS.id})
    return dict(found["owners"]) if found else {}


def _named(rights: Rights) -> dict[str, list[str]]:
    only = rights.part.words() if rights.part else []
    return {"publishes": _names(rights.publishes), "reads": _names(rights.reads), "only": only}


def _names(types: Sequence[str]) -> list[str]:
    return [topology.TYPES[type].model.__name__ if type in topology.TYPES else type for type in types]


def _url(servers: Servers, name: str, password: str | None, address: str | None) -> str:
    parts = urlsplit(servers.operator_broker)
    secret = quote(password, safe="") if password else "<its password>"
    return f"{parts.scheme}://{name}:{secret}@{address or parts.netloc.rpartition('@')[2]}{parts.path}"


def _hand_over(name: str, url: str, sources: Sequence[str], rights: Rights) -> None:
    """Show what the integrator is to be given."""
    show(f"RABBITMQ_URL={url}")
    if rights.publishes:
        show(f"# publishes {', '.join(_names(rights.publishes))} on {topology.INTAKE}, with user_id={name}, as")
        for source in sources:
            show(f"#   {source}")
    if rights.reads:
        whole = f", {topology.BY_ATTRIBUTE} and {topology.STREAM}" if rights.reads_everything else ""
        part = f", of them only: {', '.join(rights.part.words())}" if rights.part else ""
        exchange = rights.exchange(name)
        show(f"# reads {', '.join(_names(rights.reads))} from {exchange} by queues named int.{name}.*{whole}{part}")

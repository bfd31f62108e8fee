"""`instroom show`: all that an edition's page says, with the places that it has now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from chassis.documents import Document
from cli import databases
from cli.options import AsJson, commands, servers_of
from cli.servers import Servers
from cli.terminal import show, show_json
from cli.trouble import EXIT_CODES, Exit, Trouble, told
from instroom_contracts.catalog import (
    Audience,
    EditionPublished,
    Grouping,
    Organiser,
    Prerequisite,
    Price,
    Question,
    Session,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
SHOW_HELP = f"""\
Show an edition: all that its page says, and how full it is.

\b
  instroom show cmo-stamm-participatie-2021
  instroom show vng-participatieweek-2021-noord --json

Times are Amsterdam's. --json gives the edition as EditionPublished tells it, with the counts of its sessions.

{EXIT_CODES}"""

Counts = Mapping[str, Document]
"""How many places of each session are confirmed and queued, by session id."""

app = commands()


@app.command("show", help=SHOW_HELP)
@told()
def show_edition(
    context: typer.Context,
    edition: Annotated[str, typer.Argument(metavar="EDITION", help="The edition's id.")],
    as_json: AsJson = False,
) -> None:
    """Show an edition with its sessions."""
    found, counts = asyncio.run(_found(servers_of(context), edition))
    if as_json:
        nobody = {"confirmed": 0, "queued": 0}
        ids = [session.session_id for session in found.sessions]
        figures = {id: {name: counts.get(id, nobody)[name] for name in nobody} for id in ids}
        return show_json({"edition": found.model_dump(mode="json"), "places": figures})
    for line in lines(found, counts):
        show(line)
    return None


async def _found(servers: Servers, id: str) -> tuple[EditionPublished, Counts]:
    async with databases.connected(servers) as kept:
        document = await kept["catalog"]["editions"].find_one({"_id": id})
        if document is None:
            raise Trouble(
                f"The catalogue has no edition {id}: `instroom status` lists those that it has.", Exit.INVALID
            )
        counts = await kept["enrolment"]["sessions"].find({"editionId": id}).to_list(None)
    return EditionPublished.model_validate(document["edition"]), {count["sessionId"]: count for count in counts}


def lines(edition: EditionPublished, counts: Counts) -> Iterator[str]:
    """Lay out an edition for a person, then each of its sessions."""
    yield edition.title
    yield from _rows(_of_the_edition(edition))
    for session in edition.sessions:
        yield ""
        yield f"{session.session_id}: {session.title}"
        yield from _rows(_of_a_session(session, edition.audience.labels, counts.get(session.session_id)))


def _rows(rows: Iterable[tuple[str, str | None]]) -> Iterator[str]:
    for name, text in rows:
        for number, line in enumerate((text or "").splitlines()):
            yield f"  {'' if number else name:<11}{line}"


def _of_the_edition(edition: EditionPublished) -> Iterator[tuple[str, str | None]]:
    organiser, deadline, choice = edition.organiser, edition.deadline, edition.choice
    yield "edition", f"{edition.edition_id}, version {edition.version}: kind {edition.kind}, state {edition.state}"
    yield "provider", edition.provider_name or edition.provider
    yield "contact", _contact(organiser) if organiser else None
    yield "privacy", organiser.privacy_url if organiser else None
    yield "website", edition.website
    yield "summary", edition.summary
    yield "region", edition.region
    yield "for", _audience(edition.audience, {})
    yield "enrol", f"{deadline.text} ({deadline.at.astimezone(AMSTERDAM):%Y-%m-%d %H:%M:%S})" if deadline else None
    yield "price", _price(edition.price)
    yield "choice", f"{choice.minimum} to {choice.maximum} of the sessions to choose from" if choice.maximum else None
    yield "asked", "\n".join(map(_question, edition.questions))
    yield "topics", ", ".join(edition.topics)
    yield "partners", ", ".join(edition.partners)


def _of_a_session(
    session: Session, labels: Mapping[str, str], count: Document | None
) -> Iterator[tuple[str, str | None]]:
    yield "when", f"{'CANCELLED: ' if session.state == 'cancelled' else ''}{_times(session)}"
    yield "where", ", ".join(filter(None, (session.form, session.location)))
    yield "who", "everyone" if session.attendance == "everyone" else "who chooses it"
    yield "for", _audience(session.audience, labels) if session.audience else None
    yield "builds on", _prerequisite(session.prerequisite) if session.prerequisite else None
    yield "companion", session.companion if session.companion != "none" else None
    yield "places", _places(session, count)
    yield "trainers", ", ".join(session.trainers)
    yield "agenda", "\n".join(_item(item.time, item.title, item.trainers) for item in session.agenda)
    yield "result", session.result
    yield "homework", session.homework
    yield "bring", session.requirements
    yield "catering", session.catering
    yield "groups", _groups(session.groups) if session.groups else None
    yield "twins", ", ".join(f"{twin.edition_id}/{twin.session_id}" for twin in session.twins)


def _contact(organiser: Organiser) -> str:
    reply_to = f"answers to {organiser.reply_to}" if organiser.reply_to else None
    return ", ".join(filter(None, (organiser.name, organiser.email, organiser.phone, reply_to)))


def _prerequisite(prerequisite: Prerequisite) -> str:
    exempt = f"; not for {', '.join(prerequisite.exempt_roles)}" if prerequisite.exempt_roles else ""
    return f"{', '.join(prerequisite.session_ids)}{exempt}"


def _groups(groups: Grouping) -> str:
    """Say how people are divided; in `split` each named group is for the list of roles in its place."""
    roles = [", ".join(one) for one in groups.roles]
    named = [f"{name} ({role})" for name, role in zip(groups.names, roles, strict=False)]
    parts = named if groups.kind == "split" and named else [*groups.names, *(f"spread: {role}" for role in roles)]
    return "; ".join((groups.kind, *parts))


def _audience(audience: Audience, labels: Mapping[str, str]) -> str | None:
    """Say for whom it is; `labels` are the words for roles that stand elsewhere."""
    words = {**labels, **audience.labels}
    roles = ", ".join(words.get(role, role) for role in audience.roles)
    parts = (roles, ", ".join(audience.organisations), ", ".join(audience.regions))
    return "; ".join(filter(None, parts)) or None


def _price(price: Price) -> str:
    if price.kind != "amount":
        return {"free": "free", "on-request": "on request"}.get(price.kind, "not stated")
    vat = {"included": "with VAT", "excluded": "without VAT"}.get(price.vat or "", "with or without VAT: not stated")
    return f"{price.amount} {price.currency}, {vat}"


def _question(question: Question) -> str:
    options = f": {' | '.join(question.options)}" if question.options else ""
    must = ", required" if question.required else ""
    whom = f", of who attends {' or '.join(question.session_ids)}" if question.session_ids else ""
    return f"{question.id} ({question.kind}{must}{whom}) {question.label}{options}"


def _times(session: Session) -> str:
    if session.starts_at is None or session.ends_at is None:
        return f"no date yet{f', {session.hours}' if session.hours else ''}"
    begin, end = session.starts_at.astimezone(AMSTERDAM), session.ends_at.astimezone(AMSTERDAM)
    return f"{begin:%A %-d %B %Y, %H:%M} - {end:%H:%M}"


def _places(session: Session, count: Document | None) -> str:
    confirmed, queued = (count["confirmed"], count["queued"]) if count else (0, 0)
    seats = "no limit" if session.capacity is None else f"{session.capacity} seats"
    shared = f", shared as {session.pool}" if session.pool else ""
    most = f" of at most {session.queue_limit}" if session.queue_limit is not None else ""
    return f"{seats}{shared}; {confirmed} confirmed, {queued} queued{most}"


def _item(time: str, title: str, trainers: tuple[str, ...]) -> str:
    by = f" ({', '.join(trainers)})" if trainers else ""
    return f"{time}  {title}{by}"

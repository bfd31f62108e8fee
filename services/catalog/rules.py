"""What makes an edition one that people can enrol in: rules that a schema cannot hold, each with its remedy.

A rule yields problems whose pointers lead into `EditionSubmitted.data`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from pydantic_core import to_json

from instroom_contracts.catalog import Audience, Edition, EditionSubmitted, Session, Twin
from instroom_contracts.cloudevent import Problem
from instroom_contracts.digest import MOST_BYTES
from instroom_contracts.mailbox import NotMailable, mailable, needs_utf8
from services.catalog.domain import MOST_SESSIONS

ENROLLING = ("open", "tentative", "confirmed")
"""The states of an edition in which one can enrol."""
ENVELOPE_BYTES = 4096
"""More than the envelope around an edition takes."""
LAST_HOUR = 23

Pooled = tuple[int, str, Session, str]
"""A session with where it stands, the number of its submission and its pointer, and its provider."""


def problems_in(submitted: EditionSubmitted) -> tuple[Problem, ...]:
    """Judge one edition on its own."""
    edition = submitted.edition
    found = [problem for rule in _RULES for problem in rule(edition)]
    return (*found, *_joining(submitted), *(problem for _, problem in _pools(_sessions([submitted]))))


def problems_between(submissions: Sequence[EditionSubmitted]) -> Iterator[tuple[int, Problem]]:
    """Judge editions that are handed in together: ids, twins and shared pools. Yields which one, and what."""
    editions: dict[str, Edition] = {}
    for number, submitted in enumerate(submissions):
        id = submitted.edition.edition_id
        if id in editions:
            yield number, Problem("/edition/editionId", f"There is another edition {id}: give each an id of its own.")
        editions[id] = submitted.edition
    for number, pointer, session, _ in _sessions(submissions):
        for twin in session.twins:
            if detail := _twin(twin, editions):
                yield number, Problem(f"{pointer}/twins", detail)
    yield from _pools(_sessions(submissions))


def oversized(edition: Edition) -> tuple[Problem, ...]:
    """Say whether an edition is too large to be told in one message."""
    size = len(to_json(edition)) + ENVELOPE_BYTES
    if size <= MOST_BYTES:
        return ()
    detail = f"The edition takes {size:,} bytes with its envelope, and {MOST_BYTES:,} is the most: shorten its texts."
    return (Problem("/edition", detail),)


def crowded(sessions: int) -> tuple[Problem, ...]:
    """Say that an edition would have too many sessions, where it would have so many."""
    if not sessions:
        return ()
    detail = (
        f"The edition would have {sessions} sessions, with those that are no longer handed in and must be told as"
        f" cancelled; {MOST_SESSIONS} is the most: replace them in several steps, or make a new edition."
    )
    return (Problem("/edition/sessions", detail),)


def _unique_ids(edition: Edition) -> Iterator[Problem]:
    seen: set[str] = set()
    for pointer, session in _placed(edition):
        if session.session_id in seen:
            detail = f"There is another session {session.session_id} in this edition: give each an id of its own."
            yield Problem(f"{pointer}/sessionId", detail)
        seen.add(session.session_id)


def _times(edition: Edition) -> Iterator[Problem]:
    for pointer, session in _placed(edition):
        if (session.starts_at is None) != (session.ends_at is None):
            missing = "startsAt" if session.starts_at is None else "endsAt"
            yield Problem(f"{pointer}/{missing}", "A session with a date has both a start and an end: add this one.")
        elif session.starts_at and session.ends_at and session.ends_at <= session.starts_at:
            yield Problem(f"{pointer}/endsAt", "The session must end after it starts: correct its hours.")


def _seats(edition: Edition) -> Iterator[Problem]:
    for pointer, session in _placed(edition):
        if session.capacity == 0:
            detail = "A capacity of 0 lets nobody in: leave it out where there is no limit, or cancel the session."
            yield Problem(f"{pointer}/capacity", detail)


def _roles(edition: Edition) -> Iterator[Problem]:
    """Want every role that a session names in its edition's audience too, unless that names none."""
    if not edition.audience.roles:
        return
    for pointer, session in _placed(edition):
        for within, role in _named_roles(session):
            if role not in edition.audience.roles:
                detail = f"The role {role} is not in the edition's audience: add it there, or correct it here."
                yield Problem(f"{pointer}/{within}", detail)


def _named_roles(session: Session) -> Iterator[tuple[str, str]]:
    """Yield every role that a session names, after its place."""
    lists = [("audience/roles", (session.audience or Audience()).roles)]
    if session.prerequisite:
        lists.append(("prerequisite/exemptRoles", session.prerequisite.exempt_roles))
    if session.groups:
        lists += [(f"groups/roles/{number}", roles) for number, roles in enumerate(session.groups.roles)]
    return ((f"{within}/{number}", role) for within, roles in lists for number, role in enumerate(roles))


def _choice(edition: Edition) -> Iterator[Problem]:
    choice = edition.choice
    offered = sum(session.attendance == "choice" and session.state == "planned" for session in edition.sessions)
    if choice.minimum > choice.maximum:
        detail = f"The minimum of {choice.minimum} is more than the maximum of {choice.maximum}: correct one of them."
        yield Problem("/edition/choice/minimum", detail)
    if choice.maximum > offered:
        detail = f"The maximum of {choice.maximum} is more than there are to choose from ({offered}): lower it."
        yield Problem("/edition/choice/maximum", detail)
    if offered and not choice.maximum:
        detail = f"There is a choice of {offered} and none may be taken: say how many one takes at most."
        yield Problem("/edition/choice/maximum", detail)


def _offer(edition: Edition) -> Iterator[Problem]:
    """Want something to enrol in where people can enrol."""
    takes_people = edition.kind != "request-only" and edition.state in ENROLLING
    if takes_people and not any(session.state == "planned" for session in edition.sessions):
        detail = (
            f"The edition is {edition.state} and no session of it takes place: add one, or set the state to concept,"
            " closed or cancelled."
        )
        yield Problem("/edition/sessions", detail)


def _prerequisites(edition: Edition) -> Iterator[Problem]:
    """Want what must be attended first to stand first; so no two sessions can wait for each other."""
    earlier: set[str] = set()
    for pointer, session in _placed(edition):
        for id in session.prerequisite.session_ids if session.prerequisite else ():
            if id not in earlier:
                detail = f"No session {id} stands before this one: correct the id, or move that session up."
                yield Problem(f"{pointer}/prerequisite/sessionIds", detail)
        earlier.add(session.session_id)


def _price(edition: Edition) -> Iterator[Problem]:
    price = edition.price
    for name, value in (("amount", price.amount), ("currency", price.currency), ("vat", price.vat)):
        if price.kind == "amount" and value is None:
            yield Problem(f"/edition/price/{name}", f"A price of the kind amount has a {name}: add it.")
        if price.kind != "amount" and value is not None:
            yield Problem(f"/edition/price/{name}", f"A price of the kind {price.kind} has no {name}: leave it out.")


def _hours(edition: Edition) -> Iterator[Problem]:
    for pointer, session in _placed(edition):
        if session.hours and any(int(hour[:2]) > LAST_HOUR for hour in session.hours.split("-")):
            yield Problem(f"{pointer}/hours", "There is no such hour: correct it, up to 23:59.")


def _questions(edition: Edition) -> Iterator[Problem]:
    """Want each question to have an id of its own, something to choose from where one chooses, and somebody to ask."""
    sessions = {session.session_id for session in edition.sessions}
    seen: set[str] = set()
    for number, question in enumerate(edition.questions):
        pointer = f"/edition/questions/{number}"
        if question.id in seen:
            detail = f"There is another question {question.id}: give each an id of its own."
            yield Problem(f"{pointer}/id", detail)
        seen.add(question.id)
        if (question.kind == "choice") != bool(question.options):
            has = "has options: add them" if question.kind == "choice" else "has no options: leave them out"
            yield Problem(f"{pointer}/options", f"A question of the kind {question.kind} {has}.")
        for id in sorted(set(question.session_ids) - sessions):
            yield Problem(f"{pointer}/sessionIds", f"The edition has no session {id}: correct the id.")


def _organiser(edition: Edition) -> Iterator[Problem]:
    """Want addresses that every mail server takes: a slip in one keeps all of the provider's mails from being sent."""
    organiser = edition.organiser
    for name, address in (("email", organiser.email), ("replyTo", organiser.reply_to)) if organiser else ():
        if address and (detail := _unmailable(address)):
            yield Problem(f"/edition/organiser/{name}", detail)


def _unmailable(address: str) -> str | None:
    try:
        beyond_ascii = needs_utf8(mailable(address))
    except NotMailable as error:
        return str(error)
    return (
        "Not every mail server takes this address: write it with ASCII only before the '@'." if beyond_ascii else None
    )


_RULES: Sequence[Callable[[Edition], Iterable[Problem]]] = (
    _unique_ids,
    _times,
    _seats,
    _roles,
    _choice,
    _offer,
    _prerequisites,
    _price,
    _hours,
    _questions,
    _organiser,
)


def _joining(submitted: EditionSubmitted) -> Iterator[Problem]:
    known = {session.session_id for session in submitted.edition.sessions}
    for number, link in enumerate(submitted.joining):
        if link.session_id not in known:
            detail = f"The edition has no session {link.session_id}: correct the id."
            yield Problem(f"/joining/{number}/sessionId", detail)


def _twin(twin: Twin, editions: dict[str, Edition]) -> str | None:
    if twin.edition_id not in editions:
        return f"There is no edition {twin.edition_id} among those handed in: correct the id, or hand in its file too."
    if twin.session_id not in {session.session_id for session in editions[twin.edition_id].sessions}:
        return f"The edition {twin.edition_id} has no session {twin.session_id}: correct the id."
    return None


def _pools(sessions: Iterable[Pooled]) -> Iterator[tuple[int, Problem]]:
    """Want sessions of one provider that share seats to agree on how many there are."""
    first: dict[tuple[str, str], Session] = {}
    for number, pointer, session, provider in sessions:
        if session.pool is None or session.state == "cancelled":
            continue
        other = first.setdefault((provider, session.pool), session)
        if (session.capacity, session.queue_limit) != (other.capacity, other.queue_limit):
            detail = (
                f"The session {other.session_id} shares the pool {session.pool} with another capacity or queue limit:"
                " make them the same."
            )
            yield number, Problem(f"{pointer}/pool", detail)


def _placed(edition: Edition) -> Iterator[tuple[str, Session]]:
    return ((f"/edition/sessions/{number}", session) for number, session in enumerate(edition.sessions))


def _sessions(submissions: Sequence[EditionSubmitted]) -> Iterator[Pooled]:
    for number, submitted in enumerate(submissions):
        for pointer, session in _placed(submitted.edition):
            yield number, pointer, session, submitted.edition.provider

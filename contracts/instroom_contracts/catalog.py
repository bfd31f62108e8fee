"""The catalogue: editions as the catalog service publishes them, what changes in them, and how they are handed in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from instroom_contracts.cloudevent import EventData
from instroom_contracts.fields import (
    Amount,
    Count,
    Currency,
    Email,
    Hours,
    Id,
    Instant,
    Language,
    Line,
    Link,
    Many,
    Ordinal,
    Part,
    ShortLine,
    Slug,
    Sparse,
    Text,
)

EditionKind = Literal["open", "request-only", "closed"]
EditionState = Literal["concept", "open", "tentative", "confirmed", "cancelled", "closed"]


class Deadline(Part):
    """Until when one may enrol: the last instant, and the words that people read."""

    at: Instant
    text: Line


class Price(Part):
    """What a place costs; amount (a decimal as text), currency (ISO 4217) and VAT go with the kind `amount`."""

    kind: Literal["free", "on-request", "unknown", "amount"]
    amount: Sparse[Amount | None] = None
    currency: Sparse[Currency | None] = None
    vat: Sparse[Literal["included", "excluded", "unknown"] | None] = None


class Audience(Part):
    """Who may attend; an empty list is no restriction of that kind. `labels` are words for roles, by their slugs."""

    roles: Many[Slug] = ()
    organisations: Many[Line] = ()
    regions: Many[Line] = ()
    labels: Sparse[dict[Slug, Line]] = Field(default={}, max_length=100)


class Question(Part):
    """What a provider asks of a participant; `answers` of a request go by these ids.

    `choice` has `options`, of which one is the answer; `yes-no` is answered by true or false. With `sessionIds` it is
    asked of who attends one of those only. Whoever is asked must answer one that is `required`.
    """

    id: Id
    label: Line
    kind: Literal["text", "choice", "yes-no"]
    required: bool = False
    options: Sparse[Many[Line]] = ()
    session_ids: Sparse[Many[Id]] = ()


class Choice(Part):
    """How many of the sessions to choose from one takes."""

    minimum: Count = 0
    maximum: Count = 0


class Organiser(Part):
    """The provider's public address, from which its mails are sent, and where people reach it."""

    name: Line
    email: Email
    reply_to: Sparse[Email | None] = None
    phone: Sparse[ShortLine | None] = None
    privacy_url: Sparse[Link | None] = None


class Prerequisite(Part):
    """The sessions that one must have attended first, and the roles that need not."""

    session_ids: Many[Id]
    exempt_roles: Many[Slug] = ()


class Twin(Part):
    """The same session in a sister edition, where a missed one can be caught up."""

    edition_id: Id
    session_id: Id


class AgendaItem(Part):
    """One item of a session's agenda; `time` is local, as people read it (`14:00`)."""

    time: Line
    title: Line
    trainers: Sparse[Many[Line]] = ()


class Grouping(Part):
    """How a session's participants are divided.

    `balanced`: each list of `roles` is spread evenly over the named groups. `split`: each named group is for the list
    of `roles` in its place. `organisation`: a group per organisation.
    """

    kind: Literal["balanced", "split", "organisation"]
    names: Sparse[Many[Line]] = ()
    roles: Sparse[Many[Many[Slug]]] = ()


class Session(Part):
    """One meeting of an edition.

    No `startsAt`: no date yet. No `capacity` or `queueLimit`: no limit. No `audience`: the edition's. `pool` names
    seats that are shared with other sessions of the provider; without it a session has seats of its own.
    """

    session_id: Id
    title: Line
    attendance: Literal["everyone", "choice"]
    form: Literal["online", "on-site", "in-company", "hybrid"]
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    hours: Sparse[Hours | None] = None
    capacity: Count | None = None
    queue_limit: Count | None = None
    audience: Audience | None = None
    location: Line | None = None
    state: Literal["planned", "cancelled"] = "planned"
    pool: Sparse[Id | None] = None
    companion: Literal["none", "optional", "required"] = "none"
    prerequisite: Sparse[Prerequisite | None] = None
    twins: Sparse[Many[Twin]] = ()
    groups: Sparse[Grouping | None] = None
    trainers: Sparse[Many[Line]] = ()
    agenda: Sparse[Many[AgendaItem]] = ()
    catering: Sparse[Text | None] = None
    homework: Sparse[Text | None] = None
    requirements: Sparse[Text | None] = None
    result: Sparse[Text | None] = None


class Edition(Part):
    """One run of a programme, as the catalogue has it. `state` is what the catalogue says, never today's date."""

    edition_id: Id
    programme_id: Id
    provider: Id
    title: Line
    language: Language = "nl"
    kind: EditionKind
    state: EditionState
    deadline: Deadline | None = None
    price: Price = Price(kind="unknown")
    audience: Audience = Audience()
    choice: Choice = Choice()
    sessions: Annotated[Many[Session], Field(max_length=200)]
    provider_name: Sparse[Line | None] = None
    organiser: Sparse[Organiser | None] = None
    region: Sparse[Line | None] = None
    summary: Sparse[Text | None] = None
    topics: Sparse[Many[Line]] = ()
    partners: Sparse[Many[Line]] = ()
    website: Sparse[Link | None] = None
    questions: Sparse[Annotated[Many[Question], Field(max_length=100)]] = ()


class EditionPublished(Edition, EventData):
    """Tell the whole public edition; a higher version replaces a lower one. Never holds a meeting link."""

    version: Ordinal


class SessionRescheduled(EventData):
    """Tell that a session's times changed, from the old to the new; None is no date."""

    edition_id: Id
    session_id: Id
    version: Ordinal
    old_starts_at: Instant | None = None
    old_ends_at: Instant | None = None
    new_starts_at: Instant | None = None
    new_ends_at: Instant | None = None


class SessionCancelled(EventData):
    """Tell that a session will not take place, and when it would have."""

    edition_id: Id
    session_id: Id
    version: Ordinal
    old_starts_at: Instant | None = None
    old_ends_at: Instant | None = None


class EditionCancelled(EventData):
    """Tell that an edition will not take place."""

    edition_id: Id
    version: Ordinal


class JoiningLink(Part):
    """Where a session meets online."""

    session_id: Id
    join_url: Link


class EditionSubmitted(EventData):
    """Hand in an edition, as its file has it, with the meeting links; the catalog service gives it its version.

    Private. Answered by EditionPublished, by RequestAccepted where nothing changed, or by RequestRefused.
    """

    edition: Edition
    joining: Sparse[Many[JoiningLink]] = ()


class RepublishRequested(EventData):
    """Ask the catalog service to tell its facts again, of one edition or of all. Private."""

    edition_id: Sparse[Id | None] = None


class JoiningDetailsPublished(EventData):
    """Tell the notification service where a session meets; None withdraws the link. Private."""

    edition_id: Id
    session_id: Id
    version: Ordinal
    join_url: Link | None = None

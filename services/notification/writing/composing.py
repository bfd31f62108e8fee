"""Composing: from a stored letter and what is known of its session to the mail that goes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from instroom_contracts.catalog import AgendaItem, EditionPublished, Session
from services.notification.domain.delivery import Outcome
from services.notification.domain.invitation import CALLED_OFF, POSTPONED, Invitation
from services.notification.domain.letter import Letter
from services.notification.domain.meeting import Meeting
from services.notification.domain.notice import Notice
from services.notification.writing.calendar import Entry, Party, calendar_of
from services.notification.writing.letters import Card, Content, Row, Wording, rendered
from services.notification.writing.mail import Envelope, Outgoing, Unmailable, outgoing
from services.notification.writing.screening import name_in, without_addresses
from services.notification.writing.words import Words, words_of

WITHOUT_EDITION = ("unknown-edition", "invalid-request")


@dataclass(frozen=True)
class Background:
    """What is known of the edition and the session that a letter is about."""

    edition: EditionPublished | None = None
    meeting: Meeting | None = None


class OutOfDate(Unmailable):
    """The session has changed since the mail was judged: it has to be judged again before it is written."""

    def __init__(self) -> None:
        super().__init__("message-refused")
        self.outcome = Outcome("overtaken")


@dataclass(frozen=True)
class MailIdentity:
    """Who writes where no provider is known, and the domain of Message-IDs and UIDs."""

    party: Party
    domain: str


def compose(letter: Letter, background: Background, at: datetime, identity: MailIdentity) -> Outgoing:
    """Make the mail of a letter, in the participant's language and from the provider.

    Raises `Unmailable` where none can be made of it, or not yet.
    """
    words = words_of(letter.participant.language)
    if isinstance(letter, Invitation):
        return _invitation(letter, background, words, at, identity)
    return _notice(letter, background.edition, words, at, identity)


def up_to_date(invitation: Invitation, meeting: Meeting) -> bool:
    """Say whether a mail would say what its invitation was judged by."""
    return meeting.version == invitation.seen


def _invitation(
    invitation: Invitation, background: Background, words: Words, at: datetime, identity: MailIdentity
) -> Outgoing:
    edition, meeting = background.edition, background.meeting
    if edition is None or meeting is None or meeting.session is None:
        raise Unmailable("message-refused", later=True)
    if not up_to_date(invitation, meeting):
        raise OutOfDate
    method = invitation.mail.method
    link = meeting.join_url if method == "REQUEST" else None
    rows = _rows(meeting.session, words, link) if method == "REQUEST" else _when(meeting.session, words)
    envelope = _envelope(invitation, edition, words, identity)
    content = _content(envelope, edition, words, (_card(meeting.session, words, rows, link),))
    entry = _entry(invitation, meeting.session, envelope, content, words, identity)
    letter = rendered(_wording(invitation), words, content)
    return outgoing(envelope, letter, (method, calendar_of(entry, at)), at)


def _notice(
    notice: Notice, edition: EditionPublished | None, words: Words, at: datetime, identity: MailIdentity
) -> Outgoing:
    request = notice.request
    if edition is None and request.edition_id is not None and request.reason not in WITHOUT_EDITION:
        raise Unmailable("message-refused", later=True)
    envelope = _envelope(notice, edition, words, identity)
    reason = without_addresses(request.detail or "") or words.labels["no_reason"]
    content = _content(envelope, edition, words, _queue_cards(notice, edition, words), reason)
    return outgoing(envelope, rendered(request.kind, words, content), None, at)


def _wording(invitation: Invitation) -> Wording:
    if invitation.mail.method == "REQUEST":
        return "changed" if invitation.on_calendar else "invitation"
    if invitation.mail.cause == POSTPONED:
        return "postponed"
    return "called-off" if invitation.mail.cause in CALLED_OFF else "withdrawn"


def _called_off(invitation: Invitation) -> bool:
    """Say whether it is the session that does not take place (then), and not this participant who leaves it."""
    return invitation.mail.cause in (*CALLED_OFF, POSTPONED)


def _envelope(letter: Letter, edition: EditionPublished | None, words: Words, identity: MailIdentity) -> Envelope:
    organiser = edition.organiser if edition else None
    sender = identity.party
    if organiser:
        sender = Party(without_addresses(organiser.name) or identity.party.name, organiser.email)
    name = name_in(letter.participant.name) or words.labels["participant"]
    recipient = Party(name, letter.participant.email)
    return Envelope(sender, organiser.reply_to if organiser else None, recipient, letter.message_id(identity.domain))


def _content(
    envelope: Envelope,
    edition: EditionPublished | None,
    words: Words,
    cards: tuple[Card, ...],
    reason: str | None = None,
) -> Content:
    provider = edition.provider_name if edition else None
    return Content(
        name=envelope.recipient.name,
        programme=(without_addresses(edition.title) or words.labels["programme"]) if edition else None,
        provider=without_addresses(provider or "") or envelope.sender.name,
        contact=envelope.reply_to or envelope.sender.email,
        cards=cards,
        reason=reason,
    )


def _queue_cards(notice: Notice, edition: EditionPublished | None, words: Words) -> tuple[Card, ...]:
    sessions = {session.session_id: session for session in edition.sessions} if edition else {}
    queued = notice.request.sessions
    if any(one.session_id not in sessions for one in queued):
        raise Unmailable("message-refused", later=True)
    return tuple(_queue_card(sessions[one.session_id], one.position, words) for one in queued)


def _queue_card(session: Session, position: int | None, words: Words) -> Card:
    turn = (Row(words.labels["position"], (str(position),)),) if position else ()
    return _card(session, words, (*_when(session, words), *turn), None)


def _card(session: Session, words: Words, rows: tuple[Row, ...], link: str | None) -> Card:
    return Card(without_addresses(session.title) or words.labels["session"], words.day(session.starts_at), rows, link)


def _when(session: Session, words: Words) -> tuple[Row, ...]:
    return (Row(words.labels["when"], (words.period(session.starts_at, session.ends_at, session.hours),)),)


def _rows(session: Session, words: Words, link: str | None) -> tuple[Row, ...]:
    """List what a participant must know; what the catalogue leaves open is left out, but for a link to come."""
    online = session.form == "online" and session.location
    form = f"{words.forms[session.form]}, {session.location}" if online else words.forms[session.form]
    facts = {
        "form": (form,),
        "where": (session.location,) if session.location and not online else (),
        "link": (words.labels["link_follows"],) if session.form == "online" and not link else (),
        "agenda": tuple(_agenda_line(item) for item in session.agenda),
        "trainers": _listed(session.trainers),
        "requirements": _lines(session.requirements),
        "homework": _lines(session.homework),
        "catering": _lines(session.catering),
    }
    told = tuple(Row(words.labels[name], values) for name, values in facts.items() if values)
    return (*_when(session, words), *told)


def _agenda_line(item: AgendaItem) -> str:
    trainers = f" ({names})" if (names := ", ".join(_listed(item.trainers))) else ""
    return f"{without_addresses(f'{item.time} {item.title}')}{trainers}"


def _listed(names: Sequence[str]) -> tuple[str, ...]:
    """Return names in one line, where there are any."""
    told = ", ".join(filter(None, map(without_addresses, names)))
    return (told,) if told else ()


def _lines(text: str | None) -> tuple[str, ...]:
    return tuple(line.strip() for line in (text or "").splitlines() if line.strip())


def _entry(
    invitation: Invitation, session: Session, envelope: Envelope, content: Content, words: Words, identity: MailIdentity
) -> Entry:
    card, mail = content.cards[0], invitation.mail
    return Entry(
        uid=invitation.uid(identity.domain),
        method=mail.method,
        sequence=mail.sequence,
        called_off=_called_off(invitation),
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        title=": ".join(dict.fromkeys(filter(None, [content.programme, card.title]))),
        description=_description(card, content, words),
        place=card.link or session.location,
        link=card.link,
        language=words.language,
        organiser=envelope.sender,
        participant=envelope.recipient,
    )


def _description(card: Card, content: Content, words: Words) -> str:
    """Say in a calendar entry what its other fields do not."""
    rows = [f"{row.label}: {'; '.join(row.values)}" for row in card.rows[1:]]
    link = [f"{words.labels['link']}: {card.link}"] if card.link else []
    return "\n".join([*link, *rows, f"{words.labels['questions']} {content.contact}"])

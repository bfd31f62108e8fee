"""A history: enrolment, the catalogue, the service and a mail server, a step at a time and in any order.

The truth is kept beside it in a few fields. Handlers, rules and composing are the real ones; what the database does for
a sender is done in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from chassis.handling import Handler
from instroom_contracts.catalog import JoiningDetailsPublished
from instroom_contracts.cloudevent import EventData
from instroom_contracts.notification import Method
from services.notification.domain.delivery import Claim, Delivery, Outcome
from services.notification.domain.invitation import Invitation
from services.notification.domain.inviting import finished
from services.notification.domain.meeting import Meeting
from services.notification.handlers.invite import invite_or_withdraw
from services.notification.handlers.sessions import keep_edition, keep_link
from services.notification.storage.kinds import EDITIONS, INVITATIONS, MEETINGS
from services.notification.writing.composing import Background, compose
from services.notification.writing.mail import Unmailable
from tests.support.calendars import Entry, Mailbox
from tests.unit.notification.builders import ENDS, IDENTITY, NOW, STARTS, TERMS, edition, recipient, request, session
from tests.unit.notification.kept import Kept

SESSION = "week-noord/proces"
PEOPLE = ("ada", "bob")
WEEK = timedelta(days=7)
TIMES = (STARTS, STARTS + WEEK, STARTS + 2 * WEEK, None)
LINKS = ("https://meet.example.org/a", "https://meet.example.org/b", None)
EVERYTHING = 1000


@dataclass
class Place:
    """What is true of somebody's place: whether they have one, the sequence told last, and when they asked last."""

    live: bool = False
    sequence: int = 0
    asked_at: datetime = NOW
    told: bool = False


@dataclass
class Sent:
    """A mail in the hands of a sender: the invitation as claimed, and the bytes of the mail that is past its dot."""

    claimed: Invitation
    raw: bytes | None = None


@dataclass
class History:
    """What happens, step by step; each takes a number that picks among what there is."""

    kept: Kept = field(default_factory=Kept)
    places: dict[str, Place] = field(default_factory=lambda: {name: Place() for name in PEOPLE})
    mailboxes: dict[str, Mailbox] = field(default_factory=lambda: {name: Mailbox() for name in PEOPLE})
    starts_at: datetime | None = STARTS
    link: str | None = LINKS[0]
    off: bool = False
    under_way: list[tuple[Handler, EventData]] = field(default_factory=list)
    delivered: list[tuple[Handler, EventData]] = field(default_factory=list)
    sending: list[Sent] = field(default_factory=list)
    versions: int = 0

    def step(self, name: str, pick: int) -> None:
        """Do one step."""
        getattr(self, name)(pick)

    def begin(self) -> None:
        """Publish the edition with its link."""
        self._publish()
        self.relink(0)
        self.deliver_all()

    def enrol(self, pick: int) -> None:
        """Give somebody a place, or give it back to them."""
        name = PEOPLE[pick % len(PEOPLE)]
        place = self.places[name]
        if not place.live:
            place.live = True
            self._ask(name, "REQUEST", "promotion" if place.told else "enrolment")
            place.told = True

    def leave(self, pick: int) -> None:
        """Let somebody sign off, every third time after the first start that was planned."""
        self._end(pick, "cancellation", STARTS + timedelta(hours=1) if pick % 3 == 0 else NOW)

    def end(self, pick: int) -> None:
        """Let enrolment end somebody's place because the session is cancelled, long after that."""
        if self.off:
            self._end(pick, "session-cancelled", STARTS + 10 * WEEK)

    def move(self, pick: int) -> None:
        """Give the session another time, or none."""
        self.starts_at = TIMES[pick % len(TIMES)]
        self._publish()

    def relink(self, pick: int) -> None:
        """Give the session another link, or none."""
        self.link = LINKS[pick % len(LINKS)]
        self.versions += 1
        joining = JoiningDetailsPublished(
            edition_id="week-noord", session_id="proces", version=self.versions, join_url=self.link
        )
        self.under_way.append((keep_link, joining))

    def cancel_or_reinstate(self, _: int) -> None:
        """Cancel the session, or let it take place after all."""
        self.off = not self.off
        self._publish()

    def deliver(self, pick: int) -> None:
        """Deliver one of the events that are under way, whichever came first."""
        if self.under_way:
            handler, data = self.under_way.pop(pick % len(self.under_way))
            self.kept.hear(handler, data)
            self.delivered.append((handler, data))

    def deliver_again(self, pick: int) -> None:
        """Deliver something once more."""
        if self.delivered:
            self.kept.hear(*self.delivered[pick % len(self.delivered)])

    def deliver_all(self) -> None:
        """Deliver what is under way."""
        while self.under_way:
            self.deliver(0)

    def follow(self, _: int) -> None:
        """Let what changed reach the invitations."""
        self.kept.follow()

    def claim(self, pick: int) -> None:
        """Let a sender take a mail that is due."""
        due = [one for one in self.invitations() if one.delivery.state in ("pending", "retry")]
        if due:
            taken = due[pick % len(due)]
            claim = Claim("token", NOW)
            claimed = replace(taken, delivery=replace(taken.delivery, state="sending", claim=claim))
            self._keep(claimed)
            self.sending.append(Sent(claimed))

    def dot(self, pick: int) -> None:
        """Compose a mail that was claimed, and ask for leave to send its final dot."""
        waiting = [one for one in self.sending if one.raw is None]
        if waiting:
            self._attempt(waiting[pick % len(waiting)])

    def accept(self, pick: int) -> None:
        """Let the mail server take a mail."""
        if sent := self._past_the_dot(pick):
            self.mailboxes[sent.claimed.enrolment_id].take(sent.raw or b"")
            self._finish(sent, Outcome("accepted"))

    def put_off(self, pick: int) -> None:
        """Let the mail server ask to come back later."""
        if sent := self._past_the_dot(pick):
            self._finish(sent, Outcome("try-later", "server-unreachable"))

    def refuse(self, pick: int) -> None:
        """Let the mail server refuse a mail for good."""
        if sent := self._past_the_dot(pick):
            self._finish(sent, Outcome("refused", "message-refused"))

    def fall_silent(self, pick: int) -> None:
        """Let the mail server hang up after the final dot, having taken the mail or not."""
        if sent := self._past_the_dot(pick):
            if pick % 2:
                self.mailboxes[sent.claimed.enrolment_id].take(sent.raw or b"")
            self._finish(sent, Outcome("silence", "outcome-unknown"))

    def rest(self, _: int) -> None:
        """Let everything come to rest before there is more."""
        self.settle()

    def settle(self) -> None:
        """Let everything come to rest: all is delivered, followed and sent, and what is held is released."""
        self.deliver_all()
        for _ in range(EVERYTHING):
            while self.sending:
                self.dot(0)
                self.accept(0)
            self.follow(0)
            self.claim(0)
            if not self.sending and not self._released():
                return
        raise AssertionError("mails are sent without end")

    def invitations(self) -> list[Invitation]:
        """Return every invitation that is kept."""
        return [self.kept.the(INVITATIONS, id) for kind, id in self.kept.documents if kind is INVITATIONS]

    def _attempt(self, sent: Sent) -> None:
        try:
            mail = compose(sent.claimed, self._background(), NOW, IDENTITY)
        except Unmailable as error:
            self._finish(sent, error.outcome)
        else:
            if self._may_leave(sent.claimed):
                sent.raw = mail.content
            else:
                self._finish(sent, Outcome("overtaken"))

    def _released(self) -> bool:
        """Send what is held once more, as an operator would; say whether there was any."""
        held = [one for one in self.invitations() if one.delivery.state in ("uncertain", "failed")]
        for one in held:
            self._keep(replace(one, delivery=Delivery("pending", NOW)))
        return bool(held)

    def _end(self, pick: int, cause: str, at: datetime) -> None:
        name = PEOPLE[pick % len(PEOPLE)]
        place = self.places[name]
        if place.live:
            place.live, place.sequence, place.asked_at = False, place.sequence + 1, max(at, place.asked_at)
            self._ask(name, "CANCEL", cause)

    def _ask(self, name: str, method: Method, cause: str) -> None:
        place = self.places[name]
        who = recipient(name=name.title(), email=f"{name}@example.org")
        asked_for = {"enrolment_id": name, "invite_id": name, "participant": who, "cause": cause}
        data = request(method, place.sequence, asked_at=place.asked_at, **asked_for)
        self.under_way.append((invite_or_withdraw, data))

    def _publish(self) -> None:
        self.versions += 1
        starts_at, ends_at = self.starts_at, self.starts_at + (ENDS - STARTS) if self.starts_at else None
        state: dict[str, Any] = {"state": "cancelled" if self.off else "planned"}
        held = session(starts_at=starts_at, ends_at=ends_at, **state)
        self.under_way.append((keep_edition, edition(held, version=self.versions)))

    def _background(self) -> Background:
        return Background(self.kept.get(EDITIONS, "week-noord"), self.kept.get(MEETINGS, SESSION))

    def _may_leave(self, claimed: Invitation) -> bool:
        """Look at what the ledger looks at."""
        meeting = self.kept.get(MEETINGS, SESSION) or Meeting()
        return meeting.version == claimed.seen and not self.kept.the(INVITATIONS, claimed.id).overtaken

    def _past_the_dot(self, pick: int) -> Sent | None:
        left = [one for one in self.sending if one.raw is not None]
        return left[pick % len(left)] if left else None

    def _finish(self, sent: Sent, outcome: Outcome) -> None:
        self.sending.remove(sent)
        now = self.kept.the(INVITATIONS, sent.claimed.id)
        meeting = self.kept.get(MEETINGS, SESSION) or Meeting()
        self._keep(finished(now, meeting, outcome, NOW, TERMS)[0])

    def _keep(self, invitation: Invitation) -> None:
        self.kept.documents[INVITATIONS, invitation.id] = INVITATIONS.write(invitation)


def calendar_is_true(history: History, name: str) -> None:
    """Check: somebody's calendar shows their place with the time and the link as they are, and nothing else."""
    place, shown = history.places[name], list(history.mailboxes[name].calendar.values())
    truth = _entry(history)
    begun = history.starts_at is not None and history.starts_at <= place.asked_at
    if not place.live:
        assert all(entry.starts_at and entry.starts_at <= place.asked_at for entry in shown), "still invited"
    elif history.off or truth is None:
        assert not shown, "invited to what does not take place"
    elif history.link is None or begun:
        assert shown in ([], [truth]), "an entry that is not true"
    else:
        assert shown == [truth], "not invited"


def _entry(history: History) -> Entry | None:
    if history.starts_at is None:
        return None
    return Entry(history.starts_at, history.starts_at + (ENDS - STARTS), history.link or "MS Teams")

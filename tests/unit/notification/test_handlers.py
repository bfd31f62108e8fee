"""What becomes of the events that the service hears; stored through the same reading and writing as in life."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chassis.handling import Handler
from instroom_contracts.catalog import EditionPublished, JoiningDetailsPublished, Session
from instroom_contracts.cloudevent import EventData
from instroom_contracts.enrolment import ReasonCode
from instroom_contracts.notification import InvitationRequested, NoticeRequested
from services.notification.domain.invitation import Invitation
from services.notification.handlers.invite import invite_or_withdraw
from services.notification.handlers.notify import notify
from services.notification.handlers.sessions import keep_edition, keep_link
from services.notification.storage.kinds import EDITIONS, INVITATIONS, MEETINGS, NOTICES
from tests.unit.notification.builders import LINK, STARTS, after, edition, recipient, request, session
from tests.unit.notification.kept import SOURCE, Kept

ID = "enrolment-1.week-noord.proces"
DATELESS = session(starts_at=None, ends_at=None)


def link(version: int = 1, url: str | None = LINK, session_id: str = "proces") -> JoiningDetailsPublished:
    """Build a session's meeting link."""
    return JoiningDetailsPublished(edition_id="week-noord", session_id=session_id, version=version, join_url=url)


def kept(*sessions: Session) -> Kept:
    """Build a service that knows an edition and its link."""
    kept = Kept()
    kept.hear(keep_edition, edition(*sessions))
    kept.hear(keep_link, link())
    return kept


def change(kept: Kept, handler: Handler, data: EventData) -> None:
    """Let the catalogue change something, and the invitations follow."""
    kept.hear(handler, data)
    kept.follow()


def invited(kept: Kept, id: str = ID) -> Invitation:
    """Return an invitation that must be there."""
    return kept.the(INVITATIONS, id)


def send(kept: Kept) -> None:
    """Let the mail server take the invitation."""
    kept.documents[INVITATIONS, ID] = INVITATIONS.write(after(invited(kept)))


def state_and_sequence(kept: Kept) -> tuple[str, str, int]:
    """Return how far the invitation is."""
    found = invited(kept)
    return found.delivery.state, found.mail.method, found.mail.sequence


def test_an_invitation_is_stored_for_the_sender() -> None:
    """Store first, then acknowledge, then send."""
    world = kept()
    world.hear(invite_or_withdraw, request())
    assert state_and_sequence(world) == ("pending", "REQUEST", 0)


def test_a_withdrawal_follows_a_sent_invitation() -> None:
    """The handler finds the invitation that it is about."""
    world = kept()
    world.hear(invite_or_withdraw, request())
    send(world)
    world.hear(invite_or_withdraw, request("CANCEL", 1))
    assert state_and_sequence(world) == ("pending", "CANCEL", 1)


def test_invitations_wait_for_an_edition_that_is_not_known_yet() -> None:
    """Enrolment and catalogue tell on queues of their own; either may come first."""
    world = Kept()
    world.hear(invite_or_withdraw, request())
    change(world, keep_link, link())
    assert invited(world).delivery.state == "waiting"
    change(world, keep_edition, edition())
    assert invited(world).delivery.state == "pending"


@pytest.mark.parametrize("many", [1, 250])
def test_a_date_releases_everybody_who_waits(many: int) -> None:
    """However many there are."""
    world = kept(DATELESS)
    for number in range(many):
        world.hear(invite_or_withdraw, request(enrolment_id=f"e{number}"))
    change(world, keep_edition, edition(version=2))
    found = [world.the(INVITATIONS, id) for kind, id in world.documents if kind is INVITATIONS]
    assert [letter.delivery.state for letter in found] == ["pending"] * many


def test_a_link_releases_the_session_that_it_is_for() -> None:
    """And no other."""
    world = Kept()
    change(world, keep_edition, edition(session(), session(session_id="slot")))
    world.hear(invite_or_withdraw, request())
    world.hear(invite_or_withdraw, request(session_id="slot"))
    change(world, keep_link, link())
    assert invited(world).delivery.state == "pending"
    assert invited(world, "enrolment-1.week-noord.slot").delivery.state == "waiting"


@pytest.mark.parametrize(
    "changes",
    [
        {"starts_at": STARTS + timedelta(hours=1)},
        {"ends_at": STARTS + timedelta(hours=1)},
        {"location": "Zoom"},
        {"form": "on-site"},
    ],
)
def test_a_change_that_matters_is_sent_anew(changes: dict[str, Any]) -> None:
    """When, where, how."""
    world = kept()
    world.hear(invite_or_withdraw, request())
    send(world)
    change(world, keep_edition, edition(session(**changes), version=2))
    assert state_and_sequence(world) == ("pending", "REQUEST", 1)


def test_a_new_link_is_sent_anew() -> None:
    """The old one leads nowhere."""
    world = kept()
    world.hear(invite_or_withdraw, request())
    send(world)
    change(world, keep_link, link(2, "https://meet.example.org/new"))
    assert state_and_sequence(world) == ("pending", "REQUEST", 1)


def test_a_change_that_does_not_matter_sends_nothing() -> None:
    """A participant has no use for a mail about the number of seats."""
    world = kept()
    world.hear(invite_or_withdraw, request())
    send(world)
    change(world, keep_edition, edition(session(capacity=30, title="Participatie, een proces"), version=2))
    assert state_and_sequence(world) == ("sent", "REQUEST", 0)


@pytest.mark.parametrize(
    "cancelled",
    [
        edition(session(state="cancelled"), version=2),
        edition(version=2, state="cancelled"),
        edition(session(session_id="slot"), version=2),
    ],
    ids=["the session", "the edition", "no longer in the edition"],
)
def test_what_does_not_take_place_is_withdrawn(cancelled: EditionPublished) -> None:
    """From everybody who has it on the calendar."""
    world = kept()
    world.hear(invite_or_withdraw, request())
    send(world)
    change(world, keep_edition, cancelled)
    assert state_and_sequence(world) == ("pending", "CANCEL", 1)
    assert world.the(MEETINGS, "week-noord/proces").session is not None, "its title stands in the withdrawal"


def test_an_older_version_changes_nothing() -> None:
    """Facts may come twice, and after a republish in any order."""
    world = kept()
    world.hear(keep_edition, edition(session(location="Zoom"), version=3))
    world.hear(keep_link, link(2, "https://meet.example.org/new"))
    before = dict(world.documents)
    world.hear(keep_edition, edition(version=2))
    world.hear(keep_edition, edition(version=3))
    world.hear(keep_link, link(1))
    assert world.documents == before


@pytest.mark.parametrize("asked_for", [request(), request("CANCEL", 1)], ids=["invited", "withdrawn"])
def test_whoever_is_judged_by_a_session_writes_it_along(asked_for: InvitationRequested) -> None:
    """It makes a request and a change of its session conflict when two replicas decide them at the same time."""
    world = kept()
    world.hear(invite_or_withdraw, asked_for)
    assert world.written == ["week-noord/proces", ID]
    world.hear(invite_or_withdraw, asked_for)
    assert not world.written, "one that comes again changes nothing"


def test_a_change_of_a_session_writes_no_invitation() -> None:
    """It must not wait for mails that go out, nor be one transaction over 20,000 documents."""
    world = kept()
    world.hear(invite_or_withdraw, request())
    before = world.the(MEETINGS, "week-noord/proces").version
    world.hear(keep_edition, edition(session(location="Zoom"), version=2))
    assert world.written == ["week-noord", "week-noord/proces"]
    meeting = world.the(MEETINGS, "week-noord/proces")
    assert (meeting.version, meeting.behind) == (before + 1, True)


def test_a_change_that_invitations_need_not_follow_leaves_them_be() -> None:
    """A new title marks no session as behind."""
    world = kept()
    before = world.the(MEETINGS, "week-noord/proces").version
    world.hear(keep_edition, edition(session(title="Participatie"), version=2))
    assert world.the(MEETINGS, "week-noord/proces").version == before


def test_a_notice_is_stored_once() -> None:
    """A repeated request must not send it again."""
    world = Kept()
    asked_for = NoticeRequested(notice_id="n1", kind="refusal", participant=recipient(), reason="queue-full")
    world.hear(notify, asked_for)
    assert world.the(NOTICES, "n1").delivery.state == "pending"
    world.hear(notify, asked_for)
    assert not world.written


def refused(id: str, reason: ReasonCode = "queue-full", **changes: Any) -> NoticeRequested:
    """Build the request for a refusal mail."""
    plain = {"notice_id": id, "kind": "refusal", "edition_id": "week", "participant": recipient(), "reason": reason}
    return NoticeRequested(**{**plain, **changes})


def test_the_same_refusal_is_mailed_once_a_day_however_often_it_is_asked_for() -> None:
    """Anybody may enrol anybody, and be refused, a thousand times; what differs is told."""
    world = Kept()
    for number in range(3):
        world.hear(notify, refused(f"n{number}"))
    world.hear(notify, refused("shouted", participant=recipient(email="ROBIN.JANSEN@example.org")))
    for other in (
        refused("reason", "deadline-passed"),
        refused("edition", edition_id="other"),
        refused("person", participant=recipient(email="sam@example.org")),
    ):
        world.hear(notify, other)
    assert [id for kind, id in world.documents if kind is NOTICES] == ["n0", "reason", "edition", "person"]


def test_who_waits_is_told_so_each_time() -> None:
    """It is no refusal, and each says other turns."""
    world = Kept()
    for id in ("e1", "e2"):
        world.hear(
            notify, NoticeRequested(notice_id=id, kind="waiting-list", edition_id="week", participant=recipient())
        )
    assert [id for kind, id in world.documents if kind is NOTICES] == ["e1", "e2"]


def test_nobody_is_written_to_about_a_request_that_cannot_be_read() -> None:
    """Its sender is a program, and has the answer; the address in it may be anybody's."""
    world = Kept()
    world.hear(notify, refused("n1", "invalid-request"))
    assert not world.documents


def test_a_mail_remembers_which_request_led_to_it() -> None:
    """InviteSent names it as its correlation."""
    world = kept()
    world.hear(invite_or_withdraw, request(), correlationid="request-7", correlationsource="urn:nld:oin:1:website")
    assert (invited(world).mail.origin.id, invited(world).mail.origin.source) == ("request-7", "urn:nld:oin:1:website")
    world.hear(invite_or_withdraw, request(enrolment_id="enrolment-2"), id="event-8")
    origin = invited(world, "enrolment-2.week-noord.proces").mail.origin
    assert (origin.id, origin.source) == ("event-8", SOURCE)


def test_an_invitation_remembers_whose_it_is() -> None:
    """InviteSent names it, also where a later request does not: an operator sends a mail again."""
    world = kept()
    assert (invited_by(world).owner, invited_by(world).provider) == (None, None)
    invited_by(world, sequence=1, ownersource="urn:nld:oin:1:website", provider="cmo-stamm")
    again = invited_by(world, sequence=2)
    assert (again.owner, again.provider) == ("urn:nld:oin:1:website", "cmo-stamm")


def invited_by(world: Kept, sequence: int = 0, **attributes: str) -> Invitation:
    """Take in a request with these attributes; return the invitation."""
    world.hear(invite_or_withdraw, request(sequence=sequence), id=f"event-{sequence}", **attributes)
    return invited(world)


def test_an_edition_is_kept_as_it_was_told() -> None:
    """Its title and organiser stand in the mails."""
    assert kept().get(EDITIONS, "week-noord") == edition()


def test_a_session_that_lost_its_version_gets_a_higher_one_all_the_same() -> None:
    """A service of 0.2.0 wrote it during the upgrade; its invitations must follow the next change still."""
    world = kept()
    key = (MEETINGS, "week-noord/proces")
    version = world.the(*key).version
    world.documents[key] = {name: value for name, value in world.documents[key].items() if name != "version"}
    world.hear(keep_link, link(2, "https://meet.example.org/new"))
    assert world.the(*key).version >= version - 1

"""Claims on stored mails in a real database, on both drivers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from chassis.errors import Conflict
from instroom_contracts.notification import InviteSent
from services.notification.delivery import Outcome, State
from services.notification.ledger import MongoLedger
from services.notification.storage import NOTICES, uncertain
from tests.integration.notification.world import LATER, LEASES, MOVED, World, many
from tests.unit.notification.builders import (
    ACCEPTED,
    NOW,
    TERMS,
    edition,
    invitation,
    meeting,
    notice,
    request,
)


async def test_a_claim_takes_what_has_been_due_longest(world: World) -> None:
    """Nobody waits for ever behind newer mails."""
    old, new = many(2)
    old = replace(old, delivery=replace(old.delivery, due=NOW - timedelta(minutes=1)))
    await world.keep(new, old)
    assert (await world.claimed()).id == old.id
    assert (await world.read(old)).delivery.state == "sending"


async def test_what_is_not_due_is_left_alone(world: World) -> None:
    """Waiting, sent, given up, under way, or due later."""
    for state in set(get_args(State)) - {"pending", "retry"}:
        letter = invitation(enrolment_id=state)
        await world.keep(replace(letter, delivery=replace(letter.delivery, state=state)))
    later = invitation(enrolment_id="later")
    await world.keep(replace(later, delivery=replace(later.delivery, due=NOW + timedelta(seconds=1))))
    assert await world.ledger.claim(NOW) is None


async def test_two_senders_never_claim_the_same_mail(world: World) -> None:
    """However many replicas send."""
    await world.keep(*many(20))
    claimed = await asyncio.gather(*(world.claimed() for _ in range(20)))
    assert len({letter.id for letter in claimed}) == 20


async def test_notices_are_sent_too(world: World) -> None:
    """By the same sender."""
    await world.keep(notice())
    letter = await world.claimed()
    await world.ledger.finish(letter, ACCEPTED, NOW)
    assert NOTICES.read(await world.stored(letter)).delivery.state == "sent"
    assert await world.told() == []


async def test_an_outcome_and_its_fact_are_written_together(world: World) -> None:
    """InviteSent is told if and only if the mail counts as sent."""
    await world.keep(invitation())
    letter = await world.claimed()
    await world.ledger.finish(letter, ACCEPTED, NOW)
    assert (await world.read(invitation())).delivery.state == "sent"
    (fact,) = await world.told()
    assert InviteSent.model_validate(fact).message_id == "<invite-1.0@mail.example.org>"


async def test_a_fact_that_cannot_be_told_leaves_the_outcome_unwritten(world: World) -> None:
    """The sender tries both again."""

    async def broken(*_: object) -> None:
        raise Conflict("the outbox")

    await world.keep(invitation())
    letter = await world.claimed()
    ledger = MongoLedger(world.database, world.mongo.transaction, broken, terms=TERMS, leases=LEASES)
    with pytest.raises(Conflict):
        await ledger.finish(letter, ACCEPTED, NOW)
    assert (await world.read(invitation())).delivery.state == "sending"


async def test_finishing_twice_tells_once(world: World) -> None:
    """The answer to a commit may get lost on the way."""
    await world.keep(invitation())
    letter = await world.claimed()
    await world.ledger.finish(letter, ACCEPTED, NOW)
    await world.ledger.finish(letter, ACCEPTED, NOW)
    assert len(await world.told()) == 1


async def test_leave_is_in_the_database_before_it_is_given(world: World) -> None:
    """And lasts as long as the server may take to answer."""
    await world.keep(invitation())
    letter = await world.claimed()
    assert await world.ledger.hand_over(letter, NOW)
    claim = (await world.read(invitation())).delivery.claim
    assert claim is not None
    assert (claim.handed_over, claim.until) == (True, NOW + LEASES.after_dot)


async def test_no_leave_for_a_claim_that_was_lost(world: World) -> None:
    """Another sender has the mail now; both must not send it."""
    await world.keep(invitation())
    slow = await world.claimed()
    lapsed = await world.ledger.lapsed(LATER)
    assert lapsed is not None
    await world.ledger.finish(lapsed, Outcome("try-later", "message-refused"), LATER)
    await world.claimed(LATER + timedelta(minutes=1))
    assert not await world.ledger.hand_over(slow, LATER)
    await world.ledger.finish(slow, ACCEPTED, LATER)
    assert (await world.read(invitation())).delivery.state == "sending"


async def test_no_leave_for_a_mail_that_something_newer_was_asked_about(world: World) -> None:
    """Somebody signed off while their invitation was on its way to the mail server."""
    await world.keep(invitation())
    await world.know(edition(), meeting())
    letter = await world.claimed()
    await world.ask(request("CANCEL", 1))
    assert not await world.ledger.hand_over(letter, NOW)
    await world.ledger.finish(letter, Outcome("overtaken"), NOW)
    after = await world.read(invitation())
    assert (after.delivery.state, after.mail.method, after.overtaken) == ("dropped", "CANCEL", False)


@pytest.mark.parametrize("looked_at", [True, False], ids=["guard", "twin without it"])
async def test_no_leave_for_a_mail_whose_session_has_changed(
    world: World, monkeypatch: pytest.MonkeyPatch, looked_at: bool
) -> None:
    """Its text shows a date that is no longer true; the twin, which does not look, lets it go."""

    async def assumed(*_: object) -> bool:
        return True

    if not looked_at:
        monkeypatch.setattr(world.ledger, "_is_up_to_date", assumed)
    await world.keep(invitation())
    await world.know(edition(), meeting())
    letter = await world.claimed()
    await world.change(MOVED)
    assert await world.ledger.hand_over(letter, NOW) is not looked_at


async def test_a_mail_that_left_before_its_session_changed_is_followed_by_one(world: World) -> None:
    """What is on the wire cannot be changed; the invitation knows what it said."""
    await world.keep(invitation())
    await world.know(edition(), meeting())
    letter = await world.claimed()
    assert await world.ledger.hand_over(letter, NOW)
    changed = await world.change(MOVED)
    await world.ledger.finish(letter, ACCEPTED, NOW)
    after = await world.read(invitation())
    assert (after.delivery.state, after.mail.sequence, after.seen) == ("pending", 1, changed.version)


@pytest.mark.parametrize("handed_over", [True, False])
async def test_what_a_dead_sender_left_is_found_when_its_claim_has_run_out(world: World, handed_over: bool) -> None:
    """And not before."""
    await world.keep(invitation())
    letter = await world.claimed()
    if handed_over:
        await world.ledger.hand_over(letter, NOW)
    assert await world.ledger.lapsed(NOW + timedelta(minutes=4)) is None
    found = await world.ledger.lapsed(LATER)
    assert found is not None
    assert found.delivery.claim is not None
    assert found.delivery.claim.handed_over == handed_over


async def test_every_write_raises_the_revision(world: World) -> None:
    """A handler that read the mail before must not overwrite what the sender wrote."""
    await world.keep(invitation())
    letter = await world.claimed()
    await world.ledger.hand_over(letter, NOW)
    await world.ledger.finish(letter, ACCEPTED, NOW)
    assert (await world.stored(letter))["revision"] == 4


async def test_a_handler_that_changes_a_mail_under_way_is_not_overwritten(world: World) -> None:
    """The outcome is taken in by the mail as it is then."""
    await world.keep(invitation())
    await world.know(edition(), meeting())
    letter = await world.claimed()
    await world.ask(request("CANCEL", 1))
    await world.ledger.finish(letter, ACCEPTED, NOW)
    after = await world.read(invitation())
    assert (after.delivery.state, after.mail.method, after.mail.sequence) == ("pending", "CANCEL", 1)


async def test_uncertain_mails_are_listed_oldest_first(world: World) -> None:
    """They are for a person to decide."""
    await world.keep(*many(2), notice())
    for minute in range(3):
        at = NOW + timedelta(minutes=minute)
        await world.ledger.finish(await world.claimed(at), Outcome("silence", "outcome-unknown"), at)
    assert [letter.id for letter in await uncertain(world.database, 10)] == [
        "e0.week-noord.proces",
        "e1.week-noord.proces",
        "notice-1",
    ]
    assert len(await uncertain(world.database, 1)) == 1

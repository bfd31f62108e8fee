"""Claims on stored mails in a real database, on both drivers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from chassis.errors import Conflict
from cli.mails import unsent
from cli.mails.unsent import Which
from instroom_contracts.notification import InviteSent
from services.notification.domain.delivery import Outcome, State, left_behind
from services.notification.domain.letter import Letter
from services.notification.domain.standing import Standing
from services.notification.sending import ledger
from services.notification.sending.ledger import LAPSED, MongoLedger, due, in_turn
from services.notification.sending.pausing import Pausing
from services.notification.storage.kinds import MAILS, NOTICES
from tests.integration.notification.world import LEASES, LONG_AFTER_DOT, MOVED, World, many, notices
from tests.unit.notification.builders import (
    ACCEPTED,
    NOW,
    TERMS,
    edition,
    in_state,
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


def due_at(minute: int, *letters: Letter) -> list[Letter]:
    """Return these letters, due so many minutes from a moment that is past."""
    at = NOW + timedelta(minutes=minute)
    return [replace(letter, delivery=replace(letter.delivery, due=at)) for letter in letters]


CROWD = 500
ORDERS = {"guard": {}, "twin by kind": {"kind": 1}, "twin by kind, notices first": {"kind": -1}}


@pytest.mark.parametrize("order", ORDERS)
async def test_no_kind_of_mail_goes_before_another(world: World, monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    """However many are due of the one, whoever has been due for longest is mailed first."""
    monkeypatch.setattr(ledger, "DUE_FIRST", {**ORDERS[order], **ledger.DUE_FIRST})
    one, another = notice(notice_id="one"), invitation(enrolment_id="another")
    await world.keep(*due_at(1, one), *due_at(2, *many(CROWD)), *due_at(3, another), *due_at(4, *notices(CROWD)))
    first = await world.claimed()
    await world.database[MAILS].delete_many({"delivery.due": NOW + timedelta(minutes=2)})
    assert ([first.id, (await world.claimed()).id] == [one.id, another.id]) is (order == "guard")


@pytest.mark.parametrize("guarded", [True, False], ids=["guard", "twin that takes what is due first"])
async def test_what_was_left_behind_is_judged_in_its_turn(
    world: World, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Thousands that are due later do not keep its participant waiting until all of them are sent."""
    if not guarded:
        monkeypatch.setattr(ledger, "in_turn", due)
    first, left, *crowd = many(4 * CROWD)
    await world.keep(*due_at(0, first), *due_at(1, left), *due_at(2, *crowd))
    taken = [await world.claimed(), await world.claimed()]
    assert [letter.id for letter in taken] == [first.id, left.id]
    assert await world.ledger.hand_over(taken[1])
    await world.lapse(taken[1])
    assert (await world.claimed()).id in {letter.id for letter in crowd}
    assert (await world.read(left)).delivery.state == ("uncertain" if guarded else "sending")


async def test_what_was_left_behind_is_judged_while_sending_rests(world: World) -> None:
    """The one mail that is tried at the end of a pause may be it: nothing would be sent for good."""
    await world.keep(*many(1))
    await world.lapse(await world.claimed())
    async with world.mongo.transaction() as transaction:
        await Pausing(world.database, TERMS).keep(Standing(pauses=1), transaction)
    assert await world.ledger.claim(NOW) is None
    assert (await world.read(many(1)[0])).delivery.state == "pending"


async def test_what_is_not_due_is_left_alone(world: World) -> None:
    """Waiting, sent, given up, under way, or due later."""
    for state in set(get_args(State)) - {"pending", "retry"}:
        letter = invitation(enrolment_id=state)
        await world.keep(replace(letter, delivery=replace(letter.delivery, state=state)))
    later = invitation(enrolment_id="later")
    await world.keep(replace(later, delivery=in_state("retry", due=datetime.now(UTC) + timedelta(minutes=1))))
    assert await world.ledger.claim(datetime.now(UTC)) is None


async def test_what_is_pending_is_due_whatever_the_clock_of_its_handler_said(world: World) -> None:
    """A machine that is an hour ahead would keep a participant waiting for an hour."""
    ahead = datetime.now(UTC) + timedelta(hours=1)
    await world.keep(replace(invitation(), delivery=in_state("pending", due=ahead)))
    assert (await world.claimed()).id == invitation().id


async def test_claims_and_what_was_left_behind_are_found_by_an_index(world: World) -> None:
    """They are looked for several times a second, among all mails that were ever sent."""
    for looked_for in (due(NOW), LAPSED, in_turn(NOW)):
        asked = {"find": MAILS, "filter": looked_for, "sort": {"delivery.due": 1}, "limit": 1}
        plan = str((await world.database.command({"explain": asked}))["queryPlanner"]["winningPlan"])
        assert "IXSCAN" in plan
        assert "'COLLSCAN'" not in plan
        assert "'SORT'" not in plan


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
    assert await world.ledger.hand_over(letter)
    claim = (await world.read(invitation())).delivery.claim
    assert claim is not None
    assert claim.handed_over
    assert claim.until > datetime.now(UTC) + LONG_AFTER_DOT


async def test_no_leave_for_a_claim_that_was_lost(world: World) -> None:
    """Another sender has the mail now; both must not send it."""
    await world.keep(invitation())
    slow = await world.claimed()
    await world.lapse(slow)
    assert await world.ledger.settle_left_behind(NOW) is not None
    await world.claimed()
    assert not await world.ledger.hand_over(slow)
    await world.ledger.finish(slow, ACCEPTED, NOW)
    assert (await world.read(invitation())).delivery.state == "sending"


@pytest.mark.parametrize("guarded", [True, False], ids=["guard", "twin by the token alone"])
async def test_no_leave_for_a_claim_that_has_run_out(
    world: World, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Nobody has taken the mail up yet, and may at any moment: the token alone does not tell."""
    if not guarded:
        monkeypatch.setattr(ledger, "STANDS", {})
    await world.keep(invitation())
    asleep = await world.claimed()
    await world.lapse(asleep)
    assert await world.ledger.hand_over(asleep) is not guarded


async def test_no_leave_for_a_mail_that_something_newer_was_asked_about(world: World) -> None:
    """Somebody signed off while their invitation was on its way to the mail server."""
    await world.keep(invitation())
    await world.know(edition(), meeting())
    letter = await world.claimed()
    await world.ask(request("CANCEL", 1))
    assert not await world.ledger.hand_over(letter)
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
    assert await world.ledger.hand_over(letter) is not looked_at


async def test_a_mail_that_left_before_its_session_changed_is_followed_by_one(world: World) -> None:
    """What is on the wire cannot be changed; the invitation knows what it said."""
    await world.keep(invitation())
    await world.know(edition(), meeting())
    letter = await world.claimed()
    assert await world.ledger.hand_over(letter)
    changed = await world.change(MOVED)
    await world.ledger.finish(letter, ACCEPTED, NOW)
    after = await world.read(invitation())
    assert (after.delivery.state, after.mail.sequence, after.seen) == ("pending", 1, changed.version)


@pytest.mark.parametrize(("handed_over", "state"), [(True, "uncertain"), (False, "retry")])
async def test_what_was_left_behind_is_judged_by_how_far_it_came(world: World, handed_over: bool, state: State) -> None:
    """Past its leave for the dot nobody knows; before it nothing was sent. While the claim stands it is let be."""
    await world.keep(invitation())
    letter = await world.claimed()
    if handed_over:
        await world.ledger.hand_over(letter)
    assert await world.ledger.settle_left_behind(NOW) is None
    await world.lapse(letter)
    assert await world.ledger.settle_left_behind(NOW) is not None
    assert (await world.read(invitation())).delivery.state == state


class Hasty(MongoLedger):
    """The twin: judges by what it read before, and writes over whatever the mail has come to since."""

    seen: Letter

    async def settle_left_behind(self, now: datetime) -> Letter | None:
        """Trust the token."""
        await self.finish(self.seen, left_behind(self.seen.delivery), now)
        return self.seen


@pytest.mark.parametrize("judge", [MongoLedger, Hasty], ids=["guard", "twin that judges what it read"])
async def test_a_verdict_on_what_was_left_behind_overwrites_no_dot(world: World, judge: type[MongoLedger]) -> None:
    """Its sender slept, and has leave for the dot by the time that another calls the mail not sent."""
    await world.keep(invitation())
    other = world.ledger_of(judge)
    letter = await world.claimed()
    if isinstance(other, Hasty):
        other.seen = letter
    assert await world.ledger.hand_over(letter)
    await other.settle_left_behind(NOW)
    after = (await world.read(invitation())).delivery.state
    assert (after == "sending") is (judge is MongoLedger), after


class Interrupted(MongoLedger):
    """Is slow to judge: the sender wakes up between reading and writing."""

    async def _concluded(self, letter: Letter, *more: Any) -> Any:
        awake = {"$set": {"delivery.claim.handedOver": True}, "$inc": {"revision": 1}}
        await self._mails.update_one({"_id": letter.id}, awake)
        return await super()._concluded(letter, *more)


async def test_a_mail_that_is_handed_over_while_it_is_judged_is_judged_again(world: World) -> None:
    """Reading and writing are one transaction: who comes second sees it."""
    await world.keep(invitation())
    await world.lapse(await world.claimed())
    with pytest.raises(Conflict):
        await world.ledger_of(Interrupted).settle_left_behind(NOW)
    await world.ledger.settle_left_behind(NOW)
    assert (await world.read(invitation())).delivery.state == "uncertain"


async def test_a_sender_that_only_slept_brings_the_answer_after_all(world: World) -> None:
    """The mail was called uncertain meanwhile; its sender knows."""
    await world.keep(invitation())
    asleep = await world.claimed()
    await world.ledger.hand_over(asleep)
    await world.lapse(asleep)
    await world.ledger.settle_left_behind(NOW)
    await world.ledger.finish(asleep, ACCEPTED, NOW)
    delivery = (await world.read(invitation())).delivery
    assert (delivery.state, delivery.attempts, delivery.claim) == ("sent", 1, None)


async def test_a_sender_that_slept_and_knows_no_more_tells_nothing(world: World) -> None:
    """That the mail is uncertain was told already."""
    await world.keep(invitation())
    asleep = await world.claimed()
    await world.ledger.hand_over(asleep)
    await world.lapse(asleep)
    await world.ledger.settle_left_behind(NOW)
    await world.ledger.finish(asleep, Outcome("silence", "outcome-unknown"), NOW)
    assert len(await world.told()) == 1


async def test_an_answer_that_comes_after_a_persons_decision_changes_nothing(world: World) -> None:
    """Released by hand, the mail is under way again, in other hands."""
    await world.keep(invitation())
    asleep = await world.claimed()
    await world.ledger.hand_over(asleep)
    await world.lapse(asleep)
    await world.ledger.settle_left_behind(NOW)
    await world.database[MAILS].update_one(
        {"_id": asleep.id}, {"$set": {"delivery.state": "pending", "delivery.claim": None}}
    )
    await world.claimed()
    await world.ledger.finish(asleep, Outcome("refused", "message-refused"), NOW)
    assert (await world.read(invitation())).delivery.state == "sending"


async def test_every_write_raises_the_revision(world: World) -> None:
    """A handler that read the mail before must not overwrite what the sender wrote."""
    await world.keep(invitation())
    letter = await world.claimed()
    await world.ledger.hand_over(letter)
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
        await world.ledger.finish(await world.claimed(), Outcome("silence", "outcome-unknown"), at)
    listed = [row["id"] for row in await unsent.found(world.database, Which(state="uncertain"))]
    assert listed == ["e0.week-noord.proces", "e1.week-noord.proces", "notice-1"]

"""What earlier releases stored goes on as it was, whatever is killed, and also while one of their processes runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from typing import Any, get_args

import pytest

from chassis.documents import Document, Kind
from chassis.errors import Unavailable
from chassis.handling import Handler
from chassis.mongo import Transaction
from instroom_contracts.catalog import JoiningDetailsPublished
from instroom_contracts.cloudevent import EventData
from services.notification.domain.delivery import Outcome, State
from services.notification.domain.invitation import Invitation
from services.notification.domain.letter import Letter
from services.notification.domain.meeting import Meeting
from services.notification.handlers.invite import invite_or_withdraw
from services.notification.handlers.notify import notify
from services.notification.handlers.sessions import keep_link
from services.notification.sending.following import Following
from services.notification.sending.ledger import MongoLedger
from services.notification.storage import migration
from services.notification.storage.kinds import INVITATIONS, MAILS, MEETINGS, NOTICES, UNREADABLE, kind_of
from services.notification.storage.migration import OF_OLD, migrate
from tests.integration.notification.test_following import followed
from tests.integration.notification.world import MOVED, SESSION, World, many, notices
from tests.unit.notification.builders import (
    ACCEPTED,
    LINK,
    NOW,
    ORIGIN,
    after,
    in_state,
    meeting,
    notice,
    request,
    sending,
    sent,
)

OLD: Mapping[Kind[Any], Kind[Any]] = {
    INVITATIONS: replace(INVITATIONS, collection="invitations"),
    NOTICES: replace(NOTICES, collection="notices"),
    MEETINGS: replace(MEETINGS, collection="sessions"),
}
"""The kinds of document as an earlier release keeps them."""


async def keep_as_of_old(world: World, *letters: Letter, of: Meeting | None = None) -> None:
    """Store letters, and their session, where an earlier release kept them."""
    session = {"_id": SESSION, "revision": 1, **MEETINGS.write(of or meeting())}
    await world.database["sessions"].insert_one(session)
    for letter in letters:
        document = {"_id": letter.id, "revision": 1, **kind_of(letter).write(letter)}
        del document["kind"]
        await world.database[OLD[kind_of(letter)].collection].insert_one(document)


async def kept_as_of_old(world: World) -> list[Document]:
    """Return what is where an earlier release kept it."""
    found = [await world.database[name].find(old).to_list(None) for name, old in OF_OLD.items()]
    return [document for documents in found for document in documents]


async def mails(world: World) -> dict[str, Document]:
    """Return what is in the queue, by id."""
    return {document["_id"]: document async for document in world.database[MAILS].find({})}


def of_each_state() -> list[Letter]:
    """Build an invitation and a notice in each state, and one that is being sent."""
    states = [*get_args(State), UNREADABLE]
    invitations = [replace(one, delivery=in_state(state)) for one, state in zip(many(len(states)), states, strict=True)]
    told = [replace(one, delivery=in_state(state)) for one, state in zip(notices(len(states)), states, strict=True)]
    under_way = replace(sending(many(len(states) + 1)[-1], handed_over=True), overtaken=True)
    return [*invitations, *told, under_way]


async def test_every_mail_is_moved_as_it_is(world: World) -> None:
    """With its claim, and what it is waiting for; one that nobody can read as well."""
    letters = of_each_state()
    await keep_as_of_old(world, *letters)
    await world.database["notices"].update_one({"_id": "n0"}, {"$set": {"request": 7, "revision": "x"}})
    before = await kept_as_of_old(world)
    await migrate(world.mongo, world.database)
    moved = await mails(world)
    assert moved.keys() == {letter.id for letter in letters}
    assert {document["kind"] for document in moved.values()} == {"invitation", "notice"}
    for document in before:
        if document["_id"] != SESSION:
            unlike = {"kind", "revision"}
            same = {name: value for name, value in document.items() if name not in unlike}
            assert {name: moved[document["_id"]][name] for name in same} == same
    assert not await kept_as_of_old(world)
    assert await world.database[MEETINGS.collection].count_documents({"_id": SESSION}) == 1


async def test_a_new_database_keeps_nothing_of_old(world: World) -> None:
    """Nor any fence."""
    await migrate(world.mongo, world.database)
    assert not {*OF_OLD} & {*await world.database.list_collection_names()}


@pytest.mark.parametrize("killed_after", [0, 1, 2])
async def test_a_migration_that_was_killed_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch, killed_after: int
) -> None:
    """Each mail is in one place at any moment, and in the end in the queue; two services may start at once."""
    monkeypatch.setattr(migration, "PORTION", 3)
    await keep_as_of_old(world, *many(8))
    portions, whole = count(), world.mongo.transaction

    @asynccontextmanager
    async def killed() -> AsyncIterator[Transaction]:
        async with whole() as transaction:
            yield transaction
            if next(portions) >= killed_after + 2:  # the first ones move the session, and find no other
                raise Unavailable("killed before it committed")

    monkeypatch.setattr(world.mongo, "transaction", killed)
    with pytest.raises(Unavailable):
        await migrate(world.mongo, world.database)
    left = {document["_id"] for document in await kept_as_of_old(world)}
    assert len(left) == 8 - 3 * killed_after
    assert left | (await mails(world)).keys() == {one.id for one in many(8)}
    assert not left & (await mails(world)).keys()
    monkeypatch.setattr(world.mongo, "transaction", whole)
    await asyncio.gather(*(migrate(world.mongo, world.database) for _ in range(2)))
    assert len(await mails(world)) == 8
    assert not await kept_as_of_old(world)


# A process of an earlier release that still runs


def of_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let handlers read and write where an earlier release did."""
    where = "services.notification.handlers"
    monkeypatch.setattr(f"{where}.invite.INVITATIONS", OLD[INVITATIONS])
    monkeypatch.setattr(f"{where}.invite.MEETINGS", OLD[MEETINGS])
    monkeypatch.setattr(f"{where}.sessions.MEETINGS", OLD[MEETINGS])
    monkeypatch.setattr(f"{where}.notify.NOTICES", OLD[NOTICES])


ASKED: Sequence[tuple[Handler, EventData]] = [
    (invite_or_withdraw, request()),
    (notify, notice().request),
    (keep_link, JoiningDetailsPublished(edition_id="week-noord", session_id="proces", version=2, join_url=f"{LINK}/2")),
]


async def unfenced(_: object) -> None:
    """Let whatever is put into a collection of old be put there."""


@pytest.mark.parametrize("fenced", [True, False], ids=["guard", "twin without a fence"])
@pytest.mark.parametrize(("handler", "data"), ASKED, ids=["invitation", "notice", "session"])
async def test_an_old_process_puts_nothing_where_nobody_looks_any_more(
    world: World, monkeypatch: pytest.MonkeyPatch, handler: Handler, data: EventData, fenced: bool
) -> None:
    """What it had decided before, and what it decides now, it cannot write: the message goes to another in the end."""
    of_old(monkeypatch)
    if not fenced:
        monkeypatch.setattr(migration, "_fence", unfenced)
    await keep_as_of_old(world, *many(1))
    before = await world.decided(handler, data)
    await migrate(world.mongo, world.database)
    written = [await world.written(before), await world.written(await world.decided(handler, data))]
    assert any(written) is not fenced
    assert bool(await kept_as_of_old(world)) is not fenced


async def test_what_an_old_process_writes_meanwhile_is_moved_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it could still write is in the queue, and no more than that."""
    of_old(monkeypatch)
    monkeypatch.setattr(migration, "PORTION", 10)
    await keep_as_of_old(world, *many(100))
    migrating = asyncio.create_task(migrate(world.mongo, world.database))
    written = set()
    for number in range(1000):
        asked = request(enrolment_id=f"new{number}", invite_id=f"new{number}")
        if await world.written(await world.decided(invite_or_withdraw, asked)):
            written.add(f"new{number}.week-noord.proces")
        elif migrating.done():
            break
    await migrating
    assert (await mails(world)).keys() == {one.id for one in many(100)} | written
    assert not await kept_as_of_old(world)


class OldLedger(MongoLedger):
    """The ledger of an earlier release, at its worst: it takes every mail for up to date."""

    def __init__(self, *of: Any, **terms: Any) -> None:
        super().__init__(*of, **terms)
        self._mails = self._database["invitations"]

    async def _is_up_to_date(self, _: Invitation) -> bool:
        return True


@pytest.mark.parametrize(("handed_over", "state"), [(False, "retry"), (True, "uncertain")])
async def test_a_mail_that_an_old_process_has_in_hand_is_not_sent_twice(
    world: World, handed_over: bool, state: State
) -> None:
    """Without leave for the dot it is not sent by that one; with it nobody else sends it, and a person decides."""
    under_way, due = many(2)
    await keep_as_of_old(world, under_way)
    old = world.ledger_of(OldLedger)
    document = await world.database["invitations"].find_one_and_update({}, {"$set": {"kind": "invitation"}})
    assert document
    letter = await old.claim(NOW)
    assert letter
    assert not handed_over or await old.hand_over(letter)
    await migrate(world.mongo, world.database)
    await world.keep(due)
    assert await old.claim(NOW) is None
    assert not await old.hand_over(letter)
    await old.finish(letter, Outcome("overtaken"), NOW)
    assert (await world.claimed()).id == due.id
    await world.lapse(letter)
    assert await world.ledger.settle_left_behind(NOW)
    assert (await mails(world))[under_way.id]["delivery"]["state"] == state


class OldFollowing(Following):
    """Follows sessions where an earlier release kept them."""

    def __init__(self, world: World) -> None:
        super().__init__(world.database, lambda: NOW, 0.01)
        self._sessions, self._invitations = world.database["sessions"], world.database["invitations"]


@pytest.mark.parametrize("sessions_first", [True, False], ids=["guard", "twin that moves them last"])
async def test_an_old_process_takes_no_change_for_followed(
    world: World, monkeypatch: pytest.MonkeyPatch, sessions_first: bool
) -> None:
    """It finds none of the session's invitations any more, while all of them have yet to hear of the new time."""
    changed = meeting().after(MOVED, ORIGIN, NOW)
    await keep_as_of_old(world, *map(after, many(3)), of=changed)
    move = migration._move

    async def beside_an_old_process(*of: Any) -> bool:
        moved = await move(*of)
        await OldFollowing(world).follow()
        return moved

    monkeypatch.setattr(migration, "_move", beside_an_old_process)
    if not sessions_first:
        monkeypatch.setattr(migration, "MOVED", dict([*migration.MOVED.items()][::-1]))
    await migrate(world.mongo, world.database)
    await followed(world)
    states = {document["delivery"]["state"] for document in (await mails(world)).values()}
    assert states == ({"pending"} if sessions_first else {"sent"})


# What 0.2.0 stored


def as_of_0_2(document: Document, following: Document | None = None) -> Document:
    """Take from an invitation what 0.2.0 did not store."""
    new = ("kind", "askedCause", "askedOrigin", "address", "seen", "overtaken", "arrived")
    kept = {name: value for name, value in document.items() if name not in new}
    mail = {name: value for name, value in kept["mail"].items() if name != "shows"}
    return {**kept, "mail": mail, "number": 1, "following": following}


async def keep_as_of_0_2(world: World) -> None:
    """Store a session and invitations as 0.2.0 did: sent, to be sent anew, and overtaken while being sent."""
    await keep_as_of_old(world)
    fields = {"$unset": {"version": 1, "behind": 1, "origin": 1}, "$set": {"invited": 3}}
    await world.database["sessions"].update_one({"_id": SESSION}, fields)
    done, anew, under_way = (sent(enrolment_id=name) for name in ("done", "anew", "under-way"))
    documents = [{"_id": one.id, "revision": 7, **INVITATIONS.write(one)} for one in (done, anew, under_way)]
    mail = {**as_of_0_2(documents[1])["mail"], "sequence": 1}
    documents[1] |= {"mail": mail, "delivery": {**documents[1]["delivery"], "state": "pending"}}
    claim = {"token": "t", "until": NOW, "handedOver": True}
    documents[2] |= {"delivery": {**documents[2]["delivery"], "state": "sending", "claim": claim}}
    stored = [as_of_0_2(documents[0]), as_of_0_2(documents[1]), as_of_0_2(documents[2], mail)]
    await world.database["invitations"].insert_many(stored)


async def test_what_0_2_stored_goes_on_as_it_was(world: World) -> None:
    """An upgrade mails nobody; what was to be sent is, and what changes later is followed."""
    await keep_as_of_0_2(world)
    await migrate(world.mongo, world.database)
    before = await world.all_invitations()
    await migrate(world.mongo, world.database)
    assert await world.all_invitations() == before, "once is enough"
    assert not await followed(world)
    anew, done, under_way = before
    assert (done.delivery.state, done.shown() is not None, done.seen) == ("sent", True, 1)
    assert (anew.delivery.state, anew.mail.sequence) == ("pending", 1)
    assert under_way.overtaken
    await world.ledger.finish(under_way, ACCEPTED, NOW)
    assert (await world.read(under_way)).delivery.state == "pending"
    await world.change(meeting(join_url=f"{LINK}/new"))
    await followed(world)
    assert {one.delivery.state for one in await world.all_invitations()} == {"pending"}
    await world.change(Meeting(session=meeting().session, join_url=LINK))
    await followed(world)
    assert (await world.read(done)).delivery.state == "sent", "undone before it was told"

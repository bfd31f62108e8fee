"""Who enrolled before an upgrade is found as enrolled after it, under whatever spelling they come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any, cast

import pytest

from chassis.mongo import Mongo, Transaction
from chassis.service import Running
from instroom_contracts.cloudevent import CloudEvent, new_event
from instroom_contracts.intake import EnrolmentRequested, Participant
from services.enrolment.domain.ids import enrolment_id, participant_key
from services.enrolment.migrations import participants
from services.enrolment.storage.kinds import ENROLMENTS, PARTICIPANTS
from tests.integration.enrolment.ground import Ground, received
from tests.support.eventually import eventually
from tests.unit.enrolment.examples import CATALOG, EDITION, cancellation, edition, participant, request, session

OLD = [
    participant("robin", email="robin@bücher.example"),
    participant("kim", email="kim@example.org."),
    participant("sam", email="sa\u0308m@example.org"),
    participant("lou", email="lou@example.org", reference="kamer  1"),
    participant("ziggy", email="ziggy@straße.example"),
]
AGAIN = [
    participant("robin", email="ROBIN@xn--bcher-kva.example."),
    participant("kim", email="kim@example.org"),
    participant("sam", email="s\u00e4m@example.org"),
    participant("lou", email="lou@example.org", reference="kamer 1"),
    participant("ziggy", email="ziggy@STRAẞE.example"),
]
SAME = participant("pat", email="Pat@Example.org", reference="1")


def key_of_0_2_0(edition_id: str, person: Participant) -> str:
    """Return the key as 0.2.0 worked it out."""
    return sha256(f"{edition_id}\n{person.email.casefold()}\n{(person.reference or '').strip()}".encode()).hexdigest()


async def ask(ground: Ground, *people: Participant) -> list[CloudEvent[EnrolmentRequested]]:
    """Ask for a place for each of these people."""
    asked = [request(participant=person) for person in people]
    await ground.committer().commit(received(asked))
    return asked


async def enrolled_by_0_2_0(ground: Ground, *people: Participant) -> list[str]:
    """Enrol people and register them as 0.2.0 did; return their enrolments."""
    offered = new_event(edition(session("duo")), source=CATALOG, id="edition-1")
    await ground.committer().commit(received([offered]))
    registered, asked = ground.database[PARTICIPANTS.collection], []
    for person in people:
        asked += await ask(ground, person)
        await registered.delete_many({})
    ids = [enrolment_id(one.source, one.id) for one in asked]
    for id, one in zip(ids, asked, strict=True):
        key = key_of_0_2_0(EDITION, one.data.participant)
        await registered.insert_one({"_id": key, "revision": 1, "enrolmentId": id, "source": one.source})
    return ids


async def registrations(ground: Ground) -> dict[str, str]:
    """Return which enrolment stands under which key."""
    return {key: live.enrolment_id for key, live in (await ground.all(PARTICIPANTS)).items()}


async def told_after(ground: Ground, *people: Participant) -> list[str]:
    """Ask for people again, and return what each is told, without what is told between the services."""
    before = len(await ground.told())
    for person in people:
        await ask(ground, person)
    told = (await ground.told())[before:]
    return [type.split(".")[2] for type in told if ".enrolment-" in type]


async def test_who_enrolled_before_is_found_under_every_spelling(ground: Ground, monkeypatch: Any) -> None:
    """They keep their one place, and cannot take a second; a portion at a time."""
    monkeypatch.setattr(participants, "PORTION", 2)
    ids = await enrolled_by_0_2_0(ground, *OLD, SAME)
    await participants.rekey(ground.mongo, ground.database)
    keys = [participant_key(EDITION, person) for person in (*OLD, SAME)]
    assert await registrations(ground) == dict(zip(keys, ids, strict=True))
    assert await told_after(ground, *AGAIN, SAME) == ["enrolment-rejected"] * 6


async def test_without_it_they_enrol_twice(ground: Ground) -> None:
    """The twin: nobody finds what stands under the key of before."""
    await enrolled_by_0_2_0(ground, *OLD, SAME)
    told = await told_after(ground, *AGAIN, SAME)
    assert told == ["enrolment-confirmed"] * 5 + ["enrolment-rejected"]


async def test_a_second_time_changes_nothing(ground: Ground) -> None:
    """It runs at every start, in every replica."""
    await enrolled_by_0_2_0(ground, *OLD, SAME)
    await participants.rekey(ground.mongo, ground.database)
    before = [await ground.rows(kind.collection) for kind in (ENROLMENTS, PARTICIPANTS)]
    await asyncio.gather(*(participants.rekey(ground.mongo, ground.database) for _ in range(3)))
    assert [await ground.rows(kind.collection) for kind in (ENROLMENTS, PARTICIPANTS)] == before


async def test_replicas_that_start_together_agree(ground: Ground) -> None:
    """Whoever comes second reads again."""
    ids = await enrolled_by_0_2_0(ground, *OLD)
    await asyncio.gather(*(participants.rekey(ground.mongo, ground.database) for _ in range(3)))
    assert sorted((await registrations(ground)).values()) == sorted(ids)


@pytest.mark.parametrize("second", [AGAIN[0], participant("robin", email="robin@xn--bcher-kva.example")])
async def test_of_two_enrolments_of_one_mailbox_one_is_registered(ground: Ground, second: Participant) -> None:
    """Nobody loses a place by an upgrade; the audit names the other, and the desk can cancel it."""
    ids = await enrolled_by_0_2_0(ground, OLD[0], second)
    await participants.rekey(ground.mongo, ground.database)
    ((key, holder),) = (await registrations(ground)).items()
    assert (key, holder in ids) == (participant_key(EDITION, OLD[0]), True)
    assert [one.state for one in (await ground.all(ENROLMENTS)).values()] == ["confirmed", "confirmed"]


async def test_who_signed_off_with_a_replica_of_before_may_enrol_again(ground: Ground) -> None:
    """It ended the enrolment and did not know of the new key; the next start frees the participant."""
    (id,) = await enrolled_by_0_2_0(ground, OLD[0])
    await participants.rekey(ground.mongo, ground.database)
    await ground.database[ENROLMENTS.collection].update_one({"_id": id}, {"$set": {"state": "cancelled"}})
    await participants.rekey(ground.mongo, ground.database)
    assert await registrations(ground) == {}
    assert await told_after(ground, AGAIN[0]) == ["enrolment-confirmed"]


async def test_what_a_replica_of_before_did_beside_this_one_is_mended_soon(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade starts the new processes first: until the old ones have gone they enrol under the old keys."""
    monkeypatch.setattr(participants, "AGAIN_AFTER_S", 0.0)
    (id,) = await enrolled_by_0_2_0(ground, OLD[0])
    work = asyncio.create_task(participants.rekey_again(cast("Running", ground)))

    async def mended() -> bool:
        return await registrations(ground) == {participant_key(EDITION, OLD[0]): id}

    await eventually(mended, within=20)
    assert not work.done()
    work.cancel()


async def cancelled_meanwhile(ground: Ground, monkeypatch: pytest.MonkeyPatch, id: str) -> None:
    """Let the enrolment be cancelled after it was read as live and before its new key is written."""
    register, cancelled = participants._register, asyncio.Event()

    async def late(database: Any, respelt: Any, at: Transaction) -> None:
        if not cancelled.is_set():
            cancelled.set()
            await ground.committer().commit(received([cancellation(id)]))
        await register(database, respelt, at)

    monkeypatch.setattr(participants, "_register", late)
    await participants.rekey(ground.mongo, ground.database)


async def test_who_signs_off_at_that_moment_is_registered_no_more(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else they would be locked out of the edition for ever."""
    (id,) = await enrolled_by_0_2_0(ground, OLD[0])
    await cancelled_meanwhile(ground, monkeypatch, id)
    assert await registrations(ground) == {}


async def test_without_a_transaction_they_would_be(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: read and written apart, the key of one who has gone stays."""
    (id,) = await enrolled_by_0_2_0(ground, OLD[0])

    @asynccontextmanager
    async def apart(_: Mongo) -> AsyncIterator[None]:
        yield None

    with monkeypatch.context() as patched:
        commit = ground.committer().commit
        patched.setattr(Ground, "committer", lambda _: type("Committing", (), {"commit": staticmethod(commit)}))
        patched.setattr(participants, "_settled", unguarded(participants._settled, apart))
        await cancelled_meanwhile(ground, patched, id)
    assert await registrations(ground) != {}


def unguarded(settle: Any, apart: Any) -> Any:
    """Return the settling of a portion without its transaction."""

    async def settled(mongo: Mongo, database: Any, ids: list[str]) -> bool:
        stand_in = type("Apart", (), {"transaction": apart})()
        return bool(await settle(stand_in, database, ids))

    return settled

"""Answers that are kept with the request's record and told again, on a real database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chassis import inbox
from chassis.clock import Clock
from chassis.committer import Committer
from chassis.deciding import Received
from chassis.handling import Tell
from chassis.mongo import Database, Mongo
from chassis.outbox import Teller
from instroom_contracts.origin import Origin
from tests.integration.chassis.conftest import rows, told
from tests.unit.chassis import toy
from tests.unit.chassis.toy import SOURCE, TELLS, asked_again, received


def says(event: dict[str, Any]) -> bytes:
    """Return the data of an event in the outbox."""
    return bytes(event["body"]).rpartition(b'"data":')[2]


async def test_an_answer_is_told_again_as_it_was(committer: Committer, database: Database) -> None:
    """Same id, same bytes, same properties, under whatever load: the outbox holds the same event twice."""
    await committer.commit([received("a", id="1")])
    await committer.commit([received("a", id="2"), asked_again("1", id="3")])
    first, second, again, accepted = await told(database)
    assert again == first
    assert says(second) == b'{"jar":"a","count":2}}'
    assert says(accepted) == b'{"jar":"again","count":1}}'


async def test_an_asking_that_is_delivered_twice_is_answered_once(committer: Committer, database: Database) -> None:
    """It is a request like any other."""
    await committer.commit([received("a", id="1")])
    for _ in range(3):
        await committer.commit([asked_again("1", id="3")])
    assert len(await told(database)) == 3


async def test_an_answer_is_kept_with_its_request_or_not_at_all(
    committer: Committer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decision, record, answer and outbox are one transaction."""
    insert, failures = inbox.record, iter([True])

    async def broken(*arguments: Any) -> None:
        await insert(*arguments)
        if next(failures, False):
            raise RuntimeError("the database refuses what comes behind the record")

    monkeypatch.setattr(inbox, "record", broken)
    message = received("a", id="1")
    plan = await committer.prepare([message], None)
    assert not await committer.commit([message], plan)
    (record,) = await rows(database, "inbox")
    (event,) = await told(database)
    assert record["answer"] == [event["body"]]


async def test_what_is_decided_in_the_same_batch_or_the_one_before_is_under_way(
    committer: Committer, database: Database
) -> None:
    """Its record is not written yet; refusing to know it would be wrong a moment later."""
    first, second = [received("a", id="1"), asked_again("1", id="2")], [asked_again("1", id="3")]
    plan = await committer.prepare(first, None)
    after = await committer.prepare(second, plan)
    assert await committer.commit(first, plan)
    assert await committer.commit(second, after)
    assert [says(event) for event in (await told(database))[1:]] == [b'{"jar":"again","count":-1}}'] * 2


async def test_without_that_layer_it_would_be_unknown(
    committer: Committer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched off, the guard of the test above is missed."""
    monkeypatch.setattr("chassis.deciding.Verdict.spend", lambda self, key, message: self.spent.update({key: message}))
    await committer.commit([received("a", id="1"), asked_again("1", id="2")])
    assert says((await told(database))[1]) == b'{"jar":"again","count":-2}}'


async def test_a_request_that_waited_gets_its_answer_when_it_is_decided(
    committer: Committer, database: Database
) -> None:
    """Its record stands since it was parked."""
    await committer.commit([handled(received("a", id="1"))])
    assert "answer" not in (await rows(database, "inbox"))[0]
    await committer.commit([asked_again("1", id="2")])
    assert says((await told(database))[0]) == b'{"jar":"again","count":0}}'
    late_answer = Tell(toy.CountRose(jar="a", count=7), "a", in_reply_to=Origin("1", SOURCE))
    await committer.commit([handled(received("a", id="3"), late_answer)])
    await committer.commit([asked_again("1", id="4")])
    (_, late, again, _) = await told(database)
    assert again == late


def handled(message: Received, *tells: Tell) -> Received:
    """Let the handler tell just this."""
    return replace(message, hears=replace(message.hears, handler=lambda *_: tells))


async def test_a_record_from_before_answers_were_kept_is_read(committer: Committer, database: Database) -> None:
    """It has neither an answer nor a revision."""
    old = {"_id": f"{SOURCE} 0", "type": "nl.enrolments.thing-counted.v1", "digest": "d", "at": datetime.now(UTC)}
    await database["inbox"].insert_one(old)
    await committer.commit([asked_again("0", id="1")])
    assert says((await told(database))[0]) == b'{"jar":"again","count":0}}'
    assert (await rows(database, "inbox"))[0].keys() == old.keys(), "and is left as it is"


async def test_two_processes_told_to_tell_the_same_answer_tell_it_twice_the_same(
    mongo: Mongo, database: Database, committer: Committer
) -> None:
    """Replicas share the intake."""
    await committer.commit([received("a", id="1")])
    both = [
        Committer(mongo, database, Teller.of(SOURCE, TELLS), after_commit=lambda: None, clock=Clock(database))
        for _ in range(2)
    ]
    await asyncio.gather(*(one.commit([asked_again("1", id=str(n))]) for n, one in enumerate(both, start=2)))
    first, *events = await told(database)
    assert [event for event in events if event["id"] == first["id"]] == [first, first]

"""Group commit on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client import REGISTRY, generate_latest

from chassis import quarantine, store
from chassis.clock import Clock
from chassis.committer import CONFLICTS_INSIDE, Committer
from chassis.documents import Document, Kind
from chassis.mongo import Collection, Database, Mongo, Transaction
from chassis.outbox import Teller
from cli.quarantine.held import Held
from instroom_contracts.cloudevent import InvalidEvent
from tests.integration.chassis.conftest import rows, told
from tests.support.eventually import eventually
from tests.unit.chassis import toy
from tests.unit.chassis.toy import SOURCE, TELLS, invalid, received


async def test_a_batch_leaves_documents_records_and_events(committer: Committer, database: Database) -> None:
    """All that a decision comes to is written, or nothing."""
    await committer.commit([received("a", id="1"), received("a", id="2"), received("b", id="3")])
    assert [(jar["_id"], jar["count"]) for jar in await rows(database, "jars")] == [("a", 2), ("b", 1)]
    assert [row["_id"] for row in await rows(database, "inbox")] == [f"{SOURCE} {id}" for id in "123"]
    assert len(await told(database)) == 3


async def test_what_was_decided_is_not_decided_again(committer: Committer, database: Database) -> None:
    """Every message delivered three times counts once."""
    for _ in range(3):
        await committer.commit([received("a", id="1")])
    assert (await rows(database, "jars"))[0]["count"] == 1
    assert len(await told(database)) == 1


async def test_without_the_inbox_a_repeated_message_counts_twice(
    committer: Committer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched off, the guard of the test above is missed."""

    async def nothing(*_: object) -> dict[str, str]:
        return {}

    monkeypatch.setattr("chassis.inbox.seen", nothing)
    monkeypatch.setattr("chassis.inbox.record", nothing)
    for _ in range(3):
        await committer.commit([received("a", id="1")])
    assert (await rows(database, "jars"))[0]["count"] == 3


async def test_two_committers_on_one_document_lose_no_message(mongo: Mongo, database: Database) -> None:
    """Two processes on one hot pool: each conflict is decided again, none is given up."""
    both = [
        Committer(mongo, database, Teller.of(SOURCE, TELLS), after_commit=lambda: None, clock=Clock(database))
        for _ in range(2)
    ]
    batches = [[received("hot", id=f"{who}-{turn}-{n}") for n in range(5)] for who in range(2) for turn in range(6)]
    await asyncio.gather(*(both[n % 2].commit(batch) for n, batch in enumerate(batches)))
    assert (await rows(database, "jars"))[0]["count"] == 60
    assert [event["body"].count(b'"count":60') for event in await told(database)][-1] == 1


async def test_a_version_told_rises_with_its_position_in_the_outbox(mongo: Mongo, database: Database) -> None:
    """Facts of one session leave in their order, whichever process decided them."""
    await test_two_committers_on_one_document_lose_no_message(mongo, database)
    counts = [int(event["body"].split(b'"count":')[1].split(b"}")[0]) for event in await told(database)]
    assert counts == sorted(counts)


async def test_a_message_that_the_database_refuses_is_held_alone(committer: Committer, database: Database) -> None:
    """A validator's veto, or a document that is too large, must not stop its neighbours."""
    await database.create_collection("jars", validator={"count": {"$lt": 1}})
    await database.command("collMod", "jars", validator={"_id": {"$ne": "forbidden"}})
    names = ["a", "b", "forbidden", "c", "d"]
    await committer.commit([received(name, id=name) for name in names])
    assert [jar["_id"] for jar in await rows(database, "jars")] == ["a", "b", "c", "d"]
    (held,) = await rows(database, "quarantine")
    assert (held["reason"], held["eventId"]) == ("failed", "forbidden")


async def test_a_fact_that_is_too_large_to_send_costs_its_own_message_alone(
    committer: Committer, database: Database
) -> None:
    """What cannot be told must not be decided, and its sender is told why; its neighbours do not notice."""
    huge = "j" * 70_000
    await committer.commit([received(name, id=name[:1]) for name in ("a", huge, "b")])
    assert [jar["_id"] for jar in await rows(database, "jars")] == ["a", "b"]
    assert [held["reason"] for held in await rows(database, "quarantine")] == ["answer-too-large"]
    assert {event["correlationId"] for event in await told(database)} == {"a", "j", "b"}, "each has an answer"


class Contention:
    """Another process that changes a document whenever a transaction has read it."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self._database = database
        self.inside = self.outside = 0
        read = store.Store.read

        async def disturbed(of: store.Store, needs: Any, into: Any, session: Transaction) -> None:
            await read(of, needs, into, session)
            if not session.in_transaction:
                self.outside += 1
            elif needs:
                self.inside += 1
                await self._change()

        monkeypatch.setattr(store.Store, "read", disturbed)

    async def _change(self) -> None:
        await self._database["jars"].update_one({"_id": "a"}, {"$inc": {"revision": 1}})


async def test_a_lone_message_that_always_conflicts_is_decided_in_the_end_and_said(
    committer: Committer,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Read outside the transaction there is next to no time in which another can come first."""
    await committer.commit([received("a", id="1")])
    contention = Contention(database, monkeypatch)
    await committer.commit([received("a", id="2")])
    assert (await rows(database, "jars"))[0]["count"] == 2
    assert contention.inside >= CONFLICTS_INSIDE
    assert contention.outside >= 1
    assert f'"attempts": {CONFLICTS_INSIDE}' in capsys.readouterr().out


async def test_read_inside_only_it_is_tried_for_ever(
    committer: Committer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched off, the guard of the test above is missed."""
    await committer.commit([received("a", id="1")])
    contention = Contention(database, monkeypatch)
    monkeypatch.setattr("chassis.committer.CONFLICTS_INSIDE", 1_000_000)
    trying = asyncio.create_task(committer.commit([received("a", id="2")]))
    await eventually(lambda: contention.inside > 2 * CONFLICTS_INSIDE or trying.done(), within=30)
    assert not trying.done()
    trying.cancel()
    await asyncio.gather(trying, return_exceptions=True)


async def test_a_stale_document_is_not_overwritten(
    committer: Committer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The revision guards a write even where a transaction's isolation would not."""
    await committer.commit([received("a", id="1")])
    reads = store.Store._read_kind
    tries = 0

    async def disturbed(self: store.Store, kind: Kind[toy.Jar], *rest: object) -> None:
        nonlocal tries
        await reads(self, kind, *rest)  # type: ignore[arg-type]
        tries += 1
        if tries == 1:
            loaded = rest[1]
            loaded.versions[kind, "a"] = 99  # type: ignore[attr-defined]

    monkeypatch.setattr(store.Store, "_read_kind", disturbed)
    await committer.commit([received("a", id="2")])
    assert tries == 2
    assert (await rows(database, "jars"))[0]["count"] == 2


async def test_more_documents_than_one_statement_replaces_are_written(committer: Committer, database: Database) -> None:
    """However many a batch changes, each is replaced once and by its own."""
    names = [f"jar-{number}" for number in range(2 * store.PER_STATEMENT + 1)]
    for round in range(2):
        await committer.commit([received(name, id=f"{name}-{round}") for name in names])
    jars = await rows(database, "jars")
    assert {jar["_id"] for jar in jars} == set(names)
    assert {(jar["count"], jar["revision"]) for jar in jars} == {(2, 2)}


async def test_an_invalid_message_is_stored_once_however_often_it_comes(
    committer: Committer, database: Database
) -> None:
    """A redelivery is no second message; the count says how often it came."""
    message = invalid(id=None)
    for _ in range(3):
        await committer.commit([message])
    (held,) = await rows(database, "quarantine")
    assert (held["reason"], held["times"], held["state"], bytes(held["body"])) == ("invalid-event", 3, "held", b"{}")


async def test_what_a_message_says_of_itself_is_never_a_label(committer: Committer) -> None:
    """A sender's mistake in `type` would be a series for ever, and may be somebody's address."""
    problem = InvalidEvent("invalid-event", (), id="odd", source=SOURCE, type="robin.jansen@example.org")
    await committer.commit([replace(invalid(id="odd"), event=problem)])
    shown = generate_latest(REGISTRY).decode()
    assert 'instroom_decided_total{type="nl.enrolments.thing-counted.v1"}' in shown
    assert "robin.jansen" not in shown


async def test_an_invalid_message_with_odd_headers_is_held_all_the_same(
    committer: Committer, database: Database
) -> None:
    """A sender chooses the headers: none of their types may stop the service."""
    odd = {"price": Decimal("1.5"), "raw": bytearray(b"\xff"), "nul\0name": "nul\0value", "table": {"a": [1]}}
    named = {"$set": "1", "$ref": "a", "$id": "b", "a.b": "2", "": "3"}
    await committer.commit([replace(invalid(id=None), headers={**odd, **named})])
    (held,) = await rows(database, "quarantine")
    headers = Held("enrolment", held).headers
    assert {name: headers[name] for name in named} == named
    assert headers["price"] == "1.5"
    assert headers["nulname"] == "nulvalue"


@pytest.mark.parametrize("state", ["dropped", "replayed"])
async def test_what_an_operator_dealt_with_is_held_again_when_it_comes_again(
    committer: Committer, database: Database, state: str
) -> None:
    """Its sender goes on as before, and nobody would look."""
    for message in (invalid(id=None), replace(invalid(id="1"), body=b"[]")):
        await committer.commit([message])
        dealt_with = {"$set": {"state": state, "note": "a test"}}
        await database["quarantine"].update_many({}, dealt_with)
        await committer.commit([message])
        held = await database["quarantine"].find_one({"eventId": message.event.id})
        assert held is not None
        assert (held["state"], held["times"], held["note"]) == ("held", 2, "a test")


async def test_headers_that_were_stored_by_name_are_kept_as_a_list(database: Database) -> None:
    """As 0.2.0 left them; a start of every replica may do it, and once is enough."""
    old = {"_id": "a1", "headers": {"ce-id": "7", "$ref": "x", "a.b": "2"}}
    await database["quarantine"].insert_many([old, {"_id": "a2", "headers": {}}])
    for _ in range(2):
        await quarantine.prepare(database)
        kept = await rows(database, "quarantine")
        assert [Held("enrolment", row).headers for row in kept] == [old["headers"], {}]
        assert all(isinstance(row["headers"], list) for row in kept)


async def test_of_a_message_that_is_too_large_the_head_is_stored(committer: Committer, database: Database) -> None:
    """Nothing invalid is dropped, and no sender can fill the disk."""
    body = b"x" * 70_000
    await committer.commit([replace(invalid(id=None), body=body)])
    (held,) = await rows(database, "quarantine")
    assert (held["whole"], held["length"], len(held["body"])) == (False, 70_000, 4096)


async def test_a_batch_is_decided_on_top_of_one_that_is_still_being_written(
    committer: Committer, database: Database
) -> None:
    """Deciding and writing overlap; the outcome is that of one after the other."""
    first, second = [received("a", id="1")], [received("a", id="2"), received("a", id="1")]
    plan = await committer.prepare(first, None)
    after = await committer.prepare(second, plan)
    assert await committer.commit(first, plan)
    assert await committer.commit(second, after)
    assert (await rows(database, "jars"))[0]["count"] == 2
    assert [row["_id"] for row in await rows(database, "inbox")] == [f"{SOURCE} {id}" for id in "12"]


async def test_what_was_decided_on_a_plan_that_failed_is_decided_again(
    committer: Committer, database: Database
) -> None:
    """Another process came first: neither its count nor ours may get lost."""
    first, second = [received("a", id="1")], [received("a", id="2")]
    plan = await committer.prepare(first, None)
    after = await committer.prepare(second, plan)
    await committer.commit([received("a", id="0")])
    assert not await committer.commit(first, plan)
    assert not await committer.commit(second, after)
    assert (await rows(database, "jars"))[0]["count"] == 3
    assert b'"count":3' in (await told(database))[-1]["body"]


async def test_without_revisions_a_plan_that_failed_would_be_written(
    committer: Committer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched off, the guard of the test above is missed."""

    async def unguarded(of: Collection, documents: Sequence[Document], session: Transaction) -> int:
        for document in documents:
            await of.replace_one({"_id": document["_id"]}, document, session=session)
        return len(documents)

    monkeypatch.setattr(store, "_replace", unguarded)
    await committer.commit([received("a", id="0")])
    late = [received("a", id="1")]
    plan = await committer.prepare(late, None)
    await committer.commit([received("a", id="2")])
    assert await committer.commit(late, plan)
    assert (await rows(database, "jars"))[0]["count"] == 2

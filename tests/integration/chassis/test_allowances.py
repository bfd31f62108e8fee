"""What an account may have us keep, on a real database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from chassis import allowances
from chassis.allowances import Allowance
from chassis.clock import Clock
from chassis.committer import Committer
from chassis.mongo import Database, Mongo
from chassis.outbox import Teller
from chassis.senders import Admission
from tests.integration.chassis.conftest import rows, told
from tests.unit.chassis.toy import SOURCE, TELLS, invalid

BODY = b"x" * 1000
SIX_MESSAGES = Admission(held_bytes=Allowance(6500, timedelta(days=1)))


@pytest.fixture
def both(mongo: Mongo, database: Database) -> list[Committer]:
    """Provide the committers of two replicas."""
    teller = Teller.of(SOURCE, TELLS)
    return [
        Committer(mongo, database, teller, after_commit=lambda: None, clock=Clock(database), admission=SIX_MESSAGES)
        for _ in range(2)
    ]


async def test_two_replicas_keep_no_more_than_an_account_may_have_kept(
    both: list[Committer], database: Database
) -> None:
    """All are answered and listed; what fills the disk is bounded."""
    bad = [replace(invalid(id=str(number)), account="a", body=BODY + b"%02d" % number) for number in range(20)]
    await asyncio.gather(*(both[number % 2].commit([message]) for number, message in enumerate(bad)))
    held = await rows(database, "quarantine")
    assert sorted(len(one["body"]) for one in held) == [0] * 14 + [1002] * 6
    assert {(one["whole"], bool(one["sha256"])) for one in held} == {(True, True), (False, True)}
    assert len(await told(database)) == 20


async def test_the_database_forgets_an_allowance_that_is_whole_again(database: Database) -> None:
    """An index does that, so nobody has to."""
    await allowances.prepare(database)
    await allowances.prepare(database)
    indexes = await database["allowances"].index_information()
    assert indexes["until_1"]["expireAfterSeconds"] == 0

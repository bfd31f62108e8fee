"""Replaying facts into a file: each once, in each session's order, although the stream holds repetitions."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import aio_pika
import pytest
from typer.testing import CliRunner

from cli import broker, stream
from cli.app import app
from cli.trouble import Trouble
from instroom_contracts import topology
from tests.support.place import Place

ENROLMENT = "urn:nld:oin:00000001823288444000:systeem:instroom-enrolment"
WEBSITE = "urn:nld:oin:00000001823288444000:systeem:website"
NOW = datetime.now(UTC)
Told = dict[str, Any]


def full(session: str, version: int, **attributes: Any) -> Told:
    """Build a fact of a session, which came about so many seconds after the replay's start as its version says."""
    data = {"editionId": "week", "sessionId": session, "sessionVersion": version, "capacity": 1, "confirmed": 1}
    return {
        "specversion": "1.0",
        "id": f"{session}-{version}",
        "source": ENROLMENT,
        "type": "nl.enrolments.session-full.v1",
        "time": (NOW + timedelta(seconds=version)).isoformat(),
        "partitionkey": "week",
        "provider": "aanbieder",
        **attributes,
        "data": {**data, "queued": 0},
    }


LONG_AGO = full("plenair", 1, time=(NOW - timedelta(days=2)).isoformat())
STORY = [
    full("plenair", 2),
    full("atelier", 2),
    full("plenair", 3),
    LONG_AGO,  # told two days ago and again now
    full("plenair", 2),  # told again
    full("atelier", 5),
    full("plenair", 4, provider="ander"),
    full("atelier", 2),  # told again
    full("plenair", 900),
]


@pytest.fixture
async def told(place: Place) -> AsyncIterator[Place]:
    """Provide a stream that holds the story."""
    async with broker.connected(place.rabbitmq_url) as connection:
        channel = (await broker.Publisher.on(connection)).channel
        events = await channel.get_exchange(topology.EVENTS, ensure=False)
        for fact in STORY:
            await events.publish(aio_pika.Message(json.dumps(fact).encode()), fact["type"])
        yield place


def replay(place: Place, *arguments: str) -> list[Told]:
    """Run the command as `> file` would; return what stands in the file."""
    words, env = ["watch", *arguments, "--json"], {"RABBITMQ_URL": place.rabbitmq_url_of("integrator")}
    with ThreadPoolExecutor(1) as thread:
        result = thread.submit(CliRunner().invoke, app, words, env=env).result()
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def versions(facts: list[Told]) -> dict[str, list[int]]:
    """Return the versions of each session in the order of the facts."""
    found: dict[str, list[int]] = defaultdict(list)
    for fact in facts:
        found[fact["data"]["sessionId"]].append(fact["data"]["sessionVersion"])
    return found


async def test_a_replay_since_a_moment_has_each_fact_once_in_its_session_s_order(told: Place) -> None:
    """The stream begins earlier than asked, and holds an older fact and repetitions behind newer ones."""
    facts = replay(told, "--from", NOW.isoformat(), "--stop")
    assert versions(facts) == {"plenair": [2, 3, 4, 900], "atelier": [2, 5]}
    assert facts[0] == STORY[0], "whole, as it travelled"


async def test_with_every_telling_versions_fall(told: Place) -> None:
    """Switched off, the guard of the test above is missed."""
    seen = versions(replay(told, "--from", NOW.isoformat(), "--stop", "--repeated"))["plenair"]
    assert seen == [2, 3, 2, 4, 900]


async def test_a_replay_ends_before_a_moment(told: Place) -> None:
    """The end does not belong to it, so that one month follows another without a gap and without an overlap."""
    edge = (NOW + timedelta(seconds=4)).isoformat()
    first, second = replay(told, "--from", NOW.isoformat(), "--until", edge), replay(told, "--from", edge, "--stop")
    assert versions(first) == {"plenair": [2, 3], "atelier": [2]}
    assert versions(second) == {"plenair": [4, 900], "atelier": [5]}


async def test_a_replay_takes_one_provider_s_facts(told: Place) -> None:
    """And one edition's, one type's; together they narrow each other."""
    assert versions(replay(told, "--stop", "--provider", "ander")) == {"plenair": [4]}
    chosen = ("--provider", "aanbieder", "--edition", "week", "--type", "SessionFull")
    assert versions(replay(told, "--stop", *chosen))["plenair"] == [2, 3, 1, 900]
    assert replay(told, "--stop", "--edition", "other", "--provider", "aanbieder") == []
    assert replay(told, "--stop", "--owner", WEBSITE) == []


async def test_a_stream_that_falls_silent_is_no_end(told: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that lacks its last hour must not look whole."""
    monkeypatch.setattr(stream, "STALLED_S", 0.2)
    monkeypatch.setattr(stream, "_last_offset", _beyond)
    async with broker.connected(told.rabbitmq_url) as connection:
        with pytest.raises(Trouble, match="not all of it"):
            [message async for message in stream.read_up_to_now(connection)]


async def _beyond(_: object) -> int:
    return 1000

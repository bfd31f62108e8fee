"""Messages that a client cannot read, in a backup and out of it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import aiormq
import bson
import pytest

from chassis import connections
from deploy.backup import messages
from deploy.backup.archive import Archive, Draft
from deploy.endpoints import Endpoints
from instroom_contracts.amqp import MARK
from tests.support.oddities import READABLE, UNREADABLE, publish_raw, raw_channel
from tests.support.place import Place

QUEUE = "enrolment.odd"
KINDS = {**UNREADABLE, **READABLE}


@dataclass(frozen=True)
class Entry:
    """The endpoints of a place, as far as messages go through them."""

    place: Place

    def broker_url(self, _: str) -> str:
        """Return the broker's address."""
        return self.place.rabbitmq_url


async def left(place: Place) -> None:
    """Leave one message of each kind in a queue."""
    async with raw_channel(place.rabbitmq_url) as channel:
        await channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        for kind, raw in KINDS.items():
            await publish_raw(channel, "", QUEUE.encode(), raw, kind.encode())


async def found(place: Place) -> list[tuple[bytes, Mapping[str, Any]]]:
    """Take what lies in the queue: bodies and headers."""
    taken = list[tuple[bytes, Mapping[str, Any]]]()
    async with await connections.connect(place.rabbitmq_url) as connection:
        queue = await (await connection.channel()).get_queue(QUEUE, ensure=False)
        while message := await queue.get(no_ack=True, fail=False):
            taken.append((message.body, message.headers))
    return taken


async def copied(place: Place, folder: Path) -> Archive:
    """Back the queue up."""
    draft = Draft(folder / "draft")
    assert await messages.save(cast("Endpoints", Entry(place)), [QUEUE], draft) == len(KINDS)
    draft.finish(folder / "copy")
    return Archive.opened(folder / "copy")


async def test_they_are_kept_and_come_back_marked(place: Place, tmp_path: Path) -> None:
    """A backup that ends at one of them is none, and one that mends them in silence has them decided."""
    await left(place)
    archive = await copied(place, tmp_path)
    assert len(await found(place)) == len(KINDS), "a backup takes nothing away"
    assert await messages.restore(cast("Endpoints", Entry(place)), archive) == len(KINDS)
    back = await found(place)
    assert [body.decode() for body, _ in back] == list(KINDS)
    assert [body.decode() for body, headers in back if MARK in headers] == list(UNREADABLE)


async def test_through_the_client_itself_a_backup_ends_at_the_first(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched off, the guard of the test above is missed."""
    await left(place)
    monkeypatch.setattr(connections, "Transport", lambda *_: aiormq.connection.TCPTransportFactory())
    with pytest.raises((aiormq.exceptions.AMQPError, ValueError, TimeoutError)):
        await copied(place, tmp_path)


def test_a_message_as_the_version_before_kept_it_is_read() -> None:
    """A backup outlives the version that made it."""
    kept = {"content_type": "text/plain", "type": "a", "headers": {"ce-id": "7"}, "body": b"{}", "timestamp": None}
    message = messages._restored(bson.raw_bson.RawBSONDocument(bson.encode(kept)))
    assert (message.body, message.type, message.headers) == (b"{}", "a", {"ce-id": "7"})

"""What RabbitMQ's management API tells of the queues; AMQP cannot say who refuses a message."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from yarl import URL

from chassis.refusals import Look, Queue, nowhere_to_look

TIMEOUT_S = 5.0
MOST_BYTES = 10_000_000
COLUMNS = "name,arguments,effective_policy_definition,state,members,online,messages_ready,message_bytes_ready"


@dataclass(frozen=True)
class Account:
    """An account on the broker, and the virtual host it works in."""

    name: str
    password: str
    vhost: str
    ca: str | None = None
    """A file with who vouches for the server, where that takes TLS."""

    @classmethod
    def of(cls, broker: str) -> Account:
        """Return the account that an AMQP address holds."""
        url = URL(broker)
        return cls(url.user or "", url.password or "", url.path.removeprefix("/") or "/", url.query.get("cafile"))


def looking(management: str, broker: str) -> Look:
    """Return what asks the API at an address for the queues, with the account of an AMQP address."""
    if not management:
        return nowhere_to_look
    ask = partial(_queues, management.rstrip("/"), Account.of(broker))

    async def look() -> Sequence[Queue]:
        return await asyncio.to_thread(ask)

    return look


def _queues(management: str, account: Account) -> Sequence[Queue]:
    credentials = base64.b64encode(f"{account.name}:{account.password}".encode()).decode()
    where = f"{management}/api/queues/{quote(account.vhost, safe='')}?columns={COLUMNS}"
    request = urllib.request.Request(where, headers={"Authorization": f"Basic {credentials}"})  # noqa: S310  from settings
    trust = ssl.create_default_context(cafile=account.ca)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust))
    with opener.open(request, timeout=TIMEOUT_S) as answer:
        queues: Sequence[Queue] = json.loads(answer.read(MOST_BYTES))
    return queues

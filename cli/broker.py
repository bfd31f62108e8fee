"""The broker as the commands use it: connect, publish with confirms, look at the queues."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Self, cast

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import AMQPError, DeliveryError
from aiormq.exceptions import AMQPError as LowLevelAMQPError
from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    ProbableAuthenticationError,
    PublishError,
)

from chassis import connections
from cli.trouble import Exit, Trouble, without_password
from instroom_contracts.cloudevent import Wire

CONNECT_TIMEOUT_S = 10.0
PUBLISH_TIMEOUT_S = 15.0
IN_FLIGHT = 100
LOST = (AMQPError, LowLevelAMQPError, OSError, TimeoutError, RuntimeError)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AbstractConnection]:
    """Connect to the broker; what goes wrong there is told as `Trouble`."""
    with _told_as_trouble(url):
        async with await connections.connect(
            url, timeout=CONNECT_TIMEOUT_S, client_properties={"connection_name": "instroom command"}
        ) as connection:
            yield connection


@contextmanager
def _told_as_trouble(url: str) -> Iterator[None]:
    server = f"RabbitMQ ({without_password(url)})"
    try:
        yield
    except ProbableAuthenticationError as error:
        raise _trouble(f"{server} refused the login: check the account and its password.") from error
    except ChannelAccessRefused as error:
        raise _trouble(f"{server} does not allow this account to do that: {_reason(error)}.") from error
    except ChannelNotFoundEntity as error:
        raise _trouble(
            f"{server} is not set up: {_reason(error)}. Was it given its definitions (`make up`)?"
        ) from error
    except ChannelPreconditionFailed as error:
        raise _trouble(
            f"{server} does not do that: {_reason(error)}. Where there are too many queues, `instroom integrator list`"
            " names who has them."
        ) from error
    except PublishError as error:
        raise _trouble(f"{server} did not take a message: no service listens for its type yet.") from error
    except DeliveryError as error:
        raise _trouble(f"{server} refused a message: its queue may be full (`instroom status`).") from error
    except LOST as error:
        raise _trouble(f"{server} does not answer: {_reason(error)}. Is the stack up (`make up`)?") from error


def _trouble(message: str) -> Trouble:
    return Trouble(message, Exit.UNREACHABLE)


def _reason(error: BaseException) -> str:
    words = [str(word) for word in error.args if isinstance(word, str)] or [type(error).__name__]
    return words[-1].rstrip(".")


@dataclass(frozen=True)
class Publisher:
    """Publishes with the broker's confirms, in the name of the account that is connected."""

    channel: AbstractChannel
    account: str | None

    @classmethod
    async def on(cls, connection: AbstractConnection) -> Self:
        """Open a channel whose publishes are confirmed, and fail where no queue takes a message."""
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        return cls(channel, cast("aio_pika.Connection", connection).url.user)

    async def publish(self, exchange: str, messages: Sequence[Wire]) -> None:
        """Publish messages in order; returns when the broker has confirmed every one.

        The first goes alone: where this account may not publish there, the broker says so once and plainly.
        """
        target = await self.channel.get_exchange(exchange, ensure=False)
        for begin, end in pairwise((0, *range(1, len(messages), IN_FLIGHT), len(messages))):
            part = messages[begin:end]
            sending = [target.publish(self._message(wire), wire.routing_key, mandatory=True) for wire in part]
            async with asyncio.timeout(PUBLISH_TIMEOUT_S):
                await asyncio.gather(*sending)

    def _message(self, wire: Wire) -> aio_pika.Message:
        """Make aio-pika's message of an encoded event: persistent, with every property of the contract."""
        return aio_pika.Message(
            wire.body,
            content_type=wire.content_type,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=wire.message_id,
            type=wire.type,
            correlation_id=wire.correlation_id,
            app_id=wire.app_id,
            timestamp=wire.timestamp,
            headers=dict(wire.headers),
            user_id=self.account,
        )


async def queue_depths(connection: AbstractConnection, names: Iterable[str]) -> Mapping[str, tuple[int, int]]:
    """Return (messages that are ready, consumers) of those queues that exist.

    A queue that does not exist closes the channel that asked (AMQP 0-9-1), so each failure costs a new channel.
    """
    found = {}
    channel = await connection.channel()
    for name in names:
        try:
            declared = (await channel.declare_queue(name, passive=True)).declaration_result
        except ChannelNotFoundEntity:
            channel = await connection.channel()
            continue
        found[name] = (declared.message_count or 0, declared.consumer_count or 0)
    return found

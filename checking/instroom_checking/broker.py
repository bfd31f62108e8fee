"""The broker that a check takes place on: where it is, and a connection to it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError, DeliveryError
from aiormq.exceptions import AMQPError as LowLevelAMQPError
from aiormq.exceptions import ChannelAccessRefused, ProbableAuthenticationError

from instroom_checking.trouble import Exit, Trouble, without_password

CONNECT_TIMEOUT_S = 10.0
LOST = (AMQPError, LowLevelAMQPError, OSError, TimeoutError, RuntimeError)


def broker_here(_: object) -> str:
    """Return the broker's address from the environment. Raises `Trouble` where it is not there."""
    if url := os.environ.get("RABBITMQ_URL"):
        return url
    raise Trouble(
        "RABBITMQ_URL is not set. Set it to your broker's address with your account, such as"
        " amqp://website:password@broker.example.org/instroom.",
        Exit.UNREACHABLE,
    )


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AbstractConnection]:
    """Connect to the broker; what goes wrong there is told as `Trouble`.

    By the client as it comes: no message is read by this connection, so none can end it.
    """
    try:
        async with await aio_pika.connect(
            url, timeout=CONNECT_TIMEOUT_S, client_properties={"connection_name": "instroom command"}
        ) as connection:
            yield connection
    except LOST as error:
        raise Trouble(f"RabbitMQ ({without_password(url)}) {_what_happened(error)}", Exit.UNREACHABLE) from error


def _what_happened(error: BaseException) -> str:
    match error:
        case ProbableAuthenticationError():
            return "refused the login: check the account and its password."
        case ChannelAccessRefused():
            return f"does not allow this account to do that: {_reason(error)}."
        case DeliveryError():
            return "refused a message: a queue may be full."
        case _:
            return f"does not answer: {_reason(error)}. Is that its address, and does it run?"


def _reason(error: BaseException) -> str:
    words = [str(word) for word in error.args if isinstance(word, str)] or [type(error).__name__]
    return words[-1].rstrip(".")

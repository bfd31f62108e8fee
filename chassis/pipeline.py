"""Publishing many messages with one write, and waiting for all of their confirms at once.

aiormq's `basic_publish` writes message by message: a task, a lock, a future and a system call each, which together cost
more than all else that a decision takes. Here the frames of many messages are joined, and one object counts their
confirms; tags and returns are kept as aiormq itself keeps them, so that its handling of acks and returns applies
(docs/decisions/0029, 0030).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import aiormq
from aiormq.abc import ChannelFrame
from aiormq.exceptions import DeliveryError, PublishError

from chassis.frames import Outgoing, publishing


class Unanswered(TimeoutError):
    """The broker is there and does not say that it has a message."""


class Confirms:
    """The confirms of a run of messages: which are open, by number, and the first trouble there was."""

    def __init__(self, count: int) -> None:
        self.open = set(range(count))
        self._unsettled = count
        self._ended = asyncio.Event()
        self.trouble: BaseException | None = None

    def settle(self, number: int, trouble: BaseException | None) -> None:
        """Note that a message was confirmed, or refused or returned with this error."""
        if trouble is None:
            self.open.discard(number)
        self.trouble = self.trouble or trouble
        self._unsettled -= 1
        if not self._unsettled:
            self._ended.set()

    async def wait(self, channel: aiormq.Channel, seconds: float) -> None:
        """Wait until the broker has answered for each; the channel's end, or so many seconds, is trouble."""
        ended = asyncio.ensure_future(self._ended.wait())
        await asyncio.wait({ended, channel.closing}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if self._ended.is_set():
            return
        if channel.closing.done():
            self.trouble = ConnectionError("the channel closed before the broker had answered for all messages")
        else:
            self.trouble = self.trouble or Unanswered("the broker did not answer for all messages")

    @property
    def are_complete(self) -> bool:
        """Say whether the broker has answered for each, be it with a no."""
        return self._ended.is_set()

    @property
    def is_refused(self) -> bool:
        """Say whether a queue that a message was routed to refused it, or does not answer for it."""
        refused = isinstance(self.trouble, (DeliveryError, Unanswered))
        return refused and not isinstance(self.trouble, PublishError)  # one that was routed to no queue


@dataclass(slots=True)
class _Confirm:
    """What aiormq keeps until the broker has answered, in the shape of the future that it would make itself."""

    confirms: Confirms
    number: int
    settled: bool = False

    def done(self) -> bool:
        return self.settled

    def set_result(self, _: object) -> None:
        self.settled = True
        self.confirms.settle(self.number, None)

    def set_exception(self, error: BaseException) -> None:
        self.settled = True
        self.confirms.settle(self.number, error)


async def publish_all(channel: aiormq.Channel, messages: Sequence[Outgoing], seconds: float) -> Confirms:
    """Send these messages in order, mandatory, and wait until the broker has answered for them, or so many seconds.

    The channel must be in confirm mode, with returns raised as errors.
    """
    confirms = Confirms(len(messages))
    async with channel.lock:
        for number, message in enumerate(messages):
            _expect(channel, message, _Confirm(confirms, number))
        frames = b"".join(publishing(message, channel.number) for message in messages)
        await channel.write_queue.put(ChannelFrame(frames, should_close=False))
    try:
        await confirms.wait(channel, seconds)
    finally:
        for message in messages:
            channel.message_id_delivery_tag.pop(message.id, None)
    return confirms


def _expect(channel: aiormq.Channel, message: Outgoing, confirm: _Confirm) -> None:
    """Take the next tag for a message; its id is how a return is matched."""
    channel.delivery_tag += 1
    channel.confirmations[channel.delivery_tag] = confirm  # type: ignore[assignment]
    channel.message_id_delivery_tag[message.id] = channel.delivery_tag

"""Which queues refuse facts: found out and shown for as long as facts go past them.

AMQP says that a message was refused and never by whom. The broker's management API tells what each queue takes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog

from chassis import metrics

log = structlog.get_logger()

LOOK_EVERY_S = 15.0
MOST_NAMED = 20
UNKNOWN = "unknown"
NOT_WORKING = frozenset({"crashed", "down", "minority", "stopped"})
ROOM_BYTES = 64 * 1024
"""A queue with less room than this may have no room for a fact."""
EMPTY_SEGMENT_BYTES = 8
"""What the segment of a stream takes before any message: with no room beyond it, a stream begins one after another."""

Queue = Mapping[str, Any]
Look = Callable[[], Awaitable[Sequence[Queue]]]
"""Return what the broker's management API tells of each queue; raises `OSError` where it does not answer."""


async def nowhere_to_look() -> Sequence[Queue]:
    """Stand in where no address of the management API is set."""
    return ()


class Refusals:
    """Names the queues that refuse facts, in the log and to Prometheus."""

    def __init__(self, look: Look = nowhere_to_look) -> None:
        self._look = look
        self._on = asyncio.Event()
        self._named: frozenset[str] = frozenset()

    def begin(self) -> None:
        """Note that facts go past some queue."""
        if not self._on.is_set():
            self._show(frozenset({UNKNOWN}))
            self._on.set()

    def end(self) -> None:
        """Note that every queue takes them again."""
        self._on.clear()
        self._show(frozenset())

    async def run(self) -> None:
        """Look again and again while some queue refuses."""
        while True:
            await self._on.wait()
            names = await self._names()
            if self._on.is_set():
                self._show(names)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _names(self) -> frozenset[str]:
        queues: Sequence[Queue] = ()
        with contextlib.suppress(OSError, ValueError):
            queues = await self._look()
        return frozenset(sorted(queue["name"] for queue in queues if refuses(queue))[:MOST_NAMED] or [UNKNOWN])

    def _show(self, names: frozenset[str]) -> None:
        for name in self._named - names:
            metrics.FACTS_REFUSED.remove(name)
        for name in names - self._named:
            metrics.FACTS_REFUSED.labels(name).set(1)
            log.warning("facts_refused", queue=name)
        self._named = names


def refuses(queue: Queue) -> bool:
    """Say whether a queue would take no message now.

    It is full and told to refuse, without its quorum, not at work, or a stream whose segments hold no message: that the
    broker lets anybody declare, says of it that it runs, and never answers for it.
    """
    members = queue.get("members") or ()
    without_quorum = bool(members) and len(queue.get("online") or ()) <= len(members) // 2
    full = _rejects(queue) and _is_full(queue)
    return without_quorum or queue.get("state") in NOT_WORKING or full or _holds_nothing(queue)


def _holds_nothing(queue: Queue) -> bool:
    segment = _set(queue, "stream-max-segment-size-bytes")
    return isinstance(segment, int) and segment <= EMPTY_SEGMENT_BYTES


def _rejects(queue: Queue) -> bool:
    return str(_set(queue, "overflow")).startswith("reject-publish")


def _is_full(queue: Queue) -> bool:
    most, most_bytes = _set(queue, "max-length"), _set(queue, "max-length-bytes")
    full = isinstance(most, int) and queue.get("messages_ready", 0) >= most
    return full or (isinstance(most_bytes, int) and queue.get("message_bytes_ready", 0) + ROOM_BYTES > most_bytes)


def _set(queue: Queue, name: str) -> object:
    """Return what a queue's argument says, else its policy; of two limits the broker takes the lower one."""
    argument = (queue.get("arguments") or {}).get(f"x-{name}")
    policy = (queue.get("effective_policy_definition") or {}).get(name)
    if isinstance(argument, int) and isinstance(policy, int):
        return min(argument, policy)
    return policy if argument is None else argument

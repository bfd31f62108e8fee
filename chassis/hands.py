"""What a service has in hand of its queues: deliveries that are not acknowledged yet, by the channel that they came by.

A channel that is lost takes its hand along: the broker gives the messages out again. Where that happens again and again
and nothing gets done between, one message may be the cause: `Breaker` finds it.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Sequence
from typing import Any

LOSSES = 3
"""So often must a message have been the first in hand of a channel that was lost, to be suspected."""
STALLED_S = 30.0
"""So long may deliveries be in hand without any being acknowledged."""


class Acknowledgements:
    """What is finished on one channel: acknowledges a whole run of deliveries with one frame.

    Delivery tags of a channel count from 1 without a gap, so everything up to the first unfinished one is one run.
    """

    def __init__(self) -> None:
        self._acknowledged = 0
        self._finished: list[int] = []

    def finish(self, tags: Sequence[int]) -> int | None:
        """Note finished deliveries; return the tag up to which all are finished, or None where that did not rise."""
        for tag in tags:
            heapq.heappush(self._finished, tag)
        before = self._acknowledged
        while self._finished and self._finished[0] <= self._acknowledged + 1:
            self._acknowledged = max(self._acknowledged, heapq.heappop(self._finished))
        return self._acknowledged if self._acknowledged > before else None


class Hand:
    """The deliveries of one channel, which serves one queue; times are those of a clock that only rises, in s."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        self.is_barren = True
        """Whether nothing was acknowledged yet that came by this channel."""
        self._bodies: dict[int, bytes] = {}
        self._acknowledgements = Acknowledgements()
        self._since = 0.0

    def take(self, tag: int, body: bytes, now: float) -> None:
        """Note a delivery, which is in hand from here on whatever becomes of it."""
        if not self._bodies:
            self._since = now
        self._bodies[tag] = body

    def finish(self, tags: Sequence[int]) -> int | None:
        """Note finished deliveries; return the tag up to which they can be acknowledged, or None."""
        return self._acknowledgements.finish(tags)

    def acknowledged(self, upto: int, now: float) -> None:
        """Note that deliveries were acknowledged, all up to this one."""
        self.is_barren = False
        self._since = now
        while self._bodies and next(iter(self._bodies)) <= upto:
            del self._bodies[next(iter(self._bodies))]

    @property
    def first(self) -> bytes | None:
        """Return the body of the first message in hand."""
        return next(iter(self._bodies.values()), None)

    def trouble(self, now: float) -> str | None:
        """Say so where messages are in hand and none of them gets done."""
        seconds = now - self._since
        if not self._bodies or seconds < STALLED_S:
            return None
        return f"{len(self._bodies)} messages are in hand and none was acknowledged for {seconds:.0f} s"


class Breaker:
    """Finds the message that costs its queue the connection, so that it can be held and the others decided.

    After some losses with the same message first in hand and nothing done, messages are taken alone, so that the
    next loss says which one it is: the one that was in hand. An innocent one is decided then, and out of the way.
    """

    def __init__(self, prefetch: int) -> None:
        self._prefetch = prefetch
        self._alone = 0
        self._lost: Counter[str] = Counter()
        self._condemned: set[str] = set()

    @property
    def prefetch(self) -> int:
        """Return how many messages to take at once."""
        return 1 if self._alone else self._prefetch

    def lost(self, hand: Hand) -> None:
        """Note that a channel was lost with this in hand."""
        if not self._alone and not hand.is_barren:
            self._lost.clear()
        if hand.first is None or not (self._alone or hand.is_barren):
            return
        name = _name(hand.first)
        self._lost[name] += 1
        if self._lost[name] >= LOSSES:
            if self._alone:
                self._condemned.add(name)
            self._alone = self._prefetch

    def condemns(self, body: bytes) -> bool:
        """Say whether this is the message, which is then to be held without a look into it."""
        return bool(self._condemned) and _name(body) in self._condemned

    def finished(self, count: int) -> bool:
        """Note messages that got done; True when no more need be taken alone."""
        if not self._alone:
            return False
        self._alone = max(0, self._alone - count)
        if self._alone:
            return False
        self._lost.clear()
        self._condemned.clear()
        return True


def _name(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()

"""The sender: takes stored mails that are due, sends them, and records how each attempt ended.

What a mail has come to is always in the database before the next step is taken, so a sender may die at any point: a
mail that had not come to its final dot is sent by another, one that had is `uncertain`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import count
from typing import Protocol

import structlog
from pymongo.errors import PyMongoError

from chassis.errors import InstroomError
from chassis.tracing import OFF, Tracer
from services.notification.domain.delivery import Outcome
from services.notification.domain.letter import Letter, ids_of
from services.notification.writing.composing import Background
from services.notification.writing.mail import Outgoing, Unmailable

log = structlog.get_logger()

TROUBLE = (InstroomError, PyMongoError, OSError, TimeoutError)
TRIES_WHEN_STOPPING = 5
LONGEST_PAUSE_S = 5.0


class Ledger(Protocol):
    """Where mails are kept, as the sender sees it."""

    async def claim(self, now: datetime) -> Letter | None:
        """Take the mail that has been due for longest; it is `sending` now. Judge what was left behind on the way."""

    async def background(self, letter: Letter) -> Background:
        """Return what is known of the edition and the session that a mail is about."""

    async def admits(self, letter: Letter, now: datetime) -> bool:
        """Count a mail for its mailbox; False where that has had its share of the day."""

    async def served(self) -> Sequence[str]:
        """Return some addresses that the mail server took mails for lately."""

    async def hand_over(self, letter: Letter) -> bool:
        """Record durably that the final dot comes next; False where the claim is lost or a newer mail is to follow."""

    async def finish(self, letter: Letter, outcome: Outcome, now: datetime) -> None:
        """Record how an attempt ended and tell the facts, in one transaction; nothing where the claim is lost."""


class Carrier(Protocol):
    """A connection to the mail server."""

    async def send(self, mail: Outgoing, leave: Callable[[], Awaitable[bool]]) -> Outcome:
        """Send one mail; `leave` is asked right before its final dot."""

    async def takes(self, sender: str, recipients: Sequence[str]) -> bool:
        """Ask whether the server would take a mail for each of these, and send none."""

    async def hang_up(self) -> None:
        """Close the connection."""


Compose = Callable[[Letter, Background, datetime], Outgoing]
"""Make the mail of a letter; raises `Unmailable` where none can be made of it."""


@dataclass(frozen=True)
class Pace:
    """How many connections send at once; in seconds: how often an idle one looks, how long a stop may take.

    `leave_s` is how old a leave for the final dot may be: a sender that slept longer may have lost its claim since.
    """

    connections: int
    poll_s: float
    stop_s: float
    leave_s: float


class Sender:
    """Sends what is due."""

    def __init__(
        self,
        ledger: Ledger,
        compose: Compose,
        dial: Callable[[], Carrier],
        clock: Callable[[], datetime],
        pace: Pace,
        tracer: Tracer = OFF,
    ) -> None:
        self._ledger = ledger
        self._compose = compose
        self._dial = dial
        self._clock = clock
        self._pace = pace
        self._tracer = tracer
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Send until cancelled; mails that are under way are finished first."""
        workers = [asyncio.create_task(self._work()) for _ in range(self._pace.connections)]
        try:
            await asyncio.gather(*(asyncio.shield(worker) for worker in workers))
        finally:
            self._stopping.set()
            _, late = await asyncio.wait(workers, timeout=self._pace.stop_s)
            for worker in late:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def send_next(self, carrier: Carrier) -> bool:
        """Send the mail that is due; False when there is none."""
        letter = await self._ledger.claim(self._clock())
        if letter is not None:
            await self._send(letter, carrier)
        return letter is not None

    async def _work(self) -> None:
        carrier = self._dial()
        while not self._stopping.is_set():
            if not await self._calmly(carrier):
                await carrier.hang_up()
                await self._rest()
        await carrier.hang_up()

    async def _calmly(self, carrier: Carrier) -> bool:
        """Wait out trouble with the database; what was under way is taken up from there."""
        try:
            return await self.send_next(carrier)
        except TROUBLE as error:
            log.warning("sending_interrupted", error=type(error).__name__)
            return False

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pace.poll_s):
                await self._stopping.wait()

    async def _send(self, letter: Letter, carrier: Carrier) -> None:
        with self._tracer.step("send mail", parent=letter.traceparent, ids=ids_of(letter)) as step:
            outcome = await self._attempt(letter, carrier)
            if outcome.result != "accepted":
                step.fail(outcome.trouble or outcome.result)
            await self._settle(letter, outcome)

    async def _attempt(self, letter: Letter, carrier: Carrier) -> Outcome:
        background = await self._ledger.background(letter)
        try:
            with self._tracer.step("compose"):
                mail = self._compose(letter, background, self._clock())
        except Unmailable as error:
            return error.outcome
        except Exception:  # whatever the defect is, it concerns this mail alone
            log.exception("composing_failed", **ids_of(letter))
            return Outcome("try-later", "message-refused")
        if not await self._ledger.admits(letter, self._clock()):
            return Outcome("over-cap")
        outcome = await carrier.send(mail, partial(self._leave, letter))
        if outcome.result == "refused" and outcome.trouble == "address-refused":
            return replace(outcome, takes_others=await self._takes_others(mail.sender, carrier))
        return outcome

    async def _takes_others(self, sender: str, carrier: Carrier) -> bool:
        """Ask a server that refused a recipient about those that it took before: a line of bad addresses is no more."""
        served = await self._ledger.served()
        return bool(served) and await carrier.takes(sender, served)

    async def _leave(self, letter: Letter) -> bool:
        """Ask for leave; where that fails or took longer than a claim lasts, there is none, and no dot is sent."""
        asked = time.monotonic()
        try:
            given = await self._ledger.hand_over(letter)
        except TROUBLE as error:
            log.warning("sending_interrupted", error=type(error).__name__, **ids_of(letter))
            return False
        return given and time.monotonic() - asked < self._pace.leave_s

    async def _settle(self, letter: Letter, outcome: Outcome) -> None:
        """Record an outcome as often as it takes, since nobody else knows it; a stop does not wait long for that."""
        for tries in count(1):
            try:
                await self._ledger.finish(letter, outcome, self._clock())
            except TROUBLE as error:
                log.warning("outcome_not_recorded", error=type(error).__name__, **ids_of(letter))
                if self._stopping.is_set() and tries >= TRIES_WHEN_STOPPING:
                    raise
                await asyncio.sleep(min(LONGEST_PAUSE_S, 0.05 * 2 ** min(tries, 10)))
            else:
                log.info("mail_attempted", state=outcome.result, reason=outcome.trouble, **ids_of(letter))
                return

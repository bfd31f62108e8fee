"""The check of a subscriber: it is told facts as they come in life, good and odd, and its acknowledgements are seen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from instroom_checking.answering import EDITION
from instroom_checking.effects import Effects
from instroom_checking.listening import judge_listening
from instroom_checking.program import Program
from instroom_checking.stage import Stage
from instroom_checking.telling import Teller, Told
from instroom_checking.traffic import Handed
from instroom_checking.verdict import Finding, hint, not_ok, not_seen, ok
from instroom_contracts import topology

MOST_RETURNS = 3
MOST_STARTS = 3
STILL_S = 1.0
COMES_BACK_WITHIN_S = 30.0
STUCK = f"It ran on and did not read its queue again within {COMES_BACK_WITHIN_S:g} s."
AGAIN = "docs/integrating.md, Be idempotent, shows one that is"


@dataclass(frozen=True)
class SubscriberCheck:
    """What somebody wants checked; `patience_s` is how long it may take over one fact."""

    command: Sequence[str] = ()
    queue: str = ""
    types: Sequence[str] = ()
    state: str = ""
    edition: str = EDITION
    within_s: float = 120.0
    patience_s: float = 10.0


class Ended(Exception):
    """The subscriber does not come back, so nothing further can be tried."""


@dataclass
class Audition:
    """One check under way: the steps, in the order in which they are tried."""

    stage: Stage
    check: SubscriberCheck
    stopped: asyncio.Event
    _codes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._program = Program(self.check.command, self.stage.address, self._has_ended)
        self._effects = Effects(self.check.state) if self.check.state else None

    def _has_ended(self, code: int) -> None:
        self._codes.append(code)
        self.stage.traffic.note()

    async def run(self) -> list[Finding]:
        """Wait until the subscriber listens, tell it everything, and judge it."""
        try:
            if self.check.queue:
                await self.stage.bind(self.check.queue, self.check.types)
            if self.check.command:
                await self._program.start()
            return await self._judged()
        finally:
            await self._program.stop()

    async def _judged(self) -> list[Finding]:
        traffic = self.stage.traffic
        await traffic.until(lambda: self._is_over() or self._is_ready(), self.check.within_s)
        if not self._is_ready():
            return [self._silence()]
        teller = Teller([key for _, key in traffic.bindings], self.check.edition, traffic.attributes)
        findings = await self._steps(teller) if teller.types else []
        return [*judge_listening(traffic), *findings]

    def _is_ready(self) -> bool:
        return self.stage.traffic.is_listening() and bool(self.stage.traffic.bindings)

    def _is_over(self) -> bool:
        return self.stopped.is_set() or (bool(self.check.command) and not self._program.runs)

    def _silence(self) -> Finding:
        traffic = self.stage.traffic
        said = [f"The broker refused: {text}." for text in dict.fromkeys(traffic.refusals)]
        said += [f"The command ended with code {code}." for code in self._codes[:1]]
        what = "reads no queue" if not traffic.is_listening() else f"bound no queue to {topology.EVENTS} (see --queue)"
        return not_ok("listens", f"Over {traffic.connections} connections it {what}.", *said)

    async def _steps(self, teller: Teller) -> list[Finding]:
        """Try one thing after the other; after the first failure to take a plain fact, nothing else says anything."""
        findings = [await self._takes_each(teller)]
        if findings[0].state != "ok":
            return findings
        for step in (
            self._twice,
            self._late,
            self._extended,
            self._unknown,
            self._broken_off,
            self._poison,
            self._work_first,
        ):
            if self.stopped.is_set():
                break
            try:
                findings.append(await step(teller))
            except Ended:
                findings.append(
                    not_ok(
                        "comes back",
                        f"It did not read its queue again within {COMES_BACK_WITHIN_S:g} s. Nothing further was tried.",
                    )
                )
                break
        return findings

    async def _takes_each(self, teller: Teller) -> Finding:
        facts = [teller.new(type) for type in teller.types]
        for fact in facts:
            if said := await self._tell(fact):
                return not_ok("acknowledges facts", said, "Nothing further was tried.")
        return ok("acknowledges facts", ", ".join(topology.TYPES[type].model.__name__ for type in teller.types))

    async def _twice(self, teller: Teller) -> Finding:
        what = "idempotency, a fact told twice"
        before = await self._look()
        fact = teller.new(teller.favourite)
        if said := await self._tell(fact):
            return not_ok(what, said)
        blind = self._blind(shown := await self._shows(before))
        after = await self._settled_look() if shown else None
        if said := await self._tell(fact, times=2):
            return not_ok(what, said, f"The same fact may come again, under the same id: {AGAIN}.")
        if blind:
            return not_seen(what, f"It was taken both times. {blind}")
        if self._effects and after is not None and await self._effects.differs(after, STILL_S):
            return not_ok(what, f"The second time changed your store. Pass over an id that you know: {AGAIN}.")
        return ok(what, "your store changed once")

    async def _late(self, teller: Teller) -> Finding:
        what = "order, an older fact after a newer one"
        type = teller.favourite
        if not teller.has_versions(type):
            return not_seen(what, "None of the types that you listen to has a version.")
        before = await self._look()
        newest = teller.new(type)
        if said := await self._tell(newest):
            return not_ok(what, said)
        blind = self._blind(shown := await self._shows(before))
        after = await self._settled_look() if shown else None
        if said := await self._tell(teller.older(type)):
            return not_ok(what, said)
        if blind:
            return not_seen(what, f"It was taken. {blind}")
        if self._effects and after is not None and await self._effects.differs(after, STILL_S):
            return not_ok(what, f"It changed your store. Pass over a version that is not higher: {AGAIN}.")
        return ok(what, "your store kept the newer")

    async def _extended(self, teller: Teller) -> Finding:
        what = "further fields, attributes and codes"
        said = await self._tell(teller.extended(teller.favourite))
        advice = "Facts grow within v1: pass over what you do not know (contracts/CHANGELOG.md)."
        return not_ok(what, said, advice) if said else ok(what)

    async def _unknown(self, teller: Teller) -> Finding:
        what = "an unknown type"
        if not teller.hears_unknown:
            return ok(what, "you are bound to types that you know, and get no other")
        said = await self._tell(teller.unknown())
        advice = "Your binding takes types that come later: acknowledge and pass over those that you do not know."
        return not_ok(what, said, advice) if said else ok(what)

    async def _broken_off(self, teller: Teller) -> Finding:
        """Break the connection off after the work and before the acknowledgement: the fact has to come again."""
        what = "a connection that breaks off"
        if not all(one.acknowledges for one in self.stage.traffic.reading):
            return not_seen(what, "You read without acknowledgements: nothing comes again.")
        await self._ensure_listening()
        fact, lost = teller.new(teller.favourite), asyncio.Event()
        self.stage.tactics.withholds_ack = lambda handed: _once(handed, fact.id, lost)
        await self.stage.tell([fact.wire])
        await self.stage.traffic.until(lost.is_set, self.check.patience_s)
        if not await self._ensure_listening():
            return not_ok(what, f"{STUCK} Connect again, or end, so that somebody starts you again.")
        if any(queue.exclusive for queue in self.stage.traffic.queues):
            return hint(what, "It came back; its exclusive queue was gone, with the fact that it had not acknowledged.")
        came = await self.stage.traffic.until(lambda: self._is_done(fact, 1), self.check.patience_s)
        return ok(what, "it came back, and took the fact again") if came else not_ok(what, self._outcome(fact, 1))

    async def _poison(self, teller: Teller) -> Finding:
        what = "a message that is no event"
        poison, good = teller.poison(teller.favourite), teller.new(teller.favourite)
        if said := await self._tell(poison, followed_by=good):
            advice = "Instroom tells none. Should one come, put it aside (reject without requeue) and go on."
            return hint(what, said, advice)
        return ok(what, "put aside, and the next fact was taken")

    async def _work_first(self, teller: Teller) -> Finding:
        """Kill the program the moment it acknowledges a fact: the fact's effect must be there."""
        what = "works before it acknowledges"
        if not self._effects or not self.check.command:
            return not_seen(what, "This shows where the check runs your command and --state shows your store.")
        await self._ensure_listening()
        before, fact, killed = await self._settled_look(), teller.new(teller.favourite), asyncio.Event()
        self.stage.tactics.on_ack = lambda handed: self._kill_at(handed, fact, killed)
        await self.stage.tell([fact.wire])
        if not await self.stage.traffic.until(killed.is_set, self.check.patience_s):
            return not_ok(what, self._outcome(fact, 1))
        await self.stage.traffic.until(lambda: self._is_gone(fact), self.check.patience_s)
        await self._ensure_listening()
        if await self._effects.differs(before, self.check.patience_s / 2):
            return ok(what, "killed as it acknowledged, it had stored the fact")
        return not_ok(
            what, "Killed as it acknowledged, it had not stored the fact, which is lost. Acknowledge after that."
        )

    def _kill_at(self, handed: Handed, fact: Told, killed: asyncio.Event) -> None:
        if handed.message_id == fact.id and not killed.is_set():
            self._program.kill()
            killed.set()

    def _is_gone(self, fact: Told) -> bool:
        """Tell whether the program has ended, and the connection by which it got a fact: its last word has arrived."""
        got = {one.connection for one in self.stage.traffic.handed if one.message_id == fact.id}
        return not self._program.runs and got.isdisjoint(self.stage.traffic.open_connections)

    async def _tell(self, fact: Told, *, times: int = 1, followed_by: Told | None = None) -> str:
        """Tell a fact and wait until it is done with; say what went wrong otherwise, and clear it away."""
        await self._ensure_listening()
        codes, wires = len(self._codes), [fact.wire, *([followed_by.wire] if followed_by else [])]
        await self.stage.tell(wires)
        traffic, last = self.stage.traffic, followed_by or fact
        await traffic.until(
            lambda: self._is_done(last, times) or self._loops(fact) or self._is_over(), self.check.patience_s
        )
        if self._is_done(last, times) and self._is_done(fact, times):
            return ""
        said = self._outcome(last if self._is_done(fact, times) else fact, times)
        if len(self._codes) > codes:
            said = f"{_short(fact)}: taken, and the command ended with code {self._codes[codes]}."
        await self.stage.purge()
        return said

    def _is_done(self, fact: Told, times: int) -> bool:
        return sum(outcome not in {"", "returned to the queue"} for outcome in self._outcomes(fact)) >= times

    def _loops(self, fact: Told) -> bool:
        return self._outcomes(fact).count("returned to the queue") > MOST_RETURNS

    def _outcomes(self, fact: Told) -> list[str]:
        return list(self.stage.traffic.outcomes(fact.id))

    def _outcome(self, fact: Told, times: int) -> str:
        name, outcomes, patience = _short(fact), self._outcomes(fact), f"{self.check.patience_s:g} s"
        if self._loops(fact):
            return f"{name}: returned to the queue again and again, so what comes after it waits."
        if len(outcomes) < times:
            return f"{name}: not taken within {patience}."
        return f"{name}: taken, and not acknowledged within {patience}."

    async def _ensure_listening(self) -> bool:
        """Wait until the subscriber reads; a command that ended is started again. Raises `Ended`.

        Tells whether it came by itself: one that runs on without reading is ended and started again.
        """
        traffic = self.stage.traffic
        for _ in range(MOST_STARTS):
            if self.check.command and not self._program.runs:
                await self._program.start()
            await traffic.until(lambda: traffic.is_listening() or self._is_over(), COMES_BACK_WITHIN_S)
            if traffic.is_listening():
                return True
            if not self._is_over():
                break
        if self.check.command:
            await self._program.stop()
            await self._program.start()
        if not await traffic.until(traffic.is_listening, COMES_BACK_WITHIN_S if self.check.command else 0):
            raise Ended
        return False

    async def _look(self) -> bytes:
        return await self._effects.look() if self._effects else b""

    async def _settled_look(self) -> bytes:
        """Look when the store has stopped changing."""
        seen = await self._look()
        while self._effects and await self._effects.differs(seen, STILL_S):
            seen = await self._look()
        return seen

    async def _shows(self, before: bytes) -> bool:
        return self._effects is not None and await self._effects.differs(before, self.check.patience_s)

    def _blind(self, shown: object) -> str:
        if self._effects is None:
            return "What it changes in your store does not show here: see --state."
        return "" if shown else "--state prints the same before and after a new fact, so it says nothing."


def _short(fact: Told) -> str:
    return fact.wire.type.removeprefix("nl.enrolments.")


def _once(handed: Handed, id: str, lost: asyncio.Event) -> bool:
    """Tell whether this is the acknowledgement to lose: the first one of this fact."""
    if handed.message_id != id or lost.is_set():
        return False
    lost.set()
    return True

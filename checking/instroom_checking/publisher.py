"""The check of a publisher: it publishes, one confirm is withheld from it, and it gets answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from instroom_checking.answering import answer_to
from instroom_checking.program import Program
from instroom_checking.publishing import Published, Request, judge_publisher
from instroom_checking.stage import Stage
from instroom_checking.traffic import Sent
from instroom_checking.verdict import Finding
from instroom_contracts.cloudevent import encode

ANSWERS_WITHIN_S = 5.0


@dataclass(frozen=True)
class PublisherCheck:
    """What somebody wants checked: how many requests they are going to make, and within which time in seconds."""

    command: Sequence[str] = ()
    requests: int = 1
    within_s: float = 120.0
    sources: Sequence[str] = ()
    without_interruption: bool = False


@dataclass
class Performance:
    """One check under way."""

    stage: Stage
    check: PublisherCheck
    stopped: asyncio.Event
    interrupted: Sent | None = None
    ended_with: int | None = None
    answers: dict[str, Request] = field(default_factory=dict)
    _until: float = 0.0
    _answered: set[tuple[str, str]] = field(default_factory=set)

    @property
    def published(self) -> Published:
        """Return what was seen up to now."""
        return Published(
            self.stage.traffic,
            account=self.stage.account,
            sources=self.check.sources,
            interrupted=self.interrupted,
            without_interruption=self.check.without_interruption,
            ended_with=self.ended_with,
            answers=self.answers,
        )

    async def run(self) -> list[Finding]:
        """Take what is published until it is enough, and judge it."""
        if not self.check.without_interruption:
            self.stage.tactics.withholds_confirm = self._withholds
        self._until = asyncio.get_running_loop().time() + self.check.within_s
        answering = asyncio.create_task(self._answer())
        program = Program(self.check.command, self.stage.address, self._has_ended)
        try:
            if self.check.command:
                await self._run(program)
            else:
                await self._until_enough(lambda: False)
            await self.stage.traffic.until(self._has_its_answers, ANSWERS_WITHIN_S if self.answers else 0)
        finally:
            answering.cancel()
            await program.stop()
        return judge_publisher(self.published)

    def _has_ended(self, code: int) -> None:
        self.ended_with = code
        self.stage.traffic.note()

    async def _run(self, program: Program) -> None:
        """Run the program to its end; where it has yet to send again what was not confirmed, start it once more."""
        await program.start()
        await self._until_enough(lambda: not program.runs)
        if not program.runs and not self._came_again():
            await program.start()
            await self._until_enough(lambda: not program.runs)

    async def _until_enough(self, ended: Callable[[], bool]) -> None:
        left_s = max(0.0, self._until - asyncio.get_running_loop().time())
        await self.stage.traffic.until(lambda: self.stopped.is_set() or ended() or self._is_enough(), left_s)

    def _is_enough(self) -> bool:
        keys = {request.key or request.number for request in self.published.requests}
        tried = self.check.without_interruption or (self.interrupted is not None and self._came_again())
        return not self.check.command and len(keys) >= self.check.requests and tried

    def _came_again(self) -> bool:
        """Tell whether nothing was interrupted, or the message that was came again."""
        lost = self.interrupted
        sent = self.stage.traffic.sent
        return lost is None or any(one.digest == lost.digest for one in sent[sent.index(lost) + 1 :])

    def _withholds(self, sent: Sent) -> bool:
        """Interrupt the first valid request that a confirm comes for."""
        requests = {id(request.sent): request for request in self.published.requests}
        request = requests.get(id(sent))
        if self.interrupted is not None or request is None or request.problems:
            return False
        self.interrupted = sent
        return True

    async def _answer(self) -> None:
        """Answer each request once it is safe with the broker; tell every answer twice, as may happen in life."""
        while True:
            await self.stage.traffic.until(lambda: bool(self._unanswered()))
            for request in self._unanswered():
                self._answered.add(request.key or ("", ""))
                if answer := answer_to(request):
                    self.answers[answer.id] = request
                    await self.stage.tell([encode(answer)])
                    await self.stage.tell([encode(answer)])

    def _unanswered(self) -> list[Request]:
        return [
            one
            for one in self.published.requests
            if one.key and one.key not in self._answered and (one.sent.is_confirmed or not one.sent.confirms)
        ]

    def _has_its_answers(self) -> bool:
        traffic = self.stage.traffic
        return self.stopped.is_set() or not traffic.is_listening() or all(map(traffic.is_settled, self.answers))

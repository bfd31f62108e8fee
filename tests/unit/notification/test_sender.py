"""The sender's steps and their order, with a ledger and a mail server of paper."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from structlog.testing import capture_logs

from chassis.errors import Conflict, Unavailable
from services.notification.domain.delivery import Outcome
from services.notification.domain.letter import Letter
from services.notification.sending.sender import Pace, Sender
from services.notification.writing.composing import Background
from services.notification.writing.mail import Outgoing, Unmailable
from tests.support.eventually import eventually
from tests.unit.notification.builders import ACCEPTED, NOW, invitation, notice, sending

MAIL = Outgoing("week@example.org", "robin.jansen@example.org", b"")


@dataclass
class PaperLedger:
    """Notes every step."""

    due: list[Letter] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    finished: list[Outcome] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)
    too_much: bool = False
    recipients: list[str] = field(default_factory=list)

    async def claim(self, now: datetime) -> Letter | None:
        """Hand out what is due."""
        return self.due.pop(0) if self.due else None

    async def background(self, letter: Letter) -> Background:
        """Know nothing."""
        return Background()

    async def admits(self, letter: Letter, now: datetime) -> bool:
        """Admit what is not too much."""
        return not self.too_much

    async def served(self) -> list[str]:
        """Know of those that were served."""
        return self.recipients

    async def hand_over(self, letter: Letter) -> bool:
        """Give leave."""
        self.steps.append("handed over")
        return True

    async def finish(self, letter: Letter, outcome: Outcome, now: datetime) -> None:
        """Note the outcome, unless there is trouble."""
        if self.trouble:
            raise self.trouble.pop(0)
        self.steps.append("finished")
        self.finished.append(outcome)


@dataclass
class PaperCarrier:
    """Takes every mail once it may, or answers it otherwise."""

    ledger: PaperLedger
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    answer: Outcome = ACCEPTED
    takes_others: bool = True

    async def send(self, mail: Outgoing, leave: Callable[[], Awaitable[bool]]) -> Outcome:
        """Ask for leave, then for the answer."""
        self.ledger.steps.append("text sent")
        await leave()
        self.ledger.steps.append("dot sent")
        await self.may_answer.wait()
        return self.answer

    async def takes(self, sender: str, recipients: Sequence[str]) -> bool:
        """Note who asks for whom."""
        self.ledger.steps.append(f"asked by {sender} for {', '.join(recipients)}")
        return self.takes_others

    async def hang_up(self) -> None:
        """Note it."""
        self.ledger.steps.append("hung up")


def composed(letter: Letter, background: Background, at: datetime) -> Outgoing:
    """Make the same mail of every letter."""
    return MAIL


def sender(
    ledger: PaperLedger,
    carrier: PaperCarrier | None = None,
    compose: Callable[..., Outgoing] = composed,
    connections: int = 1,
) -> Sender:
    """Build a sender whose mail server answers at once, unless one is given."""
    at_hand = carrier or ready(ledger)
    return Sender(
        ledger,
        compose,
        lambda: at_hand,
        lambda: NOW,
        Pace(connections=connections, poll_s=0.01, stop_s=5.0, leave_s=60),
    )


def ready(ledger: PaperLedger) -> PaperCarrier:
    """Build a mail server that answers at once."""
    carrier = PaperCarrier(ledger)
    carrier.may_answer.set()
    return carrier


async def test_leave_is_recorded_before_the_final_dot() -> None:
    """A sender that dies after the dot must leave a trace that it may have been taken."""
    ledger = PaperLedger(due=[sending(invitation())])
    assert await sender(ledger).send_next(ready(ledger))
    assert ledger.steps == ["text sent", "handed over", "dot sent", "finished"]
    assert ledger.finished == [ACCEPTED]


NO_SUCH_MAILBOX = Outcome("refused", "address-refused", code=550)


@pytest.mark.parametrize(
    ("served", "takes", "others"),
    [(["kim@example.org"], True, True), (["kim@example.org"], False, False), ([], True, False)],
)
async def test_a_server_that_refuses_a_recipient_is_asked_for_those_it_took(
    served: list[str], takes: bool, others: bool
) -> None:
    """That tells an address that does not exist from a server that refuses all; where none is known nothing does."""
    ledger = PaperLedger(due=[sending(invitation())], recipients=served)
    carrier = ready(ledger)
    carrier.answer, carrier.takes_others = NO_SUCH_MAILBOX, takes
    await sender(ledger).send_next(carrier)
    assert [outcome.takes_others for outcome in ledger.finished] == [others]
    assert ("asked by week@example.org for kim@example.org" in ledger.steps) == bool(served)


async def test_nothing_due_is_said() -> None:
    """So that the sender can rest."""
    ledger = PaperLedger()
    assert not await sender(ledger).send_next(ready(ledger))


async def test_a_mail_that_cannot_be_made_is_not_sent() -> None:
    """The reason says whether it may be possible later."""

    def impossible(*_: object) -> Outgoing:
        raise Unmailable("address-refused")

    ledger = PaperLedger(due=[sending(invitation())])
    await sender(ledger, compose=impossible).send_next(ready(ledger))
    assert ledger.finished == [Outcome("unmailable", "address-refused")]
    assert ledger.steps == ["finished"]


async def test_a_mail_above_its_mailboxs_share_of_the_day_is_not_sent() -> None:
    """Somebody has us write to one address over and over."""
    ledger = PaperLedger(due=[sending(invitation())], too_much=True)
    await sender(ledger).send_next(ready(ledger))
    assert ledger.finished == [Outcome("over-cap")]
    assert ledger.steps == ["finished"]


async def test_a_defect_in_composing_concerns_one_mail() -> None:
    """The next one must go out."""

    def defective(*_: object) -> Outgoing:
        raise KeyError("robin.jansen@example.org")

    ledger = PaperLedger(due=[sending(invitation())])
    with capture_logs() as logs:
        await sender(ledger, compose=defective).send_next(ready(ledger))
    assert [outcome.result for outcome in ledger.finished] == ["try-later"]
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["composing_failed"]


@pytest.mark.parametrize("trouble", [Conflict("somebody came first"), Unavailable("away")])
async def test_an_outcome_is_recorded_as_often_as_it_takes(trouble: Exception) -> None:
    """If it got lost the mail would count as uncertain."""
    ledger = PaperLedger(due=[sending(invitation())], trouble=[trouble])
    await sender(ledger).send_next(ready(ledger))
    assert ledger.finished == [ACCEPTED]


async def test_a_mail_under_way_is_finished_before_a_stop() -> None:
    """Every stop would otherwise leave uncertain mails behind."""
    ledger = PaperLedger(due=[sending(invitation())])
    carrier = PaperCarrier(ledger)
    running = asyncio.create_task(sender(ledger, carrier).run())
    await eventually(lambda: "dot sent" in ledger.steps)
    running.cancel()
    asyncio.get_running_loop().call_soon(carrier.may_answer.set)
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ledger.steps[-2:] == ["finished", "hung up"]


async def test_trouble_with_the_database_is_waited_out() -> None:
    """The service goes on when it is back."""

    class Stumbling(PaperLedger):
        async def claim(self, now: datetime) -> Letter | None:
            """Be away once."""
            if "away" not in self.steps:
                self.steps.append("away")
                raise Unavailable("MongoDB does not answer")
            return await super().claim(now)

    ledger = Stumbling(due=[sending(invitation())])
    running = asyncio.create_task(sender(ledger).run())
    await eventually(lambda: ledger.finished == [ACCEPTED])
    running.cancel()
    await asyncio.wait([running])


async def test_so_many_lines_send_at_once_and_no_more() -> None:
    """A mail server bears only so many connections."""
    ledger = PaperLedger(due=[sending(invitation()) for _ in range(5)])
    carrier = PaperCarrier(ledger)
    running = asyncio.create_task(sender(ledger, carrier, connections=2).run())
    await eventually(lambda: ledger.steps.count("dot sent") == 2)
    assert len(ledger.due) == 3
    carrier.may_answer.set()
    await eventually(lambda: len(ledger.finished) == 5)
    running.cancel()
    await asyncio.wait([running])


async def test_logs_hold_ids_only() -> None:
    """Neither names nor addresses."""
    ledger = PaperLedger(due=[sending(invitation()), notice()], trouble=[Unavailable("away")])
    with capture_logs() as logs:
        await sender(ledger).send_next(ready(ledger))
        await sender(ledger).send_next(ready(ledger))
    assert {line["event"] for line in logs} == {"outcome_not_recorded", "mail_attempted"}
    assert "Robin" not in str(logs)
    assert "@" not in str(logs)

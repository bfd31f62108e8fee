"""How far one mail has come: the rules of trying, trying again and giving up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from instroom_contracts.notification import Failure

State = Literal["waiting", "pending", "sending", "sent", "retry", "uncertain", "failed", "held", "dropped"]
"""How far a mail has come.

`waiting`: its session has no date or link yet. `uncertain`: the mail server fell silent after the final dot, so nobody
knows whether it took the mail (RFC 1047). `held`: its mailbox has had its share of the day. These two and what `failed`
are listed. `dropped`: there is nothing to send.
"""

Result = Literal[
    "accepted", "try-later", "refused", "silence", "overtaken", "unmailable", "turned-away", "put-back", "over-cap"
]
"""How an attempt ended.

`try-later`: not taken, another attempt may succeed. `refused`: not taken, and not to be tried again, says the server.
`silence`: no answer after the final dot. `overtaken`: given up before the final dot, since something newer is to be
sent. `unmailable`: no mail can be made of it. `turned-away`: the server would not deal with us, whoever it was for.
`put-back`: refused by a server that refuses everything, which says nothing of this mail. `over-cap`: not sent, since
its mailbox has had its share of the day.
"""

Objection = Literal["turned-away", "login", "not-offered", "certificate", "everything"]
"""What a mail server has against us, whoever a mail is for."""


@dataclass(frozen=True)
class Claim:
    """A sender's right to send one mail until `until`; `handed_over` from just before the final dot."""

    token: str
    until: datetime
    handed_over: bool = False


@dataclass(frozen=True)
class Delivery:
    """How far one mail has come, when it is due, how often it was tried and what went wrong last.

    `put_back`: it was refused before, by a server that refused everything; when it is refused again, that counts.
    `released`: a person decided that it is to be sent, whatever its mailbox had today.
    """

    state: State
    due: datetime
    attempts: int = 0
    trouble: Failure | None = None
    claim: Claim | None = None
    put_back: bool = False
    released: bool = False


@dataclass(frozen=True)
class Outcome:
    """How one attempt ended, with a code of the trouble, what the server has against us, and its answer.

    `takes_others`: it refused this recipient, and would take mails for others at that moment.
    """

    result: Result
    trouble: Failure | None = None
    objection: Objection | None = None
    code: int | None = field(default=None, compare=False)
    takes_others: bool = False


LONGEST_STOP = timedelta(minutes=15)
UNKNOWN = Outcome("silence", "outcome-unknown")


@dataclass(frozen=True)
class Terms:
    """How mails are sent: for how long one is tried, the pauses between, and the domain of Message-IDs and UIDs.

    Each pause is twice the one before, up to the longest. A mail is given up once its pauses would come to more than
    `patience`: RFC 5321 asks for four to five days (section 4.5.4.1). Time in which nothing was tried does not count.
    `refusals` of so many recipients in a row are a server that refuses everything. A mailbox gets `daily_cap` mails a
    day at most.
    """

    patience: timedelta
    first_pause: timedelta
    longest_pause: timedelta
    domain: str
    refusals: int = 5
    daily_cap: int = 100

    def pause(self, attempts: int) -> timedelta:
        """Return the pause after so many attempts (from 1)."""
        doubled = self.first_pause * (1 << min(attempts - 1, 30))
        return min(doubled, self.longest_pause)

    def stop(self, pauses: int) -> timedelta:
        """Return how long nothing is sent after so many pauses in a row; whoever mends the server waits no longer."""
        return min(self.pause(pauses), LONGEST_STOP)

    def is_last(self, attempts: int) -> bool:
        """Say whether another pause after so many attempts would be more than is waited for."""
        pauses = (self.pause(attempt) for attempt in range(1, attempts + 1))
        return sum(pauses, timedelta()) > self.patience


def left_behind(delivery: Delivery) -> Outcome:
    """Judge a mail whose sender let its claim lapse: from right before its final dot on nobody knows."""
    if delivery.claim is not None and delivery.claim.handed_over:
        return UNKNOWN
    return Outcome("try-later", "message-refused")


def is_news(delivery: Delivery, outcome: Outcome) -> bool:
    """Say whether an outcome tells more than is known of a mail: silence about an uncertain one does not."""
    return not (delivery.state == "uncertain" and outcome.result == "silence")


def concluded(delivery: Delivery, outcome: Outcome, now: datetime, terms: Terms) -> Delivery:
    """Return a delivery after an attempt: sent, to be tried again after a pause, uncertain, or given up.

    An uncertain one keeps its claim, so that a sender that only slept can still say what it learnt.
    """
    untried = replace(delivery, state="pending", due=now, trouble=outcome.trouble, claim=None)
    tried = replace(untried, attempts=delivery.attempts + (delivery.state != "uncertain"))
    match outcome.result:
        case "accepted":
            after = replace(tried, state="sent")
        case "silence":
            after = replace(tried, state="uncertain", claim=delivery.claim)
        case "overtaken" | "turned-away":
            after = untried
        case "over-cap":
            after = replace(untried, state="held")
        case "put-back":
            after = replace(tried, put_back=True)
        case "try-later" if not terms.is_last(tried.attempts):
            after = replace(tried, state="retry", due=now + terms.pause(tried.attempts))
        case _:
            after = replace(tried, state="failed")
    return after

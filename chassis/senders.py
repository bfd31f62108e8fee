"""Who may speak for whom: an account on the broker, and the sources that are its own.

RabbitMQ refuses a message whose property `user_id` is another than the account that publishes it
(https://www.rabbitmq.com/docs/validated-user-id); a message may go without. So a source that is an account's own is
believed of that account alone, and an account with sources of its own is believed in nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from chassis.allowances import UNLIMITED, Allowance
from chassis.codec import IN_PAIRS, kept_in
from chassis.documents import ById


@dataclass(frozen=True)
class Senders:
    """The sources that are somebody's own, each with its account."""

    owners: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def accounts(self) -> frozenset[str]:
        """The accounts that have sources of their own."""
        return frozenset(self.owners.values())

    def owned_by_others(self, account: str, sources: tuple[str, ...]) -> list[str]:
        """Return those of these sources that are another account's own."""
        return [source for source in sources if self.owners.get(source, account) != account]

    def with_claim(self, account: str, sources: tuple[str, ...]) -> Senders:
        """Return the same with exactly these sources as the account's own."""
        others = {source: owner for source, owner in self.owners.items() if owner != account}
        return Senders({**others, **dict.fromkeys(sources, account)})


@dataclass(frozen=True)
class Admission:
    """Whose messages are taken on the intake, and how much each account may ask of us.

    `operator` is the account that may speak for every source: it replays what was held, and acts for a course desk.
    With `known_only`, a source that is nobody's own is taken from the account `shared` alone, which is there to try
    things with. What begins with `ours` are the sources of our own services.
    """

    operator: str = "operator"
    shared: str = "integrator"
    known_only: bool = False
    ours: str = "urn:nld:oin:00000001823288444000:systeem:instroom-"
    asked: Allowance = UNLIMITED
    held_bytes: Allowance = UNLIMITED

    def admits(self, senders: Senders, account: str | None, source: str | None) -> bool:
        """Tell whether a message of this account may name this source; None where it does not say which."""
        if source is None or account == self.operator:
            return True
        owner = senders.owners.get(source)
        if owner is not None:
            return owner == account
        return account not in senders.accounts and (not self.known_only or account == self.shared)

    def is_ours(self, senders: Senders, source: str | None) -> bool:
        """Tell whether one of our own services tells under this source.

        The `instroom` command asks as others do; and what was claimed for an account is that account's.
        """
        if source is None or not source.startswith(self.ours):
            return False
        return source != f"{self.ours}{COMMAND}" and source not in senders.owners


COMMAND = "cli"
"""What the source of the `instroom` command ends in."""


SENDERS = kept_in("senders", Senders, personal=(), overrides={"owners": IN_PAIRS}, cached=True)
ALL_SENDERS = ById(SENDERS, "all")
"""The one document that holds them."""

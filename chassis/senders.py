"""Who may speak for whom: an account on the broker, and the sources that are its own.

RabbitMQ refuses a message whose property `user_id` is another than the account that publishes it
(https://www.rabbitmq.com/docs/validated-user-id); a message may go without. So a source that is an account's own is
believed of that account alone, and an account with sources of its own is believed in nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chassis.documents import ById, Document, Kind


@dataclass(frozen=True)
class Senders:
    """The sources that are somebody's own, each with its account."""

    owners: Mapping[str, str] = field(default_factory=dict)

    def owned_by_others(self, account: str, sources: tuple[str, ...]) -> list[str]:
        """Return those of these sources that are another account's own."""
        return [source for source in sources if self.owners.get(source, account) != account]

    def with_claim(self, account: str, sources: tuple[str, ...]) -> Senders:
        """Return the same with exactly these sources as the account's own."""
        others = {source: owner for source, owner in self.owners.items() if owner != account}
        return Senders({**others, **dict.fromkeys(sources, account)})


@dataclass(frozen=True)
class Admission:
    """Whose messages are taken on the intake.

    `operator` is the account that may speak for every source: it replays what was held, and acts for a course desk.
    With `known_only`, a source that is nobody's own is not taken from anybody else.
    """

    operator: str = "operator"
    known_only: bool = False

    def admits(self, senders: Senders, account: str | None, source: str | None) -> bool:
        """Tell whether a message of this account may name this source; None where it does not say which."""
        if source is None or account == self.operator:
            return True
        owner = senders.owners.get(source)
        if owner is not None:
            return owner == account
        return not self.known_only and account not in senders.owners.values()


def _read(document: Document) -> Senders:
    return Senders(dict(document["owners"]))


def _write(senders: Senders) -> Document:
    return {"owners": list(senders.owners.items())}  # pairs: a source is no safe name for a field


SENDERS = Kind("senders", _read, _write, cached=True)
ALL_SENDERS = ById(SENDERS, "all")
"""The one document that holds them."""

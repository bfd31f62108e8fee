"""What the audit says of one promise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

BY_HAND = "docs/operating.md, AuditBroken"
"""Where it stands what to do where no command does it."""


@dataclass(frozen=True)
class Offence:
    """One breach of a promise: what it is about, by ids, and what is wrong with it."""

    subject: str
    detail: str


@dataclass(frozen=True)
class Verdict:
    """How one promise fares: over how many cases, the breaches, and remarks on what could not be judged.

    `remedy` tells an operator what to do about breaches: a command, or a section of docs/operating.md.
    """

    promise: str
    cases: int
    offences: tuple[Offence, ...] = ()
    remarks: tuple[str, ...] = ()
    remedy: str = BY_HAND

    @property
    def holds(self) -> bool:
        """Say whether the promise holds."""
        return not self.offences

    def still(self, earlier: Verdict) -> Verdict:
        """Return this verdict with only those breaches that were there earlier too.

        What was on its way then and has arrived by now is no breach.
        """
        subjects = {offence.subject for offence in earlier.offences}
        return replace(self, offences=tuple(one for one in self.offences if one.subject in subjects))


def verdict(promise: str, cases: int, offences: Iterable[Offence], *remarks: str, remedy: str = BY_HAND) -> Verdict:
    """Make a verdict; remarks that are empty are left out."""
    return Verdict(promise, cases, tuple(offences), tuple(remark for remark in remarks if remark), remedy)


def counted(number: int, what: str) -> str:
    """Say a number of things, of one thing without its plural's s."""
    return f"{number} {what.removesuffix('s') if number == 1 else what}"

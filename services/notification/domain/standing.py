"""How we stand with the mail server: whether it takes mails, or refuses everything, so that sending rests.

A refusal says nothing of the address it was for where the server refuses everybody. It is taken to do so when it will
not deal with us at all (the connection, TLS or the login), or when it refused so many recipients in a row and took
nothing between. Everything here is pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from services.notification.domain.delivery import Objection, Outcome


@dataclass(frozen=True)
class Refusal:
    """A mail that the server refused for good: its id, and a digest of whom it was for."""

    id: str
    recipient: str


@dataclass(frozen=True)
class Standing:
    """What the server did lately.

    `refusals` are the last mails that it refused, each of another recipient, since it took one. `pauses` counts the
    pauses since then: above 0 nothing is sent but one mail at a time to try, under the claim `probe`. `objection` and
    `code` say what the server objected to.
    """

    refusals: tuple[Refusal, ...] = ()
    pauses: int = 0
    objection: Objection | None = None
    code: int | None = None
    probe: str | None = None

    @property
    def is_paused(self) -> bool:
        """Say whether sending rests."""
        return self.pauses > 0

    def after(self, outcome: Outcome, refusal: Refusal | None, claim: str, most: int) -> Standing:
        """Return how we stand after an attempt under this claim; `most` refusals in a row are a pause.

        During a pause only the mail that was to try has a say, or any that the server took. `refusal` is None for a
        mail that was put back before: the server has taken another since, so this refusal is about its address. So it
        is where the server would take others, which is as good as taking one.
        """
        has_a_say = not self.is_paused or claim == self.probe
        match outcome.result:
            case "accepted":
                return Standing()
            case "refused" if outcome.takes_others:
                return Standing()
            case "turned-away" if has_a_say:
                return _paused(self, outcome.objection or "turned-away", outcome.code)
            case "refused" if self.is_paused and has_a_say:
                return _paused(self, "everything", outcome.code)
            case "refused" if not self.is_paused and refusal:
                return self._refused(refusal, outcome.code, most)
            case _:
                return self

    def softened(self, outcome: Outcome) -> Outcome:
        """Return what an outcome means for its mail: while sending rests none is given up for what the server says."""
        if not self.is_paused:
            return outcome
        match outcome.result:
            case "refused":
                return replace(outcome, result="put-back")
            case "try-later":
                return replace(outcome, result="turned-away")
            case _:
                return outcome

    def _refused(self, refusal: Refusal, code: int | None, most: int) -> Standing:
        others = tuple(one for one in self.refusals if one.recipient != refusal.recipient)
        after = replace(self, refusals=(*others, refusal))
        return _paused(after, "everything", code) if len(after.refusals) >= most else after


def _paused(standing: Standing, objection: Objection, code: int | None) -> Standing:
    return replace(standing, pauses=standing.pauses + 1, objection=objection, code=code, probe=None)

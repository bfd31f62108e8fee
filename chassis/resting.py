"""Work that failed rests before it is tried again, longer each time, so that others' goes on."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

LONGEST_S = 300.0
"""So long at most does work rest on which a handler failed; what failed is in quarantine, for a person to see."""


@dataclass
class Resting:
    """What rests in one process, by its key, after pauses that double from the first up to the longest (seconds)."""

    first_s: float
    longest_s: float = LONGEST_S
    _until: dict[str, tuple[float, float]] = field(default_factory=dict)

    def keys(self) -> list[str]:
        """Return what is not to be tried yet; what is long over, by whomever it was done, is forgotten."""
        now = time.monotonic()
        self._until = {key: rest for key, rest in self._until.items() if rest[0] > now - self.longest_s}
        return [key for key, (until, _) in self._until.items() if until > now]

    def failed(self, key: str) -> float:
        """Let this rest, after it failed; return for how long."""
        _, before = self._until.get(key, (0.0, self.first_s / 2))
        pause = min(2 * before, self.longest_s)
        self._until[key] = (time.monotonic() + pause, pause)
        return pause

    def done(self, key: str) -> None:
        """Forget that this failed before."""
        self._until.pop(key, None)

"""How much an account may have us keep or tell: allowances that fill up again with time.

What was taken from one comes back evenly over its period. It is a document like any other, so it holds for all replicas
together and after a restart; one that is full again is forgotten.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.codec import kept_in
from chassis.documents import Documents
from chassis.mongo import Database


@dataclass(frozen=True)
class Taken:
    """How much was gone from an allowance at a moment, and when it will be whole again."""

    amount: float
    at: datetime
    until: datetime


@dataclass(frozen=True)
class Allowance:
    """So much within a period, and no more at once either."""

    most: float
    period: timedelta

    def take(self, documents: Documents, key: str, now: datetime, amount: float = 1) -> bool:
        """Take this much of what a key may have; False, and nothing taken, where so much is not there."""
        if self.most == math.inf:
            return True
        gone = self._gone(documents.get(ALLOWANCES, key), now) + amount
        if gone > self.most:
            return False
        documents.put(ALLOWANCES, key, Taken(gone, now, now + self.period * (gone / self.most)))
        return True

    def _gone(self, before: Taken | None, now: datetime) -> float:
        if before is None:
            return 0
        elapsed = max(timedelta(), now - before.at)  # another replica's clock may be ahead
        return max(0.0, before.amount - self.most * (elapsed / self.period))


UNLIMITED = Allowance(math.inf, timedelta(days=1))


ALLOWANCES = kept_in("allowances", Taken, personal=())


async def prepare(database: Database) -> None:
    """Create the index by which the database forgets an allowance that is whole again."""
    await database[ALLOWANCES.collection].create_index("until", expireAfterSeconds=0)

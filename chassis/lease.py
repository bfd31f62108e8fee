"""A lease: one process at a time does a job, as long as it renews its claim in the database."""

from __future__ import annotations

import asyncio
import time

from pymongo.errors import DuplicateKeyError

from chassis.chance import new_id
from chassis.mongo import Database

SERVER_NOW = "$$NOW"


class Lease:
    """The right to do one job; judged by the database's clock, so that no machine's own clock matters."""

    def __init__(self, database: Database, name: str, *, seconds: float = 15.0) -> None:
        self._leases = database["leases"]
        self._name = name
        self._owner = new_id()
        self._renewed = float("-inf")
        self._asking = asyncio.Lock()
        self.seconds = seconds

    async def hold(self) -> bool:
        """Take or renew the lease; False while another process holds it. Several tasks of one process may ask."""
        async with self._asking:  # two first claims at once would be taken for another process's
            if time.monotonic() - self._renewed < self.seconds / 3:
                return True
            asked = time.monotonic()
            held = await self._claim()
            self._renewed = asked if held else float("-inf")
            return held

    async def _claim(self) -> bool:
        claim = [{"$set": {"owner": self._owner, "until": {"$add": [SERVER_NOW, int(self.seconds * 1000)]}}}]
        free = {"$expr": {"$or": [{"$eq": ["$owner", self._owner]}, {"$lt": ["$until", SERVER_NOW]}]}}
        taken = await self._leases.update_one({"_id": self._name, **free}, claim)
        if taken.matched_count:
            return True
        try:
            await self._leases.update_one({"_id": self._name, "owner": self._owner}, claim, upsert=True)
        except DuplicateKeyError:
            return False
        return True

    async def give_up(self) -> None:
        """Let another process take the lease at once."""
        self._renewed = float("-inf")
        await self._leases.delete_one({"_id": self._name, "owner": self._owner})

"""Whether services of this code can work beside those that run, while they are replaced one after the other."""

from __future__ import annotations

from typing import Any

from pymongo import MongoClient

from deploy import accounts
from deploy.doors import Doors
from deploy.local.errors import LocalError

_OF_0_2 = {"last": {"$exists": False}}
"""What tells a pool that 0.2.0 kept: its enrolment service would go on writing such, which the database refuses."""


def ensure_possible(doors: Doors) -> None:
    """Raise `LocalError` where the data are still those of a release that cannot work beside this one."""
    with MongoClient[dict[str, Any]](doors.database_url(accounts.OPERATOR), serverSelectionTimeoutMS=5000) as client:
        is_old = client[accounts.database_of("enrolment")]["pools"].find_one(_OF_0_2, {"_id": 1})
    if is_old:
        raise LocalError(
            "The data are those of 0.2.0, whose enrolment service cannot work beside this one. Nothing was replaced."
            " Make a backup, then make down and make up: the services stand still for the time that takes."
        )

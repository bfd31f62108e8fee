"""Whether services of this code can work beside those that run, while they are replaced one after the other."""

from __future__ import annotations

from typing import Any

from pymongo import MongoClient

from deploy import accounts
from deploy.doors import Doors
from deploy.local.errors import LocalError
from services.enrolment.migration import OF_OLD


def ensure_possible(doors: Doors) -> None:
    """Raise `LocalError` where the data are still those of 0.2.0: it would go on writing what the database refuses."""
    with MongoClient[dict[str, Any]](doors.database_url(accounts.OPERATOR), serverSelectionTimeoutMS=5000) as client:
        database = client[accounts.database_of("enrolment")]
        is_old = any(database[collection].find_one(old, {"_id": 1}) for collection, old in OF_OLD.items())
    if is_old:
        raise LocalError(
            "The data are those of 0.2.0, whose enrolment service cannot work beside this one. Nothing was replaced."
            " Make a backup, then make down and make up: the services stand still for the time that takes."
        )

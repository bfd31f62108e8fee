"""Whether services of this code can work beside those that run, while they are replaced one after the other."""

from __future__ import annotations

from typing import Any

from pymongo import MongoClient

from deploy import accounts
from deploy.endpoints import Endpoints
from deploy.errors import StackError
from services.enrolment.migrations import pools as seats
from services.notification.storage import migration as mails

OF_OLD = {"enrolment": seats.OF_OLD, "notification": mails.OF_OLD}


def ensure_possible(endpoints: Endpoints) -> None:
    """Raise `StackError` where the data are of before 0.3.0: it would go on writing what the database refuses."""
    with MongoClient[dict[str, Any]](
        endpoints.database_url(accounts.OPERATOR), serverSelectionTimeoutMS=5000
    ) as client:
        is_old = any(
            client[accounts.database_of(service)][collection].find_one(old, {"_id": 1})
            for service, collections in OF_OLD.items()
            for collection, old in collections.items()
        )
    if is_old:
        raise StackError(
            "The data are those of 0.2.0, whose services cannot work beside these. Nothing was replaced. Make a backup,"
            " then make down and make up: the services stand still for the time that takes."
        )

"""What the service says of itself while the mail server refuses everything."""

from __future__ import annotations

import asyncio
import urllib.request
from datetime import UTC, datetime

from chassis.mongo import Mongo
from tests.support.eventually import eventually
from tests.support.mailserver import MailServer
from tests.support.place import Place
from tests.support.running import running


def said_at(url: str) -> str:
    """Read a page; it must be answered with 200."""
    with urllib.request.urlopen(url) as answer:  # noqa: S310  our own service
        return str(answer.read().decode())


async def test_a_service_that_may_not_send_is_ready_and_says_so(place: Place, mail_server: MailServer) -> None:
    """It takes and keeps all that is to be mailed, so nothing is gained by starting it afresh."""
    at_rest = {"refusals": [], "pauses": 3, "objection": "login", "code": 535, "probe": None}
    since = {"since": datetime(2026, 11, 26, 12, tzinfo=UTC), "until": datetime(2099, 1, 1, tzinfo=UTC)}
    mongo = Mongo(place.mongo_url, driver="pymongo")
    standing = mongo.database(place.database("notification"))["standing"]
    await standing.insert_one({"_id": "mail-server", **at_rest, **since})
    try:
        with running(place, "notification", settings={"SMTP_URL": mail_server.url}) as (service,):
            said = await asyncio.to_thread(said_at, f"{service.url}/readyz")
            assert said.splitlines()[0] == "ready"
            assert "mail: nothing is sent since 2026-11-26T12:00:00+00:00: the mail server refuses the login" in said
            await standing.update_one({}, {"$set": {"pauses": 0, "since": None, "until": None}})
            await eventually(lambda: said_at(f"{service.url}/readyz") == "ready\n")
    finally:
        await mongo.close()

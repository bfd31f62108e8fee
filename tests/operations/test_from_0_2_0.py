"""A stack of 0.2.0 with people in every state, moved to the code that is here while another system goes on asking.

The stack is one of local processes, set up by the code of 0.2.0 itself, which git has (a shallow clone has not).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from pymongo import MongoClient

from deploy.homes import ROOT
from deploy.local.daemons import Daemon
from deploy.settings import listens
from tests.cluster.cluster import Asking
from tests.operations.test_upgrade import answers
from tests.support.calendars import received
from tests.support.clone import Clone, checked_out
from tests.support.eventually import eventually
from tests.support.mailserver import BUSY, REFUSED, SILENCE, Mail, open_mail_server

OLD = "9f1572f"
"""The last commit of 0.2.0."""
SETTINGS = {"STACK": "local", "PARKING_S": "20", "SMTP_DOT_TIMEOUT_S": "5", "MAIL_CLAIM_S": "10"}
PERSON = {"organisation": "Gemeente Voorbeeld", "role": "projectleider", "region": "noord"}
EDITION = "overgang-2099"
HALL = {"pool": "hal", "capacity": 4, "form": "on-site", "location": "De Hal", "attendance": "choice"}
ONLINE = {"form": "online", "attendance": "choice"}
LATE, UNDATED = {"date": "2099-06-10"}, {"from": "09:00", "to": "12:00"}


def programme(*sessions: dict[str, Any]) -> str:
    """Return a programme file: one edition of these sessions; what YAML takes, JSON is."""
    provider = {"id": "voorbeeld", "name": "Voorbeeld", "organiser": {"name": "V", "email": "desk@example.org"}}
    about = {"id": "overgang", "title": "Overgang", "summary": "Een dag.", "language": "nl", "topics": ["overgang"]}
    taken = {"kind": "open", "state": "open", "choice": {"minimum": 1, "maximum": 4}}
    return json.dumps(
        {
            "provider": provider,
            "programme": about | taken,
            "everySession": UNDATED,
            "sessions": [{"title": one["id"].capitalize(), **one} for one in sessions],
            "editions": [{"id": EDITION, "title": "Overgang 2099"}],
        }
    )


MORNING = {"id": "ochtend", "date": "2099-06-08", **HALL}
EVENING = {"id": "avond", "date": "2099-06-09", **HALL}
LINKED = {"id": "online", "date": "2099-06-11", "joinUrl": "https://meet.example.org/overgang", **ONLINE}
SOON = {"id": "later", "joinUrl": "https://meet.example.org/later", **ONLINE}
DROPPED = {"id": "vervalt", "date": "2099-06-12", "joinUrl": "https://meet.example.org/vervalt", **ONLINE}


@dataclass(frozen=True)
class Site:
    """An operator's clone and the stack that it runs."""

    clone: Clone

    def make(self, command: str) -> str:
        """Run one of the commands of the code that is checked out."""
        return self.clone.said("make", command)

    def instroom(self, *words: str) -> str:
        """Run the command of the code that is checked out, and take whatever it says of the outcome."""
        return str(self.clone.run(".venv/bin/instroom", *words).stdout)

    @property
    def home(self) -> Path:
        """Hold what the stack keeps."""
        return self.clone.folder / ".local"

    @cached_property
    def addresses(self) -> dict[str, str]:
        """Return what `stack.env` tells; an upgrade changes none of it."""
        return {name: value or "" for name, value in dotenv_values(self.home / "stack.env").items()}

    def load(self, *sessions: dict[str, Any]) -> None:
        """Hand in the edition with these sessions."""
        file = self.clone.folder / ".local" / "overgang.yaml"
        file.write_text(programme(*sessions), encoding="utf-8")
        said = self.instroom("catalog", "load", str(file))
        assert "published" in said, said

    def enrol(self, session: str, *names: str, edition: str = EDITION, timeout: float = 30) -> list[dict[str, Any]]:
        """Let people ask, each for a place in one session; return what is answered in time."""
        columns = {"edition": edition, "sessions": session, **PERSON}
        rows = [",".join((name, f"{name}@example.org", name, *columns.values())) for name in names]
        file = self.home / "people.csv"
        file.write_text("\n".join((",".join(("name", "email", "id", *columns)), *rows)), encoding="utf-8")
        said = self.instroom("request", "--csv", str(file), "--timeout", f"{timeout:g}", "--json")
        return [json.loads(line) for line in said.splitlines() if line.startswith("{")]

    def count(self, service: str, collection: str, state: str | None = None) -> int:
        """Count what 0.2.0 keeps; of mails those in a state."""
        query = {"delivery.state": state} if state else {}
        with MongoClient[dict[str, Any]](self.addresses["MONGO_URL"]) as client:
            return client[f"instroom_{service}"][collection].count_documents(query)

    def has(self, number: int, state: str) -> bool:
        """Say whether 0.2.0 has so many invitations in a state."""
        return self.count("notification", "invitations", state) == number

    def mails(self) -> list[Message]:
        """Return every mail in the sink."""
        return [message_from_bytes(file.read_bytes()) for file in (self.home / "mail").glob("*.eml")]

    def invited(self, session: str) -> set[str]:
        """Return who has a mail in the sink that puts a session on their calendar."""
        mails = [mail for mail in self.mails() if "text/calendar" in {part.get_content_type() for part in mail.walk()}]
        return {str(mail["Delivered-To"]) for mail in mails if f".{session}@" in received(mail.as_bytes()).uid}

    def held(self) -> Counter[str]:
        """Count the mails that need a person's decision, by state."""
        return Counter(row["state"] for row in json.loads(self.instroom("mails", "list", "--json")))

    @contextmanager
    def asking(self) -> Iterator[Asking]:
        """Have another system ask for places during the block, whatever happens to the servers."""
        environment = {**self.clone.environment, "RABBITMQ_URL": self.addresses["RABBITMQ_URL"]}
        command = [sys.executable, "-m", "tests.cluster.asking", "upgrade"]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield Asking(process)
            finally:
                process.terminate()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Provide a stack of 0.2.0 that is up, with the five programmes and an edition of ours."""
    with checked_out(tmp_path, OLD, **SETTINGS) as clone:
        site = Site(clone)
        site.make("up")
        site.load(MORNING, EVENING, LINKED, SOON, DROPPED)
        yield site


def live_through_a_year(site: Site) -> None:
    """Fill the hall and its waiting list, give a seat up, wait for a date, and lose a session."""
    morning = site.enrol("ochtend", "anna", "bram", "cees")
    evening = site.enrol("avond", "dirk", "eva", "fien")
    assert Counter(one["outcome"] for one in (*morning, *evening)) == {"confirmed": 4, "queued": 2}
    site.instroom("cancel", morning[0]["answer"]["data"]["enrolmentId"])
    site.enrol("later", "gijs", "hans")
    site.enrol("vervalt", "ida", "jan")
    site.load(MORNING, EVENING, LINKED, SOON)


async def leave_mails_in_every_state(site: Site) -> list[Mail]:
    """Answer mails in every way a mail server has, the last one never, and kill the sender meanwhile.

    Returns the mails that somebody has by then.
    """
    await eventually(partial(site.has, 0, "pending"))
    Daemon("mailsink", site.home).kill()
    port = int(site.clone.environment["INSTROOM_SMTP_PORT"])
    await eventually(lambda: not listens(port))
    async with open_mail_server(port=port) as mail_server:
        mail_server.answers.extend([BUSY, REFUSED, SILENCE])
        await asyncio.to_thread(site.enrol, "online", "kees", "lot", "mies")
        for state in ("retry", "failed", "uncertain"):
            await eventually(partial(site.has, 1, state))
        mail_server.holds = "dot"
        await asyncio.to_thread(site.enrol, "online", "noor")
        await eventually(lambda: len(mail_server.mails) == 4)
        Daemon("notification", site.home).kill()
        mail_server.holds = None
        assert site.has(2, "waiting")
        assert site.has(1, "sending")
        return mail_server.taken


def upgrade(site: Site, asking: Asking) -> None:
    """Do as CHANGELOG.md tells who has 0.2.0; a request that waits for its edition is there when the services stop."""
    site.clone.said("git", "checkout", "--quiet", "-")
    refused = site.clone.run("make", "upgrade")
    assert refused.returncode != 0
    assert "make down and make up" in refused.stdout
    answers(asking)
    assert site.enrol("", "olga", edition="onbekend", timeout=2)[0]["answer"] is None
    assert site.count("enrolment", "parked") == 1
    site.make("down")
    site.make("up")
    answers(asking)
    site.make("upgrade")
    answers(asking)


async def test_a_stack_of_0_2_0_keeps_every_promise(site: Site) -> None:
    """Nobody is asked to enrol again, nobody hears twice, and who waited for a date is invited when there is one."""
    await asyncio.to_thread(live_through_a_year, site)
    taken = await leave_mails_in_every_state(site)
    with site.asking() as asking:
        await asyncio.to_thread(upgrade, site, asking)
        books = asking.end()
    assert books["answered"] == books["confirmed"] == books["asked"]
    assert not books["answered_twice"]
    assert "rejected" in site.instroom("answer", "olga", "--json")
    site.load(MORNING, EVENING, LINKED, SOON | LATE)
    await eventually(lambda: site.invited("later") == {"gijs@example.org", "hans@example.org"}, within=240)
    await eventually(lambda: site.held() == {"failed": 1, "uncertain": 2}, within=60, every=1)
    mails = [*(mail.message for mail in taken), *site.mails()]
    assert [id for id, times in Counter(mail["Message-ID"] for mail in mails).items() if times > 1] == []
    assert len(site.invited("online")) == 1  # the mail that the server was too busy for
    audit = site.clone.said(".venv/bin/instroom", "audit")
    assert "Every promise holds" in audit

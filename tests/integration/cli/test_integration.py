"""`instroom integration check` on a real broker: good systems pass, and each fault of a bad one is seen."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from cli.integrators.accounts import Accounts, Rights
from instroom_checking.publisher import Performance
from instroom_contracts import topology
from tests.integration.cli.desk import Desk
from tests.integration.cli.systems.publisher import SOURCE
from tests.integration.cli.systems.publisher import TYPE as ENROLMENT_REQUESTED
from tests.support.place import Place

PATIENCE = ("--patience", "3")
LOOK = """\
import sqlite3, sys
print(sqlite3.connect(sys.argv[1], timeout=5).execute("select * from seats").fetchall())
"""

PUBLISHERS = {
    "content-type": "content type",
    "not-persistent": "persistent",
    "not-mandatory": "mandatory",
    "no-confirms": "publisher confirms",
    "id-reused": "idempotency, ids",
    "forgets": "idempotency, sent again after a lost confirm",
    "unknown-field": "data",
    "no-offset": "envelope",
    "routing-key": "envelope",
    "message-id": "message_id and type",
    "declares": "publishes",
    "deaf": "hears its answers",
}
SUBSCRIBERS = {
    "never-acknowledges": "acknowledges facts",
    "automatic": "acknowledges by hand",
    "misspelt": "bindings",
    "overflow": "queue",
    "dies-of-duplicates": "idempotency, a fact told twice",
    "strict": "further fields, attributes and codes",
    "strict-types": "an unknown type",
}
IN_ITS_STORE = {
    "counts-twice": "idempotency, a fact told twice",
    "takes-older": "order, an older fact after a newer one",
    "acknowledges-first": "works before it acknowledges",
}


@pytest.fixture
def desk(place: Place) -> Desk:
    """Provide a desk on a broker that has the exchanges of life; no service runs."""
    return Desk(place)


def check(desk: Desk, kind: str, folder: Path, fault: str, *options: str) -> dict[str, Any]:
    """Check one of these systems, and return what was found, by what was looked at."""
    system = [sys.executable, "-m", f"tests.integration.cli.systems.{kind}", str(folder), *([fault] if fault else [])]
    result = desk.run("integration", "check", kind, *options, "--json", "--", *system)
    assert result.stdout.strip(), result.output
    verdict = json.loads(result.stdout)
    assert result.exit_code == (0 if verdict["ok"] else 1)
    return {finding["what"]: finding for finding in verdict["findings"]}


def faults(findings: dict[str, Any]) -> set[str]:
    """Name what is not ok."""
    return {what for what, finding in findings.items() if finding["state"] == "not ok"}


def looking(folder: Path) -> tuple[str, str]:
    """Name a command that prints what the subscriber has stored."""
    script = folder / "look.py"
    script.write_text(LOOK, encoding="utf-8")
    return "--state", f"{sys.executable} {script} {folder}/facts.sqlite"


def test_a_good_publisher_passes(desk: Desk, tmp_path: Path) -> None:
    """A check that nobody passes says nothing; this one saw the confirm withheld and its event come again."""
    findings = check(desk, "publisher", tmp_path, "")
    assert faults(findings) == set()
    assert {what for what, one in findings.items() if one["state"] != "ok"} == {"source and user_id"}


@pytest.mark.parametrize(("fault", "seen"), PUBLISHERS.items(), ids=PUBLISHERS)
def test_a_publishers_fault_is_seen(desk: Desk, tmp_path: Path, fault: str, seen: str) -> None:
    """And told under its own name: who reads the verdict mends the right thing."""
    assert seen in faults(check(desk, "publisher", tmp_path, fault))


def test_a_publisher_that_gives_up_is_told_so(desk: Desk, tmp_path: Path) -> None:
    """It ends when its connection breaks, and starts again: with what it kept, it passes."""
    findings = check(desk, "publisher", tmp_path, "gives-up")
    assert findings["idempotency, sent again after a lost confirm"]["state"] == "ok"


def test_without_the_interruption_nothing_is_said_of_it(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: where the check withholds no confirm, a publisher that forgets passes, and is not called good."""
    monkeypatch.setattr(Performance, "_withholds", lambda *_: False)
    findings = check(desk, "publisher", tmp_path, "forgets")
    assert findings["idempotency, sent again after a lost confirm"]["state"] == "not seen"


async def test_nothing_of_a_check_reaches_the_intake_or_other_readers(desk: Desk, tmp_path: Path) -> None:
    """An integrator may check against the broker of life: nobody else is to notice."""
    heard: list[AbstractIncomingMessage] = []
    async with await aio_pika.connect(desk.place.rabbitmq_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("int.other.everything", exclusive=True)
        for name in (topology.INTAKE, topology.EVENTS):
            await queue.bind(await channel.declare_exchange(name, "topic", durable=True), "#")
        await queue.consume(heard.append, no_ack=True)  # type: ignore[arg-type]
        assert faults(check(desk, "publisher", tmp_path, "")) == set()
        assert faults(check(desk, "subscriber", tmp_path, "", *PATIENCE)) == set()
        assert (await queue.declare()).message_count == 0
    assert heard == []


def test_a_check_leaves_nothing_on_the_broker(desk: Desk, tmp_path: Path) -> None:
    """Its queues and exchanges go with it, those that the system under test declared as well."""
    check(desk, "publisher", tmp_path, "")
    check(desk, "subscriber", tmp_path, "", *PATIENCE)
    management, vhost = desk.place.servers.broker.management, desk.place.name
    left = [*management.call("GET", f"queues/{vhost}"), *management.call("GET", f"exchanges/{vhost}")]
    assert [one["name"] for one in left if one["name"].startswith("int.")] == []


def test_a_good_subscriber_passes(desk: Desk, tmp_path: Path) -> None:
    """On everything that can be looked at: it was killed, cut off, told things twice, late and unheard of."""
    findings = check(desk, "subscriber", tmp_path, "", *PATIENCE, *looking(tmp_path))
    assert {what for what, one in findings.items() if one["state"] != "ok"} == set()
    assert len(findings) == 13


@pytest.mark.parametrize(("fault", "seen"), SUBSCRIBERS.items(), ids=SUBSCRIBERS)
def test_a_subscribers_fault_is_seen(desk: Desk, tmp_path: Path, fault: str, seen: str) -> None:
    """And told under its own name; others may follow from it."""
    assert seen in faults(check(desk, "subscriber", tmp_path, fault, *PATIENCE))


@pytest.mark.parametrize(("fault", "seen"), IN_ITS_STORE.items(), ids=IN_ITS_STORE)
def test_a_fault_that_only_the_store_shows_is_seen_there(desk: Desk, tmp_path: Path, fault: str, seen: str) -> None:
    """Acknowledgements look the same, right or wrong; so without a look at the store the check says `not seen`."""
    assert faults(check(desk, "subscriber", tmp_path, fault, *PATIENCE, *looking(tmp_path))) == {seen}


def test_without_a_look_at_the_store_nothing_is_said_of_it(desk: Desk, tmp_path: Path) -> None:
    """The twin: `ok` would be a guess."""
    findings = check(desk, "subscriber", tmp_path, "counts-twice", *PATIENCE)
    assert findings["idempotency, a fact told twice"]["state"] == "not seen"
    assert faults(findings) == set()


def test_a_subscriber_that_hangs_when_its_connection_breaks_is_told_so(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs, so nobody starts it again, and its queue fills."""
    monkeypatch.setattr("instroom_checking.subscriber.COMES_BACK_WITHIN_S", 5.0)
    assert faults(check(desk, "subscriber", tmp_path, "hangs", *PATIENCE)) == {"a connection that breaks off"}


def test_a_subscriber_that_ends_when_its_connection_breaks_is_started_again(desk: Desk, tmp_path: Path) -> None:
    """As somebody does it in life: then the fact comes again, and nothing is lost."""
    assert faults(check(desk, "subscriber", tmp_path, "ends", *PATIENCE)) == set()


@pytest.mark.parametrize(("fault", "what"), [("no-prefetch", "prefetch"), ("loops", "a message that is no event")])
def test_what_works_and_could_be_better_is_a_hint(desk: Desk, tmp_path: Path, fault: str, what: str) -> None:
    """Instroom does not fall over it, so it is not wrong."""
    findings = check(desk, "subscriber", tmp_path, fault, *PATIENCE)
    assert findings[what]["state"] == "hint"
    assert faults(findings) == set()


def test_a_command_that_does_not_listen_is_told_so(desk: Desk) -> None:
    """A typing error in the command is not to look like a fault of AMQP."""
    result = desk.run("integration", "check", "subscriber", "--", sys.executable, "-c", "raise SystemExit(3)")
    assert result.exit_code == 1
    assert "The command ended with code 3." in result.output


def account(desk: Desk, name: str, rights: Rights) -> str:
    """Make an account as `instroom integrator add` does; return its address."""
    password = Accounts.at(desk.administration, desk.place.name, None).ensure(name, rights, new_password=True)
    host = desk.place.rabbitmq_url.rpartition("@")[2]
    return f"amqp://{name}:{password}@{host}"


def test_an_account_with_few_rights_can_be_checked(desk: Desk, tmp_path: Path) -> None:
    """That is what integrators have; the check needs no more."""
    name = f"website-{desk.place.name}"
    rights = Rights((ENROLMENT_REQUESTED,), ("nl.enrolments.enrolment-confirmed.v1",))
    system = [sys.executable, "-m", "tests.integration.cli.systems.publisher", str(tmp_path), f"as={name}"]
    url = account(desk, name, rights)
    result = desk.run(
        "integration", "check", "publisher", "--source", SOURCE, "--json", "--", *system, RABBITMQ_URL=url
    )
    desk.place.servers.broker.management.call("DELETE", f"users/{name}")
    findings = {finding["what"]: finding for finding in json.loads(result.stdout)["findings"]}
    assert {what for what, one in findings.items() if one["state"] != "ok"} == set()


def test_an_account_without_queues_is_told_what_it_lacks(desk: Desk) -> None:
    """A check cannot do without; an operator can mend that."""
    name = f"mute-{desk.place.name}"
    url = account(desk, name, Rights((ENROLMENT_REQUESTED,), ()))
    result = desk.run("integration", "check", "publisher", "--", "true", RABBITMQ_URL=url)
    desk.place.servers.broker.management.call("DELETE", f"users/{name}")
    assert result.exit_code == 6
    assert "--may-read" in result.output

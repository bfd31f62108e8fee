"""What an account and a container of the stack may do, tried by doing more; each refusal is of something that works."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from demo.integrator import Integrator
from deploy import accounts
from deploy.compose.stack import ComposeStack
from deploy.replicaset import database_url
from instroom_contracts.cloudevent import CloudEvent, encode, new_event
from instroom_contracts.intake import EnrolmentCancellationRequested
from instroom_contracts.topology import INTAKE
from tests.containers.test_compose import DOCKER, containers, docker
from tests.integration.deploy.test_servers import takes_so_much_and_no_more
from tests.support.eventually import eventually

Client = MongoClient[dict[str, Any]]
REACH = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3)"
TO_ADMINISTER: Mapping[str, Callable[[Client], object]] = {
    "see who has an account": lambda client: client.admin.command("usersInfo"),
    "see how the members know each other": lambda client: client.admin.command("replSetGetConfig"),
    "see what others are doing": lambda client: list(client.admin.aggregate([{"$currentOp": {"allUsers": True}}])),
    "write where accounts are": lambda client: client.admin["notes"].insert_one({}),
    "read what replicates": lambda client: client["local"]["oplog.rs"].find_one(),
    "keep a database of one's own": lambda client: client["hidden"]["notes"].insert_one({}),
}
TO_READ_OR_WRITE: Mapping[str, Callable[[Client, str], object]] = {
    "read": lambda client, service: client[accounts.database_of(service)]["inbox"].find_one(),
    "write": lambda client, service: client[accounts.database_of(service)]["outbox"].insert_one({"_id": "forged"}),
    "list": lambda client, service: client[accounts.database_of(service)].list_collection_names(),
}


@pytest.fixture(scope="module")
def passwords(stack: ComposeStack) -> accounts.Passwords:
    """Provide everybody's password, as no container has them but the one that makes them."""
    return stack.passwords()


@contextmanager
def client_of(stack: ComposeStack, passwords: accounts.Passwords, account: str) -> Iterator[Client]:
    """Connect to the stack's database with an account's own rights."""
    host = f"127.0.0.1:{stack.ports.mongo_port}"
    with Client(database_url(account, passwords, host, "directConnection=true")) as client:
        yield client


@pytest.mark.parametrize("attempt", TO_ADMINISTER)
def test_nobody_administers_the_database_in_daily_work(
    stack: ComposeStack, passwords: accounts.Passwords, attempt: str
) -> None:
    """The administrator's password is for setting up; no container that keeps running has it."""
    for account in (*accounts.SERVICES, accounts.OPERATOR):
        with client_of(stack, passwords, account) as client, pytest.raises(OperationFailure, match="not authorized"):
            TO_ADMINISTER[attempt](client)


@pytest.mark.parametrize("attempt", TO_READ_OR_WRITE)
def test_a_service_has_no_business_in_another_s_database(
    stack: ComposeStack, passwords: accounts.Passwords, attempt: str
) -> None:
    """Contact data lie where mails are sent from, and stay there."""
    for service in accounts.SERVICES:
        with client_of(stack, passwords, service) as client:
            for other in set(accounts.SERVICES) - {service}:
                with pytest.raises(OperationFailure, match="not authorized"):
                    TO_READ_OR_WRITE[attempt](client, other)


def test_a_service_does_not_even_see_that_there_are_others(stack: ComposeStack, passwords: accounts.Passwords) -> None:
    """It asks for all databases, and hears of its own."""
    for service in accounts.SERVICES:
        with client_of(stack, passwords, service) as client:
            assert client.list_database_names() == [accounts.database_of(service)]


@pytest.mark.parametrize("service", accounts.SERVICES)
def test_an_operator_reads_and_changes_only_what_waits_for_one(
    stack: ComposeStack, passwords: accounts.Passwords, service: str
) -> None:
    """An account that people use every day must not be able to give a seat away, nor to empty a collection."""
    operated = {collection for owner, collection in accounts.OPERATED if owner == service}
    with client_of(stack, passwords, accounts.OPERATOR) as client:
        database = client[accounts.database_of(service)]
        for collection in {*database.list_collection_names(), *operated}:
            if collection not in operated:
                with pytest.raises(OperationFailure, match="not authorized"):
                    database[collection].update_one({"_id": "nothing"}, {"$set": {"seen": True}})
            with pytest.raises(OperationFailure, match="not authorized"):
                database[collection].delete_many({"_id": "nothing"})
            with pytest.raises(OperationFailure, match="not authorized"):
                database[collection].insert_one({"_id": "forged"})
        for collection in operated:
            database[collection].update_one({"_id": "nothing"}, {"$set": {"seen": True}})


def test_what_is_refused_can_be_done(stack: ComposeStack, passwords: accounts.Passwords) -> None:
    """With all rights every attempt succeeds: it is the rights that the others lack."""
    with client_of(stack, passwords, accounts.ADMIN) as admin:
        for administer in TO_ADMINISTER.values():
            administer(admin)
        for service in accounts.SERVICES:
            for work in TO_READ_OR_WRITE.values():
                work(admin, service)
            admin[accounts.database_of(service)]["outbox"].delete_one({"_id": "forged"})
        admin.admin.drop_collection("notes")
        admin.drop_database("hidden")


def test_no_way_leads_out_but_for_who_sends_mail(stack: ComposeStack) -> None:
    """Who breaks into the catalogue or the enrolments carries nothing away; the same address answers notification."""
    (inside,) = json.loads(docker("network", "inspect", f"{stack.project}_inside"))
    assert inside["Internal"]
    (broker,) = containers(stack, "rabbitmq")
    outside = broker["NetworkSettings"]["Networks"][f"{stack.project}_outside"]["IPAddress"]
    reached = {service: reaches(stack, service, outside, 5672) for service in accounts.SERVICES}
    assert reached == {"catalog": False, "enrolment": False, "notification": True}


def reaches(stack: ComposeStack, service: str, host: str, port: int) -> bool:
    """Tell whether a connection can be made from within a service's container."""
    (container,) = containers(stack, service)
    attempt = [DOCKER, "exec", container["Id"], "python3", "-c", REACH, host, str(port)]
    return subprocess.run(attempt, check=False, capture_output=True).returncode == 0


async def test_the_broker_takes_no_message_that_no_service_would_read(stack: ComposeStack) -> None:
    """As the broker of local processes."""
    await takes_so_much_and_no_more(stack.addresses()["RABBITMQ_URL"])


SOURCE = "urn:nld:oin:00000009999999999999:systeem:vreemd"


async def test_who_asks_must_be_known(stack: ComposeStack) -> None:
    """The account of stack.env says who it is and may try things; without its name, or as anybody, nobody is heard."""
    named, unnamed = (new_event(EnrolmentCancellationRequested(enrolment_id="x"), source=SOURCE) for _ in range(2))
    async with Integrator(stack.addresses()["RABBITMQ_URL"], "known") as system:
        await system.send(named)
        await publish_unnamed(stack.addresses()["RABBITMQ_URL"], unnamed)
        await eventually(lambda: system.answer_to(named.id) is not None)
        with MongoClient[dict[str, Any]](stack.addresses()["MONGO_URL"]) as mongo:
            quarantine = mongo["instroom_enrolment"]["quarantine"]
            held = {"eventId": unnamed.id, "reason": "foreign-source"}
            await eventually(lambda: quarantine.find_one(held) is not None)
            assert quarantine.find_one({"eventId": named.id}) is None
        assert system.answer_to(unnamed.id) is None


async def publish_unnamed(url: str, event: CloudEvent[Any]) -> None:
    """Publish an event without saying whose it is."""
    wire = encode(event)
    async with await aio_pika.connect(url) as connection:
        intake = await (await connection.channel()).get_exchange(INTAKE)
        await intake.publish(aio_pika.Message(wire.body, content_type=wire.content_type), wire.routing_key)


def test_the_container_with_all_secrets_has_no_network(stack: ComposeStack) -> None:
    """It reads every password, as root; it ends before the others begin, and nobody can speak to it."""
    (container,) = containers(stack, "secrets")
    assert container["HostConfig"]["NetworkMode"] == "none"
    assert container["State"]["Status"] == "exited"


def test_a_mail_server_s_password_reaches_notification_alone_and_in_a_file(
    stack: ComposeStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the one secret that we do not make: an environment variable would show it to whoever looks."""
    file = tmp_path / "smtp_url"
    file.write_text("smtps://robin:geheim@mail.example.org\n", encoding="utf-8")
    file.chmod(0o600)
    renew = ("run", "--rm", "--no-deps", "secrets")
    try:
        monkeypatch.setenv("INSTROOM_SMTP_URL_FILE", str(file))
        stack.compose(*renew, images=stack.images)
        (container,) = containers(stack, "notification")
        assert docker("exec", container["Id"], "cat", "/run/instroom/smtp_url") == file.read_text().strip()
        assert not any("SMTP" in variable for variable in container["Config"]["Env"])
    finally:
        monkeypatch.undo()
        stack.compose(*renew, images=stack.images)
    assert docker("exec", container["Id"], "cat", "/run/instroom/smtp_url") == "smtp://mail:1025"

"""`make up`, `down` and `reset` on the real thing: what a person or another system finds afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage
from pymongo import MongoClient

from deploy.local.stack import LocalStack
from deploy.settings import Ports
from deploy.web import answers_well, page
from instroom_contracts.topology import STREAM
from tests.support.eventually import eventually

PUBLISHED = ["RABBITMQ_URL", "MONGO_URL", "SMTP_URL", "MAIL_DIR"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Provide a stack of its own, up and with the five programmes."""
    stack = LocalStack.of(tmp_path_factory.mktemp("stack"), Ports.free())
    stack.up()
    yield stack
    stack.reset()


def addresses(stack: LocalStack) -> dict[str, str]:
    """Read `stack.env` as another program would."""
    lines = stack.env_file.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", maxsplit=1) for line in lines)


def editions(stack: LocalStack) -> int:
    """Count the editions that the catalogue holds."""
    with MongoClient[dict[str, Any]](addresses(stack)["MONGO_URL"]) as client:
        return client["instroom_catalog"]["editions"].count_documents({})


def test_the_addresses_are_left_for_others_and_not_for_everyone(stack: LocalStack) -> None:
    """They hold passwords."""
    found = addresses(stack)
    assert set(PUBLISHED) <= set(found)
    assert stack.env_file.stat().st_mode & 0o777 == 0o600
    assert Path(found["MAIL_DIR"]).is_dir()


async def test_an_integrator_finds_the_programmes_in_the_stream(stack: LocalStack) -> None:
    """A client can publish at once, knowing what there is to ask for."""
    found: set[str] = set()

    async def note(fact: AbstractIncomingMessage) -> None:
        found.add(f"{fact.type} {fact.headers['ce-subject']!s}")
        await fact.ack()

    async with await aio_pika.connect(addresses(stack)["RABBITMQ_URL"]) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=100)
        stream = await channel.get_queue(STREAM, ensure=False)
        await stream.consume(note, arguments={"x-stream-offset": "first"})
        await eventually(lambda: "nl.enrolments.edition-published.v1 berenschot-leeratelier-2024" in found)


def test_the_contract_can_be_read(stack: LocalStack) -> None:
    """As a page, and as the document that programs take."""
    assert b"contract.js" in page(stack.contract_url)
    assert json.loads(page(f"{addresses(stack)['CONTRACT_URL']}/asyncapi.json"))["info"]["title"] == "Instroom"


def test_the_services_need_no_page_to_work(stack: LocalStack) -> None:
    """What is for readers must not hold up requests; and `make up` brings it back."""
    stack.contract.daemon.kill()
    assert all(service.is_ready() for service in stack.services)
    stack.up()
    assert answers_well(stack.contract_url)


def test_up_again_is_fine(stack: LocalStack, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever is not sure says it once more."""
    stack.up()
    assert "up already" in capsys.readouterr().out


def test_a_service_that_died_is_started_again(stack: LocalStack) -> None:
    """`make up` mends what is not there and leaves the rest alone."""
    broker = stack.servers.rabbitmq.daemon.pid()
    stack.services[0].daemon.kill()
    assert not stack.is_up()
    stack.up()
    assert stack.is_up()
    assert stack.servers.rabbitmq.daemon.pid() == broker


def test_data_outlives_down_and_not_reset(stack: LocalStack) -> None:
    """`make down` is for the evening, `make reset` for a fresh start."""
    known = editions(stack)
    assert known > 0
    stack.down()
    assert not stack.env_file.exists()
    stack.up()
    assert editions(stack) == known
    stack.reset()
    assert [path.name for path in stack.home.iterdir()] == ["lock"]
    assert not any(daemon.pid() for daemon in stack.daemons)

"""`instroom integrator` and `status` about what leads facts back to us, on a real broker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aio_pika.abc import AbstractChannel
from aiormq.abc import FieldTable

from instroom_contracts.cloudevent import type_of
from instroom_contracts.enrolment import RequestRefused
from instroom_contracts.topology import EVENTS, INTAKE
from tests.integration.cli.desk import Desk
from tests.integration.cli.website import OWN, Website, add

FACT = type_of(RequestRefused)
Way = Callable[[AbstractChannel, str], Awaitable[Any]]


async def binding(channel: AbstractChannel, _: str) -> None:
    """Bind the facts to the intake; nothing says who did."""
    await (await channel.get_exchange(INTAKE, ensure=False)).bind(EVENTS, FACT)


async def own_binding(channel: AbstractChannel, own: str) -> None:
    """Bind an exchange of one's own to the intake."""
    between = await channel.declare_exchange(f"{own}.between", "topic", durable=True)
    await between.bind(EVENTS, FACT)
    await (await channel.get_exchange(INTAKE, ensure=False)).bind(between, "#")


async def queue(channel: AbstractChannel, own: str) -> None:
    """Have a queue of one's own dead-letter into the intake."""
    arguments: FieldTable = {"x-dead-letter-exchange": INTAKE, "x-message-ttl": 0}
    declared = await channel.declare_queue(f"{own}.expiring", durable=True, arguments=arguments)
    await declared.bind(EVENTS, FACT)


async def exchange(channel: AbstractChannel, own: str) -> None:
    """Have an exchange of one's own pass on to the intake what nobody wants."""
    arguments: FieldTable = {"alternate-exchange": INTAKE}
    between = await channel.declare_exchange(f"{own}.unwanted", "topic", durable=True, arguments=arguments)
    await between.bind(EVENTS, FACT)


WAYS: dict[Way, tuple[str, str, str | None]] = {
    binding: ("binding", "instroom.events", None),
    own_binding: ("binding", "int.{}.between", "{}"),
    queue: ("queue", "int.{}.expiring", "{}"),
    exchange: ("exchange", "int.{}.unwanted", "{}"),
}


@pytest.fixture
def website(desk: Desk, name: str) -> Website:
    """Provide a website that may cancel, and hear refusals."""
    rights = ("--may-publish", "EnrolmentCancellationRequested", "--may-read", "RequestRefused")
    return Website(desk, name, add(desk, name, "--source", OWN.format(name), *rights))


def found(desk: Desk) -> list[dict[str, Any]]:
    """Return what leads facts back, as `status` names it."""
    inlets: list[dict[str, Any]] = desk.json("status")["inlets"]
    return inlets


async def make(website: Website, way: Way) -> None:
    """Make such a way with the website's own rights."""
    async with website.channel() as channel:
        await way(channel, f"int.{website.name}")


@pytest.mark.parametrize("way", WAYS)
async def test_what_leads_facts_back_is_named_and_goes_with_the_account(website: Website, way: Way) -> None:
    """The broker checked nobody's rights but when it was made, and keeps it when the account is gone."""
    desk, name = website.desk, website.name
    assert found(desk) == []
    await make(website, way)
    kind, called, owner = WAYS[way]
    called = called.format(name)
    whose = owner.format(name) if owner else None
    assert found(desk) == [{"kind": kind, "name": called, "into": INTAKE, "integrator": whose}]
    rights = ("--may-publish", "EnrolmentCancellationRequested", "--may-read", "RequestRefused")
    for words in (("list",), ("add", name, "--source", website.source, *rights)):
        assert f"{called} " in desk.run("integrator", *words).stderr
    removed = desk.run("integrator", "remove", name, "--yes")
    assert removed.exit_code == 0, removed.output
    assert f"{kind} {called}, into {INTAKE}: taken away" in removed.stderr
    assert found(desk) == []


@pytest.mark.parametrize("way", WAYS)
async def test_it_can_be_taken_away_alone(website: Website, way: Way) -> None:
    """Whoever was careless goes on working."""
    desk = website.desk
    await make(website, way)
    closed = desk.run("integrator", "close", "--yes")
    assert (closed.exit_code, "1 taken away" in closed.stderr) == (0, True), closed.output
    assert found(desk) == []
    assert website.name in desk.run("integrator", "list").stdout
    assert "0 taken away" in desk.run("integrator", "close").stderr


async def test_what_a_removed_account_left_goes_by_its_name(website: Website) -> None:
    """An account may have been removed by a release that did not look, or by hand."""
    desk, name = website.desk, website.name
    await make(website, queue)
    desk.place.servers.broker.management.call("DELETE", f"users/{name}")
    assert desk.run("integrator", "remove", name, "--yes").exit_code == 0
    assert found(desk) == []
    assert desk.run("integrator", "remove", name, "--yes").exit_code == 2, "now there is nothing"


async def test_another_one_s_stays_and_is_named(website: Website) -> None:
    """Removing one system must not touch another's queues."""
    desk, other = website.desk, f"{website.name}-2"
    neighbour = Website(desk, other, add(desk, other, "--may-publish", "all", "--source", OWN.format(other)))
    await make(website, queue)
    try:
        assert desk.run("integrator", "remove", neighbour.name, "--yes", "--free-sources").exit_code == 0
        assert [one["integrator"] for one in found(desk)] == [website.name]
    finally:
        desk.run("integrator", "close", "--yes")


def test_a_broker_whose_pages_do_not_answer_is_no_trouble_for_the_rest(desk: Desk) -> None:
    """An operator still sees seats and mails."""
    looked = desk.run("status", RABBITMQ_MANAGEMENT_URL="http://127.0.0.1:1")
    assert looked.exit_code == 0, looked.output
    assert "was not looked for" in looked.stderr


def test_an_operator_s_own_rights_are_enough_to_look(desk: Desk) -> None:
    """`status` needs no administrator."""
    pages = desk.place.servers.broker.management.url
    looked = desk.run("status", RABBITMQ_MANAGEMENT_URL=pages, RABBITMQ_ADMIN_URL="")
    assert (looked.exit_code, looked.stderr) == (0, ""), looked.output

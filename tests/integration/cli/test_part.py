"""`instroom integrator add --only-...`: an account that may read a part of the facts, tried on a real broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aio_pika
import aiormq
import pytest
from aio_pika.abc import AbstractIncomingMessage
from aiormq.exceptions import ChannelAccessRefused, ConnectionClosed

from cli.integrators.parts import OWNER
from instroom_contracts import topology
from tests.integration.cli.desk import EDITION, TIME, Desk
from tests.integration.cli.website import OWN, Website, add
from tests.support.eventually import eventually

PUBLISHES = "EnrolmentRequested,EnrolmentCancellationRequested,AnswerRequested"
CHOSEN = "participatiebeleid"
"""A work session of 20 seats."""
SEATS = (
    *("--edition", "vng-participatieweek-2021-zuid", "--session", CHOSEN),
    *("--role", "projectleider", "--region", "zuid"),
)
Fact = dict[str, Any]


def own_only(desk: Desk, name: str, *more: str, reads: str = "all") -> Website:
    """Make an account that reads its own alone."""
    rights = ("--may-publish", PUBLISHES, "--may-read", reads, "--only-own", "--source", OWN.format(name))
    return Website(desk, name, add(desk, name, *rights, *more))


def request(site: Website, id: str, *more: str, own_account: bool = True) -> None:
    """Ask for a place as this website."""
    person = ("--name", "Robin Jansen", "--email", f"{id}@example.org", "--organisation", "Gemeente Voorbeeld")
    plain = ("--edition", EDITION, "--role", "beleidsmedewerker", "--region", "groningen")
    url = site.url if own_account else site.desk.environment["RABBITMQ_OPERATOR_URL"]
    words = (*person, *(more or plain), "--time", TIME, "--id", id, "--source", site.source)
    done = site.desk.run("request", *words, RABBITMQ_URL=url)
    assert done.exit_code in {0, 3, 4}, done.output


@asynccontextmanager
async def listening(site: Website, *keys: str, queue: str = "facts") -> AsyncIterator[list[Fact]]:
    """Bind a queue of its own to the exchange of its own; give what comes, as it comes."""
    heard: list[Fact] = []

    async def take(message: AbstractIncomingMessage) -> None:
        heard.append(json.loads(message.body))

    async with site.channel() as channel:
        own = await channel.declare_queue(f"int.{site.name}.{queue}", durable=True)
        for key in keys or ("#",):
            await own.bind(topology.exchange_for(site.name), key)
        await own.consume(take, no_ack=True)
        yield heard


def names(facts: Sequence[Fact]) -> list[str]:
    """Return the kinds of facts, without what mails come to."""
    short = [fact["type"].split(".")[2] for fact in facts]
    return [name for name in short if not name.startswith("invite-")]


def published(facts: Sequence[Fact]) -> list[str]:
    """Return the editions that were published: mails of an earlier test may still come to something meanwhile."""
    return [fact["partitionkey"] for fact in facts if "edition-published" in fact["type"]]


def is_confirmed(facts: Sequence[Fact]) -> bool:
    """Say whether an enrolment is among these."""
    return "enrolment-confirmed" in names(facts)


async def refused_binding(site: Website, exchange: str, arguments: dict[str, Any] | None = None) -> None:
    """Try to bind a queue of its own there."""
    async with site.channel() as channel:
        queue = await channel.declare_queue(f"int.{site.name}.curious", durable=True)
        with pytest.raises(ChannelAccessRefused):
            await queue.bind(exchange, "#", arguments=arguments)


async def test_it_hears_what_is_its_own_and_nobody_else_s(desk: Desk, name: str) -> None:
    """Answers, later changes whoever caused them, and mails; not what others ask, nor how full a session is."""
    site = own_only(desk, name)
    async with listening(site) as heard:
        request(site, f"{name}-a")
        desk.request(f"{name}-of-another")
        refused = desk.run("cancel", "nothing", "--source", site.source, "--id", f"{name}-b", RABBITMQ_URL=site.url)
        assert refused.exit_code == 4, refused.output
        await eventually(lambda: len(names(heard)) == 2)
        await eventually(lambda: any("invite-" in fact["type"] for fact in heard))
    assert names(heard) == ["enrolment-confirmed", "request-refused"]
    assert {fact["ownersource"] for fact in heard} == {site.source}


async def test_a_promotion_that_another_caused_is_its_own(desk: Desk, name: str) -> None:
    """It carries the other's correlation: the enrolment is what counts. And the other does not hear of it."""
    first, second = own_only(desk, name), own_only(desk, f"{name}-2")
    try:
        async with listening(first) as theirs, listening(second) as own:
            request(first, f"{name}-0", *SEATS)
            for number in range(1, 20):
                desk.request(f"{name}-{number}", *SEATS)
            request(second, f"{name}-20", *SEATS)
            await eventually(lambda: len(theirs) > 0)
            enrolment = theirs[0]["data"]["enrolmentId"]
            done = desk.run("cancel", enrolment, "--source", first.source, "--time", TIME, RABBITMQ_URL=first.url)
            assert done.exit_code == 0, done.output
            await eventually(lambda: "place-confirmed" in names(own))
            await eventually(lambda: names(theirs).count("place-released") == 3)
    finally:
        desk.run("integrator", "remove", second.name, "--yes", "--with-queues", "--free-sources")
    (promoted,) = (fact for fact in own if "place-confirmed" in fact["type"])
    assert (promoted["correlationsource"], promoted["ownersource"]) == (first.source, second.source)
    assert not {"place-confirmed", "session-full", "session-reopened"} & set(names(theirs))


async def test_everything_else_is_refused(desk: Desk, name: str) -> None:
    """What all facts travel through, the stream, another's exchange, and making its own wider."""
    site = own_only(desk, name)
    for exchange in (topology.EVENTS, topology.PRIVATE, topology.INTAKE, topology.exchange_for(f"{name}-2")):
        await refused_binding(site, exchange)
    await refused_binding(site, topology.BY_ATTRIBUTE, {"x-match": "all", OWNER: site.source})
    async with site.channel() as channel:
        with pytest.raises(ChannelAccessRefused):
            await (await channel.get_queue(topology.STREAM, ensure=False)).get(fail=False)
    async with site.channel() as channel:
        with pytest.raises(ChannelAccessRefused):
            await channel.declare_exchange(topology.exchange_for(name), "fanout", durable=True)
    async with site.channel() as channel:
        own = await channel.get_exchange(topology.exchange_for(name), ensure=False)
        with pytest.raises(ChannelAccessRefused):
            await own.bind(topology.BY_ATTRIBUTE, "#")
    async with site.channel() as channel:
        own = await channel.get_exchange(topology.exchange_for(name), ensure=False)
        with pytest.raises(ChannelAccessRefused):
            await own.publish(aio_pika.Message(b"{}"), "nl.enrolments.enrolment-confirmed.v1")


async def test_without_the_restriction_it_is_allowed(desk: Desk, name: str) -> None:
    """The refusals above are the restriction's."""
    site = Website(desk, name, add(desk, name, "--may-read", "all"))
    async with site.channel() as channel:
        queue = await channel.declare_queue(f"int.{name}.facts", durable=True)
        await queue.bind(topology.EVENTS, "#")
        await queue.bind(topology.BY_ATTRIBUTE, arguments={"x-match": "all", OWNER: "anybody"})


async def test_its_exchange_gives_the_types_that_it_may_read(desk: Desk, name: str) -> None:
    """Both limits hold: the part, and the types."""
    site = own_only(desk, name, reads="EnrolmentConfirmed,EditionPublished")
    async with listening(site, "nl.enrolments.enrolment-confirmed.v1", "nl.enrolments.edition-published.v1") as heard:
        request(site, f"{name}-a", own_account=False)
        assert desk.run("catalog", "republish", EDITION).exit_code == 0
        await eventually(lambda: len(heard) == 2)
    assert names(heard) == ["enrolment-confirmed", "edition-published"], "the catalogue is public"
    for key in ("nl.enrolments.session-full.v1", "#"):
        async with site.channel() as channel:
            with pytest.raises(ChannelAccessRefused):
                await (await channel.get_queue(f"int.{name}.facts", ensure=False)).bind(
                    topology.exchange_for(name), key
                )


async def test_one_edition_or_one_provider_is_all_that_it_hears(desk: Desk, name: str) -> None:
    """Whoever asks; several add up."""
    site = Website(desk, name, add(desk, name, "--may-read", "all", "--only-edition", EDITION))
    other = Website(desk, f"{name}-2", add(desk, f"{name}-2", "--may-read", "all", "--only-provider", "cmo-stamm"))
    try:
        async with listening(site) as of_edition, listening(other) as of_provider:
            desk.request(f"{name}-elsewhere", *SEATS)
            assert desk.run("catalog", "republish", SEATS[1]).exit_code == 0
            desk.request(f"{name}-here")
            for heard in (of_edition, of_provider):
                await eventually(partial(is_confirmed, heard))
                assert {fact["partitionkey"] for fact in heard} == {EDITION}
                assert {fact["provider"] for fact in heard} == {"cmo-stamm"}
    finally:
        desk.run("integrator", "remove", other.name, "--yes", "--with-queues")


async def test_the_command_works_with_such_an_account(desk: Desk, name: str) -> None:
    """It listens where it may; and an answer that was lost comes again, to it and to nobody's exchange else."""
    site = own_only(desk, name)
    request(site, f"{name}-a")
    async with listening(site) as heard:
        account = {"RABBITMQ_URL": site.url, "RABBITMQ_OPERATOR_URL": ""}
        again = desk.run("answer", f"{name}-a", "--source", site.source, **account)
        assert again.exit_code == 0, again.output
        await eventually(lambda: len(names(heard)) == 2)
    assert names(heard) == ["enrolment-confirmed", "request-accepted"]


async def test_adding_again_changes_the_part_and_the_queues_stay_bound(desk: Desk, name: str) -> None:
    """A running system must not have to bind anew for one edition more; what it lost stops coming."""
    site = Website(desk, name, add(desk, name, "--may-read", "all", "--only-edition", EDITION))
    async with listening(site) as heard:
        add(desk, name, "--may-read", "all", "--only-edition", SEATS[1], "--only-provider", "nobody")
        assert listed(desk, name)["only"] == [f"edition {SEATS[1]}", "provider nobody"]
        for edition in (EDITION, SEATS[1]):
            assert desk.run("catalog", "republish", edition).exit_code == 0
        await eventually(lambda: SEATS[1] in published(heard))
    assert published(heard) == [SEATS[1]]


@pytest.mark.filterwarnings(  # aiormq forgets a coroutine where the broker closes its connection
    "ignore:(?s).*Connection.close:pytest.PytestUnraisableExceptionWarning"
)
async def test_who_could_read_all_reads_no_more_than_its_part_at_once(desk: Desk, name: str) -> None:
    """Bindings that it made before, and a stream that it reads, are judged anew: the broker itself never does that."""
    site = Website(desk, name, add(desk, name, "--may-read", "all"))
    async with site.channel() as channel:
        queue = await channel.declare_queue(f"int.{name}.facts", durable=True)
        await queue.bind(topology.EVENTS, "nl.enrolments.edition-published.v1")
        await queue.bind(topology.BY_ATTRIBUTE, arguments={"x-match": "all", "ce-provider": "cmo-stamm"})
    connection = await aiormq.connect(site.url)
    own_only(desk, name, reads="all")
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(connection.closing, 10)
    assert desk.run("catalog", "republish", EDITION).exit_code == 0
    async with listening(site) as heard:
        request(site, f"{name}-a")
        await eventually(partial(is_confirmed, heard))
    assert names(heard) == ["enrolment-confirmed"], "the queue got nothing while it was bound to what it may not read"


async def test_a_wider_account_loses_its_exchange(desk: Desk, name: str) -> None:
    """And a removed one does: nothing is collected for nobody."""
    own_only(desk, name)
    assert topology.exchange_for(name) in exchanges(desk)
    add(desk, name, "--may-read", "all")
    assert topology.exchange_for(name) not in exchanges(desk)
    assert listed(desk, name)["only"] == []
    own_only(desk, name)
    assert listed(desk, name)["only"] == ["own"]
    assert desk.run("integrator", "remove", name, "--yes").exit_code == 0
    assert topology.exchange_for(name) not in exchanges(desk)


def listed(desk: Desk, name: str) -> Fact:
    """Return what the command lists of an account."""
    (found,) = (one for one in desk.json("integrator", "list") if one["name"] == name)
    return dict(found)


def exchanges(desk: Desk) -> set[str]:
    """Return the names of the exchanges."""
    return {one["name"] for one in desk.place.servers.broker.management.call("GET", f"exchanges/{desk.place.name}")}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("website", "--may-read", "all", "--only-own"), "--source"),
        (("website", "--may-publish", "all", "--source", OWN.format("x"), "--only-own"), "--may-read"),
        (("website", "--may-read", "all", "--only-edition", "a b"), "a b"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_made(desk: Desk, words: tuple[str, ...], said: str) -> None:
    """With what to type instead."""
    result = desk.run("integrator", "add", *words)
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr

"""`instroom integrator`: what an account may do in life, tried on a real broker."""

from __future__ import annotations

import asyncio
import json

import aiormq
import pytest
from aiormq.abc import FieldTable
from aiormq.exceptions import AMQPError, ChannelAccessRefused, ChannelPreconditionFailed, ConnectionClosed

from instroom_contracts import topology
from instroom_contracts.cloudevent import encode, new_event, type_of
from instroom_contracts.enrolment import EnrolmentConfirmed, SessionFull
from instroom_contracts.intake import EnrolmentRequested, InCompanyRequested
from tests.integration.cli.desk import EDITION, TIME, Desk
from tests.integration.cli.website import OWN, Website, add
from tests.support.eventually import eventually


@pytest.fixture
def website(desk: Desk, name: str) -> Website:
    """Provide a website that may cancel, and hear refusals."""
    rights = ("--may-publish", "EnrolmentCancellationRequested", "--may-read", "RequestRefused,SessionFull")
    return Website(desk, name, add(desk, name, "--source", OWN.format(name), *rights))


def answers(desk: Desk, id: str) -> list[dict[str, str]]:
    """Return the facts that a request led to so far."""
    lines = desk.run("watch", "--stop", "--correlation", id, "--json").stdout.splitlines()
    return [json.loads(line) for line in lines]


def held(desk: Desk, id: str) -> list[dict[str, str]]:
    """Return the messages in quarantine with this event's id."""
    found: list[dict[str, str]] = desk.json("quarantine", "list", "--reason", "foreign-source")
    return [one for one in found if one["eventId"] == id]


async def test_what_it_asks_in_its_own_name_is_answered(website: Website) -> None:
    """This is what it is for."""
    await website.publish(website.asks("own"), user_id=website.name)
    await eventually(lambda: len(answers(website.desk, "own")) == 1)


async def test_the_broker_refuses_another_s_name(website: Website) -> None:
    """So a user_id can be believed."""
    with pytest.raises(ChannelPreconditionFailed):
        await website.publish(website.asks("pretended"), user_id=f"{website.desk.place.name}.operator")


async def test_a_foreign_source_is_held_and_answered_to_nobody(website: Website) -> None:
    """An answer would reach whom the source belongs to, who never asked, and spend an id of theirs."""
    await website.publish(website.asks("forged", OWN.format("other")), user_id=website.name)
    await eventually(lambda: len(held(website.desk, "forged")) == 1)
    assert answers(website.desk, "forged") == []


async def test_nobody_else_speaks_for_its_source(website: Website) -> None:
    """Neither another account, nor one that does not say who it is, nor itself without saying so."""
    wire = website.asks("stolen")
    await website.publish(wire)
    await website.desk.publish(wire.body, wire.routing_key)
    await eventually(lambda: sum(int(one["times"]) for one in held(website.desk, "stolen")) == 2)
    assert answers(website.desk, "stolen") == []


async def test_an_operator_replays_what_was_held_under_its_own_id(website: Website) -> None:
    """A website that forgot its user_id loses nothing."""
    await website.publish(website.asks("forgotten"))
    await eventually(lambda: len(held(website.desk, "forgotten")) == 1)
    replayed = website.desk.run("quarantine", "replay", held(website.desk, "forgotten")[0]["id"])
    assert replayed.exit_code == 0, replayed.output
    await eventually(lambda: len(answers(website.desk, "forgotten")) == 1)


async def test_it_publishes_what_it_may_and_nothing_else(website: Website) -> None:
    """Least privilege, down to the event's type."""
    request = encode(new_event(InCompanyRequested.model_validate_json(IN_COMPANY), source=website.source))
    for wire, exchange in [
        (request, topology.INTAKE),
        (website.asks("a"), topology.EVENTS),
        (website.asks("b"), topology.PRIVATE),
        (website.asks("c"), ""),
    ]:
        with pytest.raises(ChannelAccessRefused):
            await website.publish(wire, exchange=exchange, user_id=website.name)


IN_COMPANY = """{"programmeId": "x", "organisation": "Gemeente Voorbeeld", "participants": 3,
                 "contact": {"name": "Robin Jansen", "email": "robin.jansen@example.org"}}"""


async def test_it_reads_what_it_may_and_nothing_else(website: Website) -> None:
    """Neither other facts, nor another one's queues, nor the stream that has everything."""
    async with website.channel() as channel:
        own = await channel.declare_queue(f"int.{website.name}.facts", durable=True)
        await own.bind(topology.EVENTS, type_of(SessionFull))
    for binding in (type_of(EnrolmentConfirmed), "nl.enrolments.*.v1", "#"):
        async with website.channel() as channel:
            with pytest.raises(ChannelAccessRefused):
                await (await channel.get_queue(f"int.{website.name}.facts", ensure=False)).bind(
                    topology.EVENTS, binding
                )
    for foreign in ("int.other.facts", f"int.{website.name}", f"int.{website.name}-2.facts", "enrolment.x"):
        async with website.channel() as channel:
            with pytest.raises(ChannelAccessRefused):
                await channel.declare_queue(foreign)
    async with website.channel() as channel:
        with pytest.raises(ChannelAccessRefused):
            await (await channel.get_queue(topology.STREAM, ensure=False)).get(fail=False)


async def test_who_may_read_all_may_read_the_stream(desk: Desk, name: str) -> None:
    """And publishes nothing."""
    team = Website(desk, name, add(desk, name, "--may-read", "all"))
    watched = desk.run("watch", "--stop", RABBITMQ_URL=team.url)
    assert "edition-published" in watched.stdout, watched.output
    with pytest.raises(ChannelAccessRefused):
        await team.publish(team.asks("x"), user_id=name)


def test_the_command_itself_works_with_such_an_account(desk: Desk, name: str) -> None:
    """An integrator tries things with the same tool."""
    asked, told = "EnrolmentRequested", "EnrolmentConfirmed,EnrolmentQueued,EnrolmentRejected"
    rights = ("--may-publish", asked, "--may-read", told, "--source", OWN.format(name))
    url = add(desk, name, *rights)
    person = ("--name", "Robin Jansen", "--email", f"{name}@example.org", "--organisation", "Gemeente Voorbeeld")
    rest = ("--role", "beleidsmedewerker", "--region", "groningen", "--edition", EDITION, "--time", TIME)
    done = desk.run("request", *person, *rest, "--source", OWN.format(name), RABBITMQ_URL=url)
    assert done.exit_code == 0, done.output


def test_a_source_has_one_owner(website: Website) -> None:
    """Two websites must not answer for each other's enrolments."""
    second = website.desk.run("integrator", "add", "second", "--may-publish", "all", "--source", website.source)
    assert second.exit_code == 4
    assert website.source in second.stderr
    assert "second" not in website.desk.run("integrator", "list").stdout, "nothing was made"


def test_sixty_sources_are_one_account_s_and_said_to_be_taken(desk: Desk, name: str) -> None:
    """A party with a system per municipality; and whoever claims them too hears that, and not nothing."""
    sources = [word for number in range(60) for word in ("--source", f"{OWN.format(name)}-{number:02}-{'x' * 150}")]
    add(desk, name, "--may-publish", "all", "--may-read", "all", "--only-own", *sources)
    (listed,) = [one for one in desk.json("integrator", "list") if one["name"] == name]
    assert len(listed["sources"]) == 60
    second = desk.run("integrator", "add", f"{name}-2", "--may-publish", "all", *sources)
    assert (second.exit_code, "and 50 more" in second.stderr) == (4, True), second.output
    again = [*sources, *(word for number in range(41) for word in ("--source", OWN.format(number)))]
    more = desk.run("integrator", "add", name, "--may-publish", "all", *again)
    assert (more.exit_code, "101 sources" in more.stderr) == (2, True), more.output


async def test_adding_again_changes_rights_and_keeps_the_password(website: Website) -> None:
    """A running system must not lose its login over one event more."""
    again = website.desk.run(
        "integrator", "add", website.name, "--source", website.source, "--may-publish", "EnrolmentRequested"
    )
    assert "<its password>" in again.stdout
    assert "keeps its password" in again.stderr
    listed = [one for one in website.desk.json("integrator", "list") if one["name"] == website.name]
    rights = {"publishes": ["EnrolmentRequested"], "reads": [], "only": []}
    assert listed == [{"name": website.name, **rights, "sources": [website.source]}]
    request = encode(new_event(EnrolmentRequested.model_validate_json(ENROLMENT), source=website.source))
    await website.publish(request, user_id=website.name)


ENROLMENT = """{"editionId": "nothing", "participant": {"name": "Robin Jansen", "email": "robin.jansen@example.org",
                "organisation": "Gemeente Voorbeeld", "role": "projectleider"}}"""


@pytest.mark.filterwarnings(  # aiormq forgets a coroutine where the broker closes its connection
    "ignore:(?s).*Connection.close:pytest.PytestUnraisableExceptionWarning"
)
async def test_a_removed_one_is_out_at_once_and_its_source_stays_closed(website: Website) -> None:
    """A leaked password is the usual reason."""
    connection = await aiormq.connect(website.url)
    removed = website.desk.run("integrator", "remove", website.name, "--yes")
    assert removed.exit_code == 0, removed.output
    with pytest.raises(ConnectionClosed, match="is deleted"):
        await asyncio.wait_for(connection.closing, 10)
    with pytest.raises(AMQPError):
        await website.publish(website.asks("late"), user_id=website.name)
    wire = website.asks("after")
    await website.desk.publish(wire.body, wire.routing_key)
    await eventually(lambda: len(held(website.desk, "after")) == 1)


async def test_a_queue_that_could_hold_everybody_up_is_named(website: Website) -> None:
    """Full, it makes the broker refuse facts; the services would wait for it."""
    async with website.channel() as channel:
        limits: FieldTable = {"x-overflow": "reject-publish", "x-max-length": 1}
        await channel.declare_queue(f"int.{website.name}.stubborn", durable=True, arguments=limits)
    assert f"int.{website.name}.stubborn refuses" in website.desk.run("integrator", "list").stderr


async def test_who_has_more_queues_than_anybody_needs_is_named(website: Website) -> None:
    """The broker holds a thousand of all integrators together."""
    async with website.channel() as channel:
        for number in range(21):
            await channel.declare_queue(f"int.{website.name}.{number}", exclusive=number % 2 == 0)
        assert f"{website.name} has 21 queues" in website.desk.run("integrator", "list").stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Website", "--may-read", "all"), "slug"),
        (("website",), "--may-publish"),
        (("website", "--may-publish", "all"), "--source"),
        (("website", "--may-publish", "all", "--source", "website"), "urn:nld"),
        (("website", "--may-read", "SesionFull"), "SesionFull"),
        (("website", "--may-read", "EnrolmentRequested"), "no event of instroom.events"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_made(desk: Desk, words: tuple[str, ...], said: str) -> None:
    """With what to type instead."""
    result = desk.run("integrator", "add", *words)
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


def test_other_accounts_are_left_alone(desk: Desk) -> None:
    """Least of all the broker's own."""
    taken = desk.run("integrator", "add", desk.place.servers.broker.management.user, "--may-read", "all")
    assert (taken.exit_code, "another kind" in taken.stderr) == (2, True)
    assert desk.run("integrator", "remove", "nobody", "--yes").exit_code == 2

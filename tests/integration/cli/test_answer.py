"""An answer that was lost is asked for again: by command and by event, on running services."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from instroom_contracts import topology
from instroom_contracts.cloudevent import encode, new_event
from instroom_contracts.intake import AnswerRequested
from tests.integration.cli.desk import Desk
from tests.support.eventually import eventually

SOURCE = "urn:nld:oin:00000001823288444000:systeem:website"
STRANGER = "urn:nld:oin:00000009999999999000:systeem:hr"


def told(desk: Desk, id: str) -> list[dict[str, Any]]:
    """Return every fact that a request led to, as often as the stream has it."""
    return desk.told("--repeated", "--correlation", id)


def answered(desk: Desk, id: str, *more: str) -> list[dict[str, Any]]:
    """Ask for an answer by command; return what is told again."""
    result = desk.run("answer", id, "--source", SOURCE, "--json", *more)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("times", [1, 3])
def test_a_lost_answer_is_told_again_as_it_was(desk: Desk, times: int) -> None:
    """Under its own id: who heard it before knows it, who did not has it now."""
    id = f"lost-{times}"
    assert desk.request(id, "--source", SOURCE).exit_code == 0
    (first,) = [fact for fact in told(desk, id) if fact["type"].startswith("nl.enrolments.enrolment")]
    for _ in range(times):
        assert answered(desk, id) == [first]
    audit = desk.run("audit", "--settle", "30")
    assert audit.exit_code == 0, audit.output


async def test_the_same_message_reaches_an_integrator_s_queue(desk: Desk) -> None:
    """Bytes, id and headers: nothing tells it from the first telling."""
    heard: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    async with await aio_pika.connect(desk.environment["RABBITMQ_URL"]) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("int.website.same", exclusive=True)
        selection = {"x-match": "all", "ce-ownersource": SOURCE, "ce-type": "nl.enrolments.enrolment-confirmed.v1"}
        await queue.bind(topology.BY_ATTRIBUTE, arguments=dict(selection))
        await queue.consume(heard.put, no_ack=True)
        desk.request("same", "--source", SOURCE)
        desk.request("same-of-another")
        messages = [await asyncio.wait_for(heard.get(), 20)]
        asked = encode(new_event(AnswerRequested(request_id="same"), source=SOURCE, id="by-event"))
        await desk.publish(asked.body, asked.routing_key)
        messages.append(await asyncio.wait_for(heard.get(), 20))
    first, again = ((one.body, one.message_id, one.headers, one.timestamp, one.correlation_id) for one in messages)
    assert first == again
    await eventually(lambda: len(told(desk, "by-event")) == 1)
    (accepted,) = told(desk, "by-event")
    assert accepted["data"] == {"requestType": "nl.enrolments.answer-requested.v1"}


def test_a_cancellation_s_answer_is_all_that_it_released(desk: Desk) -> None:
    """Not the promotion of somebody else that it led to."""
    desk.request("cancelled", "--source", SOURCE)
    enrolment = answered(desk, "cancelled")[0]["data"]["enrolmentId"]
    assert desk.run("cancel", enrolment, "--source", SOURCE, "--id", "the-cancellation").exit_code == 0
    again = answered(desk, "the-cancellation")
    assert [fact["type"].split(".")[2] for fact in again] == ["enrolment-cancelled", "place-released"]
    assert again == [fact for fact in told(desk, "the-cancellation") if fact in again][:2]


def test_a_refusal_is_told_again_too(desk: Desk) -> None:
    """With the exit code of the refusal itself."""
    desk.request("late-again", "--time", "2021-05-23T11:30:00+02:00", "--source", SOURCE)
    again = desk.run("answer", "late-again", "--source", SOURCE)
    assert (again.exit_code, "deadline-passed" in again.stdout) == (4, True)


def test_a_request_that_waits_is_answered_by_its_decision(desk: Desk) -> None:
    """Its edition may come; the command waits along, and afterwards the answer is kept like any other."""
    assert desk.request("waiting", "--edition", "nothing", "--source", SOURCE, "--timeout", "0.5").exit_code == 5
    first = desk.run("answer", "waiting", "--source", SOURCE)
    assert (first.exit_code, "unknown-edition" in first.stdout) == (4, True), first.output
    assert desk.run("answer", "waiting", "--source", SOURCE).stdout == first.stdout


def test_a_request_of_nobody_or_of_another_is_unknown(desk: Desk) -> None:
    """A request that never arrived is told from an answer that was lost."""
    desk.request("private", "--source", SOURCE)
    for id, source in (("nothing", SOURCE), ("private", STRANGER)):
        refused = desk.run("answer", id, "--source", source)
        assert (refused.exit_code, "unknown-request" in refused.stderr, refused.stdout) == (4, True, "")


def test_a_request_from_before_answers_were_kept_says_where_to_look(desk: Desk) -> None:
    """An installation that was upgraded has many of them."""
    desk.request("old", "--source", SOURCE)
    desk.forget_answer(f"{SOURCE} old")
    refused = desk.run("answer", "old", "--source", SOURCE)
    assert (refused.exit_code, "answer-not-kept" in refused.stderr) == (4, True)


def test_an_id_that_cannot_be_is_said_before_anything_is_sent(desk: Desk) -> None:
    """With what is wrong about it."""
    refused = desk.run("answer", "a@b", "--source", SOURCE)
    assert (refused.exit_code, "'@'" in refused.stderr) == (2, True), refused.stderr

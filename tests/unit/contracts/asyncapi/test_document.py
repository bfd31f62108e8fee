"""The AsyncAPI document says what runs: no event, queue or sample is left out, and a stale file is noticed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chassis import topology
from chassis.handling import Hears, Tells
from instroom_contracts.cloudevent import type_of
from instroom_contracts.intake import CatchUpRequested
from instroom_contracts.topology import BY_ATTRIBUTE, EVENTS, INTAKE, PRIVATE, TYPES, dead_letter_queue, exchange_for
from publishing.asyncapi import tables
from publishing.asyncapi.__main__ import main
from publishing.asyncapi.document import document
from publishing.asyncapi.messages import SAMPLES

Node = dict[str, Any]


@pytest.fixture(scope="module")
def made() -> Node:
    """Provide the document as it is generated now."""
    return document()


def references(node: object) -> Iterator[str]:
    """Return everything that a document points to."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        yield from (pointer for value in node.values() for pointer in references(value))
    elif isinstance(node, list):
        yield from (pointer for value in node for pointer in references(value))


def is_there(node: Any, pointer: str) -> bool:
    """Tell whether a document has what a pointer names."""
    for key in pointer.removeprefix("#/").split("/"):
        if key not in node:
            return False
        node = node[key]
    return True


def test_the_document_is_fresh() -> None:
    """Integrators generate code from the file, not from our tables."""
    assert main(["--check"]) == 0


def test_a_stale_or_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The twin of the check: what differs is seen, and writing mends it."""
    file = tmp_path / "asyncapi.json"
    assert main(["--check", str(file)]) == 1
    file.write_text("{}", encoding="utf-8")
    assert main(["--check", str(file)]) == 1
    assert capsys.readouterr().err.count("is stale") == 2
    assert main([str(file)]) == 0
    assert main(["--check", str(file)]) == 0


def test_nothing_points_nowhere_or_outside(made: Node) -> None:
    """It is read without a network."""
    pointers = set(references(made))
    assert len(pointers) > len(TYPES)
    assert [pointer for pointer in pointers if not is_there(made, pointer)] == []


def test_a_pointer_that_leads_nowhere_is_seen(made: Node) -> None:
    """A check that nothing can fail checks nothing."""
    assert not is_there(made, "#/components/messages/Nothing")
    assert not is_there(made, "https://example.org/schema.json")


def test_every_event_is_a_message_with_its_sample(made: Node) -> None:
    """The sample is the one that readers are tested with; the headers are those that it travels with."""
    assert set(made["components"]["messages"]) == {listed.model.__name__ for listed in TYPES.values()}
    for type, listed in TYPES.items():
        message = made["components"]["messages"][listed.model.__name__]
        (example,) = message["examples"]
        assert example["payload"] == json.loads((SAMPLES / f"{type}.json").read_text(encoding="utf-8"))
        assert example.get("headers", {}).get("ce-type", type) == type
        assert ("headers" in example) == (listed.exchange != PRIVATE)
        assert message["bindings"]["amqp"]["messageType"] == type


def test_every_queue_is_a_channel_with_what_it_is_declared_with(made: Node) -> None:
    """Who looks a queue up finds where its messages come from, and where its dead letters go."""
    for service in tables.SERVICES:
        for name, heard in service.queues.items():
            channel = made["channels"][name]
            arguments = channel["bindings"]["amqp"]["queue"]["x-arguments"]
            assert arguments == topology.queue(name, "").arguments
            assert arguments["x-overflow"] == "reject-publish"
            assert channel["x-bound-to"] == [heard.exchange]
            assert channel["x-dead-letters"]["queue"] == dead_letter_queue(name)


def test_every_event_that_a_service_hears_or_tells_is_an_operation(made: Node) -> None:
    """The tables are the whole truth about who does what."""
    by_service: dict[str, int] = dict.fromkeys((service.name for service in tables.SERVICES), 0)
    for operation in made["operations"].values():
        for tag in operation["tags"]:
            by_service[tag["name"]] = by_service.get(tag["name"], 0) + 1
    for service in tables.SERVICES:
        assert by_service[service.name] == len(service.hears) + len(service.tells)
    assert by_service["integrator"] == len(tables.on(INTAKE)) + 2


def test_an_answer_can_be_read_where_it_is_awaited(made: Node) -> None:
    """A reply in a channel that does not have it would be waited for in vain; AsyncAPI's parser does not look."""
    replies = [operation["reply"] for operation in made["operations"].values() if "reply" in operation]
    assert len(replies) > len(tables.on(INTAKE))
    for reply in replies:
        assert reply["messages"]
        assert all(message["$ref"].startswith(f"{reply['channel']['$ref']}/messages/") for message in reply["messages"])


def test_a_fact_may_be_read_on_every_exchange_that_carries_facts(made: Node) -> None:
    """By its type, by its attributes, or the part that an account may read."""
    assert made["channels"]["int"]["x-bound-to"] == [EVENTS, BY_ATTRIBUTE, exchange_for("{account}")]
    assert made["channels"][BY_ATTRIBUTE]["bindings"]["amqp"]["exchange"]["type"] == "headers"


def test_any_answer_can_be_told_again(made: Node) -> None:
    """Which they are, the services' tables say."""
    again = [
        message["$ref"].rpartition("/")[2] for message in made["operations"]["sendAnswerRequested"]["reply"]["messages"]
    ]
    assert {"EnrolmentConfirmed", "EnrolmentRejected", "RequestAccepted", "RequestRefused"} <= set(again)
    assert "SessionFull" not in again


def test_what_nobody_handles_is_said_to_be_so(made: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender must not build on it; and once a service hears it, the document follows by itself."""
    unheard = next(model for model in tables.on(INTAKE) if not tables.hearing(model))
    assert "Not handled" in made["components"]["messages"][unheard.__name__]["description"]
    service = tables.SERVICES[0]
    heard = Hears(unheard, INTAKE, lambda *_: ())
    monkeypatch.setattr(tables, "SERVICES", (replace(service, hears=(*service.hears, heard)), *tables.SERVICES[1:]))
    message = document()["components"]["messages"][unheard.__name__]
    assert f"Decided by {service.name}" in message["description"]
    assert "`RequestRefused`" in message["description"]


def test_a_fact_names_who_tells_it(made: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """And where nobody does yet, that is said too."""
    untold = next(model for model in tables.on(EVENTS) if not tables.telling(model))
    assert "Nobody tells it" in made["components"]["messages"][untold.__name__]["description"]
    service = tables.SERVICES[2]
    told = replace(service, tells=(*service.tells, Tells(untold, EVENTS)))
    monkeypatch.setattr(tables, "SERVICES", (*tables.SERVICES[:2], told))
    assert "Told by notification." in document()["components"]["messages"][untold.__name__]["description"]


def test_requests_take_no_field_that_they_do_not_know(made: Node) -> None:
    """A client that is generated from it must not send what is refused."""
    schemas = made["components"]["schemas"]
    assert schemas[CatchUpRequested.__name__]["additionalProperties"] is False
    properties = made["components"]["messages"][CatchUpRequested.__name__]["payload"]["properties"]
    assert properties["type"]["const"] == type_of(CatchUpRequested)
    assert properties["data"] == {"$ref": "#/components/schemas/CatchUpRequested"}

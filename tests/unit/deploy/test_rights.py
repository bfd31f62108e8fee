"""The broker's definitions: a service's rights follow from its tables, and what is everybody's is made once."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chassis.topology import BYPASS
from deploy import accounts
from instroom_contracts.cloudevent import type_of
from instroom_contracts.topology import BY_ATTRIBUTE, EVENTS, INTAKE, PRIVATE, STREAM, TYPES
from publishing.asyncapi import tables

PASSWORDS = dict.fromkeys((accounts.ADMIN, accounts.INTEGRATOR, accounts.OPERATOR, *accounts.SERVICES), "of-a-test")


def allowed(service: str, exchange: str, right: str) -> set[str]:
    """Return the types of an exchange that a service may write or read there."""
    (rights,) = (
        one for one in accounts.template()["topic_permissions"] if (one["user"], one["exchange"]) == (service, exchange)
    )
    told = EVENTS if exchange == BYPASS else exchange
    return {type for type, listed in TYPES.items() if listed.exchange == told and re.search(rights[right], type)}


@pytest.mark.parametrize("exchange", [EVENTS, BYPASS, PRIVATE])
@pytest.mark.parametrize("service", tables.SERVICES, ids=lambda service: service.name)
def test_a_service_may_tell_what_it_tells_and_hear_what_it_hears(service: tables.Service, exchange: str) -> None:
    """A type more in a table of what is heard needs a right more in definitions.json; what is told, `make asyncapi`."""
    told = EVENTS if exchange == BYPASS else exchange
    tells = {type_of(one.model) for one in service.tells if one.exchange == told}
    hears = {type_of(one.model) for one in service.hears if one.exchange == told}
    assert allowed(service.name, exchange, "write") == tells
    assert allowed(service.name, exchange, "read") == hears


def test_no_service_may_configure_but_its_own() -> None:
    """Neither exchanges nor the stream."""
    for one in accounts.template()["permissions"]:
        if one["user"] in accounts.SERVICES:
            assert one["configure"] == rf"^{one['user']}\."


def test_what_is_everybody_s_is_made_at_the_set_up() -> None:
    """Exchanges, and what has every fact."""
    definitions = accounts.rabbitmq_definitions(PASSWORDS)
    assert {INTAKE, EVENTS, PRIVATE, BY_ATTRIBUTE} < {one["name"] for one in definitions["exchanges"]}
    assert all(one["durable"] and not one["auto_delete"] for one in definitions["exchanges"])
    assert {(one["source"], one["destination"]) for one in definitions["bindings"]} == {
        (EVENTS, STREAM),
        (EVENTS, BY_ATTRIBUTE),
        (BYPASS, STREAM),
        (BYPASS, "instroom.events.onward"),
    }


def test_a_broker_that_starts_makes_no_queue_yet() -> None:
    """In a cluster it may be the first: the stream would have one member, on it."""
    started: dict[str, Any] = accounts.for_the_start(accounts.rabbitmq_definitions(PASSWORDS))
    assert {"users", "permissions", "topic_permissions", "policies", "parameters"} < started.keys()
    assert not started.keys() & {"queues", "exchanges", "bindings"}

"""What shows on the wire: a check judges nothing that it did not see."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from pamqp import frame as framing
from pamqp.commands import Basic, Channel, Connection, Exchange, Queue

from instroom_checking.link import Cut
from instroom_checking.traffic import Tactics
from instroom_contracts import topology
from tests.unit.checking import NAMES, Conversation


def test_a_message_is_noted_with_its_flags() -> None:
    """Whether it is mandatory and to be confirmed shows nowhere but here."""
    talk = Conversation()
    talk.publish()
    (sent,) = talk.traffic.sent
    assert (sent.exchange, sent.mandatory, sent.confirms, sent.body) == (topology.INTAKE, True, True, b"{}")


def test_what_is_published_goes_to_the_exchange_of_the_check() -> None:
    """Nothing may reach the intake of life."""
    passed = Conversation().client(Basic.Publish(exchange=topology.INTAKE, routing_key="x"), body=b"")
    assert passed.exchange == NAMES.intake


@pytest.mark.parametrize(
    "method",
    [
        Queue.Declare(queue="int.website.seats"),
        Queue.Bind(queue="int.website.seats", exchange=topology.EVENTS),
        Queue.Purge(queue="int.website.seats"),
        Queue.Delete(queue="int.website.seats"),
        Basic.Consume(queue="int.website.seats"),
        Basic.Get(queue="int.website.seats"),
    ],
    ids=lambda method: method.name,
)
def test_the_queue_of_life_is_left_alone(method: Basic.Get) -> None:
    """It may be at work while a check is made."""
    assert Conversation().client(method).queue == NAMES.queue("int.website.seats") != "int.website.seats"


def test_the_client_hears_its_own_names() -> None:
    """A client that compares names would stumble over others."""
    talk = Conversation()
    talk.client(Queue.Bind(queue="int.website.seats", exchange=topology.EVENTS))
    assert talk.broker(Queue.DeclareOk(NAMES.queue("int.website.seats"), 0, 0)).queue == "int.website.seats"
    delivered = Basic.Deliver("c", 1, exchange=NAMES.events, routing_key="x")
    assert talk.broker(delivered, body=b"").exchange == topology.EVENTS


def test_a_message_that_no_client_can_read_is_noted_all_the_same() -> None:
    """A check that ends there would tell its author nothing."""
    talk = Conversation()
    talk.client(Basic.Publish(exchange=topology.INTAKE, routing_key="x"))
    properties = struct.pack(">HQ", 1 << 6, 2**63)
    payload = struct.pack(">HHQ", 60, 0, 0) + properties
    talk.link.from_client(struct.pack(">BHL", 2, 1, len(payload)) + payload + b"\xce")
    (sent,) = talk.traffic.sent
    assert sent.properties.lost == ("timestamp",)


def test_a_routing_key_that_is_no_text_leads_nowhere_else() -> None:
    """What the check cannot read must not slip through to the intake of life."""
    talk = Conversation()
    whole = framing.marshal(Basic.Publish(exchange=topology.INTAKE, routing_key="cafe"), 1)
    passed = framing.unmarshal(talk.link.from_client(whole.replace(b"cafe", b"caf\xe9")))[2]
    assert isinstance(passed, Basic.Publish)
    assert (passed.exchange, passed.routing_key) == (NAMES.intake, "caf?")


def test_an_exchange_of_life_is_looked_up_only() -> None:
    """An integrator may not declare it; that is told, and the check goes on."""
    talk = Conversation()
    passed = talk.client(Exchange.Declare(exchange=topology.INTAKE, exchange_type="topic", durable=True))
    assert passed.passive
    assert talk.traffic.declared_exchanges == [topology.INTAKE]


def test_a_queue_of_the_check_goes_by_itself() -> None:
    """A check may be killed before it can clear away."""
    talk = Conversation()
    declared = Queue.Declare(queue="int.website.seats", arguments={"x-queue-type": "quorum"})
    assert talk.client(declared).arguments == {"x-queue-type": "quorum", "x-expires": 3_600_000}
    assert talk.traffic.queues[0].arguments == {"x-queue-type": "quorum"}


@pytest.mark.parametrize("exchange", [topology.EVENTS, topology.BY_ATTRIBUTE, "instroom.for.website"])
def test_facts_may_be_got_by_every_way_there_is(exchange: str) -> None:
    """By type, by attributes, or of a part of them."""
    talk = Conversation()
    own: dict[str, Any] = {"ce-ownersource": "urn:nld:kvk:1", "x-match": "all"}
    arguments = own if exchange == topology.BY_ATTRIBUTE else None
    bound = Queue.Bind(queue="int.website.seats", exchange=exchange, routing_key="#", arguments=arguments)
    assert talk.client(bound).exchange.startswith("int.website.check-")
    assert talk.traffic.bindings == [("int.website.seats", "#")]
    assert talk.traffic.attributes == ({"ownersource": "urn:nld:kvk:1"} if arguments else {})


def test_who_leaves_before_the_confirm_is_noted() -> None:
    """A publisher that does not wait does not know."""
    talk = Conversation()
    talk.publish()
    talk.client(Connection.Close(200, "bye", 0, 0), channel=0)
    assert talk.traffic.left_unconfirmed == talk.traffic.sent


def test_who_waited_for_the_confirm_left_nothing() -> None:
    """The twin of it."""
    talk = Conversation()
    talk.publish()
    talk.broker(Basic.Ack(1))
    talk.client(Connection.Close(200, "bye", 0, 0), channel=0)
    assert talk.traffic.sent[0].is_confirmed
    assert talk.traffic.left_unconfirmed == []


def test_one_confirm_may_be_for_many() -> None:
    """Brokers confirm in runs."""
    talk = Conversation()
    talk.publish()
    talk.publish()
    talk.publish()
    talk.broker(Basic.Ack(2, multiple=True))
    assert [sent.is_confirmed for sent in talk.traffic.sent] == [True, True, False]


def test_a_confirm_that_is_withheld_breaks_the_connection_off() -> None:
    """The broker has the message, and its sender cannot know."""
    talk = Conversation(Tactics(withholds_confirm=lambda _: True))
    talk.publish()
    with pytest.raises(Cut):
        talk.broker(Basic.Ack(1))
    assert not talk.traffic.sent[0].is_confirmed
    assert talk.traffic.open_connections == set()


def test_what_becomes_of_each_delivery_is_noted() -> None:
    """Also in runs, and where it goes back into the queue."""
    talk = Conversation()
    talk.read()
    for tag, id in enumerate(("a", "b", "c", "d"), 1):
        talk.deliver(tag, id)
    talk.client(Basic.Ack(2, multiple=True))
    talk.client(Basic.Reject(3, requeue=True))
    talk.client(Basic.Nack(4, requeue=False))
    outcomes = [talk.traffic.outcomes(id) for id in ("a", "b", "c", "d")]
    assert outcomes == [["acknowledged"], ["acknowledged"], ["returned to the queue"], ["refused"]]
    assert [talk.traffic.is_settled(id) for id in ("a", "b", "c", "d")] == [True, True, False, True]


def test_an_acknowledgement_that_is_lost_settles_nothing() -> None:
    """The fact comes again, as the broker never heard of it."""
    talk = Conversation(Tactics(withholds_ack=lambda handed: handed.message_id == "a"))
    talk.read()
    talk.deliver(1, "a")
    with pytest.raises(Cut):
        talk.client(Basic.Ack(1))
    assert talk.traffic.outcomes("a") == [""]


def test_reading_without_acknowledgements_is_noted() -> None:
    """What was handed over counts as done, whatever became of it."""
    talk = Conversation()
    talk.client(Basic.Qos(prefetch_count=7))
    talk.read(no_ack=True)
    talk.deliver(1, "a")
    assert [(one.queue, one.prefetch, one.acknowledges) for one in talk.traffic.reading] == [
        ("int.website.seats", 7, False)
    ]
    assert talk.traffic.outcomes("a") == ["automatic"]


def test_a_refusal_is_told_with_the_names_that_are_known() -> None:
    """Nobody can mend a name that they did not write."""
    talk = Conversation()
    queue = NAMES.queue("int.website.seats")
    talk.broker(Channel.Close(404, f"NOT_FOUND - no queue '{queue}'", 50, 10))
    assert talk.traffic.refusals == ["NOT_FOUND - no queue 'int.website.seats'"]


def test_a_channel_begins_anew_when_it_was_closed() -> None:
    """Confirms are counted from 1 on each channel."""
    talk = Conversation()
    talk.publish()
    talk.client(Channel.Close(200, "", 0, 0))
    talk.broker(Channel.CloseOk())
    talk.publish()
    talk.broker(Basic.Ack(1))
    assert [sent.is_confirmed for sent in talk.traffic.sent] == [False, True]


def test_what_the_check_does_not_know_passes_as_it_is() -> None:
    """A broker may speak of more than this library knows."""
    raw = b"\x01\x00\x01\x00\x00\x00\x04\xff\xff\xff\xff\xce"
    talk = Conversation()
    assert talk.link.from_client(raw) == raw == talk.link.from_broker(raw)

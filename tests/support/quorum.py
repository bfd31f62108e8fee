"""Taking a queue's quorum away, as the loss of brokers does, on a broker that is alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.local.rabbitmq import RabbitMQ
from tests.support.containers import ContainerPower
from tests.support.place import Place
from tests.support.servers import LocalPower


@contextmanager
def without_quorum(place: Place, queue: str) -> Iterator[None]:
    """Give a quorum queue a second member on a broker that does not exist; end what is left of it after the block."""
    name = f"'{place.name}_{queue}'"
    added = _evaluate(place, f"ra:add_member({{{name}, node()}}, {{{name}, 'gone@localhost'}}).")
    assert added.startswith("{ok,"), added
    try:
        yield
    finally:
        _evaluate(place, f"ra:force_delete_server(quorum_queues, {{{name}, node()}}).")


def _evaluate(place: Place, expression: str) -> str:
    """Have the broker evaluate an expression of Erlang's."""
    power = place.servers.broker.power
    if isinstance(power, ContainerPower):
        return power.container.exec(["rabbitmqctl", "eval", expression]).output.decode()
    assert isinstance(power, LocalPower)
    assert isinstance(power.server, RabbitMQ)
    command, environment = power.server.tool("rabbitmqctl")
    asked = [*command, "eval", expression]
    return subprocess.run(asked, env={**os.environ, **environment}, capture_output=True, text=True, check=True).stdout

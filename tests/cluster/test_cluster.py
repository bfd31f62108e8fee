"""What the cluster survives: any one broker, any one member of the database, and all brokers at once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.compose.stack import ComposeStack
from deploy.homes import ROOT
from deploy.settings import Ports
from instroom_contracts.cloudevent import type_of
from instroom_contracts.intake import EnrolmentRequested
from instroom_contracts.topology import STREAM, queue_name
from tests.cluster.cluster import BROKERS, MEMBERS, SERVICES, Asking, Cluster, docker
from tests.support.eventually import eventually, wait_until

REQUESTS = queue_name("enrolment", type_of(EnrolmentRequested))
FIGURES = ROOT / "build" / "cluster.json"
HEALS_WITHIN_S = 120


GROWING = (
    ("up", "--detach", "rabbitmq"),
    ("exec", "rabbitmq", "rabbitmqctl", "wait", "--timeout", "120", "/var/lib/rabbitmq/mnesia/rabbit@rabbitmq.pid"),
    ("up", "--detach", "--wait"),
    ("exec", "rabbitmq", "rabbitmq-streams", "add_replica", "--vhost", "instroom", STREAM, "rabbit@rabbitmq-2"),
    ("exec", "rabbitmq", "rabbitmq-streams", "add_replica", "--vhost", "instroom", STREAM, "rabbit@rabbitmq-3"),
)
"""What docs/operating.md tells to do, "From one to three"."""


@contextmanager
def project(home: Path) -> Iterator[ComposeStack]:
    """Provide a compose project of one's own, and remove it with its data."""
    stack = ComposeStack(home, Ports.free())
    try:
        yield stack
    finally:
        stack.reset()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Provide a cluster of its own, up and with the five programmes."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("INSTROOM_CLUSTER", "1")
        with project(tmp_path_factory.mktemp("cluster")) as stack:
            stack.up()
            yield Cluster(stack)


def some_answers(asking: Asking, more: int = 100) -> None:
    """Wait until requests are answered again, or still: five seconds' worth.

    So long a broker takes to keep the register of a queue that is new (docs/operating.md, "The broker was restarted").
    """
    enough = asking.report()["answered"] + more
    wait_until(lambda: asking.report()["answered"] >= enough, within=HEALS_WITHIN_S)


def healed(cluster: Cluster) -> float:
    """Wait until everything is as it was; return how many seconds that took."""
    began = time.monotonic()
    wait_until(lambda: cluster.is_healthy(*BROKERS, *MEMBERS, *SERVICES), within=HEALS_WITHIN_S)
    asyncio.run(eventually(cluster.ensure_whole, within=HEALS_WITHIN_S))
    return time.monotonic() - began


def every_request_was_answered_once(cluster: Cluster, asking: Asking) -> dict[str, Any]:
    """Check it, by the other system's own books and by the audit; return the books."""
    books = asking.end()
    assert books["answered"] == books["confirmed"] == books["asked"]
    assert not books["answered_twice"]
    wait_until(cluster.keeps_every_promise, within=60)
    return books


def note(event: str, books: dict[str, Any], heals_s: float) -> None:
    """Keep the figures for docs/operating.md."""
    FIGURES.parent.mkdir(exist_ok=True)
    figures = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    figures[event] = {**books, "heals_s": round(heals_s, 1)}
    FIGURES.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def test_every_queue_and_the_stream_have_a_member_on_each_broker(cluster: Cluster) -> None:
    """One that was declared too early has fewer, and dies with the wrong broker."""
    asyncio.run(eventually(cluster.ensure_whole, within=HEALS_WITHIN_S))
    assert {queue["leader"].removeprefix("rabbit@") for queue in cluster.queues()} == set(BROKERS)


@pytest.mark.parametrize("server", [*BROKERS, *MEMBERS])
def test_a_server_can_do_no_more_than_it_must(cluster: Cluster, server: str) -> None:
    """Those that the overlay adds are held like the first, and the host reaches only that one."""
    (container,) = json.loads(docker("inspect", cluster.container(server)))
    host = container["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["CapAdd"]) == (True, ["ALL"], None)
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Memory"]
    assert host["PidsLimit"]
    assert bool(host["PortBindings"]) == (server in {"rabbitmq", "mongodb"})


def survives(cluster: Cluster, event: str, *servers: str) -> None:
    """Kill servers under load and start them again later; check that nothing was lost or told twice."""
    with cluster.asking(event) as asking:
        some_answers(asking)
        cluster.kill(*servers)
        if len(servers) == 1:
            some_answers(asking, 200)
        cluster.start(*servers)
        heals_s = healed(cluster)
        some_answers(asking)
        note(event, every_request_was_answered_once(cluster, asking), heals_s)


def test_a_broker_that_leads_is_killed(cluster: Cluster) -> None:
    """The other two elect leaders, and clients find one of them under the same name."""
    survives(cluster, "broker-killed", cluster.leader(REQUESTS))


def test_the_primary_is_killed(cluster: Cluster) -> None:
    """The other two elect a primary, and what a majority had written is there."""
    survives(cluster, "primary-killed", cluster.primary())


def test_all_brokers_are_killed_at_once(cluster: Cluster) -> None:
    """Nothing is answered meanwhile, and nothing that was confirmed is lost."""
    survives(cluster, "brokers-killed", *BROKERS)


def test_a_broker_with_a_service_on_it_freezes(cluster: Cluster) -> None:
    """It takes connections and says nothing: the service goes to another."""
    with cluster.asking("broker-frozen") as asking:
        some_answers(asking)
        with cluster.frozen(cluster.broker_of("enrolment")):
            some_answers(asking, 200)
        heals_s = healed(cluster)
        some_answers(asking)
        note("broker-frozen", every_request_was_answered_once(cluster, asking), heals_s)


def test_one_server_of_each_kind_becomes_three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody begins with a cluster; what was decided before is there afterwards."""
    with project(tmp_path) as stack:
        stack.up()
        cluster = Cluster(stack)
        with cluster.asking("before") as asking:
            some_answers(asking)
            every_request_was_answered_once(cluster, asking)
        monkeypatch.setenv("INSTROOM_CLUSTER", "1")
        for command in GROWING:
            stack.compose(*command, images=stack.images)
        healed(cluster)
        with cluster.asking("after") as asking:
            some_answers(asking)
            cluster.kill("rabbitmq", "mongodb")
            some_answers(asking)
            cluster.start("rabbitmq", "mongodb")
            healed(cluster)
            every_request_was_answered_once(cluster, asking)

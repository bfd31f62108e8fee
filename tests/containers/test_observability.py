"""Prometheus on a stack at work: it finds every replica, and every panel's query has an answer.

Grafana itself is not started: its image cannot be built from Debian's packages.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import urlencode

import aio_pika
import pytest
from aiormq.abc import FieldTable

from deploy.compose.images import WATCHING, ImageSettings, chosen
from deploy.compose.stack import ComposeStack
from deploy.errors import StackError
from deploy.homes import ROOT
from deploy.observability import runs
from deploy.web import page
from instroom_contracts.topology import EVENTS, INTAKE
from tests.containers.alarms import ALWAYS, DROPPED
from tests.containers.test_compose import assert_contained, containers, request
from tests.support.eventually import wait_until
from tests.support.running import ensure_no_personal_data

DASHBOARDS = sorted((ROOT / "deploy/observability/grafana/dashboards").glob("*.json"))
PANELS = [
    (f"{dashboard.stem}: {panel['title']}: {target['refId']}", target["expr"])
    for dashboard in DASHBOARDS
    for panel in json.loads(dashboard.read_text(encoding="utf-8"))["panels"]
    for target in panel["targets"]
]
MAY_SHOW_NOTHING = {
    "servers: Certificates: A",
    "instroom: Alarms that fire: A",
    "instroom: Batches decided again: A",
}
"""Queries that have no series while all is well."""
AT_WORK = (
    "sum(rate(instroom_decision_seconds_count[1m])) > 0",
    "instroom_quarantine_held",
    "instroom_audit_ended_timestamp_seconds",
    "instroom_backup_ended_timestamp_seconds",
)
"""What has an answer once Prometheus has read a stack that decided, held a message, was audited and was copied."""
EXPORTERS = ("mongodb-figures", "node-exporter", "pushgateway")
SUFFIX = re.compile(r"_(bucket|sum|count|created)$")


@dataclass(frozen=True)
class Prometheus:
    """The HTTP API of a running Prometheus."""

    url: str

    def get(self, path: str, **arguments: str) -> Any:
        """Ask, and return the data of the answer."""
        return json.loads(page(f"{self.url}/api/v1/{path}?{urlencode(arguments)}"))["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Evaluate an expression now, with Grafana's variables filled in as Grafana would."""
        filled = expression.replace("$__rate_interval", "1m").replace("$edition", ".+")
        found: list[dict[str, Any]] = self.get("query", query=filled)["result"]
        return found


@pytest.fixture(scope="module")
def prometheus(stack: ComposeStack) -> Iterator[Prometheus]:
    """Provide a Prometheus that has read a stack at work, with three replicas of one service, more than once."""
    images = {**stack.images, **chosen(ImageSettings(), WATCHING)}
    scaled = ("--detach", "--wait", "--no-build", "--scale", "enrolment=3")
    stack.compose("up", *scaled, "enrolment", "prometheus", *EXPORTERS, images=images)
    started = Prometheus(f"http://127.0.0.1:{stack.ports.prometheus_port}")
    try:
        wait_until(lambda: len(started.query("rate(instroom_decided_total[1m])")) > 0, within=60)
        yield started
    finally:
        stack.compose("rm", "--stop", "--force", "prometheus", *EXPORTERS)
        stack.compose("up", "--detach", "--wait", "--no-build", "--no-deps", "enrolment", images=images)


@pytest.fixture(scope="module")
def at_work(stack: ComposeStack, prometheus: Prometheus) -> Prometheus:
    """Provide it after a message was held, requests were decided, two runs ended, and all of that was read."""
    asyncio.run(send_nonsense(stack))
    numbers = count(1)

    def is_seen_to_work() -> bool:
        assert request(stack, f"deelnemer{next(numbers)}") == 0
        return all(map(prometheus.query, AT_WORK))

    stack.compose("run", "--rm", "tools", "audit")
    assert runs.tell(stack.push_gateway, "backup", {"ended_timestamp_seconds": time.time()}) is None
    wait_until(is_seen_to_work, within=120)
    return prometheus


async def overflow(stack: ComposeStack) -> None:
    """Let a queue for one message be sent three, as an integrator's might."""
    connection = await aio_pika.connect(stack.addresses()["RABBITMQ_URL"])
    async with connection, connection.channel() as channel:
        quorum: FieldTable = {"x-max-length": 1, "x-queue-type": "quorum"}
        queue = await channel.declare_queue("int.full.facts", durable=True, arguments=quorum)
        await queue.bind(EVENTS, "nl.enrolments.edition-published.v1")
        stack.compose("run", "--rm", "tools", "catalog", "republish")
        await queue.delete(if_unused=False, if_empty=False)


async def send_nonsense(stack: ComposeStack) -> None:
    """Publish what is no event, as an integrator might."""
    connection = await aio_pika.connect(stack.addresses()["RABBITMQ_URL"])
    async with connection, connection.channel() as channel:
        exchange = await channel.get_exchange(INTAKE, ensure=False)
        await exchange.publish(aio_pika.Message(b"robin.jansen@example.org"), "nl.enrolments.enrolment-requested.v1")


def test_every_replica_is_read(stack: ComposeStack, prometheus: Prometheus) -> None:
    """One that is not read could do anything."""
    assert len(containers(stack, "enrolment")) == 3

    def read() -> bool:
        up = {
            series["metric"]["service"]: series["value"][1]
            for series in prometheus.query("sum by (service) (up{job='services'})")
        }
        return up == {"catalog": "1", "enrolment": "3", "notification": "1"}

    wait_until(read, within=60)
    jobs = {"services", "rabbitmq", "queues", "database", "host", "runs"}
    wait_until(lambda: {series["metric"]["job"] for series in prometheus.query("up == 1")} == jobs, within=60)


def test_an_audit_and_a_backup_tell_when_they_ended(at_work: Prometheus) -> None:
    """That there was none is what somebody must be told; that one ended is where that begins."""
    for run in ("audit", "backup"):
        (told,) = at_work.query(f"time() - instroom_{run}_ended_timestamp_seconds")
        assert 0 <= float(told["value"][1]) < 600
    (found,) = at_work.query("instroom_audit_broken_promises")
    assert found["value"][1] == "0"


def test_alarms_know_where_to_read_on(at_work: Prometheus) -> None:
    """The addresses come from the environment, by way of labels that every alarm has."""
    config = at_work.get("status/config")["yaml"]
    assert "runbooks: http://127.0.0.1:" in config
    assert "dashboards: http://127.0.0.1:" in config


@pytest.mark.parametrize(("name", "expression"), PANELS, ids=[name for name, _ in PANELS])
def test_every_panel_has_an_answer(at_work: Prometheus, name: str, expression: str) -> None:
    """A panel that says "no data" for a renamed metric looks like a system at rest."""
    found = at_work.query(expression)
    assert found or name in MAY_SHOW_NOTHING
    assert not any(series["value"][1] == "NaN" for series in found if "Time to a decision" in name)


def test_a_query_that_is_wrong_is_seen(prometheus: Prometheus) -> None:
    """A check that nothing can fail checks nothing."""
    with pytest.raises(OSError, match="400"):
        prometheus.query("sum by (")
    assert not prometheus.query("instroom_no_such_metric")


def test_alarms_are_at_work_and_none_fires_that_should_not(at_work: Prometheus) -> None:
    """What is held in quarantine counts after 15 minutes only."""
    rules = [rule for group in at_work.get("rules")["groups"] for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}
    assert [rule["name"] for rule in rules if rule["state"] == "firing"] == [ALWAYS]


def test_replicas_agree_on_what_is_in_the_database(at_work: Prometheus) -> None:
    """Rules take the largest: if each counted its own, they would miss most."""

    def same() -> bool:
        shown = at_work.query('instroom_session_confirmed{edition="cmo-stamm-participatie-2021"}')
        return len(shown) == 3 and len({series["value"][1] for series in shown}) == 1

    wait_until(same, within=60)


def test_no_label_holds_personal_data(at_work: Prometheus) -> None:
    """Figures are kept for a month and shown to people who may not see participants."""
    ensure_no_personal_data(json.dumps(at_work.get("series", **{"match[]": '{__name__=~".+"}'})))


def test_every_metric_of_ours_is_explained(at_work: Prometheus) -> None:
    """An operator looks in one place."""
    names = {SUFFIX.sub("", name) for name in at_work.get("label/__name__/values") if name.startswith("instroom_")}
    text = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    assert [name for name in sorted(names) if f"`{name}" not in text] == []


def test_a_service_that_is_gone_raises_the_alarm(stack: ComposeStack, prometheus: Prometheus) -> None:
    """From a container that stopped to an alarm that is about to fire, with Docker's own names."""
    stack.compose("stop", "catalog")
    try:
        wait_until(lambda: bool(prometheus.query('ALERTS{alertname="ServiceDown",service="catalog"}')), within=60)
    finally:
        stack.compose("start", "catalog")
    wait_until(stack.status, within=60)


def test_what_a_full_queue_drops_is_counted(stack: ComposeStack, at_work: Prometheus) -> None:
    """Its owner does not know what it never got."""
    asyncio.run(overflow(stack))
    wait_until(lambda: bool(at_work.query(f"{DROPPED} > 0")), within=60)


def test_prometheus_is_held_as_the_others_are(stack: ComposeStack, prometheus: Prometheus) -> None:
    """Who breaks into one finds nothing to write to, and no way in from other machines."""
    for service in ("prometheus", *EXPORTERS):
        assert_contained(stack, service)
    (container,) = containers(stack, "prometheus")
    bindings = [binding for bindings in container["NetworkSettings"]["Ports"].values() for binding in bindings or ()]
    assert {binding["HostIp"] for binding in bindings} == {"127.0.0.1"}


def test_where_grafana_cannot_be_had_it_says_so(stack: ComposeStack) -> None:
    """Half a profile that starts would be taken for the whole."""
    images = {**stack.images, "INSTROOM_GRAFANA_IMAGE": "localhost:1/no/such-grafana"}
    with pytest.raises(StackError, match="docker compose up"):
        stack.compose("up", "--detach", "--no-deps", "grafana", images=images)
    assert not stack.compose("ps", "--all", "--quiet", "grafana", captured=True)

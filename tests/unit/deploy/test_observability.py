"""Alarms and dashboards hang together: each alarm is explained and tried, each panel can be read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.homes import ROOT
from tests.containers.alarms import ALWAYS, EXAMPLES

WATCHING = ROOT / "deploy/observability"
GROUPS = yaml.safe_load((WATCHING / "prometheus/alarms.yml").read_text(encoding="utf-8"))["groups"]
ALARMS: dict[str, dict[str, Any]] = {rule["alert"]: rule for group in GROUPS for rule in group["rules"]}
DASHBOARDS = sorted(WATCHING.glob("grafana/dashboards/*.json"))
SOURCES = yaml.safe_load((WATCHING / "grafana/provisioning/datasources/prometheus.yml").read_text(encoding="utf-8"))
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))

each_alarm = pytest.mark.parametrize("alarm", ALARMS)
each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: str(path.name))


def explained() -> list[str]:
    """Return the headings of the chapter on alarms."""
    operating = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    return re.findall(r"^### (\w+)$", operating.partition("\n## Alarms\n")[2].partition("\n## ")[0], re.MULTILINE)


def panels(dashboard: Path) -> list[dict[str, Any]]:
    """Return the panels of a dashboard."""
    found: list[dict[str, Any]] = json.loads(dashboard.read_text(encoding="utf-8"))["panels"]
    return found


def test_every_alarm_is_explained_and_nothing_else_is() -> None:
    """Who is woken by one looks it up; an entry without an alarm is one that was renamed."""
    assert explained() == list(ALARMS)


@each_alarm
def test_an_alarm_says_what_is_the_matter_and_where_to_read_on(alarm: str) -> None:
    """What arrives on a telephone is all that somebody has at first."""
    rule = ALARMS[alarm]
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert rule["annotations"]["runbook_url"] == f"{{{{ $externalLabels.runbooks }}}}#{alarm.lower()}"
    assert rule["labels"]["severity"] in ({"none"} if alarm == ALWAYS else {"critical", "warning"})


@each_alarm
def test_an_alarm_leads_to_a_panel_that_is_there(alarm: str) -> None:
    """A link to nothing, at night, is worse than none."""
    prefix, _, place = ALARMS[alarm]["annotations"]["dashboard_url"].partition("/d/")
    uid, _, panel = place.partition("?viewPanel=")
    ids = {
        json.loads(path.read_text(encoding="utf-8"))["uid"]: {one["id"] for one in panels(path)} for path in DASHBOARDS
    }
    assert prefix == "{{ $externalLabels.dashboards }}"
    assert uid in ids
    assert not panel or int(panel) in ids[uid]


@each_alarm
def test_an_alarm_is_tried_both_ways(alarm: str) -> None:
    """One that fires always passes half of its test."""
    if alarm == ALWAYS:
        return  # it is in every example
    assert any(example.fires == {alarm} for example in EXAMPLES)
    assert any(example.says.startswith(f"not {alarm}:") for example in EXAMPLES)


@each_dashboard
def test_a_panel_can_be_read(dashboard: Path) -> None:
    """A figure without a unit, or a title that explains nothing, is looked at once."""
    for panel in panels(dashboard):
        assert panel["title"], panel["id"]
        assert panel["description"], panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]


@each_dashboard
def test_panels_have_ids_of_their_own_and_a_source_that_is_there(dashboard: Path) -> None:
    """Grafana shows one of two panels with the same id, and nothing for an unknown source."""
    ids = [panel["id"] for panel in panels(dashboard)]
    assert len(set(ids)) == len(ids)
    known = {source["uid"] for source in SOURCES["datasources"]}
    used = {part["datasource"]["uid"] for panel in panels(dashboard) for part in (panel, *panel["targets"])}
    assert used <= known


@each_dashboard
def test_panels_lie_side_by_side(dashboard: Path) -> None:
    """Grafana's grid has 24 columns; what overlaps is pushed about."""
    cells: list[tuple[int, int]] = []
    for panel in panels(dashboard):
        place = panel["gridPos"]
        columns, rows = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        assert columns.stop <= 24, panel["title"]
        cells += [(x, y) for x in columns for y in rows]
    assert len(set(cells)) == len(cells)


def test_dashboards_have_addresses_of_their_own() -> None:
    """A link to one must not lead to another after an upgrade."""
    ids = [json.loads(dashboard.read_text(encoding="utf-8"))["uid"] for dashboard in DASHBOARDS]
    assert all(ids)
    assert len(set(ids)) == len(ids)


def test_grafana_lets_nobody_in_whom_it_does_not_know_and_calls_nobody() -> None:
    """Its own defaults are a password that everybody knows, and reports to its maker."""
    grafana = COMPOSE["services"]["grafana"]["environment"]
    assert "GF_SECURITY_ADMIN_PASSWORD" not in grafana, "an environment variable is seen by whoever may inspect"
    assert grafana["GF_SECURITY_ADMIN_PASSWORD__FILE"].startswith("/run/instroom/")
    for off in ("AUTH_ANONYMOUS_ENABLED", "USERS_ALLOW_SIGN_UP", "ANALYTICS_REPORTING_ENABLED"):
        assert grafana[f"GF_{off}"] == "false"


@pytest.mark.parametrize("service", ["prometheus", "grafana", "pushgateway"])
def test_watching_is_optional_and_on_the_hosts_loopback(service: str) -> None:
    """Prometheus asks nobody for a password."""
    watching = COMPOSE["services"][service]
    assert watching["profiles"] == ["observability"]
    assert all(port.startswith("127.0.0.1:") for port in watching["ports"])

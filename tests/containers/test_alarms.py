"""Every alarm fires when it should and is silent when it should be, judged by Prometheus's own tool."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.compose.images import WATCHING, ImageSettings, chosen
from deploy.homes import ROOT
from tests.containers.alarms import EXAMPLES, Example, links_test, promtool_tests
from tests.containers.test_compose import DOCKER

RULES = ROOT / "deploy/observability/prometheus"


@pytest.fixture(scope="module")
def image() -> str:
    """Provide the image that has promtool."""
    return chosen(ImageSettings(), WATCHING)["INSTROOM_PROMETHEUS_IMAGE"]


def promtool(image: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run promtool in a container that sees the rules as /rules and this folder as /tests."""
    mounts = ["--volume", f"{RULES}:/rules:ro", "--volume", f"{folder}:/tests:ro"]
    command = [DOCKER, "run", "--rm", "--network=none", *mounts, "--user=0", "--entrypoint=promtool", image, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def verdict(image: str, folder: Path, *examples: Example) -> subprocess.CompletedProcess[str]:
    """Judge examples."""
    steps = {example.step for example in examples}
    return judged(image, folder, *(promtool_tests("/rules/alarms.yml", step, examples) for step in steps))


def judged(image: str, folder: Path, *tests: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
    """Judge files of tests."""
    names = [f"{number}.yml" for number, _ in enumerate(tests)]
    for name, test in zip(names, tests, strict=True):
        (folder / name).write_text(json.dumps(test), encoding="utf-8")
    return promtool(image, folder, "test", "rules", *(f"/tests/{name}" for name in names))


def test_the_configuration_is_what_prometheus_reads(image: str, tmp_path: Path) -> None:
    """With its rules: a misspelt one is known before the start."""
    done = promtool(image, tmp_path, "check", "config", "/rules/prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alarm_fires_when_it_should_and_no_other(image: str, tmp_path: Path) -> None:
    """One that never fires is found out on the day it is needed; one that cries wolf is switched off."""
    done = verdict(image, tmp_path, *EXAMPLES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_alarm_leads_to_its_runbook_and_its_panel(image: str, tmp_path: Path) -> None:
    """Who is woken has a link to press, to the address that this operator has set."""
    done = judged(image, tmp_path, links_test("/rules/alarms.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_example_that_is_wrong_is_seen(image: str, tmp_path: Path) -> None:
    """A check that nothing can fail checks nothing."""
    at_rest = EXAMPLES[0]
    assert verdict(image, tmp_path, replace(at_rest, fires=frozenset({"DeadLetters"}))).returncode

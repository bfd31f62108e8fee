"""Who may import whom: each rule of pyproject.toml is broken in a copy of the source, and the linter must see it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGED = ("contracts/instroom_contracts", "checking/instroom_checking")
SOURCES = (*PACKAGED, "contracts/publishing", "chassis", "services", "cli", "deploy", "demo", "tests/support")

BREACHES = {
    "services-apart": ("services/catalog/domain.py", "import services.enrolment"),
    "domain-pure": ("services/notification/domain/meeting.py", "import motor"),
    "contracts-small": ("contracts/instroom_contracts/topology.py", "import aio_pika"),
    "checking-small": ("checking/instroom_checking/stage.py", "import chassis.connections"),
    "publishing-apart": ("deploy/accounts.py", "import publishing.published"),
    "motor-in-one-place": ("services/enrolment/storage/kinds.py", "import motor.motor_asyncio"),
    "traces-in-one-place": ("chassis/committer.py", "import opentelemetry.trace"),
    "layers": ("chassis/consumer.py", "import services.enrolment"),
    "layers-of-the-chassis": ("chassis/tracing.py", "import chassis.spans"),
    "layers-of-enrolment": ("services/enrolment/storage/ledger.py", "import services.enrolment.handlers.enrol"),
    "layers-of-notification": ("services/notification/writing/letters.py", "import services.notification.sending.smtp"),
    "handlers-on-documents": ("services/enrolment/handlers/enrol.py", "import chassis.store"),
    "layers-of-deploy": ("deploy/errors.py", "import deploy.local.daemons"),
    "layers-of-the-cli": ("cli/integrators/accounts.py", "import cli.status.overview"),
    "commands-apart": ("cli/commands/watch.py", "import cli.commands.catalog"),
    "audit-apart": ("cli/audit/seats.py", "import services.enrolment.domain.rules"),
    "handlers-pure": ("services/enrolment/handlers/editions.py", "import time"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Provide a copy of the source that may be spoilt."""
    for source in SOURCES:
        shutil.copytree(ROOT / source, tmp_path / source, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "tests/__init__.py", tmp_path / "tests")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(copy: Path, rule: str) -> subprocess.CompletedProcess[str]:
    """Check one rule on a copy of the source."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--contract", rule]
    path = os.pathsep.join(map(str, (copy, copy / "checking", copy / "contracts")))
    return subprocess.run(
        command, cwd=copy, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("rule", BREACHES)
def test_a_breach_of_an_import_rule_is_seen(copy: Path, rule: str) -> None:
    """A rule that nothing can break guards nothing."""
    path, line = BREACHES[rule]
    with (copy / path).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")
    checked = lint(copy, rule)
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert "BROKEN" in checked.stdout


def test_every_rule_has_its_breach(copy: Path) -> None:
    """A rule that is added to pyproject.toml is proved here too."""
    text = (copy / "pyproject.toml").read_text(encoding="utf-8")
    assert set(BREACHES) == {line.split('"')[1] for line in text.splitlines() if line.startswith("id = ")}

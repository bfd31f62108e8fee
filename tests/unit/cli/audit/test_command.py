"""What `instroom audit` says and returns."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from cli.audit import command
from cli.audit.verdict import Offence, Verdict

KEPT = Verdict("the outboxes are empty", 3)
BROKEN = Verdict(
    "no pool is overbooked",
    2,
    tuple(Offence(f"pool-{n}", "is too full") for n in range(7)),
    ("a remark",),
    "find more chairs",
)


def run(monkeypatch: pytest.MonkeyPatch, verdicts: Sequence[Verdict], *arguments: str) -> Result:
    """Run the command with these verdicts."""

    async def judged(*_: object) -> Sequence[Verdict]:
        return verdicts

    monkeypatch.setattr(command, "_audit", judged)
    return CliRunner().invoke(app, ["audit", *arguments], env={"RABBITMQ_URL": "amqp://nowhere"})


def test_a_broken_promise_breaks_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code is what a pipeline looks at; the first breaches are what a person does."""
    result = run(monkeypatch, [KEPT, BROKEN])
    assert result.exit_code == 1
    assert "ok      the outboxes are empty: 3 judged\n" in result.stdout
    assert "BROKEN  no pool is overbooked: 2 judged (a remark)\n        pool-0: is too full\n" in result.stdout
    assert "and 2 more" in result.stdout
    assert result.stdout.endswith("        What to do: find more chairs.\n")


def test_kept_promises_are_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    """And said so, for a person in doubt."""
    result = run(monkeypatch, [KEPT])
    assert result.exit_code == 0
    assert result.stderr == "Every promise holds.\n"
    assert "What to do" not in result.stdout


def test_another_program_gets_every_breach(monkeypatch: pytest.MonkeyPatch) -> None:
    """Monitoring wants counts and ids."""
    told = json.loads(run(monkeypatch, [KEPT, BROKEN], "--json").stdout)
    assert told["holds"] is False
    assert len(told["promises"][1]["offences"]) == 7
    assert [one["remedy"] for one in told["promises"]] == ["", "find more chairs"]

"""`instroom catalog`, from files to the exit code."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from cli.asking import Events
from cli.commands import catalog
from cli.facts import Fact
from instroom_contracts.catalog import EditionSubmitted
from instroom_contracts.cloudevent import CloudEvent, type_of
from tests.unit.cli.builders import fact

PROGRAMMES = Path(__file__).parents[4] / "programmes"
ONE = PROGRAMMES / "cmo-stamm-participatie-2021.yaml"
PUBLISHED = fact("edition-published", {"editionId": "cmo-stamm-participatie-2021", "version": 2})
UNCHANGED = fact("request-accepted", {})
REFUSED = fact("request-refused", {"reason": "invalid-request", "detail": "Mend it."})


def run(monkeypatch: pytest.MonkeyPatch, answer: Fact | None, *arguments: str) -> tuple[Result, list[Events]]:
    """Run a command against a stand-in that gives this answer to everything."""
    asked: list[Events] = []

    async def ask(url: str, events: Events, timeout_s: float) -> AsyncIterator[tuple[CloudEvent[Any], Fact | None]]:
        asked.append(events)
        for event in events:
            yield event, answer

    monkeypatch.setattr(catalog, "ask", ask)
    return CliRunner().invoke(app, ["catalog", *arguments], env={"RABBITMQ_URL": "amqp://nowhere"}), asked


@pytest.mark.parametrize(
    ("answer", "said", "code"),
    [
        (PUBLISHED, "published version 2", 0),
        (UNCHANGED, "unchanged", 0),
        (REFUSED, "refused: invalid-request: Mend it.", 4),
        (None, "no answer", 5),
    ],
)
def test_each_edition_says_how_it_went(
    monkeypatch: pytest.MonkeyPatch, answer: Fact | None, said: str, code: int
) -> None:
    """Whoever loads a catalogue wants to know what changed."""
    result, asked = run(monkeypatch, answer, "load", str(ONE))
    assert result.stdout == f"cmo-stamm-participatie-2021  {said}\n"
    assert result.exit_code == code
    assert asked[0][0].type == type_of(EditionSubmitted)


def test_checking_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A draft can be checked anywhere, without a stack."""
    result, asked = run(monkeypatch, None, "load", "--check", str(PROGRAMMES))
    assert result.exit_code == 0
    assert "8 editions are valid" in result.stderr
    assert not asked


def test_every_mistake_is_told_and_nothing_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """File, line and field: an editor makes a link of it."""
    file = tmp_path / "programme.yaml"
    file.write_text("provider: {id: x}\nprograme: {}\n", encoding="utf-8")
    result, asked = run(monkeypatch, None, "load", str(file))
    assert result.exit_code == 2
    assert f"{file}:2: programe" in result.stderr
    assert not asked


def test_another_program_gets_the_whole_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipeline loads the catalogue too."""
    result, _ = run(monkeypatch, PUBLISHED, "load", str(ONE), "--json")
    told = json.loads(result.stdout)
    assert (told["editionId"], told["outcome"]) == ("cmo-stamm-participatie-2021", "published")


@pytest.mark.parametrize(("answer", "code"), [(PUBLISHED, 0), (UNCHANGED, 0), (REFUSED, 4), (None, 5)])
def test_republishing_says_how_it_went(monkeypatch: pytest.MonkeyPatch, answer: Fact | None, code: int) -> None:
    """An empty catalogue has nothing to tell, and that is fine."""
    result, asked = run(monkeypatch, answer, "republish", "cmo-stamm-participatie-2021")
    assert result.exit_code == code
    assert asked[0][0].data.edition_id == "cmo-stamm-participatie-2021"

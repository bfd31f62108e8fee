"""What `instroom watch` is asked for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.commands.watch import Seen, _start, is_new
from cli.facts import Fact


def test_a_moment_that_is_none_is_explained() -> None:
    """Without an offset a time is somebody's guess."""
    result = CliRunner().invoke(app, ["watch", "--from", "2026-01-31"], env={"RABBITMQ_URL": "amqp://nowhere"})
    assert result.exit_code == 2
    assert "2026-01-31T00:00:00+01:00" in result.stderr


def test_an_end_that_is_none_is_explained() -> None:
    """The same rule holds for both ends."""
    result = CliRunner().invoke(app, ["watch", "--until", "yesterday"], env={"RABBITMQ_URL": "amqp://nowhere"})
    assert (result.exit_code, "--until is a time such as" in result.stderr) == (2, True)


def test_a_fact_is_named_by_its_source_and_id() -> None:
    """Two services may use the same id."""
    seen: Seen = {}
    facts = [Fact({"source": source, "id": "1"}, {}) for source in ("a", "b", "a")]
    assert [is_new(fact, seen) for fact in facts] == [True, True, False]


@pytest.mark.parametrize(("typed", "near"), [("SesionFull", "session-full"), ("sessionfull", "session-full")])
def test_a_type_that_does_not_exist_is_remarked_on(typed: str, near: str) -> None:
    """A tail that stays silent looks like a quiet day."""
    result = CliRunner().invoke(app, ["watch", "--type", typed], env={"RABBITMQ_URL": "amqp://127.0.0.1:1"})
    assert f"did you mean {near}?" in result.stderr
    assert result.exit_code == 6


def test_moments_have_an_offset() -> None:
    """The stream is read from an instant, wherever the operator sits."""
    assert _start("2021-05-20T11:30:00+02:00", stop=False) == datetime(2021, 5, 20, 9, 30, tzinfo=UTC)
    assert (_start("", stop=False), _start("", stop=True), _start("last", stop=True)) == ("next", "first", "last")

"""What the README shows to integrators works as it stands."""

from __future__ import annotations

import doctest
import re
import sys
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from instroom_contracts.cloudevent import STRUCTURED, decode
from instroom_contracts.intake import EnrolmentRequested
from instroom_contracts.schemas import FOLDER
from instroom_contracts.topology import TYPES

README = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
PUBLISH, _, READ = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_every_event_is_listed() -> None:
    """The table is where an integrator starts."""
    assert [listed.model.__name__ for listed in TYPES.values() if f"`{listed.model.__name__}`" not in README] == []


def test_the_publishing_example_sends_a_valid_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """It will be copied as it stands."""
    pika = MagicMock()
    monkeypatch.setitem(sys.modules, "pika", pika)
    monkeypatch.setenv("RABBITMQ_URL", "amqp://localhost")
    exec(PUBLISH, {})  # noqa: S102 - our own README
    exchange, routing_key, body, _ = pika.BlockingConnection().channel().basic_publish.call_args.args
    event = decode(body, model=EnrolmentRequested, content_type=STRUCTURED)
    assert (exchange, routing_key) == ("instroom.intake", event.type)
    assert pika.BasicProperties.call_args.kwargs["message_id"] == event.id


@pytest.mark.parametrize("name", ["enrolment-confirmed", "enrolment-rejected", "session-full"])
def test_the_reading_example_reads_an_answer(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """So will this one; facts that it has no use for are acknowledged all the same."""
    example: dict[str, Any] = {}
    exec(READ, example)  # noqa: S102 - our own README
    body = (FOLDER.parent / "samples" / f"nl.enrolments.{name}.v1.json").read_bytes()
    channel = MagicMock()
    method = SimpleNamespace(routing_key=f"nl.enrolments.{name}.v1", delivery_tag=7)
    example["on_message"](channel, method, SimpleNamespace(content_type=STRUCTURED), body)
    assert (name == "session-full") != ("0d0c3f6e" in capsys.readouterr().out)
    channel.basic_ack.assert_called_once_with(7)


def test_the_example_of_testing_shows_what_comes_out() -> None:
    """Schemas and samples are a line away."""
    (shown,) = re.findall(r"```pycon\n(.*?)```", README, re.DOTALL)
    example = doctest.DocTestParser().get_doctest(shown, {}, "README", None, None)
    assert doctest.DocTestRunner().run(example) == (0, 3)

"""Log lines hold ids and codes, never names or addresses."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from chassis import logs

ADDRESS = "robin.jansen@example.org"


@pytest.fixture(autouse=True)
def _forget_afterwards() -> Iterator[None]:
    """Leave other tests their own logs."""
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def line_of(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """Return the only line that was logged."""
    (line,) = capsys.readouterr().out.splitlines()
    return dict(json.loads(line))


def test_a_field_that_is_not_allowed_is_named_and_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """An author's slip must not put an address into a log."""
    logs.configure("toy", "info")
    structlog.get_logger().info("mail_sent", email=ADDRESS, enrolment_id="e-1")
    line = line_of(capsys)
    assert line["enrolment_id"] == "e-1"
    assert line["dropped_fields"] == ["email"]
    assert ADDRESS not in str(line)


def test_an_exceptions_text_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """A library's exception may repeat the message that it failed on."""
    logs.configure("toy", "info")
    try:
        int(ADDRESS)
    except ValueError:
        structlog.get_logger().exception("handler_failed")
    line = line_of(capsys)
    assert str(line["exception"]).startswith("ValueError at ")
    assert ADDRESS not in str(line)


def test_other_libraries_logs_are_named_by_origin_only(capsys: pytest.CaptureFixture[str]) -> None:
    """FastStream logs exceptions that can contain bodies."""
    logs.configure("toy", "info")
    logging.getLogger("faststream").error("could not handle %s", ADDRESS)
    line = line_of(capsys)
    assert line["logger"] == "faststream"
    assert ADDRESS not in str(line)

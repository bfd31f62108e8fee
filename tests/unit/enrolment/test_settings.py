"""Settings of the enrolment service."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from services.enrolment.settings import Settings
from tests.unit.enrolment.examples import DESK, OTHER

SERVERS = {
    "RABBITMQ_URL": "amqp://localhost",
    "MONGO_URL": "mongodb://localhost",
    "MONGO_DATABASE": "instroom_enrolment",
    "HTTP_PORT": "8002",
}


@pytest.fixture(autouse=True)
def _servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SERVERS.items():
        monkeypatch.setenv(name, value)


def test_a_request_waits_ten_seconds_unless_set_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """WIRE.md promises an answer within 30 s."""
    assert Settings().policy().parking == timedelta(seconds=10)
    monkeypatch.setenv("PARKING_S", "2.5")
    assert Settings().policy().parking == timedelta(seconds=2.5)


def test_course_desks_are_sources_with_commas_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line in an environment file."""
    assert not Settings().policy().course_desks
    monkeypatch.setenv("COURSE_DESKS", f"{DESK}, {OTHER}")
    assert Settings().policy().course_desks == {DESK, OTHER}


def test_a_misspelt_course_desk_is_noticed_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else its cancellations would be refused one by one."""
    monkeypatch.setenv("COURSE_DESKS", "cursusbureau")
    with pytest.raises(ValidationError, match="course_desks"):
        Settings()

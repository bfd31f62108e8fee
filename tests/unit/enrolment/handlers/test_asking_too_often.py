"""Asking for more answers again than an account may."""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.documents import Documents, Loaded
from instroom_contracts.cloudevent import new_event
from instroom_contracts.enrolment import RequestRefused
from instroom_contracts.intake import AnswerRequested
from services.enrolment.app import hears
from services.enrolment.handlers.answers import ask_later
from services.enrolment.settings import Settings
from tests.unit.enrolment.examples import WEBSITE

NOWHERE = {"RABBITMQ_URL": "amqp://x", "MONGO_URL": "mongodb://x", "MONGO_DATABASE": "x", "HTTP_PORT": 1}


def test_it_is_refused_with_when_to_ask_again() -> None:
    """And reads nothing, so that a flood costs little."""
    event = new_event(AnswerRequested(request_id="1"), source=WEBSITE)
    (tell,) = ask_later(event, Documents(Loaded()), datetime.now(UTC))
    assert isinstance(tell.data, RequestRefused)
    assert (tell.data.reason, tell.owner) == ("asked-too-often", WEBSITE)
    assert "minuut" in tell.data.detail


def test_asking_for_answers_is_all_that_is_rationed() -> None:
    """A rush of enrolments is what the service is for."""
    policy = Settings.model_validate({name.lower(): value for name, value in NOWHERE.items()}).policy()
    assert [heard.model for heard in hears(policy) if heard.too_often] == [AnswerRequested]

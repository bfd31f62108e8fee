"""Asking for an answer again: who may, and when there is none."""

from __future__ import annotations

import bson
import pytest

from chassis.handling import Tell, ToldBefore
from chassis.replies import UNDER_WAY, Decided
from instroom_contracts.enrolment import RequestAccepted, RequestRefused
from services.enrolment.app import TELLS
from services.enrolment.handlers.answers import no_answer
from tests.unit.enrolment.examples import DESK, EDITION, OTHER, WEBSITE, Desk, answer_asked, edition, request

BODY = b'{"type": "nl.enrolments.enrolment-confirmed.v1"}'


def knowing(*bodies: bytes, source: str = WEBSITE) -> Desk:
    """Build a service that has decided request-1, and kept this answer."""
    desk = Desk(edition())
    record = {"_id": f"{source} request-1", "type": "x", "digest": "y"}
    desk.memory.collections["inbox"][record["_id"]] = bson.encode({**record, "answer": bodies} if bodies else record)
    return desk


def refusal(tells: list[Tell]) -> str:
    """Return why nothing was told again."""
    (tell,) = tells
    assert isinstance(tell.data, RequestRefused)
    assert tell.data.request_type == "nl.enrolments.answer-requested.v1"
    return tell.data.reason


def test_the_answer_is_told_as_it_was_and_the_asking_is_accepted() -> None:
    """In this order: who hears that it was accepted has heard the answer."""
    again, accepted = knowing(BODY).tells(answer_asked("request-1"))
    assert isinstance(again.data, ToldBefore)
    assert again.data.body == BODY
    assert isinstance(accepted.data, RequestAccepted)
    assert (accepted.data.request_type, accepted.owner) == ("nl.enrolments.answer-requested.v1", WEBSITE)


def test_another_source_s_request_is_not_known() -> None:
    """Ids are unique within a source only, and nobody learns of another's."""
    assert refusal(knowing(BODY).tells(answer_asked("request-1", source=OTHER))) == "unknown-request"
    assert refusal(knowing(BODY).tells(answer_asked("request-1", source=OTHER, of=WEBSITE))) == "not-yours"


def test_a_course_desk_may_ask_for_everybody() -> None:
    """It is whom a participant calls."""
    tells = knowing(BODY).tells(answer_asked("request-1", source=DESK, of=WEBSITE))
    assert isinstance(tells[0].data, ToldBefore)
    assert tells[1].owner == DESK


def test_a_request_that_nobody_sent_is_refused() -> None:
    """A lost request looks the same as a lost answer, until it is asked for."""
    assert refusal(knowing(BODY).tells(answer_asked("request-2"))) == "unknown-request"


def test_a_request_from_before_answers_were_kept_is_told_where_to_look() -> None:
    """The stream has it."""
    tells = knowing().tells(answer_asked("request-1"))
    assert refusal(tells) == "answer-not-kept"
    assert isinstance(tells[0].data, RequestRefused)
    assert "instroom watch" in tells[0].data.detail


def test_a_request_that_waits_for_its_edition_is_accepted() -> None:
    """Its answer comes within 30 s."""
    desk = Desk()
    asked = request(edition_id=EDITION)
    desk.tells(asked)
    key = f"{WEBSITE} {asked.id}"
    desk.memory.collections["inbox"][key] = bson.encode({"_id": key, "type": "x", "digest": "y"})
    (accepted,) = desk.tells(answer_asked(asked.id))
    assert isinstance(accepted.data, RequestAccepted)


@pytest.mark.parametrize(
    ("decided", "waits", "reason"),
    [
        (None, False, "unknown-request"),
        (Decided(), False, "answer-not-kept"),
        (Decided(), True, None),
        (UNDER_WAY, False, None),
        (Decided((BODY,)), False, None),
    ],
)
def test_what_is_under_way_needs_no_telling(decided: Decided | None, waits: bool, reason: str | None) -> None:
    """Its answer is being told by the decision itself."""
    refused = no_answer(decided, None, WEBSITE, (), waits=waits)
    assert (refused and refused.reason) == reason


def test_the_answers_are_what_integrators_are_told_to_expect() -> None:
    """Neither seats nor another's promotion is part of an answer."""
    assert {tells.model.__name__ for tells in TELLS if tells.is_reply} == {
        "EnrolmentConfirmed", "EnrolmentQueued", "EnrolmentRejected", "RequestRefused", "RequestAccepted",
        "EnrolmentCancelled", "PlaceReleased",
    }  # fmt: skip

"""Problems say what is wrong and how to mend it, and repeat nothing that was sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from instroom_contracts import problems as module
from instroom_contracts.cloudevent import InvalidEvent
from instroom_contracts.intake import AttendanceRecorded, EnrolmentRequested, InCompanyRequested
from instroom_contracts.problems import MOST_PROBLEMS
from tests.unit.contracts.builders import LEFT_OUT, envelope, participant, problems, read, refusal, request

SECRET = "geheim-7f3a"
PLACES: list[Any] = [
    "editionId", "participant", "sessionIds", "companions", "allOrNothing", "answers", "unknown-" + SECRET,
]  # fmt: skip


def told(data: dict[str, Any]) -> dict[str, str]:
    """Return the problems of a request with this data, by pointer."""
    return {problem.pointer: problem.detail for problem in problems(envelope(data=data))}


def test_a_missing_field_is_named_by_its_own_pointer() -> None:
    """The sender sees which field to add."""
    assert told(request(participant=participant(email=LEFT_OUT))) == {
        "/data/participant/email": "This field is required: add it."
    }


def test_an_unknown_field_is_told_at_its_parent_with_the_known_ones() -> None:
    """The unknown name may be anything, even a name or an address; the known ones show the misspelling."""
    (pointer, detail), = told(request(participant=participant(emial=SECRET))).items()  # fmt: skip
    assert pointer == "/data/participant"
    assert "dietaryWishes" in detail
    assert "emial" not in detail


def test_a_place_in_a_list_is_named() -> None:
    """A list may be long."""
    companion = {"sessionIds": ["start"], "participant": participant(name=7)}
    assert list(told(request(companions=[companion, companion]))) == [
        "/data/companions/0/participant/name",
        "/data/companions/1/participant/name",
    ]


@pytest.mark.parametrize(
    "answers", [{SECRET + "\n": "x"}, {SECRET: None}, {SECRET: [1]}, {"": 1}, {SECRET: "x" * 5000}]
)
def test_a_key_of_a_free_map_is_not_repeated(answers: dict[str, Any]) -> None:
    """A question may be personal as well."""
    ((pointer, detail),) = told(request(answers=answers)).items()
    assert pointer == "/data/answers"
    assert "4,000" in detail


@pytest.mark.parametrize(
    ("data", "pointer", "words"),
    [
        (request(editionId=7), "/data/editionId", "text"),
        (request(editionId="x" * 101), "/data/editionId", "100"),
        (request(editionId=""), "/data/editionId", "empty"),
        (request(sessionIds="start"), "/data/sessionIds", "array"),
        (request(sessionIds=["s"] * 101), "/data/sessionIds", "At most 100"),
        (request(participant=[]), "/data/participant", "object"),
        (request(answers=[]), "/data/answers", "object"),
        (request(companions=[{"sessionIds": [], "participant": participant()}]), "/data/companions/0/sessionIds", "1"),
        (request(allOrNothing=1), "/data/allOrNothing", "true or false"),
    ],
)
def test_each_kind_of_mistake_has_a_sentence(data: dict[str, Any], pointer: str, words: str) -> None:
    """The developer mends it without asking us."""
    assert words in told(data)[pointer]


@pytest.mark.parametrize(("count", "words"), [("7", "whole number"), (0, "1 or more"), (10**6, "100000 or less")])
def test_numbers_have_sentences_too(count: object, words: str) -> None:
    """The same for the only number that other systems send."""
    contact = {"name": "Robin Jansen", "email": "robin.jansen@example.org"}
    data = {"programmeId": "x", "organisation": "Gemeente Voorbeeld", "contact": contact, "participants": count}
    (problem,) = problems(envelope(type="nl.enrolments.in-company-requested.v1", data=data), InCompanyRequested)
    assert problem.pointer == "/data/participants"
    assert words in problem.detail


def test_a_rule_over_several_fields_has_its_own_sentence() -> None:
    """Nobody attends and is absent at once."""
    data = {"editionId": "x", "sessionId": "y", "attended": ["a"], "absent": ["a"]}
    (problem,) = problems(envelope(type="nl.enrolments.attendance-recorded.v1", data=data), AttendanceRecorded)
    assert (problem.pointer, "both lists" in problem.detail) == ("/data", True)


def test_all_problems_are_told_at_once() -> None:
    """One round trip, not five."""
    assert len(problems(envelope(id="", time="now", data=request(editionId="?")))) == 3


def test_no_more_problems_are_told_than_an_answer_can_hold() -> None:
    """A message full of mistakes must still get its answer in one message."""
    assert len(problems(envelope(data=request(sessionIds=["?"] * 90)))) == MOST_PROBLEMS


def test_the_refusal_reads_as_a_sentence() -> None:
    """It may end up in a developer's terminal."""
    assert str(refusal(lambda: read([]))) == "message: This must be a JSON object: { ... }."


JUNK: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([SECRET, SECRET + "@example.org", SECRET + "\n", None, True, 7, 1.5, "x" * 5000 + SECRET]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([SECRET, "name", "email", *PLACES]), inner, max_size=4)
    ),
    max_leaves=6,
)


def answer(event: object) -> str:
    """Return all that is said about an event; nothing about one that happens to be valid."""
    try:
        read(event)
    except InvalidEvent as error:
        return str(error) + repr(error.problems)
    return ""


@given(
    st.dictionaries(st.sampled_from([*envelope(), SECRET, SECRET.replace("-", "")]), JUNK),
    st.sampled_from(PLACES),
    JUNK,
)
def test_nothing_that_was_sent_is_repeated(attributes: dict[str, Any], place: str, junk: Any) -> None:
    """Answers travel on a bus that everybody may read."""
    for event in ({**envelope(), **attributes}, envelope(data=request(**{place: junk}))):
        said = answer(event)
        assert SECRET not in said
        assert "7f3a" not in said


def test_the_validators_own_words_would_repeat_what_was_sent() -> None:
    """The twin: why every sentence is ours."""
    with pytest.raises(ValidationError, match=SECRET):
        EnrolmentRequested.model_validate_json(json.dumps(request(**{SECRET: SECRET})))


def test_without_the_limit_an_answer_could_outgrow_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: every mistake would be told."""
    monkeypatch.setattr(module, "MOST_PROBLEMS", 1000)
    assert len(problems(envelope(data=request(sessionIds=["?"] * 90)))) == 90

"""Requests as somebody typed them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cli.drafts import Misfit, event_of, request_from
from instroom_contracts.intake import EnrolmentCancellationRequested

TYPED = {
    "edition": "leeratelier",
    "name": "Robin Jansen",
    "email": "robin@example.org",
    "organisation": "Gemeente Voorbeeld",
    "role": "projectleider",
    "source": "urn:nld:oin:00000001823288444000:systeem:website",
}


def test_what_was_typed_becomes_a_request() -> None:
    """Every flag must land in the field that it is named after."""
    typed = {
        **TYPED,
        "sessions": "ronde-1; ronde-2",
        "all-or-nothing": "ja",
        "region": "noord",
        "time": "2021-05-20T11:30:00+02:00",
        "answer:casus": "Hoe?",
        "reference": "",
    }
    event = request_from(typed, datetime.now(UTC))
    assert event.data.participant.name == "Robin Jansen"
    assert event.data.participant.region == "noord"
    assert event.data.participant.reference is None
    assert event.data.session_ids == ("ronde-1", "ronde-2")
    assert event.data.all_or_nothing is True
    assert event.data.answers == {"casus": "Hoe?"}
    assert event.time == datetime(2021, 5, 20, 9, 30, tzinfo=UTC)
    assert (event.subject, event.partitionkey) == ("leeratelier", "leeratelier")


def test_an_id_of_ones_own_is_kept() -> None:
    """Sending the same request again must not enrol anybody twice."""
    assert request_from({**TYPED, "id": "mine"}, datetime.now(UTC)).id == "mine"
    assert request_from(TYPED, datetime.now(UTC)).id != request_from(TYPED, datetime.now(UTC)).id


def test_everything_that_is_wrong_is_told_at_once_by_its_flag() -> None:
    """One round of mending should do."""
    with pytest.raises(Misfit) as misfit:
        request_from({**TYPED, "email": "robin", "role": "Project Leider", "time": "gisteren"}, datetime.now(UTC))
    assert [name for name, _ in misfit.value.complaints] == ["time", "email", "role"]


def test_what_is_neither_yes_nor_no_is_not_guessed() -> None:
    """All or nothing is too much to guess."""
    with pytest.raises(Misfit, match="all-or-nothing: This must be yes or no"):
        request_from({**TYPED, "all-or-nothing": "misschien"}, datetime.now(UTC))


def test_an_answer_that_is_wrong_is_told_as_an_answer() -> None:
    """Questions are free text and have no flag of their own."""
    with pytest.raises(Misfit) as misfit:
        request_from({**TYPED, f"answer:{'x' * 101}": "lang"}, datetime.now(UTC))
    assert [name for name, _ in misfit.value.complaints] == ["answers"]


def test_other_events_are_checked_the_same_way() -> None:
    """A withdrawal with a slip in its id should not travel to be refused."""
    with pytest.raises(Misfit) as misfit:
        event_of(EnrolmentCancellationRequested, {"enrolmentId": "a b"}, {"source": TYPED["source"]}, datetime.now(UTC))
    assert [name for name, _ in misfit.value.complaints] == ["enrolmentId"]


@pytest.mark.parametrize(
    ("text", "answer"), [("true", True), ("false", False), ("ja", "ja"), ("True", "True"), ("1", "1")]
)
def test_a_yes_or_no_is_given_as_true_or_false(text: str, answer: object) -> None:
    """Whatever else is typed is a text: nobody knows here which question it is."""
    event = request_from({**TYPED, "answer:lunch": text}, datetime.now(UTC))
    assert event.data.answers["lunch"] == answer
    assert type(event.data.answers["lunch"]) is type(answer)


def test_what_is_to_stand_on_the_invoice_is_nobodys_address() -> None:
    """It is told in the answer, to whoever may read that."""
    assert request_from({**TYPED, "invoice": "INK-2021-0042"}, datetime.now(UTC)).data.invoice
    with pytest.raises(Misfit, match=r"invoice: .*leave addresses of people out"):
        request_from({**TYPED, "invoice": "t.n.v. kim@example.org"}, datetime.now(UTC))

"""Requests take what the wire names, and nothing that cannot be stored or mailed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from instroom_contracts.cloudevent import EventData, IntakeData
from instroom_contracts.intake import EnrolmentRequested, Participant
from instroom_contracts.topology import INTAKE, TYPES
from tests.unit.contracts.builders import envelope, participant, pointers, read, request

INTAKE_MODELS = [listed.model for listed in TYPES.values() if listed.exchange == INTAKE]


def data_of(**changes: object) -> Any:
    """Return the data of a request with these changes, as it is read."""
    return read(envelope(data=request(**changes))).data


def test_what_is_optional_has_a_default() -> None:
    """The smallest request says which edition, and who."""
    data = data_of()
    assert (data.session_ids, data.companions, data.all_or_nothing, data.answers) == ((), (), False, {})
    assert data.participant == Participant(**participant(), language="nl")


@pytest.mark.parametrize("name", ["name", "email", "organisation", "role"])
def test_a_participant_has_a_name_an_address_an_organisation_and_a_role(name: str) -> None:
    """Without these no place can be decided and no invitation sent."""
    changes = {key: value for key, value in participant().items() if key != name}
    assert pointers(envelope(data=request(participant=changes))) == [f"/data/participant/{name}"]


@pytest.mark.parametrize("name", ["name", "email", "organisation", "region", "reference"])
@pytest.mark.parametrize("control", ["\r", "\n", "\x00"])
def test_line_breaks_and_nul_are_refused_in_names_and_addresses(name: str, control: str) -> None:
    """They would forge mail headers."""
    poisoned = participant(**{name: f"a{control}b@example.org"})
    assert pointers(envelope(data=request(participant=poisoned))) == [f"/data/participant/{name}"]


def test_a_mail_address_keeps_its_case() -> None:
    """It is compared without case, and used as it was given."""
    assert data_of(participant=participant(email="Robin@Example.org")).participant.email == "Robin@Example.org"


@pytest.mark.parametrize("value", ["", "tekst\nop twee regels", True, 0, -3, 2**53 - 1, 1.5])
def test_an_answer_is_a_text_a_number_or_a_boolean_and_keeps_its_type(value: object) -> None:
    """A provider's question may ask for any of these."""
    answer = data_of(answers={"vraag": value}).answers["vraag"]
    assert (answer, type(answer)) == (value, type(value))


@pytest.mark.parametrize("value", [None, [], {}, 2**53, 2**53 + 1, -(2**63) - 1, 1e300, "x" * 4001, "a\x00b"])
def test_any_other_answer_is_refused(value: object) -> None:
    """The database keeps integers of 64 bits, and readers of JSON fewer."""
    assert pointers(envelope(data=request(answers={"vraag": value}))) == ["/data/answers"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_an_answer_is_a_finite_number(number: str) -> None:
    """JSON has no others."""
    body = json.dumps(request(answers={"vraag": 7})).replace("7", number)
    with pytest.raises(ValidationError):
        EnrolmentRequested.model_validate_json(body)


def test_lists_are_bounded() -> None:
    """One message must not cost more than others."""
    assert pointers(envelope(data=request(answers={f"vraag {n}": 1 for n in range(101)}))) == ["/data/answers"]
    companion = {"sessionIds": ["start"], "participant": participant()}
    assert pointers(envelope(data=request(companions=[companion] * 11))) == ["/data/companions"]


@pytest.mark.parametrize("model", INTAKE_MODELS)
def test_every_request_refuses_unknown_fields_at_every_depth(model: type[EventData]) -> None:
    """A model that forgot its base class would lose misspelt fields in silence."""
    assert issubclass(model, IntakeData)
    schema = model.model_json_schema()
    assert all(part["additionalProperties"] is False for part in [schema, *schema.get("$defs", {}).values()])


def test_python_code_may_use_lists_and_its_own_names() -> None:
    """The publisher's code reads as Python; the message is JSON."""
    made = EnrolmentRequested(edition_id="x", participant=Participant(**participant()), session_ids=["a"])  # type: ignore[arg-type]
    assert made.session_ids == ("a",)
    assert b'"sessionIds":["a"]' in made.model_dump_json().encode()


def test_python_code_is_held_to_the_same_types() -> None:
    """What the reader refuses, the publisher hears at once."""
    with pytest.raises(ValidationError):
        EnrolmentRequested(edition_id="x", participant=Participant(**participant()), all_or_nothing="true")  # type: ignore[arg-type]

"""The JSON Schemas on disk are those of the models, and a stale one is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from instroom_contracts.cloudevent import new_event, schema_id
from instroom_contracts.enrolment import EnrolmentRejected
from instroom_contracts.intake import EnrolmentRequested
from instroom_contracts.schemas import FOLDER, main, sample, schema, schema_text, stale, write
from instroom_contracts.topology import TYPES


def test_the_schemas_are_fresh() -> None:
    """Integrators in other languages build on them."""
    assert stale(FOLDER) == []
    assert main(["--check"]) == 0


def test_a_schema_names_itself_as_facts_name_it() -> None:
    """`dataschema` of a fact leads to its file."""
    schema = json.loads(schema_text(EnrolmentRejected))
    fact = new_event(EnrolmentRejected(reason="queue-full", detail="Vol."), source="urn:nld:kvk:12345678")
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == schema_id(EnrolmentRejected) == fact.dataschema


@pytest.mark.parametrize("type", TYPES)
def test_an_independent_validator_takes_the_sample_and_no_other_type_of_value(type: str) -> None:
    """Integrators check with other tools than pydantic: those must understand the schema, and agree."""
    Draft202012Validator.check_schema(schema(type))
    validator = Draft202012Validator(schema(type))
    data = json.loads(sample(type))["data"]
    assert list(validator.iter_errors(data)) == []
    assert validator.is_valid({name: [[]] for name in data}) is (data == {})
    for name in schema(type).get("required", []):
        assert not validator.is_valid({key: value for key, value in data.items() if key != name})


def test_a_schema_of_a_request_refuses_what_the_reader_refuses() -> None:
    """A sender who checks against the schema is not surprised by an answer."""
    schema = json.loads(schema_text(EnrolmentRequested))
    assert schema["required"] == ["editionId", "participant"]
    assert schema["additionalProperties"] is False


def test_a_stale_missing_or_stray_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The twin of the check: a changed file is seen, and writing mends it."""
    write(tmp_path)
    names = sorted(f"{type}.json" for type in TYPES)
    (tmp_path / names[0]).write_text("{}")
    (tmp_path / names[1]).unlink()
    (tmp_path / "stray.json").write_text("{}")
    assert main(["--check", str(tmp_path)]) == 1
    assert stale(tmp_path) == sorted([names[0], names[1], "stray.json"])
    assert capsys.readouterr().err.count("is stale") == 3
    assert main([str(tmp_path)]) == 0
    assert stale(tmp_path) == []


def test_a_stale_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever changed a model reads which file to write again, and how."""
    write(tmp_path)
    (tmp_path / "nl.enrolments.session-full.v1.json").unlink()
    assert main(["--check", str(tmp_path)]) == 1
    assert "session-full.v1.json is stale: run python -m instroom_contracts.schemas" in capsys.readouterr().err

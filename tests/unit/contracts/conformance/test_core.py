"""CloudEvents 1.0.2, spec.md: the event and its attributes."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError

from instroom_contracts.cloudevent import encode, new_event
from instroom_contracts.intake import ParticipantErasureRequested
from tests.unit.contracts.builders import LEFT_OUT, WEBSITE
from tests.unit.contracts.conformance.messages import ATTRIBUTES, BODIES, SENT, SERVICE, fact, refused, taken

REQUIRED = ["id", "source", "specversion", "type"]
DISALLOWED = ["a\x00", "a\n", "a\x1f", "a\x7f", "a\x9f", "a\ufdd0", "a\ufdef", "a\ufffe", "a\uffff"]


@pytest.mark.parametrize("name", REQUIRED)
def test_every_event_includes_the_required_attributes(name: str) -> None:
    """Context Attributes: every event includes those that are REQUIRED. Sent: all have them; read: none is spared."""
    assert all(name in body for body in BODIES.values())
    assert refused(**{name: LEFT_OUT}) == [f"/{name}"]


def test_an_attribute_appears_at_most_once() -> None:
    """Context Attributes: each appears at most once. Of members that a sender doubles, JSON readers keep the last."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(pairs) == len(dict(pairs))
        return dict(pairs)

    for wire in SENT.values():
        json.loads(wire.body, object_pairs_hook=once)


def test_attribute_names_consist_of_lower_case_letters_and_digits() -> None:
    """Naming Conventions."""
    assert all(re.fullmatch("[a-z0-9]+", name) for attributes in ATTRIBUTES.values() for name in attributes)
    assert taken(region2="x").model_extra == {"region2": "x"}
    for name in ("Region", "my_region", "my-region", "région", ""):
        assert refused(**{name: "x"}) == [""]


def test_no_attribute_is_named_data() -> None:
    """Naming Conventions: the name is reserved. Sent and read, `data` is the payload, and never a header."""
    assert all("ce-data" not in wire.headers for wire in SENT.values())
    assert all(isinstance(body["data"], dict) for body in BODIES.values())
    assert refused(data="text") == ["/data"]


@pytest.mark.parametrize(
    ("number", "right"), [(2**31 - 1, True), (-(2**31), True), (2**31, False), (-(2**31) - 1, False)]
)
def test_integers_stay_within_32_bits(number: int, right: bool) -> None:
    """Type System, Integer: -2,147,483,648 to +2,147,483,647."""
    if right:
        assert json.loads(fact(attempt=number).body)["attempt"] == taken(attempt=number).attempt == number
        return
    with pytest.raises(ValidationError):
        fact(attempt=number)
    assert refused(attempt=number) == [""]


@pytest.mark.parametrize("text", DISALLOWED)
def test_strings_hold_allowed_characters_only(text: str) -> None:
    """Type System, String: no control characters, no noncharacters (those of the first plane)."""
    assert refused(id=text) == ["/id"]
    assert refused(correlationid=text) == ["/correlationid"]
    assert refused(region=text) == [""]
    with pytest.raises(ValidationError):
        fact(correlationid=text)


def test_a_surrogate_without_its_pair_is_refused() -> None:
    """Type System, String: it is no character; such a body is no JSON in UTF-8."""
    assert refused(region="\udead") == [""]


@pytest.mark.parametrize("value", [1.5, ["x"], {"x": 1}])
def test_values_are_of_one_of_the_types(value: object) -> None:
    """Type System: all context attribute values are of one of the types listed."""
    assert refused(region=value) == [""]
    with pytest.raises(ValidationError):
        fact(region=value)


def test_values_convert_from_and_to_their_canonical_strings() -> None:
    """Type System: Boolean, Integer, String and Timestamp as headers carry them."""
    headers = fact(sampled=True, attempt=-7, region="noord").headers
    assert (headers["ce-sampled"], headers["ce-attempt"], headers["ce-region"]) == ("true", "-7", "noord")
    assert datetime.fromisoformat(headers["ce-time"]) == datetime(2021, 5, 20, 9, 30, tzinfo=UTC)


def test_time_is_set_by_an_rfc_3339_string_and_converts_to_one() -> None:
    """Type System: the native type is a datetime; the string keeps instant and offset."""
    event = taken(time="2021-05-20T11:30:00+02:00")
    assert event.time == datetime(2021, 5, 20, 9, 30, tzinfo=UTC)
    assert encode(event).headers["ce-time"] == "2021-05-20T11:30:00+02:00"


def test_id_is_a_non_empty_string() -> None:
    """REQUIRED Attributes, id."""
    assert refused(id="") == refused(id=7) == ["/id"]


def test_source_and_id_are_unique_for_each_event() -> None:
    """REQUIRED Attributes, id and source: two events never share both, unless the sender says that they are one."""
    data = ParticipantErasureRequested(email="robin.jansen@example.org")
    assert len({new_event(data, source=WEBSITE).id for _ in range(1000)}) == 1000


def test_source_is_a_non_empty_uri_reference() -> None:
    """REQUIRED Attributes, source; an absolute URI, as is RECOMMENDED."""
    assert all(urlsplit(attributes["source"]).scheme == "urn" for attributes in ATTRIBUTES.values())
    assert refused(source="") == refused(source="a b") == ["/source"]


def test_specversion_is_1_0() -> None:
    """REQUIRED Attributes, specversion; another version is not read as this one."""
    assert {attributes["specversion"] for attributes in ATTRIBUTES.values()} == {"1.0"}
    assert refused(specversion="") == refused(specversion="0.3") == ["/specversion"]


def test_type_is_a_non_empty_string() -> None:
    """REQUIRED Attributes, type."""
    assert all(attributes["type"] == type for type, attributes in ATTRIBUTES.items())
    assert refused(type="") == ["/type"]


def test_datacontenttype_adheres_to_rfc_2046() -> None:
    """OPTIONAL Attributes, datacontenttype: a media type, with parameters or without; here that of JSON."""
    assert {attributes["datacontenttype"] for attributes in ATTRIBUTES.values()} == {"application/json"}
    assert taken(datacontenttype="application/json; charset=utf-8").datacontenttype
    assert refused(datacontenttype="") == refused(datacontenttype="json") == ["/datacontenttype"]


def test_dataschema_is_a_non_empty_uri() -> None:
    """OPTIONAL Attributes, dataschema: facts name their schema. That of a request is passed over, but not empty."""
    schemas = {attributes["dataschema"] for attributes in ATTRIBUTES.values() if "dataschema" in attributes}
    assert {urlsplit(schema).scheme for schema in schemas} == {"urn"}
    assert refused(dataschema="") == ["/dataschema"]


def test_subject_is_a_non_empty_string() -> None:
    """OPTIONAL Attributes, subject."""
    assert refused(subject="") == refused(subject=7) == ["/subject"]


@pytest.mark.parametrize(
    "time", ["2021-05-20", "2021-05-20T09:30:00", "2021-05-20 09:30:00Z", "2021-W20-4T09:30:00Z", ""]
)
def test_time_adheres_to_rfc_3339(time: str) -> None:
    """OPTIONAL Attributes, time."""
    assert refused(time=time) == ["/time"]
    for attributes in ATTRIBUTES.values():
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", attributes["time"])


def test_time_means_the_same_for_all_events_of_a_source() -> None:
    """OPTIONAL Attributes, time: facts have that of recording, whatever they tell, unless the sender gives another."""
    before = datetime.now(UTC)
    event = new_event(ParticipantErasureRequested(email="robin.jansen@example.org"), source=SERVICE)
    assert before <= event.time <= datetime.now(UTC)


def test_extension_attributes_are_attributes_like_others() -> None:
    """Extension Context Attributes: the same names and types; unknown ones are kept as they came."""
    extensions = {"sequence": "7", "sampled": False, "attempt": 0}
    assert taken(**extensions).model_extra == extensions
    assert extensions.items() <= json.loads(fact(**extensions).body).items()

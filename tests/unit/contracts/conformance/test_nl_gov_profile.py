"""The NL GOV profile for CloudEvents 1.1: what it adds to CloudEvents, for producers in the Dutch public sector."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from instroom_contracts.schemas import FOLDER, schema
from instroom_contracts.topology import EVENTS, TYPES
from tests.unit.contracts.conformance.messages import ATTRIBUTES, refused

PROJECT = FOLDER.parents[1]
FACTS = [type for type, listed in TYPES.items() if listed.exchange == EVENTS]


def page(path: str) -> str:
    """Return a page of the documentation as one line."""
    return " ".join((PROJECT / Path(path)).read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    "source", ["https://example.org/events/1", "http://example.org", "mailto:info@example.org", "/events/1"]
)
def test_source_is_no_reference_to_data_elsewhere(source: str) -> None:
    """Context Attributes, source: MUST NOT be used to reference an external data location."""
    assert refused(source=source) == ["/source"]


def test_source_is_a_urn_of_nld_with_the_organisation_and_its_system() -> None:
    """Context Attributes, source (SHOULD): here it is a rule, for what is sent and for what is read."""
    form = r"urn:nld:[a-z0-9-]+:[A-Za-z0-9._~-]+(:[A-Za-z0-9._~-]+)*"
    assert all(re.fullmatch(form, attributes["source"]) for attributes in ATTRIBUTES.values())
    assert refused(source="urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66") == ["/source"]


def test_type_is_in_reverse_domain_name_notation() -> None:
    """Context Attributes, type: first the general; a domain in the plural, no name of an organisation."""
    assert all(type.startswith("nl.enrolments.") for type in TYPES)
    assert refused(type="enrolment-requested.enrolments.nl") == ["/type"]


def test_type_has_a_single_version_number_prefixed_by_v() -> None:
    """Context Attributes, type: if versioning is used."""
    assert all(re.fullmatch(r"nl\.enrolments\.[a-z]+(-[a-z]+)*\.v[1-9][0-9]*", type) for type in TYPES)
    for type in ("nl.enrolments.enrolment-requested.1", "nl.enrolments.enrolment-requested.v1.2"):
        assert refused(type=type) == ["/type"]


@pytest.mark.parametrize("type", TYPES)
def test_every_type_is_explained_to_its_consumers(type: str) -> None:
    """Context Attributes, type: producers MUST facilitate requests for information and explain the exact meaning."""
    assert len(schema(type)["description"]) > 20
    assert f"`{type}`" in page("docs/integrating.md")


@pytest.mark.parametrize("type", FACTS)
def test_a_fact_leads_to_the_explanation_of_its_type(type: str) -> None:
    """Context Attributes, type: `dataschema` is the `$id` of the schema that holds it."""
    assert ATTRIBUTES[type]["dataschema"] == schema(type)["$id"]


def test_the_meaning_of_time_is_documented() -> None:
    """Context Attributes, time: MUST be clearly documented; that of a request departs from the profile's SHOULD."""
    assert "`time` is the moment of the participant's request" in page("docs/integrating.md")
    assert "`time` is the moment of the participant's request" in page("contracts/README.md")
    assert "the time of recording" in page("contracts/CONFORMANCE.md")


def test_data_is_json() -> None:
    """Context Attributes, datacontenttype (SHOULD)."""
    assert {attributes["datacontenttype"] for attributes in ATTRIBUTES.values()} == {"application/json"}


def test_attributes_hold_no_personal_data() -> None:
    """Privacy and Security (SHOULD NOT): no mail address, and no eight or nine digits that could be a BSN."""
    for attributes in ATTRIBUTES.values():
        assert "@" not in str(attributes)
        assert not re.search(r"(?<!\d)\d{8,9}(?!\d)", str(attributes.get("subject")))
    assert refused(subject="robin.jansen@example.org") == refused(subject="123456782") == ["/subject"]

"""The envelope keeps every rule of the wire."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from instroom_contracts import cloudevent
from instroom_contracts.cloudevent import STRUCTURED, InvalidEvent, decode, type_of
from instroom_contracts.enrolment import EnrolmentConfirmed
from instroom_contracts.intake import EnrolmentRequested
from instroom_contracts.schemas import FOLDER
from tests.unit.contracts.builders import LEFT_OUT, WEBSITE, envelope, pointers, problems, read, refusal, request

FACT = json.loads((FOLDER.parent / "samples" / "nl.enrolments.enrolment-confirmed.v1.json").read_text(encoding="utf-8"))


def test_the_smallest_event_is_read() -> None:
    """What the wire calls optional must be optional."""
    event = read(envelope())
    assert (event.source, event.data.edition_id, event.data.participant.language) == (WEBSITE, "voorbeeld-2021", "nl")


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "time", "data"])
def test_a_required_attribute_is_missed(name: str) -> None:
    """Without any one of these an event cannot be decided or answered."""
    assert pointers(envelope(**{name: LEFT_OUT})) == [f"/{name}"]


@pytest.mark.parametrize("id", ["a", "x" * 64, "réf 12/2021", "😀" * 64])
def test_an_id_of_1_to_64_characters_is_taken(id: str) -> None:
    """Senders choose their ids; length counts characters, not bytes."""
    assert read(envelope(id=id)).id == id


@pytest.mark.parametrize("id", ["", "x" * 65, "robin@example.org", "a\nb", "a\x00b", 7, None, ["a"]])
def test_any_other_id_is_refused(id: object) -> None:
    """An id is a key in the database and a property on the bus, and never a mail address."""
    assert pointers(envelope(id=id)) == ["/id"]


@pytest.mark.parametrize("source", [WEBSITE, "urn:nld:kvk:12345678", "urn:nld:gemeente-code:0014:formulier"])
def test_a_source_of_the_nl_gov_profile_is_taken(source: str) -> None:
    """The registry is open: OIN, KvK and others."""
    assert read(envelope(source=source)).source == source


@pytest.mark.parametrize(
    "source",
    ["", "website", "https://example.org", "urn:nld:oin", "urn:nld:oin:", "urn:nld:oin:1::x", "urn:uuid:1:2",
     "urn:nld:oin:1 2", "urn:nld:oin:robin@example.org", WEBSITE + "\n", "urn:nld:oin:" + "1" * 250],
)  # fmt: skip
def test_any_other_source_is_refused(source: str) -> None:
    """Source and id are the idempotency key and say who owns an enrolment."""
    assert pointers(envelope(source=source)) == ["/source"]


def test_the_type_must_be_the_one_that_belongs_here() -> None:
    """A message under the wrong routing key gets that answer, not a list of fields that it lacks."""
    other = "nl.enrolments.enrolment-cancellation-requested.v1"
    error = refusal(lambda: read(envelope(type=other, data={"enrolmentId": "x"})))
    assert [problem.pointer for problem in error.problems] == ["/type"]
    assert error.type == other
    assert type_of(EnrolmentRequested) in error.problems[0].detail


def test_the_type_must_be_the_one_that_belongs_here_even_if_the_data_fits() -> None:
    """The next major version may look the same and mean something else."""
    assert pointers(envelope(type="nl.enrolments.enrolment-requested.v2")) == ["/type"]


@pytest.mark.parametrize("type", ["enrolment-requested", "nl.enrolments.EnrolmentRequested.v1", "nl.enrolments.x.v0"])
def test_a_type_has_its_form(type: str) -> None:
    """The type is the routing key."""
    assert pointers(envelope(type=type)) == ["/type"]


@pytest.mark.parametrize("version", ["0.3", "1.1", 1.0])
def test_only_specversion_1_0_is_spoken(version: object) -> None:
    """CloudEvents 1.0 requires exactly this."""
    assert pointers(envelope(specversion=version)) == ["/specversion"]


@pytest.mark.parametrize(
    "time",
    ["2021-05-20T09:30:00Z", "2021-05-20t09:30:00z", "2021-05-20T11:30:00+02:00", "2021-05-20T09:30:00.123456789Z",
     "2020-02-29T00:00:00-00:00"],
)  # fmt: skip
def test_a_time_of_rfc_3339_is_taken(time: str) -> None:
    """RFC 3339 section 5.6, lower case included."""
    assert read(envelope(time=time)).time.utcoffset() is not None


@pytest.mark.parametrize(
    "time",
    ["2021-05-20 09:30:00Z", "2021-05-20T09:30:00", "2021-05-20T09:30Z", "2021-05-20", "2021-05-20T09:30:00+0200",
     "2021-05-20T09:30:00+02", "2021-05-20T09:30:00,5Z", "2021-W20-4T09:30:00Z", "20210520T093000Z", "1621503000", "",
     "2021-02-29T09:30:00Z", "2021-05-20T24:30:00Z", "0001-01-01T00:00:00+01:00", "2021-05-20T09:30:00Z\n",
     "٢٠٢١-05-20T09:30:00Z", 1621503000, 1621503000.5, None, True],
)  # fmt: skip
def test_any_other_time_is_refused(time: object) -> None:
    """The time decides deadlines: nothing about it may be guessed."""
    assert pointers(envelope(time=time)) == ["/time"]


def test_the_offset_is_kept() -> None:
    """An integrator sees the time as the sender wrote it."""
    assert read(envelope(time="2021-05-20T11:30:00+02:00")).time.utcoffset() == timedelta(hours=2)


def test_a_request_may_be_five_minutes_ahead_of_our_clock() -> None:
    """Clocks differ a little."""
    assert read(envelope(time="2021-05-20T09:35:00Z"))


def test_a_request_from_the_future_is_refused() -> None:
    """A time of one's own choice would reach before a deadline that is yet to come."""
    assert pointers(envelope(time="2021-05-20T09:35:01Z")) == ["/time"]


def test_without_the_rule_a_request_from_the_future_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: nothing else keeps it out."""
    monkeypatch.setattr(cloudevent, "MOST_AHEAD", timedelta(days=1))
    assert read(envelope(time="2021-05-21T09:30:00Z"))


def test_without_now_the_clock_judges_the_future() -> None:
    """A caller who forgets `now` must not lose the rule."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    with pytest.raises(InvalidEvent):
        decode(json.dumps(envelope(time=tomorrow)).encode(), model=EnrolmentRequested, content_type=STRUCTURED)


def test_a_fact_ahead_of_our_clock_is_read() -> None:
    """The rule protects deadlines of requests; an integrator whose clock is slow must still hear the facts."""
    assert read(FACT, EnrolmentConfirmed, now=datetime(2020, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "subject", ["voorbeeld-2021", "voorbeeld-2021/start", "1b4e28ba-2fa1-11d2-883f-0016d3cca427", None]
)
def test_a_subject_is_an_opaque_id(subject: str | None) -> None:
    """A session is named by its edition and itself; JSON null is an attribute that is not set."""
    assert read(envelope(subject=subject)).subject == subject


@pytest.mark.parametrize("subject", ["", "Robin Jansen", "robin@example.org", "123456782", "12345678", "a\nb"])
def test_a_subject_that_may_be_personal_is_refused(subject: str) -> None:
    """Subjects are logged and travel with facts: no name, mail address or citizen service number."""
    assert pointers(envelope(subject=subject)) == ["/subject"]


@pytest.mark.parametrize("content", ["application/json", "Application/JSON; charset=utf-8", None])
def test_data_may_say_that_it_is_json(content: str | None) -> None:
    """Absent means JSON in the JSON format of CloudEvents."""
    assert read(envelope(datacontenttype=content)).datacontenttype == content


@pytest.mark.parametrize("content", ["text/xml", "application/jsonx", "application/cloudevents+json", ""])
def test_data_of_another_kind_is_refused(content: str) -> None:
    """Nothing else is understood."""
    assert pointers(envelope(datacontenttype=content)) == ["/datacontenttype"]


def test_a_malformed_traceparent_is_refused() -> None:
    """It is passed on into facts, where free text could carry anything."""
    good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert read(envelope(traceparent=good)).traceparent == good
    assert pointers(envelope(traceparent="robin")) == ["/traceparent"]


def test_unknown_attributes_are_extensions_and_kept() -> None:
    """CloudEvents lets every sender add attributes."""
    event = read(envelope(tracestate="a=1", sequence="7", sampled=True, attempt=2, empty="", unset=None))
    assert event.model_extra == {
        "tracestate": "a=1", "sequence": "7", "sampled": True, "attempt": 2, "empty": "", "unset": None,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["dataRef", "data_ref", "x-trace", "", "é"])
def test_an_illegal_attribute_name_is_refused_and_not_repeated(name: str) -> None:
    """CloudEvents 1.0: lower-case letters and digits; an unknown name may be personal data."""
    (problem,) = problems(envelope(**{name: "x"}))
    assert problem.pointer == ""
    assert not name or name not in problem.detail


@pytest.mark.parametrize("value", [1.5, [], {}, "a\nb", 2**31])
def test_an_extension_without_a_cloudevents_type_is_refused(value: object) -> None:
    """CloudEvents knows texts, booleans and integers of 32 bits in JSON."""
    assert pointers(envelope(custom=value)) == [""]


def test_unknown_fields_in_a_request_are_refused() -> None:
    """A misspelt field must not be lost in silence."""
    assert pointers(envelope(data=request(sessionIDs=["start"]))) == ["/data"]


def test_field_names_on_the_wire_are_camel_case_only() -> None:
    """Python's own names are not a second spelling: both at once would hide which one counts."""
    assert pointers(envelope(data=request(session_ids=["start"]))) == ["/data"]


def test_unknown_fields_in_a_fact_are_ignored() -> None:
    """New fields may be added within a major version."""
    place = {**FACT["data"]["places"][0], "room": "B12"}
    data = read({**FACT, "data": {**FACT["data"], "places": [place], "colour": "blue"}}, EnrolmentConfirmed).data
    assert data.places[0].session_id == "start"


def test_json_types_are_strict() -> None:
    """The text "true" is no boolean."""
    assert pointers(envelope(data=request(allOrNothing="true"))) == ["/data/allOrNothing"]


def test_a_message_of_64_kib_is_read_and_one_byte_more_is_not() -> None:
    """The limit is checked before anything is parsed."""
    body = json.dumps(envelope()).encode().ljust(65_536)
    assert decode(body, model=EnrolmentRequested, content_type=STRUCTURED)
    error = refusal(lambda: decode(body + b" ", model=EnrolmentRequested, content_type=STRUCTURED))
    assert (error.reason, error.id) == ("too-large", None)


def test_without_the_limit_a_larger_message_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: the parser itself takes any length."""
    monkeypatch.setattr(cloudevent, "MOST_BYTES", 100_000)
    assert decode(json.dumps(envelope()).encode().ljust(70_000), model=EnrolmentRequested, content_type=STRUCTURED)


@pytest.mark.parametrize("body", [b"", b"{", b'{"id": }', b"\xff\xfe", b"\xef\xbb\xbf{}", b"{} {}", b"[" * 60_000])
def test_what_is_no_json_is_told_apart(body: bytes) -> None:
    """The operator sees at once that a sender does not even send JSON."""
    error = refusal(lambda: decode(body, model=EnrolmentRequested, content_type=STRUCTURED))
    assert (error.reason, len(error.problems)) == ("not-json", 1)


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"text"'])
def test_json_that_is_no_object_is_no_event(body: bytes) -> None:
    """It is JSON all right."""
    error = refusal(lambda: decode(body, model=EnrolmentRequested, content_type=STRUCTURED))
    assert (error.reason, [problem.pointer for problem in error.problems]) == ("invalid-event", [""])


def test_a_refusal_knows_whom_to_answer() -> None:
    """Every request whose id and source can be read gets an answer."""
    error = refusal(lambda: read(envelope(data={})))
    assert (error.id, error.source, error.type) == (envelope()["id"], WEBSITE, type_of(EnrolmentRequested))


def test_a_refusal_does_not_pass_on_an_invalid_identity() -> None:
    """What is invalid must not reach a fact by way of the answer."""
    error = refusal(lambda: read(envelope(id="robin@example.org", source="robin", type="x")))
    assert (error.id, error.source, error.type) == (None, None, None)

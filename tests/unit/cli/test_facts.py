"""Facts as people read them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cli.facts import Fact, Selection, line, saying
from tests.unit.cli.builders import ASKER, fact, place

FULL = fact(
    "session-full",
    {"editionId": "week", "sessionId": "start", "capacity": 20, "confirmed": 20, "queued": 3, "sessionVersion": 24},
    answers="request-1",
)


def test_a_fact_fits_on_one_line() -> None:
    """What scrolls by must be taken in at a glance."""
    said = line(FULL)
    assert "session-full" in said
    assert "week/start  20 of 20 confirmed, 3 queued (v24)" in said


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        (
            "enrolment-queued",
            {"enrolmentId": "e1", "places": [place("start", "confirmed", 1), place("ronde", "queued", 2, 4)]},
            "e1: start confirmed, ronde queued at 4",
        ),
        (
            "enrolment-confirmed",
            {
                "enrolmentId": "e1",
                "places": [],
                "companions": [{"enrolmentId": "e2", "places": [place("ronde", "confirmed", 3)]}],
            },
            "e1: ; companion e2: ronde confirmed",
        ),
        ("enrolment-rejected", {"reason": "queue-full", "detail": "Vol."}, "queue-full: Vol."),
        (
            "place-released",
            {"enrolmentId": "e1", "cause": "cancellation", "enrolmentState": "cancelled", "sessionVersion": 9},
            "e1 by cancellation, enrolment cancelled (v9)",
        ),
        ("invite-sent", {"enrolmentId": "e1", "method": "REQUEST", "sequence": 0}, "e1 REQUEST 0"),
        ("invite-failed", {"enrolmentId": "e1", "reason": "refused", "attempts": 3}, "e1, refused after 3 attempts"),
        ("edition-published", {"version": 2, "state": "open", "sessions": [{}]}, "version 2, open, 1 sessions"),
        ("something-new", {"editionId": "week", "count": 3, "nested": {}}, "count=3"),
    ],
)
def test_each_kind_says_what_it_comes_to(name: str, data: dict[str, object], said: str) -> None:
    """Also a kind that this version does not know."""
    assert saying(fact(name, data)) == said


def test_what_is_no_event_is_passed_over() -> None:
    """The tail must not stop at somebody's test message."""
    assert [Fact.read(body) for body in (b"\xff", b"[]", b'{"data": 3}', b"{")] == [None] * 4
    assert Fact.read(json.dumps(FULL.event).encode()) == FULL


@pytest.mark.parametrize("typed", ["SessionFull", "session-full", "session-full.v1", "nl.enrolments.session-full.v1"])
def test_a_type_may_be_typed_in_any_of_its_forms(typed: str) -> None:
    """The documentation has class names, the wire has types."""
    assert Selection.of([typed], [], []).takes(FULL)
    assert not Selection.of([typed], [], []).takes(fact("session-reopened", {}))


def test_selections_narrow_each_other() -> None:
    """Type, edition and request together."""
    assert Selection.of([], ["week"], ["request-1"]).takes(FULL)
    assert not Selection.of([], ["other"], ["request-1"]).takes(FULL)
    assert not Selection.of([], ["week"], ["request-2"]).takes(FULL)


def test_the_form_of_a_fact_is_all_of_it() -> None:
    """An audit compares tellings: order of keys makes no difference, anything else does."""
    turned = Fact(dict(sorted(FULL.attributes.items())), dict(sorted(FULL.data.items(), reverse=True)))
    assert turned.digest == FULL.digest
    assert Fact(FULL.attributes, {**FULL.data, "queued": 4}).digest != FULL.digest


def test_a_provider_is_told_by_the_envelope_or_the_edition() -> None:
    """An edition's fact named it in its data before facts did in their envelope."""
    theirs = Selection.of([], [], [], ["cmo-stamm"])
    assert theirs.takes(fact("session-full", {}, provider="cmo-stamm"))
    assert theirs.takes(fact("edition-published", {"provider": "cmo-stamm"}))
    assert not theirs.takes(fact("session-full", {}, provider="berenschot"))
    assert not theirs.takes(fact("session-full", {}))


def test_an_owner_is_the_source_that_it_is_about() -> None:
    """Whoever caused it."""
    own = Selection.of([], [], [], [], [ASKER])
    assert own.takes(fact("place-confirmed", {}, ownersource=ASKER))
    assert not own.takes(fact("place-confirmed", {}, ownersource="urn:nld:oin:1:hr"))


def test_a_span_of_time_has_its_first_moment_and_not_its_last() -> None:
    """So that one span follows another."""
    at, second = datetime(2021, 5, 20, 9, 30, tzinfo=UTC), timedelta(seconds=1)
    plain = Selection.of([], [], [])
    for since, until, taken in [
        (at, None, True),
        (at + second, None, False),
        (None, at, False),
        (at, at + second, True),
    ]:
        assert replace(plain, since=since, until=until).takes(FULL) is taken
    assert replace(plain, since=at).takes(Fact({"time": "2021-05-20T09:30:00"}, {})), "not ours to judge"

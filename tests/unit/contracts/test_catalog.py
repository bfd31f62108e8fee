"""The public edition, as clients already read it."""

from __future__ import annotations

import json
from typing import Any

from instroom_contracts.catalog import Audience, Choice, Edition, EditionPublished, Price, Session
from instroom_contracts.cloudevent import encode, new_event

PUBLISHED: dict[str, Any] = {
    "editionId": "cmo-stamm-participatie-2021",
    "programmeId": "cmo-stamm-participatie",
    "provider": "cmo-stamm",
    "version": 3,
    "title": "Participatie",
    "kind": "open",
    "state": "open",
    "deadline": {"at": "2021-05-21T23:59:59.999+02:00", "text": "tot 21 mei"},
    "sessions": [
        {"sessionId": "werksessie", "title": "Werksessie", "attendance": "everyone", "form": "online"},
    ],
}


def edition() -> EditionPublished:
    """Return an edition with what is required only."""
    return EditionPublished.model_validate_json(json.dumps(PUBLISHED))


def test_what_an_edition_leaves_out_has_its_meaning() -> None:
    """No price known, nobody kept out, nothing to choose, no limits, no date yet."""
    read = edition()
    assert (read.price, read.audience, read.choice) == (Price(kind="unknown"), Audience(), Choice(minimum=0, maximum=0))
    assert (read.sessions[0].capacity, read.sessions[0].starts_at, read.sessions[0].audience) == (None, None, None)


def test_null_is_said_where_it_means_something() -> None:
    """Clients read `capacity: null` as no limit; other empty fields are left out."""
    told = json.loads(encode(new_event(edition(), source="urn:nld:kvk:12345678")).body)["data"]
    assert told["price"] == {"kind": "unknown"}
    assert told["sessions"][0] == {
        "sessionId": "werksessie", "title": "Werksessie", "attendance": "everyone", "form": "online",
        "startsAt": None, "endsAt": None, "capacity": None, "queueLimit": None, "audience": None, "location": None,
        "state": "planned", "companion": "none",
    }  # fmt: skip


def test_a_deadline_keeps_its_instant_and_its_words() -> None:
    """The instant decides; the words are what people were promised."""
    deadline = edition().deadline
    assert deadline is not None
    assert (deadline.at.microsecond, deadline.text) == (999_000, "tot 21 mei")


def test_a_published_edition_is_the_submitted_one_with_a_version() -> None:
    """The catalogue adds nothing else."""
    assert set(EditionPublished.model_fields) - set(Edition.model_fields) == {"version"}
    assert "version" not in Edition.model_fields


def test_a_session_may_have_hours_without_a_date() -> None:
    """One source gives 17:00-22:00 and no day."""
    given = {**PUBLISHED["sessions"][0], "hours": "17:00-22:00"}
    assert Session.model_validate_json(json.dumps(given)).hours == "17:00-22:00"

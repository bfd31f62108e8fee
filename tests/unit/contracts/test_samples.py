"""Messages of the past are read for ever: each sample parses, and says the same when it is sent again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from instroom_contracts.cloudevent import STRUCTURED, decode, encode
from instroom_contracts.schemas import FOLDER
from instroom_contracts.topology import TYPES

SAMPLES = FOLDER.parent / "samples"


def holds(whole: Any, part: Any) -> bool:
    """Tell whether a JSON value has everything that another has; it may have more fields."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(name in whole and holds(whole[name], value) for name, value in part.items())
    if isinstance(whole, list) and isinstance(part, list):
        return len(whole) == len(part) and all(map(holds, whole, part))
    return bool(whole == part)


EARLIER = sorted(Path(__file__).parent.glob("earlier/*/*.json"))
"""Samples of a release, in a folder of its number, where those of now have more."""


def test_every_event_has_a_sample() -> None:
    """An integrator sees what to expect without running anything."""
    assert {path.stem for path in SAMPLES.glob("*.json")} == set(TYPES)


@pytest.mark.parametrize("type", TYPES)
def test_a_sample_is_read_and_loses_nothing(type: str) -> None:
    """Readers may know more fields than the sample has, never fewer."""
    body = (SAMPLES / f"{type}.json").read_bytes()
    event = decode(body, model=TYPES[type].model, content_type=STRUCTURED)
    assert event.type == type
    assert holds(json.loads(encode(event).body), json.loads(body))


@pytest.mark.parametrize("path", EARLIER, ids=lambda path: f"{path.parent.name} {path.stem}")
def test_what_an_earlier_release_told_is_read_and_loses_nothing(path: Path) -> None:
    """Facts of 400 days stand in the replay stream, and requests wait while a service is replaced."""
    body = path.read_bytes()
    event = decode(body, model=TYPES[path.stem].model, content_type=STRUCTURED)
    assert holds(json.loads(encode(event).body), json.loads(body))


@pytest.mark.parametrize("type", TYPES)
def test_a_sample_has_every_field_of_its_data(type: str) -> None:
    """A field without an example is a field that nobody tried."""
    sample = json.loads((SAMPLES / f"{type}.json").read_text(encoding="utf-8"))
    optional_elsewhere = {"nl.enrolments.enrolment-queued.v1": {"companions"}}
    fields = set(json.loads((FOLDER / f"{type}.json").read_text(encoding="utf-8"))["properties"])
    assert fields - sample["data"].keys() == optional_elsewhere.get(type, set())


@pytest.mark.parametrize("path", [*sorted(SAMPLES.glob("*.json")), *EARLIER], ids=lambda path: path.stem)
def test_samples_are_made_up(path: Path) -> None:
    """No real person's address stands in the repository."""
    for word in path.read_text(encoding="utf-8").split('"'):
        assert "@" not in word or word.rstrip(">").endswith("example.org")

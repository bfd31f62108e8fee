"""What was stored before there was one codec is read as it was meant, and would be written as it was."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import bson
import pytest
from bson import json_util
from bson.codec_options import CodecOptions

from chassis.documents import Document, Kind

READS = CodecOptions[Document](tz_aware=True)
KEPT: list[dict[str, Any]] = json_util.loads(Path(__file__).with_name("kept.json").read_text(encoding="utf-8"))
"""Documents as the code wrote them that mapped each kind by hand, or while the service ran."""
MODULES = {
    "enrolment": "services.enrolment.storage.kinds",
    "notification": "services.notification.storage.kinds",
    "due": "chassis.due",
    "allowances": "chassis.allowances",
    "senders": "chassis.senders",
}


def kind_named(name: str) -> Kind[Any]:
    """Return a kind by its service, or its module in the chassis, and its name there."""
    where, _, kind = name.partition(".")
    found: Kind[Any] = getattr(import_module(MODULES[where]), kind)
    return found


def through_the_database(document: Document) -> Document:
    """Return a document as MongoDB would give it back; what has no order in a form that can be compared."""
    stored = bson.decode(bson.encode(document), READS)
    return stored | ({"heldIn": sorted(stored["heldIn"])} if "heldIn" in stored else {})


@pytest.mark.parametrize("row", KEPT, ids=lambda row: f"{row['kind']} {row['document']['_id']}")
def test_a_document_of_before_is_read_and_would_be_written_the_same(row: dict[str, Any]) -> None:
    """A field that went by another name would be lost, and everything that is decided on it; there may be more now."""
    kind, stored = kind_named(row["kind"]), through_the_database(row["document"])
    written = {"_id": stored["_id"], "revision": stored["revision"], **kind.write(kind.read(stored))}
    now = through_the_database(written)
    assert {name: now[name] for name in stored} == stored
    assert {name: value for name, value in now.items() if name not in stored and value} == {}


@pytest.mark.parametrize("service", ["enrolment", "notification"])
def test_there_is_one_of_each_kind(service: str) -> None:
    """A kind that is not compared may have changed."""
    module = import_module(MODULES[service])
    kinds = {name for name, value in vars(module).items() if isinstance(value, Kind) and value.collection != "due"}
    assert kinds == {row["kind"].partition(".")[2] for row in KEPT if row["kind"].startswith(service)}

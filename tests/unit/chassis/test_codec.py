"""How a value is kept: under the wire's names, and read as nothing but what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import bson
import pytest
from bson.codec_options import CodecOptions
from cattrs import override

from chassis.codec import IN_PAIRS, kept_in
from chassis.documents import Document

READS = CodecOptions[Document](tz_aware=True)
NOW = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A part of a book."""

    id: str
    stamped_at: datetime


@dataclass(frozen=True, slots=True)
class Book:
    """A value with a field of every sort."""

    id: str
    shelf: tuple[str, str]
    copies: int
    weight: float
    is_lent: bool
    state: Literal["old", "new"]
    notes: Mapping[str, str | bool]
    tags: tuple[tuple[str, int], ...]
    stamps: tuple[Stamp, ...] = ()
    lent_to: str | None = None


JOINED = override(unstruct_hook="/".join, struct_hook=lambda kept, _: tuple(kept.split("/")))
BOOKS = kept_in(
    "books",
    Book,
    personal=("lentTo",),
    overrides={"notes": IN_PAIRS, "shelf": JOINED},
    also=lambda book: {"stampedBy": [stamp.id for stamp in book.stamps]},
)
BOOK = Book(
    id="b1",
    shelf=("noord", "2"),
    copies=3,
    weight=1.5,
    is_lent=True,
    state="new",
    notes={"$ref": "x", "a.b": True},
    tags=(("red", 1), ("large", 2)),
    stamps=(Stamp("s1", NOW),),
    lent_to="kim",
)
KEPT: Document = {
    "_id": "b1",
    "shelf": "noord/2",
    "copies": 3,
    "weight": 1.5,
    "isLent": True,
    "state": "new",
    "notes": [["$ref", "x"], ["a.b", True]],
    "tags": [["red", 1], ["large", 2]],
    "stamps": [{"id": "s1", "stampedAt": NOW}],
    "lentTo": "kim",
    "stampedBy": ["s1"],
}


def test_a_value_is_kept_under_the_names_of_the_wire() -> None:
    """Whoever looks into the database meets one set of names; the id is the document's own."""
    kept = bson.decode(bson.encode({"_id": "b1", **BOOKS.write(BOOK)}), READS)
    assert kept == KEPT
    assert list(kept) == list(KEPT), "in the order of its fields"
    assert BOOKS.read(kept) == BOOK


def test_what_a_document_lacks_has_its_default_and_what_it_has_besides_is_passed_over() -> None:
    """So a field may be added, and read from what was written before there was one; and the other way around."""
    lacking = {name: value for name, value in KEPT.items() if name not in {"stamps", "lentTo", "stampedBy"}}
    read = BOOKS.read({**lacking, "revision": 4, "from": "another release"})
    assert (read.stamps, read.lent_to) == ((), None)


def test_a_field_without_a_default_must_be_there() -> None:
    """Nothing is made up."""
    with pytest.raises(KeyError):
        BOOKS.read({name: value for name, value in KEPT.items() if name != "copies"})


@pytest.mark.parametrize(
    "spoilt",
    [
        {"_id": 7},
        {"copies": "3"},
        {"copies": True},
        {"copies": 3.5},
        {"copies": None},
        {"weight": "heavy"},
        {"isLent": 1},
        {"isLent": "yes"},
        {"state": "lost"},
        {"lentTo": 5},
        {"stamps": [{"id": None, "stampedAt": NOW}]},
        {"stamps": [{"id": "s1", "stampedAt": "today"}]},
        {"stamps": None},
        {"stamps": ""},
        {"stamps": {}},
        {"stamps": {"id": "s1"}},
        {"tags": "abc"},
        {"tags": [["a", "b", "c"]]},
        {"tags": [["a"]]},
        {"tags": ["ab"]},
    ],
    ids=str,
)
def test_what_is_of_another_type_is_not_taken_for_a_value(spoilt: dict[str, Any]) -> None:
    """Read as if it were one, it would be decided upon; and written back, it would stay."""
    with pytest.raises((TypeError, ValueError)):
        BOOKS.read({**KEPT, **spoilt})


def test_a_whole_number_is_a_number() -> None:
    """MongoDB's shell writes 2 where 2.0 was meant, and a driver reads a long as a type of its own."""
    assert BOOKS.read({**KEPT, "weight": 2, "copies": bson.Int64(4)}).copies == 4


def test_an_error_tells_no_value() -> None:
    """It is logged, and what is kept may be about a person."""
    for field in ("lentTo", "copies", "state", "stamps"):
        with pytest.raises((TypeError, ValueError)) as error:
            BOOKS.read({**KEPT, field: ("robin.jansen@example.org",)})
        assert "robin" not in str(error.value)

"""A change of a schema is judged as those see it who write or read by the old one."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from instroom_contracts.schemas import schema_text
from instroom_contracts.topology import TYPES
from publishing.compatibility import Kind, changes

Schema = dict[str, Any]

NAME = {"type": "string", "maxLength": 100}
PLACE = {"type": "object", "properties": {"seat": {"type": "integer", "minimum": 1}}, "required": ["seat"]}
NARROWER, WIDER, BOTH = Kind.NARROWER, Kind.WIDER, Kind.BOTH


def record(*required: str, **properties: Any) -> Schema:
    """Return the schema of an object."""
    return {"type": "object", "properties": properties, "required": [*required]}


def closed(schema: Schema) -> Schema:
    """Refuse unknown fields."""
    return schema | {"additionalProperties": False}


def maybe(schema: Schema, default: object = None) -> Schema:
    """Allow null, as pydantic writes an optional field."""
    return {"anyOf": [schema, {"type": "null"}], "default": default}


JUDGED: dict[str, tuple[Schema, Schema, Kind | None, str]] = {
    "a new optional field": (record(), record(a=maybe(NAME)), None, ""),
    "a new optional field, closed": (closed(record()), closed(record(a=NAME)), WIDER, "/a"),
    "a new required field": (record(), record("a", a=NAME), NARROWER, "/a"),
    "a field that goes": (record(a=NAME), record(), BOTH, "/a"),
    "an optional field that is required": (record(a=NAME), record("a", a=NAME), NARROWER, "/a"),
    "a required field that is optional": (record("a", a=NAME), record(a=NAME), WIDER, "/a"),
    "a field of another name": (record(a=NAME), record(b=NAME), BOTH, "/a"),
    "another type": (record(a=NAME), record(a={"type": "integer"}), BOTH, "/a"),
    "a number for an integer": (record(a={"type": "integer"}), record(a={"type": "number"}), WIDER, "/a"),
    "an integer for a number": (record(a={"type": "number"}), record(a={"type": "integer"}), NARROWER, "/a"),
    "any type for one": (record(a=NAME), record(a={}), WIDER, "/a"),
    "a type for any": (record(a={}), record(a={"type": "string"}), NARROWER, "/a"),
    "null allowed": (record(a=NAME), record(a=maybe(NAME)), WIDER, "/a"),
    "null no longer allowed": (record(a=maybe(NAME)), record(a=NAME), NARROWER, "/a"),
    "a shorter text": (record(a=NAME), record(a=NAME | {"maxLength": 50}), NARROWER, "/a"),
    "a longer text": (record(a=NAME), record(a=NAME | {"maxLength": 200}), WIDER, "/a"),
    "no bound any more": (record(a=NAME), record(a={"type": "string"}), WIDER, "/a"),
    "a bound that was none": (record(a=NAME), record(a=NAME | {"minLength": 1}), NARROWER, "/a"),
    "a lower bound that sinks": ({"minimum": 1}, {"minimum": 0}, WIDER, ""),
    "a lower bound that rises": ({"minItems": 1}, {"minItems": 2}, NARROWER, ""),
    "another pattern": ({"pattern": "^a$"}, {"pattern": "^a+$"}, BOTH, ""),
    "a pattern that was none": ({}, {"pattern": "^a$"}, NARROWER, ""),
    "no format any more": ({"format": "date-time"}, {}, WIDER, ""),
    "a closed list that grows": ({"enum": ["a"]}, {"enum": ["a", "b"]}, WIDER, ""),
    "a closed list that shrinks": ({"enum": ["a", "b"]}, {"enum": ["a"]}, NARROWER, ""),
    "a closed list that opens": ({"enum": ["a"]}, {"examples": ["a"]}, WIDER, ""),
    "an open list that closes": ({"examples": ["a"]}, {"enum": ["a"]}, NARROWER, ""),
    "an open list that grows": ({"examples": ["a"]}, {"examples": ["a", "b"]}, None, ""),
    "unknown fields refused": (record(), closed(record()), NARROWER, ""),
    "unknown fields taken": (closed(record()), record(), WIDER, ""),
    "another default": (record(a=NAME | {"default": "nl"}), record(a=NAME | {"default": "en"}), BOTH, "/a"),
    "another description": (record(a=NAME), record(a=NAME | {"description": "A name.", "title": "A"}), None, ""),
    "another $id": ({"$id": "urn:a"}, {"$id": "urn:b"}, BOTH, ""),
    "deep in a list": (
        record(a={"type": "array", "items": PLACE}),
        record(a={"type": "array", "items": record("seat", seat={"type": "integer", "minimum": 2})}),
        NARROWER,
        "/a/*/seat",
    ),
    "in what is referred to": (
        {"$defs": {"P": PLACE}, **record(a={"$ref": "#/$defs/P"})},
        {"$defs": {"P": record("seat", seat={"type": "integer"})}, **record(a={"$ref": "#/$defs/P"})},
        WIDER,
        "/a/seat",
    ),
    "written out instead of referred to": (
        {"$defs": {"P": PLACE}, **record(a=maybe({"$ref": "#/$defs/P"}))},
        record(a=maybe(PLACE)),
        None,
        "",
    ),
    "in a list of pairs": (
        {"additionalProperties": {"maxLength": 9}, "propertyNames": {"maxLength": 9}},
        {"additionalProperties": {"maxLength": 9}, "propertyNames": {"maxLength": 8}},
        NARROWER,
        "/*",
    ),
    "values of a pattern": ({"patternProperties": {"a": NAME}}, {"patternProperties": {"a": {}}}, WIDER, "/*"),
    "one more alternative": ({"anyOf": [NAME, PLACE]}, {"anyOf": [PLACE, NAME, {"type": "boolean"}]}, WIDER, ""),
    "one alternative less": ({"anyOf": [NAME, PLACE]}, {"anyOf": [NAME]}, NARROWER, ""),
    "alternatives in another order": ({"anyOf": [NAME, PLACE]}, {"anyOf": [PLACE, NAME]}, None, ""),
    "another list among alternatives": (
        {"anyOf": [NAME, {"items": {"type": "boolean"}}, {"items": {"type": "boolean"}}]},
        {"anyOf": [NAME, {"items": {"type": "string"}}, {"items": {"type": "integer"}}]},
        NARROWER | WIDER,
        "",
    ),
    "a rule that is not known here": ({"multipleOf": 2}, {"multipleOf": 4}, BOTH, ""),
}


@pytest.mark.parametrize("case", JUDGED)
def test_a_change_is_judged(case: str) -> None:
    """Additions pass; whatever takes something from who writes or from who reads does not."""
    old, new, kind, pointer = JUDGED[case]
    found = changes(old, new)
    kinds = {change.kind for change in found}
    assert kinds in ([set()] if kind is None else [{kind}, set(kind)])
    assert {change.pointer for change in found} == ({pointer} if kind else set())


@pytest.mark.parametrize("type", TYPES)
def test_a_schema_gets_along_with_itself(type: str) -> None:
    """Also where it refers to its parts."""
    schema = json.loads(schema_text(TYPES[type].model))
    assert changes(schema, json.loads(json.dumps(schema))) == []


def test_a_schema_that_holds_itself_ends() -> None:
    """A tree refers to itself, and a change in it is found."""
    tree = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/T"}}, "name": NAME}}
    thin = json.loads(json.dumps(tree).replace("100", "50"))
    old, new = ({"$ref": "#/$defs/T", "$defs": {"T": schema}} for schema in (tree, thin))
    assert changes(old, old) == []
    assert {change.pointer for change in changes(old, new)} == {"/name", "/kids/*/name"}


SMALL = st.integers(0, 3)
ATOMS: list[Any] = [None, True, False, -1, 0, 1, 2, 3, 4, 0.5, "", "x", "xx", "xxx", "xxxx"]
LISTS = [list(items) for length in range(4) for items in itertools.product((0, 2, "x", None), repeat=length)]
RECORDS = [
    dict(fields)
    for names in itertools.chain.from_iterable(itertools.combinations("abc", length) for length in range(4))
    for fields in itertools.product(*([(name, value) for value in (0, 3, "", "xxx", None, [], [1])] for name in names))
]
NESTED = [wrap(inner) for inner in (*ATOMS, *LISTS[:20], *RECORDS[:30]) for wrap in (lambda i: [i], lambda i: {"a": i})]
VALUES = [*ATOMS, *LISTS, *RECORDS, *NESTED]


@st.composite
def pairs(draw: st.DrawFn, depth: int = 2) -> tuple[Schema, Schema]:
    """Draw two schemas of one shape that differ here and there."""
    kinds = ["string", "integer", "number", "boolean", "null", "enum"] + ["array", "object", "any of"] * (depth > 0)
    kind = draw(st.sampled_from(kinds))
    bounds = {"string": ("minLength", "maxLength"), "array": ("minItems", "maxItems")}
    names = bounds.get(kind, ("minimum", "maximum") if kind in {"integer", "number"} else ())
    old: Schema = {name: draw(SMALL) for name in names if draw(st.booleans())}
    new: Schema = {name: draw(SMALL) for name in names if draw(st.booleans())}
    if kind == "enum":
        lists = st.lists(st.sampled_from(["x", "xx", 1, None]), min_size=1, unique=True)
        return {"enum": draw(lists)}, {"enum": draw(lists)}
    if kind == "any of":
        drawn = draw(st.lists(pairs(depth=depth - 1), min_size=1, max_size=3))
        first, second = [one for one, _ in drawn], [other for _, other in drawn]
        return {"anyOf": first}, {"anyOf": draw(st.permutations(second))[: draw(st.integers(1, 3))]}
    if kind == "array":
        old["items"], new["items"] = draw(pairs(depth=depth - 1))
    if kind == "object":
        inner = draw(st.dictionaries(st.sampled_from("ab"), pairs(depth=depth - 1), max_size=2))
        for at, schema in enumerate((old, new)):
            schema["properties"] = {name: pair[at] for name, pair in inner.items() if draw(st.integers(0, 3))}
            schema["required"] = [name for name in schema["properties"] if draw(st.booleans())]
            schema.update({"additionalProperties": False} if draw(st.booleans()) else {})
    return {"type": kind, **old}, {"type": draw(st.sampled_from([kind] * 5 + ["string", "integer"])), **new}


def known_only(schema: Any) -> Any:
    """Refuse unknown fields everywhere: nobody sends what no schema names."""
    if isinstance(schema, list):
        return [known_only(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: known_only(value) for key, value in schema.items()}
    return inner | {"additionalProperties": False} if schema.get("type") == "object" else inner


def counterexamples(within: Schema, without: Schema) -> list[Any]:
    """Return the values that are valid for one and not for the other, by an independent validator."""
    one, other = Draft202012Validator(within), Draft202012Validator(without)
    return [value for value in VALUES if one.is_valid(value) and not other.is_valid(value)]


@settings(max_examples=60, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow], deadline=None)
@given(pair=pairs())
def test_what_is_not_narrower_takes_all_that_was_valid(pair: tuple[Schema, Schema]) -> None:
    """The promise to who writes."""
    old, new = pair
    assume(not any(change.kind & NARROWER for change in changes(old, new)))
    assert counterexamples(known_only(old), new) == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow], deadline=None)
@given(pair=pairs())
def test_what_is_not_wider_stays_within_what_was_valid(pair: tuple[Schema, Schema]) -> None:
    """The promise to who reads."""
    old, new = pair
    assume(not any(change.kind & WIDER for change in changes(old, new)))
    assert counterexamples(new, old) == []

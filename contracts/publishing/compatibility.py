"""What a change of a JSON Schema means for those who hold to the old one; knows nothing of events.

Each change is one of two kinds, or both: *narrower*, something that was valid is not valid any more, and breaks who
writes; *wider*, something is valid that was not before, and breaks who reads. A keyword that cannot be judged counts
as both. New optional fields are neither: who reads objects passes over fields that it does not know.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from enum import Flag, auto
from typing import Any, NamedTuple

Schema = Mapping[str, Any]


class Kind(Flag):
    """What a change does to the values that are valid."""

    NARROWER = auto()
    WIDER = auto()
    BOTH = NARROWER | WIDER


class Change(NamedTuple):
    """One change: where (a JSON Pointer into the value, `*` for any item or key), what happened, of which kind."""

    pointer: str
    what: str
    kind: Kind


_ANNOTATIONS = {"title", "description", "examples", "default", "$comment", "$schema", "$defs", "deprecated", "readOnly"}
_LOWER = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_UPPER = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
_WITHIN = {"properties", "required", "items", "additionalProperties", "patternProperties", "propertyNames"}
_JUDGED = _ANNOTATIONS | _WITHIN | {"type", "enum", "const"}
_ALTERNATIVES = {"anyOf", "oneOf"}


def changes(old: Schema, new: Schema) -> list[Change]:
    """List what changed between two schemas, each with its own `$defs`, that matters to who writes or reads values."""
    return list(dict.fromkeys(_Walk(old, new).compare(old, new, "")))


class _Walk:
    """Goes through two schemas side by side, with what each refers to."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old, self._new = old, new
        self._under_way: set[tuple[str, str]] = set()

    def compare(self, old: Any, new: Any, at: str) -> Iterator[Change]:
        """Compare two schemas that describe the value at a pointer."""
        pair = (_text(old), _text(new))
        if pair in self._under_way:  # a schema that holds itself
            return
        self._under_way.add(pair)
        before, after = _branches(old, self._old), _branches(new, self._new)
        yield from _defaults(old, new, at)
        yield from self._alternatives(before, after, at)
        self._under_way.discard(pair)

    def _alternatives(self, before: Sequence[Schema], after: Sequence[Schema], at: str) -> Iterator[Change]:
        yield from _nulls(any(map(_is_null, before)), any(map(_is_null, after)), at)
        old, new = ([branch for branch in branches if not _is_null(branch)] for branches in (before, after))
        if len(old) == len(new) == 1:
            yield from self._one(old[0], new[0], at)
            return
        for branch in old:
            if not any(self._covers(branch, other, Kind.NARROWER) for other in new):
                yield Change(at, f"no longer allows {_said(branch)}", Kind.NARROWER)
        for branch in new:
            if not any(self._covers(other, branch, Kind.WIDER) for other in old):
                yield Change(at, f"allows {_said(branch)} now", Kind.WIDER)

    def _covers(self, old: Schema, new: Schema, but_for: Kind) -> bool:
        found = list(self._one(old, new, ""))  # to the end, so that nothing stays under way
        return not any(change.kind & but_for for change in found)

    def _one(self, old: Schema, new: Schema, at: str) -> Iterator[Change]:
        types = list(_types(old, new, at))
        yield from types
        if any(change.kind is Kind.BOTH for change in types):
            return  # another thing altogether: its other rules say nothing more
        yield from _values(old, new, at)
        for keyword in sorted((old.keys() | new.keys()) - _JUDGED):
            yield from _keyword(keyword, old.get(keyword), new.get(keyword), at)
        yield from self._fields(old, new, at)
        yield from self._inner(old, new, at)

    def _fields(self, old: Schema, new: Schema, at: str) -> Iterator[Change]:
        before, after = old.get("properties", {}), new.get("properties", {})
        must_before, must_after = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(before.keys() - after.keys()):
            yield Change(f"{at}/{name}", "is gone", Kind.BOTH)
        for name in sorted(must_after - must_before):
            what = "is required now and was optional" if name in before else "is new and required"
            yield Change(f"{at}/{name}", what, Kind.NARROWER)
        for name in sorted((must_before - must_after) & after.keys()):
            yield Change(f"{at}/{name}", "is optional now and was always there", Kind.WIDER)
        for name in sorted(after.keys() - before.keys()) if old.get("additionalProperties") is False else ():
            yield Change(f"{at}/{name}", "is new, and unknown fields were refused", Kind.WIDER)
        for name in sorted(before.keys() & after.keys()):
            yield from self.compare(before[name], after[name], f"{at}/{name}")

    def _inner(self, old: Schema, new: Schema, at: str) -> Iterator[Change]:
        yield from _strangers(old, new, at)
        for keyword in ("items", "additionalProperties"):
            rules = old.get(keyword, True), new.get(keyword, True)
            if False not in rules and rules != (True, True):
                yield from self.compare(*rules, f"{at}/*")
        before, after = old.get("patternProperties", {}), new.get("patternProperties", {})
        for pattern in sorted(before.keys() | after.keys()):
            yield from self.compare(before.get(pattern, True), after.get(pattern, True), f"{at}/*")
        if "propertyNames" in old or "propertyNames" in new:
            for change in self.compare(old.get("propertyNames", True), new.get("propertyNames", True), ""):
                yield Change(f"{at}/*", f"as a key: {change.what}", change.kind)


def _branches(schema: Any, root: Schema) -> list[Schema]:
    """Write a schema as a list of alternatives of one type each, with what it refers to put in its place."""
    if isinstance(schema, bool):
        return [{}] if schema else []
    if "$ref" in schema:
        return _branches({**_target(schema["$ref"], root), **_without(schema, {"$ref"})}, root)
    plain = _without(schema, _ALTERNATIVES)
    if chosen := next((schema[keyword] for keyword in sorted(_ALTERNATIVES) if keyword in schema), None):
        return [branch for option in chosen for branch in _branches({**plain, **option}, root)]
    kinds = plain.get("type")
    return [{**plain, "type": kind} for kind in kinds] if isinstance(kinds, list) else [plain]


def _target(reference: str, root: Schema) -> Schema:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return dict(found)


def _defaults(old: Any, new: Any, at: str) -> Iterator[Change]:
    """Leaving a field out means its default; a field without one is told by `required`."""
    both = isinstance(old, Mapping) and isinstance(new, Mapping) and "default" in old and "default" in new
    if both and _text(old["default"]) != _text(new["default"]):
        what = f"means {_text(new['default'])} where it is left out, and meant {_text(old['default'])}"
        yield Change(at, what, Kind.BOTH)


def _nulls(before: bool, after: bool, at: str) -> Iterator[Change]:  # noqa: FBT001 - one of two, of each
    if before and not after:
        yield Change(at, "may not be null any more", Kind.NARROWER)
    if after and not before:
        yield Change(at, "may be null now", Kind.WIDER)


def _strangers(old: Schema, new: Schema, at: str) -> Iterator[Change]:
    before, after = (schema.get("additionalProperties", True) is False for schema in (old, new))
    if after and not before:
        yield Change(at, "refuses unknown fields now", Kind.NARROWER)
    if before and not after:
        yield Change(at, "takes unknown fields now", Kind.WIDER)


def _types(old: Schema, new: Schema, at: str) -> Iterator[Change]:
    before, after = old.get("type"), new.get("type")
    if before == after:
        return
    wider = after is None or (before, after) == ("integer", "number")
    narrower = before is None or (before, after) == ("number", "integer")
    kind = Kind.WIDER if wider else Kind.NARROWER if narrower else Kind.BOTH
    yield Change(at, f"is {after or 'of any type'} now and was {before or 'of any type'}", kind)


def _values(old: Schema, new: Schema, at: str) -> Iterator[Change]:
    before, after = _enumerated(old), _enumerated(new)
    if before is None and after is not None:
        yield Change(at, f"is closed to {', '.join(sorted(after))}", Kind.NARROWER)
    elif before is not None and after is None:
        yield Change(at, f"is open now and was closed to {', '.join(sorted(before))}", Kind.WIDER)
    elif before is not None and after is not None:
        if gone := sorted(before - after):
            yield Change(at, f"no longer allows {', '.join(gone)}", Kind.NARROWER)
        if added := sorted(after - before):
            yield Change(at, f"allows {', '.join(added)} now, and the list was closed", Kind.WIDER)


def _enumerated(schema: Schema) -> set[str] | None:
    if "const" in schema:
        return {_text(schema["const"])}
    return {_text(value) for value in schema["enum"]} if "enum" in schema else None


def _keyword(keyword: str, old: Any, new: Any, at: str) -> Iterator[Change]:
    """Judge a bound by its direction; any other rule by whether it came, went or changed."""
    if _text(old) == _text(new):
        return
    kind = Kind.BOTH
    if None in (old, new):
        kind = Kind.NARROWER if old is None else Kind.WIDER
    elif keyword in _LOWER | _UPPER:
        kind = Kind.NARROWER if (new > old) == (keyword in _LOWER) else Kind.WIDER
    before, after = ("not set" if value is None else _text(value) for value in (old, new))
    yield Change(at, f"{keyword} is {after} now and was {before}", kind)


def _is_null(branch: Schema) -> bool:
    return branch.get("type") == "null"


def _said(branch: Schema) -> str:
    return str(branch.get("title") or branch.get("type") or _text(branch))


def _without(schema: Schema, keywords: set[str]) -> dict[str, Any]:
    return {keyword: value for keyword, value in schema.items() if keyword not in keywords}


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)

"""How a value is kept: one codec for each dataclass, compiled when its `Kind` is made.

Fields go by the names that the wire has (`session_id` is `sessionId`), in their order. The field `id` is the document's
own, `_id`. A field that a document lacks has its default, so one may be added with a default at any time; what a
document holds besides is passed over. A value of another type than the field's is an error, never taken for it; parts
that are events' are judged as pydantic judges those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar, cast, get_args, get_origin

from cattrs import Converter
from cattrs.fns import identity
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from chassis.documents import Document, Kind, Personal

T = TypeVar("T")
Overrides = Mapping[str, Any]
"""How single fields are kept where that is not as they are (`cattrs.override`): by another name, in another form.

One that is given says the name as well, where that is none of one word.
"""
IN_PAIRS = override(unstruct_hook=lambda given: list(given.items()), struct_hook=lambda kept, _: dict(kept))
"""Keeps a mapping whose keys others choose: those are no safe names for fields."""


def kept_in(
    collection: str,
    of: type[T],
    *,
    personal: Personal,
    overrides: Overrides | None = None,
    also: Callable[[T], Document] | None = None,
    cached: bool = False,
) -> Kind[T]:
    """Return the kind of document that values of this dataclass are kept as; `also` adds fields for queries."""
    read, plain = _reader(of, overrides or {}), _writer(of, overrides or {})
    write = plain if also is None else lambda value: {**plain(value), **also(value)}
    return Kind(collection, read, write, personal, cached)


def _reader(of: type[T], overrides: Overrides) -> Callable[[Document], T]:
    named = _named(of, {"id": override(rename="_id"), **overrides})
    structured = make_dict_structure_fn(of, _CONVERTER, **named)
    return lambda document: structured(document, of)


def _writer(of: type[T], overrides: Overrides) -> Callable[[T], Document]:
    return make_dict_unstructure_fn(of, _CONVERTER, **_named(of, {"id": override(omit=True), **overrides}))


def _named(of: type[Any], overrides: Overrides) -> dict[str, Any]:
    return {field.name: overrides.get(field.name, override(rename=to_camel(field.name))) for field in fields(of)}


def _exactly(of: type[T]) -> Callable[[object, object], T]:
    """Return what takes a value of this type as it is, and nothing else for one."""

    def taken(value: object, _: object) -> T:
        if type(value) is of or (isinstance(value, _TAKEN_FOR.get(of, of)) and not isinstance(value, bool)):
            return cast("T", value)
        raise TypeError(f"this is no {of.__name__}")  # what it is instead may be personal

    return taken


_TAKEN_FOR: Mapping[type, Any] = {float: (float, int)}


def _one_of(of: Any) -> Callable[[object, object], object]:
    values = frozenset(get_args(of))

    def taken(value: object, _: object) -> object:
        if value not in values:
            raise ValueError(f"this is none of {', '.join(sorted(values))}")
        return value

    return taken


def _listed(of: Any, converter: Converter) -> Callable[[object, object], tuple[Any, ...]]:
    """Return what takes a list, or a tuple that was not stored yet, and no text or mapping for one."""
    parts = get_args(of)
    is_open = parts[-1] is Ellipsis
    hooks = [(converter.get_structure_hook(part), part) for part in parts if part is not Ellipsis]

    def taken(value: object, _: object) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or not (is_open or len(value) == len(hooks)):
            raise TypeError("this is no list, or not of that length")
        of_each = hooks * len(value) if is_open else hooks
        return tuple([hook(one, part) for one, (hook, part) in zip(value, of_each, strict=True)])

    return taken


def _is_literal(of: object) -> bool:
    return get_origin(of) is Literal


def _is_tuple(of: object) -> bool:
    return get_origin(of) is tuple


def _is_model(of: object) -> bool:
    return isinstance(of, type) and issubclass(of, BaseModel)


def _is_dataclass(of: object) -> bool:
    return isinstance(of, type) and is_dataclass(of)


def _converter() -> Converter:
    converter = Converter(detailed_validation=False)
    for plain in (str, int, float, bool, datetime):
        converter.register_structure_hook(plain, _exactly(plain))
    converter.register_unstructure_hook(datetime, identity)
    converter.register_structure_hook_factory(_is_literal, _one_of)
    converter.register_structure_hook_factory(_is_tuple)(_listed)
    converter.register_structure_hook_factory(_is_model, lambda of: lambda kept, _: of.model_validate(kept))
    converter.register_unstructure_hook_factory(_is_model, lambda _: BaseModel.model_dump)
    converter.register_structure_hook_factory(
        _is_dataclass, lambda of: make_dict_structure_fn(of, converter, **_named(of, {}))
    )
    converter.register_unstructure_hook_factory(
        _is_dataclass, lambda of: make_dict_unstructure_fn(of, converter, **_named(of, {}))
    )
    return converter


_CONVERTER = _converter()

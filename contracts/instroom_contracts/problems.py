"""What is wrong with a message, said to the developer who sent it: where, what, and how to mend it.

A problem names fields of the contract only. Values, unknown names and keys of free maps are never repeated, since they
may be personal data and the answer travels on a bus that everybody may read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from instroom_contracts.fields import OUR_RULE, RULES

MOST_PROBLEMS = 20
"""So many problems are told at once; an answer must stay small whatever was sent."""

_SENTENCES = {
    "missing": "This field is required: add it.",
    "string_type": "This must be a text, in double quotes.",
    "string_too_short": "This must not be empty.",
    "string_too_long": "At most {max_length} characters are taken here: shorten the text.",
    "too_short": "At least {min_length} must be given here.",
    "too_long": "At most {max_length} are taken here.",
    "literal_error": "This must be {expected}.",
    "bool_type": "This must be true or false, without quotes.",
    "int_type": "This must be a whole number, without quotes.",
    "greater_than_equal": "This must be {ge} or more.",
    "less_than_equal": "This must be {le} or less.",
    "tuple_type": "This must be a JSON array: [ ... ].",
    "dict_type": "This must be a JSON object: {{ ... }}.",
    "model_type": "This must be a JSON object: {{ ... }}.",
}
_OTHERWISE = "This value is not allowed here: compare it with the JSON Schema of this type."
_EXTENSION = (
    "An extension attribute of the envelope must be a text without control characters, a whole number of 32"
    " bits, true or false."
)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: a JSON Pointer (RFC 6901) into the event, and a sentence."""

    pointer: str
    detail: str


class InvalidEvent(ValueError):
    """A message that is no valid event: why, what is wrong where, and what could be read of its identity.

    `reason` is `too-large`, `not-json` or `invalid-event`; `id`, `source`, `type` and `traceparent` are None where they
    could not be read or are not valid themselves.
    """

    def __init__(
        self,
        reason: str,
        problems: tuple[Problem, ...],
        *,
        id: str | None = None,
        source: str | None = None,
        type: str | None = None,
        traceparent: str | None = None,
    ) -> None:
        super().__init__("; ".join(f"{problem.pointer or 'message'}: {problem.detail}" for problem in problems))
        self.reason = reason
        self.problems = problems
        self.id = id
        self.source = source
        self.type = type
        self.traceparent = traceparent


def problems_in(error: ValidationError, model: type[BaseModel]) -> tuple[Problem, ...]:
    """Say what pydantic found, in sentences of our own; at most `MOST_PROBLEMS`."""
    # A hostile message can hold thousands of mistakes of one kind: the first hundred are looked at.
    entries = error.errors(include_url=False, include_input=False)[:100]
    found = (_problem(entry, model) for entry in entries)
    return tuple(dict.fromkeys(found))[:MOST_PROBLEMS]


def _problem(entry: ErrorDetails, model: type[BaseModel]) -> Problem:
    pointer, within, field, rest = "", model, None, list(entry["loc"])
    for name, inner in _known(entry["loc"], model):
        pointer += f"/{name}"
        rest.pop(0)
        within, field = _model_in(inner.annotation) or within, inner
    return Problem(pointer, _detail(entry, within, field, rest))


def _known(loc: Sequence[int | str], model: type[BaseModel] | None) -> Iterator[tuple[int | str, FieldInfo]]:
    """Follow a location as long as it names fields of the contract and places in lists."""
    field: FieldInfo | None = None
    for name in loc:
        if isinstance(name, str):
            field = _fields(model).get(name) if model else None
            model = _model_in(field.annotation) if field else None
        if field is None:
            return
        yield name, field


def _detail(entry: ErrorDetails, model: type[BaseModel], field: FieldInfo | None, rest: Sequence[int | str]) -> str:
    context = entry.get("ctx", {})
    if entry["type"] == "extra_forbidden":
        return f"There is a field here that Instroom does not know; is it misspelt? Known here: {_names(model)}."
    if context.get("pattern") in RULES and (field is None or not rest):
        return RULES[context["pattern"]]
    if rest:
        return (field.description if field else None) or _EXTENSION
    if entry["type"] in _SENTENCES:
        return _SENTENCES[entry["type"]].format(**context)
    return entry["msg"] if entry["type"] == OUR_RULE else _OTHERWISE


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _names(model: type[BaseModel]) -> str:
    return ", ".join(_fields(model))


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Find the model in a field's annotation; a field holds one at most, also as `Model | None` or a list of it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)

"""The JSON Schemas of the document: data and envelope of every event, and the headers that say the envelope again.

AsyncAPI's own dialect is JSON Schema draft 7 (its specification 3.0, "Schema Object"): definitions stand under
`components`, and nothing beside a `$ref` counts. Patterns have to be what JavaScript takes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from instroom_contracts.cloudevent import CloudEvent, EventData, schema_id, type_of
from instroom_contracts.topology import EVENTS, TYPES

Node = dict[str, Any]

_AT = "#/components/schemas/{model}"
_ALWAYS_TOLD = ("subject", "datacontenttype", "dataschema")
"""Attributes that every fact has, and that are optional elsewhere."""
_PURPOSES = {
    "specversion": "The version of CloudEvents.",
    "type": "What happened; also the routing key and the AMQP property `type`.",
    "time": "When it was recorded. Of a request: when the participant asked, which decides about deadlines.",
    "datacontenttype": "The form of the data; `application/json` where it is left out.",
    "dataschema": "The `$id` of the data's JSON Schema.",
    "partitionkey": "The id of the edition that it belongs to.",
    "correlationid": "Of a fact: the `id` of the request that led to it.",
    "correlationsource": "Of a fact: the `source` of the request that led to it.",
    "causationid": "Of a fact: the `id` of the event that directly caused it.",
    "ownersource": "Of a fact: the source whose enrolment or request it is about.",
    "provider": "Of a fact: the provider whose edition it is about.",
    "traceparent": "W3C Trace Context; what a request brings comes back on the facts that it leads to.",
}
"""What an attribute is for, where its rule in the contract does not say so."""


class _Untitled(GenerateJsonSchema):
    """Leave out the titles that pydantic makes of field names: they say nothing new."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def reference(name: str) -> Node:
    """Point to a schema of the document."""
    return {"$ref": _AT.format(model=name)}


def data_schemas() -> Node:
    """Return the schema of every event's data and of its parts, by name."""
    models = [(listed.model, "validation") for listed in TYPES.values()]
    _, made = models_json_schema(models, by_alias=True, ref_template=_AT, schema_generator=_Untitled)  # type: ignore[arg-type]
    schemas: Node = _plain(made["$defs"])
    return schemas


def envelope(exchange: str) -> Node:
    """Return the schema of what every message on an exchange says around its data."""
    return {
        "type": "object",
        "description": "The attributes of CloudEvents 1.0, with the extensions that Instroom uses.",
        "required": _required(exchange),
        "properties": {name: _attribute(name, exchange) for name in _attributes()},
        "additionalProperties": _plain(_envelope()["additionalProperties"]),
    }


def payload(model: type[EventData], exchange: str, around: str) -> Node:
    """Return the schema of a whole message in structured mode; `around` is the name of its envelope's schema."""
    fixed = {"type": type_of(model), **({"dataschema": schema_id(model)} if exchange == EVENTS else {})}
    attributes = {name: reference(f"{around}/properties/{name}") for name in _attributes()}
    said = {name: {"type": "string", "description": _PURPOSES[name], "const": value} for name, value in fixed.items()}
    return {
        "type": "object",
        "required": [*_required(exchange), "data"],
        "properties": {**attributes, **said, "data": reference(model.__name__)},
        "additionalProperties": reference(f"{around}/additionalProperties"),
    }


def headers(exchange: str) -> Node:
    """Return the schema of the headers: the attributes again, as text."""
    return {
        "type": "object",
        "title": "Headers",
        "description": "The attributes of the envelope again, as text, so that a reader can sort without parsing.",
        "required": [f"ce-{name}" for name in _required(exchange)] if exchange == EVENTS else [],
        "properties": {f"ce-{name}": {"type": "string", "description": _purpose(name)} for name in _attributes()},
        "additionalProperties": True,
    }


def _attributes() -> list[str]:
    return [name for name in _envelope()["properties"] if name != "data"]


def _required(exchange: str) -> list[str]:
    always = _ALWAYS_TOLD if exchange == EVENTS else ()
    return [name for name in _attributes() if name in _envelope()["required"] or name in always]


def _attribute(name: str, exchange: str) -> Node:
    """Return the schema of an attribute with what it is for; what is told is left out rather than null."""
    schema = _envelope()["properties"][name]
    plain: Node = _plain(_kind(schema) if exchange == EVENTS else schema)
    return {**{key: value for key, value in plain.items() if key != "default"}, "description": _purpose(name)}


def _purpose(name: str) -> str:
    rule: str = _kind(_envelope()["properties"][name]).get("description", "An extension of CloudEvents.")
    return _PURPOSES.get(name, rule)


def _kind(schema: Node) -> Node:
    """Return what an attribute is where it is there."""
    return next((kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}), schema)


@cache
def _envelope() -> Node:
    return CloudEvent[EventData].model_json_schema(by_alias=True, schema_generator=_Untitled)


def _plain(node: Any) -> Any:
    """Put what pydantic writes (draft 2020-12) into the words of draft 7 that mean the same."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _plain(value) for key, value in node.items() if not _is_foreign(key, value)}
    return _beside_reference(_nullable(plain))


def _is_foreign(key: str, value: object) -> bool:
    """Tell whether JavaScript cannot read this pattern; its rule stands in the description."""
    return key == "pattern" and isinstance(value, str) and value.startswith("(?i)")


def _nullable(schema: Node) -> Node:
    """Say `type: [X, null]` for a choice between X and null: the same, and shown in one line."""
    kinds = schema.get("anyOf")
    if not isinstance(kinds, list) or len(kinds) != 2 or kinds[1] != {"type": "null"}:  # noqa: PLR2004 - a pair
        return schema
    if not isinstance(kinds[0].get("type"), str) or "enum" in kinds[0]:
        return schema
    others = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**kinds[0], **others, "type": [kinds[0]["type"], "null"]}


def _beside_reference(schema: Node) -> Node:
    """Keep what stands beside a reference."""
    if not isinstance(schema.get("$ref"), str) or len(schema) == 1:
        return schema
    others = {key: value for key, value in schema.items() if key != "$ref"}
    return {"allOf": [{"$ref": schema["$ref"]}], **others}

"""The messages of the document: one for each event of the contract, with its sample."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from instroom_contracts.cloudevent import STRUCTURED, EventData, decode, encode, type_of
from instroom_contracts.topology import EVENTS, INTAKE, PRIVATE, TYPES, Listed
from publishing.asyncapi import schemas, tables

Node = dict[str, Any]

SAMPLES = Path(__file__).parents[2] / "samples"
VERSION = {"bindingVersion": "0.3.0"}
"""Of AsyncAPI's bindings for AMQP 0-9-1."""
KINDS = {INTAKE: "request", EVENTS: "fact", PRIVATE: "private"}


def messages() -> Node:
    """Return every message by name."""
    return {listed.model.__name__: _message(listed) for listed in TYPES.values()}


def envelopes() -> Node:
    """Return by name what surrounds the data: the attributes in the body, and the headers that say them again."""
    around = {f"{kind}Envelope": schemas.envelope(exchange) for exchange, kind in KINDS.items()}
    return {**around, **{f"{kind}Headers": schemas.headers(exchange) for exchange, kind in KINDS.items()}}


def correlations() -> Node:
    """Return where the two halves of a correlation stand."""
    return {
        "request": {
            "location": "$message.payload#/id",
            "description": "With `source`: what its answers name as `correlationid` and `correlationsource`.",
        },
        "fact": {
            "location": "$message.payload#/correlationid",
            "description": "With `correlationsource`: the `id` and `source` of the request that led to it. The AMQP"
            " property `correlation_id` says it again.",
        },
    }


def _message(listed: Listed) -> Node:
    model, exchange = listed.model, listed.exchange
    kind = KINDS[exchange]
    about, _, more = (model.__doc__ or "").partition("\n")
    return {
        "name": type_of(model),
        "title": model.__name__,
        "summary": about,
        "description": "\n\n".join(filter(None, (_unwrapped(more), _who(model, exchange)))),
        "tags": [{"name": kind}],
        "contentType": STRUCTURED,
        "headers": schemas.reference(f"{kind}Headers"),
        "correlationId": {"$ref": f"#/components/correlationIds/{'fact' if exchange == EVENTS else 'request'}"},
        "payload": schemas.payload(model, exchange, f"{kind}Envelope"),
        "bindings": {"amqp": {"messageType": type_of(model), **VERSION}},
        "examples": [_example(model, exchange)],
    }


def _unwrapped(text: str) -> str:
    """Return the rest of a docstring as paragraphs without line breaks of their own."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))


def _who(model: type[EventData], exchange: str) -> str:
    """Say in words who handles or tells it, and how it is answered."""
    named = partial("{} {}".format)
    hearing, telling = " and ".join(tables.hearing(model)), " and ".join(tables.telling(model))
    if exchange == EVENTS:
        return named("Told by", f"{telling}.") if telling else "Nobody tells it in this release."
    if exchange == PRIVATE:
        return f"From {telling or 'the operator'} to {hearing}. May hold contact data; no integrator can read it."
    answers = ", ".join(f"`{answer.__name__}`" for answer in tables.answers_to(model))
    if not hearing:
        return f"**Not handled in this release**: it is kept, and answered by {answers} (`invalid-request`)."
    return f"Decided by {hearing}. Answered by {answers}."


def _example(model: type[EventData], exchange: str) -> Node:
    """Return the sample, with the headers that it travels with."""
    body = (SAMPLES / f"{type_of(model)}.json").read_bytes()
    wire = asdict(encode(decode(body, model=model, content_type=STRUCTURED)))
    said = {} if exchange == PRIVATE else {"headers": wire["headers"]}
    return {"name": "sample", "summary": "The sample of the contract.", **said, "payload": json.loads(body)}

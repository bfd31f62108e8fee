"""The envelope: CloudEvents 1.0 in JSON with the NL GOV profile's rules, read and written without a broker library.

`new_event` builds one, `encode` makes the message of it, `decode` reads a message and says what is wrong with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Generic, Literal, NoReturn, TypeVar, cast
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from instroom_contracts.digest import MOST_BYTES, data_digest
from instroom_contracts.fields import (
    AttributeName,
    AttributeText,
    ContentType,
    EventId,
    EventType,
    ExtensionText,
    Id,
    Instant,
    IntakePart,
    Part,
    Source,
    Subject,
    TraceParent,
)
from instroom_contracts.modes import STRUCTURED, attributes_in, is_structured
from instroom_contracts.problems import InvalidEvent, Problem, problems_in

__all__ = [
    "JSON",
    "STRUCTURED",
    "CloudEvent",
    "EventData",
    "IntakeData",
    "InvalidEvent",
    "Problem",
    "TooLarge",
    "Wire",
    "body_of",
    "data_digest",
    "decode",
    "encode",
    "headers_of",
    "new_event",
    "schema_id",
    "time_text",
    "type_of",
]

JSON = "application/json"
MOST_AHEAD = timedelta(minutes=5)
"""So far may the clock of another system be ahead of ours."""

_SHORT_STRING = 255


class TooLarge(ValueError):
    """An event that no message holds."""


class EventData(Part):
    """The `data` of an event. Its type follows from the class's name and `major`."""

    major: ClassVar[int] = 1


class IntakeData(EventData, IntakePart):
    """The `data` of an event that other systems send: unknown fields are refused."""


D = TypeVar("D", bound=EventData)

Extension = ExtensionText | bool | Annotated[int, Field(ge=-(2**31), lt=2**31)] | None
"""What an attribute that this page does not name may hold. CloudEvents 1.0, type system."""

Attributes = Mapping[str, str | int | bool]
"""The attributes of an event as they travel, by name, in the order of `CloudEvent`'s fields."""


class CloudEvent(BaseModel, Generic[D]):
    """One event: the attributes of CloudEvents 1.0 with the extensions that Instroom uses, and the typed data."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")
    __pydantic_extra__: dict[AttributeName, Extension] = Field(init=False)

    specversion: Literal["1.0"]
    id: EventId
    source: Source
    type: EventType
    subject: Subject | None = None
    time: Instant
    datacontenttype: ContentType | None = None
    dataschema: AttributeText | None = None
    partitionkey: Id | None = None
    provider: AttributeText | None = None
    ownersource: AttributeText | None = None
    correlationid: AttributeText | None = None
    correlationsource: AttributeText | None = None
    causationid: AttributeText | None = None
    traceparent: TraceParent | None = None
    data: D


@dataclass(frozen=True)
class Wire:
    """A message as AMQP carries it; every field is the AMQP property of that name. Publish it persistent, mandatory."""

    body: bytes
    content_type: str
    routing_key: str
    message_id: str
    type: str
    correlation_id: str | None
    app_id: str
    timestamp: datetime
    headers: dict[str, str]


@cache
def type_of(model: type[EventData]) -> str:
    """Return the event type of a data model, e.g. `nl.enrolments.enrolment-requested.v1`; also its routing key."""
    kebab = re.sub(r"(?<!^)(?=[A-Z])", "-", model.__name__).lower()
    return f"nl.enrolments.{kebab}.v{model.major}"


@cache
def schema_id(model: type[EventData]) -> str:
    """Return the `$id` of a data model's JSON Schema; facts carry it as `dataschema`."""
    return f"urn:nld:instroom:schema:{type_of(model)}"


def new_event(
    data: D,
    *,
    source: str,
    id: str | None = None,
    time: datetime | None = None,
    subject: str | None = None,
    partitionkey: str | None = None,
    **attributes: str | int | bool | None,
) -> CloudEvent[D]:
    """Build a valid event around its data.

    The id is a new UUID and the time is now, unless given; give both when you send the same event again. Subject and
    partition key follow from the data's edition, else its enrolment. Raises pydantic's `ValidationError` where an
    attribute breaks a rule.
    """
    edition = getattr(data, "edition_id", None)
    further: dict[str, Any] = {"datacontenttype": JSON, "dataschema": schema_id(type(data)), **attributes}
    return _envelope(type(data))(
        specversion="1.0",
        id=id or str(uuid4()),
        source=source,
        type=type_of(type(data)),
        subject=subject or edition or getattr(data, "enrolment_id", None),
        time=time or datetime.now(UTC),
        partitionkey=partitionkey or edition,
        data=data,
        **further,
    )


def encode(event: CloudEvent[Any]) -> Wire:
    """Make the message: structured mode, with the attributes again as `ce-` headers.

    Raises `TooLarge`, a `ValueError`, for a message of more than 64 KiB.
    """
    attributes = _attributes_of(event)
    return Wire(
        body=body_of(attributes, event.data),
        content_type=STRUCTURED,
        routing_key=event.type,
        message_id=event.id,
        type=event.type,
        correlation_id=_short(event.correlationid),
        app_id=event.source.rpartition(":")[2],
        timestamp=event.time,
        headers=headers_of(attributes),
    )


def body_of(attributes: Attributes, data: EventData) -> bytes:
    """Write an envelope with these attributes, taken as valid, around its data.

    Raises `TooLarge` for more than 64 KiB.
    """
    body = b'%b,"data":%b}' % (to_json(attributes)[:-1], data.__pydantic_serializer__.to_json(data))
    if len(body) > MOST_BYTES:
        raise TooLarge(
            f"The {attributes['type']} with id {attributes['id']} takes {len(body):,} bytes, and a message holds at"
            f" most {MOST_BYTES:,}: shorten its data or split it over several events."
        )
    return body


def headers_of(attributes: Attributes) -> dict[str, str]:
    """Say the attributes again as headers of a message."""
    return {f"ce-{name}": text if isinstance(text, str) else json.dumps(text) for name, text in attributes.items()}


def time_text(time: datetime) -> str:
    """Write a time as the envelope has it."""
    return time.isoformat().replace("+00:00", "Z")


def decode(
    body: bytes,
    *,
    model: type[D],
    content_type: str | None,
    headers: Mapping[str, object] = MappingProxyType({}),
    now: datetime | None = None,
) -> CloudEvent[D]:
    """Read a message into an event with this kind of data.

    `content_type` decides the mode. `now` (with offset; by default the clock) judges an intake event's time. Raises
    `InvalidEvent`.
    """
    attributes = {} if is_structured(content_type) else attributes_in(headers, content_type)
    if len(body) > MOST_BYTES:
        _refuse("too-large", (_too_large(len(body)),), attributes)
    try:
        raw = body if is_structured(content_type) else _structured(attributes, body)
        event = _envelope(model).__pydantic_validator__.validate_json(raw, by_alias=True, by_name=False)
    except ValidationError as error:
        _refuse_invalid(raw, error, model)
    except ValueError as error:
        _refuse("not-json", (_not_json(error),), attributes)
    if problems := _wrong_type(event.type, model) or _wrong_time(event.time, model, now):
        _refuse("invalid-event", problems, event.__dict__)
    return cast("CloudEvent[D]", event)


_EVENT_ID, _SOURCE, _EVENT_TYPE = TypeAdapter[str](EventId), TypeAdapter[str](Source), TypeAdapter[str](EventType)
_TRACEPARENT = TypeAdapter[str](TraceParent)
_ATTRIBUTES = tuple(name for name in CloudEvent.model_fields if name != "data")
_AHEAD = (
    "The time lies more than 5 minutes in the future. It is the moment of the participant's request; check the clock"
    " and the offset."
)
_BASE64 = "The data is a JSON object here: put it into data as it is, not Base64-encoded into data_base64."
_UNSAID_MODE = f"The body is a whole event (structured mode): then the message's content type must be {STRUCTURED}."


@cache
def _envelope(model: type[EventData]) -> type[CloudEvent[Any]]:
    return cast("type[CloudEvent[Any]]", CloudEvent.__class_getitem__(model))


def _attributes_of(event: CloudEvent[Any]) -> Attributes:
    named = {name: event.__dict__[name] for name in _ATTRIBUTES}
    present = {name: value for name, value in {**named, **(event.model_extra or {})}.items() if value is not None}
    return {**present, "time": time_text(event.time)}


def _short(text: str | None) -> str | None:
    """Leave out what AMQP's short strings cannot hold: the envelope has it anyway."""
    return text if text and len(text.encode()) <= _SHORT_STRING else None


def _structured(attributes: Mapping[str, object], body: bytes) -> bytes:
    """Put a message in binary mode into the form of the other; the body is parsed, so that it stays one value."""
    return to_json({**attributes, "data": from_json(body, allow_inf_nan=False)})


def _refuse_invalid(raw: bytes, error: ValidationError, model: type[EventData]) -> NoReturn:
    """Tell the mistake that explains the others, where there is one: no JSON, no content type, or another event."""
    try:
        read = from_json(raw)
    except ValueError as broken:
        _refuse("not-json", (_not_json(broken),), {})
    attributes = read if isinstance(read, dict) else {}
    inner = attributes.get("data")
    if "specversion" not in attributes and isinstance(inner, dict) and "specversion" in inner:
        _refuse("invalid-event", (Problem("", _UNSAID_MODE),), inner)
    if "data_base64" in attributes:
        _refuse("invalid-event", (Problem("/data", _BASE64),), attributes)
    problems = _wrong_type(attributes.get("type"), model) or problems_in(error, _envelope(model))
    _refuse("invalid-event", problems, attributes)


def _wrong_type(type: object, model: type[EventData]) -> tuple[Problem, ...]:
    if type == type_of(model) or _if_valid(_EVENT_TYPE, type) is None:
        return ()
    return (
        Problem("/type", f"The type must be {type_of(model)} here: it is the routing key that the message came under."),
    )


def _wrong_time(time: datetime, model: type[EventData], now: datetime | None) -> tuple[Problem, ...]:
    if not issubclass(model, IntakeData) or time <= (now or datetime.now(UTC)) + MOST_AHEAD:
        return ()
    return (Problem("/time", _AHEAD),)


def _too_large(length: int) -> Problem:
    return Problem(
        "", f"The message takes {length:,} bytes, and {MOST_BYTES:,} is the most: shorten or split its data."
    )


def _not_json(error: ValueError) -> Problem:
    """Say where the JSON breaks off; only the place is taken from the parser, whose words may repeat the text."""
    place = re.search(r"line \d+ column \d+", str(error))
    where = f" Reading stopped at {place[0]}." if place else ""
    return Problem("", f"The body must be one JSON value in UTF-8, without a byte order mark.{where}")


def _refuse(reason: str, problems: tuple[Problem, ...], attributes: Mapping[str, object]) -> NoReturn:
    """Raise `InvalidEvent` with as much of the message's identity as is valid itself."""
    raise InvalidEvent(
        reason,
        problems,
        id=_if_valid(_EVENT_ID, attributes.get("id")),
        source=_if_valid(_SOURCE, attributes.get("source")),
        type=_if_valid(_EVENT_TYPE, attributes.get("type")),
        traceparent=_if_valid(_TRACEPARENT, attributes.get("traceparent")),
    ) from None


def _if_valid(adapter: TypeAdapter[str], value: object) -> str | None:
    try:
        return adapter.validate_python(value, strict=True)
    except ValidationError:
        return None

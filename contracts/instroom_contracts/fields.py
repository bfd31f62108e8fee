"""The kinds of text, time and part that events are made of, each with the sentence that explains it to a developer."""

from __future__ import annotations

import re
from datetime import datetime
from operator import not_
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    GetPydanticSchema,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from instroom_contracts.mailbox import NotMailable, mailable
from instroom_contracts.visible import visible

T = TypeVar("T")

OUR_RULE = "instroom"
"""The pydantic error type of our own validators."""

ACCEPTED_BEFORE = {"accepted_before": True}
"""The validation context to read a request with that was accepted before: rules that came since are not applied."""

RULES: dict[str, str] = {}
"""What each pattern of this module asks for, as a sentence for whoever sent a text that does not match it."""


def _text(pattern: str, most: int, rule: str, *, least: int = 1) -> Any:
    RULES[pattern] = rule
    return Field(pattern=pattern, min_length=least or None, max_length=most, description=rule)


def broken_rule(sentence: str) -> PydanticCustomError:
    """Make the error of a validator of ours; its sentence reaches the sender as it is, so it must hold no values."""
    return PydanticCustomError(OUR_RULE, "{sentence}", {"sentence": sentence})


def _seen(pattern: str) -> AfterValidator:
    """Take out of a text what cannot be seen (`visible`), unless what is left would not match the pattern."""
    rule = re.compile(pattern)

    def left(text: str) -> str:
        if text.isascii():
            return text
        seen = visible(text)
        return seen if seen is text or rule.search(seen) else text

    return AfterValidator(left)


def _asked(text: str, info: ValidationInfo) -> str:
    """Want a text of a request to have something to be seen."""
    if not text.isascii() and not visible(text).strip() and info.context != ACCEPTED_BEFORE:
        raise broken_rule(_LINE_RULE)
    return text


# Beyond CR, LF and NUL: mail libraries also break a header line at the other controls and at U+2028 and U+2029.
_CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
# What an attribute of CloudEvents never holds: control characters, and what Unicode calls noncharacters (those of the
# first plane; a pattern that names those of the others is not read alike by all readers of JSON Schema).
_NO_CHARACTERS = r"\x00-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff"
_SPECIALS = r'@\s<>()\[\]\\,;:"' + _CONTROLS
_ID = r"(?:[0-9]{1,7}|[0-9]{10,}|[0-9]*[A-Za-z][A-Za-z0-9._~-]*|[0-9]+[._~-][A-Za-z0-9._~-]*)"
CODE_PATTERN = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"

Id = Annotated[
    str,
    _text(
        rf"^{_ID}$",
        100,
        "An id starts with a letter or a digit and holds letters, digits, '.', '_', '~' and '-' only; eight or nine"
        " digits alone are refused, since that could be a citizen service number.",
    ),
]
Subject = Annotated[
    str,
    _text(
        rf"^{_ID}(?:/{_ID})*$",
        255,
        "The subject is the opaque id of the edition, session or enrolment that the event is about, never a name, a"
        " mail address or a citizen service number; it may be left out.",
    ),
]
EventId = Annotated[
    str,
    _text(
        rf"^[^@{_NO_CHARACTERS}]+$",
        64,
        "The id of an event holds no '@' and no control characters; a UUID does well.",
    ),
]
EventType = Annotated[
    str,
    _text(
        r"^nl\.enrolments\.[a-z0-9]+(?:-[a-z0-9]+)*\.v[1-9][0-9]*$",
        255,
        "The type has the form nl.enrolments.<event in kebab case>.v<major>, e.g."
        " nl.enrolments.enrolment-requested.v1.",
    ),
]
Source = Annotated[
    str,
    _text(
        r"^urn:nld:[A-Za-z0-9-]+:[A-Za-z0-9][A-Za-z0-9._~-]*(?::[A-Za-z0-9._~-]+)*$",
        255,
        "The source has the form urn:nld:<registry>:<primary id>, with further parts after colons if you like, e.g."
        " urn:nld:oin:00000001823288444000:systeem:website.",
    ),
]
ContentType = Annotated[
    str,
    _text(
        r"(?i)^application/json\s*(?:;.*)?$",
        255,
        "The data must be JSON: say application/json here, or leave it out. (A message in binary mode says it as its"
        " content type; one in structured mode has the content type application/cloudevents+json.)",
    ),
]
TraceParent = Annotated[
    str,
    _text(
        r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-[0-9a-f-]*)?$",
        255,
        "The traceparent is four lower-case hexadecimal groups, as W3C Trace Context has it; it may be left out.",
    ),
]
AttributeName = Annotated[
    str,
    _text(
        r"^[a-z0-9]+$",
        255,
        "One of the envelope's attributes has a name that CloudEvents does not allow: use lower-case letters and digits"
        " only.",
    ),
]
AttributeText = Annotated[
    str,
    _text(
        rf"^[^{_NO_CHARACTERS}]+$",
        1000,
        "An attribute of the envelope holds no control characters such as line breaks.",
    ),
]
ExtensionText = Annotated[str, Field(pattern=rf"^[^{_NO_CHARACTERS}]*$")]
_LINE = rf"^[^{_CONTROLS}]*[^\s{_CONTROLS}][^{_CONTROLS}]*$"
_LINE_RULE = "This must be one line of text: not blank, and without line breaks, tabs or other control characters."
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
_TEXT_RULE = "This text may hold line breaks and tabs, and no other control characters."
_EMAIL = rf"^[^{_SPECIALS}]{{1,64}}@[^{_SPECIALS}]+$"

Line = Annotated[str, _text(_LINE, 200, _LINE_RULE), _seen(_LINE)]
AskedLine = Annotated[Line, AfterValidator(_asked)]
"""A line in a request; facts and what is kept may hold one from before this was asked for (`Line`)."""
ShortLine = Annotated[str, _text(_LINE, 100, _LINE_RULE), _seen(_LINE)]
ShortAskedLine = Annotated[ShortLine, AfterValidator(_asked)]
Text = Annotated[str, _text(_TEXT, 4000, _TEXT_RULE, least=0), _seen(_TEXT)]
ShortText = Annotated[str, _text(_TEXT, 500, _TEXT_RULE, least=0), _seen(_TEXT)]
Email = Annotated[
    str,
    _text(
        _EMAIL,
        254,
        "This must be one bare mail address with one '@', such as name@example.org: no display name, spaces, commas or"
        " brackets.",
    ),
    _seen(_EMAIL),
]
Slug = Annotated[
    str,
    _text(
        CODE_PATTERN,
        64,
        "This must be a slug: lower-case letters and digits, with single hyphens between them, e.g."
        " juridisch-adviseur.",
    ),
]
Language = Annotated[
    str,
    _text(
        r"^[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$",
        35,
        "This must be a language tag such as nl or en.",
    ),
]
_LINK = rf'^https://[^\s<>"{_CONTROLS}]+$'
Link = Annotated[
    str,
    _text(
        _LINK,
        2000,
        "This must be a link that starts with https:// and holds no spaces.",
    ),
    _seen(_LINK),
]
Amount = Annotated[
    str,
    _text(
        r"^[0-9]{1,9}\.[0-9]{2}$",
        12,
        "This must be an amount as text, with a point and two decimals, e.g. 295.00.",
    ),
]
Currency = Annotated[
    str,
    _text(
        r"^[A-Z]{3}$",
        3,
        "This must be a currency of ISO 4217, e.g. EUR.",
    ),
]
Hours = Annotated[
    str,
    _text(
        r"^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$",
        11,
        "These must be local hours, from and until, e.g. 17:00-22:00.",
    ),
]


def _mailable(address: str, info: ValidationInfo) -> str:
    """Want an address of a request to be one that mail can be sent to; it is kept as it was given."""
    try:
        mailable(address)
    except NotMailable as error:
        if info.context != ACCEPTED_BEFORE:
            raise broken_rule(str(error)) from error
    return address


MailAddress = Annotated[Email, AfterValidator(_mailable)]
"""An address in a request; facts and what is kept may hold one from before this was asked for (`Email`)."""
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Ordinal = Annotated[int, Field(ge=1, le=2**31 - 1)]

_RFC_3339 = re.compile(r"(?:19|2\d)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_NOT_A_TIME = "This must be a date and time with its offset as RFC 3339 has it, e.g. 2021-05-20T11:30:00+02:00."


def _instant(value: object) -> datetime:
    """Read a time as RFC 3339 has it; fromisoformat alone would take spaces, week dates and missing offsets."""
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return value
    if isinstance(value, str) and _RFC_3339.fullmatch(value.upper()):
        try:
            return datetime.fromisoformat(value.upper())
        except ValueError:
            pass
    raise broken_rule(_NOT_A_TIME)


Instant = Annotated[
    datetime,
    GetPydanticSchema(lambda _, __: core_schema.no_info_plain_validator_function(_instant)),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A point in time with its offset. RFC 3339, in the years 1900 to 2999."""

Many = Annotated[tuple[T, ...], Field(strict=False)]
"""A JSON array; in Python a list does as well as a tuple."""

Sparse = Annotated[T, Field(exclude_if=not_)]
"""A field that is left out of the message where it is None or empty."""


def _is_none(value: object) -> bool:
    return value is None


Since = Annotated[T, Field(exclude_if=_is_none)]
"""A field that messages of before do not have: left out where it is None, and told where it is 0 or false."""


class Open:
    """Mark a list of codes that may grow within a major version: a reader takes one that it does not know yet."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Take any code."""
        known = handler(source)
        schema = core_schema.str_schema(pattern=CODE_PATTERN, max_length=64)
        schema["metadata"] = {"known": known["expected"]} if known["type"] == "literal" else {}
        return schema

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Name the codes of today as examples."""
        return {**handler(schema), "examples": schema.get("metadata", {}).get("known", [])}


class Part(BaseModel):
    """A part of an event's data: frozen, strict about types, camelCase on the wire; unknown fields are ignored."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        allow_inf_nan=False,
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        serialize_by_alias=True,
    )


class IntakePart(Part):
    """A part of what another system sends: an unknown field is refused, since a misspelt one must not get lost."""

    model_config = ConfigDict(extra="forbid")

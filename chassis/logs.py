"""Logs: one JSON object a line, with an allow-list of fields, so that no name or address can slip in."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

FIELDS = frozenset(
    {
        "event", "level", "timestamp", "logger", "service", "exception", "error", "reason", "queue", "type", "state",
        "event_id", "trace_id", "correlation_id", "enrolment_id", "edition_id", "session_id", "invite_id", "message_id",
        "count", "seconds", "attempts", "version", "port", "driver", "smtp_code", "signal", "exchange",
    }
)  # fmt: skip
"""The only fields that a log line may have: ids, codes and numbers."""


def only_allowed(_: Any, __: str, event: EventDict) -> EventDict:
    """Drop every field that is not on the allow-list, and name it, so that its author sees why it is missing."""
    dropped = sorted(event.keys() - FIELDS)
    kept = {name: value for name, value in event.items() if name in FIELDS}
    return {**kept, "dropped_fields": dropped} if dropped else kept


def exception_without_values(_: Any, __: str, event: EventDict) -> EventDict:
    """Say where an exception came from, but not its text, which may repeat a message's content."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["exception"] = f"{type(error).__name__} at {_origin(error)}"
    return event


def _origin(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "unknown" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


def configure(service: str, level: str) -> None:
    """Send structlog's and the libraries' logs to standard output as JSON lines of this service."""
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        exception_without_values,
        only_allowed,
        structlog.processors.JSONRenderer(),
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LibraryFormatter(processors, service))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


class LibraryFormatter(logging.Formatter):
    """Formats records of other libraries: their name, level and origin, never their text, which may hold a body."""

    def __init__(self, processors: list[Processor], service: str) -> None:
        super().__init__()
        self._processors = processors
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON line."""
        event: Any = {
            "event": f"library_log at {record.module}:{record.lineno}",
            "logger": record.name,
            "service": self._service,
            "exc_info": record.exc_info,
        }
        for processor in self._processors:
            event = processor(None, record.levelname.lower(), event)
        return str(event)

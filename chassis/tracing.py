"""Traces: the way of a message from its sender's publish to the mail, as spans of OpenTelemetry.

`OFF` makes none; the service takes the one of `chassis.spans` where the setting names a collector.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from chassis.deciding import Received, Verdict
from chassis.documents import Document
from chassis.handling import Tell

Server = tuple[str, int]
"""Another system that a step talks to: its host and its port."""


class Step:
    """One step of a trace, as whoever takes it sees it; this one leaves no span."""

    def fail(self, code: str) -> None:
        """Say that the step did not come to what it was for, with a code of the reason."""


class Tracer:
    """Makes no spans; what it is told is free of cost."""

    def begin(self, message: Received, arrived: int) -> Received:
        """Begin the span of a message that arrived at this time (in ns); return the message as part of its trace."""
        return message

    def committing(self, batch: Sequence[Received]) -> AbstractContextManager[None]:
        """Span the commit of a batch; an error that leaves the block means that it is decided again."""
        return nullcontext()

    def end(self, batch: Sequence[Received], verdict: Verdict) -> None:
        """End the spans of messages that are committed."""

    async def published(self, events: Sequence[Document], began: int, unconfirmed: Collection[int]) -> None:
        """Span the publishing of events, begun at this time (in ns); `unconfirmed` gives the numbers of some."""

    def step(
        self,
        name: str,
        *,
        parent: str | None = None,
        server: Server | None = None,
        ids: Mapping[str, str] | None = None,
    ) -> AbstractContextManager[Step]:
        """Span a block below the traceparent `parent`, else below the step around it.

        `ids` are fields that a log line may have, too.
        """
        return nullcontext(_NO_STEP)

    def under(self, tells: Sequence[Tell]) -> Sequence[Tell]:
        """Return events as they are told by the step that is being taken: in its trace."""
        return tells

    def close(self) -> None:
        """Hand over what is left, within a few seconds."""


_NO_STEP = Step()
OFF = Tracer()

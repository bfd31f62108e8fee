"""Telling an answer again: to whom, and when there is none to tell."""

from __future__ import annotations

from collections.abc import Collection

from chassis.answers import Decided
from services.enrolment.domain.sentences import Refused


def no_answer(
    decided: Decided | None, owner: str | None, asker: str, course_desks: Collection[str], *, waits: bool
) -> Refused | None:
    """Return why the answer to a request cannot be told again, or None.

    `owner` is the request's source where the asker names one. A request that is being decided, or `waits` for its
    edition, has its answer told without being asked.
    """
    if owner not in {None, asker} and asker not in course_desks:
        return Refused("not-yours", "request")
    if decided is None:
        return Refused("unknown-request")
    if decided.answer or decided.under_way or waits:
        return None
    return Refused("answer-not-kept")

"""What facts say of how many places a session has, held to what they say of each place: by facts alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.audit.evidence import SessionKey
from cli.audit.verdict import Offence
from cli.facts import Fact

FIGURES = ("confirmed", "queued")


@dataclass(frozen=True)
class PlaceTold:
    """What a fact tells of a session: its version, whose place became what, and how many there are (None: not said).

    `state` is None where the fact is of no place, such as that the session is full.
    """

    version: int
    enrolment: str
    state: str | None
    counts: tuple[int, int] | None


def told_of_sessions(fact: Fact) -> Iterator[tuple[SessionKey, PlaceTold]]:
    """Return what a fact tells of sessions."""
    if "sessionVersion" in fact.data:
        states = {"place-confirmed": "confirmed", "place-released": "released"}
        yield (fact.edition, fact.data.get("sessionId", "")), _told(fact.data, fact.data, states.get(fact.name))
    for party in (fact.data, *fact.data.get("companions", ())):
        for place in party.get("places", ()):
            yield (fact.edition, place["sessionId"]), _told(place, party, place["state"])


def _told(said: Mapping[str, Any], of: Mapping[str, Any], state: str | None) -> PlaceTold:
    counts = (said["confirmed"], said["queued"]) if all(figure in said for figure in FIGURES) else None
    return PlaceTold(said["sessionVersion"], of.get("enrolmentId", ""), state, counts)


def miscounted(session: SessionKey, told: Sequence[PlaceTold]) -> Iterator[Offence]:
    """Add up what changed from one fact that says how many places there are to the next; name the first that differs.

    Facts of before 0.3.0 do not say it, and of a place that was given up before the stream begins nobody knows whether
    it was a seat: then it begins anew with the next fact that does.
    """
    states: dict[str, str] = {}
    count: Counter[str] | None = None
    for one in sorted(told, key=lambda one: one.version):
        before = states.get(one.enrolment)
        if one.state is not None:
            if before is None and one.state == "released":
                count = None
            if count is not None:
                count[one.state] += 1
                count[before or ""] -= 1
            states[one.enrolment] = one.state
        if one.counts is None:
            continue
        if count is not None and (count["confirmed"], count["queued"]) != one.counts:
            said, are = (f"{confirmed} confirmed, {queued} queued" for confirmed, queued in (one.counts, _pair(count)))
            yield Offence("/".join(session), f"version {one.version} says {said}; by the facts before it {are}")
            return
        count = Counter(dict(zip(FIGURES, one.counts, strict=True)))


def _pair(count: Counter[str]) -> tuple[int, int]:
    return count["confirmed"], count["queued"]

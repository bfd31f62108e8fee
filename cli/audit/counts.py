"""What facts say of how many places a session has, held to what they say of each place: by facts alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from cli.audit.evidence import SessionKey
from cli.audit.history import FIGURES, PlaceTold
from cli.audit.verdict import Offence


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
        added = one.counts if count is None else (count["confirmed"], count["queued"])
        if added != one.counts:
            said, are = (f"{confirmed} confirmed, {queued} queued" for confirmed, queued in (one.counts, added))
            yield Offence("/".join(session), f"version {one.version} says {said}; by the facts before it {are}")
            return
        count = Counter(dict(zip(FIGURES, one.counts, strict=True)))

"""Promises about facts: one answer to every request, one form of every fact, and every version in its turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from cli.audit.counts import miscounted
from cli.audit.evidence import Evidence, SessionKey, Spent
from cli.audit.history import PlaceTold, told_of_sessions
from cli.audit.verdict import Offence, Verdict, verdict
from cli.facts import Fact, short_type
from instroom_contracts import topology
from instroom_contracts.cloudevent import type_of
from instroom_contracts.intake import EnrolmentRequested

ANSWERS = frozenset({"enrolment-confirmed", "enrolment-queued", "enrolment-rejected"})
REQUEST = type_of(EnrolmentRequested)


def one_answer_each(evidence: Evidence) -> Verdict:
    """Look for the one answer to every decided request, and for anything at all after other intake events."""
    told: dict[str, list[Fact]] = defaultdict(list)
    for fact in evidence.told:
        told[f"{fact.text('correlationsource')} {fact.text('correlationid')}"].append(fact)
    intake = [spent for spent in evidence.spent if _is_intake(spent) and spent.key not in evidence.parked]
    since = datetime.min.replace(tzinfo=UTC) if evidence.whole else _stream_begins(evidence)
    judged = [spent for spent in intake if spent.at >= since]
    offences = [Offence(key, _several(answers)) for key, facts in told.items() if len(answers := _answers(facts)) > 1]
    offences += [
        Offence(spent.key, f"was decided and never answered ({short_type(spent.type)})")
        for spent in judged
        if not _replies(spent, told)
    ]
    return verdict(
        "every request has exactly one answer",
        len(judged),
        offences,
        _counted(len(evidence.parked), "wait for their edition", *sorted(evidence.parked)[:3]),
        _counted(len(intake) - len(judged), "are older than the replay stream and were not judged"),
        _counted(evidence.untold, "facts stand in an outbox still and count as told"),
        remedy="`instroom answer ID --source SOURCE` tells the answer that is kept, which counts",
    )


def _is_intake(spent: Spent) -> bool:
    return spent.type in topology.TYPES and topology.TYPES[spent.type].exchange == topology.INTAKE


def _stream_begins(evidence: Evidence) -> datetime:
    return datetime.fromisoformat(evidence.facts[0].text("time")) if evidence.facts else evidence.now


def _answers(facts: Sequence[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.name in ANSWERS]


def _replies(spent: Spent, told: Mapping[str, list[Fact]]) -> list[Fact]:
    """Return what answers an intake event: for a request its decision, for others whatever fact they led to."""
    facts = told.get(spent.key, [])
    return _answers(facts) if spent.type == REQUEST else facts


def _several(answers: Sequence[Fact]) -> str:
    return f"has {len(answers)} answers: {', '.join(f'{fact.name} {fact.id} ({fact.about})' for fact in answers)}"


def _counted(count: int, what: str, *which: str) -> str:
    return f"{count} {what}{': ' if which else ''}{', '.join(which)}" if count else ""


def one_form_each(evidence: Evidence) -> Verdict:
    """Compare every fact that was told again with its first telling."""
    first: dict[tuple[str, str], Fact] = {}
    offences = []
    for fact in evidence.facts:
        known = first.setdefault((fact.text("source"), fact.id), fact)
        if known is not fact and known.digest != fact.digest:
            other = ", ".join(_differing(known, fact))
            offences.append(Offence(f"{fact.name} {fact.id}", f"of {known.about} was told again with another {other}"))
    again = _counted(len(evidence.facts) - len(first), "were told again")
    return verdict("a fact keeps its id and its form", len(first), offences, again)


def _differing(one: Fact, other: Fact) -> list[str]:
    """Name what two tellings of a fact say otherwise: attributes and fields."""
    sides = ((one.attributes, other.attributes), (one.data, other.data))
    return sorted(name for was, now in sides for name in was.keys() | now.keys() if was.get(name) != now.get(name))


def versions_in_order(evidence: Evidence) -> Verdict:
    """Follow each session's `sessionVersion` through the stream: rising, none left out, with counts that add up."""
    told: dict[SessionKey, list[PlaceTold]] = defaultdict(list)
    for fact in evidence.told:
        for session, one in told_of_sessions(fact):
            told[session].append(one)
    versions = {session: [one.version for one in seen] for session, seen in told.items()}
    kept = {counter.session: counter.version for counter in evidence.counters}
    offences = [offence for session, seen in versions.items() for offence in _order_offences(session, seen)]
    if evidence.whole:
        offences += [one for session, last in kept.items() for one in _gaps(session, last, versions.get(session, []))]
    offences += [offence for session, seen in told.items() for offence in miscounted(session, seen)]
    return verdict("a session's facts are told in order, and all of them", len(versions), offences)


def _order_offences(session: SessionKey, versions: list[int]) -> Iterator[Offence]:
    highest = 0
    for version in versions:
        if version <= highest:
            yield Offence("/".join(session), f"version {version} is told after version {highest}")
        highest = max(highest, version)


def _gaps(session: SessionKey, last: int, versions: list[int]) -> Iterator[Offence]:
    missing = sorted(set(range(1, last + 1)).difference(versions))
    if missing:
        some = ", ".join(map(str, missing[:5]))
        yield Offence("/".join(session), f"{len(missing)} of {last} versions were never told: {some}")

"""Promises about facts: one answer to every request, one form of every fact, and every version in its turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cli.audit.evidence import Counter, Evidence, SessionKey, Spent
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
    """Follow each session's `sessionVersion` through the stream: rising, none left out, the newest as it is kept."""
    versions: dict[SessionKey, list[int]] = defaultdict(list)
    said: dict[tuple[SessionKey, int], Mapping[str, Any]] = {}
    for fact in evidence.told:
        for session, told in _told_of(fact):
            versions[session].append(told["sessionVersion"])
            said[session, told["sessionVersion"]] = told
    offences = [offence for session, seen in versions.items() for offence in _order_offences(session, seen)]
    if evidence.whole:
        offences += [offence for one in evidence.counters for offence in _gaps(one, versions[one.session])]
    newest = ((one, said.get((one.session, one.version))) for one in evidence.counters)
    offences += [offence for one, told in newest for offence in _miscounted(one, told)]
    return verdict("a session's facts are told in order, and all of them", len(versions), offences)


def _told_of(fact: Fact) -> Iterator[tuple[SessionKey, Mapping[str, Any]]]:
    """Return what a fact tells of sessions: of each its version, and how many places it has then."""
    if "sessionVersion" in fact.data:
        yield (fact.edition, fact.data.get("sessionId", "")), fact.data
    for party in (fact.data, *fact.data.get("companions", ())):
        for place in party.get("places", ()):
            yield (fact.edition, place["sessionId"]), place


def _miscounted(kept: Counter, told: Mapping[str, Any] | None) -> Iterator[Offence]:
    """Compare what the newest fact of a session says of its places; facts of before 0.3.0 do not say it."""
    for figure in ("confirmed", "queued"):
        count = getattr(kept, figure)
        if told and (said := told.get(figure, count)) != count:
            detail = f"{said} places were told as {figure} with version {kept.version}, and {count} are"
            yield Offence("/".join(kept.session), detail)


def _order_offences(session: SessionKey, versions: list[int]) -> Iterator[Offence]:
    highest = 0
    for version in versions:
        if version <= highest:
            yield Offence("/".join(session), f"version {version} is told after version {highest}")
        highest = max(highest, version)


def _gaps(kept: Counter, versions: list[int]) -> Iterator[Offence]:
    missing = sorted(set(range(1, kept.version + 1)).difference(versions))
    if missing:
        some = ", ".join(map(str, missing[:5]))
        yield Offence("/".join(kept.session), f"{len(missing)} of {kept.version} versions were never told: {some}")

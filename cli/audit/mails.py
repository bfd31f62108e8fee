"""Promises about invitations: one per confirmed place, each sent once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from cli.audit.evidence import Evidence, Invitation, Place
from cli.audit.verdict import Offence, Verdict, verdict

UNDER_WAY = frozenset({"waiting", "pending", "sending", "retry", "sent", "uncertain", "failed", "held", "unreadable"})
FOR_THE_OPERATOR = ("uncertain", "failed", "held", "unreadable")
UNTOLD = "(untold)"
"""What is unfinished while notification is being told of places that 0.2.0 took back without a word to it."""


def one_invitation_each(evidence: Evidence) -> Verdict:
    """Look for the one invitation to every confirmed place, and for none to places that were given back."""
    invitations: dict[tuple[str, str, str], list[Invitation]] = defaultdict(list)
    for invitation in evidence.invitations:
        invitations[invitation.enrolment, *invitation.session].append(invitation)
    telling = UNTOLD in evidence.unfinished
    judged = {"confirmed"} if telling else {"confirmed", "released"}
    places = [place for place in evidence.places.values() if place.state in judged]
    offences = [
        offence
        for place in places
        for offence in _invitation_offences(place, invitations[place.enrolment, *place.session], evidence)
    ]
    states = Counter(invitation.state for invitation in evidence.invitations)
    held = ", ".join(f"{states[state]} {state}" for state in FOR_THE_OPERATOR if states[state])
    confirmed = sum(place.state == "confirmed" for place in places)
    remark = f"{held}: see `instroom mails list`" if held else ""
    waits = "places given back are not judged, while what 0.2.0 left invited is being withdrawn" if telling else ""
    return verdict(
        "every confirmed place has one invitation",
        confirmed,
        offences,
        remark,
        waits,
        remedy="docs/operating.md, AuditBroken; `instroom mails list` shows the mails that were not sent",
    )


def _invitation_offences(place: Place, found: list[Invitation], evidence: Evidence) -> Iterator[Offence]:
    subject = f"{place.enrolment} {'/'.join(place.session)}"
    invites = [one for one in found if one.method == "REQUEST" and _counts(one, evidence)]
    if place.state == "confirmed" and len(invites) != 1 and not _withdrawn(place, evidence):
        yield Offence(subject, f"is confirmed and has {len(invites)} invitations")
    if place.state == "released" and any(_must_be_withdrawn(one, evidence) for one in invites):
        yield Offence(subject, "was given back and is still invited to")


def _counts(invitation: Invitation, evidence: Evidence) -> bool:
    """Count an invitation that is under way, or that was rightly dropped since its session had begun."""
    begun = evidence.begins(invitation.session) <= invitation.asked_at
    return invitation.state in UNDER_WAY or (invitation.state == "dropped" and begun)


def _must_be_withdrawn(invitation: Invitation, evidence: Evidence) -> bool:
    """Say whether an invitation to a place that was given back has to go: once it has begun, it may as well stay."""
    return invitation.asked_method == "CANCEL" or evidence.now < evidence.begins(invitation.session)


def _withdrawn(place: Place, evidence: Evidence) -> bool:
    """Say whether the session itself takes invitations back: it is cancelled, or has no date any more."""
    offered = evidence.sessions.get(place.session)
    return offered is not None and (offered.cancelled or offered.starts_at is None)


def sent_once(evidence: Evidence) -> Verdict:
    """Look for invitations that were sent twice with one sequence, and for sent ones that were never told."""
    sent = Counter(
        (fact.data["enrolmentId"], fact.edition, fact.data["sessionId"], fact.data["method"], fact.data["sequence"])
        for fact in evidence.told
        if fact.name == "invite-sent"
    )
    offences = [
        Offence(f"{enrolment} {edition}/{session}", f"{method} with sequence {sequence} was sent {count} times")
        for (enrolment, edition, session, method, sequence), count in sent.items()
        if count > 1
    ]
    if evidence.whole:
        offences += [
            Offence(f"{one.enrolment} {'/'.join(one.session)}", f"{one.method} {one.sequence} was sent and not told")
            for one in evidence.invitations
            if one.state == "sent" and not sent[one.enrolment, *one.session, one.method, one.sequence]
        ]
    return verdict("an invitation is sent once", sum(sent.values()), offences)

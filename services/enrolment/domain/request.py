"""A request for an enrolment, laid beside the edition that it is about: who comes, and to which sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from instroom_contracts.cloudevent import CloudEvent
from instroom_contracts.intake import EnrolmentRequested, Participant
from services.enrolment.domain.edition import Edition, Profile, Session, comparable
from services.enrolment.domain.ids import companion_id, enrolment_id, participant_key


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a party: the id of their enrolment, and the sessions they attend (ids)."""

    id: str
    participant: Participant
    key: str
    session_ids: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What is asked of one edition.

    `attending` are the sessions of the participant: those that everyone attends, then the `chosen` ones. `unknown` are
    the ids among the asked ones that name no session one can attend. `party` is the participant, then the companions.
    """

    event_id: str
    source: str
    moment: datetime
    asked: EnrolmentRequested
    edition: Edition
    profile: Profile
    attending: tuple[Session, ...]
    chosen: tuple[Session, ...]
    unknown: tuple[str, ...]
    party: tuple[Member, ...]

    @classmethod
    def of(cls, event: CloudEvent[EnrolmentRequested], edition: Edition) -> Request:
        """Read an event beside its edition."""
        asked = event.data
        profile = _profile(asked.participant)
        expected, chosen = _expected(asked, profile, edition), _chosen(asked, edition)
        attending = expected + chosen
        return cls(
            event_id=event.id,
            source=event.source,
            moment=event.time,
            asked=asked,
            edition=edition,
            profile=profile,
            attending=attending,
            chosen=chosen,
            unknown=_unknown(asked, edition),
            party=_party(event, frozenset([session.id for session in attending])),
        )

    @property
    def id(self) -> str:
        """Return the id of the enrolment that this request leads to."""
        return self.party[0].id

    @property
    def session_ids(self) -> frozenset[str]:
        """Return the ids of the sessions that the participant attends."""
        return self.party[0].session_ids

    def size(self, session_id: str) -> int:
        """Return how many of the party attend a session."""
        return sum([session_id in member.session_ids for member in self.party])


def attending(asked: EnrolmentRequested, edition: Edition) -> tuple[Session, ...]:
    """Return the sessions that a participant attends."""
    return _expected(asked, _profile(asked.participant), edition) + _chosen(asked, edition)


def _profile(participant: Participant) -> Profile:
    return Profile(
        comparable(participant.role),
        comparable(participant.organisation),
        comparable(participant.region) if participant.region else None,
    )


def _expected(asked: EnrolmentRequested, profile: Profile, edition: Edition) -> tuple[Session, ...]:
    """Return the sessions that everyone attends and that are meant for this participant.

    Everyone means everyone in its audience: in source 004 councillors come to the evenings and managers to the training
    as well, in one edition. Who asks for it by name, or leaves out the region that decides it, is judged by the rules.
    """
    return tuple(
        [
            session
            for session in edition.everyone
            if session.audience is None
            or session.id in asked.session_ids
            or session.excludes(profile) in {None, "region-missing"}
        ]
    )


def _chosen(asked: EnrolmentRequested, edition: Edition) -> tuple[Session, ...]:
    """Return the sessions that the participant chose, each once, in their order."""
    return tuple([session for id in dict.fromkeys(asked.session_ids) if (session := edition.choosable.get(id))])


def _unknown(asked: EnrolmentRequested, edition: Edition) -> tuple[str, ...]:
    named = [*asked.session_ids, *(id for companion in asked.companions for id in companion.session_ids)]
    return tuple([id for id in named if id not in edition.sessions or edition.sessions[id].cancelled])


def _party(event: CloudEvent[EnrolmentRequested], session_ids: frozenset[str]) -> tuple[Member, ...]:
    asked, main_id = event.data, enrolment_id(event.source, event.id)
    main = Member(main_id, asked.participant, participant_key(asked.edition_id, asked.participant), session_ids)
    if not asked.companions:
        return (main,)
    companions = [
        Member(
            companion_id(main_id, number),
            companion.participant,
            participant_key(asked.edition_id, companion.participant),
            frozenset(companion.session_ids),
        )
        for number, companion in enumerate(asked.companions, start=1)
    ]
    return (main, *companions)

"""The reasons for refusing an enrolment, one function each, in the order in which they are told (WIRE.md)."""

from __future__ import annotations

from collections.abc import Callable

from instroom_contracts.catalog import Question
from instroom_contracts.cloudevent import Problem
from instroom_contracts.digest import MOST_BYTES
from services.enrolment.domain import facts
from services.enrolment.domain.edition import Restriction, Session
from services.enrolment.domain.enrolment import Answer
from services.enrolment.domain.register import Register
from services.enrolment.domain.request import Request
from services.enrolment.domain.sentences import Refused

Rule = Callable[[Request, Register], Refused | None]

ENROLLING = frozenset({"open", "tentative", "confirmed"})
"""The states of an edition in which one can enrol: certain to run or not, it takes participants."""


def first_failing(request: Request, register: Register) -> Refused | None:
    """Return the first reason why this request cannot be granted, or None.

    `queue-full` comes last and is judged where the seats are given (`places`).
    """
    for rule in RULES:
        if refused := rule(request, register):
            return refused
    return None


def _is_more_than_an_answer_holds(request: Request, _: Register) -> Refused | None:
    """Judge beforehand whether the answer will fit into a message: where it turns out not to, others pay as well.

    An edition decides all who waited for it at once, and would come to nothing with one of them.
    """
    size = facts.most_bytes(member.session_ids for member in request.party)
    return Refused("invalid-request", "party") if size > MOST_BYTES else None


def _is_no_offer(request: Request, _: Register) -> Refused | None:
    return Refused("request-only") if request.edition.published.kind == "request-only" else None


def _is_cancelled(request: Request, _: Register) -> Refused | None:
    """Look at the sessions too: where each of them is cancelled, so is the edition, whatever its state says."""
    edition = request.edition
    is_off = edition.cancelled or (edition.sessions and not any(map(edition.goes_ahead, edition.sessions)))
    return Refused("edition-cancelled") if is_off else None


def _is_not_open(request: Request, _: Register) -> Refused | None:
    edition = request.edition
    return None if edition.published.state in ENROLLING and edition.sessions else Refused("edition-not-open")


def _is_late(request: Request, _: Register) -> Refused | None:
    """Judge the deadline on the time of the participant's request, not on when it is read."""
    closed_from = request.edition.closed_from
    if closed_from is None or request.moment < closed_from:
        return None
    return Refused("deadline-passed", words={"deadline": request.edition.deadline_text})


def _is_enrolled(request: Request, register: Register) -> Refused | None:
    main, *companions = request.party
    if register.live.get(main.key):
        return Refused("already-enrolled")
    if not companions:
        return None
    if any(register.live.get(companion.key) for companion in companions):
        return Refused("already-enrolled", "companion")
    keys = {member.key for member in request.party}
    return None if len(keys) == len(request.party) else Refused("already-enrolled", "twice")


def _names_unknown_session(request: Request, _: Register) -> Refused | None:
    return Refused("unknown-session") if request.unknown else None


def _comes_after_the_start(request: Request, _: Register) -> Refused | None:
    for session in request.attending:
        if session.begun(request.moment):
            return Refused("session-over", words={"session": session.title})
    return None


def _is_outside_the_audience(request: Request, _: Register) -> Refused | None:
    if restriction := request.edition.audience.excludes(request.profile):
        return _excluded(restriction)
    for session in request.attending:
        if restriction := session.excludes(request.profile):
            return _excluded(restriction, session)
    return _is_for_nobody_like_this(request)


def _is_for_nobody_like_this(request: Request) -> Refused | None:
    """Refuse whom none of the sessions that everyone attends is meant for, and who chose nothing either."""
    everyone = request.edition.everyone
    restriction = everyone[0].excludes(request.profile) if everyone and not request.attending else None
    return _excluded(restriction, everyone[0]) if restriction else None


def _excluded(restriction: Restriction, session: Session | None = None) -> Refused:
    return Refused("not-in-audience", restriction, {"session": session.title} if session else {})


def _lacks_prerequisite(request: Request, _: Register) -> Refused | None:
    """Ask for the sessions that one builds on to be among the party's own; whether they came is known later.

    One that is cancelled stands in nobody's way.
    """
    for session in request.attending:
        needed = session.prerequisite
        if needed is None or request.profile.role in needed.exempt_roles:
            continue
        for id in needed.session_ids:
            if id not in request.session_ids and request.edition.goes_ahead(id):
                return Refused("prerequisite-missing", words={"session": session.title, "needed": _title(request, id)})
    return None


def _title(request: Request, session_id: str) -> str:
    session = request.edition.sessions.get(session_id)
    return session.title if session else session_id


def _chooses_too_few(request: Request, _: Register) -> Refused | None:
    """Count the choices; one that would come to no session at all is too few where the edition asks for none."""
    minimum, chosen = request.edition.minimum or int(not request.attending), len(request.chosen)
    return Refused("too-few-choices", words={"minimum": minimum, "chosen": chosen}) if chosen < minimum else None


def _chooses_too_many(request: Request, _: Register) -> Refused | None:
    maximum, chosen = request.edition.maximum, len(request.chosen)
    return Refused("too-many-choices", words={"maximum": maximum, "chosen": chosen}) if chosen > maximum else None


def _chooses_clashing_sessions(request: Request, _: Register) -> Refused | None:
    """Look at chosen sessions only: whether those that everyone attends fit together is the catalogue's affair."""
    for session in request.chosen:
        for id in sorted(session.clashes & request.session_ids):
            return Refused("sessions-clash", words={"session": session.title, "other": _title(request, id)})
    return None


def _lacks_companion(request: Request, _: Register) -> Refused | None:
    for session in request.attending:
        if session.companion == "required" and request.size(session.id) == 1:
            return Refused("companion-required", words={"session": session.title})
    return None


def _brings_companion_in_vain(request: Request, _: Register) -> Refused | None:
    """Let companions come only where the session allows one and the participant is there too.

    Their own role is not judged: the session that welcomes companions welcomes them (source 002: a legal colleague).
    """
    for companion in request.party[1:]:
        for id in sorted(companion.session_ids):
            session = request.edition.sessions[id]
            if session.companion == "none":
                return Refused("companion-not-allowed", words={"session": session.title})
            if id not in request.session_ids:
                return Refused("companion-not-allowed", "absent", {"session": session.title})
    return None


def _leaves_questions_open(request: Request, _: Register) -> Refused | None:
    """Want an answer to what must be answered, and one that is offered where there is a choice.

    Only what is asked of this participant counts; an answer to anything else is kept, and judged by nobody.
    """
    asked = [one for one in request.edition.published.questions if _is_asked(one, request)]
    wrong = [(one, remedy) for one in asked if (remedy := _remedy(one, request.asked.answers.get(one.id)))]
    if not wrong:
        return None
    errors = tuple(Problem(f"/data/answers/{one.id.replace('~', '~0')}", remedy) for one, remedy in wrong)
    labels = "', '".join(one.label for one, _ in wrong[:MOST_NAMED])
    return Refused("answers-incomplete", words={"questions": labels}, errors=errors[:MOST_ERRORS])


MOST_ERRORS, MOST_NAMED = 20, 5
"""What a refusal points at, and how many questions its sentence names."""


def _is_asked(question: Question, request: Request) -> bool:
    return not question.session_ids or not request.session_ids.isdisjoint(question.session_ids)


def _remedy(question: Question, answer: Answer | None) -> str | None:
    """Say what is to be done about an answer; None where nothing is. One of blanks only is none."""
    if answer is None or (isinstance(answer, str) and not answer.strip()):
        return "This question must be answered: add the answer." if question.required else None
    if question.kind == "choice" and answer not in question.options:
        return "This is none of the options of the question: give one of them."
    if question.kind == "yes-no" and not isinstance(answer, bool):
        return "This question is answered by yes or no: give true or false."
    return None


RULES: tuple[Rule, ...] = (
    _is_more_than_an_answer_holds,
    _is_no_offer,
    _is_cancelled,
    _is_not_open,
    _is_late,
    _is_enrolled,
    _names_unknown_session,
    _comes_after_the_start,
    _is_outside_the_audience,
    _lacks_prerequisite,
    _chooses_too_few,
    _chooses_too_many,
    _chooses_clashing_sessions,
    _lacks_companion,
    _brings_companion_in_vain,
    _leaves_questions_open,
)

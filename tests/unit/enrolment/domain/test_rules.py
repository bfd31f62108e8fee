"""The reasons for refusing an enrolment, and their order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from instroom_contracts import catalog, intake
from instroom_contracts.cloudevent import encode, new_event
from instroom_contracts.digest import MOST_BYTES
from instroom_contracts.enrolment import REASONS, EnrolmentConfirmed, EnrolmentQueued, EnrolmentRejected
from instroom_contracts.intake import Invoice
from services.enrolment.domain import facts, rules
from services.enrolment.storage.kinds import ENROLMENTS, PARTICIPANTS
from tests.unit.enrolment.examples import (
    ASKED,
    DESK,
    EDITION,
    OTHER,
    STARTS,
    WEBSITE,
    Desk,
    choice,
    companion,
    edition,
    participant,
    request,
    session,
)

BEFORE = ASKED - timedelta(days=365)


def roles(*names: str) -> catalog.Audience:
    """Restrict an audience to these roles."""
    return catalog.Audience(roles=names)


def deadline(at: str) -> catalog.Deadline:
    """Set a deadline at this instant."""
    return catalog.Deadline(at=datetime.fromisoformat(at), text="tot 21 mei")


CASE = catalog.Question(id="casus", label="Welke casus brengt u in?", kind="text", required=True)
FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("request-only", {"kind": "request-only"}),
    ("edition-cancelled", {"state": "cancelled"}),
    ("edition-not-open", {"state": "closed"}),
    ("deadline-passed", {"deadline": catalog.Deadline(at=BEFORE, text="gisteren")}),
    ("already-enrolled", {}),
    ("unknown-session", {"sessions": "known"}),
    ("session-over", {"sessions": "begun"}),
    ("not-in-audience", {"sessions": "restricted"}),
    ("prerequisite-missing", {"sessions": "building"}),
    ("too-few-choices", {"choice": catalog.Choice(minimum=9, maximum=1)}),
    ("too-many-choices", {"choice": catalog.Choice(minimum=0, maximum=1)}),
    ("sessions-clash", {"sessions": "clashing"}),
    ("companion-required", {"sessions": "paired"}),
    ("companion-not-allowed", {"sessions": "alone"}),
    ("answers-incomplete", {"questions": (CASE,)}),
    ("queue-full", {"sessions": "full"}),
]
"""Each reason with what is wrong in the edition, in the order of WIRE.md. Faults of sessions add up."""

SESSIONS: list[tuple[str, catalog.Session]] = [
    ("begun", choice("begonnen", starts_at=BEFORE)),
    ("restricted", choice("voor-griffiers", audience=roles("griffier"))),
    ("building", choice("vervolg", prerequisite=catalog.Prerequisite(session_ids=("basis",)))),
    ("clashing", choice("gelijktijdig", starts_at=STARTS + timedelta(hours=1))),
    ("paired", choice("duo", companion="required")),
    ("alone", choice("solo")),
    ("full", choice("vol", capacity=0, queue_limit=0)),
]


def faulty(first: int) -> tuple[Desk, Any]:
    """Build an edition and a request with the fault at this place in the order, and every later one."""
    faults = FAULTS[first:]
    kinds = {fields["sessions"] for _, fields in faults if "sessions" in fields}
    sessions = [one for kind, one in SESSIONS if kind in kinds]
    fields = {name: value for _, wrong in reversed(faults) for name, value in wrong.items() if name != "sessions"}
    reasons = {reason for reason, _ in faults}
    desk = Desk(edition(session("plenair"), choice("basis", companion="optional"), *sessions, version=1))
    if "already-enrolled" in reasons:
        desk.publish(edition(session("plenair"), version=2))
        desk.ask()
    desk.publish(edition(session("plenair"), choice("basis"), *sessions, choice("extra"), version=3, **fields))
    chosen = [one.session_id for one in sessions] + (["geen-bijeenkomst"] if "known" in kinds else [])
    companions = (companion("kim", "solo"),) if "alone" in kinds else ()
    return desk, request(*chosen, "extra", companions=companions)


@pytest.mark.parametrize("first", range(len(FAULTS)), ids=[reason for reason, _ in FAULTS])
def test_the_first_failing_rule_is_told_whatever_else_is_wrong(first: int) -> None:
    """An integrator maps one reason to one screen; the order is a promise of the wire."""
    desk, asked = faulty(first)
    answer = desk.told(asked)[0]
    assert isinstance(answer, EnrolmentRejected)
    assert answer.reason == FAULTS[first][0]


def test_the_table_of_faults_is_in_the_order_of_the_wire() -> None:
    """A reason added to the contract must be added to the order that is tested."""
    assert [reason for reason, _ in FAULTS] == list(REASONS[2 : REASONS.index("queue-full") + 1])


QUESTIONS = (
    CASE,
    catalog.Question(id="ronde", label="In welke ronde?", kind="choice", options=("een", "twee")),
    catalog.Question(id="lunch", label="Luncht u mee?", kind="yes-no", required=True, session_ids=("extra",)),
)


@pytest.mark.parametrize(
    ("chosen", "answers", "wrong"),
    [
        ((), {"casus": "Wijkaanpak"}, []),
        ((), {"casus": 7, "ronde": "twee", "iets anders": "ook"}, []),
        ((), {}, ["casus"]),
        ((), {"casus": ""}, ["casus"]),
        ((), {"casus": " \n "}, ["casus"]),
        ((), {"casus": "x", "ronde": ""}, []),
        ((), {"casus": "x", "ronde": "drie"}, ["ronde"]),
        ((), {"casus": "x", "ronde": True}, ["ronde"]),
        ((), {"casus": "x", "lunch": "misschien"}, []),
        (("extra",), {"casus": "x"}, ["lunch"]),
        (("extra",), {"casus": "x", "lunch": "ja"}, ["lunch"]),
        (("extra",), {"casus": "x", "lunch": False}, []),
        (("extra",), {"ronde": "nul", "lunch": 1}, ["casus", "ronde", "lunch"]),
    ],
)
def test_what_is_asked_is_answered(chosen: tuple[str, ...], answers: dict[str, Any], wrong: list[str]) -> None:
    """Only what is asked of this participant; every mistake at once, where a program can mend it."""
    answer = Desk(edition(session(), choice("extra"), questions=QUESTIONS)).ask(*chosen, answers=answers)
    assert [error.pointer for error in getattr(answer, "errors", ())] == [f"/data/answers/{id}" for id in wrong]
    assert getattr(answer, "reason", None) == ("answers-incomplete" if wrong else None)


def test_a_question_that_is_left_open_is_named_to_the_participant() -> None:
    """They do not see the pointers."""
    desk = Desk(edition(questions=QUESTIONS))
    assert "niet goed beantwoord: 'Welke casus brengt u in?'." in desk.ask().detail
    all_three = Desk(edition(session(), choice("extra"), questions=QUESTIONS)).ask("extra", answers={"ronde": "nul"})
    assert "'Welke casus brengt u in?', 'In welke ronde?', 'Luncht u mee?'" in all_three.detail
    odd = catalog.Question(id="a~b", label="Vreemd", kind="text", required=True)
    assert Desk(edition(questions=(odd,))).ask().errors[0].pointer == "/data/answers/a~0b"


def test_a_request_with_nothing_wrong_is_granted() -> None:
    """Without this, the table above could pass on a service that refuses everything."""
    desk = Desk(edition(session("plenair"), choice("extra")))
    assert isinstance(desk.ask("extra"), EnrolmentConfirmed)


def test_the_order_test_notices_rules_that_change_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin of the order test: with the rules turned round, another reason comes first."""
    monkeypatch.setattr(rules, "RULES", tuple(reversed(rules.RULES)))
    desk, asked = faulty(0)
    answer = desk.told(asked)[0]
    assert isinstance(answer, EnrolmentRejected)
    assert answer.reason != "request-only"


@pytest.mark.parametrize("state", ["open", "tentative", "confirmed"])
def test_an_edition_takes_participants_whether_or_not_it_is_certain_to_run(state: str) -> None:
    """A tentative edition needs enrolments to become certain."""
    assert isinstance(Desk(edition(state=state)).ask(), EnrolmentConfirmed)


@pytest.mark.parametrize("state", ["concept", "closed"])
def test_an_edition_that_is_not_offered_takes_nobody(state: str) -> None:
    """A draft must not fill up by accident."""
    assert Desk(edition(state=state)).ask().reason == "edition-not-open"


def test_a_closed_edition_made_for_an_organisation_takes_its_own_people_only() -> None:
    """Sources 003 and 004: after a quote an edition is made for one municipality."""
    desk = Desk(edition(kind="closed", audience=catalog.Audience(organisations=("Gemeente Voorbeeld",))))
    outsider = participant("sam", organisation="Gemeente Elders")
    assert isinstance(desk.ask(participant=participant("kim", organisation=" gemeente VOORBEELD ")), EnrolmentConfirmed)
    assert desk.ask(participant=outsider).reason == "not-in-audience"


LONG = [f"{'werksessie-' * 6}{number}" for number in range(45)]
MANY = catalog.Choice(minimum=0, maximum=len(LONG))


@pytest.mark.parametrize(("people", "reason"), [(5, None), (9, "invalid-request")])
def test_an_answer_is_reckoned_before_it_is_given_and_never_too_low(people: int, reason: str | None) -> None:
    """What turns out to fit into no message when it is written has been decided for nothing, with others beside it."""
    desk = Desk(edition(*(choice(id, starts_at=None, companion="optional") for id in LONG), choice=MANY))
    party = tuple(companion(f"collega-{number}", *LONG) for number in range(people))
    answer = desk.ask(*LONG, companions=party, invoice=Invoice(reference="\u00e9" * 100))
    assert getattr(answer, "reason", None) == reason
    told = new_event(
        answer, source=WEBSITE, correlationid='"' * 64, ownersource="o" * 255, causationid="\U0001f600" * 64
    )
    reckoned = facts.most_bytes([LONG] * (people + 1))
    assert len(encode(told).body) <= reckoned
    assert (reckoned > MOST_BYTES) == (reason is not None)


SPELLINGS = [
    ("Súdwest-Fryslân", "Su\u0301dwest-Frysla\u0302n"),
    ("Súdwest-Fryslân", "súdwest\u2011fryslân"),
    ("Súdwest-Fryslân", "Súdwest\u2013Fryslân "),
    ("Súdwest-Fryslân", "Súd\u00adwest-Frys\u200blân"),
    ("Gemeente Súdwest-Fryslân", "Gemeente  Súdwest-Fryslân"),
    ("Gemeente Súdwest-Fryslân", "Gemeente\u00a0Súdwest-Fryslân"),
    *(("'s-Hertogenbosch", f"{sign}s-Hertogenbosch") for sign in "\u2019\u2018\u02bc\u00b4`\u2032\uff07\u201b"),
    ("\u2019s-Hertogenbosch", "'S-HERTOGENBOSCH"),
    ("Gemeente Straße", "GEMEENTE STRASSE"),
    ("Ｇｅｍｅｅｎｔｅ Voorbeeld", "Gemeente Voorbeeld"),  # noqa: RUF001
]


@pytest.mark.parametrize(("announced", "typed"), [*SPELLINGS, *((typed, announced) for announced, typed in SPELLINGS)])
def test_an_audience_knows_its_own_however_they_spell_it(announced: str, typed: str) -> None:
    """A phone sets curly apostrophes and a word processor long hyphens; the name is the same."""
    audience = catalog.Audience(organisations=(announced,), regions=(announced,))
    desk = Desk(edition(audience=audience))
    assert isinstance(desk.ask(participant=participant(organisation=typed, region=typed)), EnrolmentConfirmed)


@pytest.mark.parametrize("other", ["Sudwest-Fryslan", "Súdwest Fryslân", "s-Hertogenbosch", "SúdwestFryslân"])
def test_another_name_is_another_name(other: str) -> None:
    """Letters and their signs tell organisations apart."""
    audience = catalog.Audience(organisations=("Súdwest-Fryslân", "'s-Hertogenbosch"))
    assert Desk(edition(audience=audience)).ask(participant=participant(organisation=other)).reason == "not-in-audience"


@pytest.mark.parametrize(
    ("at", "last", "first_late"),
    [
        ("2021-05-21T23:59:59.999+02:00", "2021-05-21T21:59:59.999999Z", "2021-05-21T22:00:00Z"),
        ("2024-02-29T23:59:59.999+01:00", "2024-02-29T22:59:59.999999Z", "2024-02-29T23:00:00Z"),
        ("2024-03-31T23:59:59.999+02:00", "2024-03-31T21:59:59.999Z", "2024-03-31T22:00:00Z"),
        ("2024-10-27T23:59:59.999+01:00", "2024-10-27T23:59:59.999+01:00", "2024-10-28T00:00:00+01:00"),
    ],
    ids=["summer time", "leap day", "day the clock goes forward", "day the clock goes back"],
)
def test_a_deadline_holds_through_the_end_of_its_day_in_amsterdam(at: str, last: str, first_late: str) -> None:
    """Trap 3: "until 21 May" includes that day, and a second before midnight is on time whatever the offset."""
    desk = Desk(edition(session(starts_at=None), deadline=deadline(at)))
    on_time, late = datetime.fromisoformat(last), datetime.fromisoformat(first_late)
    assert isinstance(desk.ask(name="robin", at=on_time), EnrolmentConfirmed)
    assert desk.ask(name="kim", at=late).reason == "deadline-passed"


@pytest.mark.parametrize(
    ("at", "last", "first_late"),
    [
        ("2021-05-21T23:59:59+02:00", "2021-05-21T23:59:59.999999+02:00", "2021-05-22T00:00:00+02:00"),
        ("2021-05-21T23:59:00+02:00", "2021-05-21T23:59:59.999999+02:00", "2021-05-22T00:00:00+02:00"),
        ("2021-05-21T23:59:59.500+02:00", "2021-05-21T23:59:59.999999+02:00", "2021-05-22T00:00:00+02:00"),
        ("2021-05-21T23:59:59Z", "2021-05-21T23:59:59.999999Z", "2021-05-22T00:00:00Z"),
        ("2021-05-21T12:00:00+02:00", "2021-05-21T12:00:00.999999+02:00", "2021-05-21T12:00:01+02:00"),
        ("2021-05-21T12:00:00.250+02:00", "2021-05-21T12:00:00.250999+02:00", "2021-05-21T12:00:00.251+02:00"),
    ],
    ids=["without milliseconds", "without seconds", "half a second", "in UTC", "at noon", "to the millisecond"],
)
def test_a_deadline_holds_in_full_as_far_as_it_was_written(at: str, last: str, first_late: str) -> None:
    """Who sends in the last second of "23:59:59" is on time: nobody who writes that means to leave it out."""
    desk = Desk(edition(session(starts_at=None), deadline=deadline(at)))
    on_time, late = datetime.fromisoformat(last), datetime.fromisoformat(first_late)
    assert isinstance(desk.ask(name="robin", at=on_time), EnrolmentConfirmed)
    assert desk.ask(name="kim", at=late).reason == "deadline-passed"


def test_a_deadline_is_judged_on_the_time_of_the_request_not_on_when_it_is_read() -> None:
    """A queue that ran behind must not cost anybody their place."""
    desk = Desk(edition(deadline=deadline("2021-05-21T23:59:59.999+02:00")))
    years_later = datetime(2025, 1, 1, tzinfo=UTC)
    assert isinstance(desk.tells(request(), now=years_later)[0].data, EnrolmentConfirmed)


def test_a_session_without_a_date_can_be_enrolled_in() -> None:
    """Trap 2: start and closing of source 000 have no date yet."""
    desk = Desk(edition(session("start", starts_at=None), session("slot", starts_at=None)))
    assert isinstance(desk.ask(), EnrolmentConfirmed)


def test_a_session_that_has_begun_takes_nobody_from_that_moment() -> None:
    """The first instant of a session is part of it."""
    desk = Desk(edition())
    assert isinstance(desk.ask(name="robin", at=STARTS - timedelta(microseconds=1)), EnrolmentConfirmed)
    assert desk.ask(name="kim", at=STARTS).reason == "session-over"


def test_a_cancelled_session_cannot_be_chosen_and_is_not_waited_for() -> None:
    """It is no session that one can attend, so choosing it is naming an unknown one."""
    desk = Desk(edition(session("plenair"), session("vervallen", state="cancelled"), choice("ook", state="cancelled")))
    assert desk.ask("ook").reason == "unknown-session"
    assert [place.session_id for place in desk.ask().places] == ["plenair"]


def test_a_session_can_have_an_audience_of_its_own() -> None:
    """Source 000: the audience differs per work session."""
    desk = Desk(edition(choice("raad", audience=roles("griffier")), audience=roles("griffier", "projectleider")))
    assert desk.ask("raad").reason == "not-in-audience"
    assert isinstance(desk.ask("raad", participant=participant("kim", role="griffier")), EnrolmentConfirmed)


def test_a_session_for_everyone_is_for_everyone_in_its_audience() -> None:
    """Source 004: councillors come to the evenings, managers to the training too, in one edition."""
    desk = Desk(
        edition(session("avond", audience=roles("raadslid", "manager")), session("training", audience=roles("manager")))
    )
    councillor = desk.ask(participant=participant("kim", role="raadslid"))
    manager = desk.ask(participant=participant("sam", role="manager"))
    assert [place.session_id for place in councillor.places] == ["avond"]
    assert [place.session_id for place in manager.places] == ["avond", "training"]
    assert desk.ask(participant=participant("robin", role="wethouder")).reason == "not-in-audience"


def test_whoever_names_no_region_is_told_to_name_it() -> None:
    """The field is optional on the wire, so the refusal must say how to mend it."""
    desk = Desk(edition(audience=catalog.Audience(regions=("groningen",))))
    assert "region" in desk.ask().detail
    assert isinstance(desk.ask(participant=participant("kim", region="Groningen")), EnrolmentConfirmed)


def comes_to_nothing(*sessions: catalog.Session, **fields: Any) -> Any:
    """Ask for an edition without choosing anything, where nothing would come of it."""
    empty = edition(**fields).model_copy(update={"sessions": sessions})
    desk = Desk(empty)
    answer = desk.ask()
    assert not desk.memory.all(ENROLMENTS)
    assert not desk.memory.all(PARTICIPANTS)
    return answer


@pytest.mark.parametrize(
    ("sessions", "reason"),
    [
        ((), "edition-not-open"),
        ((session(state="cancelled"),), "edition-cancelled"),
        ((session(state="cancelled"), choice("ook", state="cancelled")), "edition-cancelled"),
        ((choice("een"), choice("twee")), "too-few-choices"),
        ((session(state="cancelled"), choice("een")), "too-few-choices"),
        ((session(audience=roles("griffier")), choice("een")), "not-in-audience"),
    ],
)
def test_a_request_that_comes_to_no_session_is_refused(sessions: tuple[catalog.Session, ...], reason: str) -> None:
    """Granted, it would be an enrolment without a place, that nobody can cancel and that keeps its participant out."""
    assert comes_to_nothing(*sessions).reason == reason


def test_who_must_choose_although_no_number_is_asked_for_is_told_to_choose_one() -> None:
    """A minimum of 0 is for who attends the sessions for everyone."""
    assert "Kies ten minste 1 " in comes_to_nothing(choice("een")).detail


def test_without_that_rule_they_would_be_locked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin of the tests above."""
    monkeypatch.setattr(rules, "RULES", tuple(one for one in rules.RULES if one.__name__ != "_chooses_too_few"))
    with pytest.raises(AssertionError):
        comes_to_nothing(choice("een"))


def test_a_training_builds_on_evenings_unless_the_role_is_exempt() -> None:
    """Trap 6: clerk and municipal secretary need not have attended the evenings; managers must."""
    needed = catalog.Prerequisite(session_ids=("avond",), exempt_roles=("griffier",))
    desk = Desk(edition(choice("avond"), choice("training", prerequisite=needed)))
    assert desk.ask("training", participant=participant("robin", role="manager")).reason == "prerequisite-missing"
    assert isinstance(desk.ask("training", participant=participant("kim", role="griffier")), EnrolmentConfirmed)
    both = desk.ask("training", "avond", participant=participant("sam", role="manager"))
    assert isinstance(both, EnrolmentConfirmed)


def test_only_choices_count_as_chosen() -> None:
    """Naming a session that everyone attends, or one twice, is no extra choice."""
    limits = catalog.Choice(minimum=1, maximum=1)
    desk = Desk(edition(session("plenair"), choice("een"), choice("twee"), choice=limits))
    assert desk.ask("plenair", name="kim").reason == "too-few-choices"
    assert desk.ask("een", "twee", name="kim").reason == "too-many-choices"
    assert isinstance(desk.ask("plenair", "een", "een"), EnrolmentConfirmed)


def test_sessions_that_touch_do_not_clash_and_those_without_a_date_never_do() -> None:
    """Source 000 has work sessions in the morning and the afternoon of one day."""
    noon = STARTS + timedelta(hours=3)
    desk = Desk(
        edition(choice("ochtend", starts_at=STARTS), choice("middag", starts_at=noon), choice("ooit", starts_at=None))
    )
    assert isinstance(desk.ask("ochtend", "middag", "ooit"), EnrolmentConfirmed)


def test_a_choice_may_not_clash_with_a_session_for_everyone() -> None:
    """Nobody can be in two places, whether by choice or not."""
    desk = Desk(edition(session("plenair"), choice("tegelijk", starts_at=STARTS + timedelta(hours=2, minutes=59))))
    assert desk.ask("tegelijk").reason == "sessions-clash"


def test_a_participant_has_one_live_enrolment_per_edition() -> None:
    """The mail address is compared without case; who shares a mailbox gives a reference."""
    desk = Desk(edition())
    first = desk.ask(participant=participant(email="Team@example.org"))
    again = desk.ask(participant=participant(email="team@EXAMPLE.org"))
    assert (again.reason, again.enrolment_id) == ("already-enrolled", first.enrolment_id)
    assert isinstance(desk.ask(participant=participant(email="team@example.org", reference="kim")), EnrolmentConfirmed)


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ("robin@bücher.example", "robin@xn--bcher-kva.example"),
        ("robin@xn--bcher-kva.example", "ROBIN@BÜCHER.example."),
        ("röbin@example.org", "ro\u0308bin@example.org"),
        ("robin@example.org", "robin@example.org."),
        ("robin@example.org", "ro\u200bbin@example.org"),
    ],
)
def test_one_mailbox_is_one_participant_however_its_address_is_spelt(first: str, again: str) -> None:
    """Else one person takes two seats, and gets every mail twice."""
    desk = Desk(edition(session("duo", companion="optional")))
    desk.ask(participant=participant(email=first, reference="Kamer 1"))
    answer = desk.ask(participant=participant(email=again, reference=" Kamer  1"))
    assert answer.reason == "already-enrolled"
    twice = intake.Companion(participant=participant(email=again, role="jurist"), session_ids=("duo",))
    assert desk.ask(participant=participant(email=first), companions=(twice,)).reason == "already-enrolled"


@pytest.mark.parametrize(
    ("one", "other"),
    [("robin@faß.example", "robin@fass.example"), ("groß@example.org", "gross@example.org")],
)
def test_two_mailboxes_are_two_participants_however_alike(one: str, other: str) -> None:
    """Nobody is refused for what somebody else did."""
    desk = Desk(edition())
    for address in (one, other):
        assert isinstance(desk.ask(participant=participant(email=address)), EnrolmentConfirmed)


def test_another_source_does_not_learn_the_enrolment_that_is_in_the_way() -> None:
    """An id is what a cancellation needs; even a course desk did not make this enrolment."""
    desk = Desk(edition())
    desk.ask()
    for source in (OTHER, DESK):
        answer = desk.ask(source=source)
        assert (answer.reason, answer.enrolment_id) == ("already-enrolled", None)


def test_a_participant_may_enrol_again_after_cancelling_and_in_another_edition() -> None:
    """One live enrolment, not one for ever."""
    desk = Desk(edition(), edition(edition_id="midden"))
    first = desk.ask()
    desk.cancel(first.enrolment_id)
    assert isinstance(desk.ask(), EnrolmentConfirmed)
    assert isinstance(desk.ask(edition_id="midden"), EnrolmentConfirmed)


def test_a_companion_counts_as_enrolled() -> None:
    """A companion has an enrolment of their own, so the rule of one holds for them as well."""
    desk = Desk(edition(session("duo", companion="optional")))
    desk.ask(companions=(companion("kim", "duo"),))
    assert desk.ask(name="kim").reason == "already-enrolled"
    assert desk.ask(name="sam", companions=(companion("kim", "duo"),)).reason == "already-enrolled"
    assert desk.ask(name="lou", companions=(companion("lou", "duo"),)).reason == "already-enrolled"


def test_a_companion_comes_to_sessions_that_allow_it_and_never_alone() -> None:
    """Source 002: a legal colleague comes along in round 4 only."""
    desk = Desk(
        edition(
            session("ronde-1"),
            session("ronde-4", companion="optional", starts_at=None),
            choice("los", companion="optional"),
        )
    )
    assert desk.ask(companions=(companion("kim", "ronde-1"),)).reason == "companion-not-allowed"
    assert desk.ask(companions=(companion("kim", "los"),)).reason == "companion-not-allowed"
    assert isinstance(desk.ask(companions=(companion("kim", "ronde-4"),)), EnrolmentConfirmed)


def test_a_full_waiting_list_refuses_the_whole_request() -> None:
    """A place in one session is no use to who cannot even wait for the other."""
    desk = Desk(edition(session("vol", capacity=1, queue_limit=1), choice("vrij")))
    desk.ask(name="robin")
    assert isinstance(desk.ask(name="kim"), EnrolmentQueued)
    assert desk.ask("vrij", name="sam").reason == "queue-full"
    assert desk.memory.collections["pools"].keys() == {f"{EDITION}/vol", f"{EDITION}/vrij"}

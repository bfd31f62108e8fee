"""The five programmes in programmes/: every trap of their sources, decided as it should be."""

from __future__ import annotations

from datetime import time, timedelta
from functools import cache
from pathlib import Path

import pytest

from instroom_contracts.catalog import Audience, Edition, EditionSubmitted, Session
from instroom_contracts.cloudevent import decode, encode, new_event
from services.catalog.domain import AMSTERDAM, revise
from services.catalog.programmes import load
from services.catalog.storage import EDITIONS

PROGRAMMES = Path(__file__).parents[3] / "programmes"
NOORD, MIDDEN, ZUID = (f"vng-participatieweek-2021-{region}" for region in ("noord", "midden", "zuid"))
CMO = "cmo-stamm-participatie-2021"
BERENSCHOT = "berenschot-leeratelier-2024"
INCOMPANY = "vng-overheidsparticipatie-incompany"
OVKK = "ovkk-overheidsparticipatie"
REGIONS = pytest.mark.parametrize(("id", "region"), [(NOORD, "noord"), (MIDDEN, "midden"), (ZUID, "zuid")])


@cache
def submissions() -> dict[str, EditionSubmitted]:
    """Load the folder as the stack does."""
    return {submitted.edition.edition_id: submitted for submitted in load([PROGRAMMES])}


def edition(id: str) -> Edition:
    """Return one edition."""
    return submissions()[id].edition


def sessions(id: str) -> dict[str, Session]:
    """Return the sessions of one edition by their ids."""
    return {session.session_id: session for session in edition(id).sessions}


def audience(id: str, session_id: str) -> set[str]:
    """Return the roles that a session is for."""
    return set((sessions(id)[session_id].audience or Audience()).roles)


def test_the_editions_have_the_ids_that_clients_know() -> None:
    """Other parties' clients are already written against them."""
    assert set(submissions()) == {NOORD, MIDDEN, ZUID, CMO, BERENSCHOT, INCOMPANY, OVKK, f"{OVKK}-voorbeeld"}


def test_every_edition_survives_its_journey_unchanged() -> None:
    """What the command line sends, the service keeps; a difference would make a new version at every load."""
    for submitted in submissions().values():
        wire = encode(new_event(submitted, source="urn:nld:oin:00000001823288444000:systeem:instroom-cli"))
        arrived = decode(wire.body, model=EditionSubmitted, content_type=wire.content_type).data
        kept, _ = revise(None, arrived)
        read = EDITIONS.read({"_id": "x", **EDITIONS.write(kept)})
        assert revise(read, submitted) == (kept, ())


def test_contacts_are_made_up() -> None:
    """No source's real address may end up in a mail."""
    assert {
        submitted.edition.organiser.email.rpartition(".example.org")[2]
        for submitted in submissions().values()
        if submitted.edition.organiser
    } == {""}
    links = [link.join_url for submitted in submissions().values() for link in submitted.joining]
    assert all(link.startswith("https://meet.example.org/") for link in links)


def test_every_online_session_has_a_link_of_its_own() -> None:
    """An invitation to an online session waits until there is one."""
    for submitted in submissions().values():
        online = [session.session_id for session in submitted.edition.sessions if session.form == "online"]
        assert [link.session_id for link in submitted.joining] == online
    links = [link.join_url for submitted in submissions().values() for link in submitted.joining]
    assert len(links) == len(set(links)) == 34


@REGIONS
def test_trap_1_seats_are_the_sessions_own(id: str, region: str) -> None:
    """The page says 20 at its top; start and closing take 60 all the same."""
    seats = {session.session_id: session.capacity for session in edition(id).sessions}
    assert (seats.pop("startbijeenkomst"), seats.pop("slotbijeenkomst")) == (60, 60)
    assert len(seats) == 9
    assert set(seats.values()) == {20}


@REGIONS
def test_trap_2_start_and_closing_have_no_date_yet(id: str, region: str) -> None:
    """They can be enrolled in; their invitations wait."""
    undated = {session.session_id: session for session in edition(id).sessions if session.starts_at is None}
    assert set(undated) == {"startbijeenkomst", "slotbijeenkomst"}
    assert {session.attendance for session in undated.values()} == {"everyone"}
    assert {session.state for session in undated.values()} == {"planned"}


@pytest.mark.parametrize(
    ("id", "at", "text"),
    [
        (CMO, "2021-05-21T23:59:59.999+02:00", "tot 21 mei"),
        (BERENSCHOT, "2024-02-29T23:59:59.999+01:00", "tot en met 29 februari 2024"),
    ],
)
def test_trap_3_deadlines_run_through_their_day_in_the_pages_words(id: str, at: str, text: str) -> None:
    """Dutch "tot" is read leniently, and 2024 is a leap year."""
    deadline = edition(id).deadline
    assert deadline
    assert (deadline.at.isoformat(timespec="milliseconds"), deadline.text) == (at, text)


def test_trap_4_the_stray_date_is_no_session() -> None:
    """7 March 2024 stands on the page and nothing happens then."""
    starts = [session.starts_at.isoformat() for session in edition(BERENSCHOT).sessions if session.starts_at]
    assert starts == [
        "2024-03-28T12:00:00+01:00",
        "2024-04-18T12:00:00+02:00",
        "2024-05-23T12:00:00+02:00",
        "2024-06-27T12:00:00+02:00",
    ]


@pytest.mark.parametrize("id", [INCOMPANY, OVKK])
def test_trap_5_what_can_only_be_requested_has_neither_date_nor_amount(id: str) -> None:
    """A client must not be able to enrol in it."""
    assert edition(id).kind == "request-only"
    assert {session.starts_at for session in edition(id).sessions} == {None}
    assert edition(id).price.amount is None


@pytest.mark.parametrize("training", ["training-eerste-dagdeel", "training-tweede-dagdeel"])
def test_trap_6_clerk_and_municipal_secretary_need_not_have_attended_the_evenings(training: str) -> None:
    """Managers and team leads must have."""
    prerequisite = sessions(f"{OVKK}-voorbeeld")[training].prerequisite
    assert prerequisite
    assert set(prerequisite.session_ids) == {"eerste-bijeenkomst", "tweede-bijeenkomst"}
    assert audience(f"{OVKK}-voorbeeld", training) - set(prerequisite.exempt_roles) == {"manager", "teamleider"}


def test_trap_7_hours_without_dates() -> None:
    """The evenings are known by their hours before a municipality picks its dates."""
    evenings = [sessions(f"{OVKK}-voorbeeld")[id] for id in ("eerste-bijeenkomst", "tweede-bijeenkomst")]
    assert [(evening.starts_at, evening.hours) for evening in evenings] == [(None, "17:00-22:00")] * 2


def test_trap_7_seven_days_are_five_with_start_and_closing() -> None:
    """The page's figure counts two meetings without a date."""
    days = {session.starts_at.date() for session in edition(NOORD).sessions if session.starts_at}
    assert [day.isoformat() for day in sorted(days)] == [f"2021-06-{day:02}" for day in range(7, 12)]
    assert len(edition(NOORD).sessions) == 11


def test_trap_7_the_workshop_is_one_half_day_for_councillors_and_officials() -> None:
    """The page's label and its text name one audience each; both are meant."""
    assert list(sessions(INCOMPANY)) == ["workshop"]
    assert set(edition(INCOMPANY).audience.roles) == {"raadslid", "ambtenaar"}
    assert sessions(INCOMPANY)["workshop"].capacity == 20


def test_trap_8_hours_are_local_in_winter_and_summer() -> None:
    """The first round lies before the clock change, the others after it."""
    rounds = [session.starts_at for session in edition(BERENSCHOT).sessions if session.starts_at]
    assert {start.astimezone(AMSTERDAM).time() for start in rounds} == {time(12)}
    assert [start.utcoffset() for start in rounds] == [timedelta(hours=hours) for hours in (1, 2, 2, 2)]


@REGIONS
def test_a_region_has_its_own_week_and_people(id: str, region: str) -> None:
    """The same programme at the same hours, in another week."""
    assert (edition(id).region, edition(id).audience.regions) == (region, (region,))
    assert (edition(id).choice.minimum, edition(id).choice.maximum, edition(id).deadline) == (1, 9, None)
    here, north = ([session.starts_at for session in edition(of).sessions if session.starts_at] for of in (id, NOORD))
    assert len({start - other for start, other in zip(here, north, strict=True)}) == 1
    assert here[0].isocalendar().week == {"noord": 23, "midden": 24, "zuid": 25}[region]


@REGIONS
def test_a_missed_session_has_its_twin_in_the_other_regions(id: str, region: str) -> None:
    """Miss one, attend it elsewhere."""
    for session in edition(id).sessions:
        twins = {(twin.edition_id, twin.session_id) for twin in session.twins}
        assert twins == {(other, session.session_id) for other in {NOORD, MIDDEN, ZUID} - {id}}


@pytest.mark.parametrize(
    ("session_id", "hours", "inside", "outside"),
    [
        ("griffier-als-vooruitgeschoven-post", "13:00-16:30", "rekenkamerlid", "projectleider"),
        ("invloed-en-beweging", "09:00-12:30", "professional", "bestuurder"),
        ("participatiebeleid", "13:00-16:30", "programmamanager", "griffier"),
        ("dialoogtafel-bestuur", "19:00-21:30", "bestuurder", "raadslid"),
        ("responsief-sturen", "09:00-12:30", "leidinggevende", "projectleider"),
        ("participatie-als-proces", "13:00-16:30", "projectleider", "griffier"),
        ("participatie-en-regelgeving", "09:00-12:30", "medewerker-ruimtelijke-ordening", "communicatieadviseur"),
        ("inclusieve-besluitvorming", "13:00-16:30", "ambtenaar", "bestuurder"),
        ("frustreren-van-het-participatieproces", "09:00-12:30", "raadslid", "rekenkamerlid"),
    ],
)
def test_each_work_session_has_its_hours_and_its_audience(
    session_id: str, hours: str, inside: str, outside: str
) -> None:
    """The audience differs per session within one enrolment."""
    session = sessions(NOORD)[session_id]
    assert session.starts_at
    assert session.ends_at
    assert f"{session.starts_at:%H:%M}-{session.ends_at:%H:%M}" == hours
    assert inside in audience(NOORD, session_id)
    assert outside not in audience(NOORD, session_id)


def test_two_work_sessions_need_a_laptop() -> None:
    """A participant on a telephone would miss half of it."""
    needing = {session.session_id for session in edition(NOORD).sessions if session.requirements}
    assert needing == {"participatie-als-proces", "inclusieve-besluitvorming"}


def test_the_work_session_of_groningen_has_its_agenda() -> None:
    """With who speaks on what, and a break."""
    session = sessions(CMO)["werksessie"]
    assert session.starts_at
    assert session.starts_at.isoformat() == "2021-05-25T14:00:00+02:00"
    assert [item.time for item in session.agenda if item.title == "Pauze"] == ["14:55"]
    assert {trainer for item in session.agenda for trainer in item.trainers} == {
        "Liesbeth van de Wetering",
        "Dion Coomans (BZK)",
    }
    assert (edition(CMO).audience.regions, edition(CMO).audience.organisations) == (("groningen",), ())
    assert (session.capacity, edition(CMO).price.kind) == (None, "unknown")


def test_the_rounds_build_on_each_other_and_the_last_takes_a_colleague() -> None:
    """Homework before each, groups per municipality, and a legal colleague in round 4."""
    rounds = edition(BERENSCHOT).sessions
    before = [session.prerequisite.session_ids if session.prerequisite else () for session in rounds]
    ids = tuple(session.session_id for session in rounds)
    assert before == [ids[:number] for number in range(4)]
    assert [session.companion for session in rounds] == ["none", "none", "none", "optional"]
    assert {session.groups.kind for session in rounds if session.groups} == {"organisation"}
    assert all(session.homework and session.result and session.groups for session in rounds)
    assert {session.capacity for session in rounds} == {None}


@pytest.mark.parametrize(
    ("id", "price"),
    [
        (NOORD, ("amount", "295.00", "unknown")),
        (CMO, ("unknown", None, None)),
        (BERENSCHOT, ("amount", "2700.00", "excluded")),
        (INCOMPANY, ("on-request", None, None)),
        (OVKK, ("unknown", None, None)),
    ],
)
def test_prices_are_those_of_the_pages(id: str, price: tuple[str | None, ...]) -> None:
    """Systems that bill read them from the edition."""
    told = edition(id).price
    assert (told.kind, told.amount, told.vat) == price


def test_the_evenings_mix_first_and_then_divide() -> None:
    """Three mixed groups on the first evening; each role apart on the second."""
    first, second = (sessions(OVKK)[id].groups for id in ("eerste-bijeenkomst", "tweede-bijeenkomst"))
    assert first
    assert second
    assert (first.kind, len(first.names), second.kind, len(second.roles)) == ("balanced", 3, "split", 3)
    assert audience(OVKK, "tweede-bijeenkomst") == {role for roles in second.roles for role in roles}


def test_the_example_is_closed_to_one_municipality() -> None:
    """It shows what a municipality gets after its request."""
    example = edition(f"{OVKK}-voorbeeld")
    assert (example.kind, example.programme_id) == ("closed", OVKK)
    assert example.audience.organisations == ("Gemeente Voorbeeld",)
    assert example.sessions == edition(OVKK).sessions

"""Whose a fact is, and which provider's: integrators select by it, and permissions hold them to it."""

from __future__ import annotations

from chassis.handling import Tell
from instroom_contracts.cloudevent import InvalidEvent
from instroom_contracts.enrolment import (
    EnrolmentCancelled,
    EnrolmentConfirmed,
    EnrolmentRejected,
    PlaceConfirmed,
    PlaceReleased,
    RequestRefused,
    SessionFull,
)
from instroom_contracts.notification import InvitationRequested
from services.enrolment.domain.ids import enrolment_id
from services.enrolment.handlers.invalid import refuse_invalid
from tests.unit.enrolment.examples import DESK, OTHER, WEBSITE, Desk, cancellation, edition, request, session


def owners(tells: list[Tell]) -> set[tuple[str, str | None]]:
    """Return the kinds of events told, each with whose it is."""
    return {(type(tell.data).__name__, tell.owner) for tell in tells}


def test_what_is_about_an_enrolment_is_theirs_who_asked_for_it() -> None:
    """Also where another source's cancellation, or the course desk's, brought it about."""
    desk = Desk(edition(session(capacity=1)))
    first, second = request(name="robin"), request(name="kim", source=OTHER)
    desk.tells(first)
    desk.tells(second)
    tells = desk.tells(cancellation(enrolment_id(WEBSITE, first.id), source=DESK))
    assert owners(tells) == {
        (EnrolmentCancelled.__name__, WEBSITE),
        (PlaceReleased.__name__, WEBSITE),
        (PlaceConfirmed.__name__, OTHER),
        (InvitationRequested.__name__, WEBSITE),
        (InvitationRequested.__name__, OTHER),
    }


def test_a_refusal_is_theirs_who_asked() -> None:
    """The owner of an enrolment need not learn who tried to cancel it."""
    desk = Desk(edition(state="closed"))
    (rejected, _) = desk.tells(request(source=OTHER))
    (refused,) = desk.tells(cancellation("nothing", source=OTHER))
    (invalid,) = refuse_invalid(InvalidEvent("not-json", (), id="1", source=OTHER, type=None))
    assert owners([rejected, refused, invalid]) == {
        (EnrolmentRejected.__name__, OTHER),
        (RequestRefused.__name__, OTHER),
    }


def test_a_session_is_nobody_s() -> None:
    """That it is full concerns whoever follows its edition or its provider."""
    tells = Desk(edition(session(capacity=1))).tells(request())
    assert (SessionFull.__name__, None) in owners(tells)


def test_an_answer_to_a_parked_request_is_its_sender_s() -> None:
    """The edition's fact leads to it, and the catalogue asked for nothing."""
    desk = Desk()
    desk.tells(request(source=OTHER))
    desk.publish(edition())
    assert (EnrolmentConfirmed.__name__, OTHER) in owners(desk.tells_of_portions())


def test_every_fact_of_an_edition_names_its_provider() -> None:
    """Who follows one provider misses nothing and gets nobody else's."""
    desk = Desk(edition(session(capacity=1), provider="cmo-stamm"))
    asked = request()
    tells = desk.tells(asked) + desk.tells(cancellation(enrolment_id(WEBSITE, asked.id)))
    assert {tell.provider for tell in tells} == {"cmo-stamm"}


def test_seats_that_editions_share_are_told_in_each_of_them() -> None:
    """A pool may belong to sessions of several editions; of another provider's, nothing is told."""
    desk = Desk()
    shared = session(capacity=1, pool="zaal")
    for id, provider in (("noord", "aanbieder"), ("zuid", "aanbieder"), ("elders", "een-ander")):
        desk.publish(edition(shared, edition_id=id, provider=provider))
    tells = desk.tells(request(edition_id="noord"))
    full = {(tell.partitionkey, tell.provider) for tell in tells if isinstance(tell.data, SessionFull)}
    assert full == {("noord", "aanbieder"), ("zuid", "aanbieder")}


def test_an_edition_that_nobody_knows_has_no_provider() -> None:
    """Nothing is made up."""
    desk = Desk()
    asked = request()
    desk.tells(asked)
    assert {tell.provider for tell in desk.expire()} == {None}

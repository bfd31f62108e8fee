"""What makes an edition one that cannot be offered."""

import pytest

from instroom_contracts.catalog import Edition, EditionSubmitted, JoiningLink, Session
from services.catalog.rules import oversized, problems_between, problems_in
from tests.unit.catalog.builders import edition, session, submitted

CHOSEN = {"attendance": "choice"}
ROLES = {"roles": ["griffier"]}
AMOUNT = {"kind": "amount", "amount": "295.00", "currency": "EUR", "vat": "unknown"}


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        (edition(session(), session()), "/edition/sessions/1/sessionId"),
        (edition(session(ends_at=None)), "/edition/sessions/0/endsAt"),
        (edition(session(starts_at=None)), "/edition/sessions/0/startsAt"),
        (edition(session(ends_at=session().starts_at)), "/edition/sessions/0/endsAt"),
        (edition(session(capacity=0)), "/edition/sessions/0/capacity"),
        (edition(session(audience={"roles": ["raadslid"]}), audience=ROLES), "/edition/sessions/0/audience/roles/0"),
        (
            edition(session(groups={"kind": "split", "roles": [["raadslid"]]}), audience=ROLES),
            "/edition/sessions/0/groups/roles/0/0",
        ),
        (
            edition(
                session("een"), session(prerequisite={"session_ids": ["een"], "exempt_roles": ["x"]}), audience=ROLES
            ),
            "/edition/sessions/1/prerequisite/exemptRoles/0",
        ),
        (edition(session(**CHOSEN), choice={"minimum": 2, "maximum": 1}), "/edition/choice/minimum"),
        (edition(session(**CHOSEN), choice={"minimum": 1, "maximum": 2}), "/edition/choice/maximum"),
        (edition(session(**CHOSEN)), "/edition/choice/maximum"),
        (
            edition(session(prerequisite={"session_ids": ["later"]}), session("later")),
            "/edition/sessions/0/prerequisite/sessionIds",
        ),
        (edition(price={**AMOUNT, "currency": None}), "/edition/price/currency"),
        (edition(price={**AMOUNT, "kind": "free", "vat": None, "currency": None}), "/edition/price/amount"),
        (edition(session(pool="zaal", capacity=20), session("b", pool="zaal")), "/edition/sessions/1/pool"),
        (edition(session(hours="19:00-24:00")), "/edition/sessions/0/hours"),
        (edition(questions=[{"id": "a", "label": "A", "kind": "choice"}]), "/edition/questions/0/options"),
        (
            edition(questions=[{"id": "a", "label": "A", "kind": "yes-no", "options": ["ja"]}]),
            "/edition/questions/0/options",
        ),
        (edition(questions=[{"id": "a", "label": "A", "kind": "text"}] * 2), "/edition/questions/1/id"),
        (
            edition(questions=[{"id": "a", "label": "A", "kind": "text", "session_ids": ["geen"]}]),
            "/edition/questions/0/sessionIds",
        ),
        (edition(organiser={"name": "A", "email": "a@example..org"}), "/edition/organiser/email"),
        (edition(organiser={"name": "A", "email": "áb@example.org"}), "/edition/organiser/email"),
        (
            edition(organiser={"name": "A", "email": "a@bücher.example", "reply_to": "o’b@example.org"}),  # noqa: RUF001
            "/edition/organiser/replyTo",
        ),
    ],
)
def test_what_cannot_be_offered_is_named_with_its_place(wrong: Edition, pointer: str) -> None:
    """A course desk mends one field instead of searching a file."""
    assert [problem.pointer for problem in problems_in(EditionSubmitted(edition=wrong))] == [pointer]


@pytest.mark.parametrize("state", ["open", "tentative", "confirmed"])
@pytest.mark.parametrize("sessions", [(), (session(state="cancelled"),)])
def test_an_edition_that_takes_people_offers_something(state: str, sessions: tuple[Session, ...]) -> None:
    """Whoever enrolled in nothing could neither come nor cancel."""
    empty = edition().model_copy(update={"state": state, "sessions": sessions})
    (problem,) = problems_in(EditionSubmitted(edition=empty))
    assert problem.pointer == "/edition/sessions"
    assert "add one" in problem.detail


@pytest.mark.parametrize(
    "changes", [{"state": "concept"}, {"state": "closed"}, {"state": "cancelled"}, {"kind": "request-only"}]
)
def test_an_edition_that_takes_nobody_need_not(changes: dict[str, str]) -> None:
    """A programme is announced before its sessions are known."""
    assert problems_in(EditionSubmitted(edition=edition(**changes).model_copy(update={"sessions": ()}))) == ()


def test_a_link_belongs_to_a_session() -> None:
    """A link under a misspelt id would never reach anybody."""
    lost = EditionSubmitted(edition=edition(), joining=(JoiningLink(session_id="x", join_url="https://x.example.org"),))
    assert [problem.pointer for problem in problems_in(lost)] == ["/joining/0/sessionId"]


def test_an_edition_without_roles_takes_sessions_with_roles() -> None:
    """An empty list restricts nothing, so it cannot be contradicted."""
    assert problems_in(submitted(session(audience=ROLES))) == ()


def test_a_session_with_its_own_seats_may_hold_more_than_another() -> None:
    """Source 000 says 20 at the top and 60 for its start: nothing clamps a session to another figure."""
    assert problems_in(submitted(session(capacity=60), session("b", capacity=20))) == ()


def test_editions_handed_in_together_have_ids_of_their_own() -> None:
    """Two files with one id would overwrite each other at every load."""
    found = list(problems_between([submitted(), submitted()]))
    assert [(number, problem.pointer) for number, problem in found] == [(1, "/edition/editionId")]


@pytest.mark.parametrize(
    ("twin", "says"),
    [
        ({"edition_id": "elders", "session_id": "werksessie"}, "no edition elders"),
        ({"edition_id": "zuid", "session_id": "elders"}, "zuid has no session elders"),
    ],
)
def test_a_twin_is_there(twin: dict[str, str], says: str) -> None:
    """A session must not be caught up where it does not exist."""
    found = list(problems_between([submitted(session(twins=[twin])), submitted(edition_id="zuid")]))
    assert [(number, problem.pointer) for number, problem in found] == [(0, "/edition/sessions/0/twins")]
    assert says in found[0][1].detail


def test_sessions_of_two_editions_that_share_seats_agree_on_them() -> None:
    """A pool has one capacity; which of two would count is anybody's guess."""
    twenty, thirty = session(pool="zaal", capacity=20), session(pool="zaal", capacity=30)
    theirs = submitted(thirty, edition_id="elders", provider="een-ander")
    assert not list(problems_between([submitted(twenty), theirs])), "another provider's room is another room"
    gone = submitted(session(pool="zaal", capacity=30, state="cancelled"), edition_id="vorig")
    assert not list(problems_between([submitted(twenty), gone])), "nobody sits in what is cancelled"
    found = list(problems_between([submitted(twenty), submitted(thirty, edition_id="zuid")]))
    assert [(number, problem.pointer) for number, problem in found] == [(1, "/edition/sessions/0/pool")]


def test_an_edition_fits_into_a_message() -> None:
    """A fact that cannot be told would stop all others behind it."""
    assert oversized(edition()) == ()
    long = edition(*(session(f"s{number}", homework="x" * 4000) for number in range(20)))
    assert [problem.pointer for problem in oversized(long)] == ["/edition"]

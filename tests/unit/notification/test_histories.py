"""Whatever happens and in whatever order: a calendar ends up true, and nobody is told the same twice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notification.writing import composing
from tests.unit.notification.history import PEOPLE, History, calendar_is_true

ASKED = ("enrol", "leave", "end", "move", "relink", "cancel_or_reinstate")
ARRIVING = ("deliver", "deliver", "deliver_again", "follow")
SENT = ("claim", "claim", "dot", "dot", "accept", "accept", "put_off")

Steps = list[tuple[str, int]]


def histories(*more: str) -> st.SearchStrategy[Steps]:
    """Make histories in which there is a rest now and then, so that most of them go through many mails."""
    steps = st.tuples(st.sampled_from([*ASKED, *ARRIVING, *SENT, *more]), st.integers(0, 11))
    chapters = st.lists(st.lists(steps, min_size=4, max_size=12), min_size=2, max_size=6)
    return chapters.map(lambda all_of: [step for chapter in all_of for step in (*chapter, ("rest", 0))])


def lived(steps: Steps) -> History:
    """Live through these steps and let everything come to rest."""
    history = History()
    history.begin()
    for name, pick in steps:
        history.step(name, pick)
    history.settle()
    return history


@given(histories())
@settings(max_examples=60, deadline=None)
def test_calendars_end_up_true_and_nobody_is_told_the_same_twice(steps: Steps) -> None:
    """Requests and changes cross, come again and late; mails fail and are overtaken."""
    history = lived(steps)
    for name in PEOPLE:
        calendar_is_true(history, name)
        mails = history.mailboxes[name].mails
        assert not history.mailboxes[name].repeated()
        assert [mail.sequence for mail in mails] == sorted({mail.sequence for mail in mails})
        assert not mails or mails[0].method == "REQUEST", "withdrew what was never sent"


@given(histories("refuse", "fall_silent"))
@settings(max_examples=60, deadline=None)
def test_calendars_end_up_true_where_mails_are_refused_or_their_fate_is_unknown(steps: Steps) -> None:
    """Once somebody has looked at what is held; only then may a mail come twice."""
    history = lived(steps)
    for name in PEOPLE:
        calendar_is_true(history, name)


BEHIND: Steps = [("enrol", 0), ("deliver", 0), ("claim", 0), ("dot", 0), ("accept", 0), ("relink", 1), ("deliver", 0)]


@pytest.mark.parametrize("guarded", [True, False], ids=["guard", "twin without it"])
def test_a_mail_that_is_written_by_what_it_was_not_judged_by_comes_twice(
    monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """It would say the new link, and be on record as saying the old one."""

    def assumed(*_: object) -> bool:
        return True

    if not guarded:
        monkeypatch.setattr(composing, "up_to_date", assumed)
        monkeypatch.setattr(History, "_may_leave", assumed)
    # The first change is followed, the mail for it becomes due; the second comes before it is sent.
    history = lived([*BEHIND, ("follow", 0), ("relink", 0), ("deliver", 0), ("move", 1), ("deliver", 0), ("claim", 0)])
    assert bool(history.mailboxes["ada"].repeated()) is not guarded

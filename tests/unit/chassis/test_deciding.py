"""Deciding a batch in memory."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chassis.deciding import Received, Verdict, decide, foresee, goes_back_to
from chassis.documents import ById, Kind, Loaded
from chassis.senders import ALL_SENDERS, Admission, Senders
from instroom_contracts.origin import Origin
from tests.unit.chassis.toy import HEARS, JARS, SOURCE, CountRose, Jar, invalid, received

NOW = datetime(2021, 5, 20, 12, tzinfo=UTC)
NOBODY: dict[tuple[Kind[Any], str], Any] = {ALL_SENDERS: None}
"""No source is anybody's own."""


def verdict_on(*batch: Received, inbox: dict[str, str] | None = None) -> Verdict:
    """Decide a batch for which every jar was read and is empty."""
    loaded = Loaded(values={**NOBODY, **{(JARS, name): None for name in ("a", "b")}})
    outcome = asyncio.run(decide(batch, inbox or {}, loaded, NOW))
    assert isinstance(outcome, Verdict)
    return outcome


def test_all_that_a_batch_lacks_is_asked_for_at_once() -> None:
    """One read for the whole batch, not one per message."""
    outcome = asyncio.run(decide([received("a", id="1"), received("b", id="2")], {}, Loaded(values=dict(NOBODY)), NOW))
    assert outcome == frozenset({ById(JARS, "a"), ById(JARS, "b")})


def test_what_can_be_foreseen_is_asked_for_before_anything_is_decided() -> None:
    """One round of reading instead of two; what is there already is not read again."""
    hears = replace(HEARS, needs=lambda event, _: (ById(JARS, event.data.jar),))
    batch = [replace(received(jar, id=jar), hears=hears) for jar in "abc"]
    assert asyncio.run(foresee(batch, Loaded(values={**NOBODY, (JARS, "a"): None}))) == {
        ById(JARS, "b"),
        ById(JARS, "c"),
    }


def test_of_a_message_that_is_not_decided_nothing_is_foreseen() -> None:
    """What is invalid has no data to look into, and what failed before might fail here too."""
    hears = replace(HEARS, needs=lambda event, _: (ById(JARS, event.data.jar),))
    batch = [replace(invalid(id="1"), hears=hears), replace(received("a", id="2"), hears=hears, defect="KeyError")]
    assert asyncio.run(foresee(batch, Loaded(values=dict(NOBODY)))) == frozenset()


def test_who_cannot_foresee_leaves_it_to_the_handler() -> None:
    """A defect there must cost its neighbours nothing."""
    hears = replace(HEARS, needs=lambda *_: [ById(JARS, str(1 / 0))])
    batch = [replace(received("a", id="1"), hears=hears), received("b", id="2")]
    assert asyncio.run(foresee(batch, Loaded(values=dict(NOBODY)))) == frozenset()


def test_with_what_a_handler_lacks_comes_what_it_will_ask_for_next() -> None:
    """The first document found missing is seldom the only one."""
    hears = replace(HEARS, needs=lambda *_: (ById(JARS, "next"),))
    outcome = asyncio.run(decide([replace(received("a", id="1"), hears=hears)], {}, Loaded(values=dict(NOBODY)), NOW))
    assert outcome == frozenset({ById(JARS, "a"), ById(JARS, "next")})


def test_messages_of_one_batch_build_on_each_other() -> None:
    """Deciding in memory gives what deciding one by one would give."""
    verdict = verdict_on(received("a", id="1"), received("a", id="2"))
    assert verdict.changes[JARS, "a"] == Jar("a", "top", 2)
    assert [told.tell.data for told in verdict.told] == [CountRose(jar="a", count=1), CountRose(jar="a", count=2)]


def test_a_repeated_message_changes_nothing() -> None:
    """Whether it was decided long ago or a moment ago in this batch."""
    first = received("a", id="1")
    verdict = verdict_on(
        first, received("a", id="1"), received("b", id="0"), inbox={f"{SOURCE} 0": received("b", id="0").digest}
    )
    assert verdict.duplicates == 2
    assert len(verdict.told) == 1
    assert list(verdict.spent) == [f"{SOURCE} 1"]


def test_an_id_used_again_with_other_data_is_held() -> None:
    """Neither the first decision nor the second message may get lost."""
    verdict = verdict_on(received("a", id="1"), received("a", id="1", note="other"))
    assert [held.reason for held in verdict.held] == ["id-reused"]
    assert len(verdict.told) == 1


def test_an_invalid_message_is_held_answered_and_spends_its_id() -> None:
    """Its sender learns of it once, and mends it under a new id."""
    verdict = verdict_on(invalid(id="1"), received("a", id="2"))
    assert [held.reason for held in verdict.held] == ["invalid-event"]
    assert [told.tell.data for told in verdict.told] == [CountRose(jar="none", count=0), CountRose(jar="a", count=1)]
    assert set(verdict.spent) == {f"{SOURCE} 1", f"{SOURCE} 2"}


def test_an_invalid_message_that_comes_again_is_held_again_and_not_answered_again() -> None:
    """An operator may have dropped it meanwhile; its sender has the answer."""
    verdict = verdict_on(invalid(id="1"), invalid(id="1"), invalid(id="0"), inbox={f"{SOURCE} 0": "digest"})
    assert [held.reason for held in verdict.held] == ["invalid-event"] * 3
    assert len(verdict.told) == 1
    assert verdict.duplicates == 2


def test_an_invalid_message_without_an_id_is_held_unanswered() -> None:
    """There is nobody to answer."""
    verdict = verdict_on(invalid(id=None))
    assert len(verdict.held) == 1
    assert not verdict.told
    assert not verdict.spent


def test_a_handler_that_fails_costs_its_own_message_alone() -> None:
    """Its neighbours are decided, and its id stays free, so that it can be replayed once mended."""
    verdict = verdict_on(received("a", id="1"), received("cursed", id="2"), received("a", id="3"))
    assert [held.reason for held in verdict.held] == ["failed"]
    assert verdict.changes[JARS, "a"].count == 2
    assert f"{SOURCE} 2" not in verdict.spent


def test_who_may_speak_for_whom_is_read_with_the_first_message_from_outside() -> None:
    """Also for one that is not valid: it would spend an id of the source that it names."""
    assert asyncio.run(foresee([invalid(id="1")], Loaded())) == {ALL_SENDERS}
    within = replace(HEARS, exchange="instroom.private")
    assert asyncio.run(foresee([replace(received("a", id="1"), hears=within)], Loaded())) == frozenset()


@pytest.mark.parametrize("message", [received("a", id="1"), invalid(id="1")])
def test_a_message_that_speaks_for_somebody_else_is_held_and_spends_nothing(message: Received) -> None:
    """The id and the answer are those of whom it speaks for."""
    owned = Loaded(values={ALL_SENDERS: Senders({SOURCE: "website"}), (JARS, "a"): None})
    own = replace(message, account="website")
    verdict = asyncio.run(decide([replace(message, account="stranger"), message, own], {}, owned, NOW))
    assert isinstance(verdict, Verdict)
    assert [held.reason for held in verdict.held[:2]] == ["foreign-source", "foreign-source"]
    assert [told.by for told in verdict.told] == [own]
    assert verdict.spent == {f"{SOURCE} 1": own}


def test_without_the_guard_a_stranger_is_believed() -> None:
    """Switched off, the guard of the test above is missed."""

    class Everybody(Admission):
        def admits(self, *_: object) -> bool:
            return True

    owned = Loaded(values={ALL_SENDERS: Senders({SOURCE: "website"}), (JARS, "a"): None})
    verdict = asyncio.run(decide([received("a", id="1")], {}, owned, NOW, Everybody()))
    assert isinstance(verdict, Verdict)
    assert len(verdict.told) == 1


def test_an_intake_event_is_its_own_cause() -> None:
    """Facts are correlated with the request that led to them."""
    assert goes_back_to(received("a", id="1")) == Origin("1", SOURCE)


def test_an_intake_event_cannot_name_another_cause() -> None:
    """Else its answer would reach whoever listens for another's answers, and its sender would wait in vain."""
    message = received("a", id="1")
    assert not isinstance(message.event, Exception)
    named = {"correlationid": "9", "correlationsource": "urn:nld:oin:00000009999999999000:systeem:hr"}
    forged = replace(message, event=message.event.model_copy(update=named))
    assert goes_back_to(forged) == Origin("1", SOURCE)
    within = replace(forged, hears=replace(HEARS, exchange="instroom.private"))
    assert goes_back_to(within) == Origin("9", "urn:nld:oin:00000009999999999000:systeem:hr")


def test_an_invalid_message_that_nobody_answers_is_held_all_the_same() -> None:
    """What our own services send has no answer, and is kept with its reason."""
    message = replace(invalid(id="1"), hears=replace(HEARS, refusal=None))
    verdict = verdict_on(message)
    assert [held.reason for held in verdict.held] == ["invalid-event"]
    assert verdict.told == []


def test_a_message_whose_outcome_could_not_be_written_is_held_undecided() -> None:
    """Decided again it would fail again, with all its neighbours."""
    verdict = verdict_on(replace(received("a", id="1"), defect="WriteError"), received("b", id="2"))
    assert [held.reason for held in verdict.held] == ["failed"]
    assert [told.tell.subject for told in verdict.told] == ["b"]

"""What a participant reads when a request is refused."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from instroom_contracts.enrolment import REASONS
from services.enrolment.domain.sentences import SENTENCES, Refused
from tests.unit.enrolment.examples import Desk, choice, edition, participant, session

LATER = {"choice-closed", "not-a-twin"}
"""Reasons of requests that this service does not hear yet."""


@pytest.mark.parametrize("reason", [reason for reason in REASONS if reason not in LATER])
def test_every_reason_has_a_sentence(reason: str) -> None:
    """A code alone tells a participant nothing."""
    assert [case for case in SENTENCES if case.partition(".")[0] == reason]


@pytest.mark.parametrize("case", SENTENCES)
def test_a_sentence_names_the_same_things_in_both_languages(case: str) -> None:
    """A translation that forgets the session's title leaves an English reader guessing."""
    dutch, english = ({name for _, name, _, _ in Formatter().parse(text) if name} for text in SENTENCES[case])
    assert dutch == english


@pytest.mark.parametrize("case", SENTENCES)
def test_a_sentence_is_a_sentence(case: str) -> None:
    """It is shown as it is: a capital, a full stop, no double space where two strings meet."""
    for text in SENTENCES[case]:
        assert re.fullmatch(r"(?:[A-Z]|\{|').*\.", text)
        assert "  " not in text


def test_english_is_spoken_to_whom_asked_for_it_and_dutch_to_everybody_else() -> None:
    """Dutch is the default of the country and of the contract."""
    refused = Refused("edition-cancelled")
    assert refused.detail("en-GB") == "This programme will not take place."
    assert {refused.detail("nl"), refused.detail("de"), refused.detail()} == {"Dit programma gaat niet door."}


def test_a_refusal_names_the_session_by_its_title() -> None:
    """Ids mean nothing to a participant; braces in a title are just braces."""
    desk = Desk(edition(session("begin"), choice("atelier", title="Atelier {1}", companion="required")))
    assert "'Atelier {1}'" in desk.ask("atelier").detail


def test_a_refusal_never_repeats_what_the_participant_sent() -> None:
    """Facts are read by everybody on the bus, and for ever."""
    desk = Desk(edition(choice("raad", audience={"roles": ["griffier"], "organisations": ["Gemeente Elders"]})))
    secret = participant("geheim", role="geheime-rol", organisation="Gemeente Geheim", region="geheimland")
    assert "geheim" not in desk.ask("raad", participant=secret).detail.casefold()

"""From a stored letter to the mail that a participant opens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import icalendar
import pytest

from instroom_contracts.catalog import AgendaItem, Organiser
from instroom_contracts.notification import QueuedSession
from services.catalog.programmes import load
from services.notification.domain.invitation import Invitation
from services.notification.domain.inviting import asked, judged
from services.notification.writing import composing, screening
from services.notification.writing.composing import Background, OutOfDate
from services.notification.writing.mail import Unmailable
from tests.unit.notification.builders import (
    LINK,
    NOW,
    ORIGIN,
    STARTS,
    edition,
    invitation,
    mail_of,
    meeting,
    notice,
    recipient,
    request,
    sent,
    session,
    text_of,
)

FULL = session(
    trainers=["Gézieta van den Belt", "Katinka Verschuren"],
    agenda=[
        AgendaItem(time="13:00", title="Welkom"),
        AgendaItem(time="13:15", title="Werk", trainers=("Katja Stribos",)),
    ],
    requirements="Een laptop of pc.",
    homework="Lees de handreiking.\nKies een casus.",
    catering="Soep en broodjes",
)
UNKNOWN = QueuedSession(session_id="slot", position=1)
WITHDRAWN = asked(sent(), request("CANCEL", 1), meeting(), ORIGIN, NOW)
DATELESS = session(starts_at=None, ends_at=None)
POSTPONED = judged(sent(), meeting(session=DATELESS), NOW)
CALLED_OFF = judged(sent(), meeting(called_off=True), NOW)
MOVED = judged(sent(), meeting(session=session(starts_at=STARTS + timedelta(hours=1))), NOW)


def entry(letter: Invitation, background: Background | None = None) -> Any:
    """Return the calendar entry of a letter's mail."""
    calendar = text_of(mail_of(letter, background), "calendar")
    (event,) = icalendar.Calendar.from_ical(calendar).walk("VEVENT")
    return event


def test_an_invitation_tells_all_that_a_participant_needs() -> None:
    """Nothing of it may have to be looked up elsewhere."""
    mail = mail_of(invitation(), Background(edition(FULL), meeting(session=FULL)))
    told = [
        "Beste Robin Jansen,",
        "Week van de Participatie",
        "Participatie als proces",
        "dinsdag 8 juni 2021, 13.00 - 16.30 uur",
        "online, MS Teams",
        LINK,
        "Gézieta van den Belt, Katinka Verschuren",
        "13:15 Werk (Katja Stribos)",
        "Een laptop of pc.",
        "Lees de handreiking.",
        "Kies een casus.",
        "Soep en broodjes",
        "week@vng-connect.example.org",
    ]
    for subtype in ("plain", "html"):
        body = text_of(mail, subtype)
        assert [fact for fact in told if fact not in body] == []


def test_an_invitation_is_written_in_the_participants_language() -> None:
    """Dutch by default, English where it was asked for."""
    letter = invitation(participant=recipient(language="en"))
    assert mail_of(letter)["Subject"] == "Invitation: Participatie als proces, Tuesday 8 June 2021"
    assert mail_of(invitation())["Subject"] == "Uitnodiging: Participatie als proces, dinsdag 8 juni 2021"


def test_a_session_on_site_tells_where() -> None:
    """And offers no link."""
    on_site = session(form="on-site", location="Van Deventerlaan 31, Utrecht")
    letter, background = invitation(), Background(edition(on_site), meeting(session=on_site, join_url=None))
    text = text_of(mail_of(letter, background))
    assert "Waar: Van Deventerlaan 31, Utrecht" in text
    assert "https://" not in text
    assert entry(letter, background)["LOCATION"] == "Van Deventerlaan 31, Utrecht"


def test_the_mail_and_its_entry_agree() -> None:
    """One UID and the mail's own method and sequence; the provider is the organiser."""
    event = entry(MOVED)
    assert event["UID"] == "enrolment-1.week-noord.proces@mail.example.org"
    assert event["SEQUENCE"] == 1
    assert event["ORGANIZER"] == "mailto:week@vng-connect.example.org"
    assert event["SUMMARY"] == "Week van de Participatie: Participatie als proces"
    assert event["CONFERENCE"] == LINK


@pytest.mark.parametrize(
    ("letter", "subject"),
    [
        (MOVED, "Gewijzigd: "),
        (WITHDRAWN, "Ingetrokken: "),
        (CALLED_OFF, "Gaat niet door: "),
        (POSTPONED, "Nieuwe datum volgt: "),
    ],
    ids=["moved", "withdrawn", "called off", "postponed"],
)
def test_each_occasion_has_its_own_words(letter: Invitation, subject: str) -> None:
    """The subject alone says what happened."""
    assert mail_of(letter)["Subject"].startswith(subject)


@pytest.mark.parametrize("letter", [WITHDRAWN, CALLED_OFF], ids=["withdrawn", "called off"])
def test_a_withdrawal_gives_no_link_away(letter: Invitation) -> None:
    """The session may take place without this participant."""
    assert LINK.encode() not in mail_of(letter).as_bytes()
    assert LINK not in str(entry(letter))


def test_only_a_session_that_is_called_off_is_cancelled_in_the_calendar() -> None:
    """Withdrawing one person omits the status."""
    assert "STATUS" not in entry(WITHDRAWN)
    assert entry(CALLED_OFF)["STATUS"] == "CANCELLED"


def test_a_session_that_lost_its_date_leaves_the_calendar_and_keeps_its_participants() -> None:
    """They must not come at the old hour, nor think that they are out."""
    background = Background(edition(DATELESS), meeting(session=DATELESS))
    event = entry(POSTPONED, background)
    assert (event["STATUS"], "DTSTART" in event) == ("CANCELLED", False)
    text = " ".join(text_of(mail_of(POSTPONED, background)).split())
    assert "U blijft ingeschreven" in text
    assert "datum volgt" in text


def test_an_online_session_that_lost_its_link_says_that_one_follows() -> None:
    """Its hours stand; the old link leads nowhere."""
    linkless = meeting(join_url=None)
    mail = judged(sent(), linkless, NOW)
    assert "Deelnemen: de link volgt" in text_of(mail_of(mail, Background(edition(), linkless)))
    assert "CONFERENCE" not in entry(mail, Background(edition(), linkless))


def test_a_mail_is_not_written_for_a_session_that_has_changed_since() -> None:
    """It is judged again first: it may have become a withdrawal."""
    with pytest.raises(OutOfDate):
        mail_of(invitation(), Background(edition(), meeting(version=1)))


def test_a_waiting_list_notice_tells_the_turn_in_each_session() -> None:
    """A number is what people ask for first."""
    turn = QueuedSession(session_id="proces", position=3)
    text = text_of(mail_of(notice(kind="waiting-list", edition_id="week-noord", sessions=[turn])))
    assert "Participatie als proces" in text
    assert "Uw plaats op de wachtlijst: 3" in text


def test_who_waited_is_told_that_it_is_off_and_that_nothing_is_left_to_do() -> None:
    """Nobody goes on waiting for what does not take place."""
    off = [QueuedSession(session_id="proces")]
    mail = mail_of(notice(kind="waiting-list-ended", edition_id="week-noord", sessions=off))
    text = text_of(mail)
    assert str(mail["Subject"]).startswith("Gaat niet door: Participatie als proces")
    assert "U stond op de wachtlijst; die vervalt." in " ".join(text.split())
    assert "Uw plaats op de wachtlijst" not in text


def test_a_refusal_says_why_in_a_sentence() -> None:
    """The code is for machines."""
    refusal = notice(edition_id="week-noord", reason="deadline-passed", detail="Inschrijven kon tot 21 mei.")
    text = text_of(mail_of(refusal))
    assert "Inschrijven kon tot 21 mei." in text
    assert "deadline-passed" not in text


def test_a_refusal_for_an_edition_that_nobody_knows_comes_from_the_house() -> None:
    """There is no provider to write it."""
    mail = mail_of(notice(edition_id="onbekend", reason="unknown-edition"), Background())
    assert mail["From"] == "Inschrijving <inschrijving@mail.example.org>"


def test_each_provider_has_its_own_sender_and_reply_address() -> None:
    """Participants write to whom they know."""
    organiser = Organiser(
        name="Berenschot", email="leeratelier@berenschot.example.org", reply_to="balie@berenschot.example.org"
    )
    mail = mail_of(invitation(), Background(edition(organiser=organiser), meeting()))
    assert mail["From"] == "Berenschot <leeratelier@berenschot.example.org>"
    assert mail["Reply-To"] == "balie@berenschot.example.org"
    assert "balie@berenschot.example.org" in text_of(mail)


@pytest.mark.parametrize(
    ("letter", "background"),
    [
        (invitation(), Background()),
        (invitation(), Background(edition())),
        (notice(edition_id="week-noord", reason="queue-full"), Background()),
        (notice(kind="waiting-list", edition_id="week-noord", sessions=[UNKNOWN]), Background(edition())),
    ],
)
def test_a_letter_about_what_is_not_known_yet_is_tried_later(letter: Any, background: Background) -> None:
    """The catalogue's fact is on its way."""
    with pytest.raises(Unmailable) as later:
        mail_of(letter, background)
    assert later.value.outcome.result == "try-later"


ADDRESS = "evil\uff0eexa\u200bmple"
LINKED = session(
    title=f"Proces {ADDRESS}",
    trainers=[f"Kim {ADDRESS}", ADDRESS],
    agenda=[AgendaItem(time="13:00", title=f"Welkom {ADDRESS}", trainers=(ADDRESS, "J.Vries"))],
)
LINKING = edition(
    LINKED,
    title=f"Week {ADDRESS}",
    provider_name=f"VNG {ADDRESS}",
    organiser=Organiser(name=f"VNG {ADDRESS}", email="week@vng-connect.example.org"),
)


def read_in(mail: EmailMessage) -> str:
    """Return all that a mail shows."""
    return "".join([str(mail[name]) for name in ("From", "To", "Subject")] + [text_of(mail), text_of(mail, "html")])


def test_addresses_in_names_and_titles_are_left_out() -> None:
    """Of the participant as of the programme; in headers, text and calendar."""
    letter = invitation(participant=recipient(name=f"Robin {ADDRESS} Jansen"))
    background = Background(LINKING, meeting(session=LINKED))
    shown = read_in(mail_of(letter, background)) + str(entry(letter, background))
    assert "evil" not in shown
    assert "13:00 Welkom (J. Vries)" in shown


def test_addresses_in_a_refusal_are_left_out() -> None:
    """Its sentence names titles of the catalogue."""
    refusal = notice(edition_id="week-noord", reason="queue-full", detail=f"De bijeenkomst '{ADDRESS}' zit vol.")
    mail = mail_of(refusal, Background(LINKING))
    assert "evil" not in read_in(mail)
    assert "De bijeenkomst zit vol." in text_of(mail)


@pytest.mark.parametrize("guard", ["without_addresses", "name_in"])
def test_without_the_screening_they_are_read(monkeypatch: pytest.MonkeyPatch, guard: str) -> None:
    """The twin: each of the two guards is missed."""
    monkeypatch.setattr(composing, guard, lambda text: text)
    letter = invitation(participant=recipient(name=f"Robin {ADDRESS} Jansen"))
    assert "evil" in read_in(mail_of(letter, Background(LINKING, meeting(session=LINKED))))


def test_a_title_that_is_nothing_but_an_address_becomes_a_word() -> None:
    """A sentence must not end in the air."""
    nothing = session(title=ADDRESS)
    organiser = Organiser(name=ADDRESS, email="week@vng-connect.example.org")
    mail = mail_of(
        invitation(), Background(edition(nothing, title=ADDRESS, organiser=organiser), meeting(session=nothing))
    )
    assert mail["From"] == "Inschrijving <week@vng-connect.example.org>"
    assert mail["Subject"] == "Uitnodiging: bijeenkomst, dinsdag 8 juni 2021"
    assert "U bent ingeschreven voor dit programma." in text_of(mail)


def test_no_title_of_the_five_programmes_loses_a_word() -> None:
    """The guard is for addresses, and these have none."""
    editions = [one.edition for one in load([Path("programmes")])]
    titles = [title for one in editions for title in (one.title, *(session.title for session in one.sessions))]
    titles += [name for one in editions for session in one.sessions for name in session.trainers]
    titles += [item.title for one in editions for session in one.sessions for item in session.agenda]
    assert [title for title in titles if screening.without_addresses(title) != title] == []


def test_a_calendar_entry_names_people_by_the_address_that_mail_goes_to() -> None:
    """A calendar compares it with its owner's; what is not ASCII is written as a link has it."""
    letter = invitation(participant=recipient(email="ro\u0308bin+week@bücher.example"))
    assert entry(letter)["ATTENDEE"] == "mailto:r%C3%B6bin+week@xn--bcher-kva.example"


@pytest.mark.parametrize("name", ["https://evil.example.org", "Win nu 100 euro!", "Robin, klik hier: evil", "\u202e"])
def test_what_is_no_name_is_not_greeted(name: str) -> None:
    """Whoever enrols somebody else has 200 characters to fill, and the provider's mail must not carry them."""
    mail = mail_of(replace(invitation(), participant=recipient(name=name)))
    assert "Beste deelnemer," in text_of(mail)
    assert name not in read_in(mail)

"""What a participant reads when a request is refused, in Dutch and English: what is wrong and how to mend it.

No sentence repeats what a participant sent; titles and deadlines are the catalogue's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from instroom_contracts.cloudevent import Problem
from instroom_contracts.enrolment import Reason

DEFAULT_LANGUAGE = "nl"


class Sentence(NamedTuple):
    """One sentence in the languages that participants are answered in."""

    nl: str
    en: str

    def say(self, language: str, words: Mapping[str, object]) -> str:
        """Fill in the words, in English for whom asked for it, else in Dutch."""
        text = self.en if language.partition("-")[0] == "en" else self.nl
        return text.format_map(words)


PROGRAMME = Sentence(nl="Dit programma", en="This programme")
SESSION = Sentence(nl="De bijeenkomst '{session}'", en="The session '{session}'")

SENTENCES: Mapping[str, Sentence] = {
    "invalid-request": Sentence(
        nl="Er klopt iets niet aan de gegevens van deze aanvraag. Verbeter wat hieronder staat en stuur de aanvraag"
        " opnieuw, onder een nieuw kenmerk.",
        en="Something is wrong with the details of this request. Mend what is listed and send it again under a new id.",
    ),
    "invalid-request.party": Sentence(
        nl="Zoveel bijeenkomsten voor zoveel mensen passen niet in één antwoord. Vraag ze in delen aan, elk onder een"
        " eigen kenmerk.",
        en="So many sessions for so many people do not fit into one answer. Ask for them in parts, each under an id of"
        " its own.",
    ),
    "unknown-edition": Sentence(
        nl="Het programma waarvoor u zich inschreef kennen wij niet. Kijk op de website welke programma's er nu zijn.",
        en="We do not know the programme that you enrolled in. Please look on the website which programmes there are"
        " now.",
    ),
    "request-only": Sentence(
        nl="Dit programma wordt op aanvraag voor een organisatie verzorgd. Inschrijven kan niet; uw organisatie kan"
        " het programma wel aanvragen.",
        en="This programme is given for an organisation on request. You cannot enrol, but your organisation can ask"
        " for it.",
    ),
    "edition-cancelled": Sentence(nl="Dit programma gaat niet door.", en="This programme will not take place."),
    "edition-not-open": Sentence(
        nl="De inschrijving voor dit programma is nu niet open.",
        en="Enrolment in this programme is not open at the moment.",
    ),
    "deadline-passed": Sentence(
        nl="Inschrijven kon {deadline}. Uw aanvraag is van daarna.",
        en="Enrolment was possible until the deadline ({deadline}). Your request was made after that.",
    ),
    "already-enrolled": Sentence(
        nl="Er is al een inschrijving voor dit programma op dit mailadres; die blijft gewoon staan. Deelt u het"
        " adres met anderen, geef dan bij elke inschrijving een eigen kenmerk (reference) mee.",
        en="There is an enrolment in this programme for this mail address already; it stays as it is. If you share"
        " the address with others, give each enrolment a reference of its own.",
    ),
    "already-enrolled.companion": Sentence(
        nl="Iemand die u meebrengt is al voor dit programma ingeschreven. Schrijf u opnieuw in zonder die persoon.",
        en="Somebody whom you bring along is enrolled in this programme already. Please enrol again without them.",
    ),
    "already-enrolled.twice": Sentence(
        nl="In deze aanvraag staat een persoon twee keer. Noem iedereen een keer, en geef wie een mailadres delen"
        " elk een eigen kenmerk (reference).",
        en="This request names a person twice. Name everybody once, and give those who share a mail address a"
        " reference each.",
    ),
    "unknown-session": Sentence(
        nl="U koos een bijeenkomst die dit programma niet heeft of die niet doorgaat. Kies opnieuw en schrijf u nog"
        " een keer in.",
        en="You chose a session that this programme does not have or that will not take place. Please choose again"
        " and enrol once more.",
    ),
    "session-over": Sentence(
        nl="De bijeenkomst '{session}' was al begonnen toen u zich inschreef. Kies een bijeenkomst die nog komt of"
        " neem contact op met de organisatie.",
        en="The session '{session}' had begun when you enrolled. Choose one that is still to come, or contact the"
        " organiser.",
    ),
    "not-in-audience.role": Sentence(
        nl="{whole} is bedoeld voor andere functies dan u opgaf. Kijk bij de doelgroep of u zich onder een andere"
        " functie kunt inschrijven.",
        en="{whole} is meant for other roles than the one you gave. See the audience whether you can enrol under"
        " another.",
    ),
    "not-in-audience.organisation": Sentence(
        nl="{whole} is alleen voor bepaalde organisaties, en de organisatie die u opgaf hoort daar niet bij. Schrijf"
        " de naam van uw organisatie zoals in de aankondiging staat, of neem contact op met de organisator.",
        en="{whole} is for certain organisations only, and the one you gave is not among them. Write its name as in"
        " the announcement, or contact the organiser.",
    ),
    "not-in-audience.region": Sentence(
        nl="{whole} is alleen voor bepaalde regio's, en de regio die u opgaf hoort daar niet bij. Misschien is er"
        " voor uw regio een eigen editie.",
        en="{whole} is for certain regions only, and the one you gave is not among them. There may be an edition for"
        " your own region.",
    ),
    "not-in-audience.region-missing": Sentence(
        nl="{whole} is alleen voor bepaalde regio's, en u gaf geen regio op. Schrijf u opnieuw in met uw regio"
        " (region).",
        en="{whole} is for certain regions only, and you gave none. Please enrol again with your region.",
    ),
    "prerequisite-missing": Sentence(
        nl="Voor '{session}' volgt u ook '{needed}'. Kies die erbij en schrijf u opnieuw in.",
        en="'{session}' builds on '{needed}'. Please choose that one as well and enrol again.",
    ),
    "too-few-choices": Sentence(
        nl="Kies ten minste {minimum} van de bijeenkomsten en schrijf u opnieuw in; u koos er {chosen}.",
        en="Choose at least {minimum} of the sessions and enrol again; you chose {chosen}.",
    ),
    "too-many-choices": Sentence(
        nl="Kies ten hoogste {maximum} van de bijeenkomsten en schrijf u opnieuw in; u koos er {chosen}.",
        en="Choose at most {maximum} of the sessions and enrol again; you chose {chosen}.",
    ),
    "sessions-clash": Sentence(
        nl="De bijeenkomsten '{session}' en '{other}' zijn op hetzelfde moment. Kies er een en schrijf u opnieuw in.",
        en="The sessions '{session}' and '{other}' are at the same time. Choose one of them and enrol again.",
    ),
    "companion-required": Sentence(
        nl="De bijeenkomst '{session}' volgt u samen met een collega. Schrijf u opnieuw in en geef op met wie u komt.",
        en="You attend the session '{session}' together with a colleague. Please enrol again and say whom you bring.",
    ),
    "companion-not-allowed": Sentence(
        nl="Bij de bijeenkomst '{session}' kunt u niemand meebrengen. Schrijf u opnieuw in zonder die persoon.",
        en="You cannot bring anybody to the session '{session}'. Please enrol again without them.",
    ),
    "companion-not-allowed.absent": Sentence(
        nl="U brengt iemand mee naar de bijeenkomst '{session}', maar komt daar zelf niet. Kies die bijeenkomst"
        " erbij of laat uw collega zich zelf inschrijven.",
        en="You bring somebody to the session '{session}' that you do not attend yourself. Choose it as well, or let"
        " your colleague enrol.",
    ),
    "answers-incomplete": Sentence(
        nl="Niet of niet goed beantwoord: '{questions}'. Schrijf u opnieuw in met een antwoord; waar u kunt kiezen, een"
        " van de mogelijkheden.",
        en="Not answered, or not with what is offered: '{questions}'. Please enrol again with an answer; where there is"
        " a choice, with one of the options.",
    ),
    "queue-full": Sentence(
        nl="De bijeenkomst '{session}' zit vol en de wachtlijst ook.",
        en="The session '{session}' is full, and so is its waiting list.",
    ),
    "queue-full.together": Sentence(
        nl="U wilt alle bijeenkomsten of geen, en niet overal is plaats. Voor '{session}' zou u dan ook moeten wachten,"
        " en die wachtlijst neemt niemand meer op. Vraag de bijeenkomsten los van elkaar aan, of kies andere.",
        en="You want all sessions or none, and not all of them have seats. So you would have to wait for '{session}'"
        " too, and its waiting list takes nobody more. Ask for the sessions one by one, or choose others.",
    ),
    "unknown-enrolment": Sentence(
        nl="Wij kennen geen inschrijving met dit nummer. Kijk na of het klopt.",
        en="We know no enrolment with this id. Please check it.",
    ),
    "not-yours": Sentence(
        nl="Deze inschrijving is via een ander systeem gedaan. Alleen dat systeem of de cursusadministratie kan haar"
        " wijzigen.",
        en="This enrolment was made through another system. Only that system or the course desk can change it.",
    ),
    "not-yours.request": Sentence(
        nl="Deze aanvraag is van een ander systeem. Alleen dat systeem of de cursusadministratie kan het antwoord nog"
        " eens opvragen.",
        en="This request is another system's. Only that system or the course desk can ask for its answer again.",
    ),
    "unknown-request": Sentence(
        nl="Onder dit kenmerk is van dit systeem geen aanvraag behandeld. Kijk na of requestId en source kloppen; staat"
        " de aanvraag in quarantaine, dan kan de beheerder haar alsnog aanbieden.",
        en="No request of this system was decided under this id. Check requestId and source; where the request stands"
        " in quarantine, the operator can replay it.",
    ),
    "answer-not-kept": Sentence(
        nl="Deze aanvraag is behandeld toen antwoorden nog niet werden bewaard. Het antwoord staat in de stroom:"
        " instroom watch --stop --correlation, met het kenmerk van de aanvraag.",
        en="This request was decided when answers were not kept yet. Its answer stands in the stream: instroom watch"
        " --stop --correlation with the request's id.",
    ),
    "asked-too-often": Sentence(
        nl="Dit systeem vroeg in korte tijd te vaak om een antwoord van eerder. Vraag het over een minuut opnieuw,"
        " onder een nieuw kenmerk. Veel antwoorden tegelijk staan in de stroom: instroom watch --from.",
        en="This system asked for earlier answers too often within a short time. Ask again in a minute, under a new id."
        " Many answers at once stand in the stream: instroom watch --from.",
    ),
    "already-cancelled": Sentence(
        nl="Deze inschrijving was al geannuleerd. U hoeft niets meer te doen.",
        en="This enrolment was cancelled already. There is nothing left to do.",
    ),
}
"""Each sentence by its reason; where one reason has several, by `reason.case`."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal: its reason, and which sentence says it with which words of the catalogue's.

    `errors` point at what is wrong where a program can mend it.
    """

    reason: Reason
    case: str = ""
    words: Mapping[str, object] = field(default_factory=dict)
    errors: tuple[Problem, ...] = ()

    def detail(self, language: str = DEFAULT_LANGUAGE) -> str:
        """Say it in English to whom asked for it, else in Dutch."""
        whole = (SESSION if "session" in self.words else PROGRAMME).say(language, self.words)
        sentence = SENTENCES[f"{self.reason}.{self.case}" if self.case else self.reason]
        return sentence.say(language, {**self.words, "whole": whole})

"""Programme files: what they may hold, and how every mistake in them is told."""

from pathlib import Path

import pytest

from instroom_contracts.catalog import EditionSubmitted
from services.catalog.programmes import Mistake, ProgrammesInvalid, load

FILE = """\
provider:
  id: aanbieder
  name: De Aanbieder
  organiser: {name: Cursusbureau, email: bureau@example.org}
programme:
  id: voorbeeld
  title: Een voorbeeld
  kind: open
  state: open
  price: {kind: amount, amount: 295.00, currency: EUR, vat: unknown}
  deadline: {through: 2021-05-21, text: tot 21 mei}
  choice: {minimum: 1, maximum: 1}
  audience:
    roles: [griffier, raadslid]
everySession:
  form: online
  capacity: 20
  attendance: choice
sessions:
  - id: start
    title: Start
    attendance: everyone
    twins: [noord, zuid]
  - id: atelier
    title: Atelier
    from: 13:00
    to: 16:30
    audience: {roles: [griffier]}
editions:
  - id: noord
    sessions:
      atelier: {date: 2021-06-07, joinUrl: https://meet.example.org/noord}
  - id: zuid
    title: Een voorbeeld in het zuiden
    audience: {regions: [zuid]}
    sessions:
      atelier: {date: 2021-12-07, capacity: 12}
"""


def read(folder: Path, text: str = FILE) -> dict[str, EditionSubmitted]:
    """Load one file of this text."""
    (folder / "voorbeeld.yaml").write_text(text, encoding="utf-8")
    return {submitted.edition.edition_id: submitted for submitted in load([folder])}


def mistakes_in(folder: Path, text: str) -> tuple[Mistake, ...]:
    """Load one file of this text in vain."""
    with pytest.raises(ProgrammesInvalid) as invalid:
        read(folder, text)
    return invalid.value.mistakes


def test_what_editions_share_is_written_once(tmp_path: Path) -> None:
    """Three regions of one programme are one text with three sets of dates."""
    editions = read(tmp_path)
    assert {edition.edition.programme_id for edition in editions.values()} == {"voorbeeld"}
    assert editions["noord"].edition.title == "Een voorbeeld"
    assert editions["noord"].edition.provider_name == "De Aanbieder"


def test_the_nearest_layer_wins(tmp_path: Path) -> None:
    """One region may have a smaller room and another audience, and keeps everything else."""
    zuid = read(tmp_path)["zuid"].edition
    assert zuid.title == "Een voorbeeld in het zuiden"
    assert (zuid.audience.roles, zuid.audience.regions) == (("griffier", "raadslid"), ("zuid",))
    assert [session.capacity for session in zuid.sessions] == [20, 12]
    assert [session.attendance for session in zuid.sessions] == ["everyone", "choice"]


def test_hours_are_those_of_the_clock_on_the_wall(tmp_path: Path) -> None:
    """One o'clock stays one o'clock, in June and in December."""
    starts = [str(submitted.edition.sessions[1].starts_at) for submitted in read(tmp_path).values()]
    assert starts == ["2021-06-07 13:00:00+02:00", "2021-12-07 13:00:00+01:00"]


def test_hours_without_a_date_are_told_as_hours(tmp_path: Path) -> None:
    """Source 004 knows its evenings before it knows their dates."""
    session = read(tmp_path, FILE.replace("date: 2021-06-07, ", ""))["noord"].edition.sessions[1]
    assert (session.starts_at, session.hours) == (None, "13:00-16:30")


def test_a_deadline_runs_through_its_last_day(tmp_path: Path) -> None:
    """The words stay as the page has them; the instant is what is judged."""
    deadline = read(tmp_path)["noord"].edition.deadline
    assert deadline
    assert (deadline.at.isoformat(timespec="milliseconds"), deadline.text) == (
        "2021-05-21T23:59:59.999+02:00",
        "tot 21 mei",
    )


def test_a_session_is_the_twin_of_its_sisters_but_not_of_itself(tmp_path: Path) -> None:
    """One list under the session serves all editions."""
    editions = read(tmp_path)
    twins = {id: [twin.edition_id for twin in editions[id].edition.sessions[0].twins] for id in editions}
    assert twins == {"noord": ["zuid"], "zuid": ["noord"]}


def test_a_twin_may_have_an_id_of_its_own(tmp_path: Path) -> None:
    """Sister editions of different files need not use the same words."""
    twin = read(tmp_path, FILE.replace("[noord, zuid]", "[zuid/atelier]"))["noord"].edition.sessions[0].twins[0]
    assert (twin.edition_id, twin.session_id) == ("zuid", "atelier")


def test_a_link_travels_beside_the_edition(tmp_path: Path) -> None:
    """The edition is public; whoever reads it must not find the meeting."""
    noord = read(tmp_path)["noord"]
    assert [(link.session_id, link.join_url) for link in noord.joining] == [
        ("atelier", "https://meet.example.org/noord")
    ]
    assert "meet.example.org" not in str(noord.edition)


@pytest.mark.parametrize(
    ("right", "wrong", "line", "field", "says"),
    [
        ("provider:\n", "aanbieder:\n", 1, "aanbieder", "no such part"),
        ("bureau@example.org", "bureau", 4, "email", "mail address"),
        ("  id: voorbeeld", "  id: een voorbeeld", 6, "id", "An id"),
        ("amount: 295.00", "amount: 295 euro", 10, "amount", "two decimals"),
        ("currency: EUR, ", "", 10, "currency", "add it"),
        ("through: 2021-05-21", "through: 2023-02-29", 11, "through", "2023-02-29 is no day"),
        ("{through: 2021-05-21, text: tot 21 mei}", "21 mei", 11, "deadline", "{ ... }"),
        ("minimum: 1,", "minimum: 2,", 12, "minimum", "more than the maximum"),
        ("maximum: 1", "maximum: 5", 12, "maximum", "more than there are to choose from (1)"),
        ("  form: online", "  form: onlin", 16, "form", "'online'"),
        ("capacity: 20", "capacity: twintig", 17, "capacity", "whole number"),
        ("capacity: 20", "capacity: -1", 17, "capacity", "whole number"),
        ("capacity: 20", "capacity: 0", 17, "capacity", "lets nobody in"),
        ("capacity: 20", "capcity: 20", 17, "capcity", "Is capacity meant?"),
        ("  - id: start", "  - titel: start", 20, "id", "add it"),
        ("    title: Start\n", "", 20, "title", "add it"),
        ("[noord, zuid]", "[noord, west]", 23, "twins", "no edition west"),
        ("  - id: atelier", "  - id: start", 24, "id", "another session start"),
        ("from: 13:00", "from: 13 uur", 26, "from", "write one as 09:00"),
        ("    to: 16:30\n", "", 26, "from", "give both from and to"),
        ("to: 16:30", "to: 24:30", 27, "to", "up to 23:59"),
        ("to: 16:30", "to: 12:30", 27, "to", "must end after it starts"),
        ("{roles: [griffier]}", "{roles: [griffer]}", 28, "roles", "add it there, or correct it"),
        ("{roles: [griffier]}", "{roles: griffier}", 28, "roles", "[ ... ]"),
        ("  - id: noord\n", "  - noord\n  - id: noord\n", 30, "editions", "An entry has fields"),
        ("atelier: {date: 2021-06-07", "ateleir: {date: 2021-06-07", 32, "ateleir", "No session with this id"),
        ("date: 2021-06-07", "date: 7 juni", 32, "date", "write one as 2021-06-07"),
        ("date: 2021-06-07", "date: 2021-06-07, date: 2021-06-08", 32, "date", "twice"),
        ("https://meet", "http://meet", 32, "joinUrl", "https://"),
        ("  - id: zuid", "  - id: noord", 33, "id", "another edition noord"),
        ("atelier: {date: 2021-12-07, capacity: 12}", "atelier: 12", 37, "atelier", "Fields with values"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_field(
    tmp_path: Path, right: str, wrong: str, line: int, field: str, says: str
) -> None:
    """Whoever edits a programme is no programmer: they get the place and the remedy."""
    assert right in FILE
    told = [mistake for mistake in mistakes_in(tmp_path, FILE.replace(right, wrong)) if says in mistake.detail]
    assert [mistake[:3] for mistake in told] == [(tmp_path / "voorbeeld.yaml", line, field)]


def test_a_mistake_is_one_readable_line(tmp_path: Path) -> None:
    """It begins with file and line, as editors and terminals make a link of it."""
    text = FILE.replace("{roles: [griffier]}", "\n      roles:\n        - griffier\n        - raadslit")
    detail = "The role raadslit is not in the edition's audience: add it there, or correct it here."
    told = [str(mistake) for mistake in mistakes_in(tmp_path, text)]
    assert told == [f"{tmp_path}/voorbeeld.yaml:31: roles: {detail}"]


def test_all_mistakes_are_told_at_once_and_each_once(tmp_path: Path) -> None:
    """One walk through the files mends all of them, though two editions share what stands above them."""
    (tmp_path / "ander.yaml").write_text(FILE.replace("    title: Start", "    titel: Start"), encoding="utf-8")
    wrong = FILE.replace("capacity: 20", "capacity: veel").replace("date: 2021-12-07", "date: 7-12")
    assert [(mistake.file.stem, mistake.line, mistake.field) for mistake in mistakes_in(tmp_path, wrong)] == [
        ("ander", 20, "title"),
        ("ander", 21, "titel"),
        ("voorbeeld", 17, "capacity"),
        ("voorbeeld", 37, "date"),
    ]


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    """A folder and a file of it on one command line are no two editions."""
    assert len(read(tmp_path)) == len(load([tmp_path, tmp_path / "voorbeeld.yaml"]))


@pytest.mark.parametrize("text", ["editions: []\nsessions: []", "provider: {id: x}"])
def test_a_file_without_editions_is_a_mistake(tmp_path: Path, text: str) -> None:
    """Loading nothing must not look like success."""
    assert {mistake.field for mistake in mistakes_in(tmp_path, text)} == {"editions", "sessions"}


def test_a_file_that_cannot_be_read_is_a_mistake_too(tmp_path: Path) -> None:
    """A folder without programmes, a missing file and a wrong encoding are told in one go."""
    (tmp_path / "latin.yaml").write_bytes("provider: caf\xe9".encode("latin-1"))
    empty = tmp_path / "leeg"
    empty.mkdir()
    with pytest.raises(ProgrammesInvalid) as invalid:
        load([tmp_path / "latin.yaml", empty, tmp_path / "weg.yaml"])
    assert [mistake.file.name for mistake in invalid.value.mistakes] == ["latin.yaml", "leeg", "weg.yaml"]
    assert "latin.yaml:1: This file cannot be read" in str(invalid.value)

"""From a programme file to what is handed in; the whole way is tested with the programmes."""

from services.catalog.layers import submissions
from services.catalog.written import Block, Mark, parse

FILE = """\
sessions:
  - {id: nacht, date: 2021-03-28, from: 01:30, to: 02:30}
editions:
  - {id: zomertijd}
  - {id: zonder-datum, sessions: {nacht: {date: null}}}
"""


def read(text: str) -> tuple[list[Block], list[tuple[Mark, str]]]:
    """Return what is handed in, and the complaints."""
    complaints: list[tuple[Mark, str]] = []
    return list(submissions(parse(text), lambda *complaint: complaints.append(complaint))), complaints


def test_an_hour_that_the_clock_skips_is_complained_of_and_left_out() -> None:
    """Half a time would be complained of again by whoever reads it next."""
    handed_in, complaints = read(FILE)
    assert [mark for mark, _ in complaints] == [Mark(2, "date")]
    assert "skips 02:30" in complaints[0][1]
    assert handed_in[0]["edition"]["sessions"] == [{"sessionId": "nacht"}]


def test_an_edition_can_take_a_date_away() -> None:
    """One region's date may be lost while the others keep theirs."""
    handed_in, _ = read(FILE)
    assert handed_in[1]["edition"]["sessions"] == [{"sessionId": "nacht", "hours": "01:30-02:30"}]


def test_editions_do_not_write_into_each_other() -> None:
    """They are laid over the same text."""
    first, second = read(
        "programme: {deadline: {through: 2021-05-21}}\nsessions: [{id: a}]\neditions: [{id: x}, {id: y}]"
    )[0]
    assert first["edition"]["deadline"] == second["edition"]["deadline"]
    assert first["edition"]["deadline"] is not second["edition"]["deadline"]

"""CSV files as course desks have them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.request.spreadsheet import BadRow, Row, read_rows
from cli.trouble import Trouble

SOURCE = {"source": "urn:nld:oin:00000001823288444000:systeem:website"}
HEADER = "edition,name,email,organisation,role"
ROBIN = "leeratelier,Robin Jansen,robin@example.org,Gemeente Voorbeeld,projectleider"


def rows(tmp_path: Path, text: str, **defaults: str) -> list[Row | BadRow]:
    """Read a file with this text."""
    file = tmp_path / "requests.csv"
    file.write_bytes(text.encode())
    return read_rows(file, {**SOURCE, **defaults}, datetime.now(UTC))


def test_each_row_becomes_a_request(tmp_path: Path) -> None:
    """The plain case."""
    (row,) = rows(tmp_path, f"{HEADER}\n{ROBIN}\n")
    assert isinstance(row, Row)
    assert (row.line, row.request.data.edition_id, row.request.source) == (2, "leeratelier", SOURCE["source"])


def test_what_a_dutch_spreadsheet_writes_is_understood(tmp_path: Path) -> None:
    """Semicolons, a byte order mark, capitals in the header, empty rows at the end."""
    text = f"\ufeff{HEADER.upper().replace(',', ';')}\r\n{ROBIN.replace(',', ';')}\r\n;;;;\r\n"
    assert [row.line for row in rows(tmp_path, text)] == [2]


def test_flags_fill_what_a_row_leaves_empty(tmp_path: Path) -> None:
    """One edition for the whole file, unless a row says otherwise."""
    text = f"{HEADER}\n{ROBIN}\n{ROBIN.replace('leeratelier', '')}\n"
    editions = [row.request.data.edition_id for row in rows(tmp_path, text, edition="week") if isinstance(row, Row)]
    assert editions == ["leeratelier", "week"]


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    """A quoted cell may hold line breaks; the number must lead to the row all the same."""
    text = f'{HEADER},answer:casus\n{ROBIN},"een\ntwee\ndrie"\n\nleeratelier,,robin,Gemeente,projectleider,\n'
    good, bad = rows(tmp_path, text)
    assert (good.line, bad.line) == (2, 6)


def test_every_mistake_in_a_row_is_told_with_its_column(tmp_path: Path) -> None:
    """The person at the course desk mends the file in one go."""
    (row,) = rows(tmp_path, f"{HEADER}\nleeratelier,Robin,robin,Gemeente,Project leider\n")
    assert isinstance(row, BadRow)
    told = row.told(Path("requests.csv")).splitlines()
    assert [line.partition(": ")[0] for line in told] == ["requests.csv:2"] * 2
    assert [line.split(": ")[1] for line in told] == ["email", "role"]


def test_a_row_with_too_few_cells_is_bad(tmp_path: Path) -> None:
    """Its values would end up under the wrong columns."""
    (row,) = rows(tmp_path, f"{HEADER}\nleeratelier,Robin\n")
    assert isinstance(row, BadRow)
    assert row.told(Path("f")) == "f:2: This row has 2 cells, and there are 5 columns."


def test_an_id_that_comes_twice_is_bad(tmp_path: Path) -> None:
    """The second one would change nothing, and its sender would wait for an answer in vain."""
    _, again = rows(tmp_path, f"{HEADER},id\n{ROBIN},mine\n{ROBIN},mine\n")
    assert isinstance(again, BadRow)
    assert again.complaints == (("id", "This id was used on line 2 already."),)


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        (f"{HEADER},regoin", r"'regoin' is not known \(did you mean region\?\)"),
        (f"{HEADER},email", "'email' is there twice"),
        ("edition,name,email,role", "'organisation' is missing"),
        ("", "'edition' is missing"),
    ],
)
def test_a_header_that_is_wrong_stops_everything(tmp_path: Path, header: str, complaint: str) -> None:
    """A misspelt column would be lost in silence."""
    with pytest.raises(Trouble, match=complaint):
        rows(tmp_path, f"{header}\n{ROBIN}\n")


def test_a_file_in_another_encoding_is_explained(tmp_path: Path) -> None:
    """Spreadsheets save names with accents in the encoding of the machine, unless told otherwise."""
    file = tmp_path / "requests.csv"
    file.write_bytes(f"{HEADER}\nleeratelier,Gézieta,".encode("cp1252"))
    with pytest.raises(Trouble, match="save it as 'CSV UTF-8'"):
        read_rows(file, SOURCE, datetime.now(UTC))


def test_a_file_that_is_no_csv_is_told_with_its_line(tmp_path: Path) -> None:
    """An open quote swallows the rest of the file."""
    with pytest.raises(Trouble, match=r"requests\.csv:\d+: this is no CSV"):
        rows(tmp_path, f'{HEADER}\nleeratelier,"Robin\n')


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A slip in a file name is no reason for a traceback."""
    with pytest.raises(Trouble, match="cannot be read"):
        read_rows(tmp_path / "none.csv", SOURCE, datetime.now(UTC))


def test_a_question_keeps_its_capitals(tmp_path: Path) -> None:
    """Its id is the provider's; the names of columns are not."""
    (row,) = rows(tmp_path, f"{HEADER.upper()},Answer: eigenLaptop\n{ROBIN},true\n")
    assert isinstance(row, Row)
    assert row.request.data.answers == {"eigenLaptop": True}

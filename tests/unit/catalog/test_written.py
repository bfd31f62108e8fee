"""YAML that remembers where it was written."""

import pytest

from services.catalog.written import Block, Mark, Unreadable, layered, mark_of, parse


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("13:00", "13:00"),
        ("20", 20),
        ('"20"', "20"),
        ("295.00", "295.00"),
        ("no", "no"),
        ("2021-06-07", "2021-06-07"),
        ("null", None),
        ("", None),
        ('""', ""),
    ],
)
def test_values_are_read_as_they_look(written: str, value: object) -> None:
    """YAML 1.1 alone makes 780 of 13:00 and False of no, and takes the cents off a price."""
    assert parse(f"field: {written}")["field"] == value


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\nb: [1, 2\nc: 3", 3, "no YAML"),
        ("a: 1\nb: \x00", 1, "no YAML"),
        ("- a\n- b", 1, "starts with a field"),
        ("", 1, "starts with a field"),
        ("a: 1\nb: 2\na: 3", 3, "twice"),
        ("a: &x 1\nb: *x", 2, "Aliases"),
        ("a: 1\n[b]: 2", 2, "a word"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text: str, line: int, says: str) -> None:
    """A plain loader takes the last of two fields without a word."""
    with pytest.raises(Unreadable, match=says) as unreadable:
        parse(text)
    assert unreadable.value.mark.line == line


TEXT = """\
sessions:
  - id: start
    audience:
      roles:
        - griffier
        - raadslid
"""


@pytest.mark.parametrize(
    ("pointer", "mark"),
    [
        ("/sessions/0/id", Mark(2, "id")),
        ("/sessions/0/audience/roles/1", Mark(6, "roles")),
        ("/sessions/0/capacity", Mark(2, "capacity")),
        ("/title", Mark(1, "title")),
    ],
)
def test_a_pointer_leads_to_the_line(pointer: str, mark: Mark) -> None:
    """Also where a value is missing: then the line of what lacks it helps."""
    assert mark_of(parse(TEXT), pointer) == mark


def test_the_last_layer_wins_and_lines_stay() -> None:
    """A mistake is told where it was written, in whichever layer."""
    below, above = parse("a: 1\nin: {x: 1, y: 1}"), parse("# moved down\n\nin: {y: 2}")
    merged = layered(below, above, line=7)
    assert merged == {"a": 1, "in": {"x": 1, "y": 2}}
    assert (merged.line, mark_of(merged, "/in/x").line, mark_of(merged, "/in/y").line) == (7, 2, 3)


def test_layers_share_nothing_with_what_they_make() -> None:
    """Three editions of one file must not write into each other."""
    below = parse("in: {x: 1}")
    merged = layered(below, line=1)
    merged["in"].put("x", 2, Mark(1, "x"))
    assert below == {"in": {"x": 1}}


def test_a_block_can_come_from_one_place() -> None:
    """What stands behind one short word in a file is told with that word's line."""
    assert mark_of(Block.of(Mark(4, "twins"), editionId="x"), "/editionId") == Mark(4, "twins")

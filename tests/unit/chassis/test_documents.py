"""What a handler sees of the database."""

import pytest

from chassis.documents import ById, Documents, First, Head, Loaded, NotLoaded
from tests.unit.chassis.toy import BY_SHELF, JARS, Jar


def jar(name: str, count: int) -> Jar:
    """Build a jar on the top shelf."""
    return Jar(name, "top", count)


def test_asking_for_what_was_not_read_names_it() -> None:
    """The committer reads exactly what handlers ask for."""
    with pytest.raises(NotLoaded) as missing:
        Documents(Loaded()).get(JARS, "a")
    assert missing.value.needs == (ById(JARS, "a"),)


def test_a_glimpse_shows_what_is_in_memory_and_asks_for_nothing() -> None:
    """To foresee is not to decide: an old value may do, and a missing one must not stop it."""
    loaded = Loaded(values={(JARS, "a"): jar("a", 1)}, seen={(JARS, "b"): (7, jar("b", 2))})
    documents = Documents(loaded, {(JARS, "c"): jar("c", 3)})
    assert [documents.glimpse(JARS, id) for id in "abcd"] == [jar("a", 1), jar("b", 2), jar("c", 3), None]


def test_what_is_required_together_is_read_together() -> None:
    """One round of reading for all that is lacking; what was only seen before is lacking."""
    loaded = Loaded(values={(JARS, "a"): None}, seen={(JARS, "b"): (7, jar("b", 2))})
    documents = Documents(loaded, {(JARS, "c"): jar("c", 3)})
    documents.require([ById(JARS, "a"), ById(JARS, "c")])
    with pytest.raises(NotLoaded) as missing:
        documents.require([*(ById(JARS, id) for id in "abcd"), First(BY_SHELF, "top", 5)])
    assert set(missing.value.needs) == {ById(JARS, "b"), ById(JARS, "d"), First(BY_SHELF, "top", 5)}


def test_a_later_message_sees_what_an_earlier_one_changed() -> None:
    """Two requests in one batch must not both get the last seat."""
    loaded = Loaded(values={(JARS, "a"): jar("a", 1)})
    assert Documents(loaded, {(JARS, "a"): jar("a", 2)}).get(JARS, "a") == jar("a", 2)


def test_what_was_removed_is_gone() -> None:
    """None in a layer above hides what was read."""
    documents = Documents(Loaded(values={(JARS, "a"): jar("a", 1)}))
    documents.put(JARS, "a", None)
    assert documents.get(JARS, "a") is None


def test_what_was_not_read_cannot_be_removed() -> None:
    """Without its revision nothing would be deleted, and nobody would notice."""
    with pytest.raises(NotLoaded) as missing:
        Documents(Loaded()).put(JARS, "a", None)
    assert missing.value.needs == (ById(JARS, "a"),)


def complete_shelf() -> Loaded:
    """Build a shelf of two jars, all of it read."""
    members = (("a", jar("a", 1)), ("b", jar("b", 2)))
    values = {(JARS, name): one for name, one in members}
    return Loaded(values=values, heads={First(BY_SHELF, "top", 5): Head(members, complete=True)})


def test_the_first_of_a_group_follow_what_this_batch_changed() -> None:
    """A waiting list must show who was added and who was taken off a moment ago."""
    documents = Documents(complete_shelf(), {(JARS, "c"): jar("c", 0)})
    documents.put(JARS, "a", None)
    assert [name for name, _ in documents.first(BY_SHELF, "top", 5).members] == ["c", "b"]


def test_a_document_that_left_its_group_is_not_in_it() -> None:
    """Selection follows the value as it is now, not as it was read."""
    documents = Documents(complete_shelf(), {(JARS, "b"): Jar("b", "bottom", 2)})
    assert [name for name, _ in documents.first(BY_SHELF, "top", 5).members] == ["a"]


def test_an_incomplete_head_takes_no_newcomer_from_beyond_its_end() -> None:
    """Between the last one read and a newcomer there may be others who come first."""
    loaded = Loaded(heads={First(BY_SHELF, "top", 1): Head((("a", jar("a", 1)),), complete=False)})
    documents = Documents(loaded, {(JARS, "z"): jar("z", 9)})
    assert [name for name, _ in documents.first(BY_SHELF, "top", 1).members] == ["a"]

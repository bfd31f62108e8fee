"""How the catalogue is kept."""

from datetime import date, time

from services.catalog.domain import local, revise
from services.catalog.storage import ALL_EDITIONS, CATALOGUE, EDITIONS
from tests.unit.catalog.builders import entry, session, submitted


def test_an_entry_comes_back_as_it_was_kept() -> None:
    """A difference would make a new version of every edition at every load."""
    kept = entry(session(groups={"kind": "split", "roles": [["griffier"]]}, audience={"roles": ["griffier"]}))
    assert EDITIONS.read({"_id": "voorbeeld-2021", "revision": 1, **EDITIONS.write(kept)}) == kept


def test_times_keep_the_offset_of_their_season() -> None:
    """MongoDB's own dates have none, and told again the fact must be the same to the letter."""
    winter, summer = local(date(2024, 3, 28), time(12)), local(date(2024, 4, 18), time(12))
    before = entry(session(starts_at=winter, ends_at=summer))
    after = EDITIONS.read({"_id": "x", **EDITIONS.write(before)}).edition.sessions[0]
    assert (str(after.starts_at), str(after.ends_at)) == (str(winter), str(summer))


def test_every_edition_is_listed_under_the_fields_that_are_written() -> None:
    """What the query names and what is kept must be the same, or editions would be left out."""
    kept, _ = revise(entry(), submitted(title="Anders"))
    document = {"_id": kept.edition.edition_id, **EDITIONS.write(kept)}
    assert document[ALL_EDITIONS.group] == ALL_EDITIONS.group_of(kept) == CATALOGUE
    assert document[ALL_EDITIONS.rank] == ALL_EDITIONS.rank_of(kept) == kept.edition.edition_id

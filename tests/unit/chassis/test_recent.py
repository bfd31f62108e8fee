"""Memory that stays bounded."""

from chassis.recent import Recent


def test_the_oldest_entry_makes_room_for_a_new_one() -> None:
    """A service that runs for months must not keep every edition that it ever read."""
    recent: Recent[str, int] = Recent(2)
    for number, key in enumerate("abc"):
        recent[key] = number
    assert recent == {"b": 1, "c": 2}


def test_an_entry_put_again_puts_nothing_out() -> None:
    """Changing what is kept needs no room."""
    recent: Recent[str, int] = Recent(2)
    for key in "abab":
        recent[key] = 0
    assert set(recent) == {"a", "b"}

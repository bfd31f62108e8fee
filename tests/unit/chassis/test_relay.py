"""What stays in the outbox when the broker did not confirm everything."""

from chassis.relay import _left

FACT, PRIVATE = "instroom.events", "instroom.private"


def events(*exchanges: str) -> list[dict[str, str]]:
    """Build events for these exchanges, with their numbers as ids."""
    return [{"id": str(number), "exchange": exchange} for number, exchange in enumerate(exchanges)]


def test_what_is_confirmed_is_not_told_again() -> None:
    """A subscriber hears a fact once, unless something breaks."""
    assert _left(events(FACT, FACT), set()) == set()


def test_behind_an_unconfirmed_event_its_exchange_waits() -> None:
    """Facts of one session must not overtake each other."""
    assert _left(events(FACT, FACT, FACT), {1}) == {"1", "2"}


def test_an_exchange_in_trouble_holds_up_no_other() -> None:
    """An invitation that nobody hears yet is no reason to tell the facts around it again and again."""
    assert _left(events(FACT, PRIVATE, FACT, PRIVATE), {1}) == {"1", "3"}

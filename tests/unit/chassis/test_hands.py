"""What is in hand of a channel: acknowledging runs of deliveries, noticing that nothing gets done, finding why."""

from hypothesis import given
from hypothesis import strategies as st

from chassis.hands import STALLED_S, Acknowledgements, Breaker, Hand


def test_a_run_from_the_first_delivery_on_is_acknowledged_at_once() -> None:
    """One frame for two hundred messages is what makes it fast."""
    assert Acknowledgements().finish([1, 2, 3]) == 3


def test_nothing_is_acknowledged_beyond_an_unfinished_delivery() -> None:
    """An acknowledgement up to a tag takes every delivery before it along: those must be finished."""
    acknowledgements = Acknowledgements()
    assert acknowledgements.finish([2, 3]) is None
    assert acknowledgements.finish([1]) == 3


@given(st.permutations(range(1, 30)), st.integers(1, 7))
def test_in_any_order_no_unfinished_delivery_is_acknowledged_and_none_is_forgotten(tags: list[int], size: int) -> None:
    """Batches may end in another order than they came in."""
    acknowledgements, finished, upto = Acknowledgements(), set[int](), 0
    for start in range(0, len(tags), size):
        finished.update(tags[start : start + size])
        upto = acknowledgements.finish(tags[start : start + size]) or upto
        assert set(range(1, upto + 1)) <= finished
    assert upto == 29


def test_a_hand_is_in_trouble_when_nothing_was_acknowledged_for_long() -> None:
    """What is finished behind a delivery that never is can never be acknowledged."""
    hand = Hand("channel")
    for tag in (1, 2, 3):
        hand.take(tag, b"body", now=100)
    assert hand.finish([2, 3]) is None
    assert hand.trouble(now=100 + STALLED_S - 1) is None
    assert hand.trouble(now=100 + STALLED_S) == "3 messages are in hand and none was acknowledged for 30 s"
    assert hand.finish([1]) == 3
    hand.acknowledged(3, now=200)
    assert hand.trouble(now=1000) is None


def test_a_hand_that_was_empty_for_long_is_in_no_trouble_with_the_next_message() -> None:
    """The time begins with the first delivery."""
    hand = Hand("channel")
    hand.take(1, b"body", now=1000)
    assert hand.trouble(now=1001) is None


def hand_of(*bodies: bytes, finished: int = 0) -> Hand:
    """Build a hand with these messages, of which the first few were acknowledged."""
    hand = Hand("channel")
    for tag, body in enumerate(bodies, 1):
        hand.take(tag, body, now=0)
    if finished:
        hand.acknowledged(finished, now=0)
    return hand


def test_progress_between_losses_clears_everybody() -> None:
    """A network that comes and goes is no message's doing."""
    breaker = Breaker(10)
    for _ in range(5):
        breaker.lost(hand_of(b"first"))
        breaker.lost(hand_of(b"other", b"first", finished=1))
    assert breaker.prefetch == 10


def test_a_message_in_the_middle_is_found() -> None:
    """The first in hand is suspected and turns out innocent; the one that is alone when it happens again is not."""
    breaker = Breaker(10)
    for _ in range(3):
        breaker.lost(hand_of(b"good", b"bad", b"other"))
    assert breaker.prefetch == 1
    for _ in range(3):
        assert not breaker.condemns(b"bad")
        breaker.lost(hand_of(b"good", b"bad", finished=1))
    assert breaker.condemns(b"bad")
    assert not breaker.condemns(b"good")
    assert not breaker.finished(9)
    assert breaker.finished(1)
    assert breaker.prefetch == 10
    assert not breaker.condemns(b"bad")

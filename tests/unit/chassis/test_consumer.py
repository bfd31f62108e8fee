"""Acknowledging a run of deliveries with one frame."""

from hypothesis import given
from hypothesis import strategies as st

from chassis.consumer import Acknowledgements


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

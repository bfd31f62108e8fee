"""How long work rests that failed."""

from __future__ import annotations

import pytest

from chassis import resting
from chassis.resting import Resting


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        """Return what it says."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Provide the clock that work rests by."""
    made = Clock()
    monkeypatch.setattr(resting, "time", made)
    return made


def test_what_fails_rests_twice_as_long_each_time_and_so_long_at_most(clock: Clock) -> None:
    """A defect may take days to mend; by then it must not cost its neighbours anything."""
    work = Resting(1.0, longest_s=5.0)
    assert [work.failed("a") for _ in range(4)] == [1, 2, 4, 5]
    assert work.keys() == ["a"]
    clock.now += 5
    assert not work.keys(), "it is to be tried again"
    assert work.failed("a") == 5


def test_what_was_done_starts_afresh(clock: Clock) -> None:
    """Also what another process did, which nobody tells: it is forgotten in the end."""
    work = Resting(1.0, longest_s=5.0)
    for key in "ab":
        work.failed(key)
        work.failed(key)
    work.done("a")
    assert work.keys() == ["b"]
    assert work.failed("a") == 1
    clock.now += 8
    work.keys()
    assert work.failed("b") == 1

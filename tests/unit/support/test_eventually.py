"""`eventually`: a test that waits must end, and tell what it waited for."""

from __future__ import annotations

import pytest

from tests.support.eventually import eventually


async def test_the_value_is_returned_once_it_is_there() -> None:
    """A check may fail or be False for a while."""
    answers = iter([AssertionError("not yet"), False, "there"])

    def check() -> object:
        answer = next(answers)
        if isinstance(answer, AssertionError):
            raise answer
        return answer

    assert await eventually(check) == "there"


async def test_the_last_failure_is_told_when_time_is_over() -> None:
    """The reader of a red test needs the reason, not a time-out."""

    async def check() -> None:
        raise AssertionError("still three of four")

    with pytest.raises(AssertionError, match="three of four"):
        await eventually(check, within=0)


async def test_an_error_of_another_kind_is_not_waited_out() -> None:
    """A broken check fails at once."""
    with pytest.raises(ZeroDivisionError):
        await eventually(lambda: 1 / 0)

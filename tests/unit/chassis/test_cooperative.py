"""Long loops let other tasks run."""

from __future__ import annotations

import asyncio

from chassis.cooperative import PER_SLICE, cooperatively


async def test_others_have_their_turn_while_much_is_done() -> None:
    """A commit that waits for the next word of the database must not wait for a whole batch to be decided."""
    seen: list[int] = []
    other = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(lambda: other.set_result(len(seen)))
    seen += [item async for item in cooperatively(range(3 * PER_SLICE))]
    assert seen == list(range(3 * PER_SLICE))
    assert other.done()


async def test_nothing_is_done_for_nothing() -> None:
    """An empty batch has no slices."""
    nothing: list[int] = []
    assert [item async for item in cooperatively(nothing)] == []

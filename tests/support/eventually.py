"""Waiting for what comes about by itself, without sleeping for a guess."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")


@overload
async def eventually(check: Callable[[], Awaitable[T]], *, within: float = 10.0, every: float = 0.02) -> T: ...
@overload
async def eventually(check: Callable[[], T], *, within: float = 10.0, every: float = 0.02) -> T: ...
async def eventually(check: Callable[[], T | Awaitable[T]], *, within: float = 10.0, every: float = 0.02) -> T:
    """Call `check` until it neither raises `AssertionError` nor returns False, and return what it returned.

    `check` may be a plain or an async function. After `within` seconds its last `AssertionError` is raised.
    """
    deadline = time.monotonic() + within
    while True:
        try:
            return await _checked(check)
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(every)


async def _checked(check: Callable[[], T | Awaitable[T]]) -> T:
    answer = check()
    value: T = await answer if inspect.isawaitable(answer) else answer
    assert value is not False, f"{getattr(check, '__name__', 'the check')} stayed False"
    return value


def wait_until(check: Callable[[], bool], *, within: float) -> None:
    """Do the same outside of an event loop: call `check` until it returns True, for `within` seconds at most."""
    asyncio.run(eventually(check, within=within))

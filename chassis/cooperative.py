"""Long loops in small slices, so that what waits for the database or the broker meanwhile goes on at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

T = TypeVar("T")

PER_SLICE = 20


async def cooperatively(items: Iterable[T]) -> AsyncIterator[T]:
    """Yield these items, and let other tasks run after every few of them."""
    for number, item in enumerate(items, 1):
        yield item
        if number % PER_SLICE == 0:
            await asyncio.sleep(0)

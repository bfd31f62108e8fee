"""What waits to be mailed, as a scrape shows it, on both drivers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from services.notification import gauges
from services.notification.domain.delivery import Delivery
from tests.integration.notification.world import World, many
from tests.unit.notification.builders import NOW, in_state, notice


async def counted(world: World) -> dict[tuple[str, ...], float]:
    """Return how many mails of each kind are in each state, where there are any."""
    samples = [sample for family in await gauges.mails(world.database, NOW) for sample in family.samples]
    return {tuple(sample.labels.values()): sample.value for sample in samples if sample.value}


async def overdue(world: World) -> float:
    """Return how long the mail that is due for longest has waited, in seconds."""
    (family,) = await gauges.overdue(world.database, NOW)
    return float(family.samples[0].value)


async def keep(world: World, *deliveries: Delivery) -> None:
    """Store an invitation for each of these deliveries."""
    letters = zip(many(len(deliveries)), deliveries, strict=True)
    await world.keep(*(replace(letter, delivery=delivery) for letter, delivery in letters))


async def test_mails_are_counted_by_how_far_they_have_come(world: World) -> None:
    """What was sent is not counted: it grows for ever."""
    await keep(world, *map(in_state, ("pending", "retry", "retry", "uncertain", "failed", "sent", "dropped")))
    await world.keep(notice())
    assert await counted(world) == {
        ("invitation", "pending"): 1,
        ("invitation", "retry"): 2,
        ("invitation", "uncertain"): 1,
        ("invitation", "failed"): 1,
        ("notice", "pending"): 1,
    }


async def test_a_state_without_mails_is_shown_as_none(world: World) -> None:
    """A line that begins at nought shows the first mail that fails."""
    (family,) = await gauges.mails(world.database, NOW)
    assert {sample.value for sample in family.samples} == {0}
    assert len(family.samples) == 2 * len(gauges.OPEN)


async def test_a_mail_that_is_due_and_not_sent_is_overdue(world: World) -> None:
    """One that is to be tried again later is not, nor is one whose session has no date."""
    pending, retry, waiting = (in_state(state) for state in ("pending", "retry", "waiting"))
    await keep(
        world,
        replace(pending, due=NOW - timedelta(minutes=2)),
        replace(retry, due=NOW + timedelta(minutes=10)),
        replace(waiting, due=NOW - timedelta(days=3)),
    )
    assert await overdue(world) == 120


async def test_nothing_is_overdue_where_nothing_waits(world: World) -> None:
    """The usual state."""
    assert await overdue(world) == 0

"""An account that asks for more earlier answers than it may."""

from __future__ import annotations

import pytest

from instroom_contracts.cloudevent import new_event
from instroom_contracts.intake import AnswerRequested
from tests.e2e.world import open_world
from tests.support.eventually import eventually
from tests.support.place import Place
from tests.support.running import running
from tests.unit.enrolment.examples import WEBSITE


@pytest.mark.parametrize(("a_minute", "refused"), [(2, 3), (600, 0)], ids=["limited", "hardly limited"])
async def test_who_asks_too_often_is_told_to_ask_later(place: Place, a_minute: int, refused: int) -> None:
    """A line makes us tell many facts to everybody; above a limit it makes us tell one."""
    with running(place, "enrolment", settings={"ASKED_PER_MINUTE": str(a_minute)}):
        async with open_world(place) as world:
            for number in range(5):
                asked = AnswerRequested(request_id="never-sent")
                await world.systems.send(new_event(asked, source=WEBSITE, id=f"ask-{number}"))
            await eventually(lambda: world.systems.counts["request-refused"] == 5)
    reasons = [fact["data"]["reason"] for fact in world.systems.facts]
    assert reasons == ["unknown-request"] * (5 - refused) + ["asked-too-often"] * refused

"""An upgrade: who was registered under the key of an earlier release is known to this one."""

from __future__ import annotations

from hashlib import sha256

import pytest

from services.enrolment.storage.kinds import PARTICIPANTS
from tests.e2e.world import World, open_world
from tests.support.place import Place
from tests.support.running import running
from tests.unit.enrolment.examples import EDITION, edition, participant, request

ONE_EACH = "a participant has one live enrolment per edition"
BEFORE, AFTER = "robin@bücher.example", "Robin@xn--bcher-kva.example."


async def upgraded(place: Place, *, without: str | None = None) -> None:
    """Enrol, put the registration back to what 0.2.0 wrote, start again, and enrol under another spelling."""
    with running(place, "enrolment"):
        async with open_world(place) as world:
            await world.publish_edition(edition())
            assert await answer_to(world, BEFORE) == "enrolment-confirmed"
            await register_as_0_2_0_did(world)
    with running(place, "enrolment", without=without):
        async with open_world(place) as world:
            assert await answer_to(world, AFTER) == "enrolment-rejected"
            assert ONE_EACH not in {verdict.promise for verdict in await world.verdicts(settle=1)}


async def answer_to(world: World, address: str) -> str:
    """Ask for a place, and return the kind of the answer."""
    asked = request(participant=participant(email=address))
    await world.systems.send(asked)
    (answer,) = await world.answered([asked.id])
    return str(answer["kind"])


async def register_as_0_2_0_did(world: World) -> None:
    """Move the one registration under the key that followed from the address as it was spelt."""
    registered = world.databases["enrolment"][PARTICIPANTS.collection]
    row = await registered.find_one_and_delete({})
    assert row is not None
    await registered.insert_one({**row, "_id": sha256(f"{EDITION}\n{BEFORE}\n".encode()).hexdigest()})


async def test_who_enrolled_before_an_upgrade_is_enrolled_after_it(place: Place) -> None:
    """One person, one place, under whatever spelling they come back."""
    await upgraded(place)


async def test_without_new_keys_they_take_a_second_place(place: Place) -> None:
    """The twin: switched off, the guard of the test above is missed."""
    with pytest.raises(AssertionError, match="enrolment-confirmed"):
        await upgraded(place, without="keys")

"""Freeing participants whom an earlier release locked out."""

from __future__ import annotations

from typing import Any

from pymongo import MongoClient

from services.enrolment.domain.values import Enrolment, Live, participant_key
from services.enrolment.storage import ENROLMENTS, HELD_IN, PARTICIPANTS
from tests.integration.cli.desk import EDITION, Desk
from tests.unit.enrolment.examples import ASKED, WEBSITE, participant

STRANDED = "5a3c8ef2-6f0e-5f0a-9a0b-0f3d2c1b7e55"
PERSON = participant("gestrand", role="beleidsmedewerker", region="groningen")


def strand(desk: Desk) -> None:
    """Leave what 0.2.0 made of a request that came to no session."""
    kept = Enrolment(STRANDED, EDITION, WEBSITE, "gestrand", PERSON, "cancelled", False, (), ASKED, {})  # noqa: FBT003
    key = participant_key(EDITION, PERSON)
    with MongoClient[dict[str, Any]](desk.place.mongo_url, tz_aware=True) as client:
        database = client[desk.place.database("enrolment")]
        written = {name: value for name, value in ENROLMENTS.write(kept).items() if name != HELD_IN}
        database["enrolments"].insert_one({"_id": STRANDED, "revision": 1, **written})
        live = PARTICIPANTS.write(Live(STRANDED, WEBSITE))
        database["participants"].insert_one({"_id": key, "revision": 1, **live})


def test_the_audit_names_who_is_locked_out_and_a_command_frees_them(desk: Desk) -> None:
    """They could neither enrol nor cancel, for ever."""
    strand(desk)
    assert "already-enrolled" in desk.request("gestrand").stdout
    named = desk.run("audit", "--settle", "0")
    assert named.exit_code != 0
    assert f"{STRANDED}: has no place in {EDITION}, and keeps its participant from enrolling" in named.stdout
    assert "What to do: `instroom free`" in named.stdout
    freed = desk.run("free")
    assert (freed.exit_code, "cancelled" in freed.stdout) == (0, True), freed.output
    assert "Nobody is kept out." in desk.run("free").output
    assert desk.request("gestrand", "--id", "gestrand-opnieuw").exit_code == 0
    assert desk.run("audit").exit_code == 0

"""What a planted fault is, and the people in whose data it is planted."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.cli.desk import PROGRAMMES, TIME, Desk, Kept

PROGRAMME = PROGRAMMES / "vng-participatieweek-2021.yaml"
EDITION, SESSION = "vng-participatieweek-2021-noord", "participatiebeleid"
KEY = f"{EDITION}/{SESSION}"
ELSEWHERE, OTHER = "vng-participatieweek-2021-midden", "participatie-als-proces"
"""Another edition, with one participant, in another session."""
PLAIN = "cmo-stamm-participatie-2021"
"""An edition of one session, with one participant."""


@dataclass(frozen=True)
class Fault:
    """A fault: which promise it breaks, what the audit must name, and how it is planted and taken back.

    `settle` is how long the audit waits for what is on its way: for a fault that sets services in motion.
    """

    promise: str
    about: str
    plant: Callable[[Desk], AbstractContextManager[None]]
    settle: str = "0"


def people_enrol(desk: Desk, folder: Path) -> None:
    """Have people enrol: more than there are seats in one session, which moves to a shared pool; one withdraws."""
    rows = (f"Robin Jansen,deelnemer{n}@example.org,Gemeente,projectleider,noord" for n in range(23))
    (folder / "requests.csv").write_text("\n".join(["name,email,organisation,role,region", *rows]), encoding="utf-8")
    words = ("--edition", EDITION, "--session", SESSION, "--time", TIME, "--json")
    sent = desk.run("request", "--csv", str(folder / "requests.csv"), *words)
    assert sent.exit_code == 0, sent.output
    first = json.loads(sent.stdout.splitlines()[0])["answer"]["data"]["enrolmentId"]
    load(desk, folder, PROGRAMME.read_text(encoding="utf-8").replace(*in_pool(SESSION, "pool: zaal")))
    cancel(desk, first)
    assert desk.request("alleen").exit_code == 0
    enrol(desk, "elders", ELSEWHERE, OTHER, region="midden")


def in_pool(session: str, *lines: str) -> tuple[str, str]:
    """Return what to replace in a programme so that a session has these lines too, and by what."""
    begin = f"- id: {session}\n"
    return begin, begin + "".join(f"    {line}\n" for line in lines)


def load(desk: Desk, folder: Path, programme: str) -> None:
    """Load a programme."""
    file = folder / "programme.yaml"
    file.write_text(programme, encoding="utf-8")
    loaded = desk.run("catalog", "load", str(file))
    assert loaded.exit_code == 0, loaded.output


def enrol(desk: Desk, name: str, edition: str = EDITION, session: str = SESSION, region: str = "noord") -> str:
    """Have one person more enrol in a session; return the id of the enrolment, which may wait."""
    words = ("--edition", edition, "--session", session, "--region", region, "--role", "projectleider", "--json")
    sent = desk.request(name, *words)
    assert sent.exit_code == 0, sent.output
    return str(json.loads(sent.stdout.splitlines()[0])["answer"]["data"]["enrolmentId"])


def cancel(desk: Desk, enrolment: str) -> None:
    """Cancel an enrolment, and wait for the answer."""
    done = desk.run("cancel", enrolment, "--time", TIME)
    assert done.exit_code == 0, done.output


def holder(kept: Kept) -> str:
    """Return an enrolment that has a seat in the session."""
    held = {"editionId": EDITION, "places": {"$elemMatch": {"sessionId": SESSION, "state": "confirmed"}}}
    return str(one(kept, "enrolments", held)["_id"])


def one(kept: Kept, collection: str, which: dict[str, Any]) -> dict[str, Any]:
    """Return a document that is there."""
    found = kept[collection].find_one(which)
    assert found is not None, which
    return found


def overtake(kept: Kept, session: str) -> None:
    """Let the last on a session's list come first."""
    last = kept["waiting_list"].find_one({"session": session}, sort=[("number", -1)])
    assert last is not None
    kept["waiting_list"].update_one({"_id": last["_id"]}, {"$set": {"number": 1}, "$inc": {"revision": 1}})

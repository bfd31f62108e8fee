"""Facts to try the commands on."""

from __future__ import annotations

from typing import Any

from cli.facts import Fact

SOURCE = "urn:nld:oin:00000001823288444000:systeem:instroom-enrolment"
ASKER = "urn:nld:oin:00000001823288444000:systeem:website"


def fact(name: str, data: dict[str, Any], *, id: str = "", answers: str = "", **attributes: Any) -> Fact:
    """Build a fact; `answers` is the id of the request that it goes back to."""
    event = {
        "specversion": "1.0",
        "id": id or f"{name} {sorted(data.items())}",
        "source": SOURCE,
        "type": f"nl.enrolments.{name}.v1",
        "time": "2021-05-20T09:30:00Z",
        "correlationid": answers,
        "correlationsource": ASKER,
        **attributes,
    }
    return Fact(event, data)


def place(session: str, state: str, version: int, position: int | None = None) -> dict[str, Any]:
    """Build a place of an answer."""
    turn = {} if position is None else {"position": position}
    return {"sessionId": session, "state": state, "sessionVersion": version, **turn}

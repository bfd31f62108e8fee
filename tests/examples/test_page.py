"""docs/integrating.md as a stranger works through it, from nothing to a decided request and a received fact."""

from __future__ import annotations

import json
from pathlib import Path

from deploy.homes import ROOT
from instroom_contracts.cloudevent import encode
from tests.e2e.world import World
from tests.support.clone import cloned
from tests.support.page import blocks, follow, steps
from tests.unit.enrolment.examples import request

PAGE = ROOT / "docs/integrating.md"


def test_every_command_of_the_page_does_what_the_page_says(tmp_path: Path) -> None:
    """A stranger has nobody to ask, and leaves at the first command that fails."""
    todo = steps(PAGE.read_text(encoding="utf-8"))
    with cloned(tmp_path) as clone:
        done = follow(todo, clone.folder, clone.environment, within=900)
    assert [str(step) for step in done if not step.as_told] == []
    assert len(done) == len(todo)


async def test_a_request_that_is_not_valid_is_answered_as_the_page_says(world: World) -> None:
    """Somebody writes the code that reads these errors from the page, before they ever see one."""
    sent = request()
    event = json.loads(encode(sent).body)
    del event["data"]["participant"]["email"]
    event["data"]["sessionsIds"] = []
    await world.systems.send_bytes(json.dumps(event).encode(), sent.type, id=sent.id)
    (answer,) = await world.answered([sent.id])
    shown = [json.loads(block.text) for block in blocks(PAGE.read_text(encoding="utf-8")) if block.kind == "json"]
    assert {name: value for name, value in answer["data"].items() if name != "editionId"} in shown

"""A stack whose clock is set forward: its services act as if it were then; and stacks that refuse it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.cli.desk import PROGRAMMES, Desk
from tests.support.eventually import eventually
from tests.support.place import open_place
from tests.support.running import running
from tests.support.servers import Servers

EDITION = "cmo-stamm-participatie-2045"
AWAY = {"SMTP_URL": "smtp://127.0.0.1:1"}
"""A mail server that never answers: mails are tried again later."""
NAMES = ("catalog", "enrolment", "notification")
REFUSED = 4


class Sandbox(Desk):
    """A desk at a stack whose clock can be set."""

    @property
    def environment(self) -> dict[str, str]:
        """Return where the servers are, as `.sandbox/stack.env` says it."""
        return {**super().environment, "CLOCK": "settable"}


@pytest.fixture(scope="module")
def sandbox(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Provide a sandbox with one edition, of the year 2045; each test goes on from the time of the one before."""
    programme = tmp_path_factory.mktemp("programmes") / "cmo-stamm.yaml"
    text = (PROGRAMMES / "cmo-stamm-participatie-2021.yaml").read_text(encoding="utf-8")
    programme.write_text(text.replace("2021", "2045"), encoding="utf-8")
    with open_place(servers) as place, running(place, *NAMES, settings={**AWAY, "CLOCK": "settable"}) as services:
        sandbox = Sandbox(place, {one.service: one for one in services})
        loaded = sandbox.run("catalog", "load", str(programme))
        assert loaded.exit_code == 0, loaded.output
        yield sandbox


def ask(sandbox: Desk, name: str, edition: str = EDITION) -> tuple[int, str]:
    """Ask for a place now, whenever that is; return the exit code and what was shown."""
    person = ("--name", "Robin Jansen", "--email", f"{name}@example.org", "--organisation", "Gemeente Voorbeeld")
    which = ("--edition", edition, "--role", "beleidsmedewerker", "--region", "groningen", "--id", name)
    done = sandbox.run("request", *person, *which)
    return done.exit_code, done.output


def shown(sandbox: Desk) -> datetime:
    """Return what time it is."""
    return datetime.fromisoformat(sandbox.json("clock", "show")["now"])


async def test_a_mail_that_was_to_be_tried_later_is_due(sandbox: Sandbox) -> None:
    """Hours need not be waited for."""
    assert abs(shown(sandbox) - datetime.now(UTC)) < timedelta(minutes=1)
    assert ask(sandbox, "patient")[0] == 0

    def attempts() -> int:
        with sandbox.kept("notification") as kept:
            return max((one["delivery"]["attempts"] for one in kept["mails"].find()), default=0)

    await eventually(lambda: attempts() == 1)
    assert sandbox.run("clock", "advance", "2h").exit_code == 0
    await eventually(lambda: attempts() == 2)


async def test_a_request_for_what_never_comes_is_refused_at_once(sandbox: Sandbox) -> None:
    """What falls due falls due by the clock that was set, and the answer says that time."""
    before = shown(sandbox)
    await sandbox.publish(*unknown_edition(before))
    with sandbox.kept("enrolment") as kept:
        await eventually(lambda: kept["parked"].count_documents({}) == 1)
        assert sandbox.run("clock", "advance", "1h").exit_code == 0
        await eventually(lambda: kept["parked"].count_documents({}) == 0)
    (answer,) = sandbox.told("--correlation", "unheard-of")
    assert answer["data"]["reason"] == "unknown-edition"
    assert datetime.fromisoformat(answer["time"]) - before >= timedelta(hours=1)


def test_the_deadline_passes(sandbox: Sandbox) -> None:
    """A programme of years can be watched in a minute."""
    assert sandbox.run("clock", "set", "2045-05-21T23:59:50+02:00").exit_code == 0
    assert ask(sandbox, "in-time")[0] == 0
    assert sandbox.run("clock", "advance", "10s").exit_code == 0
    code, said = ask(sandbox, "late")
    assert (code, "tot 21 mei" in said) == (REFUSED, True), said


def test_it_only_goes_forward(sandbox: Sandbox) -> None:
    """What was decided stays decided."""
    before = shown(sandbox)
    done = sandbox.run("clock", "set", "2030-01-01T00:00:00+01:00")
    assert (done.exit_code, "only goes forward, and it is 20" in done.stderr) == (2, True)
    assert shown(sandbox) >= before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("advance", "tomorrow"), "90m, 36h or 2w; not 'tomorrow'"),
        (("advance", "999999w"), "goes up to"),
        (("set", "2999-01-01T00:00:00Z"), "goes up to"),
        (("set", "2046-01-01"), "such as 2026-01-31T00:00:00+01:00"),
    ],
)
def test_what_is_no_time_is_explained(sandbox: Sandbox, words: tuple[str, str], said: str) -> None:
    """Whoever typed it can mend it."""
    before = shown(sandbox)
    done = sandbox.run("clock", *words)
    assert (done.exit_code, said in done.stderr) == (2, True), done.output
    assert shown(sandbox) - before < timedelta(minutes=5)


@pytest.mark.parametrize("told", ["real", "settable", ""])
@pytest.mark.parametrize("words", [("show",), ("advance", "1d"), ("set", "2046-01-01T00:00:00Z")])
def test_any_other_stack_refuses_it(desk: Desk, words: tuple[str, ...], told: str) -> None:
    """Whatever its file says: it is the services that have such a clock, or not."""
    done = desk.run("clock", *words, CLOCK=told)
    assert (done.exit_code, "its clock cannot be set" in done.stderr) == (2, True), done.output
    for service in NAMES:
        with desk.kept(service) as kept:
            assert not kept["clock"].count_documents({})


def unknown_edition(at: datetime) -> tuple[bytes, str]:
    """Return a request for an edition that nobody heard of."""
    source = Path(__file__).parents[3] / "contracts" / "samples" / "nl.enrolments.enrolment-requested.v1.json"
    event = json.loads(source.read_text(encoding="utf-8"))
    event |= {"id": "unheard-of", "time": at.isoformat()}
    event["data"]["editionId"] = "nergens"
    return json.dumps(event).encode(), event["type"]

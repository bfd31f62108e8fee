"""Every command as a user types it, on running services."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from instroom_contracts.cloudevent import type_of
from instroom_contracts.intake import EnrolmentRequested
from tests.integration.cli.desk import EDITION, PROGRAMMES, TIME, Desk
from tests.support.eventually import eventually

REQUESTED = type_of(EnrolmentRequested)


def test_loading_again_changes_nothing(desk: Desk) -> None:
    """A catalogue that is loaded twice must not confuse anybody."""
    result = desk.run("catalog", "load", str(PROGRAMMES))
    assert result.exit_code == 0
    assert [line.split()[-1] for line in result.stdout.splitlines()] == ["unchanged"] * 8


def test_republishing_tells_an_edition_again(desk: Desk) -> None:
    """A service that lost its copy gets it back; an edition that does not exist is refused."""
    assert desk.run("catalog", "republish", EDITION).exit_code == 0
    assert desk.run("catalog", "republish", "nothing").exit_code == 4
    told = desk.run("watch", "--stop", "--type", "EditionPublished", "--edition", EDITION)
    assert len(told.stdout.splitlines()) >= 2


def test_an_edition_is_shown_with_its_places(desk: Desk) -> None:
    """All that its page says; one that there is not is said not to be there."""
    assert "werksessie confirmed" in desk.request("shown").stdout
    shown = desk.run("show", EDITION)
    assert shown.exit_code == 0, shown.output
    assert "tot 21 mei (2021-05-21 23:59:59)" in shown.stdout
    assert re.search(r"places +no limit; [1-9][0-9]* confirmed, 0 queued", shown.stdout)
    assert desk.json("show", EDITION)["places"]["werksessie"]["confirmed"] > 0
    missing = desk.run("show", "nergens")
    assert (missing.exit_code, "no edition nergens" in missing.stderr) == (2, True)


def test_a_request_is_answered_and_found_again(desk: Desk) -> None:
    """The answer is told once; later it stands in the replay stream."""
    assert "werksessie confirmed" in desk.request("found").stdout
    again = desk.request("found", "--timeout", "1")
    assert (again.exit_code, again.stdout) == (5, "no answer  (request found)\n")
    found = desk.run("watch", "--stop", "--correlation", "found", "--type", "EnrolmentConfirmed")
    assert "werksessie confirmed" in found.stdout
    whole = desk.run("watch", "--stop", "--correlation", "found", "--from", "2021-01-01T00:00:00Z", "--json")
    assert json.loads(whole.stdout.splitlines()[0])["correlationid"] == "found"


def test_a_refusal_is_told_with_its_reason(desk: Desk) -> None:
    """Also the one for somebody else's enrolment."""
    late = desk.request("late", "--time", "2021-05-23T11:30:00+02:00")
    assert (late.exit_code, "deadline-passed" in late.stdout) == (4, True)
    assert desk.run("cancel", "nobody").exit_code == 4


def test_a_file_fills_a_session_and_a_withdrawal_promotes(desk: Desk, tmp_path: Path) -> None:
    """The daily work of a course desk, with the audit at the end of the day."""
    file = tmp_path / "requests.csv"
    rows = (f"Robin Jansen,deelnemer{n}@example.org,Gemeente,projectleider,noord" for n in range(22))
    file.write_text("\n".join(["name,email,organisation,role,region", *rows]), encoding="utf-8")
    session = ("--edition", "vng-participatieweek-2021-noord", "--session", "participatiebeleid", "--time", TIME)
    sent = desk.run("request", "--csv", str(file), *session, "--json")
    assert sent.exit_code == 0, sent.output
    first = json.loads(sent.stdout.splitlines()[0])["answer"]["data"]["enrolmentId"]
    assert _session(desk, "participatiebeleid") == (20, 2)
    assert desk.run("cancel", first, "--time", TIME).exit_code == 0
    assert _session(desk, "participatiebeleid") == (20, 1)
    audit = desk.run("audit", "--settle", "30")
    assert audit.exit_code == 0, audit.output


def _session(desk: Desk, session: str) -> tuple[int, int]:
    rows = desk.json("status", "--edition", "vng-participatieweek-2021-noord")["sessions"]
    row = next(row for row in rows if row["session"] == session)
    return row["confirmed"], row["queued"]


def test_status_shows_the_whole_and_names_nobody(desk: Desk) -> None:
    """It stands on a screen in the office."""
    desk.request("status")
    seen = desk.run("status").stdout
    assert EDITION in seen
    assert "enrolment.enrolment-requested.v1" in seen
    assert "example.org" not in seen
    assert "Robin" not in seen
    assert re.search(r"enrolment +ready", seen)


def test_where_no_health_page_is_known_the_services_are_not_called_none(desk: Desk) -> None:
    """As from outside of containers."""
    looked = desk.run("status", **{f"{service.upper()}_HEALTH_URL": "" for service in desk.services})
    assert (looked.exit_code, EDITION in looked.stdout, "Services" in looked.stdout) == (0, True, False)
    assert "no ..._HEALTH_URL is set" in looked.stderr


async def test_an_invalid_message_is_mended_and_replayed(desk: Desk) -> None:
    """From quarantine to an answer."""
    await desk.publish(_invalid("mended"), REQUESTED)
    held = await eventually(lambda: _held(desk, "mended"))
    shown = desk.run("quarantine", "show", held["id"])
    assert "/data/participant/role" in shown.stdout
    assert "personal data" in shown.stderr
    assert desk.run("quarantine", "replay", held["id"]).exit_code == 2
    mended = "/data/participant/role=beleidsmedewerker"
    replayed = desk.run("quarantine", "replay", held["id"], "--set", mended, "--json")
    assert replayed.exit_code == 0, replayed.output
    new_id = json.loads(replayed.stdout)["replayedAs"]
    await eventually(lambda: "confirmed" in desk.run("watch", "--stop", "--correlation", new_id).stdout)
    assert "was replayed before" in desk.run("quarantine", "replay", held["id"]).stderr


async def test_a_dropped_message_is_kept_with_its_note(desk: Desk) -> None:
    """Nothing invalid is deleted in silence."""
    await desk.publish(_invalid("dropped"), REQUESTED)
    held = await eventually(lambda: _held(desk, "dropped"))
    refused = desk.run("quarantine", "drop", held["id"], "--note", "a test", stdin="n\n")
    assert refused.exit_code == 1
    assert desk.run("quarantine", "drop", held["id"], "--note", "a test", stdin="y\n").exit_code == 0
    assert held["id"] not in desk.run("quarantine", "list").stdout
    assert "a test" in desk.run("quarantine", "show", held["id"]).stdout


def _invalid(id: str) -> bytes:
    participant = {"name": "Robin Jansen", "email": f"{id}@example.org", "organisation": "G", "role": "Geen Slug"}
    event = {
        "specversion": "1.0",
        "id": id,
        "source": "urn:nld:oin:00000001823288444000:systeem:website",
        "type": REQUESTED,
        "time": TIME,
        "data": {"editionId": EDITION, "participant": {**participant, "region": "groningen"}},
    }
    return json.dumps(event).encode()


def _held(desk: Desk, id: str) -> dict[str, Any]:
    found = [held for held in desk.json("quarantine", "list", "--service", "enrolment") if held["eventId"] == id]
    assert found
    held: dict[str, Any] = found[0]
    return held


async def test_a_mail_that_failed_is_listed_and_released(desk: Desk) -> None:
    """There is no mail server here: every mail fails until somebody says that it should be tried again."""
    desk.request("mailless")
    failed = await eventually(lambda: _failed(desk), within=20)
    assert desk.run("mails", "release", "nothing").exit_code == 2
    assert desk.run("mails", "release", failed, stdin="n\n").exit_code == 1
    released = desk.run("mails", "release", failed, "--yes")
    assert released.exit_code == 0, released.output
    await eventually(lambda: _failed(desk), within=20)


def _failed(desk: Desk) -> str:
    failed = desk.json("mails", "list", "--state", "failed")
    assert failed
    return str(failed[0]["id"])


def test_the_wrong_account_is_told_apart_from_a_server_that_is_away(desk: Desk) -> None:
    """The first asks for another password, the second for `make up`."""
    wrong = desk.environment["RABBITMQ_URL"].replace(":of-a-test@", ":wrong@")
    assert "refused the login" in desk.run("watch", RABBITMQ_URL=wrong).stderr
    nobody = "mongodb://nobody:wrong@" + desk.environment["MONGO_URL"].rpartition("@")[2]
    assert "refused the login" in desk.run("mails", "list", MONGO_URL=nobody).stderr
    away = desk.run("watch", RABBITMQ_URL="amqp://127.0.0.1:1")
    assert (away.exit_code, "does not answer" in away.stderr) == (6, True)


def test_an_integrators_account_cannot_load_a_catalogue(desk: Desk) -> None:
    """And is told so in a sentence."""
    result = desk.run("catalog", "load", str(PROGRAMMES), RABBITMQ_OPERATOR_URL="")
    assert result.exit_code == 6
    assert "does not allow this account" in result.stderr


def test_a_broken_promise_is_found_on_live_data(desk: Desk) -> None:
    """The twin of the audit above: a seat too many in a pool, set behind the services' back."""
    desk.request("audited")
    desk.change("enrolment", "sessions", {"$inc": {"confirmed": 1}})
    try:
        result = desk.run("audit", "--settle", "0")
        assert result.exit_code == 1
        assert "BROKEN  every session's counters equal its places" in result.stdout
    finally:
        desk.change("enrolment", "sessions", {"$inc": {"confirmed": -1}})

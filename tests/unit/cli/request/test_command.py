"""`instroom request` and `instroom cancel`, from what is typed to the exit code."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli import dialogue
from cli.app import app
from cli.asking import Events
from cli.facts import Fact
from instroom_contracts.cloudevent import CloudEvent, type_of
from instroom_contracts.intake import EnrolmentRequested
from tests.unit.cli.builders import fact, place

FLAGS = {
    "--edition": "leeratelier",
    "--name": "Robin Jansen",
    "--email": "robin@example.org",
    "--organisation": "Gemeente Voorbeeld",
    "--role": "projectleider",
}
CONFIRMED = fact(
    "enrolment-confirmed",
    {"enrolmentId": "e1", "editionId": "leeratelier", "places": [place("ronde", "confirmed", 1)]},
)
QUEUED = fact("enrolment-queued", {"enrolmentId": "e2", "places": [place("ronde", "queued", 2, 1)]})
REJECTED = fact("enrolment-rejected", {"reason": "deadline-passed", "detail": "Te laat."})


class Stand:
    """Stands in for the broker: keeps what was asked and gives the answers in order."""

    def __init__(self, *answers: Fact | None) -> None:
        self.answers = answers
        self.asked: list[Events] = []

    async def ask(
        self, url: str, events: Events, timeout_s: float
    ) -> AsyncIterator[tuple[CloudEvent[Any], Fact | None]]:
        """Answer as `cli.asking.ask` does."""
        self.asked.append(events)
        for event, answer in zip(events, self.answers, strict=True):
            yield event, answer


def run(
    monkeypatch: pytest.MonkeyPatch, answers: Sequence[Fact | None], *arguments: str, stdin: str | None = None
) -> tuple[Result, Stand]:
    """Run a command against a stand-in that gives these answers."""
    stand = Stand(*answers)
    monkeypatch.setattr(dialogue, "ask", stand.ask)
    environment = {"RABBITMQ_URL": "amqp://nowhere", "MONGO_URL": ""}
    return CliRunner().invoke(app, arguments, input=stdin, env=environment), stand


def flags(**changes: str) -> list[str]:
    """Return the flags of a request, with some changed."""
    typed = {**FLAGS, **{f"--{name}": value for name, value in changes.items()}}
    return [word for pair in typed.items() for word in pair]


@pytest.mark.parametrize(("answer", "code"), [(CONFIRMED, 0), (QUEUED, 3), (REJECTED, 4), (None, 5)])
def test_the_exit_code_says_how_it_went(monkeypatch: pytest.MonkeyPatch, answer: Fact | None, code: int) -> None:
    """Scripts branch on it."""
    result, _ = run(monkeypatch, [answer], "request", *flags())
    assert result.exit_code == code


def test_the_answer_is_shown_with_its_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks at a terminal wants to read it at once."""
    result, stand = run(monkeypatch, [CONFIRMED], "request", *flags(id="mine"), "--session", "ronde")
    assert result.stdout == "confirmed  leeratelier  e1: ronde confirmed  (request mine)\n"
    assert stand.asked[0][0].type == type_of(EnrolmentRequested)
    assert stand.asked[0][0].data.session_ids == ("ronde",)


def test_another_program_gets_the_whole_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """With --json nothing is left for parsing sentences."""
    result, _ = run(monkeypatch, [QUEUED], "request", *flags(id="mine"), "--json")
    told = json.loads(result.stdout)
    assert (told["id"], told["outcome"], told["answer"]) == ("mine", "queued", QUEUED.event)


def test_what_is_not_valid_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid request spends its id."""
    result, stand = run(monkeypatch, [], "request", *flags(email="robin"))
    assert result.exit_code == 2
    assert "email: This must be one bare mail address" in result.stderr
    assert not stand.asked


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A form has to be filled in once, not flag by flag."""
    result, _ = run(monkeypatch, [], "request", "--edition", "leeratelier", "--name", "Robin")
    assert result.exit_code == 2
    assert "--email, --organisation, --role must be given" in result.stderr


def test_answers_to_questions_are_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question may hold an equals sign in its answer, not in its name."""
    _, stand = run(monkeypatch, [CONFIRMED], "request", *flags(), "--answer", "casus=a=b")
    assert stand.asked[0][0].data.answers == {"casus": "a=b"}
    result, _ = run(monkeypatch, [], "request", *flags(), "--answer", "casus")
    assert "QUESTION=TEXT" in result.stderr


def test_data_from_standard_input_may_hold_companions(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no flag can say."""
    robin = {"name": "Robin", "email": "r@example.org", "organisation": "G", "role": "jurist"}
    data = {"editionId": "x", "participant": robin, "companions": [{"sessionIds": ["r4"], "participant": robin}]}
    result, stand = run(monkeypatch, [CONFIRMED], "request", "--data", "-", "--id", "mine", stdin=json.dumps(data))
    assert result.exit_code == 0
    assert stand.asked[0][0].id == "mine"
    assert len(stand.asked[0][0].data.companions) == 1


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """Provide a file with two good rows and a bad one."""
    file = tmp_path / "requests.csv"
    good = "Robin,robin@example.org,Gemeente,projectleider\n"
    file.write_text(f"name,email,organisation,role\n{good}Sam,geen,Gemeente,projectleider\n{good}", encoding="utf-8")
    return file


def test_a_bad_row_keeps_all_from_being_sent(monkeypatch: pytest.MonkeyPatch, csv: Path) -> None:
    """Half a file sent is hard to mend."""
    result, stand = run(monkeypatch, [], "request", "--csv", str(csv), "--edition", "x")
    assert result.exit_code == 2
    assert f"{csv}:3: email: " in result.stderr
    assert not stand.asked


def test_bad_rows_may_be_left_out(monkeypatch: pytest.MonkeyPatch, csv: Path) -> None:
    """Where the person says so; the exit code still tells."""
    answers = [CONFIRMED, CONFIRMED]
    result, _ = run(monkeypatch, answers, "request", "--csv", str(csv), "--edition", "x", "--skip-bad")
    assert [line.split("  ")[0] for line in result.stdout.splitlines()] == ["line 2", "line 4"]
    assert "2 confirmed" in result.stderr
    assert result.exit_code == 2


def test_the_worst_outcome_counts(monkeypatch: pytest.MonkeyPatch, csv: Path) -> None:
    """One rejected request in a hundred must not look like success."""
    arguments = ("request", "--csv", str(csv), "--edition", "x", "--skip-bad")
    assert run(monkeypatch, [CONFIRMED, REJECTED], *arguments)[0].exit_code == 4
    assert run(monkeypatch, [None, QUEUED], *arguments)[0].exit_code == 5


def test_a_file_of_bad_rows_alone_is_not_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """There is nothing left to send."""
    file = tmp_path / "bad.csv"
    file.write_text("edition,name,email,organisation,role\nx,,,,\n", encoding="utf-8")
    result, _ = run(monkeypatch, [], "request", "--csv", str(file), "--skip-bad")
    assert result.exit_code == 2
    assert "no valid rows" in result.stderr


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (fact("enrolment-cancelled", {"enrolmentId": "e1", "cause": "cancellation", "sessionIds": ["ronde"]}), 0),
        (fact("request-refused", {"reason": "not-yours", "detail": "Niet van u."}), 4),
        (None, 5),
    ],
)
def test_a_withdrawal_says_how_it_went(monkeypatch: pytest.MonkeyPatch, answer: Fact | None, code: int) -> None:
    """The same codes as for a request."""
    result, stand = run(monkeypatch, [answer], "cancel", "e1", "--reason", "verhinderd")
    assert result.exit_code == code
    assert stand.asked[0][0].data.reason == "verhinderd"


def test_a_withdrawal_of_nonsense_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name typed in place of an id must not travel."""
    result, stand = run(monkeypatch, [], "cancel", "Robin Jansen")
    assert result.exit_code == 2
    assert not stand.asked


def test_without_servers_the_way_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first thing that a new user may see."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["request", *flags()], env={"RABBITMQ_URL": "", "MONGO_URL": ""})
    assert result.exit_code == 6
    assert "make up" in result.stderr

"""What the documents say of files, settings and events is there."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from chassis import logs
from cli.app import COMMANDS
from cli.audit.auditor import judge
from cli.audit.evidence import Evidence
from deploy.compose.images import ImageSettings
from deploy.compose.project import Overlays
from deploy.local.programs import Programs
from deploy.settings import Ports
from instroom_contracts.topology import TYPES
from services.catalog.settings import Settings as CatalogSettings
from services.enrolment.settings import Settings as EnrolmentSettings
from services.notification.settings import Settings as NotificationSettings
from tests.support.page import NOT_RUN, PRINTED, RUN, blocks

ROOT = Path(__file__).parents[2]
FOLDERS = (".", "checking", "contracts", "contracts/js", "docs", "docs/decisions", "examples/python", "examples/node")
DOCUMENTS = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.md"))
NAMING = ("chassis", "checking", "cli", "contracts/instroom_contracts", "deploy", "demo", "services", "tests")
IN_CODE = re.compile(rf"(?<![\w/.-])((?:{'|'.join((*NAMING, 'docs', 'examples'))})/[\w/.-]+\.(?:py|md|yml))\b")
SETTINGS: tuple[type[BaseSettings], ...] = (
    CatalogSettings,
    EnrolmentSettings,
    NotificationSettings,
    Ports,
    Programs,
    ImageSettings,
    Overlays,
)
INTEGRATING = ROOT / "docs/integrating.md"
NO_PROGRAM = {RUN, NOT_RUN, PRINTED, "json"}
CODE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
PATH = re.compile(
    r"`((?:checking|contracts|chassis|services|cli|demo|deploy|docs|examples|programmes|tests)/[\w./-]+)`"
)


def prose(document: Path) -> str:
    """Return a document without its blocks of code."""
    return FENCED.sub("", document.read_text(encoding="utf-8"))


def anchors(document: Path) -> set[str]:
    """Return the names under which the headings of a document can be linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dangling(document: Path) -> list[str]:
    """Return the links within the repository that lead nowhere."""
    links = [link for link in LINK.findall(prose(document)) if "://" not in link and not link.startswith("mailto:")]
    return [link for link in links if not leads_somewhere(document, link)]


def leads_somewhere(document: Path, link: str) -> bool:
    """Say whether a relative link names a file, and a heading of it where it names one."""
    path, _, anchor = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    return target.exists() and (not anchor or anchor in anchors(target))


def environment_names(settings: type[BaseSettings]) -> list[str]:
    """Return the names of a class's settings as an operator sets them."""
    prefix = settings.model_config.get("env_prefix", "")
    return [f"{prefix}{field}".upper() for field in settings.model_fields]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    """Files move; who follows a link should not notice."""
    assert dangling(document) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_is_named_is_there(document: Path) -> None:
    """A path in the text is a link that nobody made."""
    assert [path for path in PATH.findall(prose(document)) if not any(ROOT.glob(path.rstrip("/")))] == []


def test_every_file_that_the_code_names_is_there() -> None:
    """A comment that sends somebody to a file is a link as well."""
    files = [path for folder in NAMING for path in (ROOT / folder).rglob("*.py")]
    named = {(path, name) for path in files for name in IN_CODE.findall(path.read_text(encoding="utf-8"))}
    assert len(named) > 20
    assert sorted(f"{path}: {name}" for path, name in named if not (ROOT / name).exists()) == []


@pytest.mark.parametrize("link", ["nowhere.md", "README.md#no-such-heading", "#no-such-heading"])
def test_a_link_that_leads_nowhere_is_seen(link: str) -> None:
    """A check that nothing can fail checks nothing."""
    assert not leads_somewhere(ROOT / "README.md", link)


def test_the_readme_walks_through_six_steps() -> None:
    """The walk is where a newcomer begins: contract, queue, consumer, handler, domain, outbox."""
    walk = prose(ROOT / "README.md").partition("## One event")[2].partition("\n## ")[0]
    steps = re.findall(r"^\d\. \*\*(\w+)\*\*, \[(?:[^\]]+)\]\(([^)]+)\)", walk, re.MULTILINE)
    assert [name.lower() for name, _ in steps] == ["contract", "queue", "consumer", "handler", "domain", "outbox"]
    assert [path for _, path in steps if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings.__name__)
def test_every_setting_is_explained(settings: type[BaseSettings]) -> None:
    """An operator looks in one place."""
    text = prose(ROOT / "docs/operating.md")
    assert [name for name in environment_names(settings) if f"`{name}`" not in text] == []


LOGGED_AT = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}


def logged() -> Iterator[tuple[str, str, list[str]]]:
    """Find in the code what is logged: each event with its level and its fields, but for those from a function."""
    for module in (path for folder in ("chassis", "services") for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(ast.Attribute(ast.Name("log"), level), [ast.Constant(str(event))], fields):
                    yield event, LOGGED_AT[level], [field.arg for field in fields if field.arg]


def table(heading: str, document: str = "docs/operating.md") -> list[list[str]]:
    """Return the rows of the table with this heading, without what its cells say in words."""
    lines = prose(ROOT / document).partition(f"\n| {heading} |")[2].splitlines()
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines[2:])
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


PROMISES = judge(Evidence(datetime.now(UTC)), datetime.now(UTC))
"""What the audit says of nothing at all: each promise, and what an operator does where it is broken."""


def test_every_promise_of_the_audit_is_explained() -> None:
    """Whoever is woken by a broken one looks up who notices and what to do."""
    assert [row[0] for row in table("promise | what somebody notices | what to do")] == [
        verdict.promise for verdict in PROMISES
    ]
    shown = re.findall(r"^ok      (.+): \d+ judged$", (ROOT / "docs/operating.md").read_text("utf-8"), re.MULTILINE)
    assert shown == [verdict.promise for verdict in PROMISES]


def test_every_remedy_of_the_audit_leads_somewhere() -> None:
    """A section that the audit sends somebody to is there, and so is a command."""
    remedies = [verdict.remedy for verdict in PROMISES]
    sections = {name.lower() for remedy in remedies for name in re.findall(r"docs/operating\.md, (\w+)", remedy)}
    assert sections <= anchors(ROOT / "docs/operating.md")
    commands = {name for remedy in remedies for name in re.findall(r"`instroom (\w+)", remedy)}
    assert "cancel" in commands
    assert commands <= COMMANDS.keys()
    assert all(remedies)


def test_every_event_that_is_logged_is_explained() -> None:
    """Who reads a log at night looks its lines up."""
    explained = {(event, level) for names, level, _ in table("event | level") for event in CODE.findall(names)}
    assert explained - {("library_log at <place>", "any")} == {(event, level) for event, level, _ in logged()}


def test_every_field_of_a_log_line_is_explained() -> None:
    """And what is logged is on the list: elsewhere it would be dropped."""
    assert {name for names, _ in table("field") for name in CODE.findall(names)} == logs.FIELDS | {"dropped_fields"}
    assert {field for _, _, fields in logged() for field in fields} <= logs.FIELDS | {"exc_info"}


def test_every_event_is_listed_for_integrators() -> None:
    """What is not in the table does not exist for those who build on it."""
    text = prose(INTEGRATING)
    rows = {(name, type) for name, type in re.findall(r"^\| `(\w+)` \| `([\w.-]+)` \|", text, re.MULTILINE)}
    assert {(listed.model.__name__, type) for type, listed in TYPES.items()} == rows


def test_programs_for_integrators_stand_in_files() -> None:
    """A file is run by the tests; a copy of it in the text grows old. What the page does show is part of a file."""
    files = [path.read_text(encoding="utf-8") for path in (ROOT / "examples").glob("*/*.*") if path.is_file()]
    shown = [block for block in blocks(INTEGRATING.read_text(encoding="utf-8")) if block.kind not in NO_PROGRAM]
    assert [block.text for block in shown if not any(block.text in file for file in files)] == []


def test_what_is_not_run_says_so() -> None:
    """Every other command of the page is (`tests/examples/test_page.py`), and a reader trusts it for that."""
    page = INTEGRATING.read_text(encoding="utf-8")
    marked = re.finditer(f"^```{NOT_RUN}$", page, re.MULTILINE)
    before = [page[: match.start()].rstrip().rpartition("\n\n")[2] for match in marked]
    assert [paragraph for paragraph in before if "Not run by" not in paragraph] == []

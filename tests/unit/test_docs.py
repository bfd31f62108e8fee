"""What the documents say of files, settings and events is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from deploy.compose.images import ImageSettings
from deploy.compose.stack import Overlays
from deploy.local.settings import Ports, Programs
from instroom_contracts.topology import TYPES
from services.catalog.settings import CatalogSettings
from services.enrolment.settings import Settings as EnrolmentSettings
from services.notification.settings import NotificationSettings

ROOT = Path(__file__).parents[2]
FOLDERS = (".", "contracts", "docs", "docs/decisions")
DOCUMENTS = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.md"))
SETTINGS: tuple[type[BaseSettings], ...] = (
    CatalogSettings,
    EnrolmentSettings,
    NotificationSettings,
    Ports,
    Programs,
    ImageSettings,
    Overlays,
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
PATH = re.compile(r"`((?:contracts|chassis|services|cli|demo|deploy|docs|programmes|tests)/[\w./-]+)`")


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


def test_every_event_is_listed_for_integrators() -> None:
    """What is not in the table does not exist for those who build on it."""
    text = prose(ROOT / "docs/integrating.md")
    rows = {(name, type) for name, type in re.findall(r"^\| `(\w+)` \| `([\w.-]+)` \|", text, re.MULTILINE)}
    assert {(listed.model.__name__, type) for type, listed in TYPES.items()} == rows

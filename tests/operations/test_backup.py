"""A stack in containers, backed up, wiped and restored."""

from __future__ import annotations

import asyncio
from pathlib import Path

from deploy.backup.copying import back_up, restore
from deploy.compose.stack import ComposeStack
from tests.containers.test_compose import containers
from tests.support.keepsake import Keepsake, instroom


def test_everything_is_back_in_a_stack_that_was_wiped(stack: ComposeStack, tmp_path: Path) -> None:
    """Documents, facts in their order, an integrator with its queue, a request that waited, a dead letter."""
    doubled = ("--no-recreate", "--scale", "enrolment=2", "enrolment")
    stack.compose("up", "--detach", "--wait", *doubled, images=stack.images)
    keepsake = Keepsake.of(stack, tmp_path)
    folder = back_up(stack, tmp_path / "copy")
    assert len(containers(stack, "enrolment")) == 2  # a nightly backup must not take replicas away
    asyncio.run(keepsake.is_back(stack))
    stack.reset()
    restore(stack, folder)
    asyncio.run(keepsake.is_back(stack))
    audit = instroom(stack, "audit")
    assert audit.returncode == 0, audit.stdout + audit.stderr

"""A stack of local processes, backed up, wiped and restored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from deploy.backup import messages
from deploy.backup.archive import drafted
from deploy.backup.copying import back_up, restore
from deploy.errors import StackError
from deploy.local.stack import LocalStack
from deploy.settings import Ports
from instroom_contracts.topology import STREAM
from tests.support.keepsake import Keepsake, instroom

AnewStack = Callable[[], LocalStack]


@pytest.fixture(scope="module")
def anew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnewStack]:
    """Provide the stack of one home, as each command finds it."""
    home, ports = tmp_path_factory.mktemp("kept"), Ports.free()
    yield lambda: LocalStack.of(home, ports)
    LocalStack.of(home, ports).reset()


@pytest.fixture(scope="module")
def kept(anew: AnewStack, tmp_path_factory: pytest.TempPathFactory) -> tuple[Keepsake, Path]:
    """Provide what there was, and the folder of its backup; the stack is up."""
    stack = anew()
    stack.up()
    keepsake = Keepsake.of(stack, tmp_path_factory.mktemp("people"))
    return keepsake, back_up(stack)


def test_a_stack_that_holds_data_is_not_written_over(anew: AnewStack, kept: tuple[Keepsake, Path]) -> None:
    """What is there may be all that there is."""
    with pytest.raises(StackError, match="make reset"):
        restore(anew(), kept[1])


def test_a_copy_that_is_damaged_is_not_restored(kept: tuple[Keepsake, Path], anew: AnewStack, tmp_path: Path) -> None:
    """Half of the enrolments would look like all of them."""
    damaged = tmp_path / "copy"
    damaged.mkdir()
    (damaged / "contents.json").write_bytes((kept[1] / "contents.json").read_bytes())
    with pytest.raises(StackError, match="missing or damaged"):
        restore(anew(), damaged)
    with pytest.raises(StackError, match="is no backup"):
        restore(anew(), tmp_path)


def test_a_stack_that_is_down_is_not_backed_up(tmp_path: Path) -> None:
    """And it stays down."""
    stack = LocalStack.of(tmp_path, Ports.free())
    with pytest.raises(StackError, match="make up starts the stack"):
        back_up(stack)
    assert not any(daemon.pid() for daemon in stack.daemons)


def test_nobody_else_may_read_it(kept: tuple[Keepsake, Path]) -> None:
    """It holds names and addresses of participants."""
    assert kept[1].stat().st_mode & 0o077 == 0


def test_a_backup_takes_nothing_away(anew: AnewStack, kept: tuple[Keepsake, Path]) -> None:
    """What waited is decided, and what had died lies where it lay."""
    asyncio.run(kept[0].is_back(anew()))


def test_a_backup_without_the_facts_is_none(
    anew: AnewStack, kept: tuple[Keepsake, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that gives nothing, on a busy machine, looks like an empty one; that is noticed by a restore only."""
    monkeypatch.setattr(messages, "FIRST_WITHIN_S", 0)
    with drafted(tmp_path / "copy") as draft, pytest.raises(StackError, match="only 0 came"):
        asyncio.run(messages.save(anew().endpoints(), [STREAM], draft))


def test_without_the_broker_s_count_it_looks_whole(
    anew: AnewStack, kept: tuple[Keepsake, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin: silence alone does not tell."""
    monkeypatch.setattr(messages, "FIRST_WITHIN_S", 0)
    monkeypatch.setattr(messages, "_message_count", AsyncMock(return_value=0))
    with drafted(tmp_path / "copy") as draft:
        assert asyncio.run(messages.save(anew().endpoints(), [STREAM], draft)) == 0


def test_everything_is_back_in_a_stack_that_was_wiped(anew: AnewStack, kept: tuple[Keepsake, Path]) -> None:
    """Documents, facts in their order, an integrator with its queue, a request that waited, a dead letter."""
    anew().reset()
    restore(anew(), kept[1])
    asyncio.run(kept[0].is_back(anew()))
    audit = instroom(anew(), "audit")
    assert audit.returncode == 0, audit.stdout + audit.stderr


def test_without_its_messages_the_audit_finds_what_is_missing(
    anew: AnewStack, kept: tuple[Keepsake, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The databases alone are no backup: nobody could replay what happened."""

    async def nothing(*_: object) -> int:
        return 0

    monkeypatch.setattr(messages, "restore", nothing)
    anew().reset()
    restore(anew(), kept[1])
    assert instroom(anew(), "audit").returncode == 1

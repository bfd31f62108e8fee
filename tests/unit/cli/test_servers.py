"""Where the servers are found, and what is said where they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.servers import find_servers, read_env_file
from cli.trouble import Exit, Trouble

STACK = "RABBITMQ_URL=amqp://integrator@stack\nRABBITMQ_OPERATOR_URL=amqp://operator@stack\nMONGO_URL=mongodb://stack\n"


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """Provide a folder with a running stack's file."""
    file = tmp_path / ".local" / "stack.env"
    file.parent.mkdir()
    file.write_text(STACK, encoding="utf-8")
    return tmp_path


def test_the_stack_file_is_found_from_a_folder_below(stack: Path) -> None:
    """Nobody should have to change folders to look at a queue."""
    below = stack / "programmes" / "drafts"
    below.mkdir(parents=True)
    found = find_servers(None, {}, below)
    assert (found.broker, found.operator_broker, found.database) == (
        "amqp://integrator@stack",
        "amqp://operator@stack",
        "mongodb://stack",
    )


def test_the_environment_goes_before_the_stack_file(stack: Path) -> None:
    """In a container there is no file, and on a laptop the person who sets a variable means it."""
    found = find_servers(None, {"RABBITMQ_URL": "amqp://elsewhere"}, stack)
    assert found.broker == found.operator_broker == "amqp://elsewhere"


def test_environment_and_file_are_never_mixed(stack: Path) -> None:
    """One system's broker with another one's database would make an audit nonsense."""
    with pytest.raises(Trouble, match="MONGO_URL is not set in the environment"):
        _ = find_servers(None, {"RABBITMQ_URL": "amqp://elsewhere"}, stack).database


def test_a_named_file_goes_before_everything(stack: Path, tmp_path: Path) -> None:
    """Whoever names a file means that one."""
    other = tmp_path / "other.env"
    other.write_text("# made by hand\n\nexport MONGO_URL='mongodb://other'\n", encoding="utf-8")
    assert find_servers(other, {"MONGO_URL": "mongodb://elsewhere"}, stack).database == "mongodb://other"


def test_where_nothing_is_found_the_way_out_is_said(tmp_path: Path) -> None:
    """The first thing that a new user sees may be this message."""
    with pytest.raises(Trouble, match="make up") as trouble:
        find_servers(None, {}, tmp_path)
    assert trouble.value.exit is Exit.UNREACHABLE


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A typing error in a file name is no reason for a traceback."""
    with pytest.raises(Trouble, match=r"none\.env cannot be read"):
        read_env_file(tmp_path / "none.env")

"""Ports: one that is taken is named, with the setting that mends it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from deploy.errors import PortTaken
from deploy.local.programs import Programs
from deploy.settings import Ports, SandboxPorts, listens


def test_a_taken_port_is_named_with_its_setting() -> None:
    """The person learns which program wants the port, and what to set to move it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ports = Ports.free().model_copy(update={"amqp_port": port})
        with pytest.raises(PortTaken, match=rf"Port {port} .* RabbitMQ .* INSTROOM_AMQP_PORT"):
            ports.ensure_free("mongo_port", "amqp_port")


def test_ports_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that is taken on one machine is moved without touching the source."""
    monkeypatch.setenv("INSTROOM_SMTP_PORT", "2525")
    assert Ports().smtp_port == 2525


def test_free_ports_are_free_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests and the demonstration run beside a stack, whatever its ports are set to."""
    monkeypatch.setenv("INSTROOM_SMTP_PORT", "2525")
    numbers = Ports.free().model_dump().values()
    assert len(set(numbers)) == len(Ports.model_fields)
    assert not any(listens(number) for number in numbers)
    assert 2525 not in numbers


def test_no_free_port_is_chosen_twice() -> None:
    """One that nobody listens on yet may be somebody's whose server is still starting."""
    numbers = [port for _ in range(50) for port in Ports.free().model_dump().values()]
    assert len(set(numbers)) == len(numbers)


def test_a_sandbox_stands_beside_a_stack() -> None:
    """Its ports are others, each of them, and always the same."""
    ports = {name: field.default for name, field in SandboxPorts.model_fields.items()}
    assert ports.keys() == Ports.model_fields.keys()
    assert set(ports.values()).isdisjoint(field.default for field in Ports.model_fields.values())


def test_a_stacks_ports_do_not_move_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has settings of its own; a port that is taken is named by the right one."""
    monkeypatch.setenv("INSTROOM_SMTP_PORT", "2525")
    assert SandboxPorts().smtp_port == SandboxPorts.model_fields["smtp_port"].default
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("INSTROOM_SANDBOX_SMTP_PORT", str(other.getsockname()[1]))
        with pytest.raises(PortTaken, match="INSTROOM_SANDBOX_SMTP_PORT"):
            SandboxPorts().ensure_free("smtp_port")


def test_every_setting_is_listed_for_people() -> None:
    """`.env.example` is where people look; what it lacks does not exist for them."""
    listed = (Path(__file__).parents[3] / ".env.example").read_text(encoding="utf-8")
    for name, field in Ports.model_fields.items():
        assert f"INSTROOM_{name.upper()}={field.default}" in listed
    for name in Programs.model_fields:
        assert f"INSTROOM_{name.upper()}=" in listed

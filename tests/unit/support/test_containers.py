"""Containers are used where they can be had; anything less falls back to private processes without a fuss."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import containers


def put_docker(directory: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Make `docker` a script of our own."""
    program = directory / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(directory))


@pytest.mark.parametrize(
    ("script", "possible"),
    [
        ("exit 0", True),
        ("exit 1", False),
        ('[ "$1" = info ]', False),
        ('[ "$1" != pull ]', True),
        ('[ "$1" != image ]', True),
    ],
    ids=["all is there", "no engine answers", "no image can be had", "images are there", "images can be pulled"],
)
def test_an_engine_with_images_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, possible: bool
) -> None:
    """A `docker` that is only a client, or has no way to its registry, must not stop the tests."""
    put_docker(tmp_path, monkeypatch, script)
    assert containers.are_possible() is possible


def test_no_docker_at_all_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most machines that build Instroom have none."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not containers.are_possible()

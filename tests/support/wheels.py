"""Wheels of ours as others install them: built without a network, in an environment with what they declare alone."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterable, Iterator
from email import message_from_bytes
from email.message import Message
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
OFFLINE = ("--no-index", "--no-deps")


def built(project: Path, home: Path) -> Path:
    """Build a project's wheel from its folder, with what is installed here."""
    options = (*OFFLINE, "--no-build-isolation", "--wheel-dir", str(home))
    subprocess.run([*PIP, "wheel", *options, project], check=True)
    return next(home.glob(f"instroom_{project.name}-*.whl"))


def metadata(wheel: Path) -> Message:
    """Return what a wheel says of itself."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_bytes(archive.read(name))


def contents(wheel: Path) -> set[str]:
    """Return the files in a wheel, without those that describe it."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def installed(home: Path, *wheels: Path) -> Path:
    """Install wheels in an environment of their own with what they declare to need; return its folder of programs.

    What they need is linked from the environment of this run: no network, and the versions of the lock.
    """
    venv.create(home, symlinks=True)
    programs = home / "bin"
    subprocess.run([*PIP, "--python", programs / "python", "install", *OFFLINE, *wheels], check=True)
    site = next(home.glob("lib/python*/site-packages"))
    ours: set[str] = {canonicalize_name(metadata(wheel)["Name"]) for wheel in wheels}
    asked = (line for wheel in wheels for line in metadata(wheel).get_all("Requires-Dist", ()))
    for name in _needed(asked, ours):
        for entry in _entries(name):
            (site / entry).symlink_to(str(distribution(name).locate_file(entry)))
    return programs


def _needed(requirements: Iterable[str], known: set[str]) -> Iterator[str]:
    """Give the names of the distributions that these ask for, and that those ask for in turn."""
    for requirement in map(Requirement, requirements):
        name = canonicalize_name(requirement.name)
        if name not in known and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            known.add(name)
            yield name
            yield from _needed(distribution(name).requires or (), known)


def _entries(name: str) -> set[str]:
    """Return the files and folders that a distribution has put beside others."""
    first = {file.parts[0] for file in distribution(name).files or ()}
    return first - {"..", "__pycache__"}

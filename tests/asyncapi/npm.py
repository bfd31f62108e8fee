"""The npm packages of this folder, installed as their lock says, and Node.js to run scripts with them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NODE = Path(sys.executable).with_name("node")


def installed() -> Path:
    """Return the folder with the packages in it; where the lock changed they are fetched, and npm checks their hashes.

    Raises `CalledProcessError` where that fails.
    """
    subprocess.run([str(ROOT / "deploy/npm-ci"), "tests/asyncapi"], check=True)
    return HERE


def run(script: str, *arguments: str, said: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a script of this folder with these arguments, and this on its standard input."""
    command = [str(NODE), str(installed() / script), *arguments]
    return subprocess.run(command, input=said, capture_output=True, check=False)

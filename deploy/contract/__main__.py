"""Write the AsyncAPI document: `python -m deploy.contract [--check] [FILE]`."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from deploy.contract.document import document
from deploy.contract.page import DOCUMENT


def text() -> str:
    """Return the document as the text of its file."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def is_stale(file: Path) -> bool:
    """Tell whether a file is missing or says something else."""
    return not file.exists() or file.read_text(encoding="utf-8") != text()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the document, or with `--check` tell whether it is stale; return the exit code."""
    parser = ArgumentParser(prog="python -m deploy.contract", description="Write the AsyncAPI document.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the file is stale")
    parser.add_argument("file", type=Path, nargs="?", default=DOCUMENT, help="where it lies (default: %(default)s)")
    options = parser.parse_args(arguments)
    if not options.check:
        options.file.write_text(text(), encoding="utf-8")
        return 0
    if is_stale(options.file):
        sys.stderr.write(f"{options.file} is stale: run make asyncapi\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

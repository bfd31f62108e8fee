"""Write what follows from the contract: the AsyncAPI document, and rights on the broker.

`python -m publishing.asyncapi [--check] [FILE]`
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from deploy import accounts
from deploy.contract.page import DOCUMENT
from publishing.asyncapi.document import document
from publishing.asyncapi.rights import with_rights


def text() -> str:
    """Return the document as the text of its file."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def texts(file: Path) -> dict[Path, str]:
    """Return the files as they should be: the document's, and the broker's definitions."""
    return {file: text(), accounts.TEMPLATE: with_rights(accounts.TEMPLATE.read_text(encoding="utf-8"))}


def is_stale(file: Path, text: str) -> bool:
    """Tell whether a file is missing or says something else."""
    return not file.exists() or file.read_text(encoding="utf-8") != text


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or with `--check` tell which are stale; return the exit code."""
    parser = ArgumentParser(
        prog="python -m publishing.asyncapi", description="Write the AsyncAPI document, and rights."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is stale")
    parser.add_argument("file", type=Path, nargs="?", default=DOCUMENT, help="the document (default: %(default)s)")
    options = parser.parse_args(arguments)
    stale = {file: text for file, text in texts(options.file).items() if is_stale(file, text)}
    for file, text in stale.items():
        if options.check:
            sys.stderr.write(f"{file} is stale: run make asyncapi\n")
        else:
            file.write_text(text, encoding="utf-8")
    return int(options.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())

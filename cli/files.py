"""Files that a person names on the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cli.trouble import Trouble


def json_in(path: Path) -> object:
    """Read a file as JSON, or standard input where it is named `-`; raises `Trouble` where that does not work."""
    try:
        return json.loads(sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Trouble(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise Trouble(f"{path} is no JSON in UTF-8: {error}.") from error

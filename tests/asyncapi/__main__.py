"""Look at the contract's page in a real browser: `python -m tests.asyncapi`. The pictures are for a person to see."""

from __future__ import annotations

import os
import shutil
import sys
from threading import Thread

from deploy.contract import page
from tests.asyncapi.npm import ROOT, run

PICTURES = ROOT / "build" / "look"
MISSING = "There is no Chromium here. Install Debian's (apt-get install chromium), or name one: CHROMIUM=/path/to/it"


def main() -> int:
    """Take pictures of the page, and say what is wrong with it; return the exit code."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        print(MISSING, file=sys.stderr)
        return 2
    with page.server("127.0.0.1", 0) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        looked = run("look.mjs", f"http://127.0.0.1:{server.server_port}/", str(PICTURES), chromium)
        server.shutdown()
    print(looked.stderr.decode() or f"Nothing is wrong; the pictures are in {PICTURES}.")
    return looked.returncode


if __name__ == "__main__":
    sys.exit(main())

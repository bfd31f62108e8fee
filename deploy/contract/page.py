"""The page on which a person reads the AsyncAPI document, and that of what to do; they need nothing from elsewhere.

Run as `python -m deploy.contract.page ADDRESS:PORT`. Nothing here is secret, so it answers to any name. The scripts are
ours and that of AsyncAPI's React component, both from this server, and the policy lets a browser take nothing else.
"""

from __future__ import annotations

import signal
import sys
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from deploy import serving
from deploy.contract import runbook
from deploy.serving import Answer

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "contracts" / "asyncapi.json"
SITE = Path(__file__).with_name("site")
POLICY = (
    f"{serving.LOCKED}; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; frame-ancestors 'none'"
)
KINDS = {
    ".html": serving.HTML,
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".txt": serving.PLAIN,
    "": serving.PLAIN,
}
FILES = {
    "/": SITE / "index.html",
    "/asyncapi.json": DOCUMENT,
    **{f"/{file.relative_to(SITE)}": file for file in SITE.rglob("*") if file.is_file()},
}
"""What there is to be had, by its path: nothing else on the disk can be asked for."""
RUNBOOK = "/operating"


def answer(target: str) -> Answer:
    """Answer a request for this path; what a query says is for the page's own script."""
    path = target.partition("?")[0]
    if path == RUNBOOK:
        return Answer(runbook.page(), policy=POLICY)
    file = FILES.get(path)
    if file is None:
        return Answer(b"There is nothing here; the page is at /.\n", serving.PLAIN, status=HTTPStatus.NOT_FOUND)
    return Answer(file.read_bytes(), KINDS[file.suffix], POLICY)


def server(address: str, port: int) -> ThreadingHTTPServer:
    """Return a server of the page; who runs it also closes it."""
    return serving.server(address, port, lambda target, _: answer(target))


def main(address: str) -> None:
    """Show the page until SIGTERM."""
    with server(*serving.split(address)) as page:
        signal.signal(signal.SIGTERM, lambda *_: Thread(target=page.shutdown).start())
        page.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])

"""Pages for a person at this machine: a small HTTP server that answers GET, each answer with its policy."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

PLAIN = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
LOCKED = "default-src 'none'; base-uri 'none'; form-action 'none'"
"""The policy to begin with: what a page needs beyond nothing is added to it."""
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Answer:
    """What a request is answered with."""

    body: bytes
    kind: str = HTML
    policy: str = LOCKED
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


Answering = Callable[[str, str | None], Answer]
"""Answer a request for a path and query, made to a Host."""


def is_local(host: str | None) -> bool:
    """Tell whether a request's Host is an address or `localhost`, and not a name that somebody may have made up."""
    try:
        name = urlsplit(f"//{host or ''}").hostname or ""
        return name == "localhost" or bool(ipaddress.ip_address(name))
    except ValueError:
        return False


class _Handler(BaseHTTPRequestHandler):
    """Answers GET; every other method is refused by the class that this is made from."""

    timeout = 10  # a client that says nothing is hung up on
    answering: Answering

    def do_GET(self) -> None:
        """Answer."""
        answered = self._answered()
        self.send_response(answered.status)
        about = {"Content-Type": answered.kind, "Content-Security-Policy": answered.policy}
        for name, value in {**about, **EVERYWHERE, **answered.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answered.body)

    def _answered(self) -> Answer:
        try:
            return type(self).answering(self.path, self.headers.get("Host"))
        except Exception:  # noqa: BLE001  what is shown may break a reader in any way; the next request finds us at work
            return Answer(b"This cannot be shown.\n", PLAIN, status=HTTPStatus.INTERNAL_SERVER_ERROR)

    def version_string(self) -> str:
        """Keep the versions of Python and its server to ourselves."""
        return "instroom"

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def server(address: str, port: int, answering: Answering) -> ThreadingHTTPServer:
    """Return a server of pages; who runs it also closes it."""
    return ThreadingHTTPServer((address, port), type("Handler", (_Handler,), {"answering": staticmethod(answering)}))


def split(address: str) -> tuple[str, int]:
    """Take ADDRESS:PORT apart."""
    host, _, port = address.rpartition(":")
    return host, int(port)

"""The page on which a person reads what the mail sink kept.

A mail is hostile until shown otherwise: its text is escaped, and its HTML stands in a frame that may run nothing, load
nothing and lead nowhere. The page answers to addresses and to `localhost` only, so that no other site can have a
browser read it under a name of its own (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploy.local.mailbox import Mailbox

AT_ONCE = 100
"""How many mails are listed on one page."""
PLAIN = "text/plain; charset=utf-8"
PAGES = Path(__file__).with_name("pages")
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
LOCKED = "default-src 'none'; base-uri 'none'; form-action 'none'"
OURS = f"{LOCKED}; style-src 'self'; frame-src 'self'; frame-ancestors 'none'"
THEIRS = f"{LOCKED}; sandbox; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
"""The policy for the HTML of a mail: its own styles and the images that it brings along, and nothing else."""

_templates = Environment(loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined)


@dataclass(frozen=True)
class Answer:
    """What a request is answered with."""

    body: bytes
    kind: str = "text/html; charset=utf-8"
    policy: str = OURS
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(mailbox: Mailbox, target: str) -> Answer:
    """Answer a request for this path and query."""
    parts = urlsplit(target)
    match parts.path.split("/")[1:]:
        case [""]:
            return _list(mailbox, parse_qs(parts.query).get("before", [None])[0])
        case ["style.css"]:
            return Answer((PAGES / "style.css").read_bytes(), "text/css; charset=utf-8")
        case ["mail", name] if name.endswith(".eml"):
            return _download(mailbox, name.removesuffix(".eml"))
        case ["mail", id]:
            return _mail(mailbox, id)
        case ["mail", id, "html"]:
            return _html(mailbox, id)
    return _nothing()


def _list(mailbox: Mailbox, before: str | None) -> Answer:
    mails = mailbox.newest(AT_ONCE, before)
    older = mails[-1].id if len(mails) == AT_ONCE else None
    return Answer(_rendered("list.html", mails=mails, older=older, before=before))


def _mail(mailbox: Mailbox, id: str) -> Answer:
    mail = mailbox.mail(id)
    return Answer(_rendered("mail.html", mail=mail)) if mail else _nothing()


def _html(mailbox: Mailbox, id: str) -> Answer:
    mail = mailbox.mail(id)
    return Answer((mail.html or "").encode(errors="replace"), policy=THEIRS) if mail else _nothing()


def _download(mailbox: Mailbox, id: str) -> Answer:
    raw = mailbox.raw(id)
    attached = {"Content-Disposition": f'attachment; filename="{id}.eml"'}
    return Answer(raw, "message/rfc822", THEIRS, headers=attached) if raw is not None else _nothing()


def _nothing() -> Answer:
    return Answer(_rendered("nothing.html"), status=HTTPStatus.NOT_FOUND)


def _rendered(template: str, **values: object) -> bytes:
    return _templates.get_template(template).render(values).encode(errors="replace")


def is_ours(host: str | None) -> bool:
    """Tell whether a request's Host is an address or `localhost`, and not a name that somebody may have made up."""
    try:
        name = urlsplit(f"//{host or ''}").hostname or ""
        return name == "localhost" or bool(ipaddress.ip_address(name))
    except ValueError:
        return False


class _Handler(BaseHTTPRequestHandler):
    """Answers GET; every other method is refused by the class that this is made from."""

    timeout = 10  # a client that says nothing is hung up on
    mailbox: ClassVar[Mailbox]

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
        if not is_ours(self.headers.get("Host")):
            return Answer(b"Not the host of this page.\n", PLAIN, status=HTTPStatus.MISDIRECTED_REQUEST)
        try:
            return answer(self.mailbox, self.path)
        except Exception:  # noqa: BLE001  what a mail holds may break a reader in any way; it can still be downloaded
            return Answer(b"This cannot be shown.\n", PLAIN, status=HTTPStatus.INTERNAL_SERVER_ERROR)

    def version_string(self) -> str:
        """Keep the versions of Python and its server to ourselves."""
        return "instroom"

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def server(address: str, port: int, directory: Path) -> ThreadingHTTPServer:
    """Return a server of the page; who runs it also closes it."""
    handler = type("Handler", (_Handler,), {"mailbox": Mailbox(directory)})
    return ThreadingHTTPServer((address, port), handler)

"""The page on which a person reads what the mail sink kept.

A mail is hostile until shown otherwise: its text is escaped, and its HTML stands in a frame that may run nothing, load
nothing and lead nowhere. The page answers to addresses and to `localhost` only, so that no other site can have a
browser read it under a name of its own (DNS rebinding).
"""

from __future__ import annotations

from http import HTTPStatus
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploy import serving
from deploy.mail.box import Mailbox
from deploy.serving import LOCKED, PLAIN, Answer

AT_ONCE = 100
"""How many mails are listed on one page."""
PAGES = Path(__file__).with_name("pages")
OURS = f"{LOCKED}; style-src 'self'; frame-src 'self'; frame-ancestors 'none'"
THEIRS = f"{LOCKED}; sandbox; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
"""The policy for the HTML of a mail: its own styles and the images that it brings along, and nothing else."""

_templates = Environment(loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined)


def answer(mailbox: Mailbox, target: str) -> Answer:
    """Answer a request for this path and query."""
    parts = urlsplit(target)
    match parts.path.split("/")[1:]:
        case [""]:
            return _list(mailbox, parse_qs(parts.query).get("before", [None])[0])
        case ["style.css"]:
            return Answer((PAGES / "style.css").read_bytes(), "text/css; charset=utf-8", OURS)
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
    return _page("list.html", mails=mails, older=older, before=before)


def _mail(mailbox: Mailbox, id: str) -> Answer:
    mail = mailbox.mail(id)
    return _page("mail.html", mail=mail) if mail else _nothing()


def _html(mailbox: Mailbox, id: str) -> Answer:
    mail = mailbox.mail(id)
    return Answer((mail.html or "").encode(errors="replace"), policy=THEIRS) if mail else _nothing()


def _download(mailbox: Mailbox, id: str) -> Answer:
    raw = mailbox.raw(id)
    attached = {"Content-Disposition": f'attachment; filename="{id}.eml"'}
    return Answer(raw, "message/rfc822", THEIRS, headers=attached) if raw is not None else _nothing()


def _nothing() -> Answer:
    return _page("nothing.html", HTTPStatus.NOT_FOUND)


def _page(template: str, status: HTTPStatus = HTTPStatus.OK, **values: object) -> Answer:
    rendered = _templates.get_template(template).render(values).encode(errors="replace")
    return Answer(rendered, policy=OURS, status=status)


def server(address: str, port: int, directory: Path) -> ThreadingHTTPServer:
    """Return a server of the page; who runs it also closes it."""
    mailbox = Mailbox(directory)

    def answering(target: str, host: str | None) -> Answer:
        if not serving.is_local(host):
            return Answer(b"Not the host of this page.\n", PLAIN, status=HTTPStatus.MISDIRECTED_REQUEST)
        return answer(mailbox, target)

    return serving.server(address, port, answering)

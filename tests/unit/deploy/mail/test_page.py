"""The page that shows mails: hostile ones too, and to nobody but the person at this machine."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from deploy.mail import page as mailpage
from deploy.mail.box import Mailbox
from deploy.mail.page import answer
from deploy.serving import Answer, is_local

ID = "20261122T082805.870864Z-00001"
SCRIPT = "<script>alert(1)</script>"
HOSTILE = "\r\n".join(
    [
        f"Delivered-To: {SCRIPT}@example.org",
        f"Subject: {SCRIPT}",
        f"From: {SCRIPT}",
        "Content-Type: multipart/mixed; boundary=x",
        *("", "--x", "Content-Type: text/plain", "", f"{SCRIPT}</pre>"),
        *("--x", "Content-Type: text/html", "", f"<b>ok</b>{SCRIPT}"),
        *("--x", "Content-Type: text/calendar", "", "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x"),
        *("BEGIN:VEVENT", "UID:1", f"SUMMARY:{SCRIPT}", "END:VEVENT", "END:VCALENDAR", "--x--", ""),
    ]
)


@pytest.fixture
def mailbox(tmp_path: Path) -> Mailbox:
    """Provide a mailbox with a hostile mail."""
    (tmp_path / f"{ID}.eml").write_bytes(HOSTILE.encode())
    return Mailbox(tmp_path)


@pytest.fixture
def port(mailbox: Mailbox) -> Iterator[int]:
    """Provide a running page."""
    with mailpage.server("127.0.0.1", 0, mailbox.directory) as page:
        Thread(target=page.serve_forever, daemon=True).start()
        yield page.server_port
        page.shutdown()


def asked(port: int, path: str, host: str = "127.0.0.1") -> http.client.HTTPResponse:
    """Ask for a page as a browser would."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path, headers={"Host": f"{host}:{port}"})
    answered = connection.getresponse()
    answered.read()
    connection.close()
    return answered


@pytest.mark.parametrize("path", ["/", f"/mail/{ID}"])
def test_what_a_mail_says_is_text(mailbox: Mailbox, path: str) -> None:
    """A participant's name can be anything, and comes back in mails."""
    shown = answer(mailbox, path)
    assert SCRIPT.encode() not in shown.body
    assert b"&lt;script&gt;" in shown.body
    assert shown.policy == mailpage.OURS


def test_without_escaping_it_would_be_a_script(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Switched off, the guard of the test above is missed."""
    monkeypatch.setattr(mailpage._templates, "autoescape", False)
    mailpage._templates.cache.clear()  # type: ignore[union-attr]
    assert SCRIPT.encode() in answer(mailbox, f"/mail/{ID}").body
    mailpage._templates.cache.clear()  # type: ignore[union-attr]


def test_html_of_a_mail_runs_and_loads_nothing(mailbox: Mailbox) -> None:
    """It stands as it came, in a frame without rights."""
    shown = answer(mailbox, f"/mail/{ID}/html")
    assert b"<b>ok</b>" in shown.body
    policy = dict(part.strip().partition(" ")[::2] for part in shown.policy.split(";"))
    assert policy["sandbox"] == "", "no allow-... at all"
    assert policy["default-src"] == "'none'"
    assert policy.keys() & {"script-src", "connect-src", "frame-src", "font-src"} == set()
    assert b"<iframe" in answer(mailbox, f"/mail/{ID}").body
    assert b"allow-" not in answer(mailbox, f"/mail/{ID}").body


def test_a_mail_can_be_taken_along_as_it_came(mailbox: Mailbox) -> None:
    """To see it in a mail program."""
    kept = answer(mailbox, f"/mail/{ID}.eml")
    assert kept.body == HOSTILE.encode()
    assert kept.headers["Content-Disposition"] == f'attachment; filename="{ID}.eml"'


@pytest.mark.parametrize("path", ["/mail/x", "/mail/../x", "/x", f"/mail/{ID}/x", "/mail/..%2f..%2fx.eml", ""])
def test_what_is_not_there_is_not_found(mailbox: Mailbox, path: str) -> None:
    """And is no error of ours."""
    assert answer(mailbox, path).status == 404


@pytest.mark.parametrize("host", ["127.0.0.1:18579", "localhost:18579", "localhost", "[::1]:18579"])
def test_it_answers_to_addresses_and_localhost(host: str) -> None:
    """As one types them, also at the end of a tunnel."""
    assert is_local(host)


@pytest.mark.parametrize("host", [None, "", "attacker.example", "localhost.attacker.example:18579", "[", "127.0.0.1.x"])
def test_it_answers_to_no_name_that_others_own(host: str | None) -> None:
    """A site may point its own name at 127.0.0.1 and have its visitor's browser read mails under it."""
    assert not is_local(host)


def test_over_http_a_strange_host_gets_nothing(port: int) -> None:
    """The check stands before everything."""
    assert asked(port, "/").status == 200
    assert asked(port, "/", host="attacker.example").status == 421


def test_every_answer_is_locked(port: int) -> None:
    """Also the ones that nobody thinks of."""
    for path in ("/", f"/mail/{ID}", f"/mail/{ID}/html", f"/mail/{ID}.eml", "/style.css", "/nothing"):
        answered = asked(port, path)
        assert answered.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answered.headers["X-Content-Type-Options"] == "nosniff"
        assert answered.headers["Referrer-Policy"] == "no-referrer"


def test_a_mail_that_breaks_its_reader_is_an_answer_too(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next request must find the page at work."""

    def broken(*_: object) -> Answer:
        raise RecursionError

    with monkeypatch.context() as patch:
        patch.setattr(mailpage, "answer", broken)
        assert asked(port, f"/mail/{ID}").status == 500
    assert asked(port, "/").status == 200

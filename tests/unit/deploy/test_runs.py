"""What a run tells the push gateway, and what it says where that did not work."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from deploy.observability import runs
from deploy.settings import Ports


class Gateway(HTTPServer):
    """Keeps what it is told, and answers with a status."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.told: dict[str, str] = {}
        super().__init__(("127.0.0.1", 0), _Told)

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.server_port}"


class _Told(BaseHTTPRequestHandler):
    server: Gateway

    def do_PUT(self) -> None:
        """Take figures."""
        self.server.told[self.path] = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(params=[200])
def gateway(request: pytest.FixtureRequest) -> Iterator[Gateway]:
    """Provide a gateway that answers with a status."""
    with Gateway(request.param) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_run_tells_its_figures_under_its_own_name(gateway: Gateway) -> None:
    """The next audit replaces the last audit's figures, and no backup's."""
    assert runs.tell(gateway.url, "audit", {"broken_promises": 2}) is None
    (path, body), *_ = gateway.told.items()
    assert path == "/metrics/job/audit"
    assert "instroom_audit_broken_promises 2.0" in body


@pytest.mark.parametrize("gateway", [500], indirect=True)
def test_a_gateway_that_does_not_take_it_is_named(gateway: Gateway) -> None:
    """Else the alarm that the audit was not run would be the first to say so, a day later."""
    trouble = runs.tell(gateway.url, "audit", {"broken_promises": 0})
    assert trouble is not None
    assert gateway.url in trouble


def test_without_a_gateway_nobody_is_told_and_nothing_is_wrong() -> None:
    """Most stacks are not watched; their audits say what they found and no more."""
    nobody = f"http://127.0.0.1:{Ports.free().pushgateway_port}"
    assert runs.tell(None, "audit", {}) is None
    assert runs.tell(nobody, "audit", {}) is None
    assert runs.tell("http://pushgateway.invalid:9091", "audit", {}) is None

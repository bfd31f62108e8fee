"""HTTP to servers of this machine, past any proxy that the person's environment names.

Run as `python -m deploy.web URL` it succeeds where that page answers with 200.
"""

from __future__ import annotations

import base64
import json
import ssl
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def _opener(ca: Path | None = None) -> urllib.request.OpenerDirector:
    """Return what opens pages past any proxy; over TLS, those that this authority vouches for."""
    trust = ssl.create_default_context(cafile=ca) if ca else None
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust))


_direct = _opener()


def answers_well(url: str) -> bool:
    """Tell whether a page answers with 200."""
    try:
        with _direct.open(url, timeout=5):
            return True
    except OSError:
        return False


def trouble_at(url: str) -> str:
    """Return what a page says that answers with an error; empty where it answers well."""
    try:
        page(url)
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode(errors="replace")
    return ""


def page(url: str) -> bytes:
    """Return what a page holds; raises `OSError` where it cannot be had."""
    with _direct.open(url, timeout=10) as answer:
        content: bytes = answer.read()
        return content


@dataclass(frozen=True)
class Management:
    """RabbitMQ's HTTP API, for what AMQP cannot do: virtual hosts, accounts, policies."""

    url: str
    user: str
    password: str
    ca: Path | None = None
    """Vouches for a server that takes TLS."""

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Call the API and return its answer; raises `OSError` where it refuses or cannot be reached."""
        credentials = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        request = urllib.request.Request(
            f"{self.url}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {credentials}", "Content-Type": "application/json"},
        )
        try:
            with _opener(self.ca).open(request, timeout=30) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                raise OSError(f"RabbitMQ refused {method} {path}: {error.code} {error.read().decode()}") from None


if __name__ == "__main__":
    sys.exit(not answers_well(sys.argv[1]))

"""What an operator's machine asks of a service: is it alive, does it work, what does it count."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from faststream.asgi import AsgiResponse, get
from faststream.asgi.types import ASGIApp
from prometheus_client import make_asgi_app

Check = Callable[[], Awaitable[str | None]]
"""Answer None where all is well, else a sentence that says what is not."""


def routes(checks: Mapping[str, Check], remarks: Mapping[str, Check] | None = None) -> list[tuple[str, ASGIApp]]:
    """Return `/livez` (the event loop turns), `/readyz` (every check passes) and `/metrics` (Prometheus).

    `remarks` are said by `/readyz` besides, and do not change whether the service is ready.
    """

    @get
    async def livez(scope: object) -> AsgiResponse:  # noqa: ARG001  FastStream's signature
        return AsgiResponse(b"alive\n", 200)

    @get
    async def readyz(scope: object) -> AsgiResponse:  # noqa: ARG001  FastStream's signature
        troubles = await _said(checks)
        lines = troubles or ["ready", *await _said(remarks or {})]
        return AsgiResponse("\n".join(lines).encode() + b"\n", 503 if troubles else 200)

    return [("/livez", livez), ("/readyz", readyz), ("/metrics", make_asgi_app())]


async def _said(checks: Mapping[str, Check]) -> list[str]:
    return [f"{name}: {said}" for name, check in checks.items() if (said := await check())]

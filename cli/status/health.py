"""The services' own word on how they are, where their health pages are known."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Mapping

from cli.databases import SERVICES

TIMEOUT_S = 5.0


async def service_health(settings: Mapping[str, str]) -> list[dict[str, str]]:
    """Ask each service whose `<SERVICE>_HEALTH_URL` is known: `ready`, or what is wrong."""
    known = {service: url for service in SERVICES if (url := settings.get(f"{service.upper()}_HEALTH_URL"))}
    answers = await asyncio.gather(*(asyncio.to_thread(_ask, url) for url in known.values()))
    return [{"service": service, "health": answer} for service, answer in zip(known, answers, strict=True)]


def _ask(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        return f"{url} is no web address"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310  http or https, see above
            return str(answer.read().decode(errors="replace")).strip()
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode(errors="replace").strip() or f"answers {error.code}"
    except OSError:
        return "does not answer"

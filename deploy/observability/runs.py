"""What a run that ends tells Prometheus, by the push gateway: when it ended, and what it came to."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from urllib.error import URLError

from prometheus_client import CollectorRegistry, Gauge, push_to_gateway

WITHIN_S = 5.0


def tell(gateway: str | None, job: str, figures: Mapping[str, float]) -> str | None:
    """Tell the gateway at this address the figures of a run, by name; return what went wrong, or None.

    Where there is none, or it is not there since the profile `observability` is not on, nobody is to be told.
    """
    if gateway is None:
        return None
    registry = CollectorRegistry()
    for name, value in figures.items():
        Gauge(f"instroom_{job}_{name}", f"Of the last run of {job}", registry=registry).set(value)
    try:
        push_to_gateway(gateway, job, registry, timeout=WITHIN_S)
    except URLError as error:
        if isinstance(error.reason, (socket.gaierror, ConnectionRefusedError)):
            return None
        return f"The push gateway at {gateway} was not told of this run: {error.reason}"
    except OSError as error:
        return f"The push gateway at {gateway} was not told of this run: {type(error).__name__}"
    return None

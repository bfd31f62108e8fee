"""Settings of the catalog service: those that every service has."""

from __future__ import annotations

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """What the catalog service needs to run."""

"""The ports of a stack; each can be set as INSTROOM_... or in .env."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import ClassVar, Self

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.errors import PortTaken

UNUSUAL = range(20_000, 32_000)
"""Ports below those that Linux lends to outgoing connections, so that a free one stays free until it is used."""

FROM_ENVIRONMENT = SettingsConfigDict(env_prefix="INSTROOM_", env_file=".env", frozen=True, extra="ignore")


class Ports(BaseSettings):
    """The ports that a stack listens on, all on 127.0.0.1; and which clock goes with them, `real` or `settable`."""

    model_config = FROM_ENVIRONMENT
    clock: ClassVar[str] = "real"

    amqp_port: int = Field(18571, description="RabbitMQ (AMQP)")
    management_port: int = Field(18572, description="RabbitMQ (management, HTTP)")
    distribution_port: int = Field(18573, description="RabbitMQ (between Erlang nodes)")
    mongo_port: int = Field(18574, description="MongoDB")
    smtp_port: int = Field(18575, description="the mail sink (SMTP)")
    catalog_port: int = Field(18576, description="the catalog service (HTTP)")
    enrolment_port: int = Field(18577, description="the enrolment service (HTTP)")
    notification_port: int = Field(18578, description="the notification service (HTTP)")
    mail_page_port: int = Field(18579, description="the page to read mails on (HTTP)")
    prometheus_port: int = Field(18580, description="Prometheus (HTTP)")
    grafana_port: int = Field(18581, description="Grafana (HTTP)")
    contract_port: int = Field(18582, description="the page of the AsyncAPI document (HTTP)")
    pushgateway_port: int = Field(18583, description="the push gateway, for runs that end (HTTP)")

    @classmethod
    def free(cls) -> Self:
        """Choose ports that nobody listens on now, whatever the environment says; each is chosen once."""
        return cls.model_validate(dict(zip(cls.model_fields, filter(_is_free, _candidates), strict=False)))

    def ensure_free(self, *fields: str) -> None:
        """Raise `PortTaken`, naming the setting, where another program listens on one of these ports."""
        for field in fields:
            port = getattr(self, field)
            if not _is_free(port):
                setting = f"{self.model_config.get('env_prefix', '')}{field}".upper()
                raise PortTaken(port, str(type(self).model_fields[field].description), setting)


class SandboxPorts(Ports):
    """The ports of the sandbox: steady ones beside those of a stack, so that they can be written down."""

    model_config = SettingsConfigDict(env_prefix="INSTROOM_SANDBOX_", env_file=".env", frozen=True, extra="ignore")
    clock: ClassVar[str] = "settable"

    amqp_port: int = Field(18591, description="the sandbox's RabbitMQ (AMQP)")
    management_port: int = Field(18592, description="the sandbox's RabbitMQ (management, HTTP)")
    distribution_port: int = Field(18593, description="the sandbox's RabbitMQ (between Erlang nodes)")
    mongo_port: int = Field(18594, description="the sandbox's MongoDB")
    smtp_port: int = Field(18595, description="the sandbox's mail sink (SMTP)")
    catalog_port: int = Field(18596, description="the sandbox's catalog service (HTTP)")
    enrolment_port: int = Field(18597, description="the sandbox's enrolment service (HTTP)")
    notification_port: int = Field(18598, description="the sandbox's notification service (HTTP)")
    mail_page_port: int = Field(18599, description="the sandbox's page to read mails on (HTTP)")
    prometheus_port: int = Field(18600, description="the sandbox's Prometheus (HTTP)")
    grafana_port: int = Field(18601, description="the sandbox's Grafana (HTTP)")
    contract_port: int = Field(18602, description="the sandbox's page of the AsyncAPI document (HTTP)")
    pushgateway_port: int = Field(18603, description="the sandbox's push gateway (HTTP)")


def in_some_order(ports: Sequence[int]) -> Iterator[int]:
    """Go through ports by chance, over and over: what was given out comes last, whether it is used yet or not."""
    return cycle(random.SystemRandom().sample(ports, len(ports)))


_candidates = in_some_order(UNUSUAL)


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def listens(port: int) -> bool:
    """Tell whether somebody on this machine answers at a port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True

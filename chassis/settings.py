"""Settings of a service, from the environment; every service has these, under the same names.

What is secret may come from files instead: with SECRETS_DIR set, the file `mongo_url` in it stands for MONGO_URL.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from yarl import URL

from chassis.allowances import Allowance
from chassis.senders import Admission

CONNECT_TIMEOUT_S = 5.0
"""A broker that takes a connection and says nothing, as a machine that hangs does, is left for another after that."""


class ServiceSettings(BaseSettings):
    """What every service needs to run; a service adds its own in its `settings.py`."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", secrets_dir=os.environ.get("SECRETS_DIR"))

    rabbitmq_url: SecretStr = Field(description="amqp:// address of the broker, with this service's own user")
    rabbitmq_management_url: str = Field(
        "", pattern=r"^(https?://.+)?$", description="RabbitMQ's management API, to name the queues that refuse facts"
    )
    mongo_url: SecretStr = Field(description="mongodb:// address of the replica set, with this service's own user")
    mongo_database: str = Field(description="this service's own database")
    mongo_driver: Literal["motor", "pymongo"] = "motor"
    clock: Literal["real", "settable"] = Field("real", description="settable: `instroom clock` moves it; for a sandbox")
    source_oin: str = Field("00000001823288444000", pattern=r"^[0-9]{20}$", description="OIN in the source of facts")
    intake_senders: Literal["any", "known"] = Field("any", description="known: accounts with sources of their own only")
    shared_account: str = Field("integrator", description="the account that may speak for what is nobody's own as well")
    operator_account: str = Field("operator", description="the broker account that may speak for every source")
    asked_per_minute: int = Field(600, ge=1, description="answers that one account may have told again in a minute")
    quarantine_bytes_per_day: int = Field(
        100_000_000, ge=1, description="of one account's messages, so much is kept in quarantine in a day"
    )
    http_host: str = "127.0.0.1"
    http_port: int = Field(description="port of /livez, /readyz and /metrics")
    log_level: str = "INFO"
    batch_size: int = Field(400, ge=1, le=1000, description="messages per transaction at most")
    batch_wait_ms: float = Field(5.0, ge=0, description="how long to wait for more messages before a transaction")
    outbox_poll_ms: float = Field(250.0, gt=0, description="how often to look for what another replica has told")
    otel_exporter_otlp_endpoint: str = Field("", pattern=r"^(https?://.+)?$", description="collector of traces, if any")
    graceful_timeout_s: float = Field(15.0, ge=8, le=20, description="how long a stop may take")

    def broker_url(self, service: str) -> str:
        """Return the broker's address with a name for its connections and a heartbeat that notices a silent network."""
        url = URL(self.rabbitmq_url.get_secret_value())
        return str(url.update_query({"heartbeat": "10", "name": f"instroom-{service}", **url.query}))

    @property
    def admission(self) -> Admission:
        """Return whose messages are taken on the intake, and how much of them."""
        return Admission(
            self.operator_account,
            self.shared_account,
            known_only=self.intake_senders == "known",
            ours=self.source(""),
            asked=Allowance(self.asked_per_minute, timedelta(minutes=1)),
            held_bytes=Allowance(self.quarantine_bytes_per_day, timedelta(days=1)),
        )

    def source(self, service: str) -> str:
        """Return the `source` of the facts that this service tells."""
        return f"urn:nld:oin:{self.source_oin}:systeem:instroom-{service}"

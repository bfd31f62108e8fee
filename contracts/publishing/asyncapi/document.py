"""The whole document: AsyncAPI 3.0, with everything in one file, so that it can be read without a network."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from deploy import accounts
from deploy.settings import Ports
from instroom_contracts.cloudevent import STRUCTURED
from publishing.asyncapi import channels, messages, operations, schemas

Node = dict[str, Any]

FOLDER = Path(__file__).parents[2]
INTRODUCTION = Path(__file__).with_name("introduction.md")

_ACCOUNT = """\
An account on the broker. `instroom integrator add NAME` makes one that may publish and read the types it needs and
nothing else (`--may-publish`, `--may-read`), and speaks alone for its sources: then the AMQP property `user_id` must be
its name. `make up` leaves one for trying things in `.local/stack.env`.

| account | publishes | reads |
|---|---|---|
| an integrator's own | its types on `instroom.intake` | its types of `instroom.events`; the stream, if it may all |
| `integrator`, to try things | `instroom.intake` | `instroom.events`, `instroom.events.stream` |
| `operator` | the same, and `instroom.private` | the same, and dead letters |
| a service | `instroom.events`; its types on `instroom.private` | its own queues |

Nobody but services and operator has the default exchange, so no queue is reached past its exchange."""


def document() -> Node:
    """Return the AsyncAPI document as it is written to its file."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:nld:instroom",
        "info": _info(),
        "defaultContentType": STRUCTURED,
        "servers": _servers(),
        "channels": channels.channels(),
        "operations": operations.operations(),
        "components": {
            "messages": messages.messages(),
            "schemas": {**messages.envelopes(), **schemas.data_schemas()},
            "correlationIds": messages.correlations(),
            "securitySchemes": {"account": {"type": "userPassword", "description": _ACCOUNT}},
        },
    }


def _info() -> Node:
    contracts = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        "title": "Instroom",
        "version": contracts["version"],
        "description": INTRODUCTION.read_text(encoding="utf-8").strip(),
        "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        "tags": operations.tags(),
    }


def _servers() -> Node:
    port = str(Ports.model_fields["amqp_port"].default)
    about = {
        "pathname": f"/{accounts.VHOST}",
        "protocolVersion": "0.9.1",
        "security": [{"$ref": "#/components/securitySchemes/account"}],
    }
    return {
        "local": {
            "host": "127.0.0.1:{port}",
            "protocol": "amqp",
            "title": "On your own machine",
            "description": "What `make up` starts; the whole address is `RABBITMQ_URL` in `.local/stack.env`.",
            "variables": {"port": {"default": port, "description": "INSTROOM_AMQP_PORT"}},
            **about,
        },
        "tls": {
            "host": "{broker}",
            "protocol": "amqps",
            "title": "Over TLS",
            "description": "The operator gives the address, and `ca.pem` to know the broker by. TLS 1.2 or 1.3; clients"
            " show a password and no certificate.",
            "variables": {
                "broker": {"default": "broker.example.org:5671", "description": "Host and port, from the operator"}
            },
            **about,
        },
    }

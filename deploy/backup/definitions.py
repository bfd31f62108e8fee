"""The broker's definitions: integrators' accounts, and queues, exchanges and bindings.

What a stack makes by itself is left as it is there: its accounts, with passwords of its own, and their policies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bson

from deploy import accounts
from deploy.backup.archive import Archive, Draft
from deploy.endpoints import Endpoints

FILE = "broker/definitions"
OURS = {accounts.ADMIN, *(user["name"] for user in accounts.template()["users"])}
Definitions = Mapping[str, Any]


def save(endpoints: Endpoints, draft: Draft) -> Definitions:
    """Copy the definitions, and return them."""
    definitions: Definitions = endpoints.administration().call("GET", "definitions")
    limits = endpoints.administration().call("GET", "user-limits")
    with draft.file(FILE) as file:
        file.add(bson.encode({**definitions, "user_limits": limits}))
    return definitions


def restore(endpoints: Endpoints, archive: Archive) -> list[str]:
    """Give the broker what it lacks; return the names of integrators' accounts that are there again."""
    (document,) = archive.read(FILE)
    kept, broker = bson.decode(document.raw), endpoints.administration()
    missing = lacking(kept)
    broker.call("POST", "definitions", missing)
    for of in kept["user_limits"]:
        for limit, value in of["value"].items():
            if of["user"] not in OURS:
                broker.call("PUT", f"user-limits/{of['user']}/{limit}", {"value": value})
    return sorted(user["name"] for user in missing["users"])


def lacking(kept: Definitions) -> dict[str, Any]:
    """Return those of the definitions that a new stack does not make by itself."""
    policies = {policy["name"] for policy in accounts.template()["policies"]}
    return {
        "users": [user for user in kept["users"] if user["name"] not in OURS],
        "permissions": [one for one in kept["permissions"] if one["user"] not in OURS],
        "topic_permissions": [one for one in kept["topic_permissions"] if one["user"] not in OURS],
        "policies": [one for one in _ours(kept["policies"]) if one["name"] not in policies],
        **{kind: _ours(kept[kind]) for kind in ("queues", "exchanges", "bindings")},
    }


def _ours(things: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [thing for thing in things if thing["vhost"] == accounts.VHOST]

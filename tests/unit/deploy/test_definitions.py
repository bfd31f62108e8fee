"""What of the broker's definitions a restore brings back."""

from __future__ import annotations

from typing import Any

from deploy import accounts
from deploy.backup.definitions import lacking

PASSWORDS = dict.fromkeys(
    (accounts.ADMIN, accounts.INTEGRATOR, accounts.OPERATOR, *accounts.SERVICES), "of-the-stack-that-was"
)


def kept() -> dict[str, Any]:
    """Return what a broker with one integrator tells, beside another virtual host of the operator's own."""
    own = accounts.rabbitmq_definitions(PASSWORDS)
    return {
        **own,
        "users": [*own["users"], {"name": "website", "tags": ["integrator"], "password_hash": "hash"}],
        "permissions": [*own["permissions"], {"user": "website", "vhost": accounts.VHOST}],
        "policies": [*own["policies"], {"name": "of-the-operator", "vhost": accounts.VHOST}],
        "queues": [{"name": "int.website.answers", "vhost": accounts.VHOST}, {"name": "other", "vhost": "other"}],
        "exchanges": [],
        "bindings": [],
    }


def test_a_stack_s_own_accounts_keep_their_new_passwords() -> None:
    """With the old ones the services would not get in."""
    assert [user["name"] for user in lacking(kept())["users"]] == ["website"]
    assert [one["user"] for one in lacking(kept())["permissions"]] == ["website"]
    assert lacking(kept())["topic_permissions"] == []


def test_what_an_operator_added_comes_back() -> None:
    """Our own policies are those of the release that is restored into."""
    assert [policy["name"] for policy in lacking(kept())["policies"]] == ["of-the-operator"]


def test_another_virtual_host_is_left_alone() -> None:
    """It may be there, on a broker that others use too, and is not ours."""
    assert [queue["name"] for queue in lacking(kept())["queues"]] == ["int.website.answers"]

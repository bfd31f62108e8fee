"""Accounts: passwords stay out of the repository and out of other people's sight."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

from deploy import accounts


def test_the_repository_holds_no_password() -> None:
    """A password that is published is none."""
    assert "password" not in accounts.TEMPLATE.read_text(encoding="utf-8")


def test_passwords_differ_and_are_kept(tmp_path: Path) -> None:
    """Services must find the same accounts after a restart, and no two share one."""
    passwords = accounts.load_passwords(tmp_path)
    assert len(set(passwords.values())) == len(passwords) == 7
    assert accounts.load_passwords(tmp_path) == passwords


def test_an_account_that_a_release_adds_gets_a_password_and_the_others_keep_theirs(tmp_path: Path) -> None:
    """A stack that was made by an older release is upgraded, not made anew."""
    older = {name: password for name, password in accounts.load_passwords(tmp_path).items() if name != accounts.WATCHER}
    accounts.write_private(tmp_path / "accounts.json", json.dumps(older))
    passwords = accounts.load_passwords(tmp_path)
    assert passwords == {**older, accounts.WATCHER: passwords[accounts.WATCHER]}
    assert accounts.load_passwords(tmp_path) == passwords


def test_only_the_owner_may_read_passwords(tmp_path: Path) -> None:
    """Whoever else works on the machine must not act as a service."""
    accounts.load_passwords(tmp_path)
    assert (tmp_path / "accounts.json").stat().st_mode & 0o777 == 0o600


def test_the_broker_gets_a_salted_hash_for_every_account(tmp_path: Path) -> None:
    """RabbitMQ's own scheme: four bytes of salt, then SHA-256 over salt and password."""
    passwords = accounts.load_passwords(tmp_path)
    users = accounts.rabbitmq_definitions(passwords)["users"]
    assert {user["name"] for user in users} == set(passwords) - {accounts.WATCHER}
    for user in users:
        stored = base64.b64decode(user["password_hash"])
        assert stored[4:] == hashlib.sha256(stored[:4] + passwords[user["name"]].encode()).digest()


def test_a_service_owns_one_database_and_an_operator_writes_to_none() -> None:
    """Each service owns its data; an operator looks, and mends what waits for a person."""
    assert {role["db"] for role in accounts.mongo_roles("enrolment")} == {"instroom_enrolment"}
    operator = accounts.mongo_roles(accounts.OPERATOR)
    assert {role["role"] for role in operator} == {"read", accounts.OPERATOR_ROLE}
    assert {privilege["resource"]["collection"] for privilege in accounts.operator_privileges()} == {
        "clock",
        "quarantine",
        "mails",
    }

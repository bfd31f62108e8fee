"""Make all secrets of a compose project, once, each in the volume of the one container that may read it.

Run as `python -m deploy.compose.secrets` in a container that has these volumes under /secrets; safe to repeat. What was
made stays; files that follow from it are written anew, so that an upgrade may change them. With a folder `authority`
(docker-compose.tls.yml) there are certificates as well.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from secrets import token_urlsafe

from deploy import accounts
from deploy.compose import certificates
from deploy.replicaset import database_url

VOLUMES = Path("/secrets")
OURS, SERVERS = 10001, 999
"""User ids: of our own image, and of RabbitMQ's and MongoDB's official ones."""
GRAFANA = 472
"""The same, of Grafana's."""
BROKER, DATABASE = os.environ.get("BROKER", "rabbitmq:5672"), os.environ.get("DATABASE", "mongodb:27017")
"""Where the servers are in the project's network; the database's members with commas between."""
MANAGEMENT = os.environ.get("MANAGEMENT", "http://rabbitmq:15672")
CA_FILE = Path("/run/instroom/ca.pem")
"""The authority's certificate, as each container has it that connects to a server."""


def main(volumes: Path = VOLUMES) -> None:
    """Write every secret; say so on the first run. Certificates that are brought and will not do end it."""
    is_first = not (volumes / "all" / "accounts.json").exists()
    passwords = accounts.load_passwords(volumes / "all")
    grafana = _kept(volumes / "all" / "grafana.password", lambda: token_urlsafe(24))
    definitions = accounts.for_the_start(accounts.rabbitmq_definitions(passwords))
    _give(volumes / "rabbitmq" / "definitions.json", json.dumps(definitions), SERVERS)
    for server, key in (("rabbitmq", ".erlang.cookie"), ("mongodb", "mongod.key")):
        _give(volumes / server / key, _kept(volumes / "all" / key, accounts.new_key), SERVERS)
    _give(volumes / "grafana" / "admin_password", grafana, GRAFANA)
    ca = CA_FILE if (volumes / "authority").is_dir() else None
    if ca:
        _give_certificates(volumes, _certificates(volumes))
    for service in accounts.SERVICES:
        addresses = {**_addresses(service, passwords, ca), "rabbitmq_management_url": MANAGEMENT}
        for file, address in addresses.items():
            _give(volumes / service / file, address, OURS)
    _give(volumes / "watcher" / "mongo_url", database_url(accounts.WATCHER, passwords, DATABASE, ca=ca), OURS)
    _give(volumes / "notification" / "smtp_url", _mail_server(volumes), OURS)
    addresses = _operator_addresses(passwords, ca)
    _give(volumes / "operator" / "stack.env", accounts.env_text(addresses), OURS)
    for_admin = accounts.as_administrator(addresses, passwords, MANAGEMENT)
    _give(volumes / "admin" / "admin.env", accounts.env_text(for_admin), OURS)
    print("Every account has a password of its own now." if is_first else "The secrets are there.")


def _kept(file: Path, make: Callable[[], str]) -> str:
    """Return the secret that a file keeps, made at the first call."""
    if not file.exists():
        accounts.write_private(file, make())
    return file.read_text(encoding="utf-8")


def _addresses(account: str, passwords: accounts.Passwords, ca: Path | None) -> dict[str, str]:
    """Return an account's addresses of both servers, as the services' settings name them."""
    return {
        "rabbitmq_url": accounts.broker_url(account, passwords, BROKER, ca),
        "mongo_url": database_url(account, passwords, DATABASE, ca=ca),
    }


def _operator_addresses(passwords: accounts.Passwords, ca: Path | None) -> dict[str, str]:
    """Return the settings of the `instroom` command in a container of the project."""
    servers = _addresses(accounts.OPERATOR, passwords, ca)
    addresses = {
        "RABBITMQ_OPERATOR_URL": servers["rabbitmq_url"],
        "RABBITMQ_MANAGEMENT_URL": MANAGEMENT,
        "MONGO_URL": servers["mongo_url"],
        **{f"{service.upper()}_HEALTH_URL": f"http://{service}:8080/readyz" for service in accounts.SERVICES},
        **({"TLS_CA_FILE": str(ca)} if ca else {}),
        "PUSHGATEWAY_URL": "http://pushgateway:9091",
    }
    return accounts.as_operator(addresses)


def _mail_server(volumes: Path) -> str:
    """Return the mail server's address: from the operator's file where it holds one, else from the environment."""
    file = volumes / "smtp_url"
    return (file.read_text(encoding="utf-8").strip() if file.exists() else "") or os.environ["SMTP_URL"]


def _certificates(volumes: Path) -> Path:
    """Return the folder with the servers' certificates: the operator's own (TLS_DIR), else ours, renewed where due."""
    more = os.environ.get("TLS_HOSTS", "").replace(",", " ").split()
    hosts = {server: [server, "localhost", "127.0.0.1", *more] for server in ("rabbitmq", "mongodb")}
    if brought := os.environ.get("TLS_DIR"):
        _judge(Path(brought), hosts)
        return Path(brought)
    certificates.renew(volumes / "authority", hosts)
    return volumes / "authority"


def _judge(folder: Path, servers: Mapping[str, Sequence[str]]) -> None:
    """End with what is wrong with certificates of the operator's own, and warn of those that soon expire."""
    for server, hosts in servers.items():
        if flaw := certificates.flaw(folder, server, hosts):
            sys.exit(f"{server}.pem in INSTROOM_TLS_DIR will not do for {', '.join(hosts)}:\n{flaw}")
        if certificates.flaw(folder, server, hosts, certificates.RENEWED_BEFORE):
            print(f"Bring another {server}.pem and restart {server}: this one soon expires.")


def _give_certificates(volumes: Path, folder: Path) -> None:
    """Give each server its certificate and key, and all who connect to them the authority's certificate."""
    clients = dict.fromkeys((*accounts.SERVICES, "operator", "admin", accounts.WATCHER), OURS)
    for volume, owner in {"all": 0, "rabbitmq": SERVERS, "mongodb": SERVERS, **clients}.items():
        _give(volumes / volume / "ca.pem", (folder / "ca.pem").read_text(), owner)
    for server in ("rabbitmq", "mongodb"):
        certificate, key = folder / f"{server}.pem", folder / f"{server}.key"
        _give(volumes / server / "server.pem", f"{certificate.read_text()}\n{key.read_text()}", SERVERS)
        print(f"{server}: certificate until {certificates.expiry(certificate):%Y-%m-%d}")


def _give(file: Path, text: str, owner: int) -> None:
    """Write a secret that this user alone may read."""
    accounts.write_private(file, text)
    os.chown(file, owner, owner)
    file.parent.chmod(0o755)


if __name__ == "__main__":
    main()

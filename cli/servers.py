"""Where the servers are: addresses from the environment, else from the `.local/stack.env` that `make up` leaves."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cli.trouble import Exit, Trouble

STACK_FILE = Path(".local/stack.env")
ADMIN_FILE = STACK_FILE.with_name("admin.env")
"""Holds the same and an administrator's account, for the few commands that need one."""
INTEGRATOR_BROKER = "RABBITMQ_URL"
OPERATOR_BROKER = "RABBITMQ_OPERATOR_URL"
DATABASE = "MONGO_URL"
MANAGEMENT = "RABBITMQ_MANAGEMENT_URL"
ADMINISTRATION = "RABBITMQ_ADMIN_URL"
CA = "TLS_CA_FILE"
PUSH_GATEWAY = "PUSHGATEWAY_URL"


@dataclass(frozen=True)
class Servers:
    """The settings that were found, and where: `origin` names the environment or the file."""

    values: Mapping[str, str]
    origin: str

    @property
    def broker(self) -> str:
        """Return the broker's address with an integrator's account; an operator's does as well."""
        return self._first(INTEGRATOR_BROKER, OPERATOR_BROKER)

    @property
    def operator_broker(self) -> str:
        """Return the broker's address with an operator's account, where there is one of its own."""
        return self._first(OPERATOR_BROKER, INTEGRATOR_BROKER)

    @property
    def database(self) -> str:
        """Return the database's address with an account that may read all three databases."""
        return self._first(DATABASE)

    @property
    def administration(self) -> str:
        """Return the address of the broker's HTTP API with an administrator's account."""
        return self._first(ADMINISTRATION)

    @property
    def monitoring(self) -> str | None:
        """Return the address of the broker's HTTP API with an account that may look, where it is known."""
        if pages := self.values.get(MANAGEMENT):
            account = urlsplit(self.operator_broker).netloc.rpartition("@")[0]
            return pages.replace("://", f"://{account}@", 1)
        return self.values.get(ADMINISTRATION)

    @property
    def ca(self) -> Path | None:
        """Return the authority that vouches for servers that take TLS, where it is one of their own."""
        return Path(self.values[CA]) if self.values.get(CA) else None

    @property
    def push_gateway(self) -> str | None:
        """Return the address of the push gateway that is told what a run came to, where there is one."""
        return self.values.get(PUSH_GATEWAY) or None

    def _first(self, *names: str) -> str:
        for name in names:
            if self.values.get(name):
                return self.values[name]
        detail = f"{names[0]} is not set in {self.origin}. Set it, or run `make up` for a local stack."
        raise Trouble(detail, Exit.UNREACHABLE)


def find_servers(
    file: Path | None, environment: Mapping[str, str], start: Path, *, as_administrator: bool = False
) -> Servers:
    """Find the settings: in `file` where given, else in the environment, else in the stack file of a folder above.

    The sources are never mixed, so that no command reads one system's broker and another one's database.
    Raises `Trouble` where there is none.
    """
    if file is not None:
        return Servers(read_env_file(file), str(file))
    usual = ADMIN_FILE if as_administrator else STACK_FILE
    keys = (ADMINISTRATION,) if as_administrator else (INTEGRATOR_BROKER, OPERATOR_BROKER, DATABASE)
    if any(environment.get(key) for key in keys):
        return Servers(environment, "the environment")
    found = next((path for folder in (start, *start.parents) if (path := folder / usual).is_file()), None)
    if found is None:
        raise Trouble(
            f"No servers are known: {keys[0]} is not set, and no {usual} is found in"
            f" {start} or above it. Run `make up` for a local stack, or name a file: `instroom --env-file FILE ...`.",
            Exit.UNREACHABLE,
        )
    return Servers({**environment, **read_env_file(found)}, str(found))


def read_env_file(path: Path) -> dict[str, str]:
    """Read `KEY=value` lines; empty lines and those that begin with `#` are passed over."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise Trouble(f"{path} cannot be read: {error.strerror}.", Exit.UNREACHABLE) from error
    pairs = (line.strip().partition("=") for line in lines if line.strip() and not line.lstrip().startswith("#"))
    return {key.strip().removeprefix("export "): _unquoted(value.strip()) for key, _, value in pairs}


def _unquoted(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if is_quoted else value


def servers_here(file: Path | None, *, as_administrator: bool = False) -> Servers:
    """Find the settings from this process's environment and folder."""
    return find_servers(file, os.environ, Path.cwd(), as_administrator=as_administrator)

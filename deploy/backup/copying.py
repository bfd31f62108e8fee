"""Making a backup of a stack, and restoring it into one that holds nothing yet."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from deploy.backup import databases, definitions, messages
from deploy.backup.archive import Archive, drafted
from deploy.stack import Stack


def back_up(stack: Stack, at: Path | None = None) -> Path:
    """Stop the services, copy everything, start them again; return the folder with the copy.

    Raises `StackError` where that fails; the services are started all the same.
    """
    stack.endpoints().ensure_open()
    stack.stop_services()
    try:
        return _copied(stack, at or stack.home / "backups" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    finally:
        stack.start_services()


def _copied(stack: Stack, at: Path) -> Path:
    endpoints = stack.endpoints()
    with drafted(at) as draft:
        kept = definitions.save(endpoints, draft)
        documents = databases.save(endpoints, draft)
        count = asyncio.run(messages.save(endpoints, messages.kept_queues(kept), draft))
        draft.finish(at, rabbitmq=kept["rabbitmq_version"])
    print(f"backup: {documents:,} documents, {count:,} messages")
    return at


def restore(stack: Stack, folder: Path) -> None:
    """Start the servers, write everything back, start the services.

    Raises `StackError` where the copy is not whole or the stack holds data.
    """
    archive = Archive.opened(folder)
    stack.start_servers()
    endpoints = stack.endpoints()
    databases.ensure_empty(endpoints)
    documents = databases.restore(endpoints, archive)  # first: a restore that breaks off is seen by what it left there
    accounts = definitions.restore(endpoints, archive)
    count = asyncio.run(messages.restore(endpoints, archive))
    print(f"restore: {documents:,} documents, {count:,} messages")
    if accounts:
        print(f"restore: accounts of integrators, with the passwords they had: {', '.join(accounts)}")
    stack.start()

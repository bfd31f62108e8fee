"""The services' databases: read as of one moment by the operator's account, written by each service's own."""

from __future__ import annotations

from itertools import islice
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from deploy import accounts
from deploy.backup.archive import Archive, Draft
from deploy.endpoints import Endpoints
from deploy.errors import StackError

FOLDER = "databases"
AT_ONCE = 1000
Client = MongoClient[RawBSONDocument]


def save(endpoints: Endpoints, draft: Draft) -> int:
    """Copy every document of the three databases; return how many. Indexes are not: services make them."""
    count = 0
    with _client(endpoints, accounts.OPERATOR) as client, client.start_session(snapshot=True) as moment:
        for service in accounts.SERVICES:
            database = client[accounts.database_of(service)]
            for name in sorted(database.list_collection_names()):
                with draft.file(f"{FOLDER}/{service}/{name}") as file, database[name].find({}, session=moment) as found:
                    for document in found:
                        file.add(bytes(document.raw))
                count += file.count
    return count


def ensure_empty(endpoints: Endpoints) -> None:
    """Raise `StackError` where a database holds anything already."""
    with _client(endpoints, accounts.OPERATOR) as client:
        names = {
            service: client[accounts.database_of(service)].list_collection_names() for service in accounts.SERVICES
        }
    if any(names.values()):
        raise StackError(
            "A backup is restored into an empty stack, and this one holds data. Make a backup of that if it matters,"
            " then wipe it with make reset, and restore again."
        )


def restore(endpoints: Endpoints, archive: Archive) -> int:
    """Write every document back; return how many."""
    return sum(_restore(endpoints, service, archive) for service in accounts.SERVICES)


def _restore(endpoints: Endpoints, service: str, archive: Archive) -> int:
    count = 0
    with _client(endpoints, service) as client:
        for collection in archive.names(f"{FOLDER}/{service}"):
            documents = archive.read(f"{FOLDER}/{service}/{collection}")
            while some := list(islice(documents, AT_ONCE)):
                client[accounts.database_of(service)][collection].insert_many(some, ordered=False)
                count += len(some)
    return count


def _client(endpoints: Endpoints, account: str) -> Client:
    options: dict[str, Any] = {"serverSelectionTimeoutMS": 20_000, "document_class": RawBSONDocument}
    return MongoClient(endpoints.database_url(account), w="majority", **options)

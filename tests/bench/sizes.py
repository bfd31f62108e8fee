"""What enrolments take on disk: `python -m tests.bench.sizes [--enrolments N]`, on a stack of its own.

Each is one participant with a place in one session and the invitation to it; figures go to `build/sizes.json`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from deploy.accounts import ADMIN, SERVICES, database_of
from deploy.homes import ROOT
from deploy.local.stack import LocalStack
from deploy.settings import Ports
from tests.support.eventually import wait_until
from tests.support.leftovers import own_home
from tests.support.servers import SCRATCH

RESULT = ROOT / "build" / "sizes.json"
PATIENCE_S = 300
REQUEST = {
    "--edition": "cmo-stamm-participatie-2021",
    "--organisation": "Gemeente Voorbeeld",
    "--role": "beleidsmedewerker",
    "--region": "groningen",
    "--time": "2021-05-20T11:30:00+02:00",
    "--timeout": str(PATIENCE_S),
}

Client = MongoClient[dict[str, Any]]


def main() -> None:
    """Enrol so many, and show what each takes."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sizes", description=__doc__)
    parser.add_argument("--enrolments", type=int, default=10_000)
    count = parser.parse_args().enrolments
    with own_home(SCRATCH) as home:
        stack = LocalStack.of(home / "stack", Ports.free())
        stack.up()
        with Client(stack.servers.mongodb.url(ADMIN)) as mongo:
            before = sizes(stack, mongo)
            enrol(stack, count)
            wait_until(lambda: mailed(mongo) == count, within=PATIENCE_S)
            after = sizes(stack, mongo)
    each = {what: round((after[what] - before[what]) / count) for what in after}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"enrolments": count, "bytes_each": each}, indent=2) + "\n", encoding="utf-8")
    for what, size in each.items():
        print(f"{what:<28}{size:>8} bytes an enrolment {size / 10:>10.0f} MB per 100,000")


def enrol(stack: LocalStack, count: int) -> None:
    """Ask for a place for so many people, with the command that an operator has."""
    rows = "\n".join(f"Deelnemer Voorbeeld {n},deelnemer.{n}@example.org" for n in range(count))
    file = stack.home / "aanmeldingen.csv"
    file.write_text(f"name,email\n{rows}\n", encoding="utf-8")
    command = [str(Path(sys.executable).with_name("instroom")), "--env-file", str(stack.env_file), "request"]
    flags = {**REQUEST, "--csv": str(file)}
    words = [word for flag in flags.items() for word in flag]
    subprocess.run([*command, *words], stdout=subprocess.DEVNULL, check=True)


def mailed(mongo: Client) -> int:
    """Return how many invitations were sent."""
    return mongo[database_of("notification")]["mails"].count_documents({"kind": "invitation", "delivery.state": "sent"})


def sizes(stack: LocalStack, mongo: Client) -> Mapping[str, float]:
    """Return the bytes that everything takes now."""
    mongo.admin.command("fsync")
    found: dict[str, float] = {}
    for service in SERVICES:
        stats = mongo[database_of(service)].command("dbStats")
        found[f"{service}, documents"] = stats["dataSize"]
        found[f"{service}, on disk"] = stats["storageSize"]
        found[f"{service}, indexes"] = stats["indexSize"]
    found["oplog"] = mongo["local"].command("collStats", "oplog.rs")["size"]
    found["stream"] = total(stack.home / "data" / "rabbitmq", "*.segment")
    found["mails"] = total(stack.servers.mail.directory, "*.eml")
    return found


def total(folder: Path, pattern: str) -> int:
    """Return the size of all files of a kind below a folder."""
    return sum(file.stat().st_size for file in folder.rglob(pattern))


if __name__ == "__main__":
    main()

"""What each account may write to the exchanges of events: in RabbitMQ's definitions, out of the contract."""

from __future__ import annotations

import re

from chassis.topology import BYPASS
from deploy.accounts import OPERATOR
from instroom_contracts.topology import EVENTS, PRIVATE, TYPES

_ENTRY = re.compile(r'("user": "([^"]+)", "vhost": "instroom", "exchange": "([^"]+)",\s+"write": )"[^"]*"')


def with_rights(definitions: str) -> str:
    """Return the text of the definitions with the rights of every account that tells events of the contract."""
    return _ENTRY.sub(_with_right, definitions)


def _with_right(entry: re.Match[str]) -> str:
    told_on = EVENTS if entry[3] == BYPASS else entry[3]
    return f'{entry[1]}"{_pattern(entry[2], told_on)}"' if told_on in {EVENTS, PRIVATE} else entry[0]


def _pattern(account: str, exchange: str) -> str:
    """Return what an account may tell on an exchange; an operator replays whatever travels there."""
    there = [(type, listed) for type, listed in TYPES.items() if listed.exchange == exchange]
    told = [type.split(".")[2] for type, listed in there if account in (*listed.told_by, OPERATOR)]
    return rf"^nl\\.enrolments\\.({'|'.join(told)})\\.v" if told else "^$"

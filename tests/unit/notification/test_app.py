"""The service's two tables agree with the contract."""

from __future__ import annotations

from instroom_contracts.cloudevent import type_of
from instroom_contracts.topology import TYPES
from services.notification.app import HEARS, TELLS


def test_events_travel_on_the_exchanges_that_the_contract_names() -> None:
    """A queue bound elsewhere would stay empty."""
    named = [(entry.model, entry.exchange) for entry in HEARS] + [(entry.model, entry.exchange) for entry in TELLS]
    assert [TYPES[type_of(model)].exchange for model, _ in named] == [exchange for _, exchange in named]

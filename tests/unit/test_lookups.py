"""Every lookup of a service has an index: what is sorted in memory grows slower with everybody who joins it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from chassis.documents import Lookup
from services.catalog import storage as catalog
from services.enrolment.storage import kinds, schema

MADE = {catalog: catalog.LOOKUPS, kinds: schema.LOOKUPS, import_module("services.notification.storage.kinds"): ()}
"""The lookups that a service makes an index for, by the module that declares them."""


@pytest.mark.parametrize("module", MADE, ids=lambda module: module.__name__)
def test_every_lookup_is_made_findable(module: Any) -> None:
    """A lookup that stands in no list would have no index, and nobody would notice before there are many documents."""
    declared = {one for one in vars(module).values() if isinstance(one, Lookup)}
    assert declared == set(MADE[module])

"""Faults planted into the data of running services: the audit names each of them, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from cli.audit.auditor import judge
from cli.audit.evidence import Evidence
from tests.integration.cli.desk import Desk
from tests.integration.cli.faults.done import DONE
from tests.integration.cli.faults.kept import KEPT
from tests.integration.cli.faults.planting import people_enrol
from tests.integration.cli.faults.told import TOLD

MENDED = KEPT | DONE
"""Faults that can be taken back."""
Broken = set[tuple[str, str]]


@pytest.fixture(scope="module")
def moved(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Provide a desk at which a full session, for which people wait, has moved to a pool that others share."""
    people_enrol(desk, tmp_path_factory.mktemp("moved"))
    assert broken(desk, settle="30") == set()
    return desk


def broken(desk: Desk, settle: str = "0") -> Broken:
    """Have the audit judge; return each breach: the promise, and what is wrong with what."""
    judged = json.loads(desk.run("audit", "--settle", settle, "--json").stdout)
    return {
        (one["promise"], f"{offence['subject']}: {offence['detail']}")
        for one in judged["promises"]
        for offence in one["offences"]
    }


def promises() -> list[str]:
    """Return every promise that the audit judges."""
    now = datetime.now(UTC)
    return [verdict.promise for verdict in judge(Evidence(now), now)]


def unplanted(promises: Iterable[str]) -> set[str]:
    """Return the promises that no fault breaks."""
    return set(promises) - {fault.promise for fault in (MENDED | TOLD).values()}


def test_every_promise_is_broken_by_a_fault_on_real_data() -> None:
    """A promise that no fault breaks is not judged: whoever adds one plants one."""
    assert unplanted(promises()) == set()
    assert {fault.promise for fault in (MENDED | TOLD).values()} <= set(promises())


def test_a_promise_without_a_fault_is_missed() -> None:
    """The twin of the test above: a check that nothing can fail checks nothing."""
    assert unplanted([*promises(), "nobody is bored"]) == {"nobody is bored"}


def test_a_session_that_moved_breaks_no_promise(moved: Desk) -> None:
    """Its seats, its list and everything that was told of them."""
    with moved.kept("enrolment") as kept:
        pool = kept["pools"].find_one({"_id": "vng-connect:zaal"})
    assert pool is not None
    assert (pool["taken"], pool["waiting"]) == (20, 2)


@pytest.mark.parametrize("name", MENDED)
def test_a_planted_fault_breaks_its_promise_alone_and_is_named(moved: Desk, name: str) -> None:
    """An operator must know where to look, and be told when it is mended."""
    fault = MENDED[name]
    with fault.plant(moved):
        found = broken(moved, fault.settle)
    assert {promise for promise, _ in found} == {fault.promise}, found
    assert any(fault.about in offence for _, offence in found), found
    assert broken(moved, settle="30") == set()


@pytest.mark.parametrize("name", TOLD)
def test_a_fault_that_was_told_breaks_its_promise_alone_and_is_named(moved: Desk, name: str) -> None:
    """Somebody relied on it: who, stands in the offence. No test of the faults that are mended may come after these."""
    fault, before = TOLD[name], broken(moved)
    with fault.plant(moved):
        found = broken(moved, fault.settle) - before
    assert {promise for promise, _ in found} == {fault.promise}, found
    assert any(fault.about in offence for _, offence in found), found

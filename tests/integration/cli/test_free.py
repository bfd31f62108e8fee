"""Freeing participants whom an earlier release locked out."""

from __future__ import annotations

from tests.integration.cli.desk import EDITION, Desk
from tests.integration.cli.faults.kept import STRANDED, strand


def test_the_audit_names_who_is_locked_out_and_a_command_frees_them(desk: Desk) -> None:
    """They could neither enrol nor cancel, for ever."""
    with desk.kept("enrolment") as kept:
        strand(kept)
    assert "already-enrolled" in desk.request("gestrand").stdout
    named = desk.run("audit", "--settle", "0")
    assert named.exit_code != 0
    assert f"{STRANDED}: has no place in {EDITION}, and keeps its participant from enrolling" in named.stdout
    assert "What to do: `instroom free`" in named.stdout
    freed = desk.run("free")
    assert (freed.exit_code, "cancelled" in freed.stdout) == (0, True), freed.output
    assert "Nobody is kept out." in desk.run("free").output
    assert desk.request("gestrand", "--id", "gestrand-opnieuw").exit_code == 0
    assert desk.run("audit").exit_code == 0

"""What a check found: one line for each thing that was looked at, with what is wrong, where, and how to mend it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Literal

from instroom_checking.terminal import remark, show, write
from instroom_checking.trouble import Exit

State = Literal["ok", "not ok", "hint", "not seen"]
SHOWN_DETAILS = 5
WIDTH = 110


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `hint`: it works, and something better is known. `not seen`: not to be judged."""

    what: str
    state: State
    details: tuple[str, ...] = ()


def ok(what: str, *details: str) -> Finding:
    """Say that something is as it should be."""
    return Finding(what, "ok", details)


def not_ok(what: str, *details: str) -> Finding:
    """Say what is wrong, where, and how to mend it."""
    return Finding(what, "not ok", details)


def hint(what: str, *details: str) -> Finding:
    """Say what could be better, although it works."""
    return Finding(what, "hint", details)


def not_seen(what: str, *details: str) -> Finding:
    """Say why something could not be judged."""
    return Finding(what, "not seen", details)


def judged(what: str, complaints: Sequence[str], fine: str = "") -> Finding:
    """Say `ok` where there is no complaint."""
    return not_ok(what, *dict.fromkeys(complaints)) if complaints else ok(what, *([fine] if fine else []))


def show_verdict(findings: Sequence[Finding], *, as_json: bool) -> Exit:
    """Show what was found, and return how the command ends."""
    wrong = sum(finding.state == "not ok" for finding in findings)
    unseen = sum(finding.state == "not seen" for finding in findings)
    if as_json:
        rows = [{"what": one.what, "state": one.state, "details": list(one.details)} for one in findings]
        write(json.dumps({"ok": not wrong, "findings": rows}, ensure_ascii=False))
    else:
        for finding in findings:
            _show(finding)
    if wrong:
        remark(f"{wrong} of {len(findings)} are not ok.")
    else:
        remark(f"Nothing is wrong{f'; {unseen} of {len(findings)} could not be judged' if unseen else ''}.")
    return Exit.BROKEN if wrong else Exit.FINE


def _show(finding: Finding) -> None:
    state = finding.state.upper() if finding.state == "not ok" else finding.state
    if finding.state == "ok" and len(finding.details) <= 1:
        return show(f"{state:<9} {': '.join((finding.what, *finding.details))}")
    show(f"{state:<9} {finding.what}")
    for detail in finding.details[:SHOWN_DETAILS]:
        for line in wrap(detail, WIDTH, break_long_words=False, break_on_hyphens=False):
            show(f"          {line}")
    if len(finding.details) > SHOWN_DETAILS:
        show(f"          and {len(finding.details) - SHOWN_DETAILS} more: --json lists all")
    return None

"""Where the time goes: the enrolment service under cProfile, by function and by package.

cProfile sees the thread that it starts in, which is the event loop's; what the database driver does in threads of its
own shows as waiting, though it takes the interpreter's lock as well. It makes calls dearer than they are, so the rate
under it is no figure.
"""

from __future__ import annotations

import pstats
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

TOP = 25
LEAST_SHARE = 0.005
BUILT_IN = "~"
POLLING = "<method 'poll' of 'select.epoll' objects>"
NAMED = {"chassis", "services", "instroom_contracts", "asyncio", "json"}
"""Folders outside of site-packages that are shown by name."""
Function = tuple[str, int, str]
"""File, line and name, as pstats has them."""


def tables(profile: Path) -> Iterator[Table]:
    """Yield the functions with the most time of their own, and the same time by package."""
    stats: Mapping[Function, Any] = pstats.Stats(str(profile)).stats  # type: ignore[attr-defined]
    total = sum(own for _, _, own, _, _ in stats.values())
    functions = Table("own time", "calls", "function", title=f"Top {TOP} functions of {total:.1f} s, by own time")
    for function, (_, calls, own, _, _) in sorted(stats.items(), key=lambda item: -item[1][2])[:TOP]:
        functions.add_row(f"{own:.2f} s", f"{calls:,}", _shown(function))
    yield functions
    packages = Table("own time", "share", "package", title="The same by package, built-in functions with their callers")
    for package, own in sorted(by_package(stats).items(), key=lambda item: -item[1]):
        if own >= LEAST_SHARE * total:
            packages.add_row(f"{own:.2f} s", f"{own / total:.1%}", package)
    yield packages


def by_package(stats: Mapping[Function, Any]) -> Mapping[str, float]:
    """Return seconds of own time by package; a built-in function's count for whoever called it."""
    seconds: dict[str, float] = defaultdict(float)
    for function, (_, _, own, _, callers) in stats.items():
        if function[0] == BUILT_IN and function[2] != POLLING and callers:
            for caller, (_, _, share, _) in callers.items():
                seconds[package_of(caller)] += share
        else:
            seconds[package_of(function)] += own
    return seconds


def package_of(function: Function) -> str:
    """Return the package that a function's file belongs to."""
    file, _, name = function
    parts = Path(file).parts
    if name == POLLING:
        return "(waiting)"
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1].removesuffix(".py")
    if file.startswith("<frozen importlib"):
        return "(imports at the start)"
    named = (part for part in parts if part in NAMED)
    return next(named, "standard library")


def _shown(function: Function) -> str:
    file, line, name = function
    return name if file == BUILT_IN else f"{'/'.join(Path(file).parts[-3:])}:{line} {name}"

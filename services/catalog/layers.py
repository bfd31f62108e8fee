"""From a programme file to the data of EditionSubmitted: layers laid together, fields given their names on the wire.

Judged here is only what the file alone knows: its parts, its dates and its hours. Every value keeps its mark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from typing import TypeVar

from services.catalog.domain import end_of, local
from services.catalog.written import Block, Entries, Mark, layered

Complain = Callable[[Mark, str], None]
T = TypeVar("T")

PARTS = ("provider", "programme", "everySession", "sessions", "editions")

_HOUR = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


def submissions(file: Block, complain: Complain) -> Iterator[Block]:
    """Yield the data of EditionSubmitted for each edition of a file, as far as it can be read."""
    for name in file.keys() - set(PARTS):
        complain(file.marks[name], f"There is no such part: a file has {', '.join(PARTS)}.")
    provider, programme, every = (_block(file, name, complain) for name in PARTS[:3])
    provider.rename("id", "provider")
    provider.rename("name", "providerName")
    programme.rename("id", "programmeId")
    sessions = _blocks(file, "sessions", complain)
    for edition in _blocks(file, "editions", complain):
        edition.rename("id", "editionId")
        own = _own_layers(_block(edition, "sessions", complain), sessions, complain)
        laid = [layered(every, *layers, line=layers[0].line) for layers in zip(sessions, own, strict=True)]
        yield _submission(layered(provider, programme, edition, line=edition.line), laid, complain)


def _own_layers(overrides: Block, sessions: Sequence[Block], complain: Complain) -> list[Block]:
    """Return what an edition says of each of the file's sessions."""
    ids = [str(session.get("id")) for session in sessions]
    for id in overrides.keys() - set(ids):
        complain(overrides.marks[id], "No session with this id stands under the file's sessions: correct it.")
    return [_block(overrides, id, complain) for id in ids]


def _submission(edition: Block, sessions: Sequence[Block], complain: Complain) -> Block:
    held, joining = Entries(), Entries()
    for session in sessions:
        session.rename("id", "sessionId")
        if link := _link(session):
            joining.add(link, link.line)
        _set_times(session, complain)
        _set_twins(session, edition.get("editionId"))
        held.add(session, session.line)
    edition.put("sessions", held, Mark(edition.line, "sessions"))
    _set_deadline(edition, complain)
    return Block.of(Mark(edition.line, ""), edition=edition, joining=joining)


def _link(session: Block) -> Block | None:
    if (join_url := session.pop("joinUrl", None)) is None:
        return None
    return Block.of(session.marks["joinUrl"], sessionId=session.get("sessionId"), joinUrl=join_url)


def _set_times(session: Block, complain: Complain) -> None:
    """Make the instants of a day and its hours; hours without a day are told as they are."""
    given = [name for name in ("from", "to", "date") if session.get(name) is not None]
    if given and given[:2] != ["from", "to"]:
        complain(session.marks[given[0]], "A session's hours have two ends: give both from and to.")
    day = _read(session, "date", _day, complain)
    start, end = (_read(session, name, _hour, complain) for name in ("from", "to"))
    if start is None or end is None:
        return
    if day is not None:
        _set_instants(session, day, (start, end), complain)
    elif "date" not in given:
        session.put("hours", f"{start:%H:%M}-{end:%H:%M}", session.marks["from"])


def _set_instants(session: Block, day: date, hours: tuple[time, time], complain: Complain) -> None:
    marks = session.marks["from"], session.marks["to"]
    try:
        for name, at, mark in zip(("startsAt", "endsAt"), hours, marks, strict=True):
            session.put(name, local(day, at), mark)
    except ValueError as skipped:
        complain(session.marks["date"], str(skipped))
        session.pop("startsAt", None)


def _set_twins(session: Block, edition_id: object) -> None:
    """Turn the names of sister editions into twins; an edition is no sister of its own."""
    written = session.get("twins")
    if not isinstance(written, Entries):
        return
    twins = Entries()
    for twin, line in zip(written, written.lines, strict=True):
        sister, _, id = str(twin).partition("/")
        if sister != edition_id:
            there = Block.of(Mark(line, "twins"), editionId=sister, sessionId=id or session.get("sessionId"))
            twins.add(there, line)
    session.put("twins", twins, session.marks["twins"])


def _set_deadline(edition: Block, complain: Complain) -> None:
    deadline = edition.get("deadline")
    if not isinstance(deadline, Block) or "through" not in deadline:
        return
    if day := _read(deadline, "through", _day, complain):
        deadline.put("at", end_of(day), deadline.marks["through"])
    else:
        edition.pop("deadline")


def _read(block: Block, name: str, read: Callable[[str], T], complain: Complain) -> T | None:
    """Take a value out of a block and read it; None where there is none or it is wrong."""
    value = block.pop(name, None)
    if value is None:
        return None
    try:
        return read(str(value))
    except ValueError as wrong:
        complain(block.marks[name], str(wrong))
        return None


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise ValueError(f"{text} is no day of the calendar: write one as 2021-06-07.") from None


def _hour(text: str) -> time:
    if not _HOUR.fullmatch(text):
        raise ValueError(f"{text} is no time of day: write one as 09:00, up to 23:59.")
    return time.fromisoformat(text)


def _block(of: Block, name: str, complain: Complain) -> Block:
    """Return the mapping under a name; an empty one where there is none."""
    value = of.get(name)
    if isinstance(value, Block):
        return value
    if value is not None:
        complain(of.marks[name], "Fields with values belong here, indented, or as {field: value}.")
    return Block(of.line)


def _blocks(of: Block, name: str, complain: Complain) -> list[Block]:
    """Return the mappings in the list under a name."""
    entries = of.get(name)
    if not isinstance(entries, Entries) or not entries:
        complain(of.marks.get(name, Mark(of.line, name)), "A list belongs here: one entry, after a dash, at least.")
        return []
    for entry, line in zip(entries, entries.lines, strict=True):
        if not isinstance(entry, Block):
            complain(Mark(line, name), "An entry has fields with values, such as id: give them.")
    return [entry for entry in entries if isinstance(entry, Block)]

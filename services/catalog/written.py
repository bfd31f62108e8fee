"""YAML that remembers where every value was written, so that a problem can be told with its line.

A whole number is read as such and every other value as text; so `13:00` is no count of seconds, `295.00` keeps its
cents and `no` is a word.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import yaml

_WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]*")
_NOTHING = {"", "~", "null"}


class Mark(NamedTuple):
    """Where a value was written: its line, and the name of its field there."""

    line: int
    field: str


class Unreadable(Exception):
    """YAML that is not read: where it breaks off, and why."""

    def __init__(self, mark: Mark, detail: str) -> None:
        super().__init__(detail)
        self.mark = mark
        self.detail = detail


class Block(dict[str, Any]):
    """A mapping, the line on which it begins, and the mark of each of its values."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.marks: dict[str, Mark] = {}

    @classmethod
    def of(cls, mark: Mark, **values: object) -> Block:
        """Return a mapping whose values all come from one place."""
        block = cls(mark.line)
        for name, value in values.items():
            block.put(name, value, mark)
        return block

    def put(self, name: str, value: object, mark: Mark) -> None:
        """Set a value that was written there, perhaps under another name."""
        self[name] = value
        self.marks[name] = mark

    def rename(self, old: str, new: str) -> None:
        """Give a value another name, where there is one."""
        if old in self:
            self.put(new, self.pop(old), self.marks[old])


class Entries(list[Any]):
    """A list, and the line of each of its entries."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []

    def add(self, entry: object, line: int) -> None:
        """Append an entry that was written on this line."""
        self.append(entry)
        self.lines.append(line)


def parse(text: str) -> Block:
    """Read a file's text.

    Raises `Unreadable` where it is no YAML, no mapping, gives a field twice or uses an alias.
    """
    try:
        for event in yaml.parse(text, Loader=yaml.BaseLoader):
            if isinstance(event, yaml.AliasEvent):
                raise Unreadable(_mark(event.start_mark), "Aliases (*) are not read here: write the value itself.")
        value = _value(yaml.compose(text, Loader=yaml.BaseLoader))
    except yaml.YAMLError as error:
        why = getattr(error, "problem", None) or "a character is not allowed"
        mark = getattr(error, "problem_mark", None)
        raise Unreadable(_mark(mark), f"This is no YAML ({why}): mind indents, colons and quotes.") from None
    if not isinstance(value, Block):
        raise Unreadable(Mark(1, ""), "A file starts with a field, such as provider: write one.")
    return value


def layered(*layers: Block, line: int) -> Block:
    """Lay mappings over each other: the last one wins, and mappings within them are laid over each other too.

    The result counts as written on `line` and shares no mapping with its layers.
    """
    merged = Block(line)
    for layer in layers:
        for name, value in layer.items():
            under = [below for below in [merged.get(name)] if isinstance(below, Block)]
            whole = layered(*under, value, line=value.line) if isinstance(value, Block) else value
            merged.put(name, whole, layer.marks[name])
    return merged


def mark_of(root: Block, pointer: str) -> Mark:
    """Return where the value was written that a JSON Pointer leads to; of a missing one, where it belongs."""
    mark = Mark(root.line, "")
    value: Any = root
    for step in pointer.split("/")[1:]:
        if isinstance(value, Block):
            mark = value.marks.get(step, Mark(mark.line, step))
            value = value.get(step)
        elif isinstance(value, Entries) and step.isdecimal():
            mark = Mark(value.lines[int(step)], mark.field)
            value = value[int(step)]
    return mark


def _mark(mark: Any, field: str = "") -> Mark:
    return Mark(mark.line + 1 if mark else 1, field)


def _value(node: yaml.Node | None) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _block(node)
    if isinstance(node, yaml.SequenceNode):
        return _entries(node)
    if not isinstance(node, yaml.ScalarNode) or (node.style is None and node.value in _NOTHING):
        return None
    return int(node.value) if node.style is None and _WHOLE_NUMBER.fullmatch(node.value) else node.value


def _block(node: yaml.MappingNode) -> Block:
    block = Block(node.start_mark.line + 1)
    for key, value in node.value:
        mark = _mark(key.start_mark, str(key.value))
        if not isinstance(key, yaml.ScalarNode):
            raise Unreadable(_mark(key.start_mark), "The name of a field is a word: correct it.")
        if key.value in block:
            raise Unreadable(mark, "This field stands here twice: remove one of them.")
        block.put(key.value, _value(value), mark)
    return block


def _entries(node: yaml.SequenceNode) -> Entries:
    entries = Entries()
    for item in node.value:
        entries.add(_value(item), item.start_mark.line + 1)
    return entries

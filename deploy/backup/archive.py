"""A folder with one copy: files of BSON documents, compressed, and a list of them with their digests."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import bson
from bson.raw_bson import RawBSONDocument

from deploy.errors import StackError

FORMAT = 2
READ = {1, FORMAT}
"""Forms that can be restored; in the first, messages had their properties each by itself."""
CONTENTS = "contents.json"
Contents = Mapping[str, Any]


@dataclass
class Documents:
    """A file of BSON documents that is being written."""

    _out: gzip.GzipFile
    count: int = 0

    def add(self, document: bytes) -> None:
        """Write one more."""
        self._out.write(document)
        self.count += 1


@dataclass(frozen=True)
class Draft:
    """A copy that is being made; it gets its name when it is whole."""

    folder: Path
    _files: dict[str, dict[str, Any]] = field(default_factory=dict)

    @contextmanager
    def file(self, name: str) -> Iterator[Documents]:
        """Provide a file to write BSON documents to."""
        path = self.folder / f"{name}.bson.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=6, mtime=0) as out:
            documents = Documents(out)
            yield documents
        self._files[name] = {"documents": documents.count, "sha256": _digest(path)}

    def finish(self, name: Path, **about: object) -> None:
        """Write the list of files, and give the copy its name: from then on it is one."""
        contents = {"format": FORMAT, "made": datetime.now(UTC).isoformat(timespec="seconds"), **about}
        text = json.dumps({**contents, "files": self._files}, indent=2)
        (self.folder / CONTENTS).write_text(f"{text}\n", encoding="utf-8")
        self.folder.rename(name)


@contextmanager
def drafted(at: Path) -> Iterator[Draft]:
    """Provide a draft of the copy that is to have this name; only its owner may read what it holds.

    One that is not finished stays as it is, under a name that ends in `.unfinished`. Raises `StackError` where the name
    is taken.
    """
    if at.exists():
        raise StackError(f"{at} is there already: name another folder.")
    folder = at.with_name(f"{at.name}.{os.getpid()}.unfinished")
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    yield Draft(folder)


@dataclass(frozen=True)
class Archive:
    """A copy that was made."""

    folder: Path
    contents: Contents

    @classmethod
    def opened(cls, folder: Path) -> Archive:
        """Read the list of files and compare each; raises `StackError` where this is no whole copy."""
        try:
            contents = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
            files = contents["files"]
            known = contents["format"] in READ
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StackError(f"{folder} is no backup: {CONTENTS} cannot be read. Name the folder of one.") from error
        if not known:
            raise StackError(f"{folder} was made by another version of Instroom, in a form that this one cannot read.")
        archive = cls(folder, contents)
        for name, file in files.items():
            if not archive.path(name).exists() or _digest(archive.path(name)) != file["sha256"]:
                raise StackError(f"{archive.path(name)} is missing or damaged: restore another backup.")
        return archive

    def path(self, name: str) -> Path:
        """Return where a file is."""
        return self.folder / f"{name}.bson.gz"

    def names(self, under: str) -> list[str]:
        """Return the files of a folder, without the folder's name."""
        return [name.removeprefix(f"{under}/") for name in self.contents["files"] if name.startswith(f"{under}/")]

    def read(self, name: str) -> Iterator[RawBSONDocument]:
        """Give a file's documents, one after the other."""
        with gzip.open(self.path(name)) as file:
            reading = bson.decode_file_iter(cast("BinaryIO", file), bson.CodecOptions(RawBSONDocument))
            yield from reading


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()

"""What is written down about a migration: a Record for each package, and the Journal that keeps them.

In come the answers of the workers, out goes `migration.jsonl`: one JSON object a line, the last line of a source being
the one that counts. The journal is what makes a migration resumable, so it is written line by line and read with
patience: a torn last line, left by a killed run, is cut off. Results can be large (all findings of all packages), so
the journal keeps only what it needs to decide in memory, and reads results again from the file for the report.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, TypeAlias

from authoring.errors import AuthoringError

FORMAT = 1
"""Of the journal's lines and of the markers in course folders."""

Step: TypeAlias = Callable[[str, str], Mapping[str, object]]
"""The work on one package: (path of the package, path of the course folder to make) -> a result that JSON can hold.

It runs in another process, perhaps on another machine, so it must be picklable by reference (a function of a module,
or a `functools.partial` of one). It raises AuthoringError for a package that cannot be converted.
"""


class Outcome(StrEnum):
    DONE = "done"
    """Converted in this run; in the journal: converted."""
    UNCHANGED = "unchanged"
    """Converted by an earlier run from the same bytes; left alone."""
    FAILED = "failed"
    """Not converted, for the reason given; tried again on the next run."""
    DIED = "died"
    """The process that worked on it ended; becomes one of the others after a second try, alone."""
    WAITING = "waiting"
    """Not tried, because only failed packages were asked for."""


@dataclass(frozen=True, slots=True)
class Record:
    """What became of one package."""

    source: str
    """Absolute path or URL of the package."""
    destination: str
    """Name of its course folder below the destination."""
    outcome: Outcome
    size: int | None = None
    """Bytes read; None when it could not be read."""
    sha256: str | None = None
    stamp: str | None = None
    """What the storage says of the version (ETag, time of change …): saves a download when nothing changed."""
    output: str | None = None
    """Digest of the course folder as it was made: tells whether somebody has edited it since."""
    result: Mapping[str, Any] | None = None
    """What the step returned; None when it failed."""
    reason: str | None = None
    hint: str | None = None
    seconds: float = 0.0

    def to_json(self) -> dict[str, object]:
        """All fields; what is absent is left out."""
        fields = ("size", "sha256", "stamp", "output", "result", "reason", "hint")
        known = {name: getattr(self, name) for name in fields if getattr(self, name) is not None}
        return {
            "format": FORMAT,
            "source": self.source,
            "destination": self.destination,
            "outcome": str(self.outcome),
            **known,
            "seconds": round(self.seconds, 3),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Record:
        """Raises KeyError, TypeError or ValueError for what is no record."""
        if value["format"] != FORMAT:
            raise ValueError(f"format {value['format']}")
        if Path(value["destination"]).name != value["destination"]:
            raise ValueError("a destination is the name of a folder")
        names = ("size", "sha256", "stamp", "output", "result", "reason", "hint", "seconds")
        return cls(
            str(value["source"]),
            str(value["destination"]),
            Outcome(value["outcome"]),
            **{name: value[name] for name in names if name in value},
        )


class Journal:
    """`migration.jsonl`: append as packages finish, look up by source, read back in order.

    Raises AuthoringError when the file is from a newer version or is no journal at all.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offsets: dict[str, int] = {}
        self._latest: dict[str, Record] = {}
        self._load()
        self._file = path.open("ab")

    @staticmethod
    def read(content: bytes, name: str) -> dict[str, Record]:
        """The last word on each source in a journal's bytes, without results; `name` is for messages."""
        return {record.source: replace(record, result=None) for record, _ in _records(io.BytesIO(content), name)}

    def _load(self) -> None:
        if not self.path.exists():
            return
        end = 0
        with self.path.open("r+b") as file:
            for record, offset in _records(file, str(self.path)):
                self._remember(record, offset)
                end = file.tell()
            file.truncate(end)

    def _remember(self, record: Record, offset: int) -> None:
        self._offsets[record.source] = offset
        self._latest[record.source] = replace(record, result=None)

    def get(self, source: str) -> Record | None:
        """The last word on a source, without its result."""
        return self._latest.get(source)

    def latest(self) -> Mapping[str, Record]:
        """source -> the last word on it, without its result."""
        return self._latest

    def append(self, record: Record) -> None:
        """Write a line, and see that it is on disk before anything else happens."""
        offset = self._file.seek(0, os.SEEK_END)
        self._file.write(_line(record))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._remember(record, offset)

    def records(self, sources: Iterable[str]) -> Iterator[Record]:
        """The records of these sources, in this order, with their results."""
        with self.path.open("rb") as file:
            for source in sources:
                if source in self._offsets:
                    file.seek(self._offsets[source])
                    yield Record.from_json(json.loads(file.readline()))

    def compact(self) -> None:
        """Write the file anew: one line a source, by name of the course folder, so that two runs compare well."""
        order = sorted(self._latest, key=lambda source: (self._latest[source].destination, source))
        fresh = self.path.with_name(self.path.name + ".new")
        offsets: dict[str, int] = {}
        with fresh.open("wb") as file:
            for record in self.records(order):
                offsets[record.source] = file.tell()
                file.write(_line(record))
            file.flush()
            os.fsync(file.fileno())
        self._file.close()
        fresh.replace(self.path)
        self._offsets = offsets
        self._file = self.path.open("ab")

    def close(self) -> None:
        self._file.close()


def _records(file: IO[bytes], name: str) -> Iterator[tuple[Record, int]]:
    """Records with the offsets of their lines, up to a torn last line."""
    offset = 0
    number = 0
    while (line := file.readline()).endswith(b"\n"):
        number += 1
        try:
            yield Record.from_json(json.loads(line)), offset
        except (KeyError, TypeError, ValueError) as error:
            raise AuthoringError(
                f"{name}:{number}: not a line of a migration journal of format {FORMAT} ({error})",
                "use the version of the toolkit that wrote it, or move the file away: "
                "course folders that are finished are recognised without it",
            ) from error
        offset += len(line)


def _line(record: Record) -> bytes:
    return json.dumps(record.to_json(), ensure_ascii=False, sort_keys=True).encode("utf-8", "backslashreplace") + b"\n"

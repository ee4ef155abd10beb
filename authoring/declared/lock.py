"""`platform.lock`: which declaration has which row of the platform, and digests of what was sent and seen.

One JSON object a line, sorted, made to be committed: two branches merge line by line. Nothing in it is a secret: of secrets it has
the names of the variables alone. Comes in and goes out: `Lock` values; `save_lock` replaces the file in one step.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from authoring.calls import Json
from authoring.errors import LockfileError

FORMAT = 1
_RESTORE = "restore the file from git; or delete it: rows are then looked up on the platform by their names"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one row.

    `ids` are its names on the platform. `sent` and `seen` are digests by field: of what was last sent, and of what the platform
    showed after that, where it shows it. `links` is our part of lists that others add to. `begun`: a create was sent that the platform
    cannot be asked about, and its outcome is not known.
    """

    key: str
    ids: Mapping[str, Json] = field(default_factory=dict)
    sent: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    variables: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    begun: bool = False

    def to_json(self) -> dict[str, object]:
        """The JSON object of a line; what is empty is left out."""
        row: dict[str, object] = {
            "row": self.key,
            "ids": dict(sorted(self.ids.items())),
            "sent": dict(sorted(self.sent.items())),
            "seen": dict(sorted(self.seen.items())),
            "links": {name: list(items) for name, items in sorted(self.links.items())},
            "variables": list(self.variables),
            "origins": list(self.origins),
            "begun": self.begun,
        }
        return {name: value for name, value in row.items() if value}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Entry:
        """The inverse. Raises KeyError, TypeError, ValueError."""
        if not isinstance(row["row"], str):
            raise TypeError("row is not text")
        return cls(
            row["row"],
            dict(row.get("ids") or {}),
            _texts(row.get("sent") or {}),
            _texts(row.get("seen") or {}),
            {str(name): tuple(items) for name, items in dict(row.get("links") or {}).items()},
            tuple(str(name) for name in row.get("variables") or ()),
            tuple(str(name) for name in row.get("origins") or ()),
            row.get("begun") is True,
        )


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise TypeError("not a map of digests")
    return dict(value)


Part = Mapping[str, Entry]
"""The entries of one tenant, by key."""
Place = tuple[str, str]
"""A target's identity and its tenant."""


@dataclass(frozen=True, slots=True)
class Lock:
    """The whole file: a part for each target and tenant."""

    parts: Mapping[Place, Part] = field(default_factory=lambda: MappingProxyType({}))

    def part(self, place: Place) -> Part:
        return self.parts.get(place, {})

    def with_part(self, place: Place, part: Part) -> Lock:
        return Lock({**self.parts, place: dict(part)})


def render_lock(lock: Lock) -> str:
    return "".join(f"{line}\n" for line in _lines(lock))


def _lines(lock: Lock) -> Iterator[str]:
    yield _line({"platform_lock": FORMAT})
    for place in sorted(lock.parts):
        target, tenant = place
        yield _line({"target": target, "tenant": tenant})
        for key in sorted(lock.parts[place]):
            yield _line(lock.parts[place][key].to_json())


def _line(row: Mapping[str, object]) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(", ", ": "))


def parse_lock(text: str, name: str) -> Lock:
    """The inverse of `render_lock`. Raises LockfileError with the line."""
    parts: dict[Place, dict[str, Entry]] = {}
    current: dict[str, Entry] | None = None
    versioned = False
    for number, line in enumerate(text.split("\n"), 1):
        place = f"{name}:{number}"
        if not line.strip():
            continue
        if line.startswith(("<<<<<<<", "=======", ">>>>>>>", "|||||||")):
            hint = "keep the lines of both sides (remove only the marker lines), then run the plan again"
            raise LockfileError(f"{place}: the file still has merge conflict markers", hint)
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise LockfileError(f"{place}: not a line of JSON", _RESTORE) from error
        try:
            if "platform_lock" in row:
                if not isinstance(row["platform_lock"], int) or row["platform_lock"] > FORMAT:
                    raise LockfileError(
                        f"{place}: written by a newer release", "upgrade: pip install --upgrade ibl-course-authoring"
                    )
                versioned = True
            elif not versioned:
                raise LockfileError(f"{place}: the first line must say the format's version", _RESTORE)
            elif "target" in row:
                current = parts.setdefault((str(row["target"]), str(row["tenant"])), {})
            else:
                entry = Entry.from_json(row)
                if current is None:
                    raise LockfileError(f"{place}: a line before the first target", _RESTORE)
                if entry.key in current:
                    hint = "keep the line whose ids the platform still has, remove the other"
                    raise LockfileError(f"{place}: {entry.key} stands twice", hint)
                current[entry.key] = entry
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise LockfileError(f"{place}: a value is missing or of the wrong kind ({error})", _RESTORE) from error
    return Lock(parts)


def load_lock(file: Path) -> Lock:
    """The lock file; an empty one when there is none. Raises LockfileError."""
    try:
        return parse_lock(file.read_text("utf-8"), file.name)
    except FileNotFoundError:
        return Lock()
    except UnicodeDecodeError as error:
        raise LockfileError(f"{file.name}: not UTF-8 text", _RESTORE) from error
    except OSError as error:
        raise LockfileError(f"{file.name}: cannot be read ({error.strerror})", "check its permissions") from error


def save_lock(lock: Lock, file: Path) -> None:
    """Replace the file in one step: a crash leaves the old one or the new one. Raises LockfileError."""
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(render_lock(lock))
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(file.stat().st_mode & 0o777 if file.exists() else 0o644)
        Path(temporary).replace(file)
        temporary = None
    except OSError as error:
        raise LockfileError(
            f"{file.name}: cannot be written ({error.strerror})", "free some space or check the folder's permissions"
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)

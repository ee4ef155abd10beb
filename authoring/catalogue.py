"""A list of courses that get a new run together: `COURSES.yaml` in, one `CatalogueCourse` each out. The parser is pure.

run: 2027_T1                     # for each course that does not say otherwise
start: 2027-01-11
courses:
  - reading-data                 # a course folder, relative to this file
  - {folder: statistics, start: 2027-01-18, platform: statistics/platform.yaml}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import yaml

from authoring.diagnostics import Diagnostics, suggest
from authoring.errors import SourceError
from authoring.model import SourceLocation
from authoring.source.coursefile import MISSING_KEY
from authoring.source.fields import UNKNOWN_KEY
from authoring.yamlnodes import BAD_VALUE, DUPLICATE_KEY, Entry, items_of, mapping_of, parse_mapping, text_value

_DEFAULTS = ("run", "start", "from", "platform")


@dataclass(frozen=True, slots=True)
class CatalogueCourse:
    """One course of the list: its folder, the new run, when it starts (None: its file says), the run that is copied, the
    platform file (or folder of them) that is applied as the new run."""

    folder: Path
    run: str
    start: str | None = None
    source_run: str | None = None
    platform: Path | None = None


def load_catalogue(file: Path, *, run: str | None = None, start: str | None = None) -> tuple[CatalogueCourse, ...]:
    """Read the list; `run` and `start` stand in the place of those at its top. Raises SourceError with every finding, each
    with its line."""
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SourceError(f"{file}: cannot be read ({reason})") from error
    given = {name: value for name, value in (("run", run), ("start", start)) if value is not None}
    courses, findings = parse_catalogue(text, file, given)
    if findings.errors:
        raise SourceError(f"{file}: the list cannot be read", findings)
    return courses


def parse_catalogue(
    text: str, file: Path, given: Mapping[str, str] = MappingProxyType({})
) -> tuple[tuple[CatalogueCourse, ...], Diagnostics]:
    """The courses of a list, folders relative to the folder of `file`, and what is wrong with it. `given` values stand in the
    place of those at its top."""
    findings = Diagnostics()
    path = PurePosixPath(file.name)
    entries = parse_mapping(text, path, 1, findings)
    if entries is None:
        return (), findings
    _refuse_unknown(entries, (*_DEFAULTS, "courses"), findings)
    defaults = _texts(entries, findings) | dict(given)
    listed = entries.get("courses")
    if listed is None:
        hint = "list the course folders: `courses: [one, two]`"
        findings.report(MISSING_KEY, f"{file.name} needs 'courses'", SourceLocation(path, 1), hint)
        return (), findings
    found: dict[Path, CatalogueCourse] = {}
    for item in items_of(listed, findings) or ():
        course = _course(item, defaults, file.parent, findings)
        if course is None:
            continue
        place = course.folder.resolve()
        if place in found:
            findings.report(DUPLICATE_KEY, f"{course.folder} is listed twice", item.where, "list each folder once")
        found[place] = course
    if not found and not findings.errors:
        findings.report(BAD_VALUE, "the list names no course", listed.where, "add a course folder: `- reading-data`")
    return tuple(found.values()), findings


def _course(item: Entry, defaults: Mapping[str, str], base: Path, findings: Diagnostics) -> CatalogueCourse | None:
    values = dict(defaults)
    if isinstance(item.node, yaml.MappingNode):
        parts = mapping_of(item, findings) or {}
        _refuse_unknown(parts, (*_DEFAULTS, "folder"), findings)
        if "folder" not in parts:
            findings.report(MISSING_KEY, "a course needs 'folder'", item.where, "add `folder: …`")
            return None
        values |= _texts(parts, findings)
        folder = text_value(parts["folder"], findings)
    else:
        folder = text_value(item, findings)
    if not folder:
        return None
    if "run" not in values:
        findings.report(MISSING_KEY, f"{folder!r} has no 'run'", item.where, "add `run: 2027_T1` here, or at the top")
        return None
    platform = base / values["platform"] if "platform" in values else None
    return CatalogueCourse(base / folder, values["run"], values.get("start"), values.get("from"), platform)


def _texts(entries: Mapping[str, Entry], findings: Diagnostics) -> dict[str, str]:
    found = {}
    for name in _DEFAULTS:
        text = text_value(entries[name], findings) if name in entries else None
        if text is not None and not text.strip():
            findings.report(
                BAD_VALUE, f"{name!r} is empty", entries[name].where, "write a value, or leave the line out"
            )
        elif text is not None:
            found[name] = text.strip()
    return found


def _refuse_unknown(entries: Mapping[str, Entry], known: tuple[str, ...], findings: Diagnostics) -> None:
    for key, entry in entries.items():
        if key not in known:
            hint = suggest(key, known) or f"known: {', '.join(known)}"
            findings.report(UNKNOWN_KEY, f"{key!r} is not a key of a list of courses", entry.where, hint)

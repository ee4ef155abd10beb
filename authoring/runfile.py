"""The file of a new run: what stands in the folder, and a start, to `runs/RUN.yaml` with every absolute date moved. Pure.

Dates that are written relative to the start need no line: they follow it. An absolute one moves by as many whole weeks as the
first week of the course does, to the same weekday and time (:meth:`authoring.source.calendar.Calendar.shifted`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from authoring.decompile.yamltext import dump
from authoring.diagnostics import Diagnostics
from authoring.errors import SourceError
from authoring.keys import course_id
from authoring.model import COURSE, ROOT_KEY, Block, BlockKey, Course, CourseId, FieldValue
from authoring.registry import FieldType, field_spec
from authoring.registry.common import DEFAULT_START
from authoring.source import SourceTree, compile_tree
from authoring.source.calendar import Calendar, is_relative
from authoring.source.coursefile import read_calendar
from authoring.source.dates import BadDateError, parse_date
from authoring.source.moments import OPEN_RESPONSE, UNSET_MOMENTS, with_moments
from authoring.source.nodes import Outline
from authoring.source.outline import read_outline
from authoring.source.runs import RunFile, date_entries, entries_of, read_run, run_settings
from authoring.writeback.values import date_text
from authoring.yamlnodes import INVALID, plain_value

_UNSET = {str(DEFAULT_START)[:16], *UNSET_MOMENTS}
"""How the platform's dates for "not yet" begin; they belong to no run."""

_QUOTED = re.compile(r'"(\w[\w./-]*(?: \d\d:\d\d|:\d\d:\d\dZ?)?)"')
"""Names and dates that mean the same without quotes: here no type is guessed from a scalar's looks."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One run of a folder, and how its dates are written."""

    course: Course
    calendar: Calendar
    outline: Outline
    relative: frozenset[tuple[BlockKey, str]]
    run: RunFile | None = None


def read_schedule(tree: SourceTree, run: str | None = None) -> Schedule:
    """A run of a folder, course.yaml's own without `run`. Raises SourceError."""
    course, findings = compile_tree(tree, run)
    if course is None or findings.errors:
        raise SourceError(f"{tree.folder}: the course cannot be compiled", findings)
    quiet = Diagnostics()
    outline = read_outline(tree, quiet)
    file = read_run(tree, outline, run, quiet) if run else None
    settings = outline.settings or {}
    if file is not None:
        settings = run_settings(settings, file.settings)
        outline = replace(outline, settings=settings)
    relative = frozenset(
        (key, name) for key, name, entry in date_entries(outline, file) if is_relative((entry.scalar or "").strip())
    )
    return Schedule(course, read_calendar(settings, quiet), outline, relative, file)


def start_of(schedule: Schedule, text: str) -> datetime:
    """The local day and time that `--start TEXT` means: without a time, at the time of the run before.

    Raises SourceError.
    """
    try:
        local = schedule.calendar.local(parse_date(text.strip(), schedule.calendar.timezone))
    except BadDateError as error:
        raise SourceError(f"--start {text[:40]!r}: {error}") from error
    before = schedule.calendar.start
    return datetime.combine(local.date(), before.time()) if before and len(text.strip()) <= 10 else local


def new_run(schedule: Schedule, run: str, start: str) -> str:
    """The text of the new run's file. Raises SourceError when the run cannot be, or the course has no start to count from."""
    course = schedule.course
    new_course_id(course.id, run)
    calendar = schedule.calendar
    if calendar.start is None:
        raise SourceError(
            f"{course.id} has no `start`, so its dates cannot be moved", hint="write `start: …` in course.yaml"
        )
    there = replace(calendar, start=start_of(schedule, start))
    root: dict[str, FieldValue] = {}
    blocks: dict[str, dict[str, FieldValue]] = {}
    names = _names(schedule.outline)
    try:
        root["start"] = _shown(calendar.read(str(there.start), "start"), "start", calendar)
        for block in course.blocks():
            changed = dict(_shifted(block, schedule, there))
            if block.key == ROOT_KEY or block.category == COURSE:
                root |= {name: value for name, value in changed.items() if name != "start"}
            elif changed:
                blocks[names.get(block.key, str(block.key))] = changed
    except BadDateError as error:
        raise SourceError(f"the dates of {course.id} cannot be moved to {start}: {error}") from error
    head = (
        f"# The run {run}, made from {course.id.run}. What stands here holds for this run; all else is as in the course itself.\n"
        "# Dates that are written relative to the start (`week 3 Sunday 23:59`) follow it and are not listed.\n"
    )
    body: dict[str, FieldValue] = {"run": run, **root}
    return head + _QUOTED.sub(r"\1", dump(body | ({"blocks": {**blocks}} if blocks else {})))


def new_course_id(source: CourseId, run: str) -> CourseId:
    """The identity of the new run. Raises SourceError when it cannot be one, or is the source's own."""
    if run == source.run:
        raise SourceError(f"{run} is the run that is to be copied", hint="name another: --run 2027_T1")
    try:
        return course_id(source.org, source.number, run)
    except ValueError as error:
        raise SourceError(f"--run: {error}", hint="use letters, digits, `-`, `_`, `~` and `.`") from error


def _shifted(block: Block, schedule: Schedule, there: Calendar) -> Iterator[tuple[str, FieldValue]]:
    """The fields of a block that hold absolute dates, with their values in the new run."""
    here = schedule.calendar
    for name, value in block.fields.items():
        spec = field_spec(block.category, name)
        if spec is None or spec.type is not FieldType.DATE or not isinstance(value, str):
            continue
        if (block.key, name) in schedule.relative or value[:16] in _UNSET:
            continue
        moved = here.shifted(value, there)
        if moved != value:
            yield name, _shown(moved, name, there)
    if block.category == OPEN_RESPONSE:
        yield from _shifted_moments(block, schedule, there)


def _shifted_moments(block: Block, schedule: Schedule, there: Calendar) -> Iterator[tuple[str, FieldValue]]:
    """Those of an open response, as they are written: what is relative stays so."""
    written: dict[str, FieldValue] = {}
    for name, entry in entries_of(schedule.outline, schedule.run, block.key).items():
        value = plain_value(entry, Diagnostics())
        if value is not INVALID:
            written[name] = value

    def change(text: str, _: str) -> str:
        if is_relative(text) or text[:16] in _UNSET:
            return text
        try:
            return schedule.calendar.shifted(text, there).removesuffix("Z")
        except BadDateError:
            return text  # a text that the platform cannot read either; the checks say so

    fields = {name: written.get(name, value) for name, value in block.fields.items()}
    moved = with_moments(replace(block, fields=fields), change)
    for name, value in moved.fields.items():
        if value != fields[name]:
            yield name, value


def _shown(value: str, name: str, calendar: Calendar) -> str:
    return date_text(value, name, calendar.timezone, None)


def _names(outline: Outline) -> Mapping[BlockKey, str]:
    """Blocks by the file or folder that they are."""
    return {node.key: str(node.path) for section in outline.sections for node in section.walk()}


def same_start(schedule: Schedule, wanted: datetime) -> bool:
    """Whether a run starts just then."""
    value = schedule.course.root.fields.get("start")
    return isinstance(value, str) and schedule.calendar.local(value) == wanted

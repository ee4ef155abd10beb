"""The next run of a course: the platform copies the live course, the folder says what is different, a push does the rest.

    runs/RUN.yaml   start, and absolute dates moved by the weeks between the two starts; written when it is not there
    copy            made once: a course that is there and has the source's block ids is the copy, any other is refused
    lock file       the source's part with the new course's keys: block ids survive a rerun (Open edX: clone_course)
    push            dates, overrides, and the files of SCORM packages, which the platform does not copy

Every step can be repeated: what is done is seen on the platform and in the folder, and is not done again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path

from authoring.applier import Observer
from authoring.client import Client
from authoring.diagnostics import Diagnostics
from authoring.errors import OutcomeUnknownError, RefusedError, SourceError, StalePlanError
from authoring.exporter import read_live_course
from authoring.keys import block_id, is_usage_key
from authoring.lockfile import PACKAGE, LockEntry, LockPart, digest, load_lockfile
from authoring.model import ROOT_KEY, Course, CourseId
from authoring.registry import FieldType, fields_of, spec
from authoring.source.coursefile import read_timezone
from authoring.source.dates import BadDateError, parse_date
from authoring.source.runs import FOLDER, name_of, path_of
from authoring.yamlnodes import parse_mapping

RESET = frozenset({"start", "advertised_start", "enrollment_start", "enrollment_end", "display_name"})
"""Course settings that a rerun does not copy (Open edX: cms/djangoapps/contentstore/tasks.py, rerun_course)."""
WAIT = 3600.0
"""Seconds that the copying may take."""


@dataclass(frozen=True, slots=True)
class RunDates:
    """What `runs/RUN.yaml` needs to say beside the start: course fields, and fields by block, as local dates."""

    settings: Mapping[str, str]
    blocks: Mapping[str, Mapping[str, str]]


def shifted_dates(base: Course, moved: Course, old_start: date, new_start: date, zone: tzinfo) -> RunDates:
    """The absolute dates of a course for its next run. `moved` is the course compiled with the new start alone: a date that
    is the same in both is absolute.

    They move by whole weeks, so that weekdays stay, and keep their local time.
    """
    weeks = timedelta(weeks=round((new_start - old_start).days / 7))
    other = {block.key: block for block in moved.root.walk()}
    settings: dict[str, str] = {}
    blocks: dict[str, dict[str, str]] = {}
    for block in base.root.walk():
        twin = other.get(block.key)
        for name, value in block.fields.items():
            described = fields_of(block.category).get(name) if spec(block.category) is not None else None
            is_date = described is not None and described.type is FieldType.DATE and isinstance(value, str)
            if (
                not is_date
                or twin is None
                or twin.fields.get(name) != value
                or (block.key == ROOT_KEY and name == "start")
            ):
                continue
            shown = _moved(str(value), weeks, zone)
            if block.key == ROOT_KEY:
                settings[name] = shown
            else:
                blocks.setdefault(name_of(block), {})[name] = shown
    return RunDates(settings, blocks)


def _moved(moment: str, weeks: timedelta, zone: tzinfo) -> str:
    """`2027-03-08 23:59`, local: the moment, moved by weeks with its local time kept."""
    local = datetime.fromisoformat(moment).astimezone(zone).replace(tzinfo=None) + weeks
    text = local.strftime("%Y-%m-%d %H:%M" if not local.second else "%Y-%m-%d %H:%M:%S")
    try:
        parse_date(text, zone)
    except BadDateError:  # skipped or shown twice on the new day: the offset says which
        there = local.replace(tzinfo=zone, fold=0).astimezone(UTC).astimezone(zone)
        return there.isoformat()
    return text


def run_file(run: str, start: str, dates: RunDates) -> str:
    """The text of a new `runs/RUN.yaml`."""
    lines = [
        f"# What the run {run} has otherwise than course.yaml and the files of its blocks. Yours to edit.",
        f'run: "{run}"',
        f"start: {start}",
        *(f"{name}: {value}" for name, value in sorted(dates.settings.items())),
    ]
    if dates.blocks:
        lines.append("blocks:")
        for block, fields in dates.blocks.items():
            lines.append(f'  "{block}":')
            lines += [f"    {name}: {value}" for name, value in sorted(fields.items())]
    return "\n".join(lines) + "\n"


def zone_of(folder: Path) -> tzinfo:
    """The time zone that course.yaml names."""
    text = (folder / "course.yaml").read_text("utf-8")
    entries = parse_mapping(text, path_of("x").parent / "course.yaml", 1, Diagnostics()) or {}
    return read_timezone(entries, Diagnostics())


def write_run(folder: Path, run: str, start: str | None, load: Callable[[str | None], Course]) -> bool:
    """Write `runs/RUN.yaml` unless it is there; whether it was written. `load(run)` compiles the folder.

    Raises SourceError when it is not there and no `start` is given, or the start is no date.
    """
    path = folder / path_of(run)
    if path.exists():
        return False
    if start is None:
        raise SourceError(f"there is no {path_of(run)}", hint="give the run's start: --start 2027-09-06")
    zone = zone_of(folder)
    try:
        new_start = datetime.fromisoformat(parse_date(start, zone)).astimezone(zone).date()
    except BadDateError as error:
        raise SourceError(f"{start!r} is no date for a start: {error}") from error
    base = load(None)
    old = base.root.fields.get("start")
    if not isinstance(old, str):
        raise SourceError("the course has no `start` to count from", hint="write `start:` into course.yaml")
    old_start = datetime.fromisoformat(old).astimezone(zone).date()
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(run_file(run, start, RunDates({}, {})), "utf-8")
        try:
            dates = shifted_dates(base, load(run), old_start, new_start, zone)
            partial = path.with_suffix(".part")
            partial.write_text(run_file(run, start, dates), "utf-8")
            partial.replace(path)
            load(run)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SourceError(
            f"{path} cannot be written: {error.strerror}", hint="check the folder's permissions"
        ) from error
    return True


def source_part(folder: Path, target: str, course: CourseId) -> LockPart:
    """What the lock file knows of the run that is to be copied. Raises StalePlanError when it was never pushed."""
    part = load_lockfile(folder).part(target, str(course))
    if not any(entry.usage_key for entry in part.entries.values()):
        raise StalePlanError(
            f"{course} was never pushed to {target}, so there is nothing to copy",
            f"push it first, or make the new run from the folder: authoring push --run RUN (see {FOLDER}/)",
        )
    return part


def rekeyed(part: LockPart, source: CourseId, course: CourseId) -> LockPart:
    """The source's part for its copy: the same block ids in the new course. What a rerun does not copy counts as not sent."""
    old, new = (f"block-v1:{one.org}+{one.number}+{one.run}+" for one in (source, course))
    entries = {}
    for key, entry in part.entries.items():
        usage = new + entry.usage_key.removeprefix(old) if entry.usage_key.startswith(old) else entry.usage_key
        entries[key] = replace(
            entry, usage_key=usage, pushed=_copied(key == ROOT_KEY, entry), published=_published(key == ROOT_KEY, entry)
        )
    return LockPart(part.target, str(course), entries, part.assets)


def _copied(is_root: bool, entry: LockEntry) -> Mapping[str, str]:
    gone = {PACKAGE} | (RESET if is_root else set())
    return {name: digest for name, digest in entry.pushed.items() if name not in gone}


def _published(is_root: bool, entry: LockEntry) -> Mapping[str, str] | None:
    if entry.published is None:
        return None
    gone = {PACKAGE} | (RESET if is_root else set())
    return {name: digest for name, digest in entry.published.items() if name not in gone}


def with_resets(client: Client, course: CourseId, part: LockPart) -> LockPart:
    """The part of a fresh copy with what the platform itself put into the settings that it resets: nobody's edit, so that a
    plan may write over it."""
    root = part.entries.get(ROOT_KEY)
    live = read_live_course(client, course, part, only=frozenset([ROOT_KEY]), archive=False)
    if root is None or live is None:
        return part
    fields = live.course.root.fields
    found = {name: digest(fields[name]) for name in RESET & fields.keys() if live.knows(ROOT_KEY, name)}
    return part.with_entry(replace(root, pushed={**root.pushed, **found}))


def copy_course(
    client: Client,
    source: CourseId,
    course: CourseId,
    title: str,
    part: LockPart,
    *,
    observer: Observer | None = None,
    sleep: Callable[[float], None] = time.sleep,
    wait: float = WAIT,
) -> bool:
    """See to it that `course` is there as the copy of `source`; whether it was made now.

    `part` is the source's. A course that is there counts as the copy when it has the source's block ids. Raises RefusedError
    when there is another course of that key, OutcomeUnknownError when the copying does not end.
    """
    made = False
    if not _begun(client, course):
        for pause in (0.2, 1.0, 3.0, None):
            try:
                client.send(client.dialect.rerun_course(source, course, title))
                made = True
                break
            except (RefusedError, OutcomeUnknownError) as error:
                # A second one of the key is refused: whether the first arrived can be seen.
                if _begun(client, course):
                    made = True
                    break
                if isinstance(error, RefusedError) or pause is None:
                    raise
                sleep(pause)
    if observer is not None:
        observer.noted(f"{course} is being copied from {source}" if made else f"{course} is there")
    _await_copy(client, source, course, part, sleep, wait)
    return made


def _begun(client: Client, course: CourseId) -> bool:
    """Whether the course is there, or being made."""
    return client.read_course_info(course) is not None or client.read_copying(course) is True


def _await_copy(
    client: Client, source: CourseId, course: CourseId, part: LockPart, sleep: Callable[[float], None], wait: float
) -> None:
    """Until all of the source's outline is there. Raises RefusedError when what is there is another course."""
    wanted = _outline_ids(client, source)
    waited, pause = 0.0, 0.2
    while True:
        copying = client.read_copying(course)
        there = _outline_ids(client, course) if not copying else None
        if there is not None and (not wanted or wanted <= there):
            return
        if there and wanted and copying is False and not there & wanted:
            raise RefusedError(
                f"there is a course {course} already, and it is no copy of {source}",
                "choose another run; or delete that course in Studio, if nobody needs it",
            )
        if waited >= wait:
            raise OutcomeUnknownError(
                f"the platform has not copied {source} after {waited:.0f} s",
                "run the same command again: it goes on waiting",
            )
        sleep(pause)
        waited, pause = waited + pause, min(10.0, pause * 1.5)


def _outline_ids(client: Client, course: CourseId) -> set[str] | None:
    outline = client.read_outline(course) if client.read_course_info(course) is not None else None
    if outline is None:
        return None
    return {block_id(usage) for usage in outline.blocks if is_usage_key(usage) and usage != outline.root}

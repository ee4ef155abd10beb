"""course.yaml: who the course is, its settings, its grading policy, its LTI passports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, tzinfo
from pathlib import PurePosixPath

from authoring.diagnostics import Diagnostics, Severity, define, suggest
from authoring.model import COURSE, CourseId, FieldValue, Grader, GradingPolicy, LtiPassport, SourceLocation
from authoring.source.dates import BadDateError, Calendar, find_timezone, is_relative, parse_date
from authoring.source.fields import UNKNOWN_KEY, read_fields
from authoring.yamlnodes import (
    BAD_VALUE,
    DUPLICATE_KEY,
    DateReader,
    Entry,
    items_of,
    mapping_of,
    text_value,
)

MISSING_KEY = define(
    "missing-key",
    Severity.ERROR,
    "A key is missing that must be there.",
    "add it",
)

OWN_KEYS = (
    "org",
    "number",
    "run",
    "timezone",
    "holidays",
    "children",
    "grading",
    "lti_passports",
    "settings",
    "checks",
    "files",
    "kind",
)
"""Keys of course.yaml that are no course fields."""

_HOLIDAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?: ?\.\. ?(\d{4}-\d{2}-\d{2}))?(?:[ :].*)?", re.ASCII)
_COURSE_PART = re.compile(r"[\w~.-]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%")
_FRACTION = re.compile(r"[0-9]*\.?[0-9]+")
_COUNT = re.compile(r"[0-9]{1,4}")
_GRACE = re.compile(r"([0-9]{1,4}):([0-5][0-9])")


def read_course_id(entries: Mapping[str, Entry], diagnostics: Diagnostics) -> CourseId | None:
    """org, number and run; None, reported, when one is missing or cannot be part of a course key."""
    parts: dict[str, str] = {}
    for key in ("org", "number", "run"):
        entry = entries.get(key)
        text = text_value(entry, diagnostics) if entry is not None else None
        if entry is None:
            where = SourceLocation(PurePosixPath("course.yaml"), 1)
            diagnostics.report(MISSING_KEY, f"course.yaml needs {key!r}", where, f"add `{key}: …`")
        elif text is not None and not _COURSE_PART.fullmatch(text):
            hint = "use letters, digits, `-`, `_`, `~` and `.`"
            diagnostics.report(BAD_VALUE, f"{key!r} cannot be {text[:80]!r}", entry.where, hint)
        elif text is not None:
            parts[key] = text
    return CourseId(**parts) if len(parts) == 3 else None


def read_timezone(entries: Mapping[str, Entry], diagnostics: Diagnostics) -> tzinfo:
    """The course's time zone; UTC when none is named."""
    entry = entries.get("timezone")
    name = text_value(entry, diagnostics) if entry is not None else None
    if entry is None or name is None:
        return UTC
    try:
        return find_timezone(name)
    except ValueError as error:
        hint = "use a name such as Europe/Madrid or America/New_York"
        diagnostics.report(BAD_VALUE, str(error), entry.where, hint)
        return UTC


def read_calendar(entries: Mapping[str, Entry], timezone: tzinfo, diagnostics: Diagnostics) -> Calendar:
    """What relative dates are counted in: `start`, which must be absolute, and `holidays`."""
    return Calendar(_start_day(entries, timezone), tuple(_holidays(entries, diagnostics)))


def _start_day(entries: Mapping[str, Entry], timezone: tzinfo) -> date | None:
    """The local day of the start; what is wrong with it is reported where the field is read."""
    entry = entries.get("start")
    if entry is None and (nested := entries.get("settings")) is not None:
        entry = (mapping_of(nested, Diagnostics()) or {}).get("start")
    text = text_value(entry, Diagnostics()) if entry is not None else None
    if text is None or is_relative(text):
        return None
    with suppress(BadDateError):
        moment = datetime.fromisoformat(parse_date(text.strip(), timezone))
        return moment.astimezone(timezone).date()
    return None


def _holidays(entries: Mapping[str, Entry], diagnostics: Diagnostics) -> Iterator[tuple[date, date]]:
    """Days and ranges of days: `2027-05-01`, `2027-03-29..2027-04-04`; with a name behind a colon when they have one."""
    entry = entries.get("holidays")
    if entry is None:
        return
    for item in items_of(entry, diagnostics) or ():
        text = text_value(item, diagnostics)
        found = _HOLIDAY.fullmatch(text.strip()) if text is not None else None
        try:
            if found is None:
                raise ValueError
            first = date.fromisoformat(found[1])
            last = date.fromisoformat(found[2]) if found[2] else first
            if last < first:
                raise ValueError
        except ValueError:
            if text is not None:
                hint = "write 2027-05-01, or 2027-03-29..2027-04-04 for several days; a name may follow: 2027-05-01 Labour Day"
                diagnostics.report(BAD_VALUE, f"not a holiday: {text[:60]!r}", item.where, hint)
            continue
        yield first, last


def read_course_fields(
    entries: Mapping[str, Entry], diagnostics: Diagnostics, read_date: DateReader
) -> dict[str, FieldValue]:
    """The course settings, at the top level and under `settings:`."""
    fields = read_fields(entries, COURSE, diagnostics, read_date, own_keys=OWN_KEYS)
    entry = entries.get("settings")
    nested = mapping_of(entry, diagnostics) if entry is not None else None
    for name, value in read_fields(nested or {}, COURSE, diagnostics, read_date, own_keys=()).items():
        if name in fields and nested is not None:
            place = nested[name] if name in nested else nested["title"]
            message = f"{name!r} is set both at the top level and under 'settings'"
            diagnostics.report(DUPLICATE_KEY, message, place.where)
        fields[name] = value
    return fields


def read_grading(entries: Mapping[str, Entry], diagnostics: Diagnostics) -> GradingPolicy | None:
    """The grading policy, or None when the course leaves it to the platform."""
    entry = entries.get("grading")
    found = mapping_of(entry, diagnostics) if entry is not None else None
    if entry is None or found is None:
        return None
    _refuse_unknown(found, ("assignment_types", "cutoffs", "grace_period"), "grading", diagnostics)
    graders: list[Grader] = []
    types = found.get("assignment_types")
    for item in (items_of(types, diagnostics) or ()) if types is not None else ():
        grader = _grader(item, diagnostics)
        if grader is None:
            continue
        if any(grader.type == other.type for other in graders):
            message = f"the assignment type {grader.type!r} is written twice"
            diagnostics.report(DUPLICATE_KEY, message, item.where)
            continue
        graders.append(grader)
    cutoffs = _cutoffs(found.get("cutoffs"), diagnostics)
    grace = _grace_period(found.get("grace_period"), diagnostics)
    policy = GradingPolicy(tuple(graders), grace_period=grace, source=entry.where)
    if cutoffs:
        policy = GradingPolicy(tuple(graders), cutoffs, grace, entry.where)
    return policy


def read_passports(entries: Mapping[str, Entry], diagnostics: Diagnostics) -> tuple[LtiPassport, ...]:
    """LTI passports by name; their values are in the environment."""
    entry = entries.get("lti_passports")
    found = mapping_of(entry, diagnostics) if entry is not None else None
    passports = []
    for lti_id, passport in (found or {}).items():
        parts = mapping_of(passport, diagnostics)
        if parts is None:
            continue
        _refuse_unknown(parts, ("key_env", "secret_env"), "LTI passport", diagnostics)
        names = [_variable(parts, key, passport, diagnostics) for key in ("key_env", "secret_env")]
        if ":" in lti_id or not lti_id.strip():
            message = f"{lti_id!r} cannot name an LTI passport"
            diagnostics.report(BAD_VALUE, message, passport.where, "leave out the colon")
        elif names[0] and names[1]:
            passports.append(LtiPassport(lti_id, names[0], names[1], passport.where))
    return tuple(passports)


LEVELS = ("off", "info", "warning", "error")
"""What `checks:` may say of a code."""


def read_check_levels(entries: Mapping[str, Entry], diagnostics: Diagnostics) -> dict[str, str]:
    """`checks:`, how grave the course takes each kind of finding. Codes are compared when the checks have run."""
    entry = entries.get("checks")
    found = mapping_of(entry, diagnostics) if entry is not None else None
    levels: dict[str, str] = {}
    for code, item in (found or {}).items():
        text = text_value(item, diagnostics)
        if text is not None and text not in LEVELS:
            hint = suggest(text, LEVELS) or f"one of {', '.join(LEVELS)}"
            diagnostics.report(BAD_VALUE, f"{code!r} cannot be {text[:80]!r}", item.where, hint)
        elif text is not None:
            levels[code] = text
    return levels


def _variable(parts: Mapping[str, Entry], key: str, passport: Entry, diagnostics: Diagnostics) -> str | None:
    entry = parts.get(key)
    if entry is None:
        hint = f"add `{key}: NAME`, an environment variable; the value itself never stands here"
        diagnostics.report(MISSING_KEY, f"LTI passport {passport.key!r} needs {key!r}", passport.where, hint)
        return None
    text = text_value(entry, diagnostics)
    if text is not None and not _VARIABLE.fullmatch(text):
        # The text is not repeated: somebody may have put the secret here.
        hint = "name a variable such as MY_LTI_SECRET; the value itself never stands here"
        message = f"{key!r} is not the name of an environment variable"
        diagnostics.report(BAD_VALUE, message, entry.where, hint)
        return None
    return text


def _grader(item: Entry, diagnostics: Diagnostics) -> Grader | None:
    parts = mapping_of(item, diagnostics)
    if parts is None:
        return None
    keys = ("type", "short_label", "weight", "min_count", "drop_count")
    _refuse_unknown(parts, keys, "assignment type", diagnostics)
    for key in ("type", "weight"):
        if key not in parts:
            diagnostics.report(MISSING_KEY, f"an assignment type needs {key!r}", item.where)
    if "type" not in parts or "weight" not in parts:
        return None
    name = text_value(parts["type"], diagnostics)
    weight = _share(parts["weight"], diagnostics)
    label = text_value(parts["short_label"], diagnostics) if "short_label" in parts else ""
    min_count = _count(parts.get("min_count"), 1, 0, diagnostics)
    drop_count = _count(parts.get("drop_count"), 0, 0, diagnostics)
    if not name or weight is None:
        return None
    return Grader(name, weight, min_count, drop_count, label or "")


def _share(entry: Entry, diagnostics: Diagnostics) -> float | None:
    """A fraction, written `0.15` or `15%`."""
    text = text_value(entry, diagnostics)
    if text is None:
        return None
    percent = _PERCENT.fullmatch(text.strip())
    value = -1.0
    if percent is not None:
        value = round(float(percent[1]) / 100, 10)
    elif _FRACTION.fullmatch(text.strip()):
        value = float(text)
    if 0 <= value <= 1:
        return value
    message = f"{entry.key!r} cannot be {text[:40]!r}"
    diagnostics.report(BAD_VALUE, message, entry.where, "write a share of the whole: 0.15 or 15%")
    return None


def _count(entry: Entry | None, default: int, least: int, diagnostics: Diagnostics) -> int:
    text = text_value(entry, diagnostics) if entry is not None else None
    if entry is None or text is None:
        return default
    if _COUNT.fullmatch(text.strip()) and int(text) >= least:
        return int(text)
    message = f"{entry.key!r} cannot be {text[:40]!r}"
    diagnostics.report(BAD_VALUE, message, entry.where, f"write a whole number, at least {least}")
    return default


def _cutoffs(entry: Entry | None, diagnostics: Diagnostics) -> dict[str, float]:
    found = mapping_of(entry, diagnostics) if entry is not None else None
    cutoffs = {}
    for grade, value in (found or {}).items():
        share = _share(value, diagnostics)
        if share is not None:
            cutoffs[grade] = share
    return cutoffs


def _grace_period(entry: Entry | None, diagnostics: Diagnostics) -> int | None:
    """Minutes, from `HH:MM`."""
    text = text_value(entry, diagnostics) if entry is not None else None
    if entry is None or text is None:
        return None
    match = _GRACE.fullmatch(text.strip())
    if match is None:
        message = f"'grace_period' cannot be {text[:40]!r}"
        diagnostics.report(BAD_VALUE, message, entry.where, "write hours and minutes: 00:30")
        return None
    return int(match[1]) * 60 + int(match[2])


def _refuse_unknown(entries: Mapping[str, Entry], known: tuple[str, ...], what: str, diagnostics: Diagnostics) -> None:
    for key, entry in entries.items():
        if key not in known:
            hint = suggest(key, known) or f"known: {', '.join(known)}"
            diagnostics.report(UNKNOWN_KEY, f"{key!r} is not a key of {what}", entry.where, hint)

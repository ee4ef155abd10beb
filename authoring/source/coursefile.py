"""course.yaml: who the course is, its settings, its grading policy, its LTI passports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, tzinfo
from pathlib import PurePosixPath

from authoring.diagnostics import Diagnostics, Severity, define, suggest
from authoring.model import (
    COURSE,
    NO_ROLE,
    ROLES,
    CourseId,
    FieldValue,
    Grader,
    GradingPolicy,
    LtiPassport,
    SourceLocation,
)
from authoring.source.calendar import AFTER, MOVES, Calendar, Holiday, is_relative
from authoring.source.dates import find_timezone, parse_date
from authoring.source.fields import UNKNOWN_KEY, read_fields
from authoring.source.textbooks import FIELD, are_textbooks
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
    "team",
)
"""Keys of course.yaml that are no course fields."""

_COURSE_PART = re.compile(r"[\w~.-]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%")
_FRACTION = re.compile(r"[0-9]*\.?[0-9]+")
_DAYS = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\s+(?:to|until|-)\s+(\d{4}-\d{2}-\d{2}))?", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,4}")
_EMAIL = re.compile(r"[^\s@/?#]+@[^\s@/?#]+")
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


def read_calendar(entries: Mapping[str, Entry], diagnostics: Diagnostics) -> Calendar:
    """By what the dates of the course are read: its time zone, its start, its holidays."""
    timezone = read_timezone(entries, diagnostics)
    entry = entries.get("start")
    if entry is None and "settings" in entries:
        entry = (mapping_of(entries["settings"], Diagnostics()) or {}).get("start")
    start: datetime | None = None
    text = entry.scalar if entry is not None else None
    if entry is not None and text is not None and is_relative(text):
        message = "the course's `start` cannot be relative to itself"
        diagnostics.report(BAD_VALUE, message, entry.where, "write a date such as 2027-01-31")
    elif text is not None:
        try:
            moment = datetime.fromisoformat(parse_date(text.strip(), timezone))
            start = moment.astimezone(timezone).replace(tzinfo=None)
        except ValueError:
            start = None  # reported where the fields are read
    return Calendar(timezone, start, tuple(_holidays(entries.get("holidays"), diagnostics)))


def _holidays(entry: Entry | None, diagnostics: Diagnostics) -> Iterator[Holiday]:
    """`name: days`, or `name: {days: …, due: …}`; days are one date or `first to last`."""
    found = mapping_of(entry, diagnostics) if entry is not None else None
    for name, item in (found or {}).items():
        due, days = AFTER, item
        if item.scalar is None:
            parts = mapping_of(item, diagnostics)
            if parts is None:
                continue
            _refuse_unknown(parts, ("days", "due"), "a holiday", diagnostics)
            if "days" not in parts:
                diagnostics.report(MISSING_KEY, f"the holiday {name!r} needs 'days'", item.where, "add `days: …`")
                continue
            days = parts["days"]
            due = (text_value(parts["due"], diagnostics) if "due" in parts else None) or AFTER
            if due not in MOVES:
                hint = suggest(due, MOVES) or f"one of {', '.join(MOVES)}"
                diagnostics.report(BAD_VALUE, f"'due' cannot be {due[:40]!r}", parts["due"].where, hint)
                continue
        text = text_value(days, diagnostics)
        span = _days(text.strip()) if text is not None else None
        if span is not None:
            yield Holiday(name, *span, due=due, source=item.where)
        elif text is not None:
            message = f"the days of {name!r} cannot be {text[:60]!r}"
            diagnostics.report(BAD_VALUE, message, days.where, "write 2027-03-29 or 2027-03-22 to 2027-04-04")


def _days(text: str) -> tuple[date, date] | None:
    match = _DAYS.fullmatch(text)
    if match is None:
        return None
    try:
        first = date.fromisoformat(match[1])
        last = date.fromisoformat(match[2] or match[1])
    except ValueError:
        return None
    return (first, last) if first <= last and (last - first).days <= LONGEST_HOLIDAY else None


LONGEST_HOLIDAY = 400
"""Days; a longer one is a slip of the pen."""


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
    for place in (part[FIELD] for part in (entries, nested or {}) if FIELD in part):
        if fields.get(FIELD) and not are_textbooks(place, diagnostics):
            del fields[FIELD]
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


def read_team(entries: Mapping[str, Entry], diagnostics: Diagnostics) -> dict[str, str]:
    """Who works on the course: `address: role`."""
    entry = entries.get("team")
    found = mapping_of(entry, diagnostics) if entry is not None else None
    team: dict[str, str] = {}
    for email, item in (found or {}).items():
        role = text_value(item, diagnostics)
        if not _EMAIL.fullmatch(email):
            diagnostics.report(
                BAD_VALUE, f"{email[:80]!r} is no e-mail address", item.where, "write `name@example.org: staff`"
            )
        elif role is not None and role not in (*ROLES, NO_ROLE):
            hint = suggest(role, ROLES) or f"one of {', '.join((*ROLES, NO_ROLE))}"
            diagnostics.report(BAD_VALUE, f"{email!r} cannot be {role[:40]!r}", item.where, hint)
        elif any(email.casefold() == other.casefold() for other in team):
            diagnostics.report(DUPLICATE_KEY, f"{email!r} is written twice", item.where)
        elif role is not None:
            team[email] = role
    return team


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

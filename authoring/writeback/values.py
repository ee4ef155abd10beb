"""Values as the author of a file would write them: dates in the course's time zone, `yes` where there was `no`, the
quotation marks and percent signs that stood there before. Pure.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

from authoring.decompile.yamltext import dump
from authoring.model import FieldValue
from authoring.registry import FieldType
from authoring.source.dates import DAY_ENDS, parse_date

_PAIRS = (("true", "false"), ("yes", "no"), ("on", "off"))
_PERCENT = re.compile(r"\d+(?:\.\d+)? ?%")
_ZONED = re.compile(r"\d[T ]\d\d:\d\d.*(?:[Zz]|[+-]\d\d:?\d\d)")


def scalar_text(
    value: FieldValue,
    *,
    name: str = "",
    kind: FieldType | None = None,
    timezone: tzinfo = UTC,
    old: str | None = None,
    style: str | None = None,
) -> str:
    """A value on one line, as it would stand behind `key: `; what needs more lines has them, indented by two.

    `name` and `kind` are of the field, if it is one; `old` is the scalar that stood there, `style` its YAML style.
    """
    if isinstance(value, bool):
        for yes, no in _PAIRS:
            if old is not None and old.strip().lower() in (yes, no):
                word = yes if value else no
                return word.capitalize() if old[:1].isupper() else word
        return "true" if value else "false"
    if isinstance(value, str):
        if kind is FieldType.DATE:
            return date_text(value, name, timezone, old)
        if kind in (FieldType.RELATIVE_TIME, FieldType.TIMEDELTA) and style is None and re.fullmatch(r"[\w: ]+", value):
            return value
        if re.fullmatch(r"[\w.][\w.-]*(?:/[\w.-]+)+", value):  # a path
            return value
        if old is not None and not style and re.fullmatch(r"\d{1,4}(?::\d\d){1,2}", value):
            return value
        if style in ("'", '"') and value.isprintable():
            return _quoted(value, style)
    if isinstance(value, int | float) and old is not None and _PERCENT.fullmatch(old.strip()):
        text = f"{round(value * 100, 6):g}"
        space = " " if " %" in old else ""
        return f"{text}{space}%"
    return dump({"k": value}).removeprefix("k:").removeprefix(" ").removesuffix("\n")


def _quoted(value: str, style: str) -> str:
    if style == "'":
        return "'" + value.replace("'", "''") + "'"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def date_text(value: str, name: str, timezone: tzinfo, old: str | None) -> str:
    """A date of the platform (ISO, UTC) in the shortest form that means it; with its offset if the old one had one."""
    try:
        moment = datetime.fromisoformat(value).astimezone(timezone)
    except ValueError:
        return value
    if old is None or _ZONED.search(old) is None:
        for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M"):
            text = moment.strftime(form)
            try:
                if parse_date(text, timezone, day_end=name in DAY_ENDS) == value:
                    return text
            except ValueError:
                continue
    return value

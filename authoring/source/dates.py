"""Dates as authors write them to dates as the platform keeps them: ISO 8601 in UTC.

2026-01-31                 the course's time zone; 23:59 for ends (`due`, `end`, `enrollment_end`), else 00:00
2026-01-31 18:00[:00]      the course's time zone; `T` instead of the space is the same
2026-01-31T18:00:00+01:00  as given; `Z` is UTC
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, tzinfo
from zoneinfo import ZoneInfo

DAY_ENDS = frozenset({"due", "end", "enrollment_end"})
"""Fields for which a date without a time means the end of that day."""

_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)? ?(Z|z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_FORMS = "write 2026-01-31, 2026-01-31 18:00 or 2026-01-31T18:00:00Z"


class BadDateError(ValueError):
    """Not a date, or a time that the clocks skip or show twice; the message is for the author."""


def find_timezone(name: str) -> ZoneInfo:
    """The IANA time zone of that name. Raises ValueError when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone") from error


def parse_date(text: str, timezone: tzinfo, *, day_end: bool = False) -> str:
    """`2026-01-31T22:59:00Z` for a date as authors write it. Raises `BadDateError`."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise BadDateError(_FORMS)
    day, clock, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}" if clock else day)
        if clock is None:
            moment = datetime.combine(moment, time(23, 59) if day_end else time())
        if offset is not None:
            moment = datetime.fromisoformat(f"{moment.isoformat()}{'+00:00' if offset in 'Zz' else offset}")
        else:
            moment = _local(moment, timezone)
        moment = moment.astimezone(UTC)
    except BadDateError:
        raise
    except (ValueError, OverflowError) as error:
        raise BadDateError(f"there is no such date or time; {_FORMS}") from error
    if moment.year < 1900:  # the platform drops them (Open edX: xblock_storage_handlers/view_handlers.py)
        raise BadDateError("dates before 1900 are not kept by the platform")
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _local(moment: datetime, timezone: tzinfo) -> datetime:
    first, second = (moment.replace(tzinfo=timezone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        back = first.astimezone(UTC).astimezone(timezone).replace(tzinfo=None)
        if back != moment:
            raise BadDateError("the clocks skip this time on that day; choose another, or write the offset")
        raise BadDateError("the clocks show this time twice on that day; write the offset, such as +01:00")
    return first

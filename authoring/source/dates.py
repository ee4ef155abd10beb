"""Dates as authors write them to dates as the platform keeps them: ISO 8601 in UTC.

2026-01-31                 the course's time zone; 23:59 for ends (`due`, `end`, `enrollment_end`), else 00:00
2026-01-31 18:00[:00]      the course's time zone; `T` instead of the space is the same
2026-01-31T18:00:00+01:00  as given; `Z` is UTC
week 3 sunday 23:59        in the course's third week; the first is the week, from Monday, in which it starts
start + 10 days 09:00      from the day on which the course starts; weeks and `-` as well

A week in which every day is a holiday does not count, and a relative date on a holiday moves to the next day that is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

DAY_ENDS = frozenset({"due", "end", "enrollment_end"})
"""Fields for which a date without a time means the end of that day."""

_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)? ?(Z|z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_FORMS = "write 2026-01-31, 2026-01-31 18:00, 2026-01-31T18:00:00Z, `week 3 sunday 23:59` or `start + 10 days`"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEK = re.compile(
    rf"week (-?\d{{1,3}})(?: ({'|'.join(_DAYS)}))?(?: (\d{{2}}:\d{{2}}(?::\d{{2}})?))?", re.ASCII | re.IGNORECASE
)
_OFFSET = re.compile(
    r"start(?: ?([+-]) ?(\d{1,4}) (day|week)s?)?(?: (\d{2}:\d{2}(?::\d{2})?))?", re.ASCII | re.IGNORECASE
)
_RELATIVE = re.compile(r"\s*(?:week|start)\b", re.IGNORECASE)
_LAST_WEEK = 520


@dataclass(frozen=True, slots=True)
class Calendar:
    """What relative dates are counted in: the local day on which the course starts, and its holidays (first, last)."""

    start: date | None = None
    holidays: tuple[tuple[date, date], ...] = ()

    def is_holiday(self, day: date) -> bool:
        return any(first <= day <= last for first, last in self.holidays)

    def week(self, number: int) -> date:
        """The Monday of the course's week `number`, from 1; weeks of nothing but holidays do not count.

        Raises BadDateError when the course has no start, or not so many weeks.
        """
        if self.start is None:
            raise BadDateError("a date relative to the start needs the course's `start`")
        monday = self.start - timedelta(days=self.start.weekday())
        if number < 1:
            return monday + timedelta(weeks=number - 1)
        counted = 0
        for _ in range(_LAST_WEEK):
            counted += not all(self.is_holiday(monday + timedelta(days=day)) for day in range(7))
            if counted == number:
                return monday
            monday += timedelta(weeks=1)
        raise BadDateError(f"there is no week {number}")

    def next_day(self, day: date) -> date:
        """That day, or the first after it that is no holiday."""
        for _ in range(7 * _LAST_WEEK):
            if not self.is_holiday(day):
                return day
            day += timedelta(days=1)
        raise BadDateError("it falls into holidays that do not end")


def is_relative(text: str) -> bool:
    """Whether a date is counted from the course's start."""
    return _RELATIVE.match(text) is not None


class BadDateError(ValueError):
    """Not a date, or a time that the clocks skip or show twice; the message is for the author."""


def find_timezone(name: str) -> ZoneInfo:
    """The IANA time zone of that name. Raises ValueError when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone") from error


def date_reader(timezone: tzinfo, calendar: Calendar | None = None) -> Callable[[str, str], str]:
    """A function `(text, field name) -> ISO date in UTC` for a course's time zone and calendar; it raises
    `BadDateError`."""
    calendar = calendar or Calendar()

    def read(text: str, field: str) -> str:
        if is_relative(text):
            return parse_relative(text, timezone, calendar, day_end=field in DAY_ENDS)
        return parse_date(text, timezone, day_end=field in DAY_ENDS)

    return read


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


def parse_relative(text: str, timezone: tzinfo, calendar: Calendar, *, day_end: bool = False) -> str:
    """The same for a date that is counted from the course's start. Raises `BadDateError`.

    The local time is kept whatever the clocks do between; a time that they skip becomes the first after it, one that they
    show twice is the first of the two.
    """
    words = " ".join(text.split())
    try:
        if (week := _WEEK.fullmatch(words)) is not None:
            number, name, clock = week.groups()
            weekday = _DAYS.index(name.lower()) if name else (6 if day_end else 0)
            day = calendar.week(int(number)) + timedelta(days=weekday)
        elif (offset := _OFFSET.fullmatch(words)) is not None:
            sign, count, unit, clock = offset.groups()
            if calendar.start is None:
                raise BadDateError("a date relative to the start needs the course's `start`")
            days = int(count or 0) * (7 if (unit or "").lower() == "week" else 1)
            day = calendar.start + timedelta(days=-days if sign == "-" else days)
        else:
            raise BadDateError(_FORMS)
        end = time(23, 59) if day_end else time()
        moment = datetime.combine(calendar.next_day(day), time.fromisoformat(clock) if clock else end)
    except BadDateError:
        raise
    except (ValueError, OverflowError) as error:
        raise BadDateError(f"there is no such date or time; {_FORMS}") from error
    there = moment.replace(tzinfo=timezone, fold=0)
    back = there.astimezone(UTC).astimezone(timezone)
    if back.replace(tzinfo=None) != moment:  # skipped: by as much later as the clocks were put forward
        there = back
    return there.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _local(moment: datetime, timezone: tzinfo) -> datetime:
    first, second = (moment.replace(tzinfo=timezone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        back = first.astimezone(UTC).astimezone(timezone).replace(tzinfo=None)
        if back != moment:
            raise BadDateError("the clocks skip this time on that day; choose another, or write the offset")
        raise BadDateError("the clocks show this time twice on that day; write the offset, such as +01:00")
    return first

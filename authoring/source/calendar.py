"""The calendar of one run: dates written relative to its start, and its holidays. Pure.

In: the start of the course in its time zone and its holidays. Out: ISO dates in UTC, as :mod:`authoring.source.dates` gives.

week 3                     the weekday of the start, in the third week; for ends (`due`, `end`, …) its Sunday
week 3 Sunday [23:59]      that day of the third week
start + 10 days [09:00]    days and weeks after the start, or before it (`-`); `start` may be left out
start [09:00]              the day of the start

Weeks begin on Monday, and the first is the one with the start in it. A week whose Monday to Friday are all holidays does not
count, and work is not due on a holiday. All is reckoned on the clock of the course's time zone: 23:59 stays 23:59 when the
clocks change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from authoring.model import SourceLocation
from authoring.source.dates import DAY_ENDS, BadDateError, parse_date

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
KEEP, AFTER, BEFORE = "keep", "after", "before"
MOVES = (KEEP, AFTER, BEFORE)
"""What becomes of a relative `due` on a holiday: it stays, with a warning; the next day that is none; the last before."""

LONGEST = 1000
"""Weeks from the start, or days by the thousand: beyond is a slip of the pen."""

FORMS = "write `week 3 Sunday 23:59`, `start + 10 days 09:00` or `-2 weeks`"

_CLOCK = r"(?:\s+(?P<clock>\d{1,2}:\d{2}(?::\d{2})?))?"
_WEEK = re.compile(rf"week\s+(?P<week>\d{{1,4}})(?:\s+(?P<day>[a-z]+))?{_CLOCK}", re.ASCII | re.IGNORECASE)
_OFFSET = re.compile(
    rf"(?:start\s*)?(?P<sign>[+-])\s*(?P<count>\d{{1,5}})\s*(?P<unit>[a-z]+){_CLOCK}", re.ASCII | re.IGNORECASE
)
_START = re.compile(rf"start{_CLOCK}", re.ASCII | re.IGNORECASE)
_LOOKS_RELATIVE = re.compile(r"\s*(?:week|start|[+-])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Holiday:
    """Days on which nothing is due, both ends included; `due` is one of `MOVES`."""

    name: str
    first: date
    last: date
    due: str = AFTER
    source: SourceLocation | None = None

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def is_relative(text: str) -> bool:
    """Whether a date is meant to be relative to the start, well written or not."""
    return _LOOKS_RELATIVE.match(text) is not None


@dataclass(frozen=True, slots=True)
class Calendar:
    """Reads every date of one run. `start` is the local day and time of the start, None when the course has none."""

    timezone: tzinfo = UTC
    start: datetime | None = None
    holidays: tuple[Holiday, ...] = ()

    def read(self, text: str, name: str) -> str:
        """The date that `text` is in a field of that name. Raises BadDateError."""
        if not is_relative(text):
            return parse_date(text.strip(), self.timezone, day_end=name in DAY_ENDS)
        try:
            local = self._local(text, name)
        except OverflowError as error:
            raise BadDateError("that is beyond the calendar") from error
        return self._utc(local, later=name in DAY_ENDS)

    def holiday_on(self, day: date) -> Holiday | None:
        """The holiday that a day is part of."""
        return next((holiday for holiday in self.holidays if day in holiday), None)

    def local(self, value: str) -> datetime:
        """A date of the platform (ISO, UTC) as the clocks of the course show it. Raises ValueError."""
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.astimezone(self.timezone).replace(tzinfo=None)

    def monday_of(self, week: int) -> date:
        """The Monday of a week of the course. Raises BadDateError."""
        if self.start is None:
            raise BadDateError("the course has no `start` that a date could be relative to")
        monday = self.start.date() - timedelta(days=self.start.weekday())
        try:
            for _ in range(week - 1):
                monday += timedelta(weeks=1)
                while self._is_off(monday):
                    monday += timedelta(weeks=1)
        except OverflowError as error:
            raise BadDateError("that is beyond the calendar") from error
        return monday

    def _is_off(self, monday: date) -> bool:
        return all(self.holiday_on(monday + timedelta(days=number)) for number in range(5))

    def _local(self, text: str, name: str) -> datetime:
        if match := _WEEK.fullmatch(text.strip()):
            day = self._day_of_week(int(match["week"]), match["day"], last=name in DAY_ENDS)
        elif match := _OFFSET.fullmatch(text.strip()):
            day = self._day_at(match["sign"], int(match["count"]), match["unit"].lower())
        elif match := _START.fullmatch(text.strip()):
            day = self._day_at("+", 0, "days")
        else:
            raise BadDateError(FORMS)
        if name == "due":
            day = self._moved(day)
        return datetime.combine(day, _clock(match["clock"], name))

    def _day_of_week(self, week: int, word: str | None, *, last: bool) -> date:
        if not 1 <= week <= LONGEST:
            raise BadDateError(f"weeks are counted from 1 to {LONGEST}; before the start, write `-2 weeks`")
        monday = self.monday_of(week)
        assert self.start is not None
        if word is None:
            return monday + timedelta(days=6 if last else self.start.weekday())
        return monday + timedelta(days=_weekday(word))

    def _day_at(self, sign: str, count: int, unit: str) -> date:
        if self.start is None:
            raise BadDateError("the course has no `start` that a date could be relative to")
        if unit not in ("day", "days", "week", "weeks"):
            raise BadDateError(f"{unit!r} is neither days nor weeks; {FORMS}")
        days = count * (7 if unit.startswith("week") else 1)
        if days > 7 * LONGEST:
            raise BadDateError(f"that is more than {LONGEST} weeks from the start")
        try:
            return self.start.date() + timedelta(days=days if sign == "+" else -days)
        except OverflowError as error:
            raise BadDateError("that is beyond the calendar") from error

    def _moved(self, day: date) -> date:
        holiday = self.holiday_on(day)
        if holiday is None or holiday.due == KEEP:
            return day
        step = timedelta(days=1 if holiday.due == AFTER else -1)
        while self.holiday_on(day) is not None:
            day += step
        return day

    def _utc(self, moment: datetime, *, later: bool) -> str:
        """A time that the clocks skip is as much later as they skip; of one that they show twice an end takes the second."""
        try:
            utc = moment.replace(tzinfo=self.timezone, fold=0).astimezone(UTC)
            if utc.astimezone(self.timezone).replace(tzinfo=None) == moment and later:
                utc = moment.replace(tzinfo=self.timezone, fold=1).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise BadDateError("that is beyond the calendar") from error
        if utc.year < 1900:
            raise BadDateError("dates before 1900 are not kept by the platform")
        return utc.strftime("%Y-%m-%dT%H:%M:%SZ")

    # -- another start --------------------------------------------------------------------------------------------------

    def shifted(self, value: str, to: Calendar) -> str:
        """A date of this run (ISO, UTC) in the run `to`: as many whole weeks later as its first week is, at the same weekday
        and the same time on the clock. What was not before the start is not before the new one.

        Raises BadDateError when one of them has no start, or `value` is no date.
        """
        weeks = to.monday_of(1) - self.monday_of(1)
        assert self.start is not None and to.start is not None
        try:
            local = self.local(value)
            moment = local + weeks
        except (ValueError, OverflowError) as error:
            raise BadDateError(f"{value!r} cannot be moved to another run") from error
        if local >= self.start:
            moment = max(moment, to.start)
        if moment == local and to.timezone == self.timezone:
            return value
        return to._utc(moment, later=False)


def _weekday(word: str) -> int:
    found = [number for number, day in enumerate(DAYS) if len(word) >= 3 and day.startswith(word.lower())]
    if len(found) != 1:
        raise BadDateError(f"{word!r} is no day of the week; {FORMS}")
    return found[0]


def _clock(text: str | None, name: str) -> time:
    if text is None:
        return time(23, 59) if name in DAY_ENDS else time()
    try:
        return time.fromisoformat(text if text[1] != ":" else f"0{text}")
    except ValueError as error:
        raise BadDateError(f"there is no such time as {text}") from error

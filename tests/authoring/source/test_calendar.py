"""Dates relative to the start of a course."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authoring.source.calendar import AFTER, BEFORE, KEEP, Calendar, Holiday, is_relative
from authoring.source.dates import BadDateError

MADRID = ZoneInfo("Europe/Madrid")
ZONES = [
    ZoneInfo(name) for name in ("Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
]
MONDAY = Calendar(MADRID, datetime(2027, 3, 1))
WEDNESDAY = Calendar(MADRID, datetime(2027, 3, 3, 9))


@pytest.mark.parametrize(
    ("calendar", "text", "name", "expected"),
    [
        (MONDAY, "week 1", "start", "2027-02-28T23:00:00Z"),
        (MONDAY, "week 1 Monday", "start", "2027-02-28T23:00:00Z"),
        (MONDAY, "week 3 Sunday 23:59", "due", "2027-03-21T22:59:00Z"),
        (MONDAY, "week 4 Sunday 23:59", "due", "2027-03-28T21:59:00Z"),  # the day on which the clocks change
        (MONDAY, "Week 4 sun", "due", "2027-03-28T21:59:00Z"),
        (MONDAY, "week 4 Sunday 02:30", "start", "2027-03-28T01:30:00Z"),  # skipped: 03:30 of the summer
        (WEDNESDAY, "week 1 Monday", "start", "2027-02-28T23:00:00Z"),
        (WEDNESDAY, "week 2", "start", "2027-03-09T23:00:00Z"),
        (WEDNESDAY, "week 2", "due", "2027-03-14T22:59:00Z"),
        (WEDNESDAY, "start", "start", "2027-03-02T23:00:00Z"),
        (WEDNESDAY, "start 18:00", "due", "2027-03-03T17:00:00Z"),
        (WEDNESDAY, "start + 10 days 09:00", "start", "2027-03-13T08:00:00Z"),
        (WEDNESDAY, "start+4 weeks", "due", "2027-03-31T21:59:00Z"),
        (WEDNESDAY, "-2 weeks", "enrollment_start", "2027-02-16T23:00:00Z"),
        (WEDNESDAY, "- 1 day 18:00", "enrollment_end", "2027-03-02T17:00:00Z"),
        (Calendar(MADRID, datetime(2026, 10, 19)), "week 1 Sunday 02:30", "start", "2026-10-25T00:30:00Z"),
        (Calendar(MADRID, datetime(2026, 10, 19)), "week 1 Sunday 02:30", "due", "2026-10-25T01:30:00Z"),
        (MONDAY, "2027-03-21", "due", "2027-03-21T22:59:00Z"),
    ],
)
def test_forms(calendar: Calendar, text: str, name: str, expected: str) -> None:
    assert calendar.read(text, name) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("week three", "write `week 3 Sunday"),
        ("week 3 Sonntag", "no day of the week"),
        ("week 3 s", "no day of the week"),
        ("week 0", "counted from 1"),
        ("week 3 Sunday 25:00", "no such time"),
        ("start + 3 months", "neither days nor weeks"),
        ("+ 99999 weeks", "more than 1000 weeks"),
        ("start at nine", "write `week 3 Sunday"),
        ("+-3 days", "write `week 3 Sunday"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(BadDateError, match=message):
        MONDAY.read(text, "due")


def test_a_course_without_a_start_has_no_weeks() -> None:
    for text in ("week 2", "+ 3 days"):
        with pytest.raises(BadDateError, match="no `start`"):
            Calendar(MADRID).read(text, "due")


def holidays(due: str) -> Calendar:
    easter = Holiday("Easter", date(2027, 3, 22), date(2027, 3, 28), due)
    return Calendar(MADRID, datetime(2027, 3, 1), (easter, Holiday("More", date(2027, 3, 29), date(2027, 3, 29), KEEP)))


def test_the_end_of_the_calendar() -> None:
    last = date(9999, 12, 31)
    calendar = Calendar(MADRID, datetime(9999, 12, 20), (Holiday("End", last, last),))
    for text in ("+ 11 days", "week 2 Friday", "week 3", "+ 1000 weeks"):
        with pytest.raises(BadDateError, match="beyond the calendar"):
            calendar.read(text, "due")


def test_a_week_off_does_not_count() -> None:
    assert holidays("keep").read("week 3 Friday 12:00", "due") == "2027-03-19T11:00:00Z"
    assert holidays("keep").read("week 4 Monday 12:00", "start") == "2027-03-29T10:00:00Z"


def test_what_is_due_on_a_holiday_moves_as_it_says() -> None:
    assert holidays("keep").read("+ 3 weeks", "due") == "2027-03-22T22:59:00Z"
    assert holidays(AFTER).read("+ 3 weeks", "due") == "2027-03-30T21:59:00Z"  # past the next one as well
    assert holidays(BEFORE).read("+ 3 weeks", "due") == "2027-03-21T22:59:00Z"
    assert holidays(AFTER).read("+ 3 weeks", "start") == "2027-03-21T23:00:00Z"
    assert holidays(AFTER).read("2027-03-22", "due") == "2027-03-22T22:59:00Z"


starts = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, second=0)
)
zones = st.sampled_from(ZONES)
weeks = st.integers(1, 300)
breaks = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 20)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=5
)


def calendar_of(start: datetime, zone: ZoneInfo, spans: list[tuple[int, int]]) -> Calendar:
    day = start.date()
    found = (Holiday("x", day + timedelta(days=first), day + timedelta(days=last), KEEP) for first, last in spans)
    return Calendar(zone, start, tuple(found))


@given(starts, zones, breaks, weeks, weeks, st.integers(0, 6), st.integers(0, 6))
def test_order_is_kept(
    start: datetime, zone: ZoneInfo, spans: list[tuple[int, int]], one: int, two: int, day: int, other: int
) -> None:
    calendar = calendar_of(start, zone, spans)
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    first, second = sorted([(one, day), (two, other)])
    read = [calendar.read(f"week {week} {names[number]} 12:00", "due") for week, number in (first, second)]
    assert read == sorted(read)
    assert (read[0] == read[1]) == (first == second)


@given(starts, zones, breaks, weeks)
def test_the_time_on_the_clock_is_kept(
    start: datetime, zone: ZoneInfo, spans: list[tuple[int, int]], week: int
) -> None:
    calendar = calendar_of(start, zone, spans)
    assert calendar.local(calendar.read(f"week {week} Sunday", "due")).strftime("%A %H:%M") == "Sunday 23:59"
    monday = calendar.monday_of(week)
    assert monday.weekday() == 0
    assert week == 1 or not all(calendar.holiday_on(monday + timedelta(days=number)) for number in range(5))


@given(starts, zones, st.integers(0, 3000))
def test_forth_and_back_is_where_it_was(start: datetime, zone: ZoneInfo, days: int) -> None:
    there = calendar_of(start, zone, [])
    shown = there.local(there.read(f"start + {days} days 12:00", "start"))
    back = calendar_of(shown, zone, [])
    assert back.local(back.read(f"start - {days} days 12:00", "start")).date() == start.date()


@given(starts, starts, zones, st.lists(st.tuples(st.integers(-200, 400), st.integers(8 * 60, 24 * 60 - 1)), max_size=6))
def test_another_start_moves_absolute_dates_by_whole_weeks(
    start: datetime, other: datetime, zone: ZoneInfo, moments: list[tuple[int, int]]
) -> None:
    ours, theirs = calendar_of(start, zone, []), calendar_of(other, zone, [])
    midnight = start.replace(hour=0, minute=0)
    written = sorted(midnight + timedelta(days=days, minutes=minutes) for days, minutes in moments)
    values = [ours.read(moment.isoformat(sep=" "), "start") for moment in written]
    shifted = [ours.shifted(value, theirs) for value in values]
    assert shifted == sorted(shifted)
    for moment, value in zip(written, shifted, strict=True):
        local = theirs.local(value)
        if local != other and moment.hour >= 8:  # not moved to the start itself
            assert local.time() == moment.time()
            assert (local - moment).days % 7 == 0
            assert theirs.shifted(value, ours) == ours.read(moment.isoformat(sep=" "), "start") or moment < start


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_refused(text: str) -> None:
    with suppress(BadDateError):
        Calendar(UTC, datetime(2027, 1, 4)).read(text, "due")


def test_what_looks_relative() -> None:
    assert all(map(is_relative, ("week 2", "start", "Start + 1 day", " -2 weeks", "+1 day")))
    assert not any(map(is_relative, ("2027-01-01", "", "tomorrow")))

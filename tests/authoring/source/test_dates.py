"""Dates as authors write them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authoring.source.calendar import Calendar
from authoring.source.dates import BadDateError, find_timezone, parse_date

MADRID = ZoneInfo("Europe/Madrid")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31", "2026-01-30T23:00:00Z"),
        ("2026-01-31 18:00", "2026-01-31T17:00:00Z"),
        ("2026-07-31T18:00:30", "2026-07-31T16:00:30Z"),
        ("2026-01-31T18:00:00Z", "2026-01-31T18:00:00Z"),
        ("2026-01-31 18:00:00 +0530", "2026-01-31T12:30:00Z"),
        ("2026-10-25 02:30+01:00", "2026-10-25T01:30:00Z"),
        ("2026-01-31T18:00:00.123456Z", "2026-01-31T18:00:00Z"),
    ],
)
def test_forms(text: str, expected: str) -> None:
    assert parse_date(text, MADRID) == expected


def test_ends_mean_the_end_of_the_day() -> None:
    read = Calendar(MADRID).read
    assert read("2026-01-31", "due") == "2026-01-31T22:59:00Z"
    assert read("2026-01-31", "start") == "2026-01-30T23:00:00Z"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-03-29 02:30", "skip this time"),
        ("2026-10-25 02:30", "this time twice"),
        ("2026-02-30", "no such date"),
        ("2026-01-31 25:00", "no such date"),
        ("0001-01-01T00:00:00+14:00", "no such date"),
        ("1850-01-01", "before 1900"),
        ("31.1.2026", "write 2026-01-31"),
        ("tomorrow", "write 2026-01-31"),
        ("", "write 2026-01-31"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(BadDateError, match=message):
        parse_date(text, MADRID)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../../etc/passwd", "Europe", "\0"])
def test_no_such_time_zone(name: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone"):
        find_timezone(name)


@given(
    st.datetimes(min_value=datetime(1900, 1, 2), max_value=datetime(2200, 1, 1)).map(lambda d: d.replace(microsecond=0))
)
def test_utc_comes_back_as_it_was(moment: datetime) -> None:
    assert parse_date(f"{moment.isoformat()}Z", MADRID) == f"{moment.isoformat()}Z"
    assert parse_date(moment.isoformat(), UTC) == f"{moment.isoformat()}Z"


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_refused(text: str) -> None:
    with suppress(BadDateError):
        parse_date(text, MADRID)

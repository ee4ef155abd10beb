"""The file of a new run: every absolute date moved, every relative one left to follow the start."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authoring.errors import SourceError
from authoring.model import Course
from authoring.registry import FieldType, field_spec
from authoring.runfile import new_run, read_schedule
from authoring.source import SourceFile, SourceTree, compile_course, read_tree, tree_of
from tests.conftest import write_tree

ZONE = ZoneInfo("America/New_York")
FILES: dict[str, str | bytes] = {
    "course.yaml": "org: Demo\nnumber: DS101\nrun: 2026_T3\ntitle: Data\ntimezone: America/New_York\nstart: 2026-09-14 09:00\n"
    "end: week 8 Sunday\nenrollment_start: 2026-06-01\nsettings:\n  enrollment_end: 2026-09-20\n",
    "01-a/section.yaml": "start: 2026-09-14 09:00\n",  # with the course
    "01-a/01-b/subsection.yaml": "format: Homework\ndue: 2026-11-01 23:59\n",  # the night of the change to winter
    "01-a/02-c/subsection.yaml": "format: Homework\nstart: 2030-01-01T00:00:00Z\ndue: week 2\n",
    "01-a/02-c/01-d.md": "---\nstart: 2026-10-05T12:00:00-04:00\n---\nWords.\n\n"
    ":::problem {#sum}\ndue: 2026-10-11\n---\n>>1 + 1<<\n\n= 2\n:::\n",
    "01-a/02-c/02-e.xml": '<vertical display_name="E"><problem url_name="old" due="2026-10-18T03:59:00Z"><p>?</p></problem></vertical>\n',
}
WRITTEN = """\
# The run 2027_T1, made from 2026_T3. What stands here holds for this run; all else is as in the course itself.
# Dates that are written relative to the start (`week 3 Sunday 23:59`) follow it and are not listed.
run: 2027_T1
start: 2027-01-12 09:00
enrollment_start: 2026-09-28
enrollment_end: 2027-01-17
blocks:
  01-a:
    start: 2027-01-12 09:00
  01-a/01-b:
    due: 2027-02-28
  01-a/02-c/01-d.md:
    start: 2027-02-01 12:00
  problem/sum:
    due: 2027-02-07
  problem/old:
    due: 2027-02-13
"""


def tree(folder: Path, **more: str) -> SourceTree:
    read, findings = read_tree(write_tree(folder, {**FILES, **more}))
    assert read is not None
    assert not findings.errors
    return read


def test_the_file_of_a_run_that_begins_on_another_weekday(tmp_path: Path) -> None:
    assert new_run(read_schedule(tree(tmp_path)), "2027_T1", "2027-01-12") == WRITTEN


def with_file(source: SourceTree, path: str, text: str) -> SourceTree:
    """The folder with one file more."""
    file = SourceFile(PurePosixPath(path), Path(path), len(text), text.encode())
    return tree_of([*source.files.values(), file])


def moments(course: Course) -> dict[tuple[str, str], datetime]:
    """Every date of a course as the clocks show it."""
    found = {}
    for block in course.blocks():
        for name, value in block.fields.items():
            spec = field_spec(block.category, name)
            if spec is not None and spec.type is FieldType.DATE and isinstance(value, str):
                found[str(block.key), name] = datetime.fromisoformat(value).astimezone(ZONE).replace(tzinfo=None)
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.integers(-400, 4000))
def test_every_date_keeps_its_weekday_and_time_and_nothing_is_moved_twice(tmp_path: Path, days: int) -> None:
    source = tree(tmp_path)
    schedule = read_schedule(source)
    start = datetime(2026, 9, 14, 9) + timedelta(days=days)
    text = new_run(schedule, "next", f"{start:%Y-%m-%d}")
    copy = with_file(source, "runs/next.yaml", text)
    course, findings = compile_course(copy, "next")
    assert course is not None, list(findings)
    before, after = moments(schedule.course), moments(course)
    assert before.keys() == after.keys()
    for place, old in before.items():
        new = after[place]
        if place == ("sequential/c", "start"):
            assert new == old, "not yet"
        elif place == ("chapter/a", "start") and start.weekday():
            assert new == start, "not before the course"
        elif place != ("course/course", "start"):
            assert (new.weekday(), new.time()) == (old.weekday(), old.time()), place
            assert (new - old) % timedelta(weeks=1) == timedelta(), place
    assert after["course/course", "start"] == start
    third = new_run(read_schedule(copy, "next"), "third", f"{start:%Y-%m-%d}")
    assert "due:" not in third, "the same start moves nothing"


@pytest.mark.parametrize(
    ("run", "start", "said"),
    [
        ("2026_T3", "2027-01-12", "is the run that is to be copied"),
        ("2027 T1", "2027-01-12", "holds a space"),
        ("2027_T1", "soon", "--start 'soon': write 2026-01-31"),
        ("2027_T1", "9999-12-30", "cannot be moved"),
    ],
)
def test_what_can_be_no_run(run: str, start: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as failure:
        new_run(read_schedule(tree(tmp_path)), run, start)
    assert said in failure.value.message


def test_a_course_without_a_start_has_nothing_to_count_from(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="has no `start`"):
        new_run(
            read_schedule(
                tree(tmp_path, **{"course.yaml": "org: D\nnumber: N\nrun: r\n", "01-a/02-c/subsection.yaml": ""})
            ),
            "s",
            "2027-01-12",
        )

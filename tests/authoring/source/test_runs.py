"""`runs/RUN.yaml`, relative dates and holidays in a course folder."""

from __future__ import annotations

from pathlib import Path

from authoring.model import BlockKey, Course
from authoring.source import read_course
from tests.conftest import BuildCourse

COURSE = """org: Demo
number: DS101
run: 2026_T3
title: Data
timezone: Europe/Madrid
start: 2026-09-14
end: week 8 Sunday
holidays:
  Bridge: 2026-10-12
settings:
  language: en
  enrollment_end: -3 days 12:00
lti_passports:
  one: {key_env: ONE_KEY, secret_env: ONE_SECRET}
  two: {key_env: TWO_KEY, secret_env: TWO_SECRET}
"""
FILES = {
    "course.yaml": COURSE,
    "01-a/section.yaml": "start: week 2 Monday\n",
    "01-a/01-b/subsection.yaml": "format: Homework\ndue: week 3 Sunday 23:59\n",
    "01-a/01-b/01-c.md": "Words.\n\n:::problem {#sum}\nmax_attempts: 2\n---\n>>1 + 1<<\n\n= 2\n:::\n",
}
RUN = """start: 2027-03-08
title: Data in spring
language: es
holidays:
  Easter: 2027-03-22 to 2027-04-02
lti_passports:
  two: {key_env: OTHER_KEY, secret_env: OTHER_SECRET}
blocks:
  01-a/01-b: {hide_after_due: true}
  problem/sum:
    max_attempts: 1
"""


def compiled(folder: Path, run: str | None = None) -> Course:
    course, findings = read_course(folder, run)
    assert course is not None, [str(finding) for finding in findings]
    return course


def field(course: Course, key: str, name: str) -> object:
    return next(block for block in course.blocks() if block.key == BlockKey.parse(key)).fields.get(name)


def test_dates_follow_the_start(build_course: BuildCourse) -> None:
    course = compiled(build_course(FILES))
    assert course.root.fields["end"] == "2026-11-08T22:59:00Z"
    assert course.root.fields["enrollment_end"] == "2026-09-11T10:00:00Z"
    assert field(course, "chapter/a", "start") == "2026-09-20T22:00:00Z"
    assert field(course, "sequential/b", "due") == "2026-10-04T21:59:00Z"


def test_a_run_lays_its_file_over_the_course(build_course: BuildCourse) -> None:
    course = compiled(build_course({**FILES, "runs/2027_T1.yaml": RUN}), "2027_T1")
    assert str(course.id) == "course-v1:Demo+DS101+2027_T1"
    assert course.root.display_name == "Data in spring"
    assert course.root.fields["language"] == "es"
    assert course.root.fields["enrollment_end"] == "2027-03-05T11:00:00Z"
    # Two weeks of Easter lie between the second and the third week of the course, and the clocks change.
    assert field(course, "sequential/b", "due") == "2027-04-11T21:59:00Z"
    assert field(course, "sequential/b", "hide_after_due") is True
    assert field(course, "problem/sum", "max_attempts") == 1
    assert [(one.lti_id, one.key_env) for one in course.lti_passports] == [("one", "ONE_KEY"), ("two", "OTHER_KEY")]


def test_without_the_option_a_run_changes_nothing(build_course: BuildCourse) -> None:
    folder = build_course({**FILES, "runs/2027_T1.yaml": RUN})
    course, findings = read_course(folder)
    assert course is not None
    assert str(course.id) == "course-v1:Demo+DS101+2026_T3"
    assert not [finding for finding in findings if finding.code.name == "unused-path"]
    assert compiled(folder, "2026_T3") == course


def test_what_is_wrong_in_a_run_is_said_with_its_line(build_course: BuildCourse) -> None:
    bad = (
        "run: 2027_T2\nnumber: X\nstrat: 2027-01-01\nstart: 2027-01-11\nblocks:\n"
        "  01-a/01-bb: {due: week 2}\n  01-a/01-b: {deu: week 2, due: week 2 Sonday}\n"
    )
    _, findings = read_course(build_course({**FILES, "runs/2027_T1.yaml": bad}), "2027_T1")
    said = {f"{finding.where}: {finding.message} ({finding.hint})" for finding in findings.errors}
    for line in (
        "runs/2027_T1.yaml:1: the file is for the run '2027_T1', and says '2027_T2'",
        "runs/2027_T1.yaml:2: 'number' cannot differ between the runs of a course",
        "runs/2027_T1.yaml:3: 'strat' is not a key of a run (did you mean 'start'?)",
        "runs/2027_T1.yaml:6: the course has no '01-a/01-bb' (did you mean '01-a/01-b'?)",
        "runs/2027_T1.yaml:7: 'deu' is not a key of a sequential (did you mean 'due'?)",
        "runs/2027_T1.yaml:7: 'due' cannot be 'week 2 Sonday': 'Sonday' is no day of the week",
    ):
        assert any(text.startswith(line) for text in said), (line, said)


def test_a_run_nobody_wrote(build_course: BuildCourse) -> None:
    _, findings = read_course(build_course({**FILES, "runs/2027_T1.yaml": RUN}), "2027_T2")
    (finding,) = findings.errors
    assert finding.message == "there is no runs/2027_T2.yaml"
    assert "2027_T1" in (finding.hint or "")


def test_work_due_on_a_holiday(build_course: BuildCourse) -> None:
    subsection = "01-a/01-b/subsection.yaml"
    bridge = "format: Homework\ndue: week 5 Monday\n"
    kept = COURSE.replace("Bridge: 2026-10-12", "Bridge: {days: 2026-10-12, due: keep}")
    _, findings = read_course(build_course({**FILES, subsection: bridge, "course.yaml": kept}))
    (finding,) = [finding for finding in findings if finding.code.name == "due-on-holiday"]
    assert f"{finding.where}" == f"{subsection}:2"
    assert "Monday 2026-10-12, which is a holiday (Bridge)" in finding.message
    folder = build_course({**FILES, subsection: bridge})
    course, findings = read_course(folder)
    assert course is not None
    assert not findings
    assert field(course, "sequential/b", "due") == "2026-10-13T21:59:00Z"


def test_bad_holidays_and_starts(build_course: BuildCourse) -> None:
    bad = COURSE.replace("start: 2026-09-14", "start: week 2").replace(
        "  Bridge: 2026-10-12\n",
        "  A: 2026-10-12 to 2026-10-01\n  B: {day: 2026-10-12}\n  C: {days: 2026-10-12, due: aftr}\n  D: [1]\n",
    )
    _, findings = read_course(build_course({**FILES, "course.yaml": bad}))
    said = [f"{finding.where}: {finding.message} ({finding.hint})" for finding in findings.errors]
    for line in (
        "course.yaml:6: the course's `start` cannot be relative to itself",
        "course.yaml:9: the days of 'A' cannot be '2026-10-12 to 2026-10-01' (write 2027-03-29 or",
        "course.yaml:10: 'day' is not a key of a holiday (did you mean 'days'?)",
        "course.yaml:11: 'due' cannot be 'aftr' (did you mean 'after'?)",
        "course.yaml:12: 'D' takes `key: value` lines",
        "course.yaml:7: 'end' cannot be 'week 8 Sunday': the course has no `start`",
    ):
        assert any(text.startswith(line) for text in said), (line, said)


def test_open_responses_know_relative_dates_too(build_course: BuildCourse) -> None:
    unit = (
        ":::openassessment {#report}\ntitle: Report\nsubmission_start: week 2 Monday 09:00\nsubmission_due: week 4 Sunday\n"
        "rubric_assessments:\n  - {name: self-assessment, start: null, due: week 7 Sunday}\n:::\n"
    )
    course = compiled(build_course({**FILES, "01-a/01-b/02-d.md": unit}))
    assert field(course, "openassessment/report", "submission_start") == "2026-09-21T07:00:00"
    assert field(course, "openassessment/report", "submission_due") == "2026-10-11T21:59:00"
    steps = field(course, "openassessment/report", "rubric_assessments")
    assert steps == [{"name": "self-assessment", "start": None, "due": "2026-11-01T22:59:00"}]

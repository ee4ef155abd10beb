"""test: a course's problems before the platform's own grading engine."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from authoring.cli import options
from authoring.cli.output import count_line, echo, echo_json, handle_errors, show_diagnostics
from authoring.diagnostics import Diagnostic, Diagnostics
from authoring.errors import SourceError
from authoring.grading import ProblemGrade, grade_problems
from authoring.model import Block
from authoring.source import read_course


@click.command()
@options.course_folder
@options.allow_code
@options.as_json
@handle_errors
def test(folder: Path, allow_code: bool, as_json: bool) -> None:
    """Grade every problem with the platform's own engine: right and wrong answers, and the stated `tests:`."""
    course, diagnostics = read_course(folder)
    if course is None:
        raise SourceError(f"{folder}: the course cannot be read", diagnostics)
    grades = list(grade_problems(course, allow_code=allow_code))
    passed = all(grade.passed for grade in grades)
    findings = [finding for grade in grades for finding in grade.findings]
    if as_json:
        echo_json(_report(course.id, passed, grades, findings))
    else:
        show_diagnostics(findings)
        echo(f"{folder}: {_summary(grades)}, {count_line(findings)}")
    sys.exit(0 if passed else 1)


def _summary(grades: Iterable[ProblemGrade]) -> str:
    """`34 of 35 problems graded, 2 of 3 stated tests passed`."""
    grades = list(grades)
    tests = [result for grade in grades for result in grade.tests]
    graded = sum(grade.graded for grade in grades)
    parts = [f"{graded} of {len(grades)} problems graded"]
    if tests:
        parts.append(f"{sum(result.passed for result in tests)} of {len(tests)} stated tests passed")
    return ", ".join(parts)


def _report(
    course: object, passed: bool, grades: Iterable[ProblemGrade], findings: Iterable[Diagnostic]
) -> dict[str, object]:
    return {
        "ok": passed,
        "course": str(course),
        "problems": [_problem_report(grade) for grade in grades],
        "diagnostics": [finding.to_json() for finding in Diagnostics(findings).sorted()],
    }


def _problem_report(grade: ProblemGrade) -> dict[str, object]:
    return {
        "key": str(grade.block.key),
        **_place(grade.block),
        "ok": grade.passed,
        "graded": grade.graded,
        "max_score": grade.verdict.max_score,
        "tests": [
            {
                "answer": result.test.answer,
                "expected": result.test.score,
                "score": result.score,
                "ok": result.passed,
                "message": result.message,
            }
            for result in grade.tests
        ],
    }


def _place(block: Block) -> dict[str, object]:
    where = block.source
    return {"path": str(where.path) if where else None, "line": where.line if where else None}

"""The option `tests:` of problems, and `authoring test` where the platform's engine is not installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from authoring.cli import main
from authoring.diagnostics import Diagnostics
from authoring.model import Course, ProblemTest
from authoring.source import read_course

UNIT = "01-section/01-subsection/01-unit.md"


def write_course(folder: Path, unit: str) -> Path:
    """A course of one unit."""
    (folder / UNIT).parent.mkdir(parents=True)
    (folder / "course.yaml").write_text("org: Org\nnumber: N1\nrun: R1\ntitle: Title\n", "utf-8")
    (folder / UNIT).write_text(unit, "utf-8")
    return folder


def problem(tests: str) -> str:
    return f":::problem {{#one}}\ntests:\n{tests}\n---\n>>Two and one?<<\n\n= 3\n:::\n"


def read(folder: Path, unit: str) -> tuple[Course | None, Diagnostics]:
    course, findings = read_course(write_course(folder, unit))
    return course, Diagnostics(findings)


def test_tests_are_read_as_written_and_do_not_travel(tmp_path: Path) -> None:
    tests = '  - {answer: 3.10, score: 1}\n  - {answer: [No, [a, ""]], score: 0.5}\n  - answer: ""\n    score: 0'
    course, findings = read(tmp_path, problem(tests))
    assert course is not None, list(findings)
    block = next(block for block in course.blocks() if block.category == "problem")
    assert block.tests == (ProblemTest("3.10", 1), ProblemTest(("No", ("a", "")), 0.5), ProblemTest("", 0))
    assert [test.source.line for test in block.tests if test.source] == [3, 4, 5]
    assert "tests" not in block.fields
    assert "tests" not in (block.content or "")


@pytest.mark.parametrize(
    ("tests", "line", "words"),
    [
        ("  - {answer: 3}", 3, "no `score`"),
        ("  - {score: 1}", 3, "no `answer`"),
        ("  - {answer: 3, score: 2}", 3, "'score' cannot be '2'"),
        ("  - {answer: 3, score: nan}", 3, "'score' cannot be 'nan'"),
        ("  - {answer: 3, score: [1]}", 3, "takes text"),
        ("  - {answer: [[[3]]], score: 1}", 3, "nests too deep"),
        ("  - {answer: {a: 3}, score: 1}", 3, "takes a list"),
        ("  - {answer: 3, score: 1, points: 2}", 3, "'points' is not a key"),
        ("  - 3", 3, "`key: value` lines"),
        ("  3: 1", 2, "takes a list"),
    ],
)
def test_what_is_no_test_is_an_error_at_its_line(tmp_path: Path, tests: str, line: int, words: str) -> None:
    course, findings = read(tmp_path, problem(tests))
    assert course is None
    (error,) = findings.errors
    assert words in error.message
    assert str(error.where) == f"{UNIT}:{line}"


@pytest.mark.parametrize("command", [["test"], ["check", "--grade"]])
def test_without_the_engine_it_says_what_to_install(
    tmp_path: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xblocks_contrib", None)  # as if it were not there
    folder = write_course(tmp_path, problem("  - {answer: 3, score: 1}"))
    result = CliRunner().invoke(main, [*command, str(folder)])
    assert result.exit_code == 1
    assert "xblocks-contrib) is not installed" in result.stderr
    assert "ibl-course-authoring[real]" in result.stderr
    report = json.loads(CliRunner().invoke(main, [*command, str(folder), "--json"]).stdout)
    assert report["error"]["kind"] == "EngineError"


def test_consent_to_code_is_consent_to_grading(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["check", str(tmp_path), "--allow-code"])
    assert result.exit_code == 2


def test_a_broken_course_is_not_graded(tmp_path: Path) -> None:
    folder = write_course(tmp_path, ":::problem\n>>Open?<<\n\n= 3\n")
    result = CliRunner().invoke(main, ["test", str(folder)])
    assert result.exit_code == 1
    assert f"{UNIT}:1: error[unclosed-directive]" in result.stderr

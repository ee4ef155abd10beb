"""`authoring test` and `check --grade` with the platform's own engine: what passes, and that nothing wrong does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from authoring.cli import main
from authoring.grading import EngineProcess, available, grade_course, grade_problems
from authoring.model import Course
from authoring.source import read_course

SAMPLES = Path(__file__).parents[2] / "sample_courses"
UNIT = "01-section/01-subsection/01-unit.md"

pytestmark = pytest.mark.skipif(not available(), reason="xblocks-contrib is not installed (extra `real`)")

CourseOf = Callable[[str], Path]


@pytest.fixture
def course_of(tmp_path: Path) -> CourseOf:
    """A course folder with one unit."""

    def write(unit: str) -> Path:
        (tmp_path / UNIT).parent.mkdir(parents=True)
        (tmp_path / "course.yaml").write_text("org: Org\nnumber: N1\nrun: R1\ntitle: Title\n", "utf-8")
        (tmp_path / UNIT).write_text(unit, "utf-8")
        return tmp_path

    return write


def load(folder: Path) -> Course:
    course, findings = read_course(folder)
    assert course is not None, list(findings)
    return course


def problem(body: str, tests: str = "", name: str = "one") -> str:
    options = f"tests:\n{tests}" if tests else ""
    return f":::problem {{#{name}}}\n{options}---\n{body}\n:::\n\n"


def script(code: str) -> str:
    return (
        ':::olx\n<problem url_name="one">\n<script type="loncapa/python">\n'
        f"{code}\n</script>\n"
        '<customresponse cfn="check"><label>Anything?</label><textline correct_answer="yes"/></customresponse>\n'
        "</problem>\n:::\n"
    )


@pytest.mark.parametrize("name", sorted(path.parent.name for path in SAMPLES.glob("*/course.yaml")))
def test_every_problem_of_the_sample_courses_is_graded(name: str) -> None:
    grades = list(grade_problems(load(SAMPLES / name), allow_code=True))
    assert grades
    assert [str(finding) for grade in grades for finding in grade.findings] == []
    assert all(grade.graded for grade in grades)
    assert all(result.passed for grade in grades for result in grade.tests)


TESTED = (
    problem(
        ">>Which are *even*?<<\n\n[x] **two**\n[ ] three\n[x] four",
        "  - {answer: [two, four], score: 1}\n  - {answer: two, score: 0}\n  - {answer: [], score: 0}\n",
        "boxes",
    )
    + problem(
        ">>Two and one?<<\n\n= 3 +- 0.1\n\n---\n\n>>Colour?<<\n\n[[red, (green), blue]]\n\n---\n\n>>Odd?<<\n\n(x) 1\n( ) 2",
        "  - {answer: [3.05, green, 1], score: 1}\n  - {answer: [4, green, 1], score: 0.67}\n"
        '  - {answer: ["", "", ""], score: 0}\n  - {answer: [three, red, 2], score: 0}\n',
        "several",
    )
    + problem(
        ">>Capital?<<\n\n= Paris\nor= Lutetia", "  - {answer: paris, score: 1}\n  - {answer: Rome, score: 0}\n", "text"
    )
)


def test_stated_tests_of_every_kind_of_answer_pass(course_of: CourseOf) -> None:
    result = CliRunner().invoke(main, ["test", str(course_of(TESTED)), "--json"])
    report = json.loads(result.stdout)
    assert [row for p in report["problems"] for row in p["tests"] if not row["ok"]] == []
    assert (result.exit_code, report["ok"], [len(p["tests"]) for p in report["problems"]]) == (0, True, [3, 4, 2])


def test_a_test_that_fails_is_shown_at_its_line(course_of: CourseOf) -> None:
    tests = "  - {answer: 3, score: 1}\n  - {answer: 4, score: 1}\n"
    folder = course_of(problem(">>Two and one?<<\n\n= 3", tests))
    result = CliRunner().invoke(main, ["test", str(folder)])
    assert result.exit_code == 1
    assert f"{UNIT}:4: error[problem-test-failed]: problem 'one': '4' scores 0, not 1" in result.stderr
    assert "1 of 1 problems graded, 1 of 2 stated tests passed" in result.stdout
    assert CliRunner().invoke(main, ["check", str(folder)]).exit_code == 0
    checked = CliRunner().invoke(main, ["check", "--grade", str(folder)])
    assert checked.exit_code == 1
    assert f"{UNIT}:4: error[problem-test-failed]" in checked.stderr


def test_a_test_that_names_no_choice_proves_nothing(course_of: CourseOf) -> None:
    unit = problem(">>Odd?<<\n\n(x) 1\n( ) 2", "  - {answer: 7, score: 0}\n  - {answer: [1, 2], score: 0}\n")
    codes = [(f.code.name, str(f.where)) for f in grade_course(load(course_of(unit)))]
    assert codes == [("problem-test-not-run", f"{UNIT}:3"), ("problem-test-not-run", f"{UNIT}:4")]


@pytest.mark.parametrize(
    ("olx", "code"),
    [
        ('<numericalresponse answer="[5,3]"><formulaequationinput/></numericalresponse>', "right-answer-refused"),
        (
            '<numericalresponse answer="3"><responseparam type="tolerance" default="1000000%"/>'
            "<formulaequationinput/></numericalresponse>",
            "wrong-answer-accepted",
        ),
        ('<numericalresponse answer="three"><formulaequationinput/></numericalresponse>', "problem-does-not-load"),
        ("<optionresponse><optioninput/></optionresponse>", "problem-does-not-load"),
        (
            '<stringresponse answer="^y(es)?$" type="regexp"><textline/></stringresponse>',
            "not-gradable",
        ),
    ],
)
def test_a_problem_with_a_broken_answer_is_found(olx: str, code: str, course_of: CourseOf) -> None:
    unit = f':::olx\n<problem url_name="one">\n{olx}\n</problem>\n:::\n'
    findings = grade_course(load(course_of(unit)))
    assert [(f.code.name, str(f.where)) for f in findings] == [(code, f"{UNIT}:2")]


def test_a_course_says_how_grave_a_finding_is(course_of: CourseOf) -> None:
    folder = course_of(problem(">>Two?<<\n\n= 2", "  - {answer: 3, score: 1}\n"))
    with (folder / "course.yaml").open("a", encoding="utf-8") as file:
        file.write("checks: {problem-test-failed: warning}\n")
    assert CliRunner().invoke(main, ["test", str(folder)]).exit_code == 0


def test_python_runs_with_consent_only(course_of: CourseOf, tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    code = f"open({str(trace)!r}, 'w').close()\ndef check(expect, answer):\n    return answer == 'yes'"
    course = load(course_of(script(code)))
    (finding,) = grade_course(course)
    assert finding.code.name == "not-gradable"
    assert "--allow-code" in str(finding)
    assert not trace.exists()
    assert grade_course(course, allow_code=True) == ()
    assert trace.exists()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("while True:\n    pass", "has not come to an end after 2 seconds"),
        ("import os\nos._exit(3)", "ends the engine's process"),
        ("raise ValueError('odd')", "odd"),
    ],
)
def test_a_script_that_hangs_or_crashes_takes_nothing_else_with_it(code: str, words: str, course_of: CourseOf) -> None:
    sound = problem(">>Two?<<\n\n= 2", name="sound")
    course = load(course_of(script(code) + sound))
    broken, other = grade_problems(course, allow_code=True, time_limit=2)
    assert [f.code.name for f in broken.findings] == ["problem-does-not-load"]
    assert words in broken.findings[0].message
    assert other.graded
    assert other.findings == ()


def test_what_a_script_prints_and_reads_is_not_the_conversation() -> None:
    olx = script("import sys\nprint('{\"error\": null}')\nassert sys.stdin.read() == ''").split("\n", 1)[1]
    with EngineProcess(allow_code=True) as engine:
        verdict = engine.judge(olx.removesuffix("\n:::\n"))
    assert verdict.max_score == 1


def test_an_outside_grader_is_not_called() -> None:
    olx = '<problem><externalresponse url="http://127.0.0.1:9/"><textbox/></externalresponse></problem>'
    with EngineProcess() as engine:
        assert engine.judge(olx).outside == "a grader at a web address"

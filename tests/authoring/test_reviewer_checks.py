"""The checks that a reviewer would make: each finds its mistake, at its place, and nothing in a sound course."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from authoring.checks import check_course
from authoring.cli import main
from authoring.resources import samples_dir
from authoring.source import read_course
from tests.conftest import BuildCourse

UNIT = "01-a/01-b/01-u.md"


def problem(body: str) -> str:
    return f":::problem {{#p}}\n---\n{body}\n:::\n"


def olx(body: str) -> str:
    return f":::olx {{#p}}\n<problem>{body}</problem>\n:::\n"


CASES = [
    ("no-correct-answer", problem(">>Q<<\n\n( ) A\n( ) B")),
    ("no-correct-answer", olx("<optionresponse><optioninput options=\"('a','b')\"/></optionresponse>")),
    ("no-correct-answer", olx('<stringresponse answer=""><textline/></stringresponse>')),
    ("duplicate-choice", problem(">>Q<<\n\n( ) A\n(x) B\n( ) A {{ another feedback }}")),
    ("impossible-answer", problem(">>Q<<\n\n= [7, 5]")),
    ("impossible-answer", problem(">>Q<<\n\n= (5, 5]")),
    (
        "impossible-answer",
        olx(
            '<numericalresponse answer="5"><responseparam type="tolerance" default="-1"/>'
            "<formulaequationinput/></numericalresponse>"
        ),
    ),
    ("broken-regular-expression", problem(">>Q<<\n\n=|colou(r")),
    ("unreachable-option", olx("<optionresponse><optioninput options=\"('a','b')\" correct=\"c\"/></optionresponse>")),
    ("heading-skips-level", "## Two\n\nWords.\n\n#### Four\n"),
    ("vague-link-text", "For more [click here](https://example.org).\n"),
    ("table-without-header", "<table><tr><td>1</td></tr></table>\n"),
    ("colour-only", '<p>Press the <span style="color: red">first</span> one.</p>\n'),
    ("video-without-transcript", ":::video {#v}\nyoutube: dQw4w9WgXcQ\n:::\n"),
    ("image-without-alt", '<img src="https://example.org/a.png">\n'),
    ("overlong-title", f"---\ntitle: {'long ' * 30}\n---\nWords.\n"),
    ("secret-in-source", "Log in with password: hunter2hunter2hunter2x9\n"),
    ("secret-in-source", "-----BEGIN RSA PRIVATE KEY-----\n"),
]


@pytest.mark.parametrize(("code", "text"), CASES, ids=[f"{code}-{n}" for n, (code, _) in enumerate(CASES)])
def test_a_mistake_is_found_at_its_place(code: str, text: str, build_course: BuildCourse) -> None:
    course, diagnostics = read_course(build_course({UNIT: text}))
    assert course is not None, [str(finding) for finding in diagnostics]
    found = [finding for finding in check_course(course) if finding.code.name == code]
    assert len(found) == 1, [str(finding) for finding in check_course(course)]
    assert found[0].where is not None
    assert str(found[0].where.path) == UNIT
    assert found[0].where.line is not None
    assert found[0].hint


def test_a_secret_is_never_repeated(build_course: BuildCourse) -> None:
    course, _ = read_course(build_course({UNIT: "password: hunter2hunter2hunter2x9\n"}))
    assert course is not None
    assert "hunter2" not in "".join(str(finding) for finding in check_course(course))


def test_graded_work_without_a_due_date_is_found_unless_it_is_inherited(build_course: BuildCourse) -> None:
    grading = "grading:\n  assignment_types:\n    - {type: HW, weight: 100%}\n"
    base = "org: A\nnumber: B\nrun: C\n" + grading
    files = {"course.yaml": base, "01-a/01-b/subsection.yaml": "format: HW\n", UNIT: "Words.\n"}

    def codes(extra: dict[str, str]) -> list[str]:
        course, _ = read_course(build_course({**files, **extra}))
        assert course is not None
        return [finding.code.name for finding in check_course(course)]

    assert codes({}) == ["graded-without-due"]
    assert codes({"01-a/section.yaml": "due: 2027-02-01\n"}) == []
    assert codes({"01-a/section.yaml": "", "course.yaml": base + "self_paced: true\n"}) == []


def test_the_sample_course_has_nothing_to_find() -> None:
    course, diagnostics = read_course(samples_dir() / "reading-data")
    assert course is not None
    assert [str(finding) for finding in (*diagnostics, *check_course(course))] == []


def test_a_course_sets_how_grave_a_finding_is(build_course: BuildCourse) -> None:
    text = "For more [click here](https://example.org).\n"
    for level, expected in (("off", []), ("info", ["info"]), ("error", ["error"])):
        settings = f"org: A\nnumber: B\nrun: C\nchecks:\n  vague-link-text: {level}\n"
        course, _ = read_course(build_course({"course.yaml": settings, UNIT: text}))
        assert course is not None
        assert [str(finding.severity) for finding in check_course(course)] == expected


def test_a_wrong_level_is_an_error_with_a_suggestion(build_course: BuildCourse) -> None:
    folder = build_course({"course.yaml": "org: A\nnumber: B\nrun: C\nchecks:\n  vague-link-text: warn\n", UNIT: "x\n"})
    result = CliRunner().invoke(main, ["check", str(folder)])
    assert result.exit_code == 1
    assert "course.yaml:5: error[bad-value]" in result.stderr
    assert "did you mean 'warning'" in result.stderr


def test_findings_as_sarif(build_course: BuildCourse) -> None:
    folder = build_course({UNIT: "For more [click here](https://example.org).\n"})
    result = CliRunner().invoke(main, ["check", str(folder), "--sarif"])
    log = json.loads(result.stdout)
    (run,) = log["runs"]
    (found,) = run["results"]
    assert log["version"] == "2.1.0"
    assert found["ruleId"] == run["tool"]["driver"]["rules"][found["ruleIndex"]]["id"] == "vague-link-text"
    place = found["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": UNIT}, "region": {"startLine": 1}}
    assert Path(folder, place["artifactLocation"]["uri"]).is_file()
    assert CliRunner().invoke(main, ["check", str(folder), "--strict", "--sarif"]).exit_code == 1

"""What compiles and is likely a mistake."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from authoring.checks import check_course
from authoring.source import read_course
from tests.conftest import BuildCourse

GRADING = "grading:\n  assignment_types:\n    - {type: Homework, weight: 40%}\n    - {type: Exam, weight: 60%}\n"
COURSE = "org: O\nnumber: N\nrun: R\n"


def findings(build_course: BuildCourse, files: Mapping[str, str | bytes]) -> list[str]:
    course, diagnostics = read_course(build_course(files))
    assert course is not None, list(diagnostics)
    return [str(finding).splitlines()[0] for finding in check_course(course)]


def test_a_sound_course(build_course: BuildCourse) -> None:
    files: dict[str, str | bytes] = {
        "course.yaml": COURSE + GRADING,
        "a/b/subsection.yaml": "format: Homework\ndue: 2027-01-01\n",
        "a/b/u.md": "![A line](../../static/a.png) ![](../../static/b.png){role=presentation}\n\n"
        ":::problem {#p}\n= 1\n:::\n\n:::video\ntranscripts: {en: ../../static/s.srt}\n:::\n",
        "static/a.png": b"",
        "static/b.png": b"",
        "static/s.srt": b"",
    }
    assert findings(build_course, files) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("format: Homwork\ndue: 2027-01-01\n", "the assignment type 'Homwork' of 'B' is not in the grading policy"),
        ("graded: true\ndue: 2027-01-01\n", "'B' is graded, but `format` does not say as what"),
        ("format: Lab\ngraded: false\n", "the assignment type 'Lab' of 'B' is not in the grading policy"),
    ],
)
def test_assignment_types(build_course: BuildCourse, settings: str, message: str) -> None:
    files = {"course.yaml": COURSE + GRADING, "a/b/subsection.yaml": settings, "a/b/u.md": "Text"}
    assert findings(build_course, files) == [f"a/b/subsection.yaml:1: error[unknown-assignment-type]: {message}"]


def test_without_a_policy_the_platform_s_types_are_known(build_course: BuildCourse) -> None:
    files = {"a/b/subsection.yaml": "format: Homework\ndue: 2027-01-01\n", "a/b/u.md": "Text"}
    assert findings(build_course, files) == []


def test_weights(build_course: BuildCourse) -> None:
    files = {"course.yaml": COURSE + GRADING.replace("60%", "0.5"), "a/b/u.md": "Text"}
    assert findings(build_course, files) == ["course.yaml:4: warning[grading-weights]: the weights add up to 90%"]


def test_empty_blocks(build_course: BuildCourse) -> None:
    files = {"a/section.yaml": "title: One\n", "b/c/subsection.yaml": "", "b/d/u.md": "<!-- later -->\n"}
    assert findings(build_course, files) == [
        "a/section.yaml:1: warning[empty-block]: the section 'One' is empty",
        "b/c: warning[empty-block]: the subsection 'C' is empty",
        "b/d/u.md:1: warning[empty-block]: the unit 'U' is empty",
    ]


def test_images_without_alternative_text(build_course: BuildCourse) -> None:
    files: dict[str, str | bytes] = {
        "a/b/u.md": "![](../../static/a.png) ![b](../../static/a.png)\n\n<img src='/static/a.png' alt='  '>\n",
        "static/a.png": b"",
    }
    assert (
        findings(build_course, files)
        == ["a/b/u.md:1: warning[image-without-alt]: /static/a.png has no alternative text"] * 2
    )


def test_unused_assets(build_course: BuildCourse) -> None:
    files: dict[str, str | bytes] = {
        "course.yaml": COURSE + "course_image: static/card.png\n",
        "a/b/u.md": ":::problem {#p}\n<p><a href='../../static/data (1).csv'>data</a></p>\n= 1\n:::\n",
        "static/card.png": b"",
        "static/data (1).csv": b"",
        "static/old/x.png": b"",
    }
    assert findings(build_course, files) == ["static/old/x.png: info[unused-asset]: nothing makes use of 'x.png'"]


def test_learners_work_without_an_id(build_course: BuildCourse) -> None:
    files = {"a/b/u.md": "Text\n\n:::problem\n= 1\n:::\n\n:::video\n:::\n"}
    assert findings(build_course, files) == ["a/b/u.md:3: info[implicit-id]: this problem has no id of its own"]

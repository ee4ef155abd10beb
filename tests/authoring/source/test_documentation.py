"""The examples of docs/course-folder.md are one course, and it is sound."""

from __future__ import annotations

import re
from pathlib import Path

from authoring.checks import check_course
from authoring.source import read_course
from tests.conftest import BuildCourse

DOCUMENT = Path(__file__).parents[3] / "docs" / "course-folder.md"
EXAMPLE = re.compile(r'^(`{3,})\w+ title="([^"]+)"\n(.*?)^\1$', re.MULTILINE | re.DOTALL)

FILES = (
    "static/images/card.png",
    "static/images/chart.png",
    "static/images/line.png",
    "static/images/blue.png",
    "static/media/lecture.mp4",
    "static/media/lecture-en.srt",
    "static/media/lecture-es.srt",
    "static/media/paper.pdf",
    "01-welcome/01-first-steps/_packages/safety.zip",
    "01-welcome/01-first-steps/11-safety.zip",
)


def test_the_examples_are_a_course(build_course: BuildCourse) -> None:
    examples: dict[str, str | bytes] = {
        path: text for _, path, text in EXAMPLE.findall(DOCUMENT.read_text(encoding="utf-8"))
    }
    assert len(examples) > 15
    course, diagnostics = read_course(build_course({**examples, **dict.fromkeys(FILES, b"")}))
    assert not list(diagnostics), "\n".join(map(str, diagnostics))
    assert course is not None
    assert not list(check_course(course)), "\n".join(map(str, check_course(course)))

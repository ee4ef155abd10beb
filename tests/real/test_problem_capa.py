"""Every problem of the fixtures, compiled and then graded by the platform's own CAPA engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree
from markdown_it.utils import read_fixture_file

from authoring.diagnostics import Severity
from authoring.grading import EngineProcess, Verdict, available
from authoring.markup.problem import compile_problem

FIXTURES = Path(__file__).parents[1] / "fixtures" / "markup" / "problem"

pytestmark = pytest.mark.skipif(not available(), reason="xblocks-contrib is not installed (extra `real`)")

FILES = {"sum.py": "def check(expect, answers):\n    return sorted(answers) == str(expect).split()\n"}

RIGHT = {
    "a regular expression": "paris",
    "a grader from a file": ("4", "6"),
}
"""Right answers that the engine cannot tell."""

UNANSWERABLE = {"nothing marked as correct", "a JavaScript input"}
"""Problems to which no one, or only a browser, knows a right answer."""


def read_file(name: str) -> str:
    if name not in FILES:
        raise FileNotFoundError(name)
    return FILES[name]


def problems() -> list[tuple[str, str]]:
    """Title and OLX of each fixture that asks something and has no error."""
    found = []
    for path in sorted(FIXTURES.glob("*.md")):
        for _, title, source, _ in read_fixture_file(path):
            compiled = compile_problem(source, read_file=read_file)
            codes = {d.code.name for d in compiled.diagnostics}
            if any(d.severity is Severity.ERROR for d in compiled.diagnostics):
                continue
            if "problem-without-question" not in codes:
                found.append((title, compiled.olx))
    return found


PROBLEMS = problems()
each_problem = pytest.mark.parametrize(("title", "olx"), PROBLEMS, ids=[title for title, _ in PROBLEMS])


@pytest.fixture(scope="module")
def verdicts() -> Iterator[dict[str, Verdict]]:
    with EngineProcess(allow_code=True) as engine:
        yield {title: engine.judge(olx, [RIGHT[title]] if title in RIGHT else []) for title, olx in PROBLEMS}


@each_problem
def test_the_engine_grades_it_as_its_author_meant(title: str, olx: str, verdicts: dict[str, Verdict]) -> None:
    verdict = verdicts[title]
    assert verdict.error is None
    assert verdict.html
    assert verdict.max_score
    right = verdict.graded[0] if title in RIGHT else verdict.right
    if title in UNANSWERABLE:
        assert right is None
    else:
        assert right is not None
        assert right.score == verdict.max_score
    if verdict.outside is None:
        assert verdict.wrong is not None
        assert verdict.wrong.score is not None
        assert verdict.wrong.score < verdict.max_score


@each_problem
def test_every_option_of_a_dropdown_is_offered(title: str, olx: str, verdicts: dict[str, Verdict]) -> None:
    offered = verdicts[title].offered
    for dropdown, shown in zip(etree.fromstring(olx).iter("optioninput"), offered, strict=True):
        options = [(option.text or "").strip() for option in dropdown.iter("option")]
        if options:
            assert list(shown) == options
        else:
            assert dropdown.get("correct") in ("", *shown)

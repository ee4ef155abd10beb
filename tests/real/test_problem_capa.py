"""Every problem of the fixtures, compiled and then graded by the platform's own CAPA engine.

The engine runs in a child process with a time limit (`capa.py`), because it needs Django settings of its own and runs
the scripts of problems unconfined.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from markdown_it.utils import read_fixture_file

from authoring.diagnostics import Severity
from authoring.markup.problem import compile_problem

FIXTURES = Path(__file__).parents[1] / "fixtures" / "markup" / "problem"
ENGINE = Path(__file__).with_name("capa.py")
TIME_LIMIT = 300

pytestmark = pytest.mark.skipif(
    find_spec("xblocks_contrib") is None, reason="xblocks-contrib is not installed (extra `real`)"
)

FILES = {"sum.py": "def check(expect, answers):\n    return sorted(answers) == str(expect).split()\n"}

RIGHT = {
    "a regular expression": {"1": "paris"},
    "a regular expression with alternatives": {"1": "one"},
    "a grader from a file": {"1": "4", "2": "6"},
}
"""Right answers that the engine cannot tell, by the number of the input."""

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


@pytest.fixture(scope="module")
def verdicts() -> dict[str, dict[str, Any]]:
    tasks = "".join(json.dumps({"id": title, "olx": olx, "right": RIGHT.get(title)}) + "\n" for title, olx in PROBLEMS)
    done = subprocess.run(
        [sys.executable, str(ENGINE)],
        input=tasks,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {verdict["id"]: verdict for verdict in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize(("title", "olx"), PROBLEMS, ids=[title for title, _ in PROBLEMS])
def test_the_engine_grades_it_as_its_author_meant(title: str, olx: str, verdicts: dict[str, dict[str, Any]]) -> None:
    verdict = verdicts[title]
    assert verdict["error"] is None
    assert verdict["html"]
    assert verdict["right"] == (None if title in UNANSWERABLE else verdict["max_score"])
    assert verdict["wrong"] < verdict["max_score"]


@pytest.mark.parametrize(("title", "olx"), PROBLEMS, ids=[title for title, _ in PROBLEMS])
def test_every_option_of_a_dropdown_is_offered(title: str, olx: str, verdicts: dict[str, dict[str, Any]]) -> None:
    offered = verdicts[title]["choices"]
    for dropdown, shown in zip(etree.fromstring(olx).iter("optioninput"), offered, strict=True):
        options = [(option.text or "").strip() for option in dropdown.iter("option")]
        if options:
            assert shown == options
        else:
            assert dropdown.get("correct") in ("", *shown)

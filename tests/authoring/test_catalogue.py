"""Lists of courses that get a new run together."""

from __future__ import annotations

from pathlib import Path

import pytest

from authoring.catalogue import CatalogueCourse, load_catalogue, parse_catalogue
from authoring.errors import SourceError

LIST = """run: 2027_T1
start: 2027-01-11
courses:
  - one
  - {folder: sub/two, start: 2027-01-18, from: 2026_T3}
  - folder: three
    run: 2027_SPRING
"""


def test_defaults_stand_at_the_top(tmp_path: Path) -> None:
    file = tmp_path / "COURSES.yaml"
    file.write_text(LIST)
    assert load_catalogue(file) == (
        CatalogueCourse(tmp_path / "one", "2027_T1", "2027-01-11"),
        CatalogueCourse(tmp_path / "sub/two", "2027_T1", "2027-01-18", "2026_T3"),
        CatalogueCourse(tmp_path / "three", "2027_SPRING", "2027-01-11"),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("run: 2027_T1\n", "C.yaml:1: C.yaml needs 'courses'"),
        ("courses: one\n", "C.yaml:1: 'courses' takes a list"),
        ("courses:\n  - one\n", "C.yaml:2: 'one' has no 'run'"),
        ("runn: x\nrun: x\ncourses: []\n", "C.yaml:1: 'runn' is not a key of a list of courses"),
        ("run: x\ncourses:\n  - {folder: one, begin: now}\n", "C.yaml:3: 'begin' is not a key of a list of courses"),
        ("run: x\ncourses:\n  - {run: y}\n", "C.yaml:3: a course needs 'folder'"),
        ("run: x\ncourses:\n  - one\n  - ./one\n", "C.yaml:4: one is listed twice"),
        ("run: ' '\ncourses: []\n", "C.yaml:1: 'run' is empty"),
        ("run: x\ncourses:\n  - [one]\n", "C.yaml:3: 'courses' takes text"),
        ("- one\n", "C.yaml:1: expected `key: value` lines"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, said: str) -> None:
    _, findings = parse_catalogue(text, Path("C.yaml"))
    assert said in [f"{finding.where}: {finding.message}" for finding in findings.errors]


def test_a_list_that_cannot_be_read(tmp_path: Path) -> None:
    for name, content in (("absent.yaml", None), ("latin.yaml", b"run: \xe9")):
        file = tmp_path / name
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(SourceError, match="cannot be read"):
            load_catalogue(file)

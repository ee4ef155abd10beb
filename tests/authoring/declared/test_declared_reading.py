"""`platform.yaml` into declarations; every mistake with its file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from authoring.declared import Declared, read_declared
from authoring.declared.kinds import KINDS, ORDER
from authoring.declared.model import CourseRef, Ref, Variable
from authoring.declared.schema import platform_schema
from authoring.errors import SourceError
from authoring.resources import samples_dir
from tests.declarations import ALL, COHORT_CSV, USERS_CSV

COURSE = "org: Demo\nnumber: DS101\nrun: 2027_T1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "course" / "runs").mkdir(parents=True)
    (tmp_path / "course" / "course.yaml").write_text(COURSE)
    (tmp_path / "course" / "runs" / "2028_T1.yaml").write_text("start: 2028-01-10\n")
    (tmp_path / "course" / "runs" / "evening.yaml").write_text("run: 2028_evening\nstart: 2028-01-10\n")
    (tmp_path / "users.csv").write_text(USERS_CSV)
    (tmp_path / "cohort.csv").write_text(COHORT_CSV)
    (tmp_path / "picture.png").write_text("not really a picture")
    return tmp_path


def read(folder: Path, text: str, run: str | None = None) -> Declared:
    file = folder / "platform.yaml"
    file.write_text(text, "utf-8")
    return read_declared(file, run)


def findings(folder: Path, text: str, run: str | None = None) -> list[str]:
    with pytest.raises(SourceError) as caught:
        read(folder, text, run)
    return [f"{one.where}: {one.message}" for one in caught.value.diagnostics]


def test_all_kinds_are_read(folder: Path) -> None:
    found = read(folder, ALL)
    assert {row.kind for row in found.rows} | {one.kind for one in found.lists} == set(ORDER)
    rows = {row.key: row for row in found.rows}
    assert rows["programs/foundations"].fields["courses"] == (
        CourseRef("course-v1:Demo+DS101+2027_T1", "course"),
        CourseRef("course-v1:Demo+DS200+2027_T1", "course-v1:Demo+DS200+2027_T1"),
    )
    assert rows["bot_commands/ask"].fields["mentor"] == Ref("mentors/tutor", "number")
    assert rows["bots/helper"].fields["client_secret"] == Variable("BOT_SECRET")
    assert rows["skills/fair-comparisons"].fields == {"name": "fair-comparisons"}
    assert found.lists[0].password == Variable("NEW_PASSWORD")


@pytest.mark.parametrize(("run", "key"), [("2028_T1", "2028_T1"), ("evening", "2028_evening")])
def test_a_run_moves_courses_that_are_named_by_folder(folder: Path, run: str, key: str) -> None:
    text = "programs:\n  p:\n    name: P\n    courses: [course, course-v1:Demo+DS200+2027_T1]\n"
    (row,) = read(folder, text, run).rows
    courses = row.fields["courses"]
    assert isinstance(courses, tuple)
    assert [str(one) for one in courses] == [f"course-v1:Demo+DS101+{key}", "course-v1:Demo+DS200+2027_T1"]


def test_a_run_that_is_not_there(folder: Path) -> None:
    text = "catalog:\n  c:\n    course: course\n"
    assert findings(folder, text, "2029") == [
        "platform.yaml:3: the course 'course' has no run '2029': there is no runs/2029.yaml"
    ]


def test_a_folder_of_files(folder: Path) -> None:
    place = folder / "platform"
    place.mkdir()
    (place / "a.yaml").write_text("bot_commands:\n  ask: {bot: b, mentor: m}\n")
    (place / "b.yml").write_text("mentors:\n  m: {courses: [../course]}\nbots:\n  b: {provider: slack}\n")
    found = read_declared(place)
    assert found.lock == place / "platform.lock"
    assert len(found.rows) == 4
    (place / "c.yaml").write_text("bots:\n  b: {provider: webex}\n")
    with pytest.raises(SourceError) as caught:
        read_declared(place)
    (one,) = caught.value.diagnostics
    assert str(one.where) == "c.yaml:2"
    assert "first in b.yml:4" in one.message


WRONG = {
    "skils: {}": "platform.yaml:1: 'skils' is not a section",
    "skills:\n  a: {nmae: A}": "platform.yaml:2: 'nmae' is not a key of skills",
    "skills:\n  a b: {}": "platform.yaml:2: 'a b' cannot be a name",
    "skills:\n  a: {}\n  a: {}": "platform.yaml:3: 'a' is written twice, first in line 2",
    "skills: [a]": "platform.yaml:1: 'skills' takes `key: value` lines",
    "skills:\n  a:\n    data: 3": "platform.yaml:3: 'data' takes `key: value` lines",
    "skills:\n  a:\n    shared: perhaps": "platform.yaml:3: 'perhaps' is neither true nor false",
    "skills:\n  a:\n    name: ${NAME}": "platform.yaml:3: 'name' takes no variable",
    "skills:\n  a:\n    name: ''": "platform.yaml:3: 'name' needs a value",
    "programs:\n  p: {}": "platform.yaml:2: programs: 'p' needs 'name'",
    "programs:\n  p:\n    name: P\n    courses: [nowhere]": (
        "platform.yaml:4: 'nowhere' is neither a course key nor a course folder"
    ),
    "programs:\n  p:\n    name: P\n    courses: ['course-v1:x']": "platform.yaml:4: 'course-v1:x' is not a course key",
    "programs:\n  p:\n    name: P\n    courses: [course, course]": "platform.yaml:4: it stands twice in this list",
    "programs:\n  p:\n    name: P\n    program_type: odd": "platform.yaml:4: 'program_type' cannot be 'odd'",
    "bots:\n  b:\n    provider: slack\n    client_secret: abc-123": (
        "platform.yaml:4: 'client_secret' is a secret, and does not belong in a file"
    ),
    "bot_commands:\n  a: {bot: b, mentor: m}": "platform.yaml:2: bot: no bots are called 'b'",
    "pathways:\n  p:\n    name: P\n    path: [{unit: u}]": "platform.yaml:4: an item of a path is one `kind: name`",
    "pathways:\n  p: {name: P, path: [{pathway: q}]}\n  q: {name: Q, path: [{pathway: p}]}": (
        "platform.yaml:2: they lead to each other in a circle: pathways/p → pathways/q → pathways/p"
    ),
    "mentors:\n  m:\n    settings: {new_mentor_name: x}": "platform.yaml:2: mentors: 'm': new_mentor_name has its own key",
    "resources:\n  r: {resource_type: pdf, url: u, image: no.png}": (
        "platform.yaml:2: 'no.png' cannot be read (No such file or directory)"
    ),
    "resources:\n  r: {resource_type: pdf, url: u, user_id: x}": "platform.yaml:2: 'x' is not a whole number",
    "users:\n  - file: nobody.csv": "platform.yaml:2: there is no file 'nobody.csv'",
    "users:\n  - file: users.csv\n  - file: users.csv": (
        "platform.yaml:3: users: 'users.csv' stands twice, first in platform.yaml:2"
    ),
    "users:\n  - {}": "platform.yaml:2: users: 'each list' needs 'file'",
    "credentials:\n  c: {name: C}\nassertions:\n  a: {credential: c, people: [ada]}": (
        "platform.yaml:4: assertions: 'a': name one thing that it is given for"
    ),
    "skills: {a: *b}": "platform.yaml:1: broken YAML: found undefined alias",
}


@pytest.mark.parametrize("text", WRONG)
def test_mistakes_have_file_and_line(folder: Path, text: str) -> None:
    assert WRONG[text] in findings(folder, text)


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    assert len(findings(folder, "skils: {}\nroles:\n  a: {nmae: A}\nprograms:\n  p: {}\n")) == 3


def test_a_secret_in_the_file_is_not_repeated(folder: Path) -> None:
    text = "bots:\n  b:\n    provider: slack\n    app_token: xoxb-very-secret\n"
    with pytest.raises(SourceError) as caught:
        read(folder, text)
    assert "xoxb" not in "".join(str(one) for one in caught.value.diagnostics)


@pytest.mark.parametrize("path", ["nothing.yaml", "."])
def test_a_path_that_declares_nothing(tmp_path: Path, path: str) -> None:
    with pytest.raises(SourceError):
        read_declared(tmp_path / path)


# -- the schema ---------------------------------------------------------------------------------------------------------


def errors(instance: Any) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(platform_schema()).iter_errors(instance)]


def test_the_schema_takes_what_the_reader_takes() -> None:
    jsonschema.Draft202012Validator.check_schema(platform_schema())
    assert errors(yaml.safe_load(ALL)) == []
    assert errors(yaml.safe_load((samples_dir() / "reading-data" / "platform.yaml").read_text("utf-8"))) == []
    assert set(KINDS) < set(platform_schema()["properties"])


@pytest.mark.parametrize(
    "text",
    [
        "skils: {}",
        "skills: {a: {nmae: A}}",
        "programs: {p: {}}",
        "bots: {b: {provider: slack, app_token: secret}}",
        "bots: {b: {provider: fax}}",
        "pathways: {p: {name: P, path: [{course: a, program: b}]}}",
        "users: [{}]",
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(text: str) -> None:
    assert errors(yaml.safe_load(text))

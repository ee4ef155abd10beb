"""Beginning a course: every scaffold is a sound course, and nothing half is ever left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from authoring.checks import check_course
from authoring.cli import main
from authoring.errors import AuthoringError
from authoring.scaffold import available_samples, available_templates, copy_sample, create_course
from authoring.source import read_course

NAMES = [template.name for template in available_templates()]


def findings(folder: Path) -> list[str]:
    course, diagnostics = read_course(folder)
    assert course is not None, [str(finding) for finding in diagnostics]
    return [str(finding) for finding in (*diagnostics, *check_course(course))]


@pytest.mark.parametrize("name", NAMES)
def test_every_scaffold_is_a_sound_course(name: str, tmp_path: Path) -> None:
    written = create_course(tmp_path / "course", name, {"org": "AcmeX", "title": "It's: a title"})
    assert findings(tmp_path / "course") == []
    assert all(path.is_file() for path in written)
    assert ".authoring/" in (tmp_path / "course/.gitignore").read_text("utf-8")
    course, _ = read_course(tmp_path / "course")
    assert course is not None
    assert (course.id.org, course.root.display_name) == ("AcmeX", "It's: a title")


@pytest.mark.parametrize("name", available_samples())
def test_a_sample_is_copied_whole_and_sound(name: str, tmp_path: Path) -> None:
    copy_sample(name, tmp_path / "course")
    assert findings(tmp_path / "course") == []


def test_there_is_a_scaffold_for_each_kind_of_course() -> None:
    assert NAMES == ["course", "minimal", "weekly", "workshop"]


def test_the_first_scaffold_shows_every_common_component(tmp_path: Path) -> None:
    create_course(tmp_path / "course", "course", {})
    course, _ = read_course(tmp_path / "course")
    assert course is not None
    shown = {block.category for block in course.blocks()}
    assert shown >= {"html", "problem", "video", "discussion", "poll", "survey", "word_cloud", "done", "static_tab"}
    assert len(course.root.children) == 2


@pytest.mark.parametrize("weeks", [1, 3, 12])
def test_a_weekly_course_has_so_many_weeks(weeks: int, tmp_path: Path) -> None:
    create_course(tmp_path / "course", "weekly", {"weeks": str(weeks), "start": "2027-02-01"})
    assert findings(tmp_path / "course") == []
    course, _ = read_course(tmp_path / "course")
    assert course is not None
    assert course.grading is not None
    assert course.grading.graders[0].min_count == weeks
    sections = [section for section in course.root.children if section.url_name.startswith("week-")]
    assert [section.url_name for section in sections] == [f"week-{number}" for number in range(1, weeks + 1)]
    first_check = sections[0].children[1]
    assert first_check.fields["due"] == "2027-02-07T23:59:00Z"
    assert course.root.fields["end"] == course.root.children[-1].children[0].fields["due"]


@pytest.mark.parametrize("weeks", ["0", "53", "-1", "x", "", "08", "8.5", "\u0663"])
def test_a_number_of_weeks_that_is_none_is_refused(weeks: str, tmp_path: Path) -> None:
    with pytest.raises(AuthoringError) as caught:
        create_course(tmp_path / "course", "weekly", {"weeks": weeks})
    assert "from 1 to 52" in str(caught.value.hint)
    assert list(tmp_path.iterdir()) == []


def test_a_workshop_needs_no_dates(tmp_path: Path) -> None:
    create_course(tmp_path / "course", "workshop", {})
    course, _ = read_course(tmp_path / "course")
    assert course is not None
    assert course.root.fields["self_paced"] is True
    assert not any("due" in block.fields for block in course.blocks())


@pytest.mark.parametrize("variables", [{"org": "Acme X"}, {"start": "some day"}, {"run": "a+b"}])
@pytest.mark.parametrize("name", NAMES)
def test_values_that_make_no_course_leave_nothing_behind(name: str, variables: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(AuthoringError) as caught:
        create_course(tmp_path / "new/course", name, variables)
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for destination in (tmp_path / "file", tmp_path / "file/course"):
        with pytest.raises(AuthoringError) as caught:
            create_course(destination, "minimal", {})
        assert caught.value.hint
    assert (tmp_path / "file").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    copy_sample("reading-data", tmp_path)
    assert findings(tmp_path) == []
    assert not list(tmp_path.glob(".authoring-new-*"))


def test_a_folder_with_something_in_it_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text("my work")
    for begin in (lambda: create_course(tmp_path, "minimal", {}), lambda: copy_sample("reading-data", tmp_path)):
        with pytest.raises(AuthoringError) as caught:
            begin()
        assert caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["mine.md"]


@pytest.mark.parametrize(
    ("template", "variables", "says"),
    [("cuorse", {}, "'course'"), ("minimal", {"ogr": "AcmeX"}, "'org'")],
)
def test_a_mistyped_name_is_answered_with_the_right_one(
    template: str, variables: dict[str, str], says: str, tmp_path: Path
) -> None:
    with pytest.raises(AuthoringError) as caught:
        create_course(tmp_path / "course", template, variables)
    assert says in f"{caught.value.message} {caught.value.hint}"
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_sample_is_told(tmp_path: Path) -> None:
    with pytest.raises(AuthoringError):
        copy_sample("reading-dta", tmp_path / "course")
    assert list(tmp_path.iterdir()) == []


def test_on_the_command_line(tmp_path: Path) -> None:
    listed = json.loads(CliRunner().invoke(main, ["new", "--list", "--json"]).stdout)
    assert [row["name"] for row in listed["templates"]] == NAMES
    folder = tmp_path / "course"
    made = CliRunner().invoke(main, ["new", str(folder), "--template", "minimal", "--set", "org=AcmeX", "--json"])
    assert made.exit_code == 0, made.output
    assert str(folder / "course.yaml") in json.loads(made.stdout)["files"]
    again = CliRunner().invoke(main, ["new", str(folder)])
    assert again.exit_code == 1
    assert "hint:" in again.stderr
    assert CliRunner().invoke(main, ["new"]).exit_code == 2

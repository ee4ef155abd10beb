"""The schemas are valid, accept what the format allows and refuse what it does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from authoring.registry import categories
from authoring.schemas import (
    course_schema,
    directive_schema,
    page_schema,
    run_schema,
    section_schema,
    subsection_schema,
    unit_schema,
    update_schema,
    write_schemas,
)

DOCUMENTS = [course_schema, run_schema, section_schema, subsection_schema, unit_schema, page_schema, update_schema]

COURSE = {
    "org": "Demo",
    "number": "DS101",
    "run": "2027_T1",
    "title": "Data for everyone",
    "timezone": "Europe/Madrid",
    "start": "2027-02-01",
    "end": "2027-05-31T20:00:00+02:00",
    "self_paced": False,
    "catalog_visibility": "about",
    "settings": {"language": "en", "course_image": "card.png"},
    "children": ["01-welcome", "02-samples"],
    "grading": {
        "assignment_types": [
            {"type": "Homework", "short_label": "HW", "weight": 0.4, "min_count": 4, "drop_count": 1},
            {"type": "Exam", "weight": "60%"},
        ],
        "cutoffs": {"A": 0.9, "B": "75%", "C": 0.5},
        "grace_period": "02:30",
    },
    "lti_passports": {"maths": {"key_env": "MATHS_KEY", "secret_env": "MATHS_SECRET"}},
}


def _errors(schema: dict[str, Any], instance: object) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(instance)]


@pytest.mark.parametrize("make", DOCUMENTS, ids=lambda make: make.__name__)
def test_documents_are_valid_schemas(make: Callable[[], dict[str, Any]]) -> None:
    jsonschema.Draft202012Validator.check_schema(make())


@pytest.mark.parametrize("category", categories())
def test_directives_are_valid_schemas(category: str) -> None:
    schema = directive_schema(category)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert all(part["description"] for part in schema["properties"].values())
    assert all(part["title"] for part in schema["properties"].values())


@pytest.mark.parametrize("category", categories())
def test_a_default_is_a_value_that_the_schema_takes(category: str) -> None:
    schema = directive_schema(category)
    defaults = {name: part["default"] for name, part in schema["properties"].items() if "default" in part}
    for alias in [name for name in defaults if name in ("title", "youtube", "sources", *_ora_aliases())]:
        del defaults[alias]
    assert _errors(schema, defaults) == []


def _ora_aliases() -> tuple[str, ...]:
    return ("text_response", "file_upload_response", "file_upload_type")


def test_a_whole_course_is_accepted() -> None:
    assert _errors(course_schema(), COURSE) == []


@pytest.mark.parametrize(
    ("schema", "instance"),
    [
        (section_schema, {"title": "Samples", "start": "2027-02-08", "children": ["first", "second"]}),
        (
            subsection_schema,
            {"display_name": "Quiz 1", "format": "Homework", "due": "2027-02-20 18:00", "graded": "yes"},
        ),
        (
            subsection_schema,
            {"is_time_limited": True, "default_time_limit_minutes": 60, "graceperiod": "1 day 2 hours"},
        ),
        (
            unit_schema,
            {"title": 2027, "id": "intro", "visible_to_staff_only": True, "group_access": {"50": [1, 2]}},
        ),
        (page_schema, {"title": "Questions", "course_staff_only": True}),
        (update_schema, {"date": "2027-02-01"}),
        (
            lambda: directive_schema("video"),
            {"youtube": "dQw4w9WgXcQ", "transcripts": {"en": "../static/talk.srt"}},
        ),
        (
            lambda: directive_schema("video"),
            {"start_time": "00:01:30", "sources": ["https://example.org/a.mp4"]},
        ),
        (lambda: directive_schema("problem"), {"max_attempts": None, "weight": 2, "showanswer": "never"}),
        (lambda: directive_schema("scorm"), {"file": "safety.zip", "height": 600}),
        (
            lambda: directive_schema("openassessment"),
            {"text_response": "optional", "file_upload_type": "image"},
        ),
    ],
)
def test_good_settings_are_accepted(schema: Callable[[], dict[str, Any]], instance: object) -> None:
    assert _errors(schema(), instance) == []


@pytest.mark.parametrize(
    ("schema", "instance", "complaint"),
    [
        (course_schema, COURSE | {"discription": "Typo"}, "'discription' was unexpected"),
        (course_schema, COURSE | {"settings": {"lang": "en"}}, "'lang' was unexpected"),
        (course_schema, COURSE | {"display_name": "Twice"}, "should not be valid under"),
        (course_schema, {"org": "Demo", "run": "1"}, "'number' is a required property"),
        (course_schema, COURSE | {"start": "1 February"}, "does not match"),
        (
            course_schema,
            COURSE | {"lti_passports": {"maths": {"key_env": "K", "secret_env": "S", "secret": "s3"}}},
            "'secret' was unexpected",
        ),
        (course_schema, COURSE | {"grading": {"cutoffs": {"Pass": 50}}}, "greater than the maximum"),
        (course_schema, COURSE | {"grading": {"cutoffs": {"Pass": "60"}}}, "does not match"),
        (section_schema, {"dispaly_name": "Typo"}, "'dispaly_name' was unexpected"),
        (subsection_schema, {"children": ["a", "a"]}, "non-unique"),
        (subsection_schema, {"show_correctness": "sometimes"}, "is not one of"),
        (unit_schema, {"children": ["a"]}, "'children' was unexpected"),
        (unit_schema, {"id": "two words"}, "does not match"),
        (lambda: directive_schema("problem"), {"max_atempts": 2}, "'max_atempts' was unexpected"),
        (lambda: directive_schema("problem"), {"max_attempts": -1}, "less than the minimum"),
        (lambda: directive_schema("problem"), {"max_attempts": "two"}, "is not of type"),
        (
            lambda: directive_schema("video"),
            {"youtube": "a", "youtube_id_1_0": "b"},
            "should not be valid under",
        ),
        (lambda: directive_schema("video"), {"start_time": 90}, "is not of type"),
        (lambda: directive_schema("html"), {"file": "a.zip"}, "'file' was unexpected"),
        (lambda: directive_schema("html"), {"upstream": "lb:x"}, "'upstream' was unexpected"),
    ],
)
def test_bad_settings_are_refused(schema: Callable[[], dict[str, Any]], instance: object, complaint: str) -> None:
    errors = _errors(schema(), instance)
    assert len(errors) == 1
    assert complaint in errors[0]


def test_sample_content_is_never_offered_as_a_default() -> None:
    assert "default" not in directive_schema("video")["properties"]["youtube_id_1_0"]
    assert "default" not in directive_schema("poll")["properties"]["question"]


def test_there_is_no_directive_of_an_unknown_category() -> None:
    with pytest.raises(KeyError):
        directive_schema("acme_quiz")


def test_writing_gives_one_file_for_each_schema_and_the_same_text_each_time(tmp_path: Path) -> None:
    first = write_schemas(tmp_path / "first")
    second = write_schemas(tmp_path / "second")
    assert [path.relative_to(tmp_path / "first").as_posix() for path in first][:9] == [
        "course.schema.json",
        "run.schema.json",
        "section.schema.json",
        "subsection.schema.json",
        "unit.schema.json",
        "page.schema.json",
        "update.schema.json",
        "directives/vertical.schema.json",
        "directives/wrapper.schema.json",
    ]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert json.loads(first[0].read_text(encoding="utf-8")) == course_schema()
    names = {path.name for path in first}
    assert "html.schema.json" in names
    assert names.isdisjoint({"chapter.schema.json", "about.schema.json"})


@pytest.mark.parametrize(
    "text", ["week 3 Sunday 23:59", "Week 1", "start + 10 days 09:00", "-2 weeks", "start 09:00", "2027-02-08 18:00"]
)
def test_dates_may_be_relative(text: str) -> None:
    run = {"start": "2027-01-11", "end": text, "blocks": {"01-a": {"due": text}}, "holidays": {"Easter": "2027-03-29"}}
    assert _errors(run_schema(), run) == []
    assert _errors(section_schema(), {"start": text}) == []


@pytest.mark.parametrize("text", ["week three", "week 3 Sonntag", "start + 3 months", "at the start"])
def test_a_relative_date_that_is_none(text: str) -> None:
    assert _errors(section_schema(), {"start": text})


def test_a_run_is_not_another_course() -> None:
    assert _errors(run_schema(), {"number": "X"})
    assert _errors(run_schema(), {"holidays": {"Easter": {"days": "2027-03-29", "due": "later"}}})

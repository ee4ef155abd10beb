"""The sample courses are documentation: what they are said to show is there, and they are sound."""

from __future__ import annotations

import struct
import zipfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from authoring.checks import check_course
from authoring.model import VERTICAL, Block, Course
from authoring.resources import samples_dir
from authoring.scaffold import available_samples
from authoring.source import read_course

CATEGORIES = {
    *("html", "problem", "video", "discussion", "poll", "survey", "word_cloud", "done", "openassessment"),
    *("drag-and-drop-v2", "pdf", "lti_consumer", "annotatable", "edx_sga", "scorm", "google-document"),
    *("itembank", "randomize", "split_test", "conditional"),
}
"""Every kind of component that course teams use and that needs nothing but the course itself."""

PROBLEM_CONSTRUCTS = {
    "header": "problem-header",
    "label": "<label>",
    "description": "<description>",
    "radio": "<multiplechoiceresponse",
    "shuffle": 'shuffle="true"',
    "fixed choice": 'fixed="true"',
    "feedback": "<choicehint",
    "checkboxes": "<choiceresponse",
    "feedback for what was not ticked": 'selected="false"',
    "compound feedback": "<compoundhint",
    "dropdown on one line": 'options="',
    "dropdown over lines": "<option ",
    "feedback in a dropdown": "<optionhint",
    "number": "<numericalresponse",
    "tolerance": 'type="tolerance"',
    "tolerance in per cent": '%"/>',
    "range": 'answer="[81.5, 82.5)"',
    "another right number": '<additional_answer answer="10"',
    "text": 'type="ci"',
    "another right text": '<additional_answer answer="nonresponse bias"',
    "feedback for a wrong text": "<stringequalhint",
    "regular expression": 'type="ci regexp"',
    "hint": "<demandhint>",
    "explanation": "<solution>",
    "code": "<pre><code>",
}
PROSE_CONSTRUCTS = {
    "table": "<th",
    "raw table": '<th scope="row">',
    "footnote": "footnote",
    "definition list": "<dl>",
    "task list": 'type="checkbox"',
    "strikethrough": "<s>",
    "code": 'class="language-python"',
    "maths in a line": r"\(",
    "displayed maths": r"\[",
    "figure": "<figcaption>",
    "raw HTML": "<details>",
    "link to a unit": "/jump_to_id/three-questions",
    "link to a section": "/jump_to_id/chance-and-error",
    "link to a component": "/jump_to_id/farewell-talk",
    "link to a file": "/static/media_chart-checklist.pdf",
    **{name: f"admonition {name}" for name in ("note", "tip", "important", "warning", "caution", "danger")},
}


@pytest.fixture(scope="module")
def course() -> Course:
    course, diagnostics = read_course(samples_dir() / "reading-data")
    assert course is not None, [str(finding) for finding in diagnostics]
    return course


def units(course: Course) -> list[Block]:
    return [
        unit
        for section in course.root.children
        for subsection in section.children
        for unit in subsection.children
        if unit.category == VERTICAL
    ]


def texts(course: Course, category: str) -> str:
    return "\n".join(block.content or "" for block in course.blocks() if block.category == category)


@pytest.mark.parametrize("name", available_samples())
def test_a_sample_has_nothing_to_find(name: str) -> None:
    course, diagnostics = read_course(samples_dir() / name)
    assert course is not None
    assert [str(finding) for finding in (*diagnostics, *check_course(course))] == []


def test_it_is_a_whole_course(course: Course) -> None:
    sections = course.root.children
    assert 4 <= len(sections) <= 6
    assert sum(len(section.children) for section in sections) >= 10
    assert len(units(course)) == 35
    assert sum(len(unit.children) for unit in units(course)) >= 70


def test_the_readme_tells_the_truth(course: Course) -> None:
    readme = (samples_dir() / "reading-data/README.md").read_text("utf-8")
    assert f"five sections, {len(units(course))} units" in readme
    assert len(course.root.children) == 5


def test_every_kind_of_component_is_there(course: Course) -> None:
    counts = Counter(block.category for block in course.blocks())
    assert sorted(name for name in CATEGORIES if not counts[name]) == []
    assert counts["problem"] >= 50
    assert counts["static_tab"] == 2
    assert {block.url_name for block in course.detached if block.category == "about"} >= {
        "overview",
        "short_description",
    }
    assert counts["course_info"] == 1


@pytest.mark.parametrize("construct", PROBLEM_CONSTRUCTS)
def test_every_construct_of_a_problem_is_there(construct: str, course: Course) -> None:
    assert PROBLEM_CONSTRUCTS[construct] in texts(course, "problem")


def test_a_problem_may_ask_several_questions(course: Course) -> None:
    problems = [block.content or "" for block in course.blocks() if block.category == "problem"]
    assert any(content.count("<numericalresponse") > 1 for content in problems)


@pytest.mark.parametrize("construct", PROSE_CONSTRUCTS)
def test_every_construct_of_prose_is_there(construct: str, course: Course) -> None:
    assert PROSE_CONSTRUCTS[construct] in texts(course, "html")


def test_what_learners_do_never_loses_its_name(course: Course) -> None:
    assert [str(block.key) for block in course.blocks() if block.implicit_id and block.category != "html"] == []


def test_it_is_graded_in_time(course: Course) -> None:
    assert course.grading is not None
    assert len(course.grading.graders) == 3
    assert sum(grader.weight for grader in course.grading.graders) == pytest.approx(1)
    graded = [part for section in course.root.children for part in section.children if "format" in part.fields]
    assert {part.fields["format"] for part in graded} == {grader.type for grader in course.grading.graders}
    start, end = course.root.fields["start"], course.root.fields["end"]
    assert isinstance(start, str)
    assert isinstance(end, str)
    for part in graded:
        due = part.fields["due"]
        assert isinstance(due, str)
        assert start < due <= end
    counted = Counter(part.fields["format"] for part in graded)
    assert all(counted[grader.type] == grader.min_count for grader in course.grading.graders)


def test_the_exercise_on_a_picture_fits_its_picture(course: Course) -> None:
    """The block fetches the picture by the name in `data`, which no check follows, and places zones in its pixels."""
    data = next(block.fields["data"] for block in course.blocks() if block.category == "drag-and-drop-v2")
    assert isinstance(data, dict)
    picture = next(asset for asset in course.assets if f"/static/{asset.name}" == data["targetImg"])
    assert picture.file is not None
    width, height = struct.unpack(">II", picture.file.read_bytes()[16:24])
    for zone in data["zones"]:
        assert 0 <= zone["x"] < zone["x"] + zone["width"] <= width
        assert 0 <= zone["y"] < zone["y"] + zone["height"] <= height
    assert {uid for item in data["items"] for uid in item["zones"]} == {zone["uid"] for zone in data["zones"]}


def test_the_experiment_has_its_groups(course: Course) -> None:
    experiment = next(block for block in course.blocks() if block.category == "split_test")
    partitions = course.root.fields["user_partitions"]
    assert isinstance(partitions, list)
    partition = next(item for item in partitions if item["id"] == experiment.fields["user_partition_id"])
    children = experiment.fields["group_id_to_child"]
    assert isinstance(children, dict)
    assert {str(group["id"]) for group in partition["groups"]} == set(map(str, children))
    assert len(experiment.children) == len(children)


def test_the_package_is_scorm(course: Course) -> None:
    package = next(block.package for block in course.blocks() if block.category == "scorm")
    assert package is not None
    assert package.file is not None
    assert package.size > 1000  # a smaller upload trips the platform's block (openedx-scorm-xblock: scormxblock.py)
    with zipfile.ZipFile(package.file) as archive:
        assert archive.testzip() is None
        manifest = ElementTree.fromstring(archive.read("imsmanifest.xml"))
        names = set(archive.namelist())
    spaces = {"m": "http://www.imsproject.org/xsd/imscp_rootv1p1p2"}
    assert manifest.findtext("m:metadata/m:schemaversion", namespaces=spaces) == "1.2"
    resource = manifest.find("m:resources/m:resource[@href]", spaces)
    assert resource is not None
    assert resource.get("href") in names
    assert {file.get("href") for file in resource.iterfind("m:file", spaces)} <= names


@pytest.mark.parametrize("chart", sorted(samples_dir().glob("*/static/**/*.svg")), ids=lambda path: path.stem)
def test_a_chart_speaks_for_itself(chart: Path) -> None:
    """An SVG without a size of its own is as wide as whatever surrounds it, or not seen at all."""
    root = ElementTree.fromstring(chart.read_bytes())
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert root.get("role") == "img"
    assert root.findtext("{http://www.w3.org/2000/svg}title")
    assert root.findtext("{http://www.w3.org/2000/svg}desc")

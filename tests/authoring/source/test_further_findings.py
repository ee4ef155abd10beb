"""Findings about what leads nowhere or would show something else than was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from authoring.checks import check_course
from authoring.source import read_course

COURSE = "org: O\nnumber: N\nrun: R\ntitle: T\n"


def findings(folder: Path, files: dict[str, str]) -> list[str]:
    for path, text in {"course.yaml": COURSE, **files}.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    course, diagnostics = read_course(folder)
    found = [*diagnostics, *(check_course(course) if course is not None else ())]
    return [str(finding).splitlines()[0] for finding in found]


def test_a_link_to_a_place_that_nobody_named(tmp_path: Path) -> None:
    found = findings(
        tmp_path,
        {
            "01-a/01-b/01-u.md": "[there](02-v.md#nope) [named](02-v.md#here) [raw](02-v.md#raw) [part](02-v.md#clip)\n",
            "01-a/01-b/02-v.md": '## Here {#here}\n\n<p id="raw">x</p>\n\n:::done {#clip}\n:::\n',
        },
    )
    assert [line for line in found if "anchor" in line] == [
        "01-a/01-b/01-u.md:1: warning[unknown-anchor]: '02-v.md#nope': nothing in 01-a/01-b/02-v.md is called 'nope'"
    ]


def test_a_component_inside_a_problem(tmp_path: Path) -> None:
    body = "::::problem {#p}\n>>Six times seven?<<\n\n= 42\n\n:::video\nyoutube: abcdefghijk\n:::\n::::\n"
    found = findings(tmp_path, {"01-a/01-b/01-u.md": body})
    assert "01-a/01-b/01-u.md:6: error[wrong-nesting]: ':::video' inside ':::problem'" in found


DROP = """:::drag-and-drop-v2 {#d}
data:
  targetImg: {picture}
  zones: [{uid: left, title: Left, x: 0, y: 0, width: 10, height: 10}]
  items: [{id: 0, displayName: One, imageURL: "", zones: [{zone}]}]
:::
"""


@pytest.mark.parametrize(
    ("picture", "zone", "code"),
    [
        ("../../static/map.svg", "left", None),
        ("../../static/mop.svg", "left", "error[missing-image]: image '../../static/mop.svg'"),
        (
            "../../static/map.svg",
            "letf",
            "error[unknown-zone]: the item 'One' belongs to the zone 'letf', which is not there",
        ),
    ],
)
def test_pictures_and_zones_of_drag_and_drop(tmp_path: Path, picture: str, zone: str, code: str | None) -> None:
    text = DROP.replace("{picture}", picture).replace("[{zone}]", f"[{zone}]")
    found = findings(tmp_path, {"static/map.svg": "<svg/>", "01-a/01-b/01-u.md": text})
    grave = [line for line in found if "error[" in line]
    assert (grave == []) if code is None else any(code in line for line in grave)
    if code is None:
        course, _ = read_course(tmp_path)
        assert course is not None
        (block,) = course.root.children[0].children[0].children[0].children
        assert block.fields["data"]["targetImg"] == "/static/map.svg"  # type: ignore[index, call-overload]


WORDLESS = """:::drag-and-drop-v2 {#d}
data:
  zones:
    - {uid: left, x: 0, y: 0, width: 10, height: 10}
    - {uid: right, title: Right, x: 10, y: 0, width: 10, height: 10}
  items:
    - {id: 0, displayName: 3.10, imageURL: "", zones: [left]}
    - {id: 1, displayName: "", imageURL: ../../static/a.svg, imageDescription: A wheel, zones: [right]}
    - {id: 2, displayName: "", imageURL: ../../static/a.svg, zones: []}
    - {id: 3, displayName: "", imageURL: ../../static/b.svg, imageDescription: A cart, zones: []}
:::
"""


def test_words_and_pictures_of_drag_and_drop(tmp_path: Path) -> None:
    found = findings(tmp_path, {"static/a.svg": "<svg/>", "01-a/01-b/01-u.md": WORDLESS})
    assert [line for line in found if "implicit" not in line] == [
        "01-a/01-b/01-u.md:10: error[missing-image]: image '../../static/b.svg' is not in the course folder",
    ]
    found = findings(tmp_path, {"static/b.svg": "<svg/>"})
    assert found == [
        "01-a/01-b/01-u.md:1: warning[nameless-zone]: the zone 'left' has no title",
        "01-a/01-b/01-u.md:1: warning[nameless-item]: the item no. 3 has neither text nor a description",
    ]
    course, _ = read_course(tmp_path)
    assert course is not None
    (block,) = course.root.children[0].children[0].children[0].children
    items = block.fields["data"]["items"]  # type: ignore[index, call-overload]
    assert [item["displayName"] for item in items] == ["3.10", "", "", ""]  # type: ignore[index, call-overload]
    assert items[1]["imageURL"] == "/static/a.svg"  # type: ignore[index, call-overload]


@pytest.mark.parametrize("item", ["{id: 0, displayName: A, zone: A place}", "{id: 0, displayName: A, zone: none}"])
def test_older_drag_and_drop_names_zones_by_title(tmp_path: Path, item: str) -> None:
    body = f":::drag-and-drop-v2 {{#d}}\ndata:\n  zones: [{{title: A place}}]\n  items: [{item}]\n:::\n"
    assert findings(tmp_path, {"01-a/01-b/01-u.md": body}) == []


@pytest.mark.parametrize(
    ("directive", "missing"),
    [
        ("google-document", "embed_code"),
        ("survey", "questions"),
        ("poll", "question"),
    ],
)
def test_what_would_show_the_platform_s_example(tmp_path: Path, directive: str, missing: str) -> None:
    found = findings(tmp_path, {"01-a/01-b/01-u.md": f":::{directive} {{#x}}\ntitle: T\n:::\n"})
    assert any("sample-content" in line and missing in line for line in found)


RUBRIC = """:::openassessment {#o}
prompt: Write.
rubric_feedback_prompt: Well?
rubric_feedback_default_text: Well.
rubric_criteria:
  - name: clear
    prompt: Is it clear?
    options: [{name: 0, label: No, explanation: It is not., points: 0}, {name: 1, points: 2}]
  - {name: words, prompt: And the words?, feedback: required, options: []}
rubric_assessments: [{name: self-assessment}]
:::
"""


def test_a_rubric_is_numbered_as_it_is_written(tmp_path: Path) -> None:
    assert findings(tmp_path, {"01-a/01-b/01-u.md": RUBRIC}) == []
    course, _ = read_course(tmp_path)
    assert course is not None
    (block,) = course.root.children[0].children[0].children[0].children
    clear, words = block.fields["rubric_criteria"]  # type: ignore[misc, union-attr]
    assert (clear["order_num"], words["order_num"]) == (0, 1)  # type: ignore[index, call-overload]
    assert [(o["order_num"], o["name"]) for o in clear["options"]] == [(0, "0"), (1, "1")]  # type: ignore[index, call-overload, union-attr]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("prompt: Is it clear?", "label: Clear", "the criterion 'clear' has no prompt"),
        ("name: words", "name: clear", "2 times there is one criterion called 'clear'"),
        ("{name: 1, points: 2}", "{name: 0, points: 2}", "2 times there is one option of 'clear' called '0'"),
        ("{name: 1, points: 2}", "{points: 2}", "one option of 'clear' has no name"),
        ("points: 2", "points: 1.5", "the option '1' of 'clear' has no points, or not a whole number of them"),
        (", feedback: required", "", "the criterion 'words' has neither options nor `feedback: required`"),
    ],
)
def test_a_rubric_that_the_platform_refuses(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert RUBRIC.count(old) == 1
    found = findings(tmp_path, {"01-a/01-b/01-u.md": RUBRIC.replace(old, new)})
    assert found == [f"01-a/01-b/01-u.md:1: error[broken-rubric]: {said}"]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("[]", "no step assesses anything: none of peer-assessment, self-assessment, staff-assessment"),
        ("[{name: self-assessment}, {name: self-asessment}]", "there is no step 'self-asessment'"),
        ("[{name: self-assessment}, {name: self-assessment}]", "the step 'self-assessment' stands 2 times"),
        ("[{name: staff-assessment}]", "staff-assessment is the only step and not `required: true`"),
        ("[{name: staff-assessment}, {name: self-assessment}]", "staff-assessment is not the last step"),
        (
            "[{name: peer-assessment}]",
            "peer-assessment needs `must_grade` and `must_be_graded_by`, one at least",
        ),
        (
            "[{name: peer-assessment, must_grade: 2, must_be_graded_by: 3}]",
            "3 peers must assess each answer, but each learner assesses only 2",
        ),
        (
            "[{name: student-training, examples: [x]}, {name: self-assessment}]",
            "student-training prepares for peer-assessment, which does not follow",
        ),
        (
            "[{name: student-training}, {name: peer-assessment, must_grade: 3, must_be_graded_by: 3}]",
            "student-training has no examples",
        ),
    ],
)
def test_steps_that_do_not_fit_together(tmp_path: Path, steps: str, said: str) -> None:
    text = RUBRIC.replace("[{name: self-assessment}]", steps)
    found = findings(tmp_path, {"01-a/01-b/01-u.md": text})
    assert found == [f"01-a/01-b/01-u.md:1: error[broken-assessment-steps]: {said}"]

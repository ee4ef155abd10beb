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
        ("../../static/map.svg", "letf", "error[bad-value]: an item belongs to the zone 'letf', which is not there"),
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

"""Keys at the edges: what the platform takes, said in words; what it gives, taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authoring.keys import (
    asset_name,
    asset_name_of,
    block_category,
    block_id,
    check_usage_key,
    course_id,
    course_key_of,
    is_usage_key,
    parse_course_key,
    root_key,
    usage_key,
)
from authoring.model import CourseId

PARTS = st.text("abcÄéß東_-~.:0", min_size=1, max_size=20)


@given(PARTS, PARTS, PARTS)
def test_a_course_key_and_its_parts_tell_the_same(org: str, number: str, run: str) -> None:
    course = course_id(org, number, run)
    assert parse_course_key(str(course)) == course


@given(PARTS, PARTS)
def test_a_usage_key_and_its_parts_tell_the_same(category: str, block: str) -> None:
    course = CourseId("Demo", "DS101", "2027")
    key = usage_key(course, category, block)
    assert check_usage_key(key) == key
    assert (block_category(key), block_id(key), course_key_of(key)) == (category, block, str(course))


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("", "N", "R"), "org is empty"),
        (("O", "N 1", "R"), "number 'N 1' holds a space"),
        (("O", "N", "R+2"), r"run 'R\+2' holds '\+'"),
        (("O/P", "N", "R"), "org 'O/P' holds '/'"),
        (("O", "N", "R\n"), r"holds '\\n'"),
        (("O" * 100, "N" * 60, "R" * 40), "too long together"),
    ],
)
def test_what_cannot_be_a_course_is_said_in_words(parts: tuple[str, str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        course_id(*parts)


def test_there_is_room_for_the_longest_keys_of_blocks() -> None:
    course = course_id("O" * 60, "N" * 60, "R" * 60)
    assert len(usage_key(course, "sequential", "0" * 32)) <= 255


@pytest.mark.parametrize(
    "text",
    ["", "Org/Number/Run", "library-v1:Org+Lib", "course-v1:Org+Number", "course-v1:A+B+C\n", "ccx-v1:A+B+C+ccx@1"],
)
def test_other_kinds_of_course_keys_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a course key"):
        parse_course_key(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "block-v1:A+B+C",
        "i4x://A/B/html/x",
        "lb:A:B:html:x",
        "block-v1:A+B+C+type@html+block@x/../y",
        "block-v1:A+B+C+type@html+block@x?publish=1",
        "asset-v1:A+B+C+type@asset+block@x.png",
    ],
)
def test_other_kinds_of_keys_are_no_usage_keys(text: str) -> None:
    assert not is_usage_key(text)
    with pytest.raises(ValueError, match="not a usage key"):
        block_id(text)


def test_branch_and_version_are_no_part_of_a_course() -> None:
    assert course_key_of("block-v1:A+B+C+branch@draft-branch+type@html+block@x") == "course-v1:A+B+C"


def test_the_root_has_a_constant_id() -> None:
    assert root_key(CourseId("A", "B", "C")) == "block-v1:A+B+C+type@course+block@course"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("chart.png", "chart.png"),
        ("week 1/my file (1)é.png", "week_1_my_file__1_é.png"),
        ("a__b.srt", "a__b.srt"),
        ("50%.png", "50%.png"),
        ("a:b~c.png", "a_b_c.png"),
    ],
)
def test_files_get_the_platforms_flat_names(path: str, name: str) -> None:
    assert asset_name(path) == name


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_cleaned_name_is_one_that_an_asset_key_takes(path: str) -> None:
    name = asset_name(path)
    assert asset_name(name) == name
    assert asset_name_of(f"asset-v1:A+B+C+type@asset+block@{name}") == name


def test_what_is_no_asset_key_is_refused() -> None:
    with pytest.raises(ValueError, match="not an asset key"):
        asset_name_of("/static/x.png")

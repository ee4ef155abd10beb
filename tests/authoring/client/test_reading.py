"""What is read of a live course: values, however the target tells them, and None for what it does not tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.responses import Response

from authoring.calls import CallKind
from authoring.client import Client
from authoring.dialects import NoRouteError
from authoring.errors import LoginError, NonsenseError, RefusedError
from authoring.model import CourseId, Grader, GradingPolicy
from authoring.remote import HeldPassport
from authoring.settings import Options, Target
from tests.authoring.client.scripted import TOKEN_PATH, Asked, Platform, as_json

Connect = Callable[[Target], Client]

COURSE = CourseId("Demo", "DS101", "2027")
KEY = str(COURSE)


def usage(category: str, name: str) -> str:
    return f"block-v1:Demo+DS101+2027+type@{category}+block@{name}"


ROOT, CHAPTER, SUBSECTION = usage("course", "course"), usage("chapter", "c"), usage("sequential", "s")
UNIT, EMPTY, TEXT = usage("vertical", "u"), usage("vertical", "e"), usage("html", "t")
PACKAGE = usage("ibl_openedx_scorm_xblock", "p")
SPLIT = usage("split_test", "x")


def node(key: str, *children: dict[str, Any], **more: Any) -> dict[str, Any]:
    category = key.partition("type@")[2].partition("+")[0]
    row = {"id": key, "category": category, "display_name": category.title(), "has_children": True, **more}
    if category != "vertical":
        row["child_info"] = {"category": "x", "display_name": "x", "children": list(children)}
    return row


OUTLINE = node(
    ROOT,
    node(
        CHAPTER,
        node(
            SUBSECTION,
            node(UNIT, published=True, has_changes=True, has_explicit_staff_lock=False, visibility_state="ready"),
            node(EMPTY, published=False, has_changes=True, start="2030-01-01T00:00:00Z"),
            format="Homework",
            graded=True,
        ),
    ),
)
UNITS = {
    "units": [
        {
            "id": UNIT,
            "display_name": "Unit",
            "type": "vertical",
            "children": [
                {"id": TEXT, "display_name": "Text", "type": "html"},
                {"id": PACKAGE, "display_name": "Package", "type": "ibl_openedx_scorm_xblock"},
                {"id": SPLIT, "display_name": "Test", "type": "split_test"},
            ],
        },
        {"id": EMPTY, "display_name": "Empty", "type": "vertical", "children": []},
    ]
}
READ_OUTLINE = f"GET /xblock/outline/{ROOT}"
READ_UNITS = f"GET /api/v1/ibl/course/{KEY}/units"
READ_COURSE = "GET /api/ibl/manage/course/"


@pytest.fixture
def ibl(connect: Connect, session_target: Target) -> Client:
    return connect(replace(session_target, options=Options(scorm_category="ibl_openedx_scorm_xblock", timeout=5.0)))


@pytest.fixture
def studio(connect: Connect, studio_target: Target) -> Client:
    return connect(studio_target)


@pytest.fixture
def bearer(connect: Connect, token_target: Target, platform: Platform) -> Client:
    platform.on(f"POST {TOKEN_PATH}", as_json({"access_token": "t", "expires_in": 3600}))
    return connect(token_target)


# -- structure ---------------------------------------------------------------------------------------------------------


def test_the_whole_structure_takes_two_reads(ibl: Client, platform: Platform) -> None:
    platform.on(READ_OUTLINE, as_json(OUTLINE))
    platform.on(READ_UNITS, as_json(UNITS))
    course = ibl.read_outline(COURSE)
    assert course is not None
    assert ibl.calls == {CallKind.READ: 2}
    assert (course.key, course.root) == (KEY, ROOT)
    assert course.components_known
    assert course.outline_known
    assert list(course.blocks) == [ROOT, CHAPTER, SUBSECTION, UNIT, TEXT, PACKAGE, SPLIT, EMPTY]
    assert [block.usage_key for block in course.walk()] == list(course.blocks)
    unit = course.blocks[UNIT]
    assert (unit.parent, unit.children) == (SUBSECTION, (TEXT, PACKAGE, SPLIT))
    assert (unit.published, unit.has_changes, unit.visible_to_staff_only) == (True, True, False)
    assert course.blocks[EMPTY].children == ()
    assert (course.blocks[SUBSECTION].format, course.blocks[SUBSECTION].graded) == ("Homework", True)
    assert course.blocks[PACKAGE].category == "scorm"
    assert course.blocks[TEXT].children == ()
    assert course.blocks[SPLIT].children is None


def test_without_a_session_only_units_are_known(bearer: Client, platform: Platform) -> None:
    platform.on(READ_UNITS, as_json(UNITS))
    course = bearer.read_outline(COURSE)
    assert course is not None
    assert not course.outline_known
    assert course.components_known
    assert not course.lists("chapter")
    assert course.lists("vertical")
    assert course.lists("html")
    assert not course.lists("static_tab")
    assert course.blocks[ROOT].children is None
    assert course.blocks[UNIT].parent is None


def test_a_stock_outline_ends_at_units_unless_more_is_asked_for(studio: Client, platform: Platform) -> None:
    platform.on(READ_OUTLINE, as_json(OUTLINE))
    children = f"/api/contentstore/v1/container/vertical/{UNIT}/children"
    platform.on(
        f"GET {children}",
        as_json({"children": [{"name": "Text", "block_id": TEXT, "block_type": "html"}]}),
    )
    course = studio.read_outline(COURSE)
    assert course is not None
    assert not course.components_known
    assert course.blocks[UNIT].children is None
    more = studio.read_outline(COURSE, units=(UNIT,))
    assert more is not None
    assert more.blocks[UNIT].children == (TEXT,)
    assert more.blocks[EMPTY].children is None
    assert (more.blocks[TEXT].display_name, more.blocks[TEXT].parent) == ("Text", UNIT)
    assert platform.asked[0].query == {"format": "json"}


def test_an_outline_that_hides_children_does_not_count_as_empty(studio: Client, platform: Platform) -> None:
    platform.on(
        READ_OUTLINE,
        as_json({"id": ROOT, "category": "course", "display_name": "x", "has_children": True}),
    )
    course = studio.read_outline(COURSE)
    assert course is not None
    assert course.blocks[ROOT].children is None


def test_a_unit_made_between_the_two_reads_is_not_lost(ibl: Client, platform: Platform) -> None:
    late = usage("vertical", "late")
    units = {"units": [*UNITS["units"], {"id": late, "display_name": "L", "type": "vertical", "children": []}]}
    platform.on(READ_OUTLINE, as_json(OUTLINE))
    platform.on(READ_UNITS, as_json(units))
    course = ibl.read_outline(COURSE)
    assert course is not None
    assert course.blocks[late].parent is None


def test_units_are_not_all_known_when_one_was_deleted_between_the_two_reads(ibl: Client, platform: Platform) -> None:
    platform.on(READ_OUTLINE, as_json(OUTLINE))
    platform.on(READ_UNITS, as_json({"units": UNITS["units"][:1]}))
    course = ibl.read_outline(COURSE)
    assert course is not None
    assert not course.components_known


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_course_that_is_not_there_is_none(ibl: Client, platform: Platform, status: int) -> None:
    platform.on(READ_OUTLINE, Response(status_code=status))
    platform.on(READ_UNITS, Response(status_code=status))
    platform.on(READ_COURSE, as_json({"error": "not found"}, 404))
    assert ibl.read_outline(COURSE) is None
    assert platform.asked[-1].query == {"course_key": KEY}


@pytest.mark.parametrize(("status", "kind"), [(403, LoginError), (404, RefusedError), (500, RefusedError)])
def test_a_course_that_is_there_and_cannot_be_read_is_not_taken_for_missing(
    ibl: Client, platform: Platform, status: int, kind: type[Exception]
) -> None:
    platform.on(READ_OUTLINE, as_json({"detail": "broken"}, status))
    platform.on(READ_UNITS, as_json(UNITS))
    platform.on(READ_COURSE, as_json({"course_key": KEY, "display_name": "Data"}))
    with pytest.raises(kind, match="broken"):
        ibl.read_outline(COURSE)


def test_an_expired_login_is_not_taken_for_a_missing_course(ibl: Client, platform: Platform) -> None:
    login = Response(status_code=302, headers={"Location": "/login"})
    platform.on(READ_OUTLINE, login)
    platform.on(READ_UNITS, login)
    with pytest.raises(LoginError):
        ibl.read_outline(COURSE)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_stock_studio_tells_a_missing_course_in_three_ways(studio: Client, platform: Platform, status: int) -> None:
    platform.on(READ_OUTLINE, Response(status_code=status))
    assert studio.read_outline(COURSE) is None
    assert studio.read_course_info(COURSE) is None


def test_a_course_has_a_key_and_a_title(ibl: Client, studio: Client, platform: Platform) -> None:
    platform.on(READ_COURSE, as_json({"course_key": KEY, "display_name": "Data"}))
    platform.on(READ_OUTLINE, as_json(OUTLINE))
    found = ibl.read_course_info(COURSE)
    assert found is not None
    assert (found.key, found.display_name) == (KEY, "Data")
    stock = studio.read_course_info(COURSE)
    assert stock is not None
    assert stock.display_name == "Course"


# -- children ----------------------------------------------------------------------------------------------------------


def test_children_are_read_fresh(ibl: Client, platform: Platform) -> None:
    platform.on(f"GET /xblock/outline/{CHAPTER}", as_json(node(CHAPTER, node(SUBSECTION, node(UNIT)))))
    platform.on(
        f"GET /api/contentstore/v1/container/vertical/{UNIT}/children",
        as_json({"children": [{"block_id": PACKAGE, "block_type": "ibl_openedx_scorm_xblock", "name": "P"}]}),
    )
    assert ibl.read_children(COURSE, CHAPTER) == (SUBSECTION,)
    assert ibl.read_children(COURSE, UNIT) == (PACKAGE,)


def test_without_a_session_the_children_of_units_alone_can_be_read(bearer: Client, platform: Platform) -> None:
    platform.on(READ_UNITS, as_json(UNITS))
    assert bearer.read_children(COURSE, UNIT) == (TEXT, PACKAGE, SPLIT)
    assert bearer.read_children(COURSE, CHAPTER) is None


# -- blocks ------------------------------------------------------------------------------------------------------------


def test_a_block_is_read_with_its_fields(ibl: Client, platform: Platform) -> None:
    platform.on(
        f"GET /xblock/{TEXT}",
        as_json(
            {
                "id": TEXT,
                "display_name": "Text",
                "category": "html",
                "data": "<p>x</p>",
                "metadata": {"display_name": "Text", "editor": "raw"},
                "published": True,
                "has_changes": None,
            }
        ),
    )
    block = ibl.read_block(TEXT, "html")
    assert block is not None
    assert (block.content, block.fields) == ("<p>x</p>", {"display_name": "Text", "editor": "raw"})
    assert block.complete
    assert (block.published, block.has_changes) == (True, None)


def test_without_a_session_a_block_is_read_by_get_details(bearer: Client, platform: Platform) -> None:
    platform.on(
        "GET /api/v1/ibl/xblock/get-details",
        as_json({"id": TEXT, "data": "<p>x</p>", "display_name": "Text"}),
    )
    block = bearer.read_block(TEXT, "html")
    assert block is not None
    assert not block.complete
    assert (block.content, block.fields) == ("<p>x</p>", {"display_name": "Text"})
    assert platform.asked[-1].query == {"locator": TEXT}


def test_a_category_that_get_details_does_not_tell_of_is_asked_for_once(bearer: Client, platform: Platform) -> None:
    platform.on("GET /api/v1/ibl/xblock/get-details", Response(status_code=406))
    assert bearer.read_block(usage("problem", "p"), "problem") is None
    asked = len(platform.asked)
    assert bearer.read_block(usage("problem", "q"), "problem") is None
    assert len(platform.asked) == asked
    assert bearer.read_block(TEXT, "html") is None
    assert len(platform.asked) == asked + 1


@pytest.mark.parametrize("status", [404, 406, 500])
def test_a_block_that_cannot_be_read_is_none(ibl: Client, platform: Platform, status: int) -> None:
    platform.on(f"GET /xblock/{TEXT}", Response(status_code=status))
    assert ibl.read_block(TEXT, "html") is None


def test_several_blocks_are_read_side_by_side(ibl: Client, platform: Platform) -> None:
    keys = [usage("html", f"t{number}") for number in range(20)]
    for key in keys:
        platform.on(f"GET /xblock/{key}", as_json({"id": key, "data": key, "metadata": {}}))
    found = ibl.read_blocks([*((key, "html") for key in keys), (TEXT, "html")])
    assert {key: block.content for key, block in found.items()} == {key: key for key in keys}


# -- course settings ---------------------------------------------------------------------------------------------------


def test_the_grading_policy_is_read_as_fractions(ibl: Client, platform: Platform) -> None:
    grader = {
        "id": 0,
        "type": "Homework",
        "min_count": 12,
        "drop_count": 2,
        "short_label": None,
        "weight": 15.0,
    }
    platform.on(
        f"GET /settings/grading/{KEY}",
        as_json(
            {
                "graders": [grader],
                "grade_cutoffs": {"Pass": 0.5},
                "grace_period": {"hours": 1, "minutes": 30},
                "minimum_grade_credit": 0.8,
            }
        ),
    )
    assert ibl.read_grading(COURSE) == GradingPolicy((Grader("Homework", 0.15, 12, 2, ""),), {"Pass": 0.5}, 90)


def test_advanced_settings_are_read_by_name_and_passports_by_id(ibl: Client, platform: Platform) -> None:
    platform.on(
        f"GET /settings/advanced/{KEY}",
        as_json(
            {
                "advanced_modules": {"value": ["scorm"], "display_name": "x", "help": "", "deprecated": False},
                "lti_passports": {"value": ["tool:key:with:colons:secret", "other:k:s"]},
            }
        ),
    )
    assert ibl.read_advanced_settings(COURSE)["advanced_modules"] == ["scorm"]
    wanted = {"tool": "tool:key:with:colons:secret", "other": "other:k:new", "third": "third:k:s", "x": None}
    assert ibl.compare_passports(COURSE, wanted) == {
        "tool": HeldPassport.SAME,
        "other": HeldPassport.OTHER,
        "third": HeldPassport.ABSENT,
        "x": HeldPassport.ABSENT,
    }
    assert ibl.compare_passports(COURSE, {"tool": None}) == {"tool": HeldPassport.UNTOLD}


def test_what_the_login_cannot_read_is_said_before_anything_is_sent(bearer: Client, platform: Platform) -> None:
    assert bearer.compare_passports(COURSE, {"tool": None}) is None
    for read in (bearer.read_grading, bearer.read_advanced_settings, bearer.list_assets):
        with pytest.raises(NoRouteError, match="login"):
            read(COURSE)
    assert not platform.asked


def test_course_settings_are_read_without_their_wrapper(ibl: Client, studio: Client, platform: Platform) -> None:
    platform.on("GET /api/ibl/v1/course_settings", as_json({"formData": {"title": "Data"}}))
    platform.on(f"GET /settings/details/{KEY}", as_json({"title": "Data"}))
    assert ibl.read_course_settings(COURSE) == {"title": "Data"}
    assert studio.read_course_settings(COURSE) == {"title": "Data"}


# -- files -------------------------------------------------------------------------------------------------------------


def assets(count: int) -> Callable[[Asked], Response]:
    """A listing as Studio gives it: a page beyond the end is the last one over again."""

    def page(asked: Asked) -> Response:
        size = int(asked.query["page_size"])
        number = min(int(asked.query["page"]), max(0, (count - 1) // size))
        rows = [
            {
                "id": f"asset-v1:Demo+DS101+2027+type@asset+block@f{index}_é.png",
                "display_name": f"f{index} é.png",
                "file_size": index,
                "content_type": "image/png",
                "locked": False,
            }
            for index in range(number * size, min(count, (number + 1) * size))
        ]
        return as_json({"assets": rows, "totalCount": count, "page": number, "pageSize": size})

    return page


@pytest.mark.parametrize("count", [0, 1, 100, 250])
def test_all_pages_of_the_list_of_files_are_read(ibl: Client, platform: Platform, count: int) -> None:
    platform.on(f"GET /assets/{KEY}/", assets(count))
    found = ibl.list_assets(COURSE)
    assert [asset.size for asset in found] == list(range(count))
    assert len(platform.asked) == max(1, -(-count // 100))
    if count:
        assert found[0].name == "f0_é.png"


def test_a_list_of_files_that_never_ends_is_ended(ibl: Client, platform: Platform) -> None:
    row = {"id": "asset-v1:Demo+DS101+2027+type@asset+block@x.png", "display_name": "x.png"}
    platform.on(f"GET /assets/{KEY}/", as_json({"assets": [row], "totalCount": 1000}))
    (asset,) = ibl.list_assets(COURSE)
    assert asset.size is None
    assert len(platform.asked) == 2


@pytest.mark.parametrize("answer", [[], {}, {"assets": None}, {"assets": [1]}, {"assets": [{"size": 1}]}])
def test_a_listing_of_another_shape_is_nonsense(ibl: Client, platform: Platform, answer: object) -> None:
    platform.on(f"GET /assets/{KEY}/", as_json(answer))
    with pytest.raises(NonsenseError):
        ibl.list_assets(COURSE)

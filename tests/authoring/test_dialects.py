"""What the dialects send and read: the calls as people see them, and the laws that every call and every reader keeps."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authoring.calls import Call, CallKind, Json
from authoring.dialects import (
    Dialect,
    IblDialect,
    NoRouteError,
    StudioDialect,
    bodies,
    capabilities,
    dialect_of,
    readers,
)
from authoring.errors import NonsenseError, SourceError
from authoring.model import Asset, BlockKey, CourseId, FieldValue, Grader, GradingPolicy
from authoring.settings import DialectName, Options, PdfBlock, ScormUpload, Secret, StudioSession, Target
from authoring.settings.target import ClientCredentials

COURSE = CourseId("Demo", "DS101", "2027")
KEY = str(COURSE)
ROOT = "block-v1:Demo+DS101+2027+type@course+block@course"
HTML = "block-v1:Demo+DS101+2027+type@html+block@h"
UNIT = "block-v1:Demo+DS101+2027+type@vertical+block@u"
SCORM = "block-v1:Demo+DS101+2027+type@scorm+block@s"

IBL, BEARER, STUDIO = IblDialect(), IblDialect(stock=False), StudioDialect()
DIALECTS: dict[str, Dialect] = {"ibl": IBL, "ibl without a session": BEARER, "studio": STUDIO}
EACH = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))


def package(size: int = 5000) -> Asset:
    return Asset("safety.zip", PurePosixPath("a/safety.zip"), "0", size, "application/zip", file=Path("/x/safety.zip"))


PICTURE = Asset("p.png", PurePosixPath("static/p.png"), "0", 7, "image/png", file=Path("/x/p.png"))
POLICY = GradingPolicy((Grader("Homework", 0.15, 12, 2, "HW"), Grader("Final Exam", 0.85)), {"Pass": 0.6}, 90)

Many = Callable[[Dialect], "tuple[Call, ...] | Call"]
SENT: dict[str, Many] = {
    "create a course": lambda d: d.create_course(COURSE, "Data"),
    "create a block": lambda d: d.create_block(UNIT, "html", "Words"),
    "create a block without a title": lambda d: d.create_block(UNIT, "problem", None, "multiplechoice.yaml"),
    "update a text": lambda d: d.update_block(HTML, KEY, "html", "<p>x</p>", {"display_name": "Words"}),
    "reset a field": lambda d: d.update_block(HTML, KEY, "html", None, {"editor": None}),
    "set course fields": lambda d: d.update_block(
        ROOT, KEY, "course", None, {"display_name": "D", "start": "2027-01-01T00:00:00Z", "advanced_modules": ["poll"]}
    ),
    "publish": lambda d: d.publish(UNIT),
    "write the about page": lambda d: d.write_about(KEY, {"overview": "<p>x</p>", "video": "dQw4w9WgXcQ"}),
    "add a passport": lambda d: d.add_lti_passport(KEY, "tool:key:hunter2"),
    "upload a package": lambda d: d.upload_package(SCORM, "scorm", package(), {"height": 600, "due": "2027-01-01"}),
    "reorder": lambda d: d.set_children(UNIT, [HTML, SCORM]),
    "move": lambda d: d.move_block(HTML, UNIT),
    "move to a place": lambda d: d.move_block(HTML, UNIT, 0),
    "delete": lambda d: d.delete_block(HTML),
    "upload a file": lambda d: d.upload_asset(KEY, PICTURE),
    "set the grading policy": lambda d: d.write_grading(KEY, POLICY),
    "set advanced settings": lambda d: d.write_advanced_settings(KEY, {"mobile_available": True}),
    "create a component": lambda d: d.create_component(UNIT, "problem", "Q", "<problem/>", {"max_attempts": 2}),
    "read a course": lambda d: d.read_course(COURSE),
    "read the outline": lambda d: d.read_outline(COURSE),
    "read a block": lambda d: d.read_block(HTML, "html"),
    "read children": lambda d: d.read_children(COURSE, UNIT, "vertical"),
    "read the children of a section": lambda d: d.read_children(COURSE, ROOT, "chapter"),
    "list files": lambda d: d.list_assets(KEY, 2),
    "read course settings": lambda d: d.read_course_settings(KEY),
    "read advanced settings": lambda d: d.read_advanced_settings(KEY),
    "read the grading policy": lambda d: d.read_grading(KEY),
}
"""Every call a dialect makes, for the table in fixtures/dialects/calls.md and for the laws below."""


def calls(dialect: Dialect, make: Many) -> tuple[Call, ...]:
    made = make(dialect)
    return (made,) if isinstance(made, Call) else made


def described(dialect: Dialect, make: Many) -> str:
    """Calls as a person reads them; the words of the refusal where there is no route."""
    try:
        return "\n".join(_lines(calls(dialect, make)))
    except NoRouteError as error:
        return f"no route: {error}"


def _lines(made: tuple[Call, ...]) -> Iterator[str]:
    for call in made:
        row = call.to_json()
        query = "".join(f" {name}={value}" for name, value in call.query.items())
        once = "" if call.repeatable else " (once)"
        yield f"{row['kind']}: {call}{query}{once}"
        if "merges" in row:
            yield f"  laid over {row['merges']}"
        if row["body"] is not None:
            yield f"  {json.dumps(row['body'], ensure_ascii=False)}"


def cases() -> Iterator[tuple[str, str]]:
    """`(title, text)` of the golden file; the title names the call and the dialect."""
    text = (Path(__file__).parents[1] / "fixtures" / "dialects" / "calls.md").read_text("utf-8")
    for part in text.split("\n## ")[1:]:
        title, _, rest = part.partition("\n")
        yield title, rest.partition("```\n")[2].partition("\n```")[0]


def test_the_calls_are_the_ones_written_down() -> None:
    """Read fixtures/dialects/calls.md to see what goes over the wire."""
    made = {
        f"{title}, {name}": described(dialect, make)
        for title, make in SENT.items()
        for name, dialect in DIALECTS.items()
    }
    assert dict(cases()) == made


# -- laws of every call ------------------------------------------------------------------------------------------------


def every_call() -> Iterator[tuple[str, Call]]:
    for title, make in SENT.items():
        for name, dialect in DIALECTS.items():
            try:
                yield from ((f"{title}, {name}", call) for call in calls(dialect, make))
            except NoRouteError:
                continue


def names_in(value: Json) -> set[str]:
    if isinstance(value, Mapping):
        return set(value) | {name for item in value.values() for name in names_in(item)}
    if isinstance(value, list | tuple):
        return {name for item in value for name in names_in(item)}
    return set()


@pytest.mark.parametrize(("title", "call"), list(every_call()), ids=[title for title, _ in every_call()])
def test_every_call_keeps_the_laws(title: str, call: Call) -> None:
    assert "position" not in names_in(call.json), "a 500 on a real deployment"
    assert call.path.startswith("/")
    assert "//" not in call.path
    assert call.kind.writes == (call.method != "GET")
    if call.kind is CallKind.CREATE or call.method in ("PATCH", "DELETE"):
        assert not call.repeatable, "twice is not once"
    json.dumps(call.to_json())
    assert "hunter2" not in json.dumps(call.to_json())
    if call.kind is CallKind.UPDATE and isinstance(call.json, Mapping):
        assert "display_name" not in call.json, "passed over at the top level"
        assert call.json.get("data") != "", "passed over"


@pytest.mark.parametrize("target", ["session", "client credentials"])
def test_what_the_capabilities_promise_has_a_route(target: str) -> None:
    login: dict[str, Any] = (
        {"session": StudioSession(Secret("s"), Secret("c"))}
        if target == "session"
        else {"oauth": ClientCredentials("i", Secret("s"), "/t"), "lms_url": "http://x"}
    )
    for name in DialectName:
        chosen = Target("t", "http://x", dialect=name, **login)
        if name is DialectName.STUDIO and target != "session":
            continue
        can, dialect = capabilities(chosen), dialect_of(chosen)
        promised: dict[str, bool] = {
            "reorder": can.reorder,
            "move": can.move,
            "delete": can.delete,
            "upload a file": can.assets,
            "list files": can.assets,
            "set the grading policy": can.grading,
            "read the grading policy": can.grading,
            "write the about page": can.about,
            "read course settings": can.course_settings,
            "set advanced settings": can.advanced_settings,
            "add a passport": can.lti_passports,
            "create a component": "problem" in can.component_create,
        }
        for title, promise in promised.items():
            assert promise == (not described(dialect, SENT[title]).startswith("no route")), (name, title)
        json.dumps(can.to_json())


def test_a_detached_block_is_known_by_its_name() -> None:
    can = capabilities(Target("t", "http://x"))
    assert can.detached_key(COURSE, BlockKey("course_info", "handouts")) == (
        "block-v1:Demo+DS101+2027+type@course_info+block@handouts"
    )


@EACH
def test_a_plan_can_be_printed_before_anything_exists(dialect: Dialect) -> None:
    """Keys that are not there yet are written `<category/url_name>`."""
    place = "<scorm/safety>"
    for make in (
        lambda: dialect.create_block("<vertical/u>", "scorm", "S"),
        lambda: dialect.update_block(place, KEY, "scorm", None, {"due": None}),
        lambda: dialect.upload_package(place, "scorm", package(), {"due": "2027-01-01"}),
        lambda: dialect.publish("<chapter/c>"),
    ):
        made = make()
        for call in (made,) if isinstance(made, Call) else made:
            assert "<" in json.dumps(call.to_json())


# -- hazards -----------------------------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("category", ["html", "problem", "annotatable", "static_tab"])
def test_an_empty_text_is_never_sent_as_empty_data(dialect: Dialect, category: str) -> None:
    """It would be passed over without a word."""
    (call,) = dialect.update_block(HTML, KEY, category, "", {})
    assert isinstance(call.json, Mapping)
    fields = call.json.get("fields")
    emptied = isinstance(fields, Mapping) and fields.get("data") == ""
    assert emptied or call.json["data"]


@EACH
def test_a_new_problem_drops_the_old_markdown_unless_it_brings_its_own(dialect: Dialect) -> None:
    def metadata(data: str | None, fields: dict[str, FieldValue]) -> object:
        (call,) = dialect.update_block(HTML, KEY, "problem", data, fields)
        assert isinstance(call.json, Mapping)
        return call.json.get("metadata")

    assert metadata("<problem/>", {}) == {"markdown": None}
    assert metadata("<problem/>", {"markdown": ">>x<<"}) == {"markdown": ">>x<<"}
    assert metadata(None, {"weight": 1}) == {"weight": 1}


@EACH
@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        (
            {},
            {
                "has_score": "1",
                "enable_navigation_menu": "0",
                "enable_fullscreen_button": "1",
                "popup_on_launch": "0",
                "fullscreen_on_launch": "0",
                "weight": "1.0",
                "width": "",
                "height": "450",
                "navigation_menu_width": "",
                "display_name": "safety",
            },
        ),
        (
            {"has_score": False, "popup_on_launch": True},
            {"has_score": "0", "popup_on_launch": "1", "fullscreen_on_launch": "1"},
        ),
        ({"height": 600, "width": 800.0, "weight": 2}, {"height": "600", "width": "800", "weight": "2"}),
        ({"display_name": "Größe", "height": None}, {"display_name": "Größe", "height": "450"}),
    ],
)
def test_a_package_form_has_every_part_in_the_form_that_is_understood(
    dialect: Dialect, fields: dict[str, FieldValue], parts: dict[str, str]
) -> None:
    """A missing part is a 500, a boolean is true only as "1", "400px" would be lost."""
    (upload,) = dialect.upload_package(SCORM, "scorm", package(), fields)
    form = upload.form or {}
    assert parts.items() <= form.items()
    assert len(form) >= 10


def test_a_size_that_is_no_number_is_told_before_anything_is_sent() -> None:
    with pytest.raises(SourceError, match="height is not a number of pixels"):
        IBL.upload_package(SCORM, "scorm", package(), {"height": "400px"})


def test_a_package_may_travel_in_json() -> None:
    dialect = IblDialect(options=Options(scorm_upload=ScormUpload.JSON))
    (upload,) = dialect.upload_package(SCORM, "scorm", package(), {})
    assert upload.inline_files
    assert isinstance(upload.json, Mapping)
    assert upload.json["usage_key_string"] == SCORM
    assert upload.to_json()["body"] == {**upload.json, "file": {"file": "safety.zip", "bytes": 5000}}


@pytest.mark.parametrize(
    "dialect",
    [IblDialect(options=Options(pdf_block=PdfBlock.HREF)), StudioDialect(options=Options(pdf_block=PdfBlock.HREF))],
)
def test_the_vendors_pdf_block_takes_its_address_only_by_its_handler(dialect: Dialect) -> None:
    (save,) = dialect.update_block(HTML, KEY, "pdf", None, {"url": "/static/a.pdf"})
    assert str(save) == f"POST /xblock/{HTML}/handler/save_pdf"
    assert save.merge is not None
    assert save.merge.combine({"display_name": "A"}, save.json) == {"display_name": "A", "href": "/static/a.pdf"}
    whole, rest = dialect.update_block(HTML, KEY, "pdf", None, {"url": "u", "display_name": "B", "due": None})
    assert (whole.merge, whole.json) == (None, {"href": "u", "display_name": "B"})
    assert rest.json == {"metadata": {"due": None}}
    (title,) = dialect.update_block(HTML, KEY, "pdf", None, {"display_name": "B"})
    assert title.json == {"metadata": {"display_name": "B"}}
    with pytest.raises(NoRouteError, match="allow_download"):
        dialect.update_block(HTML, KEY, "pdf", None, {"allow_download": False})


@pytest.mark.parametrize("category", ["html", "problem", "chapter"])
def test_without_a_session_get_details_is_asked_for_every_block(category: str) -> None:
    assert "get-details" in BEARER.read_block(HTML, category).path


def test_the_pace_goes_first_and_alone() -> None:
    first, second = BEARER.write_course_settings(KEY, {"start_date": "2020-01-01T00:00:00Z", "self_paced": True})
    assert first.json == {"course_key": KEY, "self_paced": True}
    assert second.json == {"course_key": KEY, "start_date": "2020-01-01T00:00:00Z"}
    assert BEARER.write_course_settings(KEY, {}) == ()
    assert STUDIO.write_course_settings(KEY, {}) == ()


@pytest.mark.parametrize(
    ("sent", "echo", "taken"),
    [
        ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00+00:00", True),
        ("2027-01-01T00:00:00Z", "2030-01-01T00:00:00Z", False),
        (True, True, True),
        (True, False, False),
        ("x ", "x", True),
        ("<p>x</p>", "<p>x</p>\n", True),
        ("<p>x</p>", "", False),
        (["a"], ["a"], True),
        (["a"], [], False),
        (None, None, True),
        (None, "", True),
        (None, "2030-01-01T00:00:00Z", False),
        ("", None, True),
    ],
)
def test_a_setting_counts_as_taken_when_it_comes_back(sent: Json, echo: Json, taken: bool) -> None:
    check = bodies.settings_check({"x": sent})
    assert (check({"x": echo}) == ()) is taken
    assert (check({"formData": {"x": echo}}) == ()) is taken
    assert check([]) != ()


def test_a_setting_that_is_not_echoed_was_not_taken() -> None:
    (said,) = bodies.settings_check({"promotion": "x"})({})
    assert said == "promotion was not taken (it stays None)"


@pytest.mark.parametrize(
    ("reply", "refused"),
    [
        ({"url": "/course/x", "course_key": "x"}, False),
        ({"course_key": "x"}, False),
        ({"ErrMsg": "There is already a course"}, True),
        ({"error": "no"}, True),
        ({}, True),
        ([], True),
    ],
)
def test_a_course_that_was_not_made_is_told_whatever_the_status(reply: Json, refused: bool) -> None:
    assert bool(bodies.course_refusal(reply)) is refused


# -- what is kept of other people's work ------------------------------------------------------------------------------


def combined(call: Call, live: Json) -> Json:
    assert call.merge is not None
    return call.merge.combine(live, call.json)


def test_other_peoples_advanced_modules_stay() -> None:
    call, *_ = IBL.update_block(ROOT, KEY, "course", None, {"advanced_modules": ["poll", "done"]})
    live: Json = {"advanced_modules": {"value": ["done", "survey"]}, "other": {"value": 1}}
    assert combined(call, live) == {"advanced_modules": {"value": ["done", "survey", "poll"]}}
    assert combined(call, {}) == {"advanced_modules": {"value": ["poll", "done"]}}


def test_other_passports_stay_and_ours_is_renewed() -> None:
    call = STUDIO.add_lti_passport(KEY, "tool:key:new")
    live: Json = {"lti_passports": {"value": ["other:k:s", "tool:key:old"]}}
    assert combined(call, live) == {"lti_passports": {"value": ["other:k:s", "tool:key:new"]}}


def test_what_the_source_does_not_say_of_grading_stays() -> None:
    (call,) = IBL.write_grading(KEY, POLICY)
    merged = combined(call, {"graders": [], "grade_cutoffs": {}, "minimum_grade_credit": 0.7})
    assert isinstance(merged, Mapping)
    assert merged["minimum_grade_credit"] == 0.7
    assert set(merged) == {"graders", "grade_cutoffs", "grace_period", "minimum_grade_credit"}


def test_dates_that_are_not_changed_stay() -> None:
    (call,) = STUDIO.write_about(KEY, {"overview": "new"})
    live: Json = {"start_date": "2027-01-01T00:00:00Z", "overview": "old"}
    assert combined(call, live) == {"start_date": "2027-01-01T00:00:00Z", "overview": "new"}


@pytest.mark.parametrize("live", [[], None, "x", 5])
def test_nothing_is_merged_with_what_is_no_object(live: Json) -> None:
    for call in (
        STUDIO.add_lti_passport(KEY, "a:b:c"),
        *STUDIO.write_grading(KEY, POLICY),
        *STUDIO.write_about(KEY, {"overview": "x"}),
    ):
        with pytest.raises(ValueError, match="not"):
            combined(call, live)


# -- readers -----------------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KNOWN = st.sampled_from(
    [
        "id",
        "locator",
        "xblock_locator",
        "block_id",
        "category",
        "type",
        "block_type",
        "display_name",
        "name",
        "children",
        "child_info",
        "units",
        "has_children",
        "data",
        "metadata",
        "graders",
        "grade_cutoffs",
        "grace_period",
        "assets",
        "totalCount",
        "result",
        "errors",
        "formData",
        "course_key",
        "value",
        "weight",
    ]
)
ANY_REPLY = JSON | st.recursive(
    JSON, lambda inner: st.dictionaries(KNOWN, inner, max_size=4) | st.lists(inner, max_size=3), max_leaves=12
)


def ours(category: str) -> str:
    return category


READERS: dict[str, Callable[[Json], object]] = {
    "created_key": readers.created_key,
    "outline_blocks": lambda reply: list(readers.outline_blocks(reply, ours)),
    "unit_blocks": lambda reply: list(readers.unit_blocks(reply, ours)),
    "child_blocks": lambda reply: readers.child_blocks(reply, UNIT, ours),
    "content_in": lambda reply: readers.content_in(reply, ours),
    "grading_in": readers.grading_in,
    "advanced_in": readers.advanced_in,
    "assets_in": readers.assets_in,
    "package_errors": readers.package_errors,
    "course_of": lambda reply: IBL.course_of(COURSE, reply),
    "course_settings_of": IBL.course_settings_of,
    "outline_of": lambda reply: IBL.outline_of(COURSE, [reply, reply]),
    "children_of": lambda reply: IBL.children_of(reply, UNIT),
}


@pytest.mark.parametrize("read", READERS.values(), ids=list(READERS))
@given(reply=ANY_REPLY)
def test_a_reader_understands_a_reply_or_calls_it_nonsense(read: Callable[[Json], object], reply: Json) -> None:
    try:
        read(reply)
    except NonsenseError as error:
        assert error.message


@pytest.mark.parametrize(
    "reply",
    [{"xblock_locator": HTML}, {"locator": HTML, "courseKey": KEY}, {"id": HTML}, {"xblock_locator": "", "id": HTML}],
)
def test_the_key_of_a_new_block_has_many_names(reply: Json) -> None:
    assert IBL.created_key(reply) == HTML


@given(
    st.lists(
        st.builds(
            Grader,
            st.text(min_size=1),
            st.integers(0, 100).map(lambda percent: percent / 100),
            st.integers(0, 20),
            st.integers(0, 5),
            st.text(max_size=5),
        ),
        max_size=4,
    ),
    st.none() | st.integers(1, 10_000),
)
def test_a_grading_policy_survives_the_way_there_and_back(graders: list[Grader], grace: int | None) -> None:
    policy = GradingPolicy(tuple(graders), {"Pass": 0.5}, grace)
    assert readers.grading_in(json.loads(json.dumps(bodies.grading_body(policy)))) == policy


@dataclass(frozen=True)
class Said:
    reply: Json
    errors: tuple[str, ...]


@pytest.mark.parametrize(
    "said",
    [
        Said({"result": "success", "errors": []}, ()),
        Said({"result": "success"}, ()),
        Said({"result": "success", "errors": ["no manifest", "x"]}, ("no manifest", "x")),
        Said({"result": "error", "error": "bad zip"}, ("bad zip",)),
        Said({}, ("the answer does not say success",)),
    ],
)
def test_a_package_is_taken_only_without_errors(said: Said) -> None:
    assert IBL.package_errors(said.reply) == said.errors


def test_every_dialect_has_all_that_the_protocol_asks_for() -> None:
    for dialect in (IblDialect, StudioDialect):
        for name, member in vars(Dialect).items():
            if inspect.isfunction(member) and not name.startswith("_"):
                asked = list(inspect.signature(member).parameters)
                assert list(inspect.signature(getattr(dialect, name)).parameters) == asked, name

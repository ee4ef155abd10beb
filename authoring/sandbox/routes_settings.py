"""Studio's settings of a course: advanced, grading, details; and the platform's own `course_settings`.

Sources: Open edX: cms/djangoapps/models/settings/{course_metadata,course_grading}.py, openedx/core/djangoapps/models/
course_details.py; the platform's documentation for `course_settings`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from authoring.registry import Scope, fields_of
from authoring.sandbox import rules
from authoring.sandbox.platform import Platform, body_of, need_json
from authoring.sandbox.refusals import Refusal, broken
from authoring.sandbox.store import Node
from authoring.sandbox.values import UNSET_START, set_metadata

# -- advanced settings ------------------------------------------------------------------------------------------------

HIDDEN = frozenset(
    [
        "start",
        "end",
        "enrollment_start",
        "enrollment_end",
        "certificate_available_date",
        "tabs",
        "graceperiod",
        "pdf_textbooks",
        "user_partitions",
        "format",
        "graded",
        "visible_to_staff_only",
        "group_access",
        "language",
        "certificates",
        "entrance_exam_enabled",
        "entrance_exam_minimum_score_pct",
        "entrance_exam_id",
        "pre_requisite_courses",
        "self_paced",
        "show_correctness",
        "hide_from_toc",
        "discussions_settings",
        "is_entrance_exam",
        "in_entrance_exam",
        "is_time_limited",
        "is_proctored_enabled",
        "is_practice_exam",
        "exam_review_rules",
        "hide_after_due",
        "default_time_limit_minutes",
        "cohort_config",
        "xml_attributes",
        "chrome",
        "default_tab",
        "name",
        "tags",
        "highlights",
        "learning_info",
        "instructor_info",
        "minimum_grade_credit",
    ]
)
"""Set elsewhere: not shown here, and passed over without a word when they are sent."""


async def advanced(platform: Platform, request: Request) -> Response:
    """`/settings/advanced/{key}`: `{name: {value, …}}`. A write is laid over, name by name; one bad value and nothing is
    saved. Unknown and hidden names are passed over."""
    root = platform.root(request.path_params["key"])
    offered = {
        name: field
        for name, field in fields_of("course").items()
        if name not in HIDDEN and field.scope is Scope.SETTINGS
    }
    if request.method == "GET":
        need_json(request)
    else:
        body = await body_of(request)
        values = {name: item.get("value") for name, item in body.items() if name in offered and isinstance(item, dict)}
        wrong = [{"key": name, "message": text, "model": body[name]} for name, text in _refused(values)]
        if wrong:
            raise Refusal(400, wrong)
        set_metadata(root, {name: value for name, value in values.items() if value is not None})
        root.fields |= {name: None for name, value in values.items() if value is None}
        rules.save(platform.store, root)
    wanted = request.query_params.get("filter_fields")
    names = wanted.split(",") if wanted else offered
    return JSONResponse(
        {
            name: {
                "value": root.fields.get(name, offered[name].default),
                "display_name": name.replace("_", " ").title(),
                "help": offered[name].help,
                "deprecated": False,
                "hide_on_enabled_publisher": False,
            }
            for name in names
            if name in offered
        }
    )


def _refused(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for name, value in values.items():
        try:
            set_metadata(Node("", "course"), {name: value})
        except Refusal:
            title = name.replace("_", " ").title()
            found.append((name, f"Incorrect format for field '{title}'."))
    return found


# -- grading ----------------------------------------------------------------------------------------------------------

GRADING = ("graders", "grade_cutoffs", "grace_period", "minimum_grade_credit")


async def grading(platform: Platform, request: Request) -> Response:
    """`/settings/grading/{key}[/{index}]`: the whole is replaced and needs all four keys; one grader is set by its index,
    the next free one appends; a deleted one moves the others up. Nobody checks that the weights sum to 100."""
    key, index = request.path_params["key"], request.path_params.get("index")
    row = platform.need_course(key)
    policy = row["grading"]
    if request.method == "GET":
        need_json(request)
        return JSONResponse(policy if index is None else _grader_at(policy, index))
    body = await body_of(request)
    answer: Any = None
    try:
        if index is None:
            row["grading"] = policy = {name: body[name] for name in GRADING}
            answer = policy
        elif request.method == "DELETE":
            policy["graders"] = [grader for grader in policy["graders"] if grader["id"] != index]
        else:
            grader = {
                "type": body["type"],
                "min_count": int(body.get("min_count") or 0),
                "drop_count": int(body.get("drop_count") or 0),
                "short_label": body.get("short_label"),
                "weight": float(body.get("weight") or 0),
            }
            at = min(index, len(policy["graders"]))
            policy["graders"][at : at + 1] = [grader]
            answer = grader
        policy["graders"] = [{**grader, "id": number} for number, grader in enumerate(policy["graders"])]
    except (KeyError, TypeError, ValueError) as error:
        raise broken() from error
    platform.store.save_course(key, row)
    if answer is None:
        return Response(status_code=204)
    return JSONResponse(answer if index is None else _grader_at(policy, min(index, len(policy["graders"]) - 1)))


def _grader_at(policy: dict[str, Any], index: int) -> Any:
    if index < len(policy["graders"]):
        return policy["graders"][index]
    return {"id": index, "type": "", "min_count": 0, "drop_count": 0, "short_label": None, "weight": 0}


# -- schedule and details ---------------------------------------------------------------------------------------------

FIELDS = {
    "start_date": "start",
    "end_date": "end",
    "enrollment_start": "enrollment_start",
    "enrollment_end": "enrollment_end",
    "certificate_available_date": "certificate_available_date",
    "certificates_display_behavior": "certificates_display_behavior",
    "self_paced": "self_paced",
    "language": "language",
    "license": "license",
    "learning_info": "learning_info",
    "instructor_info": "instructor_info",
    "pre_requisite_courses": "pre_requisite_courses",
    "course_image_name": "course_image",
    "banner_image_name": "banner_image",
    "video_thumbnail_image_name": "video_thumbnail_image",
}
"""Names of the details that are fields of the course block."""

DATES = ("start_date", "end_date", "enrollment_start", "enrollment_end")

ABOUT = (
    "overview",
    "short_description",
    "subtitle",
    "description",
    "about_sidebar_html",
    "duration",
    "effort",
    "syllabus",
    "intro_video",
    "entrance_exam_enabled",
    "entrance_exam_id",
    "entrance_exam_minimum_score_pct",
)
"""Names of the details that are `about` texts."""

CATALOG = (
    "subject",
    "tags",
    "level",
    "topics",
    "audit_allowed",
    "certificate_type",
    "usage_limit",
    "job_role",
    "industry",
    "custom",
    "credential",
    "social_team",
    "social_channels",
    "mentor_uuid",
    "mentor_hidden",
    "agent_content_mode",
    "course_content_mode",
    "agent_autoplay",
    "enable_agent_based_completion",
    "slug",
    "platform_key",
)
"""What the platform's own catalogue adds."""

REFUSED = ("promotion",)
"""In the answer, but not taken: it stays as it was."""


async def course_settings(platform: Platform, request: Request) -> Response:
    """`/api/ibl/v1/course_settings`: a write is laid over. Refused and unknown keys are a 200 with the old value."""
    body = await body_of(request) if request.method == "POST" else {}
    key = str(body.pop("course_key", "") or request.query_params.get("course_key") or "")
    root, row = platform.root(key), platform.need_course(key)
    if request.method == "POST":
        if platform.profile.pacing_locked and "self_paced" in body and _has_begun(body, root):
            body.pop("self_paced")
        opens = body.get("enrollment_start", root.fields.get("enrollment_start"))
        starts = body.get("start_date", root.fields.get("start"))
        if "enrollment_start" in body and isinstance(opens, str) and isinstance(starts, str) and opens >= starts:
            body.pop("enrollment_start")
        metadata = {field: body[name] for name, field in FIELDS.items() if name in body}
        if "title" in body:
            metadata["display_name"] = body["title"]
        set_metadata(root, metadata)
        rules.save(platform.store, root)
        row["about"] |= {name: body[name] for name in (*ABOUT, *CATALOG) if name in body}
        platform.store.save_course(key, row)
    values = _details_json(row, root) | {"title": root.fields.get("display_name"), "course_key": key}
    values |= {name: row["about"].get(name) for name in (*CATALOG, *REFUSED)}
    return JSONResponse(values if request.method == "POST" else {"formData": values})


def _has_begun(body: Mapping[str, Any], root: Node) -> bool:
    """Whether the start has passed, by the body where it tells one."""
    start = body.get("start_date") or root.fields.get("start") or UNSET_START
    return str(start) <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _details_json(row: Mapping[str, Any], root: Node) -> dict[str, Any]:
    course = fields_of("course")
    values: dict[str, Any] = {}
    for name, field in FIELDS.items():
        known = course.get(field)
        values[name] = root.fields.get(field, known.default if known is not None and name not in DATES else None)
    values |= {name: row["about"].get(name) for name in ABOUT}
    return values | {"org": row["org"], "course_id": row["number"], "run": row["run"]}


async def details(platform: Platform, request: Request) -> Response:
    """`/settings/details/{key}`: the whole object goes back. A date that is left out is set to null, and without the
    dates' main one the write is a 500; the pace changes only before the start."""
    key = request.path_params["key"]
    root, row = platform.root(key), platform.need_course(key)
    if request.method == "GET":
        need_json(request)
    else:
        body = await body_of(request)
        if "start_date" not in body:
            raise broken()
        metadata = {FIELDS[name]: body.get(name) for name in DATES}
        metadata |= {field: body[name] for name, field in FIELDS.items() if name in body and name not in DATES}
        if _has_begun({}, root):
            metadata.pop("self_paced", None)
        set_metadata(root, metadata)
        rules.save(platform.store, root)
        row["about"] |= {name: body[name] for name in (*ABOUT, "title") if name in body}
        row["about"] = {name: value for name, value in row["about"].items() if value is not None}
        platform.store.save_course(key, row)
    return JSONResponse(_details_json(row, root) | {"title": row["about"].get("title", "")})

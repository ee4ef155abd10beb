"""The platform's own endpoints: `/api/ibl/…` and `/api/v1/ibl/…` over the same rules as Studio's routes.

Sources: the platform's documentation and what was seen on a deployment; see docs/platform.md. Replies keep the platform's
names (`xblock_locator`, `courseKey`, `type`).
"""

from __future__ import annotations

import base64
import io
import re
import time
from typing import IO, Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from authoring.registry import spec
from authoring.sandbox import rules, views
from authoring.sandbox.addresses import course_of, course_parts, root_of
from authoring.sandbox.handlers import studio_submit_scorm
from authoring.sandbox.platform import Platform, body_of, require
from authoring.sandbox.refusals import Refusal, broken, refuse
from authoring.sandbox.store import FAILED, Node, Rerun
from authoring.sandbox.values import title_of

TAKEN = "There is already a course defined with the same organization and course number. Please change one of them."

# -- courses ----------------------------------------------------------------------------------------------------------


async def manage_course(platform: Platform, request: Request) -> Response:
    """GET one course by key; POST makes one, or with `source_course_key` a rerun."""
    if request.method == "GET":
        key = request.query_params.get("course_key")
        if not key:
            raise refuse(400, "course_key parameter is required")
        return JSONResponse(_course_row(platform, key) | {"url": f"/course/{key}"})
    body = await body_of(request)
    if not body.get("org"):
        raise refuse(403, "Permission denied")  # Not a 400: the check of the permission on an organisation comes first.
    require(body, "display_name")
    number = body.get("number") or _free_number(platform, str(body["org"]))
    key = f"course-v1:{body['org']}+{number}+{body.get('run') or time.strftime('%Y-%m')}"
    check_new(platform, key)
    if body.get("source_course_key"):
        return start_rerun(platform, key, str(body["source_course_key"]), body.get("display_name"))
    rules.new_course(platform.store, key, str(body["display_name"]))
    return JSONResponse({"url": f"/course/{key}", "course_key": key})


def _course_row(platform: Platform, key: str) -> dict[str, Any]:
    row = platform.need_course(key)
    title = title_of(platform.need(root_of(key)))
    return {"course_key": key, "display_name": title, **{name: row[name] for name in ("org", "number", "run")}}


def _free_number(platform: Platform, org: str) -> str:
    """`C<n>`, the next that is free."""
    taken = {course_parts(key)[1] for key in platform.store.courses() if course_parts(key)[0] == org}
    return next(f"C{n}" for n in range(1, len(taken) + 2) if f"C{n}" not in taken)


def check_new(platform: Platform, key: str) -> None:
    """Raises Refusal(400) for a malformed key and for one that is taken, in whatever case."""
    course_parts(key)
    copied = (rerun.course for rerun in platform.store.reruns() if rerun.due != FAILED)
    known = {*platform.store.courses(), *copied}
    if key.lower() in {taken.lower() for taken in known}:
        raise Refusal(400, {"ErrMsg": TAKEN, "OrgErrMsg": TAKEN, "CourseErrMsg": TAKEN})


def start_rerun(platform: Platform, key: str, source: str, title: str | None) -> Response:
    """The copy is background work: the answer comes before it."""
    platform.need_course(source)
    platform.store.add_rerun(Rerun(key, source, title, time.time() + platform.profile.rerun_seconds))
    if platform.profile.rerun_seconds <= 0:
        finish_reruns(platform)
    return JSONResponse({"url": "/course/", "course_key": key, "destination_course_key": key})


def finish_reruns(platform: Platform) -> None:
    """Make the copies that are due."""
    now = time.time()
    for rerun in platform.store.reruns():
        if rerun.due <= now and rerun.due != FAILED:
            platform.store.drop_rerun(rerun.course)
            if platform.store.course(rerun.source) is not None:
                rules.copy_course(platform.store, rerun.source, rerun.course, rerun.title)


async def dismiss(platform: Platform, request: Request) -> Response:
    """Take a copying that failed off the list (Open edX: views/course.py, `course_notifications_handler`)."""
    platform.store.drop_rerun(request.path_params["key"])
    return JSONResponse({"success": True})


async def delete_course(platform: Platform, request: Request) -> Response:
    key = (await body_of(request)).get("course_key")
    if not key:
        raise refuse(400, "course_key parameter is required")
    if platform.store.course(str(key)) is None:
        raise refuse(404, "Course key does not exist")
    platform.store.delete_course(str(key))
    return JSONResponse({"message": f"Course {key} deleted successfully"})


async def home_courses(platform: Platform, request: Request) -> Response:
    """All courses on one page; `search` looks at titles only. A rerun that is being made is an in-process action."""
    results = _home(platform, request)
    count = len(results["courses"])
    return JSONResponse({"count": count, "num_pages": 1, "next": None, "previous": None, "results": results})


async def home_courses_unpaged(platform: Platform, request: Request) -> Response:
    """The older list: the same rows without the pages around them."""
    return JSONResponse({**_home(platform, request), "archived_courses": []})


def _home(platform: Platform, request: Request) -> dict[str, list[dict[str, Any]]]:
    wanted = request.query_params.get("search", "").lower()
    rows = []
    for key in platform.store.courses():
        row = _course_row(platform, key)
        if wanted in row["display_name"].lower():
            links = {"url": f"/course/{key}", "cms_link": f"/course/{key}", "lms_link": f"/courses/{key}"}
            rows.append(row | links | {"rerun_link": f"/course_rerun/{key}", "is_active": True})
    actions = []
    for rerun in platform.store.reruns():
        org, number, run = course_parts(rerun.course)
        names = {"course_key": rerun.course, "org": org, "number": number, "run": run, "display_name": rerun.title}
        failed = rerun.due == FAILED
        link = f"/course_notifications/{rerun.course}/1" if failed else ""
        actions.append(names | {"is_failed": failed, "is_in_progress": not failed, "dismiss_link": link})
    return {"courses": rows, "in_process_course_actions": actions}


# -- blocks -----------------------------------------------------------------------------------------------------------


def _position(platform: Platform, body: dict[str, Any]) -> int | None:
    if body.get("position") is None:
        return None
    if platform.profile.position_breaks or not isinstance(body["position"], int):
        raise broken()
    return body["position"] if platform.profile.position_inserts else None


def _title(platform: Platform, body: dict[str, Any], category: str) -> str | None:
    title = body.get("display_name")
    if title is None or (category == "html" and platform.profile.html_create_drops_title):
        return None
    return str(title)


async def create(platform: Platform, request: Request) -> Response:
    """`POST xblock/create`."""
    body = await body_of(request)
    position = _position(platform, body)
    require(body, "parent_locator", "category")
    category = str(body["category"])
    node = rules.create(
        platform.store,
        str(body["parent_locator"]),
        category,
        _title(platform, body, category),
        body.get("boilerplate"),
        position,
        missing=platform.profile.missing_status,
    )
    return JSONResponse({"xblock_locator": node.usage})


COMPONENT_TYPES = {
    "blank": ("problem", None),
    "multiplechoice": ("problem", "multiplechoice.yaml"),
    "dropdown": ("problem", "optionresponse.yaml"),
}
"""`problem_type` → category and boilerplate, where it is no category itself."""


async def create_component(platform: Platform, request: Request) -> Response:
    """`POST xblock/component/create`: title, text and fields in one call."""
    body = await body_of(request)
    position = _position(platform, body)
    require(body, "parent_locator", "problem_type")
    node = _component(platform, str(body["parent_locator"]), body, position)
    return JSONResponse({"xblock_locator": node.usage})


def _component(platform: Platform, parent: str, body: dict[str, Any], position: int | None = None) -> Node:
    kind = str(body["problem_type"])
    category, boilerplate = COMPONENT_TYPES.get(kind, (kind, None))
    if kind == "blank" and platform.profile.blank_has_template:
        boilerplate = "blank_common.yaml"
    known = spec(category)
    if known is None or category == "pdf" or known.direct_only:
        raise refuse(400, f"Invalid problem_type: {kind}")
    node = rules.create(
        platform.store,
        parent,
        category,
        _title(platform, body, category),
        body.get("boilerplate") or boilerplate,
        position,
        missing=platform.profile.missing_status,
    )
    metadata = dict(body.get("metadata") or {})
    if category == "html" and platform.profile.html_create_drops_title:
        metadata.pop("display_name", None)
    return rules.update(platform.store, node.usage, {"data": body.get("data") or None, "metadata": metadata})


async def update(platform: Platform, request: Request) -> Response:
    """`POST xblock/update`: `data` and `metadata`. A title at the top level is passed over, as is all else."""
    body = await body_of(request)
    require(body, "locator", "courseKey", "category")
    locator = str(body["locator"])
    if platform.profile.course_key_checked and course_of(locator) != body["courseKey"]:
        raise refuse(400, "courseKey does not match the locator")
    known: dict[str, Any] = {name: body[name] for name in ("data", "metadata") if name in body}
    node = rules.update(platform.store, locator, known, missing=platform.profile.missing_status)
    if platform.profile.empty_replies:
        return Response(status_code=200)
    return JSONResponse({"id": locator, "data": node.fields.get("data"), "metadata": views.metadata_json(node)})


async def publish(platform: Platform, request: Request) -> Response:
    """`POST xblock/publish`: any block, with all below it."""
    body = await body_of(request)
    require(body, "locator")
    rules.publish(platform.store, str(body["locator"]), missing=platform.profile.missing_status)
    return Response(status_code=200) if platform.profile.empty_replies else JSONResponse({"id": body["locator"]})


async def details(platform: Platform, request: Request) -> Response:
    """`GET xblock/get-details`."""
    node = platform.need(request.query_params.get("locator", ""))
    if platform.profile.details_only_text and node.category not in ("html", "video"):
        raise Refusal(406, "")
    row = views.block_json(platform.store, node, rewritten=platform.profile.static_rewritten)
    names = ["id", "data", "display_name"]
    if platform.profile.details_complete:
        names += ["category", "metadata"]
    return JSONResponse({name: row[name] for name in names})


# -- a course at a time -----------------------------------------------------------------------------------------------


async def units(platform: Platform, request: Request) -> Response:
    key = request.path_params["key"]
    platform.need_course(key)
    return JSONResponse(views.units_json(platform.store, key))


_LEVELS = (("section", "chapter"), ("subsection", "sequential"), ("unit", "vertical"))


async def create_full_course(platform: Platform, request: Request) -> Response:
    """`POST course/create_full_course`: appends a whole tree, then publishes the whole course, older drafts included."""
    body = await body_of(request)
    if not isinstance(body.get("course_parent_locator"), str):
        raise Refusal(400, "course_parent_locator: This field is required.")
    root = platform.need(body["course_parent_locator"])
    made: list[dict[str, str]] = []
    try:
        _grow(platform, root.usage, body, 0, made)
    except (KeyError, TypeError, AttributeError) as error:
        raise Refusal(500, broken().body, keeps=platform.profile.full_course_keeps_partial) from error
    except Refusal as refusal:
        refusal.keeps = platform.profile.full_course_keeps_partial
        raise
    rules.publish(platform.store, root.usage)
    return JSONResponse({"course_parent_locator": root.usage, "created_units": made})


def _grow(platform: Platform, parent: str, spec_row: dict[str, Any], level: int, made: list[dict[str, str]]) -> None:
    """Every key of every level must be there, even when its list is empty."""
    name, category = _LEVELS[level]
    for row in spec_row[name]:
        node = rules.create(platform.store, parent, category, str(row["name"]))
        if category != "vertical":
            _grow(platform, node.usage, row, level + 1, made)
            continue
        made.append({"locator": node.usage, "display_name": title_of(node)})
        for component in row["problems"]:
            # The title of an html block is not taken here in any profile: one update each.
            drop = {"display_name"} if component["problem_type"] == "html" else set()
            metadata = {key: value for key, value in (component.get("metadata") or {}).items() if key not in drop}
            _component(platform, node.usage, {**component, "metadata": metadata, "display_name": None})


async def add_passport(platform: Platform, request: Request) -> Response:
    """`POST course/add_lti_passport`."""
    body = await body_of(request)
    require(body, "courseKey", "lti_passport")
    root = platform.root(str(body["courseKey"]))
    passport = body["lti_passport"]
    if not isinstance(passport, str) or passport.count(":") < 2:
        raise refuse(400, "lti_passport must be id:key:secret")
    held = root.fields.get("lti_passports") or []
    ids = {str(known).partition(":")[0] for known in held}
    if not platform.profile.duplicate_passports and passport.partition(":")[0] in ids:
        raise refuse(400, "an LTI passport with this id exists")
    rules.update(platform.store, root.usage, {"metadata": {"lti_passports": [*held, passport]}})
    return JSONResponse({"message": "LTI passport added"})


async def scorm_update(platform: Platform, request: Request) -> Response:
    """`POST ibl_edx_scorm/update`: a proxy of the block's handler. The package comes as base64 in JSON, or multipart."""
    stream: IO[bytes] | None = None
    name = None
    if re.match("multipart/form-data|application/x-www-form-urlencoded", request.headers.get("content-type", "")):
        form = await request.form()
        fields: dict[str, Any] = {key: value for key, value in form.items() if isinstance(value, str)}
        upload = form.get("file")
        if isinstance(upload, UploadFile):
            stream, name = upload.file, upload.filename
    else:
        fields = dict(await body_of(request))
        try:
            content = base64.b64decode(fields.pop("file", None) or "", validate=True)
        except (ValueError, TypeError) as error:
            raise broken() from error
        stream, name = (io.BytesIO(content), "package.zip") if content else (None, None)
    require(fields, "usage_key_string")
    node = platform.need(str(fields["usage_key_string"]))
    if (fields.get("handler") or "studio_submit") != "studio_submit":
        raise Refusal(404, "")
    return studio_submit_scorm(platform, node, fields, stream, name, strict=False)

"""The sandbox as one ASGI app: the platform's routes over `rules`, with its logins, its oddities and, on demand, faults."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import re
import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from authoring.registry import spec
from authoring.sandbox import pages, rules, views
from authoring.sandbox.faults import Fault, FaultKind, Faults
from authoring.sandbox.packages import inspect_package
from authoring.sandbox.profile import Profile
from authoring.sandbox.rules import Refusal, broken
from authoring.sandbox.store import Node, Store
from authoring.sandbox.store import Request as Logged

CLIENT = ("sandbox", "sandbox")
"""The OAuth2 client id and secret that the sandbox knows."""
SESSION = ("sandbox", "sandbox")
"""The Studio session id and CSRF token that the sandbox knows."""

ERROR_PAGE = "<html><head><title>Studio Server Error</title></head><body>Studio Server Error</body></html>"
LOGIN_PAGE = "<html><head><title>Sign In</title></head><body>Sign in to Studio</body></html>"


@dataclass(slots=True)
class Platform:
    """What the routes share."""

    store: Store
    profile: Profile
    faults: Faults
    lock: asyncio.Lock
    tokens: dict[str, float]
    token_lifetime: float = 3600.0


Handler = Callable[[Platform, Request], Awaitable[Response]]


def refuse(status: int, message: str) -> Refusal:
    return Refusal(status, {"error": message})


def kind_of(method: str, path: str, body: Mapping[str, Any] | None = None) -> str:
    """What a request is for, as a run counts it."""
    if "access_token" in path:
        return "login"
    if method == "GET":
        return "read"
    if method == "DELETE" or path.rstrip("/").endswith("/delete"):
        return "delete"
    if path.rstrip("/").endswith(("/xblock/publish",)) or (body or {}).get("publish"):
        return "publish"
    if method == "PATCH" and path.rstrip("/") == "/xblock":
        return "move"
    if path.startswith("/assets/") or "/handler/" in path or path.rstrip("/").endswith("ibl_edx_scorm/update"):
        return "upload"
    if path.rstrip("/").endswith(("/create", "manage/course", "create_full_course")) or path in (
        "/xblock/",
        "/course/",
    ):
        return "create"
    if (
        path.startswith("/settings/")
        or "course_settings" in path
        or "lti_passport" in path
        or "course_info_update" in path
    ):
        return "settings"
    if (body or {}).get("children") is not None:
        return "move"
    return "update"


# -- logins -----------------------------------------------------------------------------------------------------------


def check_login(platform: Platform, request: Request, *, token: bool) -> None:
    """Raises Refusal when the request has no login that this path takes."""
    bearer = request.headers.get("authorization", "")
    if bearer.startswith("Bearer ") and token and not platform.profile.bearer_refused:
        if platform.tokens.get(bearer[7:], 0.0) > time.monotonic():
            return
        raise Refusal(401, {"detail": "Invalid token."})
    session, csrf = request.cookies.get("studio_session_id"), request.cookies.get("csrftoken")
    if session is None:
        if token:
            raise Refusal(401, {"detail": "Authentication credentials were not provided."})
        raise Refusal(302, "/login?next=" + request.url.path)
    if any(char in session for char in "\"' "):
        raise broken()
    if session != SESSION[0]:
        raise Refusal(302, "/login?next=" + request.url.path)
    if request.method not in ("GET", "HEAD") and (
        request.headers.get("x-csrftoken") != csrf or csrf != SESSION[1] or not request.headers.get("referer")
    ):
        raise Refusal(403, "CSRF verification failed. Request aborted.")


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON body; `{}` when the type is not JSON (Open edX: `expect_json`), 400 when it cannot be read."""
    if "application/json" not in request.headers.get("content-type", ""):
        return {}
    raw = await request.body()
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise Refusal(400, {"error": "Invalid JSON"}) from error
    return body if isinstance(body, dict) else {}


def need_json(request: Request) -> None:
    if "application/json" not in request.headers.get("accept", ""):
        raise Refusal(406, "")


def need_course(platform: Platform, key: str) -> dict[str, Any]:
    row = platform.store.course(key)
    if row is None:
        raise refuse(404, f"Course key does not exist: {key}")
    return row


# -- logins and courses -----------------------------------------------------------------------------------------------


async def access_token(platform: Platform, request: Request) -> Response:
    form = await request.form()
    if form.get("grant_type") != "client_credentials":
        return JSONResponse({"error": "unsupported_grant_type"}, 400)
    if (form.get("client_id"), form.get("client_secret")) != CLIENT:
        return JSONResponse({"error": "invalid_client"}, 401)
    token = secrets.token_urlsafe(24)
    platform.tokens[token] = time.monotonic() + platform.token_lifetime
    return JSONResponse(
        {
            "access_token": token,
            "expires_in": int(platform.token_lifetime),
            "token_type": "Bearer",
            "scope": "read write",
        }
    )


async def manage_course(platform: Platform, request: Request) -> Response:
    if request.method == "GET":
        key = request.query_params.get("course_key")
        if not key:
            raise refuse(400, "course_key parameter is required")
        row = need_course(platform, key)
        root = rules.need(platform.store, rules.root_of(key))
        return JSONResponse(
            {
                "course_key": key,
                "org": row["org"],
                "number": row["number"],
                "run": row["run"],
                "display_name": rules.title_of(root),
                "url": f"/course/{key}",
            }
        )
    body = await body_of(request)
    if not body.get("org"):
        raise Refusal(403, {"error": "Permission denied"})
    if not body.get("display_name"):
        raise refuse(400, "display_name is required")
    number = body.get("number") or f"C{len(platform.store.courses()) + 1}"
    run = body.get("run") or time.strftime("%Y-%m")
    key = f"course-v1:{body['org']}+{number}+{run}"
    _check_new(platform, key)
    rules.new_course(platform.store, key, str(body["display_name"]))
    return JSONResponse({"url": f"/course/{key}", "course_key": key})


def _check_new(platform: Platform, key: str, status: int = 400) -> None:
    if not re.fullmatch(r"course-v1:[\w\-~.:]+\+[\w\-~.:]+\+[\w\-~.:]+", key):
        raise Refusal(status, {"ErrMsg": f"Invalid course key: {key}", "OrgErrMsg": "", "CourseErrMsg": ""})
    if any(key.lower() == known.lower() for known in platform.store.courses()):
        said = "There is already a course defined with the same organization and course number."
        raise Refusal(status, {"ErrMsg": said, "OrgErrMsg": said, "CourseErrMsg": said})


async def delete_course(platform: Platform, request: Request) -> Response:
    key = str((await body_of(request)).get("course_key") or "")
    if platform.store.course(key) is None:
        raise refuse(404, "Course key does not exist")
    platform.store.delete_course(key)
    return JSONResponse({"message": f"Course {key} deleted"})


async def stock_create_course(platform: Platform, request: Request) -> Response:
    """A duplicate is a 200 with `ErrMsg` (Open edX: `_create_or_rerun_course`)."""
    body = await body_of(request)
    key = f"course-v1:{body.get('org')}+{body.get('number') or body.get('course')}+{body.get('run')}"
    try:
        _check_new(platform, key)
    except Refusal as refusal:
        return JSONResponse(refusal.body)
    rules.new_course(platform.store, key, str(body.get("display_name")))
    return JSONResponse({"url": f"/course/{key}", "course_key": key})


async def home_courses(platform: Platform, request: Request) -> Response:
    rows = []
    for key in platform.store.courses():
        row = need_course(platform, key)
        title = rules.title_of(rules.need(platform.store, rules.root_of(key)))
        rows.append({"course_key": key, "display_name": title, **{n: row[n] for n in ("org", "number", "run")}})
    wanted = request.query_params.get("search", "").lower()
    rows = [row for row in rows if wanted in row["display_name"].lower()]
    results = {"courses": rows, "in_process_course_actions": []}
    return JSONResponse({"count": len(rows), "num_pages": 1, "next": None, "previous": None, "results": results})


# -- the platform's own block routes ----------------------------------------------------------------------------------

EMPTY = "empty"


async def v1_create(platform: Platform, request: Request) -> Response:
    body = await body_of(request)
    if "position" in body and platform.profile.position_breaks:
        raise broken()
    parent, category = str(body.get("parent_locator") or ""), str(body.get("category") or "")
    if not parent or not category:
        raise Refusal(
            400, {name: ["This field is required."] for name in ("parent_locator", "category") if not body.get(name)}
        )
    fields: dict[str, Any] = {}
    drops = category == "html" and platform.profile.html_create_drops_title
    if body.get("display_name") is not None and not drops:
        fields["display_name"] = str(body["display_name"])
    node = rules.create(platform.store, parent, category, fields)
    return JSONResponse({"xblock_locator": node.usage})


COMPONENT_TYPES = {"blank": "problem", "multiplechoice": "problem", "dropdown": "problem"}


async def v1_create_component(platform: Platform, request: Request) -> Response:
    body = await body_of(request)
    kind, parent = str(body.get("problem_type") or ""), str(body.get("parent_locator") or "")
    if not kind or not parent:
        raise Refusal(400, {"problem_type": ["This field is required."]})
    if "position" in body and platform.profile.position_breaks:
        raise broken()
    category = COMPONENT_TYPES.get(kind, kind)
    if category == "pdf" or spec(category) is None:
        raise refuse(400, f"Invalid problem_type: {kind}")
    node = rules.create(platform.store, parent, category, {})
    metadata = dict(body.get("metadata") or {})
    if body.get("display_name") is not None:
        metadata.setdefault("display_name", body["display_name"])
    if category == "html" and platform.profile.html_create_drops_title:
        metadata.pop("display_name", None)
    rules.update(platform.store, node.usage, {"data": body.get("data") or None, "metadata": metadata})
    return JSONResponse({"xblock_locator": node.usage})


async def v1_update(platform: Platform, request: Request) -> Response:
    body = await body_of(request)
    for name in ("locator", "courseKey", "category"):
        if not body.get(name):
            raise Refusal(400, {name: ["This field is required."]})
    locator = str(body["locator"])
    if rules.course_of(locator) != body["courseKey"]:
        raise refuse(400, "courseKey does not match the locator")
    known: dict[str, Any] = {name: body[name] for name in ("data", "metadata") if name in body}
    rules.update(platform.store, locator, known)
    return Response(status_code=200)


async def v1_publish(platform: Platform, request: Request) -> Response:
    locator = str((await body_of(request)).get("locator") or "")
    if not locator:
        raise Refusal(400, {"locator": ["This field is required."]})
    rules.publish(platform.store, locator)
    return Response(status_code=200)


async def v1_details(platform: Platform, request: Request) -> Response:
    node = rules.need(platform.store, request.query_params.get("locator", ""))
    if platform.profile.details_only_text and node.category not in ("html", "video"):
        raise Refusal(406, "")
    row = views.block_json(platform.store, node, rewritten=platform.profile.static_rewritten)
    names = ["id", "data", "display_name"]
    if platform.profile.details_complete:
        names += ["category", "metadata"]
    return JSONResponse({name: row[name] for name in names})


async def v1_units(platform: Platform, request: Request) -> Response:
    key = request.path_params["key"]
    need_course(platform, key)
    return JSONResponse(views.units_json(platform.store, key))


async def v1_passport(platform: Platform, request: Request) -> Response:
    body = await body_of(request)
    key, passport = str(body.get("courseKey") or ""), body.get("lti_passport")
    need_course(platform, key)
    if not isinstance(passport, str) or passport.count(":") < 2:
        raise refuse(400, "lti_passport must be id:key:secret")
    root = rules.need(platform.store, rules.root_of(key))
    passports = [*root.fields.get("lti_passports", []), passport]
    rules.update(platform.store, root.usage, {"metadata": {"lti_passports": passports}})
    return JSONResponse({"message": "LTI passport added"})


async def v1_scorm(platform: Platform, request: Request) -> Response:
    if "multipart/form-data" in request.headers.get("content-type", ""):
        form = await request.form()
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        upload = form.get("file")
        content = await upload.read() if isinstance(upload, UploadFile) else None
    else:
        fields = await body_of(request)
        try:
            content = base64.b64decode(fields.pop("file", ""), validate=True) or None
        except (ValueError, TypeError) as error:
            raise broken() from error
    usage = str(fields.get("usage_key_string") or "")
    return _scorm(platform, rules.need(platform.store, usage).usage, fields, content, strict=False)


# -- stock block routes -----------------------------------------------------------------------------------------------


async def stock_xblocks(platform: Platform, request: Request) -> Response:
    body = await body_of(request)
    if request.method == "PATCH":
        if not body.get("move_source_locator"):
            raise refuse(400, "Patch request did not recognise any parameters to handle.")
        source, parent, index = body["move_source_locator"], body.get("parent_locator"), body.get("target_index")
        if index is not None and not isinstance(index, int):
            raise refuse(400, "You can not provide target_index value in string format.")
        at = rules.move(platform.store, source, str(parent), index)
        answer = {
            "move_source_locator": source,
            "parent_locator": parent,
            "source_index": index if index is not None else at,
        }
        return JSONResponse(answer)
    if not body.get("parent_locator") or not body.get("category"):
        raise broken()
    fields = {} if body.get("display_name") is None else {"display_name": str(body["display_name"])}
    parent = rules.need(platform.store, str(body["parent_locator"]))
    node = rules.create(platform.store, parent.usage, str(body["category"]), fields)
    return JSONResponse({"locator": node.usage, "courseKey": rules.course_of(node.usage)})


async def stock_xblock(platform: Platform, request: Request) -> Response:
    usage = request.path_params["usage"]
    if request.method == "GET":
        need_json(request)
        node = rules.need(platform.store, usage)
        if request.query_params.get("fields") == "graderType":
            return JSONResponse({"graderType": node.fields.get("format") or "notgraded", "location": usage})
        return JSONResponse(views.block_json(platform.store, node, rewritten=platform.profile.static_rewritten))
    if request.method == "DELETE":
        rules.delete(platform.store, usage)
        return Response(status_code=204)
    body = await body_of(request)
    node = rules.update(platform.store, usage, body)
    if body.get("publish") == "discard_changes":
        return JSONResponse({"id": usage})
    answer = {"id": usage, "data": node.fields.get("data"), "metadata": views.metadata_json(node)}
    if "graderType" in body:
        answer["graderType"] = body["graderType"]
    return JSONResponse(answer)


async def stock_outline(platform: Platform, request: Request) -> Response:
    if request.query_params.get("format") != "json" and "application/json" not in request.headers.get("accept", ""):
        raise Refusal(404, "")
    node = rules.need(platform.store, request.path_params["usage"])
    return JSONResponse(views.outline_json(platform.store, node.usage))


async def stock_container(platform: Platform, request: Request) -> Response:
    node = rules.need(platform.store, request.path_params["usage"])
    return JSONResponse(views.children_json(platform.store, node))


async def stock_handler(platform: Platform, request: Request) -> Response:
    node = rules.need(platform.store, request.path_params["usage"])
    handler = request.path_params["handler"]
    known = spec(node.category)
    if handler == "studio_submit" and known is not None and known.package:
        form = await request.form()
        upload = form.get("file")
        content = await upload.read() if isinstance(upload, UploadFile) else None
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        return _scorm(platform, node.usage, fields, content, strict=True)
    body = await body_of(request)
    if handler == "save_pdf" and node.category == "pdf":
        if "display_name" not in body or "href" not in body:
            raise broken()
        node.fields |= {"display_name": body["display_name"], "href": body["href"]}
        rules.save(platform.store, node)
        return JSONResponse({"result": "success"})
    raise Refusal(404, "")


SCORM_PARTS = (
    "display_name",
    "has_score",
    "enable_navigation_menu",
    "enable_fullscreen_button",
    "weight",
    "width",
    "height",
    "navigation_menu_width",
    "popup_on_launch",
)


def _scorm(
    platform: Platform, usage: str, fields: Mapping[str, Any], content: bytes | None, *, strict: bool
) -> Response:
    """The SCORM block's `studio_submit`: settings are saved even when the package is not (openedx-scorm-xblock)."""
    node = rules.need(platform.store, usage)
    if strict and any(name not in fields for name in SCORM_PARTS):
        raise broken()
    node.fields["display_name"] = str(fields.get("display_name") or "")
    for name in ("has_score", "enable_navigation_menu", "enable_fullscreen_button", "popup_on_launch"):
        node.fields[name] = fields.get(name) in ("1", True, "true", "True")
    for name in ("width", "height", "navigation_menu_width"):
        try:
            node.fields[name] = int(fields.get(name) or "")
        except ValueError:
            node.fields.pop(name, None)
    try:
        node.fields["weight"] = float(fields.get("weight") or 1)
    except ValueError:
        node.fields["weight"] = 1.0
    errors: list[str] = []
    if content is not None:
        found = inspect_package(io.BytesIO(content))
        errors = list(found.errors)
        if not errors:
            node.fields["index_page_path"] = found.index
            node.fields["scorm_version"] = found.version
            node.fields["package_meta"] = {
                "sha1": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
                "size": len(content),
            }
    rules.save(platform.store, node)
    return JSONResponse({"result": "success", "errors": errors})


# -- files and settings -----------------------------------------------------------------------------------------------


def _asset_json(course: str, row: Mapping[str, Any]) -> dict[str, Any]:
    key = f"asset-v1:{course.removeprefix('course-v1:')}+type@asset+block@{row['name']}"
    return {
        "display_name": row["display_name"],
        "content_type": row["content_type"],
        "date_added": "Nov 23, 2026 at 03:33 UTC",
        "url": f"/{key}",
        "external_url": f"/{key}",
        "portable_url": f"/static/{row['name']}",
        "thumbnail": None,
        "locked": row["locked"],
        "id": key,
        "file_size": row["size"],
    }


async def assets(platform: Platform, request: Request) -> Response:
    key = request.path_params["key"]
    need_course(platform, key)
    if request.method == "GET":
        rows = platform.store.assets(key)
        page, size = int(request.query_params.get("page", 0)), int(request.query_params.get("page_size", 50))
        page = min(page, max(0, (len(rows) - 1) // size)) if rows else 0
        shown = rows[page * size : (page + 1) * size]
        return JSONResponse(
            {
                "start": page * size,
                "end": page * size + len(shown),
                "page": page,
                "pageSize": size,
                "totalCount": len(rows),
                "assets": [_asset_json(key, row) for row in shown],
            }
        )
    form = await request.form()
    upload = form.get("file")
    if not isinstance(upload, UploadFile) or not upload.filename:
        raise broken()
    content = await upload.read()
    name = clean_asset(upload.filename)
    row = {
        "name": name,
        "display_name": upload.filename,
        "content_type": upload.content_type or "application/octet-stream",
        "size": len(content),
        "locked": False,
        "digest": hashlib.sha256(content).hexdigest(),
    }
    platform.store.put_asset(key, name, row, content)
    return JSONResponse({"asset": _asset_json(key, row), "msg": "Upload completed"})


def clean_asset(filename: str) -> str:
    return re.sub(r"[^\w.%-]", "_", filename.replace("/", "_"))


async def asset(platform: Platform, request: Request) -> Response:
    key, name = request.path_params["key"], unquote(request.path_params["asset"]).rpartition("@")[2]
    found = platform.store.asset(key, name)
    if found is None:
        raise Refusal(404, "")
    if request.method == "DELETE":
        platform.store.drop_asset(key, name)
        return Response(status_code=204)
    body = await body_of(request)
    row, content = found
    row["locked"] = bool(body.get("locked"))
    platform.store.put_asset(key, name, row, content)
    return JSONResponse({"locked": row["locked"]}, 201)


ADVANCED_HIDDEN = frozenset(
    [
        "start",
        "end",
        "enrollment_start",
        "enrollment_end",
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
        "pre_requisite_courses",
        "self_paced",
        "show_correctness",
        "hide_from_toc",
        "discussions_settings",
        "xml_attributes",
    ]
)


async def advanced(platform: Platform, request: Request) -> Response:
    key = request.path_params["key"]
    need_course(platform, key)
    root = rules.need(platform.store, rules.root_of(key))
    known = spec("course")
    assert known is not None
    if request.method != "GET":
        body = await body_of(request)
        values = {
            name: item.get("value")
            for name, item in body.items()
            if isinstance(item, dict) and name in known.own_fields and name not in ADVANCED_HIDDEN
        }
        for name, value in values.items():
            try:
                rules.set_fields(Node("", "course"), {name: value})
            except Refusal as refusal:
                raise Refusal(
                    400, [{"key": name, "message": "Incorrect format for field", "model": {"value": value}}]
                ) from refusal
        root = rules.update(platform.store, root.usage, {"metadata": values})
    return JSONResponse(
        {
            name: {
                "value": root.fields.get(name, field.default),
                "display_name": name,
                "help": field.help,
                "deprecated": False,
            }
            for name, field in known.own_fields.items()
            if name not in ADVANCED_HIDDEN
        }
    )


async def grading(platform: Platform, request: Request) -> Response:
    key = request.path_params["key"]
    row = need_course(platform, key)
    if request.method != "GET":
        body = await body_of(request)
        try:
            row["grading"] = {
                name: body[name] for name in ("graders", "grade_cutoffs", "grace_period", "minimum_grade_credit")
            }
        except KeyError as error:
            raise broken() from error
        row["grading"]["graders"] = [{**grader, "id": n} for n, grader in enumerate(row["grading"]["graders"])]
        platform.store.save_course(key, row)
    return JSONResponse(row["grading"])


COURSE_SETTINGS = {
    "start_date": "start",
    "end_date": "end",
    "enrollment_start": "enrollment_start",
    "enrollment_end": "enrollment_end",
    "self_paced": "self_paced",
    "title": "display_name",
    "language": "language",
}
ABOUT = (
    "overview",
    "short_description",
    "subtitle",
    "description",
    "about_sidebar_html",
    "duration",
    "effort",
    "syllabus",
)


async def course_settings(platform: Platform, request: Request) -> Response:
    """Refused and unknown keys are a 200 with the old value."""
    body = await body_of(request) if request.method == "POST" else {}
    key = str(body.pop("course_key", "") or request.query_params.get("course_key") or "")
    row = need_course(platform, key)
    root = rules.need(platform.store, rules.root_of(key))
    if request.method == "POST":
        metadata = {field: body[name] for name, field in COURSE_SETTINGS.items() if name in body}
        if platform.profile.pacing_locked and "self_paced" in metadata:
            start = metadata.get("start") or root.fields.get("start") or rules.UNSET_START
            if str(start) <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()):
                metadata.pop("self_paced")
        root = rules.update(platform.store, root.usage, {"metadata": metadata})
        for name in ABOUT:
            if name in body:
                row["about"][name] = body[name]
        platform.store.save_course(key, row)
    values = {name: root.fields.get(field) for name, field in COURSE_SETTINGS.items()}
    values |= {name: row["about"].get(name) for name in ABOUT}
    values |= {"org": row["org"], "course_id": row["number"], "run": row["run"], "course_key": key}
    return JSONResponse(values if request.method == "POST" else {"formData": values})


async def details(platform: Platform, request: Request) -> Response:
    """The stock details: an absent date is set to null."""
    key = request.path_params["key"]
    row = need_course(platform, key)
    root = rules.need(platform.store, rules.root_of(key))
    if request.method != "GET":
        body = await body_of(request)
        if "start_date" not in body:
            raise broken()
        metadata = {
            COURSE_SETTINGS[name]: body.get(name)
            for name in ("start_date", "end_date", "enrollment_start", "enrollment_end")
        }
        root = rules.update(platform.store, root.usage, {"metadata": metadata})
        for name in ABOUT:
            if name in body:
                row["about"][name] = body[name]
        platform.store.save_course(key, row)
    values = {name: root.fields.get(field) for name, field in COURSE_SETTINGS.items()}
    values |= {name: row["about"].get(name) for name in ABOUT}
    values |= {"org": row["org"], "course_id": row["number"], "run": row["run"]}
    return JSONResponse(values)


# -- the app ----------------------------------------------------------------------------------------------------------

TOKEN, SESSION_ONLY, OPEN = "token", "session", "open"  # which logins a route takes

ROUTES: tuple[tuple[str, tuple[str, ...], Handler, str], ...] = (
    ("/oauth2/access_token/", ("POST",), access_token, OPEN),
    ("/api/ibl/manage/course/", ("GET", "POST"), manage_course, TOKEN),
    ("/api/ibl/manage/course", ("GET", "POST"), manage_course, TOKEN),
    ("/api/ibl/manage/course/delete", ("POST",), delete_course, TOKEN),
    ("/api/contentstore/v2/home/courses", ("GET",), home_courses, SESSION_ONLY),
    ("/api/v1/ibl/xblock/create", ("POST",), v1_create, TOKEN),
    ("/api/v1/ibl/xblock/component/create", ("POST",), v1_create_component, TOKEN),
    ("/api/v1/ibl/xblock/update", ("POST",), v1_update, TOKEN),
    ("/api/v1/ibl/xblock/publish", ("POST",), v1_publish, TOKEN),
    ("/api/v1/ibl/xblock/get-details", ("GET",), v1_details, TOKEN),
    ("/api/v1/ibl/course/add_lti_passport", ("POST",), v1_passport, TOKEN),
    ("/api/v1/ibl/course/{key}/units", ("GET",), v1_units, TOKEN),
    ("/api/v1/ibl/ibl_edx_scorm/update", ("POST",), v1_scorm, TOKEN),
    ("/api/ibl/v1/course_settings", ("GET", "POST"), course_settings, TOKEN),
    ("/course/", ("POST",), stock_create_course, SESSION_ONLY),
    ("/xblock/outline/{usage}", ("GET",), stock_outline, SESSION_ONLY),
    ("/xblock/container/{usage}", ("GET",), stock_container, SESSION_ONLY),
    ("/xblock/{usage}/handler/{handler}", ("POST",), stock_handler, SESSION_ONLY),
    ("/xblock/{usage}", ("GET", "PUT", "POST", "PATCH", "DELETE"), stock_xblock, SESSION_ONLY),
    ("/xblock/", ("POST", "PUT", "PATCH"), stock_xblocks, SESSION_ONLY),
    ("/api/contentstore/v1/container/vertical/{usage}/children", ("GET",), stock_container, SESSION_ONLY),
    ("/assets/{key}/", ("GET", "POST"), assets, SESSION_ONLY),
    ("/assets/{key}/{asset:path}", ("POST", "PUT", "DELETE"), asset, SESSION_ONLY),
    ("/settings/advanced/{key}", ("GET", "POST", "PUT"), advanced, SESSION_ONLY),
    ("/settings/grading/{key}", ("GET", "POST"), grading, SESSION_ONLY),
    ("/settings/details/{key}", ("GET", "POST", "PUT"), details, SESSION_ONLY),
)


class _Broken(Response):
    """No answer: the connection is cut."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["sandbox.abort"]()


def _endpoint(platform: Platform, handler: Handler, login: str) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        method, path = request.method, request.url.path
        body = await body_of(request) if method not in ("GET", "DELETE") and _is_json(request) else None
        kind = kind_of(method, path, body)
        fault = platform.faults.strike(kind, path)
        if platform.faults.latency:
            await asyncio.sleep(platform.faults.latency)
        try:
            response = _before(fault) or await _handled(platform, handler, login, request, fault)
        finally:
            await request.close()
        async with platform.lock:
            try:
                platform.store.log(Logged(method, path, kind, response.status_code))
            except sqlite3.Error as error:
                response = JSONResponse({"error": f"the sandbox's log cannot be written ({error})"}, 507)
        return await _after(fault, response)

    return endpoint


def _is_json(request: Request) -> bool:
    return "application/json" in request.headers.get("content-type", "")


async def _handled(platform: Platform, handler: Handler, login: str, request: Request, fault: Fault | None) -> Response:
    """The answer, its changes made in one transaction; none of them for a discarded write."""
    # Bodies are read before the lock is taken: nobody else should wait for this one's network.
    if request.method not in ("GET", "DELETE"):
        await (request.body() if _is_json(request) else request.form())
    discarded = fault is not None and fault.kind is FaultKind.DISCARDED
    async with platform.lock:
        try:
            if login != OPEN:
                check_login(platform, request, token=login == TOKEN)
            with platform.store.change():
                response = await handler(platform, request)
                if discarded:
                    raise _Discard(response)
        except _Discard as lost:
            response = lost.response
        except Refusal as refusal:
            response = refused(refusal)
        except sqlite3.Error as error:  # a full disk, most likely: the change was rolled back
            response = JSONResponse({"error": f"the sandbox's database cannot be written ({error})"}, 507)
    return response


class _Discard(Exception):
    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def refused(refusal: Refusal) -> Response:
    """A refusal as the platform shapes it."""
    if refusal.status == 302:
        return RedirectResponse(str(refusal.body), 302)
    if isinstance(refusal.body, str):
        if refusal.status >= 500:
            return HTMLResponse(refusal.body, refusal.status)
        return Response(refusal.body, refusal.status, media_type="text/plain")
    return JSONResponse(refusal.body, refusal.status)


def _before(fault: Fault | None) -> Response | None:
    match fault.kind if fault else None:
        case FaultKind.RESET_BEFORE:
            return _Broken()
        case FaultKind.ERROR_BEFORE:
            assert fault is not None
            return HTMLResponse(ERROR_PAGE, fault.status)
        case FaultKind.THROTTLED:
            assert fault is not None
            return JSONResponse(
                {"detail": "Request was throttled."}, 429, headers={"Retry-After": f"{fault.seconds:g}"}
            )
        case FaultKind.UNAUTHORIZED:
            return JSONResponse({"detail": "Invalid token."}, 401)
        case FaultKind.LOGIN_REDIRECT:
            return RedirectResponse("/login?next=/", 302)
        case _:
            return None


async def _after(fault: Fault | None, response: Response) -> Response:
    match fault.kind if fault else None:
        case FaultKind.RESET_AFTER:
            return _Broken()
        case FaultKind.ERROR_AFTER:
            assert fault is not None
            return HTMLResponse(ERROR_PAGE, fault.status)
        case FaultKind.HANG_AFTER:
            assert fault is not None
            await asyncio.sleep(fault.seconds)
            return _Broken()
        case FaultKind.HTML:
            return HTMLResponse(LOGIN_PAGE, 200)
        case FaultKind.TRUNCATED:
            return Response(
                bytes(response.body)[: len(response.body) // 2], response.status_code, media_type="application/json"
            )
        case _:
            return response


class _Breaker:
    """Lets a response cut its connection: uvicorn's `send` belongs to the object that holds the transport."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cycle = getattr(send, "__self__", None)
        transport = getattr(cycle, "transport", None)
        if transport is not None:
            scope["sandbox.abort"] = transport.abort
        await self.app(scope, receive, send)


class _Slashes:
    """Answers 301 to a path that lacks its trailing slash, as Django's APPEND_SLASH does."""

    def __init__(self, app: ASGIApp, paths: frozenset[str]) -> None:
        self.app = app
        self.paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in self.paths:
            await RedirectResponse(scope["path"] + "/", 301)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def create_app(platform: Platform) -> ASGIApp:
    """The sandbox's app over `platform`."""
    routes = [
        Route(path, _endpoint(platform, handler, login), methods=list(methods))
        for path, methods, handler, login in ROUTES
    ]
    routes += pages.routes(platform.store, platform.lock)
    app: ASGIApp = Starlette(routes=routes)
    if platform.profile.slash_redirects:
        app = _Slashes(app, frozenset({"/api/ibl/manage/course", "/oauth2/access_token", "/xblock"}))
    return _Breaker(app)

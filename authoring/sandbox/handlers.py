"""Handlers of blocks that Studio's own editors save through: `/xblock/{key}/handler/{name}`.

Studio saves the block after every call of a handler, whatever the handler did (Open edX: views/component.py). Sources: the
blocks' own classes: openedx-scorm-xblock, xblock-poll, xblock-drag-and-drop-v2, xblock-google-drive, xblock-lti-consumer,
ora2, ibl-edx-pdf-xblock, xblocks-contrib.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import IO, Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from authoring.registry import field_spec, spec
from authoring.sandbox.packages import inspect_package
from authoring.sandbox.platform import Platform, body_of
from authoring.sandbox.refusals import Refusal, broken, refuse
from authoring.sandbox.rules import save
from authoring.sandbox.store import CHUNK, Node
from authoring.sandbox.values import coerce

BlockHandler = Callable[[Platform, Node, Request], Awaitable[Response]]

DONE = {"result": "success"}


async def handle(platform: Platform, request: Request) -> Response:
    """`/xblock/{key}/handler/{name}/{suffix?}`. Raises Refusal(404) for a handler that the block does not have."""
    node = platform.need(request.path_params["usage"])
    name = request.path_params["handler"]
    known = spec(node.category)
    if name == "studio_submit" and known is not None and known.package:
        return await _scorm_form(platform, node, request)
    handler = _HANDLERS.get((node.category, name))
    if handler is None:
        raise Refusal(404, "")
    return await handler(platform, node, request)


# -- SCORM ------------------------------------------------------------------------------------------------------------

SCORM_PARTS = (
    "file",
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
"""Every part must be there; `file` may be any text, which keeps the package."""


async def _scorm_form(platform: Platform, node: Node, request: Request) -> Response:
    form = await request.form()
    if any(name not in form for name in SCORM_PARTS):
        raise broken()
    upload = form["file"]
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    if isinstance(upload, UploadFile):
        return studio_submit_scorm(platform, node, fields, upload.file, upload.filename, strict=True)
    return studio_submit_scorm(platform, node, fields, None, None, strict=True)


def studio_submit_scorm(
    platform: Platform,
    node: Node,
    fields: Mapping[str, Any],
    package: IO[bytes] | None,
    name: str | None,
    *,
    strict: bool,
) -> Response:
    """The SCORM block's `studio_submit`: settings are saved even when the package is not, and errors come inside a
    success. `strict` is the block's own contract: only `"1"` is true; the proxy of it also takes JSON's true, and what it
    is not sent stays as it is."""
    known = spec(node.category)
    if known is None or not known.package:
        raise Refusal(404, "")
    truths = ("1",) if strict else ("1", True, "true", "True")
    if "display_name" in fields:
        node.fields["display_name"] = str(fields["display_name"])
    for flag in ("has_score", "enable_navigation_menu", "enable_fullscreen_button", "popup_on_launch"):
        if strict or flag in fields:
            node.fields[flag] = fields.get(flag) in truths
    for size in ("width", "height", "navigation_menu_width"):
        if strict or size in fields:
            node.fields[size] = _whole(fields.get(size))
    if strict or "weight" in fields:
        node.fields["weight"] = _weight(fields.get("weight"))
    if "has_score" in node.fields:
        node.fields["icon_class"] = "problem" if node.fields["has_score"] else "video"
    errors: list[str] = []
    if package is not None:
        node.fields["package_meta"] = _package_meta(package, name)
        found = inspect_package(package)
        errors = list(found.errors)
        node.fields["navigation_menu"] = found.menu
        if found.index is not None:
            node.fields |= {"index_page_path": found.index, "scorm_version": found.version}
    save(platform.store, node)
    return JSONResponse({"result": "success", "errors": errors})


def _whole(value: Any) -> int | None:
    """`"400px"` is no number, so it is nothing."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _weight(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 1.0


def _package_meta(package: IO[bytes], name: str | None) -> dict[str, Any]:
    digest = hashlib.sha1(usedforsecurity=False)
    package.seek(0)
    while piece := package.read(CHUNK):
        digest.update(piece)
    size = package.tell()
    package.seek(0)
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return {"sha1": digest.hexdigest(), "name": name, "last_updated": moment, "size": size}


# -- the others ---------------------------------------------------------------------------------------------------------


def _setter(names: Mapping[str, str], required: tuple[str, ...], reply: Mapping[str, Any]) -> BlockHandler:
    """A handler that takes JSON and lays `{key of the body: field}` over the block."""

    async def handler(platform: Platform, node: Node, request: Request) -> Response:
        body = await body_of(request)
        if any(name not in body for name in required):
            raise broken()
        for key, name in names.items():
            if key in body:
                field = field_spec(node.category, name)
                node.fields[name] = coerce(field, body[key]) if field is not None else body[key]
        save(platform.store, node)
        return JSONResponse(reply)

    return handler


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


async def _voting(platform: Platform, node: Node, request: Request) -> Response:
    """Poll and survey: what is wrong is told in `errors`, and then nothing is saved."""
    body = await body_of(request)
    errors = []
    if node.category == "poll" and not body.get("question"):
        errors.append("You must specify a question.")
    for name, least in (("answers", 2 if node.category == "survey" else 1), ("questions", 1)):
        if name == "questions" and node.category == "poll":
            continue
        rows = body.get(name)
        if not isinstance(rows, list) or len(rows) < least:
            errors.append(f"You must include at least {least} {name}.")
    if errors:
        return JSONResponse({"success": False, "errors": errors})
    for name in ("question", "questions", "answers", "feedback", "private_results", "max_submissions"):
        if name in body:
            node.fields[name] = body[name]
    if body.get("display_name") is not None:
        # A survey's title is kept under another name than everybody else's.
        node.fields["block_name" if node.category == "survey" else "display_name"] = body["display_name"]
    save(platform.store, node)
    return JSONResponse({"success": True, "errors": []})


async def _lti(platform: Platform, node: Node, request: Request) -> Response:
    """`submit_studio_edits`: `{values, defaults}`, checked as the editor checks them."""
    body = await body_of(request)
    values, defaults = body.get("values") or {}, body.get("defaults") or []
    for name, value in values.items():
        field = field_spec(node.category, name)
        if field is None:
            raise broken()
        node.fields[name] = coerce(field, value)
    parameters = node.fields.get("custom_parameters") or []
    if any("=" not in str(parameter) for parameter in parameters):
        raise refuse(400, "Custom Parameters must be in name=value form")
    for name in defaults:
        node.fields.pop(name, None)
    save(platform.store, node)
    return JSONResponse(DONE)


async def _rubric(platform: Platform, node: Node, request: Request) -> Response:
    """Open response assessment's `update_editor_context`."""
    body = await body_of(request)
    if not body.get("title") or not body.get("editor_assessments_order", body.get("assessments")):
        return JSONResponse({"success": False, "msg": "Error updating XBlock configuration"})
    names = {
        "title": "title",
        "prompts": "prompt",
        "prompts_type": "prompts_type",
        "criteria": "rubric_criteria",
        "assessments": "rubric_assessments",
        "feedback_prompt": "rubric_feedback_prompt",
        "feedback_default_text": "rubric_feedback_default_text",
        "submission_start": "submission_start",
        "submission_due": "submission_due",
        "leaderboard_show": "leaderboard_show",
        "text_response": "text_response_raw",
        "file_upload_response": "file_upload_response_raw",
    }
    for key, name in names.items():
        if key in body:
            node.fields[name] = body[key]
    node.fields["display_name"] = body["title"]
    save(platform.store, node)
    return JSONResponse({"success": True, "msg": "Successfully updated OpenAssessment XBlock"})


_DND = {
    **_same("display_name", "mode", "max_attempts", "showanswer", "show_title", "weight", "data"),
    **_same("item_background_color", "item_text_color", "max_items_per_zone"),
    "problem_text": "question_text",
    "show_problem_header": "show_question_header",
}

_HANDLERS: Mapping[tuple[str, str], BlockHandler] = {
    ("pdf", "save_pdf"): _setter(_same("display_name", "href", "url"), ("display_name", "href"), DONE),
    ("poll", "studio_submit"): _voting,
    ("survey", "studio_submit"): _voting,
    ("drag-and-drop-v2", "studio_submit"): _setter(_DND, ("display_name", "data"), DONE),
    ("google-document", "studio_submit"): _setter(
        _same("display_name", "embed_code", "alt_text"), ("display_name", "embed_code"), DONE
    ),
    ("google-calendar", "studio_submit"): _setter(
        _same("display_name", "calendar_id", "default_view"), ("display_name", "calendar_id"), DONE
    ),
    ("lti_consumer", "submit_studio_edits"): _lti,
    ("openassessment", "update_editor_context"): _rubric,
}

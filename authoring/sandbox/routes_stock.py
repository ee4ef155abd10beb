"""Studio's own block routes: `/xblock/…`, `/course/`, `/orphan/`, as stock Open edX has them.

Sources: Open edX: cms/djangoapps/contentstore/xblock_storage_handlers/view_handlers.py, views/block.py.
"""

from __future__ import annotations

from html import escape

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from authoring.sandbox import rules, views
from authoring.sandbox.addresses import course_of
from authoring.sandbox.platform import Platform, body_of, need_json
from authoring.sandbox.refusals import Refusal, broken, refuse
from authoring.sandbox.routes_v1 import check_new, start_rerun
from authoring.sandbox.values import title_of


async def create_course(platform: Platform, request: Request) -> Response:
    """`POST /course/`. A duplicate and a malformed key are a 200 with `ErrMsg` (Open edX: `_create_or_rerun_course`)."""
    body = await body_of(request)
    if not body.get("org"):
        raise refuse(403, "Permission denied")
    key = f"course-v1:{body['org']}+{body.get('number') or body.get('course')}+{body.get('run')}"
    try:
        check_new(platform, key)
    except Refusal as refusal:
        return JSONResponse(refusal.body)
    if body.get("source_course_key"):
        return start_rerun(platform, key, str(body["source_course_key"]), body.get("display_name"))
    rules.new_course(platform.store, key, str(body.get("display_name") or ""))
    return JSONResponse({"url": f"/course/{key}", "course_key": key})


async def course_outline(platform: Platform, request: Request) -> Response:
    """`GET /course/{key}?format=concise|json`: the outline from the root."""
    if request.query_params.get("format") not in ("json", "concise"):
        need_json(request)
    root = platform.root(request.path_params["key"])
    return JSONResponse(views.outline_json(platform.store, root.usage))


async def blocks(platform: Platform, request: Request) -> Response:
    """`/xblock/`: POST creates or duplicates, PATCH moves. Position, data and fields are not read here."""
    body = await body_of(request)
    missing = platform.profile.missing_status
    if request.method == "PATCH":
        source, parent, index = (body.get(name) for name in ("move_source_locator", "parent_locator", "target_index"))
        if not source:
            raise refuse(400, "Patch request did not recognise any parameters to handle.")
        if index is not None and (not isinstance(index, int) or isinstance(index, bool)):
            raise refuse(400, "You can not provide target_index value in string format.")
        at = rules.move(platform.store, str(source), str(parent), index, missing=missing)
        moved = {"move_source_locator": source, "parent_locator": parent}
        return JSONResponse(moved | {"source_index": at if index is None else index})
    if not body.get("parent_locator"):
        raise broken()
    parent = str(body["parent_locator"])
    title = None if body.get("display_name") is None else str(body["display_name"])
    if body.get("duplicate_source_locator"):
        node = rules.duplicate(platform.store, str(body["duplicate_source_locator"]), parent, title, missing=missing)
    elif body.get("category"):
        node = rules.create(
            platform.store, parent, str(body["category"]), title, body.get("boilerplate"), missing=missing
        )
    else:
        raise broken()
    return JSONResponse({"locator": node.usage, "courseKey": course_of(node.usage)})


async def block(platform: Platform, request: Request) -> Response:
    """`/xblock/{key}`: GET reads, DELETE deletes, every other verb is a partial update."""
    usage = request.path_params["usage"]
    missing = platform.profile.missing_status
    if request.method == "GET":
        need_json(request)
        node = rules.found_or_made(platform.store, usage, missing=missing)
        match request.query_params.get("fields"):
            case "graderType":
                return JSONResponse({"graderType": node.fields.get("format") or "notgraded", "location": usage})
            case "ancestorInfo":
                return JSONResponse(views.container_json(platform.store, node, rewritten=False)["ancestor_info"])
            case "customReadToken":
                return JSONResponse(views.read_token_json(platform.store, node))
            case _:
                rewritten = platform.profile.static_rewritten
                return JSONResponse(views.block_json(platform.store, node, rewritten=rewritten))
    if request.method == "DELETE":
        rules.delete(platform.store, usage, missing=missing)
        return Response(status_code=204)
    body = await body_of(request)
    node = rules.update(platform.store, usage, body, missing=missing)
    if body.get("publish") == "discard_changes":
        return JSONResponse({"id": usage})
    answer = {"id": usage, "data": node.fields.get("data"), "metadata": views.metadata_json(node)}
    if "graderType" in body:
        answer["graderType"] = body["graderType"]
    return JSONResponse(answer)


def _need_format(request: Request) -> None:
    """Raises Refusal(404) unless JSON is asked for."""
    if request.query_params.get("format") != "json" and "application/json" not in request.headers.get("accept", ""):
        raise Refusal(404, "")


async def outline(platform: Platform, request: Request) -> Response:
    _need_format(request)
    node = platform.need(request.path_params["usage"])
    return JSONResponse(views.outline_json(platform.store, node.usage))


async def container(platform: Platform, request: Request) -> Response:
    _need_format(request)
    node = platform.need(request.path_params["usage"])
    rewritten = platform.profile.static_rewritten
    return JSONResponse(views.container_json(platform.store, node, rewritten=rewritten))


async def container_children(platform: Platform, request: Request) -> Response:
    return JSONResponse(views.children_json(platform.store, platform.need(request.path_params["usage"])))


VIEWS = frozenset(
    {
        "studio_view",
        "author_view",
        "student_view",
        "container_preview",
        "reorderable_container_child_preview",
        "container_child_preview",
    }
)


async def fragment(platform: Platform, request: Request) -> Response:
    """`GET /xblock/{key}/{view}`: a rendered fragment. The editor's view holds an input `edit_<field>` for each field that
    was set, which is the only way to read the `href` of the platform's own PDF block."""
    if request.path_params["view"] not in VIEWS:
        raise Refusal(404, "")
    need_json(request)
    node = platform.need(request.path_params["usage"])
    if request.path_params["view"] == "studio_view":
        inputs = (
            f'<input id="edit_{escape(name)}" name="{escape(name)}" value="{escape(str(value))}">'
            for name, value in node.fields.items()
            if name != "data"
        )
        page = "".join(inputs)
    else:
        page = f"<div>{escape(title_of(node))}</div>"
    return JSONResponse({"html": page, "resources": []})


async def orphans(platform: Platform, request: Request) -> Response:
    key = request.path_params["key"]
    platform.need_course(key)
    return JSONResponse(rules.orphans(platform.store, key))

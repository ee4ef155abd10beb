"""Studio's routes for a whole course but its settings: files, updates, textbooks, pages, team.

Sources: Open edX: cms/djangoapps/contentstore/asset_storage_handlers.py, course_info_model.py, views/{tabs,user}.py.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from authoring.sandbox.addresses import asset_key, block_id_of, clean_asset, usage_of
from authoring.sandbox.platform import Platform, body_of, need_json
from authoring.sandbox.refusals import Refusal, broken, refuse
from authoring.sandbox.rules import found_or_made, save, set_tabs, tabs_of

# -- files ------------------------------------------------------------------------------------------------------------

_KINDS = {
    "images": ("image/",),
    "documents": (
        "application/pdf",
        "text/plain",
        "application/msword",
        "application/vnd.",
        "application/rtf",
        "text/csv",
    ),
    "audio": ("audio/",),
    "code": ("application/json", "text/javascript", "application/javascript", "text/css", "text/html", "text/x-"),
}
_SORTS = {"display_name": "display_name", "date_added": "added", "uploaddate": "added", "displayname": "display_name"}


def _asset_json(course: str, row: dict[str, Any]) -> dict[str, Any]:
    key = asset_key(course, row["name"])
    added = datetime.fromisoformat(row.get("added", "2026-01-01T00:00:00+00:00"))
    return {
        "display_name": row["display_name"],
        "content_type": row["content_type"],
        "date_added": f"{added:%b} {added.day}, {added:%Y at %H:%M} UTC",
        "url": f"/{key}",
        "external_url": f"/{key}",
        "static_full_url": f"/{key}",
        "portable_url": f"/static/{row['name']}",
        "thumbnail": None,
        "locked": row["locked"],
        "id": key,
        "file_size": row["size"],
    }


async def assets(platform: Platform, request: Request) -> Response:
    """`/assets/{key}/`: GET lists by pages, POST uploads. A file of the same flat name is replaced, live at once."""
    key = request.path_params["key"]
    platform.need_course(key)
    if request.method == "GET":
        return JSONResponse(_page_of_assets(platform, key, request))
    form = await request.form()
    upload = form.get("file")
    if not isinstance(upload, UploadFile) or not upload.filename:
        raise broken()
    if (upload.size or 0) > platform.profile.asset_limit:
        limit = platform.profile.asset_limit / 1_000_000
        raise refuse(413, f"File {upload.filename} exceeds maximum size of {limit:g} MB.")
    row = {
        "display_name": upload.filename,
        "content_type": upload.content_type or "application/octet-stream",
        "locked": False,
        "added": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    kept = platform.store.put_asset(key, clean_asset(upload.filename), row, upload.file)
    return JSONResponse({"asset": _asset_json(key, kept), "msg": "Upload completed"})


def _page_of_assets(platform: Platform, key: str, request: Request) -> dict[str, Any]:
    """One page, counted from 0; a page beyond the end is the last one. Raises Refusal(400) for an unknown type."""
    ask = request.query_params
    rows = platform.store.assets(key)
    kinds = [kind.lower() for kind in ask.get("asset_type", "").split(",") if kind]
    if any(kind not in _KINDS and kind != "other" for kind in kinds):
        raise refuse(400, "Asset type filter is invalid")
    if kinds:
        rows = [row for row in rows if _kind_of(row["content_type"]) in kinds]
    words = ask.get("text_search", "").lower()
    rows = [row for row in rows if words in row["display_name"].lower()]
    sort, direction = ask.get("sort", "date_added"), ask.get("direction", "desc")
    by = _SORTS.get(sort.lower(), "added")
    # Equal moments stay in the order of upload, in either direction, so that pages do not overlap.
    rows = sorted(
        rows, key=lambda row: str(row.get(by, "")).lower(), reverse=direction.lower() in ("desc", "descending")
    )
    try:
        page, size = max(0, int(ask.get("page", 0))), max(1, int(ask.get("page_size", 50)))
    except ValueError as error:
        raise broken() from error
    page = min(page, max(0, (len(rows) - 1) // size))
    shown = rows[page * size : (page + 1) * size]
    return {
        "start": page * size,
        "end": page * size + len(shown),
        "page": page,
        "pageSize": size,
        "totalCount": len(rows),
        "assets": [_asset_json(key, row) for row in shown],
        "sort": sort,
        "direction": direction,
        "assetTypes": kinds,
        "textSearch": words,
    }


def _kind_of(content_type: str) -> str:
    for kind, prefixes in _KINDS.items():
        if content_type.startswith(prefixes):
            return kind
    return "other"


async def asset(platform: Platform, request: Request) -> Response:
    """`/assets/{key}/{asset key}`: POST or PUT locks, DELETE deletes."""
    key, path = request.path_params["key"], unquote(request.path_params["asset"])
    usage = path.endswith("/usage") and request.method == "GET"
    name = path.removesuffix("/usage").rpartition("@")[2]
    row = platform.store.asset(key, name)
    if row is None:
        raise Refusal(404, "")
    if usage:
        link = f"/static/{name}"
        users = [node for node in platform.store.all(key).values() if link in str(node.fields)]
        return JSONResponse({"usage_locations": {asset_key(key, name): [{"url": node.usage} for node in users]}})
    if request.method == "GET":
        raise Refusal(405, "")
    if request.method == "DELETE":
        platform.store.drop_asset(key, name)
        return Response(status_code=204)
    row["locked"] = bool((await body_of(request)).get("locked"))
    platform.store.save_asset(key, name, row)
    return JSONResponse({"id": asset_key(key, name), "locked": row["locked"]}, 201)


# -- updates ----------------------------------------------------------------------------------------------------------


async def updates(platform: Platform, request: Request) -> Response:
    """`/course_info_update/{key}/[{id}]`: news, newest first. A deleted one is only marked."""
    key, number = request.path_params["key"], request.path_params.get("number")
    platform.need_course(key)
    node = found_or_made(platform.store, usage_of(key, "course_info", "updates"))
    items = list(node.fields.get("items") or [])
    if request.method == "GET" and number is None:
        return JSONResponse(_visible(items))
    found = next((item for item in items if item["id"] == number and item["status"] != "deleted"), None)
    if number is not None and found is None:
        raise Refusal(400, "Failed to save")
    if request.method == "GET":
        return JSONResponse(found)
    if request.method == "DELETE":
        assert found is not None
        found["status"] = "deleted"
        answer: Any = _visible(items)
    else:
        body = await body_of(request)
        if not isinstance(body.get("date"), str) or not isinstance(body.get("content"), str):
            raise Refusal(400, "Failed to save")
        if found is None:
            found = {"id": max((item["id"] for item in items), default=0) + 1, "status": "visible"}
            items.append(found)
        found |= {"date": body["date"], "content": body["content"]}
        answer = {name: found[name] for name in ("id", "date", "content")}
    node.fields |= {"items": items, "data": ""}
    save(platform.store, node)
    return JSONResponse(answer)


def _visible(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: item[name] for name in ("id", "date", "content")}
        for item in reversed(items)
        if item["status"] != "deleted"
    ]


# -- textbooks --------------------------------------------------------------------------------------------------------


async def textbooks(platform: Platform, request: Request) -> Response:
    """`/textbooks/{key}[/{id}]`: PDF textbooks, a field of the course block; a first one adds their tab. PUT takes the whole
    list, POST one more. Both answer 201."""
    key, which = request.path_params["key"], request.path_params.get("which")
    root = platform.root(key)
    held = list(root.fields.get("pdf_textbooks") or [])
    found = next((book for book in held if book.get("id") == which), None)
    if request.method == "GET":
        need_json(request)
        if which is not None and found is None:
            raise Refusal(404, "")
        return JSONResponse(held if which is None else found)
    if request.method == "DELETE":
        if found is None:
            raise Refusal(404, "")
        root.fields["pdf_textbooks"] = [book for book in held if book is not found]
        save(platform.store, root)
        return Response(status_code=204)
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise refuse(400, "invalid JSON") from error
    whole = which is None and request.method == "PUT"
    if whole and not isinstance(body, list):
        raise refuse(400, "must be JSON list")
    taken: set[str] = set() if whole else {str(book.get("id")) for book in held}
    books = [_textbook(book, taken) for book in (body if whole else [body])]
    if whole:
        held = books
    elif which is not None:
        books = [{**books[0], "id": which}]
        held = [books[0] if book is found else book for book in held] if found is not None else [*held, *books]
    else:
        held += books
    root.fields["pdf_textbooks"] = held
    save(platform.store, root)
    tabs = tabs_of(platform.store, key)
    if held and not any(tab["type"] == "pdf_textbooks" for tab in tabs):
        set_tabs(platform.store, key, [*tabs, {"type": "pdf_textbooks", "name": "Textbooks"}])
    return JSONResponse(held if whole else books[0], 201)


def _textbook(book: Any, taken: set[str]) -> dict[str, Any]:
    if not isinstance(book, dict) or not book.get("tab_title"):
        raise refuse(400, "must have tab_title")
    name = str(book.get("id") or "")
    if name and not name[0].isdigit():
        raise refuse(400, "textbook ID must start with a digit")
    if not name:
        words = re.sub(r"[^\w.%-]+", "_", str(book["tab_title"]))
        number = 1
        while (name := f"{number}{words}") in taken:
            number += 1
    taken.add(name)
    return {**book, "id": name}


# -- pages and team ---------------------------------------------------------------------------------------------------


async def tabs(platform: Platform, request: Request) -> Response:
    """`/tabs/{key}`: POST orders the pages or hides one. Only static tabs change places, the others keep theirs."""
    key = request.path_params["key"]
    platform.need_course(key)
    held = tabs_of(platform.store, key)
    if request.method == "GET":
        return JSONResponse({"tabs": held})
    body = await body_of(request)
    if isinstance(body.get("tabs"), list):
        static = {tab["url_slug"]: tab for tab in held if tab["type"] == "static_tab"}
        wanted = [block_id_of(str(item["tab_locator"])) for item in body["tabs"] if item.get("tab_locator")]
        if any(slug not in static for slug in wanted):
            raise refuse(400, "Tab with id_locator does not exist.")
        order = wanted + [slug for slug in static if slug not in wanted]
        held = [tab for tab in held if tab["type"] != "static_tab"] + [static[slug] for slug in order]
    elif isinstance(body.get("tab_id_locator"), dict):
        which = body["tab_id_locator"]
        slug = block_id_of(str(which.get("tab_locator") or ""))
        found = [
            tab for tab in held if tab.get("url_slug") == slug or tab["type"] == which.get("tab_id", "no such type")
        ]
        if not found:
            raise refuse(400, f"Tab with id_locator '{which}' does not exist.")
        found[0]["is_hidden"] = bool(body.get("is_hidden"))
    else:
        raise broken()
    set_tabs(platform.store, key, held)
    return Response(status_code=204)


async def team(platform: Platform, request: Request) -> Response:
    """`/course_team/{key}/{email}`. Every address is a user's but those that end with `.invalid`; case makes no difference."""
    key, email = request.path_params["key"], unquote(request.path_params["email"]).casefold()
    row = platform.need_course(key)
    members = row.setdefault("team", {})
    email = next(
        (one for one in members if one.casefold() == email.casefold()), email
    )  # capitals say nothing to the database
    if email.endswith(".invalid") or "@" not in email:
        raise refuse(404, f"Could not find user by email address '{email}'.")
    if request.method == "GET":
        return JSONResponse({"email": email, "active": True, "role": members.get(email)})
    role = None if request.method == "DELETE" else (await body_of(request)).get("role", "none")
    if role not in ("instructor", "staff", None):
        raise refuse(400, "No `role` specified.")
    others = [who for who, held in members.items() if held == "instructor" and who != email]
    if members.get(email) == "instructor" and role != "instructor" and not others:
        raise refuse(400, "You may not remove the last Admin. Add another Admin first.")
    members.pop(email, None)
    if role is not None:
        members[email] = role
    platform.store.save_course(key, row)
    return Response(status_code=204)


async def whole_team(platform: Platform, request: Request) -> Response:
    """`/api/contentstore/v1/course_team/{key}`: everybody with a role (Open edX: contentstore/rest_api/v1/views/course_team.py)."""
    members = platform.need_course(request.path_params["key"]).get("team", {})
    users = [
        {"email": email, "id": number, "role": role, "username": email.partition("@")[0]}
        for number, (email, role) in enumerate(sorted(members.items()), start=1)
    ]
    return JSONResponse({"show_transfer_ownership_hint": False, "users": users, "allow_actions": True})

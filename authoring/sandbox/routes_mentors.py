"""The data manager's mentors and chat sessions.

Source: the platform's documentation. What no source tells is a switch of the profile or listed in docs/sandbox.md.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from authoring.sandbox.platform import Platform, body_of, require
from authoring.sandbox.refusals import Refusal

MENTOR, SESSION = "mentor", "session"
TENANT = "sandbox"
"""The one organisation that the sandbox has."""
TEMPLATES = ("ai-mentor", "ai-agent")
PAGE_SIZE = 25
TEXT, TRUTH, NUMBER, WORDS, ROWS, ANY = str, bool, (int, float), list, list, dict
SETTINGS: Mapping[str, Any] = {
    "display_name": TEXT,
    "description": TEXT,
    "system_prompt": TEXT,
    "llm_provider": TEXT,
    "llm_name": TEXT,
    "llm_temperature": NUMBER,
    "mentor_visibility": TEXT,
    "metadata": ANY,
    "seo_tags": WORDS,
    "marketing_conversations": ROWS,
    "proactive_prompt": TEXT,
    "proactive_response": TEXT,
    "greeting_method": TEXT,
    "moderation_system_prompt": TEXT,
    "enable_moderation": TRUTH,
    "tool_slugs": WORDS,
    "categories": ROWS,
    "forkable": TRUTH,
    "allow_anonymous": TRUTH,
}
"""The settings that are taken, with their types; any other, and one of another type, is passed over."""


def need_tenant(platform: Platform, request: Request) -> str:
    """The organisation of the path. Raises Refusal(403) for another than the key's."""
    tenant = str(request.path_params["org"])
    if tenant != TENANT:
        raise Refusal(403, {"detail": "You do not have permission to perform this action."})
    return tenant


def _mentors(platform: Platform, request: Request) -> list[dict[str, Any]]:
    tenant = need_tenant(platform, request)
    return [row for row in platform.store.rows(MENTOR).values() if row["tenant"] == tenant]


def find_mentor(platform: Platform, request: Request, name: Any) -> dict[str, Any]:
    """By unique id, slug or name; of several the oldest. Raises Refusal(404)."""
    mentors = _mentors(platform, request)
    for column in ("unique_id", "slug", "name"):
        for row in mentors:
            if row[column] == name:
                return row
    raise Refusal(404, {"detail": "Mentor not found."})


async def mentors(platform: Platform, request: Request) -> Response:
    """`GET /api/ai-mentor/orgs/{org}/users/{user}/`: in pages."""
    rows = _mentors(platform, request)
    size = max(1, int(request.query_params.get("page_size", PAGE_SIZE)))
    page = int(request.query_params.get("page", "1"))
    if page < 1 or (page > 1 and (page - 1) * size >= len(rows)):
        raise Refusal(404, {"detail": "Invalid page."})
    more = page * size < len(rows)
    following = f"{request.url.replace(query='')}?page={page + 1}&page_size={size}" if more else None
    shown = [_shown(row) for row in rows[(page - 1) * size : page * size]]
    return JSONResponse({"count": len(rows), "next": following, "previous": None, "results": shown})


async def create(platform: Platform, request: Request) -> Response:
    """`POST …/mentor-with-settings/`."""
    tenant = need_tenant(platform, request)
    body = await body_of(request)
    require(body, "template_name", "new_mentor_name")
    name = body["new_mentor_name"]
    if not isinstance(name, str) or body["template_name"] not in TEMPLATES:
        raise Refusal(400, {"detail": "There is no such template."})
    taken = [row for row in _mentors(platform, request) if row["name"] == name]
    if taken and not platform.profile.duplicate_mentors:
        raise Refusal(400, {"detail": "A mentor of this name exists."})
    settings = {key: value for key, value in body.items() if key in SETTINGS and isinstance(value, SETTINGS[key])}
    unique = str(uuid.uuid4())
    slug = "-".join(name.lower().split())
    row = {
        "tenant": tenant,
        "name": name,
        "unique_id": unique,
        "slug": f"{slug}-{len(taken) + 1}" if taken else slug,
        "template_name": body["template_name"],
        "settings": settings,
    }
    row["id"] = platform.store.save_row(MENTOR, unique, row)
    return JSONResponse(_shown(row))


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("id", "name", "unique_id", "slug")},
        "platform": row["tenant"],
        "allow_anonymous": row["settings"].get("allow_anonymous", False),
        "metadata": row["settings"].get("metadata"),
    }


async def settings(platform: Platform, request: Request) -> Response:
    """`GET …/mentors/{mentor}/settings/`."""
    row = find_mentor(platform, request, request.path_params["mentor"])
    held = {name: row["settings"].get(name) for name in SETTINGS}
    return JSONResponse({"mentor_name": row["name"], "template_name": row["template_name"], **held})


async def sessions(platform: Platform, request: Request) -> Response:
    """`POST …/sessions/`: the session of this user with this mentor, made where there is none."""
    body = await body_of(request)
    require(body, "mentor")
    tools = body.get("tools")
    if tools is not None and not (isinstance(tools, list) and all(isinstance(tool, str) for tool in tools)):
        raise Refusal(400, {"tools": ["Expected a list of slugs."]})
    row = find_mentor(platform, request, body["mentor"])
    key = f"{request.path_params['user']},{row['unique_id']}"
    held = platform.store.row(SESSION, key)
    session = {
        "session_id": held["session_id"] if held else str(uuid.uuid4()),
        "mentor": row["unique_id"],
        "user": request.path_params["user"],
        "tools": tools,
        "enable_artifacts": bool(body.get("enable_artifacts")),
    }
    platform.store.save_row(SESSION, key, session)
    shown = {name: session[name] for name in ("session_id", "tools", "enable_artifacts")}
    return JSONResponse({**shown, "artifacts": []})

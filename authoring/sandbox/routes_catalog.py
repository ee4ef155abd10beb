"""The data manager's catalogue: roles, skills, programs, pathways, resources, courses and their metadata.

Source: the platform's documentation. What no source tells is a switch of the profile or listed in docs/sandbox.md.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from authoring.sandbox.platform import Handler, Platform, body_of, is_json
from authoring.sandbox.refusals import Refusal
from authoring.sandbox.routes_mentors import TENANT

PROGRAM, PATHWAY, RESOURCE, COURSE, METADATA = "program", "pathway", "resource", "catalog-course", "course-metadata"
PAGE = 25
PROGRAM_TYPES = ("standard", "platform", "custom", 1, 2, 3, "1", "2", "3")
ITEMS = {"course": "course_id", "program": "program_key", "pathway": "pathway_id", "resource": "name"}


def _require(body: Mapping[str, Any], *names: str) -> None:
    wrong = {name: ["This field is required."] for name in names if body.get(name) in (None, "")}
    if wrong:
        raise Refusal(400, wrong)


def _checked(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body, its known fields of their types. Raises Refusal."""
    wrong: dict[str, list[str]] = {}
    for name in ("name", "slug", "program_id", "program_key", "pathway_id", "url", "resource_type", "course_id", "org"):
        if body.get(name) is not None and not isinstance(body[name], str):
            wrong[name] = ["Not a valid string."]
    for name in ("enabled", "visible", "update", "overwrite_existing_org"):
        if name in body and not isinstance(body[name], bool):
            wrong[name] = ["Must be a valid boolean."]
    for name in ("id", "user_id"):
        if body.get(name) is not None and (not isinstance(body[name], int) or isinstance(body[name], bool)):
            wrong[name] = ["A valid integer is required."]
    if body.get("data") is not None and not isinstance(body["data"], dict):
        wrong["data"] = ["Must be an object."]
    if wrong:
        raise Refusal(400, wrong)
    key = body.get("platform_key")
    if key not in (None, TENANT):
        raise Refusal(403, {"detail": "You do not have permission to perform this action."})
    return dict(body)


def _matches(row: Mapping[str, Any], query: Mapping[str, str], *names: str) -> bool:
    for name in names:
        wanted = query.get(name)
        if wanted is None:
            continue
        if name == "name__iexact":
            if str(row["name"]).casefold() != wanted.casefold():
                return False
        elif str(row.get(name)) != wanted:
            return False
    return True


def _page(request: Request, rows: list[dict[str, Any]]) -> Response:
    """`{count, next_page, previous_page, results}`."""
    try:
        number = int(request.query_params.get("page", "1"))
        size = int(request.query_params.get("page_size", str(PAGE)))
    except ValueError as error:
        raise Refusal(404, {"detail": "Invalid page."}) from error
    start = (number - 1) * size
    if number < 1 or size < 1 or (start >= len(rows) and number > 1):
        raise Refusal(404, {"detail": "Invalid page."})
    return JSONResponse(
        {
            "count": len(rows),
            "next_page": number + 1 if start + size < len(rows) else None,
            "previous_page": number - 1 if number > 1 else None,
            "results": rows[start : start + size],
        }
    )


def _status(created: bool) -> int:
    return 201 if created else 200


# -- roles and skills ---------------------------------------------------------------------------------------------------


def terms(kind: str) -> Handler:
    """`GET`, `POST roles/` or `skills/`; `kind` is `role` or `skill`."""

    async def handler(platform: Platform, request: Request) -> Response:
        if request.method == "GET":
            names = ("id", "name", "name__iexact", "slug", "platform_key")
            rows = [row for row in platform.store.rows(kind).values() if _matches(row, request.query_params, *names)]
            return _page(request, [_term(kind, row) for row in rows])
        body = _checked(await body_of(request))
        _require(body, "name")
        tenant = body.get("platform_key", TENANT)
        key, row = _term_to_change(platform, kind, body, tenant)
        created = row is None
        slug = body.get("slug") or "-".join(body["name"].lower().split())
        row = {**(row or {"slug": slug, "data": None}), "name": body["name"], "platform_key": tenant}
        row |= {name: body[name] for name in ("slug", "data") if body.get(name) is not None}
        row["id"] = platform.store.save_row(kind, key, row)
        return JSONResponse(_term(kind, row), _status(created))

    return handler


def _term_to_change(
    platform: Platform, kind: str, body: Mapping[str, Any], tenant: str | None
) -> tuple[str, dict[str, Any] | None]:
    if body.get("id") is not None:
        found = platform.store.numbered_row(kind, body["id"])
        if found is None:
            raise Refusal(400, {"id": [f'Invalid pk "{body["id"]}" - object does not exist.']})
        return found
    if platform.profile.terms_matched_by_name:
        for key, row in platform.store.rows(kind).items():
            if row["name"] == body["name"] and row["platform_key"] == tenant:
                return key, row
    return str(platform.store.next_version()), None


def _term(kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: row[name] for name in ("id", "name", "slug", "platform_key", "data")}
    return {**shown, "skills": []} if kind == "role" else shown


def claims(kind: str, claim: str) -> Handler:
    """`GET`, `POST roles/desired/` and its likes."""
    plural, table = f"{kind}s", f"{claim}-{kind}s"

    async def handler(platform: Platform, request: Request) -> Response:
        body = dict(request.query_params) if request.method == "GET" else _checked(await body_of(request))
        user = _user_key(body)
        held = platform.store.row(table, user)
        if request.method == "GET":
            if held is None and kind == "skill" and claim == "reported":
                return JSONResponse({"user_id": None, "username": None, plural: [], "data": None})
            if held is None:
                return Response(status_code=400)
            return JSONResponse(_claimed(platform, kind, held))
        _require(body, plural)
        if not isinstance(body[plural], list):
            raise Refusal(400, {plural: ["Expected a list of items."]})
        ids = [_term_id(platform, kind, item) for item in body[plural]]
        if held is not None and platform.profile.claims_append:
            ids = [*held["terms"], *(id for id in ids if id not in held["terms"])]
        row = {
            "user_id": body.get("user_id"),
            "username": body.get("username"),
            "terms": ids,
            "data": body.get("data", held["data"] if held else None),
        }
        platform.store.save_row(table, user, row)
        return JSONResponse(_claimed(platform, kind, row), _status(held is None))

    return handler


def _user_key(body: Mapping[str, Any]) -> str:
    """A person's key in the store. A number alone is another key than a name: the sandbox's data manager has no list of users."""
    if body.get("username"):
        return f"name:{body['username']}".lower()
    if body.get("user_id") not in (None, ""):
        return f"id:{body['user_id']}"
    raise Refusal(400, {"non_field_errors": ["One of user_id and username is required."]})


def _term_id(platform: Platform, kind: str, item: Any) -> int:
    number = item.get("id") if isinstance(item, dict) else item
    if isinstance(number, int) and not isinstance(number, bool) and platform.store.numbered_row(kind, number):
        return number
    name = item.get("name") if isinstance(item, dict) else item
    for row in platform.store.rows(kind).values():
        if isinstance(name, str) and row["name"] == name:
            return int(row["id"])
    raise Refusal(400, {f"{kind}s": [f"{item!r} does not exist."]})


def _claimed(platform: Platform, kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    held = {term["id"]: term for term in platform.store.rows(kind).values()}
    rows = [_term(kind, held[id]) for id in row["terms"] if id in held]
    return {"user_id": row["user_id"], "username": row["username"], f"{kind}s": rows, "data": row["data"]}


# -- programs and pathways ----------------------------------------------------------------------------------------------


async def programs(platform: Platform, request: Request) -> Response:
    """`GET`, `POST`, `DELETE programs/`."""
    query = request.query_params
    if request.method == "GET":
        names = ("program_id", "org", "name", "slug")
        rows = [row for row in platform.store.rows(PROGRAM).values() if _matches(row, query, *names)]
        course = query.get("course_id")
        found = [row for row in rows if not course or course in [item["course_id"] for item in row["course_list"]]]
        return JSONResponse([_without_id(row) for row in found])
    if request.method == "DELETE":
        _require(query, "program_id", "org")
        return _drop(platform, PROGRAM, f"{query['program_id']},{query['org']}", "catalog.Program")
    body = _checked(await body_of(request))
    _require(body, "program_id", "name")
    if not isinstance(body.get("course_list"), list):
        raise Refusal(400, {"course_list": ["This field is required."]})
    courses = [{"course_id": item} if isinstance(item, str) else item for item in body["course_list"]]
    if not all(isinstance(item, dict) and isinstance(item.get("course_id"), str) for item in courses):
        raise Refusal(400, {"course_list": ["Each item needs a course_id."]})
    if body.get("program_type") is not None and body["program_type"] not in PROGRAM_TYPES:
        raise Refusal(400, {"program_type": ["Not a valid choice."]})
    org = body.get("org") or body.get("platform_key")
    if body.get("program_key"):
        _, _, named = str(body["program_key"]).partition(":")
        org = named.partition("+")[0] or org
    if not org:
        raise Refusal(400, {"non_field_errors": ["org, platform_key or program_key is required."]})
    key = f"{body['program_id']},{org}"
    held = platform.store.row(PROGRAM, key)
    row = held or {"slug": body["program_id"].lower(), "enabled": True, "program_type": "standard", "data": None}
    row |= {name: body[name] for name in ("slug", "enabled", "program_type", "data") if body.get(name) is not None}
    row |= {"program_id": body["program_id"], "org": org, "name": body["name"], "course_list": courses}
    row |= {"platform_key": body.get("platform_key", TENANT), "program_key": f"program-v1:{org}+{body['program_id']}"}
    platform.store.save_row(PROGRAM, key, row)
    return JSONResponse(_without_id(row), _status(held is None))


def _without_id(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id"}


async def pathways(platform: Platform, request: Request) -> Response:
    """`GET`, `POST pathways/`. A resource of the path without an `id` is made anew, each time."""
    if request.method == "GET":
        names = ("pathway_id", "pathway_uuid", "user_id", "username", "platform_key", "name", "slug")
        rows = platform.store.rows(PATHWAY).values()
        return JSONResponse([row for row in rows if _matches(row, request.query_params, *names)])
    body = _checked(await body_of(request))
    _require(body, "name", *(("user_id",) if platform.profile.pathways_need_user_id else ()))
    if not isinstance(body.get("path"), list):
        raise Refusal(400, {"path": ["This field is required."]})
    owner = _user_key({"username": body.get("username"), "user_id": body.get("user_id")})
    held: dict[str, Any] | None
    if body.get("pathway_uuid"):
        found = [
            (key, row)
            for key, row in platform.store.rows(PATHWAY).items()
            if row["pathway_uuid"] == body["pathway_uuid"]
        ]
        if not found:
            raise Refusal(400, {"pathway_uuid": ["There is no such pathway."]})
        key, held = found[0]
    else:
        key = f"{owner},{body.get('pathway_id') or uuid.uuid4()}"
        held = platform.store.row(PATHWAY, key)
    row = held or {"pathway_uuid": str(uuid.uuid4()), "slug": body["name"].lower(), "visible": True, "data": None}
    row |= {name: body[name] for name in ("slug", "visible", "data") if body.get(name) is not None}
    row |= {"name": body["name"], "path": [_item(platform, item) for item in body["path"]]}
    row |= {name: body.get(name, row.get(name)) for name in ("pathway_id", "user_id", "username")}
    row["platform_key"] = body.get("platform_key", TENANT)
    row["id"] = platform.store.save_row(PATHWAY, key, row)
    return JSONResponse(row, _status(held is None))


def _item(platform: Platform, item: Any) -> dict[str, Any]:
    if isinstance(item, dict) and "item_id" in item and "item_type" not in item:
        return item
    name = ITEMS.get(str(item.get("item_type"))) if isinstance(item, dict) else None
    if name is None or (not item.get(name) and not (name == "name" and item.get("id"))):
        raise Refusal(400, {"path": ["An item needs its item_type and what names it."]})
    if item["item_type"] != "resource":
        return dict(item)
    if item.get("id") is None:
        number = _save_resource(platform, str(platform.store.next_version()), {**item, "platform_key": TENANT})
        return {**item, "id": number}
    if platform.store.numbered_row(RESOURCE, item["id"]) is None:
        raise Refusal(400, {"path": [f"There is no resource {item['id']}."]})
    return dict(item)


# -- resources ----------------------------------------------------------------------------------------------------------


async def resources(platform: Platform, request: Request) -> Response:
    """`GET`, `POST`, `DELETE resources/`. Without an `id` each post makes another row."""
    query = request.query_params
    if request.method == "GET":
        names = ("id", "user_id", "username", "platform_key", "resource_type", "name", "item_id")
        rows = [row for row in platform.store.rows(RESOURCE).values() if _matches(row, query, *names)]
        return JSONResponse([_resource(row) for row in rows])
    if request.method == "DELETE":
        _require(query, "id")
        if not (query.get("user_id") or query.get("platform_key")):
            raise Refusal(400, {"non_field_errors": ["user_id or platform_key is required."]})
        found = platform.store.numbered_row(RESOURCE, int(query["id"]))
        if found and not _matches(found[1], query, "user_id", "platform_key"):
            found = None
        return _drop(platform, RESOURCE, found[0] if found else "", "catalog.Resource")
    body, image = await _resource_body(request)
    body = _checked(body)
    _require(body, "resource_type", "url", "name")
    key, row = str(platform.store.next_version()), None
    if body.get("id") is not None:
        found = platform.store.numbered_row(RESOURCE, body["id"])
        if found is None:
            raise Refusal(400, {"id": [f'Invalid pk "{body["id"]}" - object does not exist.']})
        key, row = found
    created = row is None
    owned = any(body.get(name) for name in ("user_id", "username", "platform_key"))
    row = {**(row or ({} if owned else {"platform_key": TENANT})), **{k: v for k, v in body.items() if k != "id"}}
    if image is not None:
        row["image"] = f"/media/resources/{image}"
    _save_resource(platform, key, row)
    held = platform.store.row(RESOURCE, key)
    assert held is not None
    return JSONResponse(_resource(held), _status(created))


async def _resource_body(request: Request) -> tuple[dict[str, Any], str | None]:
    if is_json(request):
        return await body_of(request), None
    form = await request.form()
    body: dict[str, Any] = {name: value for name, value in form.items() if isinstance(value, str)}
    for name in ("id", "user_id"):
        if str(body.get(name, "")).isdigit():
            body[name] = int(body[name])
    if "data" in body:
        body["data"] = json.loads(body["data"])
    image = form.get("image")
    return body, image.filename if isinstance(image, UploadFile) else None


def _save_resource(platform: Platform, key: str, row: dict[str, Any]) -> int:
    row.setdefault("item_id", str(uuid.uuid4()))
    return platform.store.save_row(RESOURCE, key, {name: value for name, value in row.items() if name != "id"})


def _resource(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("item_id", "id", "name", "url", "resource_type", "data", "image", "description")
    return {name: row.get(name) for name in names}


# -- courses ------------------------------------------------------------------------------------------------------------


async def courses(platform: Platform, request: Request) -> Response:
    """`GET`, `POST`, `DELETE courses/`. `slug` and `data` are passed over, and so is another org unless it is asked for."""
    query = request.query_params
    if request.method == "GET":
        rows = platform.store.rows(COURSE).values()
        return JSONResponse([_without_id(row) for row in rows if _matches(row, query, "course_id", "slug", "org")])
    if request.method == "DELETE":
        _require(query, "course_id")
        return _drop(platform, COURSE, query["course_id"], "catalog.Course")
    body = _checked(await body_of(request))
    _require(body, "course_id", "org")
    held = platform.store.row(COURSE, body["course_id"])
    row = held or {"course_id": body["course_id"], "org": body["org"], "name": "", "slug": None}
    if body.get("overwrite_existing_org"):
        row["org"] = body["org"]
    if body.get("name") is not None:
        row["name"] = body["name"]
    platform.store.save_row(COURSE, body["course_id"], row)
    return JSONResponse(_without_id(row), _status(held is None))


async def metadata(platform: Platform, request: Request) -> Response:
    """`GET`, `POST metadata/course/`: merged, unless `update` is false."""
    body: dict[str, Any] = dict(request.query_params) if request.method == "GET" else _checked(await body_of(request))
    _require(body, "course_id")
    held = platform.store.row(METADATA, body["course_id"])
    if request.method == "GET":
        if held is None:
            raise Refusal(404, {"detail": "Not found."})
        return JSONResponse(held["metadata"])
    if not isinstance(body.get("metadata"), dict):
        raise Refusal(400, {"metadata": ["This field is required."]})
    row: dict[str, Any] = {"metadata": dict(body["metadata"])}
    if held is not None and body.get("update", True) is not False:
        row["metadata"] = {**held["metadata"], **row["metadata"]}
    platform.store.save_row(METADATA, body["course_id"], row)
    return JSONResponse(row["metadata"], _status(held is None))


def _drop(platform: Platform, kind: str, key: str, name: str) -> Response:
    there = platform.store.row(kind, key) is not None
    platform.store.drop_row(kind, key)
    return JSONResponse({"count": int(there), "type": name})

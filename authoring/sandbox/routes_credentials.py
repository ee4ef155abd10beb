"""The data manager's credentials: issuers, credentials, assertions; and the launch of a tenant.

Source: the platform's documentation. What no source tells is a switch of the profile or listed in docs/sandbox.md.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from authoring.sandbox.platform import Platform, body_of
from authoring.sandbox.refusals import Refusal
from authoring.sandbox.routes_mentors import TENANT
from authoring.sandbox.routes_people import USER

CREDENTIAL, ASSERTION, TENANTS = "credential", "assertion", "tenant"
ISSUER: Mapping[str, Any] = {
    "name": "Sandbox",
    "org": TENANT,
    "entityId": "00000000-0000-4000-8000-000000000001",
    "signatories": [],
    "url": "https://sandbox.example.com/",
    "iconImage": None,
    "allowed_template_tags": [],
}
"""The one issuer that there is."""
ITEMS = ("course", "program", "program_id", "pathway", "pathway_id", "catalog_item")
TAKEN = [
    "name",
    "description",
    "iconImage",
    "thumbnailImage",
    "backgroundImage",
    "credentialType",
    "tags",
    "criteriaNarrative",
    "criteriaUrl",
    "public",
    "metadata",
    "expires",
    "courses",
    "programs",
    "pathways",
    "html_template",
    "css_template",
    "signal",
]
CHANGED = frozenset(TAKEN) - {"tags", "public", "expires", "courses", "programs", "pathways"}


def _told(result: Any, status: int = 200, description: str = "OK") -> Response:
    return JSONResponse({"status": {"success": True, "description": description}, "result": result}, status)


def _refuse(status: int, description: str) -> Refusal:
    return Refusal(status, {"status": {"success": False, "description": description}})


def _need_tenant(request: Request) -> None:
    if request.path_params["org"] != TENANT:
        raise _refuse(403, "You do not have permission to perform this action.")


def _page(request: Request, rows: list[dict[str, Any]], name: str) -> Response:
    """`{count, next, previous, results | data}` in the envelope; pages of 10, of 100 at most."""
    try:
        number = int(request.query_params.get("page", "1"))
        size = min(int(request.query_params.get("page_size", "10")), 100)
    except ValueError as error:
        raise _refuse(404, "Invalid page.") from error
    start = (number - 1) * size
    if number < 1 or size < 1 or (start >= len(rows) and number > 1):
        raise _refuse(404, "Invalid page.")
    more = start + size < len(rows)
    return _told(
        {
            "count": len(rows),
            "next": f"{request.url.path}?page={number + 1}" if more else None,
            "previous": f"{request.url.path}?page={number - 1}" if number > 1 else None,
            name: rows[start : start + size],
        }
    )


# -- issuers ------------------------------------------------------------------------------------------------------------


async def issuers(platform: Platform, request: Request) -> Response:
    """`GET issuers/`."""
    _need_tenant(request)
    return _page(request, [dict(ISSUER)], "results")


async def issuer(platform: Platform, request: Request) -> Response:
    """`GET issuers/{id}`: by entity id or org, without a slash at its end."""
    _need_tenant(request)
    if request.path_params["id"] not in (ISSUER["entityId"], ISSUER["org"]):
        raise _refuse(404, "Issuer not found.")
    return _told(dict(ISSUER), platform.profile.issuer_status)


# -- credentials --------------------------------------------------------------------------------------------------------


async def credentials(platform: Platform, request: Request) -> Response:
    """`GET` (public ones alone, newest first), `POST` of the collection. Each post makes another credential."""
    _need_tenant(request)
    if request.method == "GET":
        query = request.query_params
        search, course = query.get("search", "").casefold(), query.get("course")
        rows = [
            _credential(row)
            for row in reversed(platform.store.rows(CREDENTIAL).values())
            if row.get("public")
            and search in f"{row['name']} {row.get('description') or ''}".casefold()
            and (course is None or course in (row.get("courses") or ()))
        ]
        return _page(request, rows, "data")
    body = await body_of(request)
    for name in ("name", "issuer"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise _refuse(400, f"{name}: This field is required.")
    if body["issuer"] != ISSUER["entityId"]:
        raise _refuse(404, "Issuer not found.")
    for name in ("courses", "programs", "pathways", "tags"):
        if body.get(name) is not None and not isinstance(body[name], list):
            raise _refuse(400, f"{name}: Expected a list of items.")
    expires = body.get("expires")
    if expires is not None and not (isinstance(expires, dict) and isinstance(expires.get("amount"), int)):
        raise _refuse(400, "expires: amount and duration are required.")
    row: dict[str, Any] = {"public": platform.profile.credentials_public, "signal": "COURSE_PASSED", "metadata": {}}
    row |= {name: body[name] for name in TAKEN if body.get(name) is not None}
    row |= {"entityId": str(uuid.uuid4()), "createdAt": _now()}
    platform.store.save_row(CREDENTIAL, row["entityId"], row)
    return _told(_credential(row), 201, "Created")


async def credential(platform: Platform, request: Request) -> Response:
    """`GET`, `PUT` (in part; metadata is merged), `DELETE {id}`, by entity id alone."""
    _need_tenant(request)
    row = _need_credential(platform, request.path_params["id"])
    if request.method == "DELETE":
        if any(
            held["credential"] == row["entityId"] and not held["revoked"]
            for held in platform.store.rows(ASSERTION).values()
        ):
            raise _refuse(409, "The credential has active assertions.")
        platform.store.drop_row(CREDENTIAL, row["entityId"])
        return _told(None, description="Deleted")
    if request.method == "PUT":
        body = await body_of(request)
        merged = {**(row.get("metadata") or {}), **(body.get("metadata") or {})}
        row |= {name: body[name] for name in CHANGED if name in body}
        row["metadata"] = merged
        platform.store.save_row(CREDENTIAL, row["entityId"], row)
    return _told(_credential(row))


def _need_credential(platform: Platform, entity_id: str) -> dict[str, Any]:
    row = platform.store.row(CREDENTIAL, entity_id)
    if row is None:
        raise _refuse(404, "Credential not found.")
    return row


def _credential(row: Mapping[str, Any]) -> dict[str, Any]:
    hidden = ("id", "public", "courses")
    courses = [{"course_id": course, "name": course} for course in row.get("courses") or ()]
    shown = {name: value for name, value in row.items() if name not in hidden}
    return {**shown, "name_override": None, "issuerDetails": dict(ISSUER), "courses": courses, "signatories": []}


async def export_course(platform: Platform, request: Request) -> Response:
    """`GET /api/credentials/exim/credentials/course/{course}/export/`: hidden ones too."""
    if platform.profile.exports_closed:
        raise _refuse(403, "You do not have permission to perform this action.")
    course = request.path_params["course"]
    rows = [row for row in platform.store.rows(CREDENTIAL).values() if course in (row.get("courses") or ())]
    return _told({"course_id": course, "credentials": [_credential(row) for row in rows]})


# -- assertions ---------------------------------------------------------------------------------------------------------


async def issue(platform: Platform, request: Request) -> Response:
    """`POST {id}/assertions/`. Whether a second one for the same person and item is made is a switch."""
    _need_tenant(request)
    row = _need_credential(platform, request.path_params["id"])
    body = await body_of(request)
    recipient = body.get("recipient")
    if not isinstance(recipient, dict) or not isinstance(recipient.get("identity"), str):
        raise _refuse(400, "recipient: This field is required.")
    if platform.store.row(USER, recipient["identity"].lower()) is None and recipient["identity"] != TENANT:
        raise _refuse(400, "recipient: there is no such user.")
    items = {name: body[name] for name in ITEMS if body.get(name)}
    if len(items) != 1:
        raise _refuse(400, "One of course, catalog_item, program and pathway is required.")
    if "course" in items and items["course"] not in (row.get("courses") or ()):
        raise _refuse(400, "course: the credential is not attached to it.")
    if not platform.profile.duplicate_assertions:
        for held in platform.store.rows(ASSERTION).values():
            same = held["credential"] == row["entityId"] and held["items"] == items and not held["revoked"]
            if same and held["recipient"]["identity"] == recipient["identity"]:
                return _told(_assertion(platform, held))
    made = {
        "entityId": str(uuid.uuid4()),
        "issuedOn": _now(),
        "credential": row["entityId"],
        "recipient": recipient,
        "items": items,
        "metadata": body.get("metadata") or {},
        "revoked": False,
        "revocationReason": None,
    }
    platform.store.save_row(ASSERTION, made["entityId"], made)
    return _told(_assertion(platform, made), 201, "Created")


async def assertions(platform: Platform, request: Request) -> Response:
    """`GET assertions/`: what the person of the path was given, newest first."""
    _need_tenant(request)
    query, person = request.query_params, request.path_params["user"].lower()
    rows = [
        _assertion(platform, row)
        for row in reversed(platform.store.rows(ASSERTION).values())
        if row["recipient"]["identity"].lower() == person
        and (not row["revoked"] or query.get("include_revoked") == "true")
        and query.get("course") in (None, row["items"].get("course"))
    ]
    return _page(request, rows, "data")


async def assertion(platform: Platform, request: Request) -> Response:
    """`GET`, `PUT assertions/{id}` `{revoked, revocationReason}`."""
    _need_tenant(request)
    row = _need_assertion(platform, request.path_params["id"])
    if request.method == "PUT":
        body = await body_of(request)
        if not isinstance(body.get("revoked"), bool):
            raise _refuse(400, "revoked: This field is required.")
        row |= {"revoked": body["revoked"], "revocationReason": body.get("revocationReason")}
        platform.store.save_row(ASSERTION, row["entityId"], row)
    return _told(_assertion(platform, row))


async def public_assertion(platform: Platform, request: Request) -> Response:
    """`GET /api/credentials/public/assertions/{id}/`, without a login; a revoked one is a 404 with its reason."""
    row = _need_assertion(platform, request.path_params["id"])
    if row["revoked"]:
        raise _refuse(404, f"Revoked: {row['revocationReason']}")
    return _told(_assertion(platform, row))


def _need_assertion(platform: Platform, entity_id: str) -> dict[str, Any]:
    row = platform.store.row(ASSERTION, entity_id)
    if row is None:
        raise _refuse(404, "Assertion not found.")
    return row


def _assertion(platform: Platform, row: Mapping[str, Any]) -> dict[str, Any]:
    held = platform.store.row(CREDENTIAL, row["credential"])
    items = row["items"]
    return {
        **{
            name: row[name] for name in ("entityId", "issuedOn", "recipient", "metadata", "revoked", "revocationReason")
        },
        "credentialDetails": _credential(held) if held else None,
        "course": items.get("course"),
        "program": items.get("program") or items.get("program_id"),
        "pathway": items.get("pathway") or items.get("pathway_id"),
        "narrative": None,
        "acceptance": "Unaccepted",
        "expires": None,
    }


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


# -- tenants ------------------------------------------------------------------------------------------------------------


async def launch(platform: Platform, request: Request) -> Response:
    """`POST /api/service/launch/tenant/`: a tenant and its administrator. A key or a user that is taken is a 417, and the half that
    was made by then stays."""
    body = await body_of(request)
    wrong = {
        name: ["This field is required."]
        for name in ("username", "email", "key", "name")
        if not isinstance(body.get(name), str) or not body[name]
    }
    if wrong:
        raise Refusal(400, wrong)
    key, username = body["key"].lower(), body["username"]
    answer = {
        "success": True,
        "message": "The tenant is launched.",
        "data": {name: body[name] for name in ("username", "email", "key", "name")},
        "id": str(uuid.uuid4()),
        "timestamp": _now(),
    }
    if platform.store.row(TENANTS, key) is not None:
        raise Refusal(417, {**answer, "success": False, "message": f"There is a tenant {key}.", **_places(key)})
    exists = platform.store.row(USER, username.lower()) is not None
    partly = platform.profile.launches_partly or (exists and not body.get("ignore_user_exists"))
    platform.store.save_row(TENANTS, key, {"name": body["name"], "administrator": None if partly else username})
    if partly:
        why = {"error": "The administrator could not be made."}
        raise Refusal(417, {**answer, "success": False, "message": why, **_places(key)}, keeps=True)
    if not exists:
        user = {"username": username, "email": body["email"], "name": "", "is_active": True, "is_staff": False}
        platform.store.save_row(USER, username.lower(), {**user, "links": [], "times": 1})
        platform.store.save_row("email", body["email"].lower(), {"username": username.lower()})
    return JSONResponse({**answer, **_places(key), "edx_role": "org-instructor"}, 201)


def _places(key: str) -> dict[str, str]:
    named = (("lms_url", "learn"), ("cms_url", "studio"), ("portal_url", "app"))
    return {"org": key, **{name: f"https://{host}.{key}.example.com" for name, host in named}}

"""The LMS's routes for users and enrolments.

Sources: the platform's documentation; Open edX: openedx/core/djangoapps/user_api/accounts/views.py, enrollments/views.py,
third_party_auth/api/views.py. What no source tells is a switch of the profile or listed in docs/sandbox.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from authoring.sandbox.platform import Platform, body_of
from authoring.sandbox.refusals import Refusal

USER, EMAIL, ENROLMENT = "user", "email", "enrolment"
PROVIDERS = ("sandbox", "saml-sandbox")
"""The identity provider that the sandbox has, with and without its kind; linking to another fails without a word."""
MODES = ("honor", "audit", "verified", "professional", "no-id-professional", "credit")


async def manage_user(platform: Platform, request: Request) -> Response:
    """`POST /api/ibl/users/manage/`: options of a wrong type are passed over, and so is a social login that fails."""
    body = await body_of(request)
    update = body.get("update", False)
    if not isinstance(update, bool):
        raise Refusal(400, {"update": ["Must be a valid boolean."]})
    wrong = {
        name: ["This field is required."]
        for name in ("username", "email", *(() if update else ("password",)))
        if not isinstance(body.get(name), str) or not body[name]
    }
    if wrong:
        raise Refusal(400, wrong)
    username, email = body["username"], body["email"]
    key = username.lower()
    user = platform.store.row(USER, key)
    holder = platform.store.row(EMAIL, email.lower())
    if holder is not None and holder["username"] != key:
        raise Refusal(platform.profile.existing_user_status, {"email": ["This email is taken."]})
    if user is not None and not update:
        raise Refusal(platform.profile.existing_user_status, {"username": ["This username is taken."]})
    created = user is None
    row = user or {"username": username, "name": "", "is_active": True, "is_staff": False, "links": [], "times": 0}
    if not created:
        platform.store.drop_row(EMAIL, row["email"].lower())
    row |= {"email": email, "times": row["times"] + 1}
    row |= {name: body[name] for name in ("is_staff", "is_active") if isinstance(body.get(name), bool)}
    if body.get("provider") in PROVIDERS:
        uid = body.get("tpa_uid") if isinstance(body.get("tpa_uid"), str) else username
        link = {"provider_id": PROVIDERS[1], "remote_id": uid, "name": "Sandbox"}
        row["links"] = [link]
    number = platform.store.save_row(USER, key, row)
    platform.store.save_row(EMAIL, email.lower(), {"username": key})
    return JSONResponse({"user_id": number, "username": username, "email": email}, 201 if created else 200)


async def account(platform: Platform, request: Request) -> Response:
    """`GET /api/user/v1/accounts/{username}`."""
    return JSONResponse(_shown(_user(platform, {"username": request.path_params["username"]})))


async def accounts(platform: Platform, request: Request) -> Response:
    """`GET /api/user/v1/accounts?email=` or `?username=`: a list."""
    found = _user(platform, dict(request.query_params))
    return JSONResponse([_shown(found)])


def _shown(user: Mapping[str, Any]) -> dict[str, Any]:
    return {name: user[name] for name in ("id", "username", "email", "name", "is_active")}


async def social_links(platform: Platform, request: Request) -> Response:
    """`GET /api/third_party_auth/v0/users/?username=`."""
    user = _user(platform, dict(request.query_params))
    return JSONResponse({"active": user["links"]})


def _user(platform: Platform, named: Mapping[str, Any]) -> dict[str, Any]:
    """The user that a body or a query names. Raises Refusal."""
    found: dict[str, Any] | None = None
    username, email, number = (named.get(name) for name in ("username", "email", "user_id"))
    if isinstance(username, str):
        found = platform.store.row(USER, username.lower())
    elif isinstance(email, str):
        held = platform.store.row(EMAIL, email.lower())
        found = platform.store.row(USER, held["username"]) if held else None
    elif isinstance(number, int) and not isinstance(number, bool):
        numbered = platform.store.numbered_row(USER, number)
        found = numbered[1] if numbered else None
    else:
        raise Refusal(400, {"error": "One of email, username and user_id is required."})
    if found is None:
        raise Refusal(platform.profile.unknown_user_status, {"error": "User does not exist."})
    return found


# -- enrolments -------------------------------------------------------------------------------------------------------


def _enrol(platform: Platform, user: Mapping[str, Any], course: Any, body: Mapping[str, Any]) -> dict[str, Any]:
    """Enrol one user in one course; `times` counts how often. Raises Refusal."""
    mode = body.get("mode") or "honor"
    if mode not in MODES:
        raise Refusal(400, {"error": f"There is no mode {mode!r}."})
    if not isinstance(course, str) or platform.store.course(course) is None:
        raise Refusal(platform.profile.unknown_user_status, {"error": f"Course {course} does not exist."})
    key = f"{user['username'].lower()},{course}"
    held = platform.store.row(ENROLMENT, key) or {"times": 0}
    row = {"user": user["username"], "course": course, "mode": mode, "is_active": True, "times": held["times"] + 1}
    platform.store.save_row(ENROLMENT, key, row)
    return _enrolment(row)


def _enrolment(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: row[name] for name in ("user", "mode", "is_active")}
    return {**shown, "course_details": {"course_id": row["course"]}}


async def enrol(platform: Platform, request: Request) -> Response:
    """`POST …/enroll/`: one user, one course. An item of the catalogue is taken for what it is called."""
    body = await body_of(request)
    user = _user(platform, _present(body))
    item = body.get("item_id")
    if body.get("course_id") is None and item is not None:
        platform.store.save_row("item", f"{user['username'].lower()},{item}", {"user": user["username"], "item": item})
        return JSONResponse({"user": user["username"], "item_id": item, "is_active": True})
    return JSONResponse(_enrol(platform, user, body.get("course_id"), body))


async def enrol_in_courses(platform: Platform, request: Request) -> Response:
    """`POST …/enroll/bulk/`: one user, many courses; what cannot be done is a row's error in a 200."""
    body = await body_of(request)
    user = _user(platform, _present(body))
    courses = body.get("courses")
    if not isinstance(courses, list) or not courses:
        raise Refusal(400, {"courses": ["This field is required."]})
    rows = []
    for course in courses:
        try:
            _enrol(platform, user, course, body)
            rows.append({"course_id": course, "success": True})
        except Refusal as refusal:
            rows.append({"course_id": course, "success": False, **_error(refusal)})
    return _bulk_answer(platform, rows)


async def enrol_students(platform: Platform, request: Request) -> Response:
    """`POST …/enroll/student/bulk/`: many users, one course; what cannot be done is a row's error in a 200."""
    body = await body_of(request)
    lists = [(name, body[f"{name}s"]) for name in ("email", "username", "user_id") if body.get(f"{name}s")]
    if not lists or not all(isinstance(values, list) for _, values in lists):
        raise Refusal(400, {"error": "One of emails, usernames and user_ids is required."})
    course = body.get("course_id")
    if not isinstance(course, str) or platform.store.course(course) is None:
        raise Refusal(platform.profile.unknown_user_status, {"error": f"Course {course} does not exist."})
    rows = []
    for name, values in lists:
        for value in values:
            try:
                _enrol(platform, _user(platform, {name: value}), course, body)
                rows.append({name: value, "success": True})
            except Refusal as refusal:
                rows.append({name: value, "success": False, **_error(refusal)})
    return _bulk_answer(platform, rows)


def _present(body: Mapping[str, Any]) -> dict[str, Any]:
    """Without the keys that are null: clients send those that they do not use."""
    return {name: value for name, value in body.items() if value is not None}


def _error(refusal: Refusal) -> dict[str, str]:
    said = refusal.body.get("error") if isinstance(refusal.body, dict) else None
    return {"error": str(said or "refused")}


def _bulk_answer(platform: Platform, rows: list[dict[str, Any]]) -> Response:
    if platform.profile.bulk_rows_told:
        return JSONResponse({"results": rows})
    return JSONResponse({"message": "The enrollments were processed."})


async def enrolment(platform: Platform, request: Request) -> Response:
    """`GET /api/enrollment/v1/enrollment/{username},{course}`."""
    username, _, course = request.path_params["pair"].partition(",")
    found = platform.store.row(ENROLMENT, f"{username.lower()},{course}")
    if found is None:
        raise Refusal(404, {"message": "No enrollment was found."})
    return JSONResponse(_enrolment(found))

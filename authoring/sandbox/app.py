"""The sandbox as one ASGI app: the platform's routes over `rules`, with its logins, its oddities and, on demand, faults.

Comes in: requests. Goes out: answers; each request's change and its line of the log are one transaction. `create_app`
makes the app, :mod:`authoring.sandbox.server` serves it.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from authoring.sandbox import chat, control, handlers, pages
from authoring.sandbox import routes_bots as bots
from authoring.sandbox import routes_catalog as catalog
from authoring.sandbox import routes_course as course
from authoring.sandbox import routes_credentials as credentials
from authoring.sandbox import routes_import as olx
from authoring.sandbox import routes_mentors as mentors
from authoring.sandbox import routes_people as people
from authoring.sandbox import routes_settings as settings
from authoring.sandbox import routes_stock as stock
from authoring.sandbox import routes_v1 as v1
from authoring.sandbox.auth import Login, access_token, check_login
from authoring.sandbox.faults import Fault, FaultKind, Faults
from authoring.sandbox.platform import Handler, Platform, body_of, is_json
from authoring.sandbox.profile import DOCUMENTED, Profile
from authoring.sandbox.refusals import ERROR_PAGE, LOGIN_PAGE, Refusal, broken, refuse
from authoring.sandbox.store import Request as Logged
from authoring.sandbox.store import Store

READ, WRITE = ("GET",), ("POST",)
CREDENTIALS = "/api/credentials/orgs/{org}/users/{user}/"

ROUTES: tuple[tuple[str, tuple[str, ...], Handler, Login], ...] = (
    ("/oauth2/access_token/", WRITE, access_token, Login.OPEN),
    ("/api/ibl/manage/course/", ("GET", "POST"), v1.manage_course, Login.TOKEN),
    ("/api/ibl/manage/course/delete", WRITE, v1.delete_course, Login.TOKEN),
    ("/api/ibl/v1/course_settings", ("GET", "POST"), settings.course_settings, Login.TOKEN),
    ("/api/v1/ibl/xblock/create", WRITE, v1.create, Login.TOKEN),
    ("/api/v1/ibl/xblock/component/create", WRITE, v1.create_component, Login.TOKEN),
    ("/api/v1/ibl/xblock/update", WRITE, v1.update, Login.TOKEN),
    ("/api/v1/ibl/xblock/publish", WRITE, v1.publish, Login.TOKEN),
    ("/api/v1/ibl/xblock/get-details", READ, v1.details, Login.TOKEN),
    ("/api/v1/ibl/course/add_lti_passport", WRITE, v1.add_passport, Login.TOKEN),
    ("/api/v1/ibl/course/create_full_course", WRITE, v1.create_full_course, Login.TOKEN),
    ("/api/v1/ibl/course/{key}/units", READ, v1.units, Login.TOKEN),
    ("/api/v1/ibl/ibl_edx_scorm/update", WRITE, v1.scorm_update, Login.TOKEN),
    ("/api/contentstore/v2/home/courses", READ, v1.home_courses, Login.SESSION),
    ("/api/contentstore/v1/home/courses", READ, v1.home_courses_unpaged, Login.SESSION),
    ("/course_notifications/{key}/{number:int}", ("DELETE",), v1.dismiss, Login.SESSION),
    ("/api/contentstore/v1/course_team/{key}", READ, course.whole_team, Login.SESSION),
    ("/api/contentstore/v1/container/vertical/{usage}/children", READ, stock.container_children, Login.SESSION),
    ("/api/contentstore/v0/advanced_settings/{key}", ("GET", "PATCH"), settings.advanced, Login.SESSION),
    ("/course/", WRITE, stock.create_course, Login.SESSION),
    ("/course/{key}", READ, stock.course_outline, Login.SESSION),
    ("/xblock/outline/{usage}", READ, stock.outline, Login.SESSION),
    ("/xblock/container/{usage}", READ, stock.container, Login.SESSION),
    ("/xblock/{usage}/handler/{handler}", ("GET", "POST"), handlers.handle, Login.SESSION),
    ("/xblock/{usage}/handler/{handler}/{suffix:path}", ("GET", "POST"), handlers.handle, Login.SESSION),
    ("/xblock/", ("POST", "PUT", "PATCH"), stock.blocks, Login.SESSION),
    ("/xblock/{usage}", ("GET", "PUT", "POST", "PATCH", "DELETE"), stock.block, Login.SESSION),
    ("/xblock/{usage}/{view}", READ, stock.fragment, Login.SESSION),
    ("/orphan/{key}", READ, stock.orphans, Login.SESSION),
    ("/assets/{key}/", ("GET", "POST"), course.assets, Login.SESSION),
    ("/assets/{key}/{asset:path}", ("GET", "POST", "PUT", "DELETE"), course.asset, Login.SESSION),
    ("/import/{key}", WRITE, olx.import_archive, Login.SESSION),
    ("/import_status/{key}/{name}", READ, olx.import_status, Login.SESSION),
    ("/api/courses/v0/import/{key}/", ("GET", "POST"), olx.import_api, Login.SESSION),
    ("/export/{key}", ("GET", "POST"), olx.export, Login.SESSION),
    ("/export_status/{key}", READ, olx.export_status, Login.SESSION),
    ("/export_output/{key}", READ, olx.export_output, Login.SESSION),
    ("/settings/advanced/{key}", ("GET", "POST", "PUT"), settings.advanced, Login.SESSION),
    ("/settings/grading/{key}", ("GET", "POST", "PUT"), settings.grading, Login.SESSION),
    ("/settings/grading/{key}/{index:int}", ("GET", "POST", "PUT", "DELETE"), settings.grading, Login.SESSION),
    ("/settings/details/{key}", ("GET", "POST", "PUT"), settings.details, Login.SESSION),
    ("/course_info_update/{key}/", ("GET", "POST"), course.updates, Login.SESSION),
    ("/course_info_update/{key}/{number:int}", ("GET", "POST", "PUT", "DELETE"), course.updates, Login.SESSION),
    ("/textbooks/{key}", ("GET", "POST", "PUT"), course.textbooks, Login.SESSION),
    ("/textbooks/{key}/{which}", ("GET", "POST", "PUT", "DELETE"), course.textbooks, Login.SESSION),
    ("/tabs/{key}", ("GET", "POST"), course.tabs, Login.SESSION),
    ("/course_team/{key}/{email}", ("GET", "POST", "PUT", "DELETE"), course.team, Login.SESSION),
    ("/oauth/token/", WRITE, access_token, Login.OPEN),
    ("/api/ibl/users/manage/", WRITE, people.manage_user, Login.LMS),
    ("/api/ibl/enrollment/enroll/", WRITE, people.enrol, Login.LMS),
    ("/api/ibl/enrollment/enroll/bulk/", WRITE, people.enrol_in_courses, Login.LMS),
    ("/api/ibl/enrollment/enroll/student/bulk/", WRITE, people.enrol_students, Login.LMS),
    ("/api/enrollment/v1/enrollment/{pair}", READ, people.enrolment, Login.LMS),
    ("/api/user/v1/accounts", READ, people.accounts, Login.LMS),
    ("/api/user/v1/accounts/{username}", READ, people.account, Login.LMS),
    ("/api/third_party_auth/v0/users/", READ, people.social_links, Login.LMS),
    ("/api/ai-mentor/orgs/{org}/users/{user}/mentor-with-settings/", WRITE, mentors.create, Login.MANAGER),
    ("/api/ai-mentor/orgs/{org}/users/{user}/sessions/", WRITE, mentors.sessions, Login.MANAGER),
    ("/api/ai-mentor/orgs/{org}/users/{user}/mentors/{mentor}/settings/", READ, mentors.settings, Login.MANAGER),
    ("/api/ai-mentor/orgs/{org}/users/{user}/", READ, mentors.mentors, Login.MANAGER),
    ("/api/ai-bot/v1/bots/{org}/bot/", ("GET", "POST"), bots.bots, Login.MANAGER),
    ("/api/ai-bot/v1/bots/{org}/bot/{id:int}/", ("PATCH", "DELETE"), bots.bot, Login.MANAGER),
    ("/api/ai-bot/v1/bots/{org}/bot-commands/", ("GET", "POST"), bots.commands, Login.MANAGER),
    ("/api/ai-bot/v1/bots/{org}/bot-commands/{id:int}/", ("PATCH", "DELETE"), bots.command, Login.MANAGER),
    ("/api/catalog/roles/", ("GET", "POST"), catalog.terms("role"), Login.MANAGER),
    ("/api/catalog/roles/desired/", ("GET", "POST"), catalog.claims("role", "desired"), Login.MANAGER),
    ("/api/catalog/roles/reported/", ("GET", "POST"), catalog.claims("role", "reported"), Login.MANAGER),
    ("/api/catalog/skills/", ("GET", "POST"), catalog.terms("skill"), Login.MANAGER),
    ("/api/catalog/skills/desired/", ("GET", "POST"), catalog.claims("skill", "desired"), Login.MANAGER),
    ("/api/catalog/skills/reported/", ("GET", "POST"), catalog.claims("skill", "reported"), Login.MANAGER),
    ("/api/catalog/programs/", ("GET", "POST", "DELETE"), catalog.programs, Login.MANAGER),
    ("/api/catalog/pathways/", ("GET", "POST"), catalog.pathways, Login.MANAGER),
    ("/api/catalog/resources/", ("GET", "POST", "DELETE"), catalog.resources, Login.MANAGER),
    ("/api/catalog/courses/", ("GET", "POST", "DELETE"), catalog.courses, Login.MANAGER),
    ("/api/catalog/metadata/course/", ("GET", "POST"), catalog.metadata, Login.MANAGER),
    ("/api/service/launch/tenant/", WRITE, credentials.launch, Login.MANAGER),
    (f"{CREDENTIALS}issuers/", READ, credentials.issuers, Login.MANAGER),
    (f"{CREDENTIALS}issuers/{{id}}", READ, credentials.issuer, Login.MANAGER),
    (f"{CREDENTIALS}assertions/", READ, credentials.assertions, Login.MANAGER),
    (f"{CREDENTIALS}assertions/{{id}}", ("GET", "PUT"), credentials.assertion, Login.MANAGER),
    (f"{CREDENTIALS}{{id}}/assertions/", WRITE, credentials.issue, Login.MANAGER),
    (f"{CREDENTIALS}{{id}}", ("GET", "PUT", "DELETE"), credentials.credential, Login.MANAGER),
    (CREDENTIALS, ("GET", "POST"), credentials.credentials, Login.MANAGER),
    ("/api/credentials/public/assertions/{id}/", READ, credentials.public_assertion, Login.OPEN),
    ("/api/credentials/exim/credentials/course/{course}/export/", READ, credentials.export_course, Login.MANAGER),
)
"""Path, methods, handler, login. A path that ends with a slash is also answered without it: by the same handler, or as the
profile says by a redirect."""


def kind_of(method: str, path: str, body: Mapping[str, Any] | None = None) -> str:
    """What a request is for, as a run counts it: `create`, `update`, `publish`, `read`, `upload`, `delete`, `move`,
    `settings`, `import`, `export` or `login`."""
    path, body = path.rstrip("/"), body or {}
    if path.endswith(("access_token", "/oauth/token")):
        return "login"
    if method in ("GET", "HEAD", "OPTIONS"):
        return "read"
    if method == "DELETE" or path.endswith("manage/course/delete"):
        return "delete"
    if found := re.match(r"/(?:api/courses/v0/)?(import|export)/", path):
        return found[1]
    if path.endswith("/xblock/publish") or body.get("publish"):
        return "publish"
    if (method == "PATCH" and path == "/xblock") or body.get("children") is not None:
        return "move"
    if path.startswith("/assets/") or "/handler/" in path or path.endswith("ibl_edx_scorm/update"):
        return "upload"
    if path.endswith(_CREATES) and not body.get("update"):
        return "create"
    if method == "POST" and _ROWS.search(path) and body.get("id") is None:
        return "create"
    if path.endswith(("/create", "manage/course", "create_full_course")) or path in ("/xblock", "/course"):
        return "create"
    if re.match(r"/(settings|course_info_update|textbooks|tabs|course_team)/", path) or path.endswith(
        ("course_settings", "lti_passport")
    ):
        return "settings"
    return "settings" if "advanced_settings" in path else "update"


_ROWS = re.compile(
    r"^/api/catalog/(roles|skills|resources)$|/launch/tenant$|^/api/credentials/orgs/[^/]+/users/[^/]+(/[^/]+/assertions)?$"
)
_CREATES = ("/users/manage", "/mentor-with-settings", "/bot", "/bot-commands")


# -- one request --------------------------------------------------------------------------------------------------------


class _Lost(Exception):
    """A write that is answered and taken back."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class _Broken(Response):
    """No answer: the connection is cut."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["sandbox.abort"]()


def _endpoint(platform: Platform, handler: Handler, login: Login) -> Callable[[Request], Awaitable[Response]]:
    """A route of the platform: its faults, its login, its transaction, its line in the log."""

    async def endpoint(request: Request) -> Response:
        try:
            body, refusal = await _read(platform, request), None
        except Refusal as raised:
            body, refusal = None, raised
        kind = kind_of(request.method, request.url.path, body)
        index = _index_of(platform, request, kind, body)
        fault = platform.faults.strike(kind, request.url.path)
        if platform.faults.latency:
            await asyncio.sleep(platform.faults.latency)
        if fault is not None and fault.kind is FaultKind.TOKENS_EXPIRED:
            platform.tokens.clear()
        logged = Logged(request.method, request.url.path, kind, 0, str(fault.kind) if fault else None)
        try:
            early = _before(fault)
            if early is not None or refusal is not None:
                answer = early or refused(refusal or refuse(400, ""))
                status = 0 if isinstance(answer, _Broken) else answer.status_code
                async with platform.lock:
                    platform.store.log(logged._replace(status=status))
                return answer
            response = await _handled(platform, handler, login, request, logged, fault, index)
        except sqlite3.Error as error:  # A full disk, most likely: the change was taken back.
            response = JSONResponse({"error": f"the sandbox's database cannot be written ({error})"}, 507)
        finally:
            await request.close()
        return await _after(fault, response)

    return endpoint


async def _read(platform: Platform, request: Request) -> dict[str, Any] | None:
    """The body, read whole before anything is locked: nobody else should wait for this one's network. Files go to disk.
    Raises Refusal."""
    if request.method in ("GET", "DELETE", "HEAD"):
        return None
    if is_json(request):
        if int(request.headers.get("content-length") or 0) > platform.profile.json_limit:
            raise Refusal(400, "<h1>Bad Request (400)</h1>")
        return await body_of(request)
    try:
        await request.form()
    except HTTPException as error:
        raise refuse(400, str(error.detail)) from error
    return None


class _Index(NamedTuple):
    """A course's index as a write saw it when it began. Two that overlap saw the same, and the later to end is lost."""

    course: str
    seen: int


def _index_of(platform: Platform, request: Request, kind: str, body: Mapping[str, Any] | None) -> _Index | None:
    """None for what does not write to the index: reads, and files, which are kept beside it."""
    if kind in ("read", "login", "export") or request.url.path.startswith(_BESIDE):
        return None
    for place in (*request.path_params.values(), *(body or {}).values()):
        found = _COURSE.search(place) if isinstance(place, str) else None
        if found:
            return _Index(found[1], platform.writes.get(found[1], 0))
    return None


_BESIDE = ("/assets/", "/api/ibl/enrollment/", "/api/catalog/", "/api/credentials/")
_COURSE = re.compile(r"(?:course|block)-v1:([^+@/]+\+[^+@/]+\+[^+@/?]+)")


MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What a body of the wrong shape raises, in Studio's views too, where nothing catches it: a 500."""


async def _handled(
    platform: Platform,
    handler: Handler,
    login: Login,
    request: Request,
    logged: Logged,
    fault: Fault | None,
    index: _Index | None,
) -> Response:
    """The answer. Its changes and its line of the log are one transaction; a refusal and a lost write leave the line."""
    store = platform.store
    async with platform.lock:
        collides = index is not None and platform.writes.get(index.course, 0) != index.seen
        lost = fault is not None and fault.kind is FaultKind.DISCARDED
        lost = lost or (collides and platform.profile.collisions_lose)
        with store.change():
            try:
                with store.savepoint():
                    v1.finish_reruns(platform)
                    olx.finish_transfers(platform)
                    check_login(platform, request, login)
                    response = await _with_partial(handler, platform, request)
                    if lost:
                        raise _Lost(response)
            except _Lost as taken_back:
                response = taken_back.response
            except Refusal as refusal:
                response = refused(refusal)
            except MALFORMED:
                response = refused(broken())
            if index is not None and response.status_code < 400 and not lost:
                platform.writes[index.course] = platform.writes.get(index.course, 0) + 1
            store.log(logged._replace(status=response.status_code))
    return response


async def _with_partial(handler: Handler, platform: Platform, request: Request) -> Response:
    """A refusal that keeps what was done before it is an answer like any other."""
    try:
        return await handler(platform, request)
    except Refusal as refusal:
        if refusal.keeps:
            return refused(refusal)
        raise


def refused(refusal: Refusal) -> Response:
    """A refusal as the platform shapes it."""
    if refusal.status == 302:
        return RedirectResponse(str(refusal.body), 302)
    if isinstance(refusal.body, str):
        if refusal.body.startswith("<"):
            return HTMLResponse(refusal.body, refusal.status)
        return Response(refusal.body, refusal.status, media_type="text/plain")
    return JSONResponse(refusal.body, refusal.status)


def _before(fault: Fault | None) -> Response | None:
    """The answer of a fault that lets nothing be done."""
    if fault is None:
        return None
    match fault.kind:
        case FaultKind.RESET_BEFORE:
            return _Broken()
        case FaultKind.ERROR_BEFORE:
            return HTMLResponse(ERROR_PAGE, fault.status)
        case FaultKind.THROTTLED:
            retry = {"Retry-After": f"{fault.seconds:g}"} if fault.seconds >= 0 else {}
            return JSONResponse({"detail": "Request was throttled."}, 429, headers=retry)
        case FaultKind.UNAUTHORIZED:
            return JSONResponse({"detail": "Invalid token."}, 401)
        case FaultKind.LOGIN_REDIRECT:
            return RedirectResponse("/login?next=/", 302)
        case FaultKind.PACKAGE_ERRORS:
            return JSONResponse({"result": "success", "errors": ["Invalid package: could not be unpacked"]})
        case _:
            return None


async def _after(fault: Fault | None, response: Response) -> Response:
    """What becomes of an answer on its way."""
    if fault is None:
        return response
    match fault.kind:
        case FaultKind.RESET_AFTER:
            return _Broken()
        case FaultKind.ERROR_AFTER:
            return HTMLResponse(ERROR_PAGE, fault.status)
        case FaultKind.HANG_AFTER:
            await asyncio.sleep(fault.seconds)
            return _Broken()
        case FaultKind.HTML:
            return HTMLResponse(LOGIN_PAGE, 200)
        case FaultKind.TRUNCATED:
            half = bytes(response.body)[: len(response.body) // 2]
            return Response(half, response.status_code, media_type="application/json")
        case _:
            return response


# -- the app ------------------------------------------------------------------------------------------------------------


async def _moved(platform: Platform, request: Request) -> Response:
    """Django's answer to a path without its slash (APPEND_SLASH)."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{request.url.path}/{query}", 301)


async def _nowhere(platform: Platform, request: Request) -> Response:
    raise Refusal(404, "<h1>Not Found</h1>")


def _own(platform: Platform, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A route of the sandbox itself: not logged, no login, no faults."""

    async def endpoint(request: Request) -> Response:
        try:
            if request.method not in ("GET", "DELETE"):
                await body_of(request)
            if request.headers.get("origin", str(request.base_url).rstrip("/")) != str(request.base_url).rstrip("/"):
                raise refuse(403, "another origin")
            async with platform.lock:
                return await handler(platform, request)
        except Refusal as refusal:
            return refused(refusal)

    return endpoint


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


class _Hosts:
    """Answers only to its own names, so that a web page cannot reach it under a name of its own (DNS rebinding)."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
            if re.sub(r":\d+$", "", host) not in self.hosts:
                refusal = (
                    Response("This host is not served here.", 400) if scope["type"] == "http" else WebSocketClose()
                )
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)


def create_app(database: Path, profile: Profile = DOCUMENTED, faults: Faults | None = None) -> ASGIApp:
    """The sandbox over the state in `database`. Serve it with uvicorn: other servers cannot cut connections."""
    return app_of(Platform(Store(database), profile, faults or Faults(), profile.token_lifetime))


def app_of(platform: Platform, hosts: frozenset[str] | None = None) -> ASGIApp:
    """The app over what is there already. `hosts` are the names that a request may call it by; None: any."""
    routes: list[BaseRoute] = []
    bare: list[BaseRoute] = []
    for path, methods, handler, login in ROUTES:
        endpoint = _endpoint(platform, handler, login)
        routes.append(Route(path, endpoint, methods=list(methods)))
        if path.endswith("/"):
            if platform.profile.slash_redirects:
                endpoint = _endpoint(platform, _moved, Login.OPEN)
            bare.append(Route(path.rstrip("/"), endpoint, methods=list(methods)))
    routes += bare
    for path, methods, own in (
        ("/_sandbox/faults", ("GET", "POST", "DELETE"), control.faults),
        ("/_sandbox/log", ("GET", "DELETE"), control.log),
        ("/_sandbox/transfers", READ, olx.transfers),
        ("/_sandbox/state", READ, control.state),
        ("/_sandbox/state/{key}", READ, control.state),
    ):
        routes.append(Route(path, _own(platform, own), methods=list(methods)))
    routes.append(WebSocketRoute(chat.PATH, chat.endpoint(platform)))
    routes.append(WebSocketRoute(chat.STOP_PATH, chat.stop_endpoint(platform)))
    routes += pages.routes(platform.store, platform.lock)
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    nowhere = _endpoint(platform, _nowhere, Login.OPEN)

    async def default(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        response = await nowhere(Request(scope, receive, send))
        await response(scope, receive, send)

    app.router.default = default
    return _Breaker(app if hosts is None else _Hosts(app, hosts))

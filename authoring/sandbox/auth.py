"""Logins: who may pass which route, and how a refusal looks (docs/platform.md).

Comes in: a request. Goes out: nothing, or `Refusal`. `TOKEN` routes take an OAuth2 token or a Studio session, `SESSION`
routes a session, `OPEN` routes nothing.
"""

from __future__ import annotations

import re
import secrets
import time
from enum import StrEnum

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from authoring.sandbox.platform import Platform, body_of
from authoring.sandbox.refusals import Refusal, broken

CLIENT = ("sandbox", "sandbox")
"""The OAuth2 client id and secret that the sandbox knows."""
STUDIO_SESSION = ("sandbox", "sandbox")
"""The values of the cookies `studio_session_id` and `csrftoken` that the sandbox knows."""
API_KEY = "sandbox"
"""The platform's API key that the sandbox knows."""


class Login(StrEnum):
    """What a route asks for."""

    OPEN = "open"
    TOKEN = "token"  # noqa: S105  # a word, not a secret
    SESSION = "session"
    LMS = "lms"
    """A token, on the LMS's own routes."""
    MANAGER = "manager"
    """The platform's API key, or a token, on the data manager's routes."""


async def access_token(platform: Platform, request: Request) -> Response:
    """`POST /oauth2/access_token/`: client credentials, form-encoded."""
    form = await request.form() if not await body_of(request) else await body_of(request)
    if form.get("grant_type") != "client_credentials":
        return JSONResponse({"error": "unsupported_grant_type"}, 400)
    if (form.get("client_id"), form.get("client_secret")) != CLIENT:
        return JSONResponse({"error": "invalid_client"}, 401)
    token = secrets.token_urlsafe(24)
    now = time.monotonic()
    platform.tokens = {known: end for known, end in platform.tokens.items() if end > now}
    platform.tokens[token] = now + platform.token_lifetime
    return JSONResponse(
        {
            "access_token": token,
            "expires_in": int(platform.token_lifetime),
            "token_type": "Bearer",
            "scope": "read write",
        }
    )


def check_login(platform: Platform, request: Request, login: Login) -> None:
    """Raises Refusal when the request has no login that the route takes."""
    if login is Login.OPEN:
        return
    if login in (Login.LMS, Login.MANAGER):
        _check_api(platform, request, login)
        return
    token_taken = not platform.profile.bearer_refused and (login is Login.TOKEN or platform.profile.bearer_on_stock)
    bearer = request.headers.get("authorization", "")
    if bearer.startswith("Bearer ") and token_taken:
        if platform.tokens.get(bearer[7:], 0.0) > time.monotonic():
            return
        raise Refusal(401, {"detail": "Invalid token."})
    _check_session(request, login)


def _check_api(platform: Platform, request: Request, login: Login) -> None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme == "Api-Token" and login is Login.MANAGER and value == API_KEY:
        return
    if scheme == "Bearer" and platform.tokens.get(value, 0.0) > time.monotonic():
        return
    known = "Invalid token." if value else "Authentication credentials were not provided."
    raise Refusal(401, {"detail": known})


def _check_session(request: Request, login: Login) -> None:
    session = request.cookies.get("studio_session_id")
    if session is None and login is Login.TOKEN:
        raise Refusal(401, {"detail": "Authentication credentials were not provided."})
    # As it was sent: the framework takes quotes off. A malformed cookie looks like a fault of the server.
    sent = re.search(r"studio_session_id=([^;]*)", request.headers.get("cookie", ""))
    if sent is not None and re.search(r"[\"' ]", sent[1].strip()):
        raise broken()
    if session != STUDIO_SESSION[0]:
        raise Refusal(302, "/login?next=" + request.url.path)
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    csrf = request.cookies.get("csrftoken")
    if csrf != STUDIO_SESSION[1] or request.headers.get("x-csrftoken") != csrf:
        raise Refusal(403, "CSRF verification failed. Request aborted. CSRF token missing or incorrect.")
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if request.headers.get("origin", own) != own:
        raise Refusal(403, "CSRF verification failed. Request aborted. Origin checking failed.")
    if not request.headers.get("referer", "").startswith(f"{own}/"):
        raise Refusal(403, "CSRF verification failed. Request aborted. Referer checking failed.")

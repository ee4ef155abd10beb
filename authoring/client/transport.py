"""One call over HTTP: logins, time-outs, and what an answer means.

No redirect is ever followed: an expired session answers with a redirect to a login page, which a client that follows it
takes for success (docs/platform.md). Only calls that do no harm twice are retried: reads, what never left, and what the server
asked to send later.
"""

from __future__ import annotations

import json as jsonlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from authoring.calls import Answer, Call, CallKind, Service
from authoring.errors import (
    ApiError,
    LoginError,
    NonsenseError,
    OutcomeUnknownError,
    RefusedError,
    ThrottledError,
    UnreachableError,
)
from authoring.settings import OAuthClient, Target

ATTEMPTS = 5
LONGEST_WAIT = 30.0
"""Seconds; a `Retry-After` beyond it ends the attempts."""
EARLY = 30.0
"""A token is renewed this many seconds before it expires."""
_STOCK = (
    "/xblock/",
    "/settings/",
    "/assets/",
    "/course/",
    "/course_",
    "/tabs/",
    "/import",
    "/export",
    "/api/contentstore/",
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A success: its status, its JSON (None when the body is empty), its headers."""

    status: int
    json: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class Transport:
    """Sends calls to the hosts of one target. Safe to use from several threads."""

    def __init__(self, target: Target, http: httpx.Client | None = None) -> None:
        self._target = target
        self._http = http or httpx.Client(
            timeout=httpx.Timeout(target.timeout, connect=10.0),
            limits=httpx.Limits(max_connections=16, max_keepalive_connections=16),
            follow_redirects=False,
        )
        self._token: str | None = None
        self._token_until = 0.0
        self._token_lock = threading.Lock()

    def close(self) -> None:
        self._http.close()

    def send(self, call: Call) -> Reply:
        """Send a call, retrying where that is harmless. Raises ApiError."""
        attempts = Retrying(
            retry=retry_if_exception(lambda error: _may_retry(error, call)),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            reraise=True,
        )
        return attempts(self._send_with_login, call)

    def _send_with_login(self, call: Call) -> Reply:
        try:
            return self._send_once(call)
        except LoginError as error:
            # A token may have been withdrawn before its time; a request that was refused for it did nothing.
            if error.status != 401 or not self._uses_token(call):
                raise
            with self._token_lock:
                self._token = None
            return self._send_once(call)

    def _send_once(self, call: Call) -> Reply:
        url = self._base(call.service) + call.path
        with ExitStack() as stack:
            content: dict[str, Any] = {}
            if call.files:
                content["data"] = dict(call.form or {})
                content["files"] = [
                    (part.name, (part.filename, stack.enter_context(part.file.open("rb")), part.content_type))
                    for part in call.files
                ]
            elif call.form is not None:
                content["data"] = dict(call.form)
            elif call.json is not None:
                content["content"] = jsonlib.dumps(call.json, default=list).encode("utf-8")
            headers = {"Accept": "application/json", **self._login(call)}
            if "content" in content:
                headers["Content-Type"] = "application/json"
            with _as_api_errors(call):
                response = self._http.request(
                    call.method, url, params=dict(call.query) or None, headers=headers, **content
                )
        return _reply(call, response)

    def _base(self, service: Service) -> str:
        url = {
            Service.CMS: self._target.cms_url,
            Service.LMS: self._target.lms_url,
            Service.MANAGER: self._target.manager_url,
        }[service]
        if url is None:
            raise LoginError(
                f"the target has no address for the {service.value.upper()}",
                f"set IBL_{service.value.upper()}_URL",
            )
        return url

    # -- logins -------------------------------------------------------------------------------------------------------

    def _uses_token(self, call: Call) -> bool:
        if self._target.oauth is None or call.kind is CallKind.LOGIN:
            return False
        stock = call.service is Service.CMS and call.path.startswith(_STOCK)
        return not (stock and self._target.session is not None)

    def _login(self, call: Call) -> dict[str, str]:
        if call.kind is CallKind.LOGIN:
            return {}
        if self._uses_token(call):
            return {"Authorization": f"Bearer {self._bearer()}"}
        session = self._target.session
        if session is None:
            raise LoginError(
                f"no login for {call}",
                "set IBL_CLIENT_ID and IBL_CLIENT_SECRET, or IBL_STUDIO_SESSION and IBL_STUDIO_CSRF",
                call=str(call),
            )
        csrf = session.csrf_token.reveal()
        origin = self._target.cms_url
        return {
            "Cookie": f"studio_session_id={session.session_id.reveal()}; csrftoken={csrf}",
            "X-CSRFToken": csrf,
            "Origin": origin,
            "Referer": origin + "/",
        }

    def _bearer(self) -> str:
        with self._token_lock:
            if self._token is None or time.monotonic() > self._token_until:
                assert self._target.oauth is not None
                self._token, lifetime = self._fetch_token(self._target.oauth)
                self._token_until = time.monotonic() + max(1.0, lifetime - EARLY)
            return self._token

    def _fetch_token(self, client: OAuthClient) -> tuple[str, float]:
        form = {
            "client_id": client.client_id,
            "client_secret": client.client_secret.reveal(),
            "grant_type": "client_credentials",
        }
        call = Call(
            CallKind.LOGIN,
            Service.LMS,
            "POST",
            "/oauth2/access_token/",
            form=form,
            repeatable=True,
            secret=True,
        )
        try:
            row = self._send_once(call).json
        except RefusedError as error:
            raise LoginError(
                "the platform does not accept IBL_CLIENT_ID and IBL_CLIENT_SECRET",
                "check both, and that IBL_LMS_URL is the LMS that issued them",
                call=str(call),
                status=error.status,
            ) from error
        token = row.get("access_token") if isinstance(row, dict) else None
        if not isinstance(token, str) or not token:
            raise NonsenseError("the login's answer holds no token", "check IBL_LMS_URL", call=str(call))
        lifetime = row.get("expires_in")
        return token, float(lifetime) if isinstance(lifetime, int | float) else 300.0


def _may_retry(error: BaseException, call: Call) -> bool:
    if isinstance(error, UnreachableError):
        return True
    if isinstance(error, ThrottledError):
        return (error.retry_after or 0.0) <= LONGEST_WAIT
    return (
        isinstance(error, OutcomeUnknownError) and call.kind is CallKind.READ and not isinstance(error, NonsenseError)
    )


_backoff = wait_random_exponential(multiplier=0.2, max=5.0)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, ThrottledError) and error.retry_after is not None:
        return error.retry_after
    return _backoff(state)


@contextmanager
def _as_api_errors(call: Call) -> Iterator[None]:
    """httpx's exceptions by what they mean for a request: it never left, or nobody knows."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise UnreachableError(
            f"{call}: the platform cannot be reached ({error})",
            "check the address and the network",
            call=str(call),
        ) from error
    except httpx.TimeoutException as error:
        raise OutcomeUnknownError(f"{call}: no answer in time", None, call=str(call)) from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise UnreachableError(
            f"{call}: not an address ({error})", "check the target's addresses", call=str(call)
        ) from error
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        raise OutcomeUnknownError(f"{call}: the connection broke ({reason})", None, call=str(call)) from error


def _reply(call: Call, response: httpx.Response) -> Reply:
    """A success, or the error that a response stands for."""
    status = response.status_code
    where = str(call)
    if response.is_redirect or 300 <= status < 400:
        location = response.headers.get("location", "")
        if "login" in location or "signin" in location:
            raise LoginError(
                f"{call}: the session has expired",
                "log in again and renew IBL_STUDIO_SESSION",
                call=where,
                status=status,
            )
        raise NonsenseError(
            f"{call}: answered with a redirect ({status})",
            "check the target's address",
            call=where,
            status=status,
        )
    if status == 401:
        raise LoginError(f"{call}: not logged in", "check the login with `authoring doctor`", call=where, status=status)
    if status == 403:
        raise LoginError(
            f"{call}: not permitted ({_detail(response)})",
            _forbidden_hint(response),
            call=where,
            status=status,
        )
    if status == 429 or (status == 503 and "retry-after" in response.headers):
        raise ThrottledError(
            f"{call}: the platform asks to wait",
            None,
            call=where,
            status=status,
            retry_after=_retry_after(response),
        )
    if status >= 500:
        if call.kind is CallKind.READ and status == 500:
            raise RefusedError(f"{call}: server error ({_detail(response)})", None, call=where, status=status)
        raise OutcomeUnknownError(
            f"{call}: server error {status} ({_detail(response)})", None, call=where, status=status
        )
    if status >= 400:
        raise RefusedError(f"{call}: refused with {status} ({_detail(response)})", None, call=where, status=status)
    return Reply(status, _body(call, response), dict(response.headers))


def _body(call: Call, response: httpx.Response) -> Any:
    if not response.content:
        if call.answer is Answer.JSON:
            raise NonsenseError(
                f"{call}: an empty answer where one was due",
                None,
                call=str(call),
                status=response.status_code,
            )
        return None
    try:
        return response.json()
    except ValueError as error:
        text = response.text[:200].lower()
        login = "<html" in text or "<!doctype" in text
        raise NonsenseError(
            f"{call}: the answer is {'a web page' if login else 'not JSON'}, not what was asked for",
            "the login may have expired: check with `authoring doctor`" if login else None,
            call=str(call),
            status=response.status_code,
        ) from error


def _retry_after(response: httpx.Response) -> float | None:
    try:
        return max(0.0, float(response.headers.get("retry-after", "")))
    except ValueError:
        return None


def _forbidden_hint(response: httpx.Response) -> str:
    if "csrf" in response.text.lower():
        return (
            "IBL_STUDIO_CSRF does not belong to IBL_STUDIO_SESSION: copy both from the same browser, at the same time"
        )
    return "the login needs a role on this organisation or course (course team, or org-wide staff)"


def _detail(response: httpx.Response) -> str:
    """The reason in an error body, whichever of the platform's shapes it has."""
    try:
        body = response.json()
    except ValueError:
        text = response.text.strip()
        return "an error page" if "<" in text[:200] else (text[:200] or "no reason given")
    return _reason(body)[:400] or "no reason given"


def _reason(body: object) -> str:
    if isinstance(body, str):
        return body
    if isinstance(body, list):
        return "; ".join(_reason(item) for item in body[:5])
    if not isinstance(body, dict):
        return ""
    for name in ("error", "ErrMsg", "detail", "message", "developer_message", "description"):
        value = body.get(name)
        if isinstance(value, str) and value:
            return value
    if isinstance(body.get("status"), dict):
        return _reason(body["status"])
    if "key" in body and "message" in body:
        return f"{body['key']}: {_reason(body['message'])}"
    return "; ".join(f"{name}: {_reason(value)}" for name, value in list(body.items())[:5] if value)


__all__ = ["ApiError", "Reply", "Transport"]

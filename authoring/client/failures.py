"""What an answer means: a success of the due shape, or the error that it stands for. Pure.

Nothing is taken for a success that merely has its status: an expired session answers with a redirect to a login page, or
with the page itself. Error bodies come in every shape (docs/platform.md): this module finds the sentence in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any

import httpx

from authoring.calls import SECRET, Answer, Call, CallKind, Json, Service
from authoring.errors import ApiError, LoginError, NonsenseError, OutcomeUnknownError, RefusedError, ThrottledError

LONGEST_REASON = 400


class Redactor:
    """Keeps known secrets out of everything that is shown. Secrets may be added at any time, from any thread."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: frozenset[str] = frozenset()
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        self._secrets |= {secret for secret in secrets if len(secret) > 3}

    def clean(self, text: str, more: Iterable[str] = ()) -> str:
        """`text` with each secret, the longest first, in its place `[secret]`."""
        for secret in sorted({*self._secrets, *(item for item in more if len(item) > 3)}, key=len, reverse=True):
            text = text.replace(secret, SECRET)
        return text


def secrets_in(call: Call) -> tuple[str, ...]:
    """The texts in the body of a secret call, whole and at their colons (`id:key:secret`)."""
    if not call.secret:
        return ()
    found: list[str] = []
    stack: list[Json] = [call.json, dict(call.form or {})]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            found += [value, *value.split(":")[1:]]
        elif isinstance(value, Mapping):
            stack.extend(value.values())
        elif isinstance(value, Sequence):
            stack.extend(value)
    return tuple(found)


def read_answer(call: Call, response: httpx.Response, redactor: Redactor) -> Json:
    """The JSON of a success, None for an empty one. Raises ApiError for everything else."""
    if response.status_code // 100 == 2:
        return _body(call, response)
    if response.status_code in call.answered and isinstance(row := _json_or_none(response), dict):
        return row
    raise _failure(call, response, redactor)


def _json_or_none(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _body(call: Call, response: httpx.Response) -> Json:
    where, status = str(call), response.status_code
    if call.answer is Answer.ANY:
        return None
    if not response.content.strip():
        if call.answer is Answer.EMPTY_OR_JSON:
            return None
        raise NonsenseError(f"{call}: an empty answer where one is due", call=where, status=status)
    try:
        value: Json = response.json()
    except ValueError as error:
        if _is_page(response):
            login = _is_login_page(response.text)
            page = "its login page" if login else f"a web page{_title(response.text)}"
            raise NonsenseError(
                f"{call}: the platform answers with {page}, not with what was asked for",
                _login_hint(call.service) if login else "check the target's addresses: `authoring doctor`",
                call=where,
                status=status,
            ) from error
        raise NonsenseError(
            f"{call}: the answer is not JSON",
            "check the target's addresses: `authoring doctor`",
            call=where,
            status=status,
        ) from error
    return value


def _failure(call: Call, response: httpx.Response, redactor: Redactor) -> ApiError:
    """The error that an answer without success stands for."""
    where, status = str(call), response.status_code
    reason = redactor.clean(reason_in(response), secrets_in(call))
    if status // 100 == 3:
        return _redirected(call, response)
    if status == 401:
        return LoginError(f"{call}: not logged in{_so(reason)}", _login_hint(call.service), call=where, status=status)
    if status == 403:
        return LoginError(f"{call}: not permitted{_so(reason)}", _forbidden_hint(reason), call=where, status=status)
    after = _retry_after(response)
    if status == 429 or (status == 503 and after is not None):
        return ThrottledError(
            f"{call}: the platform asks to wait{_so(reason)}",
            "wait a while, then run again",
            call=where,
            status=status,
            retry_after=after,
        )
    if status >= 500:
        if call.kind.writes or status != 500:
            return OutcomeUnknownError(
                f"{call}: the platform failed with {status}{_so(reason)}",
                _fault_hint(status),
                call=where,
                status=status,
            )
        return RefusedError(
            f"{call}: the platform failed with 500{_so(reason)}", _fault_hint(status), call=where, status=status
        )
    return RefusedError(
        f"{call}: refused with {status}{_so(reason)}", _refusal_hint(call, status), call=where, status=status
    )


def _redirected(call: Call, response: httpx.Response) -> ApiError:
    location = response.headers.get("location", "")
    where, status = str(call), response.status_code
    if re.search(r"log_?in|sign_?in|authorize|/auth/", location, re.IGNORECASE):
        return LoginError(
            f"{call}: the login has expired (the platform sends us to its login page)",
            _login_hint(call.service),
            call=where,
            status=status,
        )
    target = httpx.URL(location) if location else None
    hint = f"check the address of the {call.service.value.upper()} in the target's settings"
    if target is not None and target.scheme == "https" and response.request.url.scheme == "http":
        hint = f"the {call.service.value.upper()} answers under https://: write its address so"
    return RefusedError(
        f"{call}: the platform sends us elsewhere ({status} to {_plain(location) or 'nowhere'}); nothing is followed,"
        " since a redirect loses what is sent",
        hint,
        call=where,
        status=status,
    )


def _plain(location: str) -> str:
    """A redirect's goal without its query, which may carry tokens."""
    return location.partition("?")[0].partition("#")[0][:120]


def _so(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _login_hint(service: Service) -> str:
    match service:
        case Service.CMS:
            return (
                "renew IBL_STUDIO_SESSION and IBL_STUDIO_CSRF from a browser that is logged in to Studio, or check"
                " IBL_CLIENT_ID and IBL_CLIENT_SECRET; `authoring doctor` tells which is at fault"
            )
        case Service.LMS:
            return "check IBL_CLIENT_ID and IBL_CLIENT_SECRET: `authoring doctor`"
        case Service.MANAGER:
            return "check IBL_PLATFORM_API_KEY, or IBL_MANAGER_CLIENT_ID and IBL_MANAGER_CLIENT_SECRET"


def _forbidden_hint(reason: str) -> str:
    if "csrf" in reason.lower():
        return "IBL_STUDIO_CSRF does not belong to IBL_STUDIO_SESSION: copy both from one browser, at the same time"
    return "the account needs a role on this organisation or course (course team in Studio)"


def _fault_hint(status: int) -> str:
    if status == 500:
        return (
            "a 500 may be the platform's own fault, a field that it does not know, or a malformed session cookie:"
            " `authoring doctor`"
        )
    return "try again in a while"


def _refusal_hint(call: Call, status: int) -> str | None:
    if status == 413:
        return "the file is larger than the platform or its proxy takes: make it smaller, or ask for a higher limit"
    if status == 404 and call.kind is not CallKind.READ:
        return "what is to be changed may have been deleted, or the target's address or dialect is wrong"
    if status == 406:
        return "this route does not tell of this category"
    return None


# -- the sentence in an error body -------------------------------------------------------------------------------------


def reason_in(response: httpx.Response) -> str:
    """What an error body says, in one line; empty when it says nothing."""
    try:
        text = _sentence(response.json())
    except ValueError:
        raw = response.text.strip()
        text = _page_text(raw) if _is_page(response) else raw
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 1]}…"


_SENTENCES = ("detail", "error", "ErrMsg", "message", "developer_message", "user_message", "description", "msg")


def _sentence(body: Any) -> str:
    if isinstance(body, str):
        return body
    if isinstance(body, list):
        return "; ".join(filter(None, (_sentence(item) for item in body[:5])))
    if not isinstance(body, dict):
        return ""
    if isinstance(body.get("key"), str) and "message" in body:  # one refused advanced setting
        return f"{body['key']}: {_sentence(body['message'])}"
    for name in _SENTENCES:
        if body.get(name):
            return _sentence(body[name])
    if isinstance(body.get("status"), dict):  # the envelope of the credentials API
        return _sentence(body["status"])
    general = _sentence(body.get("non_field_errors"))
    fields = [
        f"{name}: {text}"
        for name, value in list(body.items())[:6]
        if name != "non_field_errors" and (text := _sentence(value))
    ]
    return "; ".join(filter(None, (general, *fields)))


def _is_page(response: httpx.Response) -> bool:
    kind = response.headers.get("content-type", "")
    return "html" in kind or response.text.lstrip()[:200].lower().startswith(("<!doctype html", "<html"))


def _is_login_page(text: str) -> bool:
    lowered = text.lower()
    return 'type="password"' in lowered or re.search(r"<title>[^<]*(log ?in|sign ?in)", lowered) is not None


def _title(text: str) -> str:
    words = _page_text(text)
    return f" ({words[:80]})" if words else ""


def _page_text(text: str) -> str:
    """The title of a page, or its first heading."""
    for tag in ("title", "h1", "h2"):
        found = re.search(rf"<{tag}[^>]*>(.*?)</{tag}>", text[:20_000], re.IGNORECASE | re.DOTALL)
        if found:
            words = " ".join(unescape(re.sub(r"<[^>]+>", " ", found[1])).split())
            if words:
                return words
    return ""


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds; the header holds them, or a date."""
    value = response.headers.get("retry-after")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    now = datetime.now(UTC)
    return max(0.0, ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds())

"""One call over HTTP: address, login, body, time-outs, retries. The only module that sends anything.

No redirect is ever followed. Only what does no harm twice is retried: reads, what never left, and what the server asked to
send later. The connection is kept; files are read from disk while they are sent.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias
from urllib.parse import quote, urlsplit

import httpx
from tenacity import RetryCallState, Retrying, stop_after_attempt, wait_random_exponential

from authoring.calls import Call, CallKind, Json, Service
from authoring.client.failures import Redactor, read_answer, secrets_in
from authoring.client.limits import Limits
from authoring.client.logins import Login, TokenLogin, logins_of
from authoring.errors import (
    LoginError,
    NonsenseError,
    OutcomeUnknownError,
    RefusedError,
    ThrottledError,
    UnreachableError,
)
from authoring.settings import Target, secrets_of

OnBytes: TypeAlias = Callable[[int, int], None]
"""Told how many bytes of a file were read for sending, and how many there are."""

ATTEMPTS = 5
RETRIES = 200
"""How many attempts one client repeats in all: a platform that fails this often is not helped by more."""
PIECE = 3 * (1 << 18)
"""Bytes of a file that are made base64 at once; a multiple of three needs no filling."""
LONGEST_WAIT = 60.0
"""Seconds; the platform asking to wait longer ends the attempts."""
CONNECT_TIMEOUT = 10.0
SLOW_KINDS = frozenset({CallKind.UPLOAD, CallKind.PUBLISH, CallKind.CREATE})
SLOW_FACTOR = 4
CONNECTIONS = 16
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""What httpx raises before anything of a request has left."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A success: its status, its JSON (None when the body is empty), its text and headers."""

    status: int
    json: Json
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """One request that left, for progress and logs: the call, the answer's status (None: none came), the seconds it took."""

    call: Call
    status: int | None
    seconds: float


class Transport:
    """Sends calls to the hosts of one target. Safe to use from several threads."""

    def __init__(
        self,
        target: Target,
        http: httpx.Client | None = None,
        *,
        on_call: Callable[[Sent], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = ATTEMPTS,
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self.on_bytes: OnBytes | None = None
        self._target = target
        self._attempts = attempts
        self._http = http or _make_client(target)
        self._owned = http is None
        self._on_call = on_call
        self._sleep = sleep
        self._redactor = Redactor(secrets_of(target))
        self._logins = logins_of(target, self._fetch, self._redactor.add)
        self._lock = threading.Lock()
        self.retries_left = RETRIES
        self.calls: Counter[CallKind] = Counter()

    def close(self) -> None:
        if self._owned:
            self._http.close()

    def send(self, call: Call) -> Reply:
        """Send a call, retrying where that is harmless. Raises ApiError."""
        attempts = Retrying(
            retry=lambda state: _may_retry(state) and self.spend_retry(),
            stop=stop_after_attempt(self._attempts),
            wait=_pause,
            sleep=self._sleep,
            reraise=True,
        )
        return attempts(self._send_logged_in, call)

    def download(self, call: Call, out: Path) -> None:
        """Write what a read answers to a file, piece by piece. Raises ApiError; OSError when the file cannot be written."""
        login = self._login(call.service)
        began = time.monotonic()
        status: int | None = None
        try:
            with (
                self._limits.slot(),
                _as_api_errors(call, self._redactor),
                self._http.stream(
                    call.method,
                    self._url(call),
                    params=dict(call.query) or None,
                    timeout=self._timeout(call),
                    headers=login.headers(),
                ) as response,
            ):
                status = response.status_code
                kind = response.headers.get("content-type", "")
                if status // 100 != 2 or "html" in kind:
                    response.read()
                    read_answer(call, response, self._redactor)
                with out.open("wb") as stream:
                    for piece in response.iter_bytes(PIECE):
                        stream.write(piece)
        finally:
            self._record(Sent(call, status, time.monotonic() - began))

    def spend_retry(self) -> bool:
        """Take one from the budget of retries; False when it is used up."""
        with self._lock:
            if self.retries_left == 0:
                return False
            self.retries_left -= 1
            return True

    def check_login(self, service: Service) -> None:
        """Get a token for a service that is entered with one. Raises ApiError when there is none to be had."""
        self._login(service).headers()

    def _send_logged_in(self, call: Call) -> Reply:
        login = self._login(call.service)
        if not isinstance(login, TokenLogin):
            return self._send_once(call, login.headers())
        token = login.token()
        try:
            return self._send_once(call, {"Authorization": f"Bearer {token}"})
        except LoginError as error:
            if error.status != 401:
                raise
        # The token was withdrawn before its time; what was refused for it was not done, so it may be sent again.
        login.forget(token)
        return self._send_once(call, login.headers())

    def _fetch(self, call: Call) -> Json:
        """A call without a login: the one that asks for a token."""
        return self._send_once(call, {}).json

    def _login(self, service: Service) -> Login:
        login = self._logins.get(service)
        if login is None:
            raise LoginError(f"no login for the {service.value.upper()} is configured", _LOGIN_VARIABLES[service])
        return login

    def _send_once(self, call: Call, login: Mapping[str, str]) -> Reply:
        began = time.monotonic()
        status: int | None = None
        left = True
        try:
            with self._limits.slot(), _as_api_errors(call, self._redactor), ExitStack() as files:
                response = self._http.request(
                    call.method,
                    self._url(call),
                    params=dict(call.query) or None,
                    timeout=self._timeout(call),
                    **_content(call, login, files, self.on_bytes),
                )
            status = response.status_code
            answer = read_answer(call, response, self._redactor)
        except UnreachableError:
            left = False
            raise
        except RefusedError as error:
            left = error.status is not None
            raise
        finally:
            if left:
                self._record(Sent(call, status, time.monotonic() - began))
        return Reply(status, answer, response.text, dict(response.headers))

    def _record(self, sent: Sent) -> None:
        with self._lock:
            self.calls[sent.call.kind] += 1
        if self._on_call is not None:
            self._on_call(sent)

    def _url(self, call: Call) -> str:
        base = self._target.url(call.service)
        if base is None:
            name = call.service.value.upper()
            raise UnreachableError(
                f"{call}: the target has no address for the {name}", f"set IBL_{name}_URL", call=str(call)
            )
        return base + quote(call.path, safe="/+:@~%-._!$&'()*,;=")

    def _timeout(self, call: Call) -> httpx.Timeout:
        seconds = self._target.options.timeout * (SLOW_FACTOR if call.kind in SLOW_KINDS else 1)
        return httpx.Timeout(seconds, connect=min(CONNECT_TIMEOUT, seconds))


_LOGIN_VARIABLES = {
    Service.CMS: "set IBL_STUDIO_SESSION and IBL_STUDIO_CSRF, or IBL_CLIENT_ID and IBL_CLIENT_SECRET",
    Service.LMS: "set IBL_LMS_URL, IBL_CLIENT_ID and IBL_CLIENT_SECRET",
    Service.MANAGER: "set IBL_PLATFORM_API_KEY, or IBL_MANAGER_CLIENT_ID and IBL_MANAGER_CLIENT_SECRET",
}


def _make_client(target: Target) -> httpx.Client:
    client = httpx.Client(
        follow_redirects=False,
        verify=_trust(),
        limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
        trust_env=not _is_local(target.cms_url),  # a proxy cannot reach a server on this machine
        headers={"User-Agent": "ibl-course-authoring"},
    )
    # The login's cookies are sent by us; what a host sets is not kept, so that no host gets another one's.
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


@cache
def _trust() -> ssl.SSLContext:
    """The certificates that are trusted; reading them takes longer than a call does."""
    return httpx.create_ssl_context()


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _content(call: Call, login: Mapping[str, str], files: ExitStack, on_bytes: OnBytes | None = None) -> dict[str, Any]:
    """Headers and body for httpx. Raises RefusedError when a file cannot be read: nothing was sent then."""
    headers = {"Accept": "application/json", **login}
    if call.inline_files:
        body = dict(call.json) if isinstance(call.json, Mapping) else {}
        streams = []
        for part in call.files:
            with _reading(call):
                streams.append((part.name, Upload(files.enter_context(part.file.open("rb")), on_bytes)))
        length, content = _json_with_files(body, streams)
        sized = {"Content-Type": "application/json", "Content-Length": str(length)}
        return {"headers": {**headers, **sized}, "content": content}
    if call.files:
        parts = []
        for part in call.files:
            with _reading(call):
                stream = Upload(files.enter_context(part.file.open("rb")), on_bytes)
            parts.append((part.name, (part.filename, stream, part.content_type)))
        return {"headers": headers, "data": dict(call.form or {}), "files": parts}
    if call.form is not None:
        return {"headers": headers, "data": dict(call.form)}
    if call.json is not None:
        return {"headers": {**headers, "Content-Type": "application/json"}, "content": _dump(call.json)}
    return {"headers": headers}


class Upload:
    """A file that is read while it is sent, and tells how far that is."""

    def __init__(self, stream: BinaryIO, on_bytes: OnBytes | None) -> None:
        self._stream = stream
        self._on_bytes = on_bytes
        self.size = os.fstat(stream.fileno()).st_size

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size)
        if self._on_bytes is not None:
            self._on_bytes(self._stream.tell(), self.size)
        return piece

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def fileno(self) -> int:
        return self._stream.fileno()


def _json_with_files(body: Mapping[str, Json], files: Sequence[tuple[str, Upload]]) -> tuple[int, Iterator[bytes]]:
    """A JSON object with files as base64, without holding any of them: its length in bytes, and its pieces."""
    head = _dump(body)
    opening = head[:-1] + (b"," if body and files else b"")
    names = [(b"," if number else b"") + _dump(name) + b':"' for number, (name, _) in enumerate(files)]
    length = len(opening) + sum(map(len, names)) + sum(4 * ((file.size + 2) // 3) + 1 for _, file in files) + 1

    def pieces() -> Iterator[bytes]:
        yield opening
        for name, (_, file) in zip(names, files, strict=True):
            yield name
            while piece := file.read(PIECE):
                yield base64.b64encode(piece)
            yield b'"'
        yield b"}"

    return length, pieces()


def _dump(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=_plain).encode("utf-8")


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"not JSON: {type(value).__name__}")


@contextmanager
def _reading(call: Call) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RefusedError(
            f"{call}: {error.filename or 'a file'} cannot be read ({error.strerror}); nothing was sent",
            "check that the file is there and readable, then run again",
            call=str(call),
        ) from error


@contextmanager
def _as_api_errors(call: Call, redactor: Redactor) -> Iterator[None]:
    """httpx's exceptions by what they mean for a request: it never left, or nobody knows."""
    try:
        yield
    except NEVER_SENT as error:
        raise UnreachableError(
            f"{call}: the platform cannot be reached ({_reason(error, call, redactor)})",
            "check the target's address and the network",
            call=str(call),
        ) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
        raise UnreachableError(
            f"{call}: cannot be sent ({_reason(error, call, redactor)})",
            "check the target's addresses and login",
            call=str(call),
        ) from error
    except httpx.TimeoutException as error:
        raise OutcomeUnknownError(
            f"{call}: no answer in time", "raise `timeout` in authoring.toml if it keeps happening", call=str(call)
        ) from error
    except httpx.HTTPError as error:
        raise OutcomeUnknownError(
            f"{call}: the connection broke ({_reason(error, call, redactor)})", call=str(call)
        ) from error


def _reason(error: Exception, call: Call, redactor: Redactor) -> str:
    return redactor.clean(str(error) or type(error).__name__, secrets_in(call))


def _may_retry(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    call = state.args[0]
    if isinstance(error, UnreachableError):
        return isinstance(error.__cause__, NEVER_SENT)
    if isinstance(error, ThrottledError):
        return (error.retry_after or 0.0) <= LONGEST_WAIT
    if not isinstance(call, Call) or call.kind.writes or isinstance(error, NonsenseError):
        return False
    if isinstance(error, RefusedError):
        return error.status == 500 and state.attempt_number == 1  # once more: it may be lasting, e.g. a missing block
    return isinstance(error, OutcomeUnknownError)


_backoff = wait_random_exponential(multiplier=0.2, max=5.0)


def _pause(state: RetryCallState) -> float:
    """Seconds before the next attempt: what the platform asked for, plus a little, or a jittered backoff."""
    error = state.outcome.exception() if state.outcome else None
    asked = (error.retry_after or 0.0) if isinstance(error, ThrottledError) else 0.0
    return asked + _backoff(state)

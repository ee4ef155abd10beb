"""Faults on demand: what networks and busy servers do to a client, at the request that a test names.

Comes in: `Fault` values, from the process of the server or as JSON from another. Goes out: for each request the fault
that strikes it, if any; :mod:`authoring.sandbox.app` makes it happen.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """What goes wrong."""

    RESET_BEFORE = "reset-before"
    """The connection breaks before anything was done."""
    RESET_AFTER = "reset-after"
    """The connection breaks after the change was made."""
    ERROR_AFTER = "error-after"
    """`status` (500, 502, 504) with an HTML page, after the change was made."""
    ERROR_BEFORE = "error-before"
    """`status` with an HTML page, nothing done."""
    HANG_AFTER = "hang-after"
    """No answer for `seconds`, after the change was made; then the connection breaks."""
    THROTTLED = "throttled"
    """429 with Retry-After `seconds` (below 0: without it), nothing done."""
    UNAUTHORIZED = "unauthorized"
    """401, nothing done."""
    LOGIN_REDIRECT = "login-redirect"
    """302 to the login page, nothing done."""
    TOKENS_EXPIRED = "tokens-expired"
    """All tokens are withdrawn; then the request is handled as ever, so that one with a token gets its 401."""
    TRUNCATED = "truncated"
    """Half a body, after the change was made."""
    HTML = "html"
    """200 with a login page, after the change was made."""
    PACKAGE_ERRORS = "package-errors"
    """200, "success", and an error inside it, nothing done: how the SCORM block says that it cannot read a package."""
    REPEATED = "repeated"
    """Chat alone: status frames and the end come twice, and the prompt is answered a second time in between."""
    DISCARDED = "discarded"
    """200 as ever, and the change is lost: the collision of two writers (Open edX: `update_course_index`)."""


@dataclass(slots=True)
class Fault:
    """One fault: it strikes the `skip`+1st and the following `times` requests that match `call_kind` and `path`.

    `call_kind` is a kind of the log (`create`, `update` …), `path` a regular expression that is searched in the path;
    None matches every request.
    """

    kind: FaultKind
    call_kind: str | None = None
    path: str | None = None
    skip: int = 0
    times: int = 1
    status: int = 500
    seconds: float = 0.0

    def matches(self, kind: str, path: str) -> bool:
        if self.call_kind is not None and self.call_kind != kind:
            return False
        return self.path is None or re.search(self.path, path) is not None

    def to_json(self) -> dict[str, object]:
        """`{kind, call_kind, path, skip, times, status, seconds}`."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Fault:
        """The inverse of `to_json`; all but `kind` may be left out. Raises ValueError, saying what is wrong."""
        unknown = row.keys() - {item.name for item in fields(cls)}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        try:
            fault = cls(**{**row, "kind": FaultKind(str(row.get("kind")))})
            for name in ("skip", "times", "status"):
                setattr(fault, name, int(getattr(fault, name)))
            fault.seconds = float(fault.seconds)
            re.compile(fault.path or "")
        except (TypeError, re.error) as error:
            raise ValueError(str(error)) from error
        return fault


@dataclass(slots=True)
class Faults:
    """The faults that wait for their request; safe to use from other threads."""

    latency: float = 0.0
    """Seconds that every request takes longer."""
    _waiting: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        """Let a fault wait; the caller's own value is left as it is."""
        with self._lock:
            self._waiting.append(replace(fault))

    def clear(self) -> None:
        """Forget all faults, and the latency."""
        with self._lock:
            self._waiting.clear()
            self.latency = 0.0

    @property
    def waiting(self) -> tuple[Fault, ...]:
        """Those that have not struck (often enough) yet."""
        with self._lock:
            return tuple(replace(fault) for fault in self._waiting)

    def strike(self, kind: str, path: str) -> Fault | None:
        """The fault that this request gets, if any."""
        with self._lock:
            for fault in self._waiting:
                if not fault.matches(kind, path):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return replace(fault)
        return None

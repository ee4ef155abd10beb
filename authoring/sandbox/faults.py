"""Faults on demand: what networks and busy servers do to a client, at the request that a test names."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from enum import StrEnum


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
    """No answer for `seconds`, after the change was made."""
    THROTTLED = "throttled"
    """429 with Retry-After `seconds`, nothing done."""
    UNAUTHORIZED = "unauthorized"
    """401, nothing done."""
    LOGIN_REDIRECT = "login-redirect"
    """302 to the login page, nothing done."""
    TRUNCATED = "truncated"
    """Half a body, after the change was made."""
    HTML = "html"
    """200 with a web page, after the change was made."""
    DISCARDED = "discarded"
    """200 as ever, and the change is lost: the collision of two writers (Open edX: `update_course_index`)."""


@dataclass(slots=True)
class Fault:
    """One fault: it strikes the `skip`+1st and the following `times` requests that match `call_kind` and `path`."""

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


@dataclass(slots=True)
class Faults:
    """The faults that wait for their request; safe to use from other threads."""

    latency: float = 0.0
    """Seconds that every request takes longer."""
    _waiting: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
            self.latency = 0.0

    def strike(self, kind: str, path: str) -> Fault | None:
        """The fault that this request gets, if any."""
        with self._lock:
            for fault in list(self._waiting):
                if not fault.matches(kind, path):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None

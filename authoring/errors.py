"""The exceptions, all under one root. `cli` turns them into messages and exit codes.

AuthoringError
  SourceError               the input cannot be compiled; carries diagnostics          exit 1
  SettingsError             a target or a setting is missing or wrong                   exit 1
  EngineError               the platform's grading engine is missing or does not start  exit 1
  LockfileError             unreadable, conflicted, or from a newer format              exit 1
  StalePlanError            the lock file or the target changed after planning          exit 5
  BusyError                 another writer works on the same course                     exit 6
  ApiError                  a call failed; carries the call                             exit 3
    RefusedError            the server said no: status and detail
      ThrottledError        429 or 503 with Retry-After; safe to send again later
      (platform.chat)       ChatRefusedError and, under it, NoCreditsError
    LoginError              no login, an expired one that cannot be renewed, or no permission
    UnreachableError        never sent: safe to retry
    OutcomeUnknownError     sent, no usable answer: read the outline first
      (platform.chat)       ChatSilenceError, ChatClosedError
    NonsenseError           a success status with a body that cannot be the answer (an HTML login page …)
  ApplyError                some operations were done and some were not                 exit 4 (3: none was)
    InterruptedRunError     a signal stopped the run between two operations              exit 130, 143
"""

from __future__ import annotations

from collections.abc import Iterable

from authoring.diagnostics import Diagnostic


class AuthoringError(Exception):
    """Root of all. `hint` says what to do next; `exit_code` is what the command line returns."""

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SourceError(AuthoringError):
    """The input cannot be compiled; `diagnostics` say why, each with its place."""

    def __init__(self, message: str, diagnostics: Iterable[Diagnostic] = (), hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.diagnostics = tuple(diagnostics)


class SettingsError(AuthoringError):
    """A target or a setting is missing or wrong."""


class EngineError(AuthoringError):
    """The platform's grading engine is not installed, or does not start."""


class LockfileError(AuthoringError):
    """The lock file cannot be used as it is."""


class StalePlanError(AuthoringError):
    """What the plan was made from has changed since."""

    exit_code = 5


class BusyError(AuthoringError):
    """Another writer works on the same course."""

    exit_code = 6


class ApiError(AuthoringError):
    """A call failed. `call` is its method and path, `status` the HTTP status where there was an answer."""

    exit_code = 3

    def __init__(
        self, message: str, hint: str | None = None, *, call: str | None = None, status: int | None = None
    ) -> None:
        super().__init__(message, hint)
        self.call = call
        self.status = status


class RefusedError(ApiError):
    """The server said no, and nothing was done."""


class ThrottledError(RefusedError):
    """The server asks to wait; `retry_after` in seconds where it said so."""

    def __init__(
        self,
        message: str,
        hint: str | None = None,
        *,
        call: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint, call=call, status=status)
        self.retry_after = retry_after


class LoginError(ApiError):
    """No login, one that expired and cannot be renewed, or no permission."""


class UnreachableError(ApiError):
    """The request never left: it is safe to send it again."""


class OutcomeUnknownError(ApiError):
    """The request was sent and no usable answer came: it may have happened or not."""


class NonsenseError(OutcomeUnknownError):
    """An answer that cannot be what was asked for, such as a login page with status 200."""


class ApplyError(AuthoringError):
    """A run stopped part of the way. Counts say how far it came; the cause is chained."""

    exit_code = 4

    def __init__(self, message: str, hint: str | None = None, *, done: int = 0, remaining: int = 0) -> None:
        super().__init__(message, hint)
        self.done = done
        self.remaining = remaining


class InterruptedRunError(ApplyError):
    """A signal asked the run to stop; what was under way has ended and is recorded."""

    def __init__(
        self, message: str, hint: str | None = None, *, signal: int, done: int = 0, remaining: int = 0
    ) -> None:
        super().__init__(message, hint, done=done, remaining=remaining)
        self.exit_code = 128 + signal

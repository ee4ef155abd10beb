"""What is configured, reachable and authorised, in plain words; nothing is changed. Made for `authoring doctor`."""

from __future__ import annotations

from dataclasses import dataclass

from authoring.calls import Call, CallKind, Service
from authoring.client import Client
from authoring.errors import ApiError, LoginError, RefusedError, UnreachableError
from authoring.settings import DialectName, Target


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `ok` is None where there is nothing to judge."""

    subject: str
    ok: bool | None
    message: str
    hint: str | None = None

    def to_json(self) -> dict[str, object]:
        """`{subject, ok, message, hint}`."""
        return {"subject": self.subject, "ok": self.ok, "message": self.message, "hint": self.hint}


def diagnose(target: Target | None) -> tuple[Finding, ...]:
    """Look at a target with a few reads; None stands for the embedded sandbox, which needs nothing."""
    if target is None:
        return (
            Finding(
                "target",
                True,
                "the embedded sandbox (no IBL_CMS_URL and no --target); everything works on this machine alone",
                "set IBL_CMS_URL and a login to work on a platform: docs/commands.md",
            ),
        )
    with Client(target) as client:
        return tuple(_look(target, client))


def _look(target: Target, client: Client) -> list[Finding]:
    found = [Finding("target", True, f"{target.cms_url} ({target.dialect} endpoints)")]
    found.append(
        Finding("LMS address", None if target.lms_url is None else True, target.lms_url or "not set (IBL_LMS_URL)")
    )
    if target.oauth is None and target.session is None:
        found.append(
            Finding(
                "login",
                False,
                "none is configured",
                "set IBL_CLIENT_ID and IBL_CLIENT_SECRET, or IBL_STUDIO_SESSION and IBL_STUDIO_CSRF",
            )
        )
        return found
    if target.oauth is not None:
        found.append(_token_finding(target, client))
    if target.session is not None:
        found.append(
            _probe(
                client,
                "Studio session",
                Call(CallKind.READ, Service.CMS, "GET", "/api/contentstore/v2/home/courses", repeatable=True),
                "accepted; sections, files, grading and ordering can be worked on",
            )
        )
    else:
        found.append(
            Finding(
                "Studio session",
                None,
                "not configured: files, grading, reordering, moving and deleting are out of reach",
                "set IBL_STUDIO_SESSION and IBL_STUDIO_CSRF for them",
            )
        )
    can = client.capabilities
    names = ("outline", "reorder", "move", "delete", "assets", "grading", "about")
    able = [name for name in names if getattr(can, name)]
    unable = [name for name in names if not getattr(can, name)]
    found.append(
        Finding(
            "capabilities",
            None,
            f"can: {', '.join(able) or 'courses and blocks only'}"
            + (f"; cannot: {', '.join(unable)}" if unable else ""),
        )
    )
    if target.dialect is DialectName.IBL:
        found.append(Finding("SCORM category", None, f"{target.scorm_category} (scorm_category in authoring.toml)"))
    return found


def _token_finding(target: Target, client: Client) -> Finding:
    if target.lms_url is None:
        return Finding(
            "OAuth2 client",
            False,
            "IBL_CLIENT_ID is set, IBL_LMS_URL is not",
            "set IBL_LMS_URL: it issues the tokens",
        )
    # A course that cannot exist: 404 (or 400) proves that the token was taken.
    query = {"course_key": "course-v1:doctor+doctor+doctor"}
    call = Call(CallKind.READ, Service.CMS, "GET", "/api/ibl/manage/course/", query=query, repeatable=True)
    return _probe(client, "OAuth2 client", call, "a token was issued, and Studio accepts it")


def _probe(client: Client, subject: str, call: Call, good: str) -> Finding:
    error = client.probe(call)
    if error is None or (isinstance(error, RefusedError) and error.status in (400, 404)):
        return Finding(subject, True, good)
    return Finding(subject, False, error.message, error.hint or _hint(error))


def _hint(error: ApiError) -> str | None:
    if isinstance(error, UnreachableError):
        return "check the address, the network and a proxy"
    if isinstance(error, LoginError):
        return "renew the login"
    return None

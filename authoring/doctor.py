"""What is configured, reachable and authorised, in plain words; nothing is changed. Made for `authoring doctor`.

`diagnose(target)` makes a few reads and returns `Finding`s; the command line prints them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from authoring.calls import Call, CallKind, Json, Service
from authoring.client import Client
from authoring.dialects import capabilities
from authoring.errors import ApiError, LoginError, OutcomeUnknownError, RefusedError, UnreachableError
from authoring.model import CourseId
from authoring.remote import RemoteCourseInfo
from authoring.settings import DialectName, Target

NOBODYS_COURSE = "course-v1:doctor+doctor+doctor"
"""A key that no course has: that it is not found proves that the login was taken."""

WORDS = {
    "outline": "read sections and subsections",
    "reorder": "reorder blocks",
    "move": "move blocks",
    "delete": "delete blocks",
    "assets": "upload files",
    "grading": "set the grading policy",
    "about": "write the about page",
    "course_settings": "set dates and details of the course",
    "advanced_settings": "read and set the advanced settings",
    "lti_passports": "add LTI passports",
    "pdf": "set the address of PDF blocks",
}
"""Capabilities in words."""


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


SCORM_NAMES = ("scorm", "ibl_openedx_scorm_xblock", "scormxblock")
"""What SCORM blocks are called on one platform or another."""


def diagnose(target: Target | None, course: CourseId | None = None) -> tuple[Finding, ...]:
    """Look at a target with a few reads; None stands for the embedded sandbox, which needs nothing.

    With a course it is looked at as well: whether it is there, and by which name it knows SCORM blocks.
    """
    if target is None:
        return (
            Finding(
                "target",
                True,
                "the embedded sandbox (no target is chosen); everything stays on this machine",
                "set IBL_CMS_URL and a login to work on a platform: docs/commands.md",
            ),
        )
    return (*_look(target), *(_course(target, course) if course is not None else ()))


def _course(target: Target, course: CourseId) -> Iterator[Finding]:
    held: Mapping[str, Json] = {}
    found: RemoteCourseInfo | None = None

    def ask(client: Client) -> None:
        nonlocal held, found
        found = client.read_course_info(course)
        if found is not None and client.capabilities.advanced_settings:
            held = client.read_advanced_settings(course)

    finding = _asked(target, "course", ask, f"{course} is there")
    if finding.ok and found is None:
        yield Finding("course", None, f"{course} is not there; the first push makes it")
        return
    yield finding
    modules = held.get("advanced_modules")
    if not isinstance(modules, Sequence) or isinstance(modules, str):
        return
    name = target.options.scorm_category
    others = [module for module in map(str, modules) if module in SCORM_NAMES and module != name]
    if name in modules:
        yield Finding("SCORM", True, f"the course takes `{name}` blocks")
    elif others:
        hint = f'scorm_category = "{others[0]}" in authoring.toml'
        yield Finding("SCORM", False, f"the course takes `{others[0]}` blocks, not `{name}`", hint)
    else:
        yield Finding(
            "SCORM", None, f"no SCORM block is enabled in the course; a push enables `{name}` when it needs it"
        )


def _look(target: Target) -> Iterator[Finding]:
    yield Finding("target", True, f"{target.name}, from {target.origin}")
    yield Finding("Studio", None, f"{target.cms_url} ({target.dialect} endpoints)")
    yield from _addresses(target)
    if target.session is not None:
        yield _session(target)
    else:
        yield Finding(
            "Studio session",
            None,
            "not configured: Studio's own routes are out of reach",
            "set IBL_STUDIO_SESSION and IBL_STUDIO_CSRF",
        )
    if target.oauth is not None:
        yield _client_credentials(target)
    if target.manager_url is not None:
        yield _manager(target)
    yield _abilities(target)
    yield Finding(
        "blocks",
        None,
        f"SCORM packages become `{target.options.scorm_category}` blocks, PDFs are set by `{target.options.pdf_block}`",
        "scorm_category and pdf_block in authoring.toml say otherwise",
    )


def _addresses(target: Target) -> Iterator[Finding]:
    for subject, url, variable in (
        ("LMS", target.lms_url, "IBL_LMS_URL"),
        ("data manager", target.manager_url, "IBL_MANAGER_URL"),
    ):
        yield Finding(subject, None, url or f"no address ({variable} is not set)")
    for url in filter(None, (target.cms_url, target.lms_url, target.manager_url)):
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            yield Finding("transport", None, f"{url} is not encrypted: logins are sent in the clear", "use https://")


def _session(target: Target) -> Finding:
    call = Call(CallKind.READ, Service.CMS, "GET", "/api/contentstore/v2/home/courses", query={"page": "1"})
    return _probe(target, "Studio session", call, "accepted", unless=(404,))


def _client_credentials(target: Target) -> Finding:
    subject = "client credentials"
    if target.dialect is DialectName.IBL:
        call = Call(
            CallKind.READ,
            Service.CMS,
            "GET",
            "/api/ibl/manage/course/",
            query={"course_key": NOBODYS_COURSE},
        )
        words = "a token was given, and Studio accepts it"
        return _probe(replace(target, session=None), subject, call, words, proofs=(400, 404))
    return _asked(target, subject, lambda client: client.check_login(Service.LMS), "a token was given")


def _manager(target: Target) -> Finding:
    subject = "data manager login"
    if target.api_key is not None:
        return Finding(subject, None, "an API key is set; it is tried when it is first needed")
    if target.manager_oauth is None:
        return Finding(
            subject,
            None,
            "not configured",
            "set IBL_PLATFORM_API_KEY, or IBL_MANAGER_CLIENT_ID and IBL_MANAGER_CLIENT_SECRET",
        )
    return _asked(target, subject, lambda client: client.check_login(Service.MANAGER), "a token was given")


def _abilities(target: Target) -> Finding:
    can = capabilities(target)
    able = [words for name, words in WORDS.items() if getattr(can, name)]
    unable = [words for name, words in WORDS.items() if not getattr(can, name)]
    message = f"can create, change and publish blocks{''.join(f', {words}' for words in able)}"
    if not unable:
        return Finding("capabilities", True, message)
    return Finding(
        "capabilities",
        None,
        f"{message}; cannot {', '.join(unable)}",
        None if can.stock else "a Studio session opens the rest: IBL_STUDIO_SESSION and IBL_STUDIO_CSRF",
    )


def _probe(
    target: Target,
    subject: str,
    call: Call,
    words: str,
    *,
    proofs: tuple[int, ...] = (),
    unless: tuple[int, ...] = (),
) -> Finding:
    """Make a read. A refusal with one of `proofs` proves as much as an answer, one with `unless` proves nothing."""
    silent = False

    def ask(client: Client) -> None:
        nonlocal silent
        try:
            client.send(call)
        except RefusedError as error:
            silent = error.status in unless
            if not silent and error.status not in proofs:
                raise

    finding = _asked(target, subject, ask, words)
    if silent:
        return Finding(subject, None, "the platform answers, but has no route that proves the login")
    return finding


def _asked(target: Target, subject: str, ask: Callable[[Client], None], words: str) -> Finding:
    try:
        with Client(target, attempts=2) as client:
            ask(client)
    except ApiError as error:
        return Finding(subject, False, f"{_kind(error)}: {error.message}", error.hint)
    return Finding(subject, True, words)


def _kind(error: ApiError) -> str:
    match error:
        case UnreachableError():
            return "not reachable"
        case LoginError():
            return "not authorised"
        case OutcomeUnknownError():
            return "no usable answer"
        case _:
            return "refused"

"""Rules about LTI tools: what the platform checks in Studio's editor only, or finds out when a learner opens the tool.

Source: lti-consumer-xblock: lti_consumer/lti_xblock.py (`validate_field_data`, `lti_provider_key_secret`); Open edX:
xmodule/lti_block.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from authoring.diagnostics import Code, Diagnostic, Severity, define, suggest
from authoring.model import Block, Course, FieldValue

UNKNOWN_PASSPORT = define(
    "unknown-passport",
    Severity.WARNING,
    "An LTI tool names a passport that the course does not declare. It opens only if the course has it already.",
    "declare it in course.yaml under `lti_passports`, or correct `lti_id`",
)
UNUSED_PASSPORT = define(
    "unused-passport",
    Severity.INFO,
    "The course declares an LTI passport that none of its tools names.",
    "remove it from course.yaml, unless tools made in Studio use it",
)
INCOMPLETE_TOOL = define(
    "incomplete-lti-tool",
    Severity.WARNING,
    "An LTI tool lacks what it needs to open.",
    "add what is named; the maker of the tool tells it",
)

CATEGORIES = ("lti_consumer", "lti")
_EXAMPLE = "http://www.example.com"
_EXTERNAL = re.compile(r"[^:\s]+:[^:\s]+")


def lti_tools_can_open(course: Course) -> Iterator[Diagnostic]:
    """Every tool has its passport (1.1) or its addresses and key (1.3); every passport has its tool."""
    declared = {passport.lti_id for passport in course.lti_passports}
    named: set[str] = set()
    for block in course.root.walk():
        if block.category not in CATEGORIES:
            continue
        lti_id = _text(block.fields.get("lti_id"))
        named.add(lti_id)
        if block.fields.get("config_type", "new") == "external":
            if not _EXTERNAL.fullmatch(_text(block.fields.get("external_config"))):
                yield _finding(INCOMPLETE_TOOL, "`external_config` is not `provider:id`", block)
        elif block.fields.get("config_type") == "database":
            continue  # everything of it is kept on the platform
        elif block.fields.get("lti_version") == "lti_1p3":
            yield from _advantage(block)
        else:
            yield from _classic(block, lti_id, declared)
    for passport in course.lti_passports:
        if passport.lti_id not in named:
            message = f"no tool uses the passport {passport.lti_id!r}"
            yield Diagnostic(
                UNUSED_PASSPORT, message, passport.source, UNUSED_PASSPORT.remedy, UNUSED_PASSPORT.severity
            )


def _classic(block: Block, lti_id: str, declared: set[str]) -> Iterator[Diagnostic]:
    if not _is_address(block.fields.get("launch_url")):
        yield _finding(INCOMPLETE_TOOL, "it has no `launch_url` to open", block)
    if lti_id and lti_id not in declared:
        hint = suggest(lti_id, declared) or UNKNOWN_PASSPORT.remedy
        yield _finding(UNKNOWN_PASSPORT, f"the passport {lti_id!r} is not declared in course.yaml", block, hint)
    elif not lti_id and (block.fields.get("has_score") or declared):
        yield _finding(INCOMPLETE_TOOL, "it has no `lti_id`, so it opens without a passport", block)


def _advantage(block: Block) -> Iterator[Diagnostic]:
    """LTI 1.3: the platform gives out a client id for each block; the tool's own addresses and key must be here."""
    for name in ("lti_1p3_launch_url", "lti_1p3_oidc_url"):
        if not _is_address(block.fields.get(name)):
            yield _finding(INCOMPLETE_TOOL, f"LTI 1.3 needs `{name}`", block)
    by_url = block.fields.get("lti_1p3_tool_key_mode") == "keyset_url"
    key = "lti_1p3_tool_keyset_url" if by_url else "lti_1p3_tool_public_key"
    scored = block.fields.get("has_score") or block.fields.get("lti_advantage_deep_linking_enabled")
    if scored and not _text(block.fields.get(key)):
        yield _finding(INCOMPLETE_TOOL, f"a score or deep linking needs the tool's key: `{key}`", block)
    if block.fields.get("lti_id"):
        yield _finding(INCOMPLETE_TOOL, "`lti_id` names a passport of LTI 1.1; LTI 1.3 makes no use of it", block)


def _is_address(value: FieldValue) -> bool:
    parts = urlsplit(_text(value))
    return parts.scheme in ("http", "https") and bool(parts.netloc) and _text(value) != _EXAMPLE


def _text(value: FieldValue) -> str:
    return value.strip() if isinstance(value, str) else ""


def _finding(code: Code, message: str, block: Block, hint: str | None = None) -> Diagnostic:
    return Diagnostic(code, message, block.source, hint or code.remedy, code.severity)

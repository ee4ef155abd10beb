"""Values, references and links of OLX as the platform reads and writes them.

Comes in: attribute texts, the registry's `FieldSpec`, keys of the course that an archive was made of. Goes out: values as
fields keep them, texts as attributes hold them, keys and links of the course that is imported into. Written apart from the
toolkit's own OLX code, which it is to judge. Sources: Open edX: xmodule/xml_block.py (`serialize_field`,
`deserialize_field`), xmodule/modulestore/store_utilities.py; XBlock: xblock/fields.py (`from_string`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import yaml

from authoring.registry import FieldSpec, FieldType
from authoring.sandbox.addresses import block_id_of, category_of, usage_of
from authoring.sandbox.refusals import Refusal
from authoring.sandbox.values import coerce


class BadBlock(Exception):
    """A block that cannot be read: its parent passes over it, or the whole import fails where nothing does."""


def clean(text: str) -> str:
    """A name made of a title (opaque-keys: `BlockUsageLocator.clean`)."""
    return re.sub(r"_+", "_", re.sub(r"[^\w.%-]", "_", text))


# -- values -----------------------------------------------------------------------------------------------------------


def attribute_value(field: FieldSpec, text: str) -> Any:
    """An attribute of the XmlMixin family: as JSON where that is what the field takes, else the text itself. Raises
    BadBlock for a text that the field cannot read."""
    try:
        value = json.loads(text)
    except ValueError:
        return kept_value(field, text)
    if value is None:
        return None
    try:
        return coerce(field, value)
    except Refusal:
        return kept_value(field, text)


def option_value(field: FieldSpec, text: str) -> Any:
    """A value of the pure family: a String is its text, anything else is YAML. Raises BadBlock."""
    if field.type in (FieldType.STRING, FieldType.XML):
        return kept_value(field, text)
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise BadBlock(f"{field.name}: {text[:80]!r} cannot be read") from error
    if isinstance(value, datetime):
        value = (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    elif isinstance(value, date):
        value = value.isoformat()
    return kept_value(field, value)


def kept_value(field: FieldSpec, value: Any) -> Any:
    """A value of a policy or an attribute as the field keeps it. Raises BadBlock."""
    try:
        return coerce(field, value)
    except Refusal as refusal:
        raise BadBlock(f"{field.name}: {str(value)[:80]!r} is not a {field.type}") from refusal


def attribute_text(value: Any) -> str:
    """The inverse of `attribute_value`: texts (dates too) as they are, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def option_text(value: Any) -> str:
    """The inverse of `option_value` for all but null in a String."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, sort_keys=True)


# -- keys and links ---------------------------------------------------------------------------------------------------

_REFERENCE = re.compile(r"i4x://[^/]+/[^/]+/([\w\-~.:]+)/([\w\-~.:%]+)")


@dataclass(frozen=True, slots=True)
class Homes:
    """The course that an archive was made of, and the one that it is imported into."""

    org: str
    number: str
    run: str
    target: str

    @property
    def source(self) -> str:
        return f"course-v1:{self.org}+{self.number}+{self.run}"

    @property
    def moved(self) -> bool:
        return self.source != self.target

    def usage(self, category: str, block_id: str) -> str:
        """The key of a block in the target; the course block is always `course`."""
        return usage_of(self.target, category, "course" if category == "course" else block_id)

    def reference(self, text: str) -> str:
        """A reference to a block (`i4x://ORG/COURSE/TYPE/ID`, `block-v1:…`) as the target's own key, whatever course it
        names (Open edX: `map_into_course`): the run in a `course.xml` may not be that of the keys. Others stay."""
        text = text.strip()
        if found := _REFERENCE.fullmatch(text):
            return self.usage(found[1], found[2])
        if text.startswith("block-v1:") and "+type@" in text and "+block@" in text:
            return self.usage(category_of(text), block_id_of(text))
        return text

    def links(self, text: str) -> str:
        """A body whose links lead to the target: quoted ones to the source's files, blocks and pages (Open edX:
        `rewrite_nonportable_content_links`)."""
        if "/asset-v1:" not in text and "/c4x/" not in text and "/courses/" not in text:
            return text
        slashed = f"{self.org}/{self.number}/{self.run}"
        files = (
            f"/{self.source.replace('course-v1:', 'asset-v1:')}+type@asset+block@",
            f"/c4x/{self.org}/{self.number}/asset/",
        )
        for prefix in files:
            text = _quoted(prefix, r"(?P<rest>[^\"'\\]*)").sub(r"\g<open>/static/\g<rest>\g<close>", text)
        for course in (self.source, slashed):
            for key in (r"block-v1:[^\"'\\@]+@[^\"'\\@]+@", r"i4x://[^/\"'\\]+/[^/\"'\\]+/[^/\"'\\]+/"):
                pattern = _quoted(f"/courses/{course}/jump_to/", f"{key}(?P<rest>[^\"'\\\\]*)")
                text = pattern.sub(r"\g<open>/jump_to_id/\g<rest>\g<close>", text)
            if self.moved:
                pattern = _quoted(f"/courses/{course}/", r"(?P<rest>[^\"'\\]*)")
                text = pattern.sub(
                    lambda found: f"{found['open']}/courses/{self.target}/{found['rest']}{found['close']}", text
                )
        return text


def _quoted(prefix: str, rest: str) -> re.Pattern[str]:
    return re.compile(rf"(?P<open>\\?['\"]){re.escape(prefix)}{rest}(?P<close>(?P=open))")


def deprecated_reference(usage: str, org: str, number: str) -> str:
    """A key as an export writes it into a block that refers to another: `i4x://ORG/COURSE/TYPE/ID`."""
    return f"i4x://{org}/{number}/{category_of(usage)}/{block_id_of(usage)}"

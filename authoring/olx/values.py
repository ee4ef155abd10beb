"""Attribute texts to field values and back.

XmlMixin blocks read an attribute as JSON where the field takes that, else as text; pure XBlocks read text fields as
they are and everything else as YAML (Open edX: xmodule/xml_block.py; XBlock: xblock/core.py, xblock/fields.py).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

import yaml

from authoring.model import COURSE, FieldValue
from authoring.registry import FieldSpec, FieldType, fields_of

MAX_YAML_BRACKETS = 50


@cache
def attributes_of(category: str) -> Mapping[str, FieldSpec]:
    """Attribute name -> field, for a category.

    Elements are read when they are folded (`spellings`), so a conditional's fields count by their own names; so do a
    course's, because its policy file is merged into its attributes.
    """
    fields = fields_of(category).values()
    if category in (COURSE, "conditional"):
        return {field.name: field for field in fields}
    return {field.olx or field.name: field for field in fields if field.olx != ""}


def value_from_attribute(text: str, field: FieldSpec, *, pure: bool) -> FieldValue:
    """The value that an attribute's text means for a field. Raises ValueError when it cannot be one.

    `pure` for blocks of the pure XBlock family, whose text fields are read as they are; the others read
    JSON first.
    """
    if field.type in (FieldType.STRING, FieldType.XML) and pure:
        return text
    value = _json(text)
    if value is text and pure:
        value = _yaml(text)
    match field.type:
        case FieldType.STRING | FieldType.XML:
            return value if isinstance(value, str) or value is None else text
        case FieldType.BOOLEAN:
            return value if isinstance(value, bool) else str(value).strip().lower() == "true"
        case FieldType.INTEGER:
            if value is None or value == "":
                return None
            if isinstance(value, bool | list | dict):
                raise ValueError
            return int(value) if isinstance(value, int) else int(_finite(value))
        case FieldType.FLOAT:
            if value is None or value == "":
                return None
            if isinstance(value, bool | list | dict):
                raise ValueError
            return value if isinstance(value, int) else _finite(value)
        case FieldType.LIST | FieldType.DICT:
            if value is None or isinstance(value, list if field.type is FieldType.LIST else dict):
                return value
            raise ValueError
        case FieldType.DATE:
            return None if value in (None, "") else _date(str(value))
        case FieldType.TIMEDELTA | FieldType.RELATIVE_TIME:
            return None if value is None else str(value)


def attribute_from_value(value: FieldValue, field: FieldSpec, *, pure: bool) -> str | None:
    """The text that `value_from_attribute` reads as `value`; None where no attribute can say it (an explicit null of a
    text field in the pure family)."""
    if pure:
        if value is None and field.type in (FieldType.STRING, FieldType.XML):
            return None
        if isinstance(value, str):
            return value
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if value is None and field.type in (FieldType.INTEGER, FieldType.FLOAT, FieldType.DATE):
        return ""  # read as null by the platform; tools that read OLX stumble over the word
    if isinstance(value, str) and _reads_back(value, field):
        return value
    return json.dumps(value, ensure_ascii=False)


def _reads_back(text: str, field: FieldSpec) -> bool:
    try:
        return value_from_attribute(text, field, pure=False) == text
    except ValueError:
        return False


def _json(text: str) -> FieldValue:
    """What JSON makes of the text, or the very text."""
    try:
        value: FieldValue = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return text
    return value


def _yaml(text: str) -> FieldValue:
    """What YAML makes of the text, or the very text; dates stay as they are written.

    What nests deeply was written as JSON, and is not handed to a parser that takes seconds for it.
    """
    if text.count("[") + text.count("{") > MAX_YAML_BRACKETS:
        return text
    try:
        value = yaml.load(text, Loader=_PlainLoader)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError):
        return text
    return value if isinstance(value, bool | int | float | list | dict | None) else text


class _PlainLoader(yaml.SafeLoader):
    """YAML as XBlock reads it, without dates."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _finite(value: object) -> float:
    number = float(str(value))
    if not math.isfinite(number):
        raise ValueError
    return number


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _date(text: str) -> str:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError as error:
        raise ValueError("a date out of range") from error

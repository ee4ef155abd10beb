"""Values of fields: what the platform makes of what it is sent, and what a block shows where nothing was set.

Comes in: JSON values and the registry's `FieldSpec`. Goes out: values as the field keeps them. Source: XBlock:
xblock/fields.py, `from_json` of each field; Open edX: xmodule/fields.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from authoring.registry import FieldSpec, FieldType, field_spec, fields_of, spec
from authoring.sandbox.refusals import broken, invalid
from authoring.sandbox.store import Node

BODY = "data"
UNSET_START = "2030-01-01T00:00:00Z"
"""The platform's "not scheduled"."""

_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_UNCHECKED_XML = frozenset({"annotatable"})
"""Categories whose XML body is stored as it comes and fails only when it is shown (no `enforce_type`)."""


def coerce(field: FieldSpec, value: Any) -> Any:
    """A value as the field keeps it; None stays None. Raises Refusal: 400 for a value that it cannot read, 500 for a
    wrong kind, since the view catches ValueError and nothing else."""
    if value is None:
        return None
    match field.type:
        case FieldType.BOOLEAN:
            return value.lower() == "true" if isinstance(value, str) else bool(value)
        case FieldType.INTEGER:
            return _number(value, int)
        case FieldType.FLOAT:
            return _number(value, float)
        case FieldType.STRING:
            return _ILLEGAL.sub("", _kind(value, str))
        case FieldType.LIST:
            return _kind(value, list)
        case FieldType.DICT:
            return _kind(value, dict)
        case FieldType.DATE:
            return _date(field, value)
        case FieldType.RELATIVE_TIME:
            return _relative_time(value)
        case FieldType.TIMEDELTA:
            return _kind(value, str) if not isinstance(value, int | float) else value
        case FieldType.XML:
            parse_xml(_kind(value, str))
            return value


def _kind(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise broken()
    return value


def _number(value: Any, kind: type[int] | type[float]) -> int | float | None:
    """`""` is nothing, a float loses its fraction in an integer field, `"3.5"` is refused there."""
    if value == "":
        return None
    if not isinstance(value, str | int | float):
        raise broken()
    try:
        return kind(value)
    except (ValueError, OverflowError) as error:
        raise invalid(str(error)) from error


def _date(field: FieldSpec, value: Any) -> str | None:
    """ISO text or a number of milliseconds. A text without month or day is nothing, without a word."""
    if value == "":
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        moment = datetime.fromtimestamp(value / 1000, UTC)
    elif not isinstance(value, str):
        raise broken()
    elif re.fullmatch(r"\d{4}(-\d{1,2})?", value):
        return None
    else:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise invalid(f"{field.name}: {value!r} is not a date") from error
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return f"{moment.year:04}-{moment:%m-%dT%H:%M:%SZ}"


def _relative_time(value: Any) -> Any:
    if isinstance(value, str):
        found = re.fullmatch(r"(\d{1,2}):(\d\d):(\d\d)", value)
        if value and (found is None or int(found[1]) > 23 or int(found[2]) > 59 or int(found[3]) > 59):
            raise invalid(f"Incorrect RelativeTime value {value!r} was set in XML or serialized.")
        return value or None
    if isinstance(value, float):
        seconds = int(value)
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    raise broken()


def parse_xml(text: str) -> None:
    """Raises Refusal(500): malformed XML in a body that must be XML is a syntax error that nothing catches."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        etree.fromstring(text.encode("utf-8"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise broken() from error


def body_value(category: str, data: Any) -> Any:
    """The body as the block keeps it. Raises Refusal(500) for what an enforced type does not take."""
    field = field_spec(category, BODY)
    if field is None or (field.type is FieldType.XML and category in _UNCHECKED_XML):
        return data
    return coerce(field, data)


def set_metadata(node: Node, metadata: Mapping[str, Any]) -> None:
    """Lay `metadata` over a block's fields, of whatever scope: null takes one back to its default or what it inherits, an
    unknown name is a 500. A category that nobody here knows takes any name."""
    anything = spec(node.category) is None
    for name, value in metadata.items():
        field = field_spec(node.category, name)
        if field is None and not anything:
            raise broken()
        kept = coerce(field, value) if field is not None else value
        if name == "due" and isinstance(kept, str) and kept < "1900":
            kept = None
        if value is None:
            node.fields.pop(name, None)
        else:
            node.fields[name] = kept


def set_attributes(node: Node, values: Mapping[str, Any]) -> None:
    """Studio's `fields`: plain assignment. A name that is no field becomes an attribute of the object and is lost."""
    anything = spec(node.category) is None
    for name, value in values.items():
        if name == BODY and field_spec(node.category, BODY) is not None:
            node.fields[BODY] = body_value(node.category, value) if value else value
        elif anything or field_spec(node.category, name) is not None:
            node.fields[name] = value


def clear_fields(node: Node, names: Any) -> None:
    """Studio's `nullout`: an explicit null, which is not the default and not inherited either."""
    for name in names or ():
        if spec(node.category) is None or field_spec(node.category, name) is not None:
            node.fields[name] = None


# -- what a block shows -----------------------------------------------------------------------------------------------


def default_title(category: str) -> str:
    known = field_spec(category, "display_name")
    return known.default if known and isinstance(known.default, str) else category


def title_of(node: Node) -> str:
    title = node.fields.get("display_name")
    return title if isinstance(title, str) else default_title(node.category)


def body_of_block(node: Node) -> Any:
    """The body; the class default while none was set."""
    if BODY in node.fields:
        return node.fields[BODY]
    field = field_spec(node.category, BODY)
    return field.default if field is not None else None


def inherited(nodes: Mapping[str, Node], node: Node, name: str) -> Any:
    """A field's value: its own, else that of the nearest ancestor that has one where the field is inheritable, else the
    default (Open edX: xmodule/modulestore/inheritance.py)."""
    if name in node.fields:
        return node.fields[name]
    field = fields_of(node.category).get(name)
    current = nodes.get(node.parent) if node.parent and field is not None and field.inheritable else None
    while current is not None:
        if name in current.fields:
            return current.fields[name]
        current = nodes.get(current.parent) if current.parent else None
    if name == "start":
        return UNSET_START
    return field.default if field is not None else None


def is_direct(category: str) -> bool:
    """Whether saving publishes it (Open edX: DIRECT_ONLY_CATEGORIES)."""
    known = spec(category)
    return known is not None and known.direct_only


def is_detached(category: str) -> bool:
    """Whether it has no parent."""
    known = spec(category)
    return known is not None and known.detached

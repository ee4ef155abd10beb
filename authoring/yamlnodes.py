"""YAML with positions: text in, entries out, each with the line it was written on; values typed by the
field registry.

YAML is composed into nodes and never constructed: the loader neither guesses types nor builds objects. A
plain scalar is read by the type of the field it is for, so that `display_name: No`, `number: 3.10` and
`start_time: 1:30` stay what their authors wrote. Where no field says the type (inside lists and mappings),
the core rules of YAML 1.2 hold.

Problems are Diagnostics; nothing here raises for any text. Aliases are counted as often as they are used,
so that a few lines cannot stand for gigabytes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath
from typing import Final, TypeAlias

import yaml
from lxml import etree

from authoring.diagnostics import Code, Diagnostics, Severity, define, suggest
from authoring.model import FieldValue, SourceLocation
from authoring.registry import FieldSpec, FieldType

try:
    from yaml import CBaseLoader as _Loader
except ImportError:  # libyaml is missing: the same nodes, slowly
    from yaml import BaseLoader as _Loader  # type: ignore[assignment]

MAX_NODES = 100_000
"""How many values one mapping may hold, aliases expanded."""

MAX_DEPTH = 50
"""How deep lists and mappings may nest."""

BROKEN_YAML = define(
    "broken-yaml",
    Severity.ERROR,
    "The text is not YAML, or not a mapping of keys to values.",
    "write `key: value` lines; put quotes around a value that holds `: ` or starts with a special character",
)
DUPLICATE_KEY = define(
    "duplicate-key",
    Severity.ERROR,
    "A key is written twice in one mapping.",
    "keep one of the two",
)
YAML_TOO_LARGE = define(
    "yaml-too-large",
    Severity.ERROR,
    "The YAML nests too deep or its aliases stand for too much.",
    "write it out flat, without aliases",
)
BAD_VALUE = define(
    "bad-value",
    Severity.ERROR,
    "A value is not of the kind that its key takes.",
    "see the list of fields in docs/course-folder.md",
)


class Invalid(Enum):
    """The type of `INVALID`."""

    INVALID = "invalid"


INVALID: Final = Invalid.INVALID
"""Stands for a value that could not be read; a Diagnostic says why."""

Read: TypeAlias = "FieldValue | Invalid"
"""A value, or `INVALID`."""

DateReader: TypeAlias = Callable[[str, str], str]
"""`(text, field name) -> ISO date in UTC`; raises ValueError with a message for the author."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a mapping and where its key stands."""

    key: str
    where: SourceLocation
    node: yaml.Node
    first_line: int = field(default=1, repr=False)
    """The line of the file on which the text began that this was composed from."""

    @property
    def scalar(self) -> str | None:
        """The text of a scalar, as written; None for lists and mappings."""
        return self.node.value if isinstance(self.node, yaml.ScalarNode) else None

    @property
    def plain(self) -> bool:
        """Whether it is a scalar without quotes."""
        return isinstance(self.node, yaml.ScalarNode) and not self.node.style


def parse_mapping(
    text: str, path: PurePosixPath, first_line: int, diagnostics: Diagnostics
) -> Mapping[str, Entry] | None:
    """The entries of a YAML mapping, in order; empty for blank text; None, reported, when it is not one.

    `first_line` is the line of the file on which `text` starts.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + (mark.line if mark else 0)
        what = (error.problem or error.context or "it cannot be read").strip()
        diagnostics.report(BROKEN_YAML, f"broken YAML: {what}", SourceLocation(path, line), _yaml_hint(what))
        return None
    except (yaml.YAMLError, ValueError) as error:
        line = first_line + _character_line(text, error)
        message = "broken YAML: a character that YAML does not allow"
        diagnostics.report(BROKEN_YAML, message, SourceLocation(path, line), "remove the control character")
        return None
    except RecursionError:
        diagnostics.report(YAML_TOO_LARGE, "the YAML nests too deep", SourceLocation(path, first_line))
        return None
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        if isinstance(node, yaml.ScalarNode) and node.value == "" and not node.style:
            return {}
        where = SourceLocation(path, first_line + node.start_mark.line)
        diagnostics.report(BROKEN_YAML, "expected `key: value` lines", where)
        return None
    return _entries(node, path, first_line, diagnostics)


def mapping_of(entry: Entry, diagnostics: Diagnostics) -> Mapping[str, Entry] | None:
    """The entries of a mapping inside a mapping; None, reported, when the value is not one."""
    if not isinstance(entry.node, yaml.MappingNode):
        diagnostics.report(BAD_VALUE, f"{entry.key!r} takes `key: value` lines", entry.where)
        return None
    return _entries(entry.node, entry.where.path, entry.first_line, diagnostics)


def items_of(entry: Entry, diagnostics: Diagnostics) -> Sequence[Entry] | None:
    """The items of a list, each an entry under the list's key; None, reported, when the value is not a
    list."""
    if not isinstance(entry.node, yaml.SequenceNode):
        diagnostics.report(BAD_VALUE, f"{entry.key!r} takes a list", entry.where, "write each item after `- `")
        return None
    path = entry.where.path
    return [
        Entry(
            entry.key,
            SourceLocation(path, entry.first_line + item.start_mark.line),
            item,
            entry.first_line,
        )
        for item in entry.node.value
    ]


def _entries(
    node: yaml.MappingNode, path: PurePosixPath, first_line: int, diagnostics: Diagnostics
) -> Mapping[str, Entry]:
    entries: dict[str, Entry] = {}
    for key_node, value_node in node.value:
        where = SourceLocation(path, first_line + key_node.start_mark.line)
        if not isinstance(key_node, yaml.ScalarNode):
            diagnostics.report(BROKEN_YAML, "a key must be a word", where)
            continue
        key = key_node.value
        if key in entries:
            first = entries[key].where.line
            diagnostics.report(DUPLICATE_KEY, f"{key!r} is written twice, first in line {first}", where)
            continue
        if value_node.tag not in _TAGS:
            diagnostics.report(BROKEN_YAML, f"{key!r}: tags such as {_short(value_node.tag)} are not read", where)
            continue
        entries[key] = Entry(key, where, value_node, first_line)
    return entries


def text_value(entry: Entry, diagnostics: Diagnostics) -> str | None:
    """The text of a scalar as written; None, reported, for a list or a mapping."""
    scalar = entry.scalar
    if scalar is None:
        diagnostics.report(BAD_VALUE, f"{entry.key!r} takes text", entry.where)
    return scalar


def field_value(entry: Entry, spec: FieldSpec, diagnostics: Diagnostics, read_date: DateReader) -> Read:
    """The value of a registry field, checked; `INVALID` when it is not one, with a Diagnostic."""
    value = _typed(entry, spec, diagnostics, read_date)
    if value is INVALID or value is None:
        return value
    if spec.values and value not in spec.values:
        known = [str(known) for known in spec.values]
        hint = suggest(str(value), known) or f"one of: {', '.join(known)}"
        message = f"{entry.key!r} cannot be {value!r}"
        diagnostics.report(BAD_VALUE, message, entry.where, hint)
        return INVALID
    if spec.minimum is not None and isinstance(value, int | float) and value < spec.minimum:
        diagnostics.report(BAD_VALUE, f"{entry.key!r} must be at least {spec.minimum:g}", entry.where)
        return INVALID
    return value


def plain_value(entry: Entry, diagnostics: Diagnostics) -> Read:
    """Any value as JSON would carry it; plain scalars by YAML 1.2's core rules (`No` is text, `null` is
    null)."""
    budget = _Budget()
    try:
        return budget.build(entry.node, 0)
    except _TooLargeError as error:
        diagnostics.report(YAML_TOO_LARGE, f"{entry.key!r}: {error}", entry.where)
    except _RefusedError as error:
        diagnostics.report(error.code, f"{entry.key!r}: {error}", entry.where)
    return INVALID


def _typed(entry: Entry, spec: FieldSpec, diagnostics: Diagnostics, read_date: DateReader) -> Read:
    if spec.type in (FieldType.LIST, FieldType.DICT):
        return _collection(entry, spec, diagnostics)
    text = entry.scalar
    if text is None:
        message = f"{entry.key!r} takes {_KINDS[spec.type]}, not a list or a mapping"
        diagnostics.report(BAD_VALUE, message, entry.where)
        return INVALID
    if entry.plain and (text in _NULLS or (text == "" and spec.type is not FieldType.STRING)):
        if spec.nullable:
            return None
        message = f"{entry.key!r} needs a value: {_KINDS[spec.type]}"
        diagnostics.report(BAD_VALUE, message, entry.where, "write a value, or leave the line out")
        return INVALID
    try:
        if spec.type is FieldType.DATE:
            return read_date(text.strip(), spec.name)
        return _SCALARS[spec.type](text)
    except ValueError as error:
        detail = str(error) or f"expected {_KINDS[spec.type]}"
        diagnostics.report(BAD_VALUE, f"{entry.key!r} cannot be {_short(text)}: {detail}", entry.where)
        return INVALID


def _collection(entry: Entry, spec: FieldSpec, diagnostics: Diagnostics) -> Read:
    value = plain_value(entry, diagnostics)
    if value is INVALID:
        return value
    if value is None or value == "":
        if spec.nullable:
            return None
    elif isinstance(value, list if spec.type is FieldType.LIST else dict):
        return value
    hint = "write each item after `- `" if spec.type is FieldType.LIST else "write indented `key: value` lines"
    diagnostics.report(BAD_VALUE, f"{entry.key!r} takes {_KINDS[spec.type]}", entry.where, hint)
    return INVALID


_TAGS = frozenset({"tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"})
"""What nodes without a tag have (`BaseLoader` resolves no scalar); any other tag was written."""

_NULLS = frozenset({"null", "Null", "NULL", "~"})
_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_TIMEDELTA = re.compile(r"(?:[0-9]+ days?)?(?: ?[0-9]+ hours?)?(?: ?[0-9]+ minutes?)?(?: ?[0-9]+ seconds?)?", re.ASCII)
_TIME = re.compile(r"(?:([0-9]{1,2}):)?([0-9]{1,2}):([0-9]{2})")

_KINDS = {
    FieldType.STRING: "text",
    FieldType.INTEGER: "a whole number",
    FieldType.FLOAT: "a number",
    FieldType.BOOLEAN: "true or false",
    FieldType.DATE: "a date",
    FieldType.TIMEDELTA: "a duration such as `2 days` or `1 hour 30 minutes`",
    FieldType.RELATIVE_TIME: "a time such as 00:01:30",
    FieldType.LIST: "a list",
    FieldType.DICT: "a mapping",
    FieldType.XML: "XML",
}


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text.strip()):
        raise ValueError
    return int(text)


def _float(text: str) -> float:
    number = float(text) if _FLOAT.fullmatch(text.strip()) else math.nan
    if not math.isfinite(number):
        raise ValueError
    return int(number) if number.is_integer() and "." not in text and "e" not in text.lower() else number


def _timedelta(text: str) -> str:
    words = " ".join(text.split())
    if not words or not _TIMEDELTA.fullmatch(words):
        raise ValueError
    return words


def _relative_time(text: str) -> str:
    """`HH:MM:SS`, at most 23:59:59 (Open edX: xblock/fields.py, RelativeTime); `M:SS` is read as well."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError("a time is at most 23:59:59")
    return f"{hours:02}:{minutes:02}:{seconds:02}"


def _xml(text: str) -> str:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"not XML: {error.msg}") from error
    return text


def _string(text: str) -> str:
    return text


_SCALARS: Mapping[FieldType, Callable[[str], FieldValue]] = {
    FieldType.STRING: _string,
    FieldType.INTEGER: _integer,
    FieldType.FLOAT: _float,
    FieldType.BOOLEAN: _boolean,
    FieldType.TIMEDELTA: _timedelta,
    FieldType.RELATIVE_TIME: _relative_time,
    FieldType.XML: _xml,
}


class _TooLargeError(Exception):
    """More than `MAX_NODES` or deeper than `MAX_DEPTH`."""


class _RefusedError(Exception):
    """What JSON cannot carry: an odd key, one written twice, a tag."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Budget:
    """Builds plain values and counts what it has built."""

    def __init__(self) -> None:
        self.nodes = 0

    def build(self, node: yaml.Node, depth: int) -> FieldValue:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _TooLargeError(f"more than {MAX_NODES:,} values")
        if depth > MAX_DEPTH:
            raise _TooLargeError(f"nested deeper than {MAX_DEPTH}")
        if node.tag not in _TAGS:
            raise _RefusedError(BROKEN_YAML, f"tags such as {_short(node.tag)} are not read")
        if isinstance(node, yaml.ScalarNode):
            return node.value if node.style else _core_scalar(node.value)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, depth + 1) for item in node.value]
        values: dict[str, FieldValue] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _RefusedError(BROKEN_YAML, "a key must be a word")
            if key_node.value in values:
                raise _RefusedError(DUPLICATE_KEY, f"{key_node.value!r} is written twice")
            values[key_node.value] = self.build(value_node, depth + 1)
        return values


def _core_scalar(text: str) -> FieldValue:
    """A plain scalar by the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema)."""
    if text == "" or text in _NULLS:
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")


def _yaml_hint(problem: str) -> str | None:
    if "mapping values are not allowed" in problem:
        return "put quotes around a value that holds a colon and a space"
    if "cannot start any token" in problem:
        return "indent with spaces, not tabs; put quotes around a value that starts with a special character"
    return None


def _character_line(text: str, error: Exception) -> int:
    """How many lines precede the character that a yaml.reader.ReaderError is about."""
    position = getattr(error, "position", 0)
    return text.count("\n", 0, position) if isinstance(position, int) else 0

"""Short constructors in which the tables are written: one call is one field.

In: a field's name, a sentence for authors, its default and whatever is not usual about it. Out:
:class:`FieldSpec` values, joined by :func:`table` into the mapping that a `CategorySpec` holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypedDict, Unpack

from authoring.model import FieldValue
from authoring.registry.spec import FieldSpec, FieldType, Scope

CONTENT = Scope.CONTENT
ELSEWHERE = ""
"""`FieldSpec.olx` of a field that OLX keeps in the body, a child element or a policy file."""

# Plain JSON values, so that a default compares equal to what a reader finds and can be written as it is.
EMPTY_LIST: Sequence[FieldValue] = []
EMPTY_DICT: Mapping[str, FieldValue] = {}


class Options(TypedDict, total=False):
    """What a field may have besides name, help and default; see :class:`FieldSpec`."""

    scope: Scope
    inheritable: bool
    values: tuple[FieldValue, ...]
    minimum: float | None
    nullable: bool
    api: bool
    olx: str | None
    authored: bool
    sample: bool


def string(name: str, text: str, default: FieldValue = None, **options: Unpack[Options]) -> FieldSpec:
    return FieldSpec(name, FieldType.STRING, default, help=text, **options)


def integer(name: str, text: str, default: FieldValue = None, **options: Unpack[Options]) -> FieldSpec:
    return FieldSpec(name, FieldType.INTEGER, default, help=text, **options)


def number(name: str, text: str, default: FieldValue = None, **options: Unpack[Options]) -> FieldSpec:
    return FieldSpec(name, FieldType.FLOAT, default, help=text, **options)


def boolean(name: str, text: str, default: FieldValue = False, **options: Unpack[Options]) -> FieldSpec:
    """XBlock reads null as false: no explicit null is kept (XBlock: xblock/fields.py, Boolean.from_json)."""
    options.setdefault("nullable", False)
    return FieldSpec(name, FieldType.BOOLEAN, default, help=text, **options)


def date(name: str, text: str, default: FieldValue = None, **options: Unpack[Options]) -> FieldSpec:
    return FieldSpec(name, FieldType.DATE, default, help=text, **options)


def timedelta(name: str, text: str, default: FieldValue = None, **options: Unpack[Options]) -> FieldSpec:
    return FieldSpec(name, FieldType.TIMEDELTA, default, help=text, **options)


def relative_time(name: str, text: str, default: FieldValue = "00:00:00", **options: Unpack[Options]) -> FieldSpec:
    """XBlock reads null as 00:00:00 (XBlock: xblock/fields.py, RelativeTime.from_json)."""
    options.setdefault("nullable", False)
    return FieldSpec(name, FieldType.RELATIVE_TIME, default, help=text, **options)


def sequence(name: str, text: str, default: FieldValue = EMPTY_LIST, **options: Unpack[Options]) -> FieldSpec:
    return FieldSpec(name, FieldType.LIST, default, help=text, **options)


def mapping(name: str, text: str, default: FieldValue = EMPTY_DICT, **options: Unpack[Options]) -> FieldSpec:
    return FieldSpec(name, FieldType.DICT, default, help=text, **options)


def xml(name: str, text: str, default: FieldValue = None, **options: Unpack[Options]) -> FieldSpec:
    return FieldSpec(name, FieldType.XML, default, help=text, **options)


def table(*specs: FieldSpec) -> Mapping[str, FieldSpec]:
    """`{name: spec}` in the order given. Raises ValueError when a name comes twice."""
    fields: dict[str, FieldSpec] = {}
    for spec in specs:
        if spec.name in fields:
            raise ValueError(f"field described twice: {spec.name}")
        fields[spec.name] = spec
    return MappingProxyType(fields)


def display_name(default: FieldValue, **options: Unpack[Options]) -> FieldSpec:
    """`display_name` with the default of a class."""
    return string("display_name", "The title shown to learners.", default, **options)

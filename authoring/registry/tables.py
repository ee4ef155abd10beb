"""The whole registry in one mapping, and the questions that are asked of it.

The descriptions are in :mod:`common` (every block), :mod:`course`, :mod:`containers`, :mod:`leaves_xml`,
:mod:`leaves_pure` and :mod:`leaves_outside`; here they are joined.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from authoring.registry.common import MIXED_IN
from authoring.registry.containers import CONTAINERS
from authoring.registry.course import COURSE
from authoring.registry.leaves_outside import OUTSIDE_LEAVES
from authoring.registry.leaves_pure import PURE_LEAVES
from authoring.registry.leaves_xml import XML_LEAVES
from authoring.registry.spec import CategorySpec, FieldSpec

_CATEGORIES: Mapping[str, CategorySpec] = MappingProxyType(
    {spec.name: spec for spec in (COURSE, *CONTAINERS, *XML_LEAVES, *PURE_LEAVES, *OUTSIDE_LEAVES)}
)


def categories() -> Mapping[str, CategorySpec]:
    """Every known category by name: the outline from the top, then the other containers, then the leaves."""
    return _CATEGORIES


def spec(category: str) -> CategorySpec | None:
    """The description of a category, or None when nobody here knows it."""
    return _CATEGORIES.get(category)


def fields_of(category: str) -> Mapping[str, FieldSpec]:
    """`{name: FieldSpec}`: the category's own fields, then those mixed into every block.

    An own field takes the place of the mixed-in one of that name. For a category that nobody here knows: only
    the mixed-in ones.
    """
    known = _CATEGORIES.get(category)
    return _fields_of(category) if known else MIXED_IN


@cache
def _fields_of(category: str) -> Mapping[str, FieldSpec]:
    own = _CATEGORIES[category].own_fields
    return MappingProxyType({**own, **{name: field for name, field in MIXED_IN.items() if name not in own}})


def field_spec(category: str, name: str) -> FieldSpec | None:
    """One field of a category, own or mixed in; None when it has no such field."""
    return fields_of(category).get(name)

"""Every category and field the platform has, described once.

Reader, OLX codec, checks, planner, sandbox, preview and the JSON Schemas read this one table. It is checked
against the real XBlock classes by a test (tests/real). Sources: Open edX's own code, see docs/platform.md.

    spec(category)           -> CategorySpec | None        None for a category nobody here knows
    fields_of(category)      -> {name: FieldSpec}          own fields and those mixed into every block
    field_spec(category, n)  -> FieldSpec | None
    canonical_category(word), canonical_field(category, word)      the authors' words: section, title, youtube
"""

from __future__ import annotations

from authoring.registry.aliases import canonical_category, canonical_field, field_aliases
from authoring.registry.spec import CategorySpec, Family, FieldSpec, FieldType, Scope
from authoring.registry.tables import categories, field_spec, fields_of, spec

__all__ = [
    "CategorySpec",
    "Family",
    "FieldSpec",
    "FieldType",
    "Scope",
    "canonical_category",
    "canonical_field",
    "categories",
    "field_aliases",
    "field_spec",
    "fields_of",
    "spec",
]

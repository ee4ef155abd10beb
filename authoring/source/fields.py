"""Front matter, folder settings and directive options to the fields of a block, by the registry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from authoring.diagnostics import Diagnostics, Severity, define, suggest
from authoring.model import FieldValue
from authoring.registry import field_aliases, fields_of
from authoring.source.names import MAX_ID_LENGTH, is_id
from authoring.yamlnodes import DUPLICATE_KEY, INVALID, DateReader, Entry, field_value, text_value

UNKNOWN_KEY = define(
    "unknown-key",
    Severity.ERROR,
    "A key that nothing here takes.",
    "see the list of fields in docs/course-folder.md",
)
BAD_ID = define(
    "bad-id",
    Severity.ERROR,
    "An id with characters that the platform does not take, or one that is too long.",
    f"use letters, digits, `-`, `_`, `~` and `.`, at most {MAX_ID_LENGTH} characters",
)


def read_fields(
    entries: Mapping[str, Entry],
    category: str,
    diagnostics: Diagnostics,
    read_date: DateReader,
    *,
    own_keys: Iterable[str] = ("id",),
) -> dict[str, FieldValue]:
    """The fields that `entries` set, typed and checked; what is not a field of the category is reported.

    `own_keys` are keys that the caller reads itself.
    """
    specs = fields_of(category)
    aliases = field_aliases(category)
    own = frozenset(own_keys)
    fields: dict[str, FieldValue] = {}
    for key, entry in entries.items():
        if key in own:
            continue
        name = aliases.get(key, key)
        spec = specs.get(name)
        if spec is None or not spec.authored:
            known = [*(n for n, s in specs.items() if s.authored), *aliases, *own]
            hint = suggest(key, known)
            if spec is not None:
                hint = "the platform keeps this one itself; remove it"
            diagnostics.report(UNKNOWN_KEY, f"{key!r} is not a key of a {category}", entry.where, hint)
            continue
        if name != key and name in entries:
            diagnostics.report(DUPLICATE_KEY, f"{key!r} and {name!r} are one field; keep one", entry.where)
            continue
        value = field_value(entry, spec, diagnostics, read_date)
        if value is not INVALID:
            fields[name] = value
    return fields


def read_id(entries: Mapping[str, Entry], diagnostics: Diagnostics) -> str | None:
    """The `id` that an author set, or None; a bad one is reported."""
    entry = entries.get("id")
    if entry is None:
        return None
    text = text_value(entry, diagnostics)
    if text is None:
        return None
    if not is_id(text):
        diagnostics.report(BAD_ID, f"{text[:80]!r} cannot be an id", entry.where)
        return None
    return text

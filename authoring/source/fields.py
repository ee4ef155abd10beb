"""Front matter, folder settings and directive options to the fields of a block, by the registry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from authoring.diagnostics import Diagnostics, Severity, define, suggest
from authoring.model import Block, Extra, FieldValue
from authoring.registry import field_aliases, fields_of, spec
from authoring.source.names import MAX_ID_LENGTH, is_id
from authoring.yamlnodes import (
    DUPLICATE_KEY,
    INVALID,
    DateReader,
    Entry,
    field_value,
    mapping_of,
    plain_value,
    text_value,
)

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
    own = frozenset((*own_keys, KEPT_KEY))
    fields: dict[str, FieldValue] = {}
    for key, entry in entries.items():
        if key in own:
            continue
        name = aliases.get(key, key)
        field_spec = specs.get(name)
        if field_spec is None or not field_spec.authored:
            known = [*(n for n, s in specs.items() if s.authored), *aliases, *own]
            hint = suggest(key, known)
            if field_spec is not None:
                hint = "the platform keeps this one itself; remove it"
            diagnostics.report(UNKNOWN_KEY, f"{key!r} is not a key of a {category}", entry.where, hint)
            continue
        if name != key and name in entries:
            diagnostics.report(DUPLICATE_KEY, f"{key!r} and {name!r} are one field; keep one", entry.where)
            continue
        value = field_value(entry, field_spec, diagnostics, read_date)
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


KEPT_KEY = "olx"
"""The key under which settings, front matter and options hold what only OLX can say."""

_KEPT_KEYS = ("attributes", "elements", "fields", "unset")


@dataclass(frozen=True, slots=True)
class Kept:
    """What stands under `olx:`; an importer writes it, so that nothing of a package is lost.

    `fields` are values that no key of the folder can say (the platform's own bookkeeping, an explicit null of a text),
    `unset` names fields that stay unset although the folder would fill them in.
    """

    extra: Extra = field(default_factory=Extra)
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    unset: tuple[str, ...] = ()

    def apply(self, block: Block) -> Block:
        """The block with all that."""
        if not (self.extra or self.fields or self.unset):
            return block
        fields = {name: value for name, value in block.fields.items() if name not in self.unset}
        return replace(block, fields={**fields, **self.fields}, extra=self.extra)


def read_kept(entries: Mapping[str, Entry], category: str, diagnostics: Diagnostics) -> Kept:
    """What stands under `olx:` of a block of this category; what does not belong there is reported."""
    entry = entries.get(KEPT_KEY)
    found = mapping_of(entry, diagnostics) if entry is not None else None
    if not found:
        return Kept()
    parts: dict[str, FieldValue] = {}
    for key, item in found.items():
        if key not in (*_KEPT_KEYS, "policies"):
            diagnostics.report(UNKNOWN_KEY, f"{key!r} is not a key of 'olx'", item.where, suggest(key, _KEPT_KEYS))
            continue
        value = plain_value(item, diagnostics)
        if value is not INVALID:
            parts[key] = value
    attributes, elements, fields, unset = (parts.get(key) for key in _KEPT_KEYS)
    specs = fields_of(category)
    known = {}
    for name, value in (fields if isinstance(fields, dict) else {}).items():
        if name in specs or spec(category) is None:
            known[name] = value
        else:
            assert entry is not None
            diagnostics.report(UNKNOWN_KEY, f"a {category} has no field {name!r}", entry.where, suggest(name, specs))
    texts = {name: str(value) for name, value in attributes.items()} if isinstance(attributes, dict) else {}
    return Kept(Extra(texts, _texts(elements)), known, _texts(unset))


def _texts(value: FieldValue) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()

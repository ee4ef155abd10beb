"""Rules about drag-and-drop exercises: every item has a place to go, and everything has words.

Source: xblock-drag-and-drop-v2: drag_and_drop_v2/{drag_and_drop_v2,utils}.py. Its Studio editor asks for the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from authoring.diagnostics import Code, Diagnostic, Severity, define, suggest
from authoring.model import Block, Course, FieldValue

UNKNOWN_ZONE = define(
    "unknown-zone",
    Severity.ERROR,
    "An item of a drag-and-drop exercise belongs to a zone that is not there: nobody can place it.",
    "name a `uid` of `zones`, or leave `zones` of a decoy empty",
)
NAMELESS_ZONE = define(
    "nameless-zone",
    Severity.WARNING,
    "A zone of a drag-and-drop exercise has no title; those who cannot see it are told nothing else.",
    "give it a `title`; it stands in the picture only with `displayLabels: true`",
)
NAMELESS_ITEM = define(
    "nameless-item",
    Severity.WARNING,
    "An item of a drag-and-drop exercise has no words: neither its text nor a description of its picture.",
    "give it a `displayName`, or an `imageDescription` beside its `imageURL`",
)

CATEGORY = "drag-and-drop-v2"


def drag_and_drop_can_be_solved(course: Course) -> Iterator[Diagnostic]:
    """Items go into zones that exist; zones, items and pictures have words."""
    for block in course.root.walk():
        data = block.fields.get("data")
        if block.category == CATEGORY and isinstance(data, Mapping):
            zones, items = _rows(data.get("zones")), _rows(data.get("items"))
            yield from _zones(block, zones)
            yield from _items(block, items, [_uid(zone) for zone in zones])


def _zones(block: Block, zones: Sequence[Mapping[str, FieldValue]]) -> Iterator[Diagnostic]:
    for number, zone in enumerate(zones, start=1):
        if not _words(zone.get("title")):
            name = repr(_uid(zone)) if zone.get("uid") else f"no. {number}"
            yield _finding(NAMELESS_ZONE, f"the zone {name} has no title", block)


def _items(block: Block, items: Sequence[Mapping[str, FieldValue]], known: Sequence[str]) -> Iterator[Diagnostic]:
    for number, item in enumerate(items, start=1):
        words = _words(item.get("displayName")) or _words(item.get("imageDescription"))
        if not words:
            yield _finding(NAMELESS_ITEM, f"the item no. {number} has neither text nor a description", block)
        for zone in _zones_of(item):
            if zone not in known:
                which = repr(words[:60]) if words else f"no. {number}"
                message = f"the item {which} belongs to the zone {zone!r}, which is not there"
                yield _finding(UNKNOWN_ZONE, message, block, suggest(zone, known))


def _zones_of(item: Mapping[str, FieldValue]) -> Sequence[str]:
    """Older exercises name one zone, or "none" for a decoy."""
    zones = item.get("zones")
    if isinstance(zones, list | tuple):
        return [str(zone) for zone in zones]
    zone = item.get("zone")
    return [zone] if isinstance(zone, str) and zone not in ("", "none") else []


def _uid(zone: Mapping[str, FieldValue]) -> str:
    """Older exercises tell zones apart by their titles."""
    return str(zone["uid"] if "uid" in zone else zone.get("title"))


def _rows(value: FieldValue) -> Sequence[Mapping[str, FieldValue]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list | tuple) else []


def _words(value: FieldValue) -> str:
    return value.strip() if isinstance(value, str) else ""


def _finding(code: Code, message: str, block: Block, hint: str | None = None) -> Diagnostic:
    return Diagnostic(code, message, block.source, hint or code.remedy, code.severity)

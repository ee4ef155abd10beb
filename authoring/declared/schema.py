"""The JSON Schema (draft 2020-12) of `platform.yaml`, made from the tables of kinds. Editors use it; the reader has the last word."""

from __future__ import annotations

import json
from pathlib import Path

from authoring.declared.fields import ITEMS
from authoring.declared.kinds import KINDS, LIST_KINDS, TENANT_KIND, Field, Kind, Type
from authoring.schemas import DIALECT, Schema

NAME = r"^[\w.-]{1,100}$"
VARIABLE = r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$"
_TEXT: Schema = {"type": ["string", "number", "boolean"]}
"""A scalar is read by its field's type: `name: 2027` is a name."""
_SHAPES: dict[Type, Schema] = {
    Type.TEXT: _TEXT,
    Type.INTEGER: {"type": "integer", "minimum": 0},
    Type.TRUTH: {"enum": [True, False, "yes", "no", "on", "off"]},
    Type.MAPPING: {"type": "object"},
    Type.TEXTS: {"type": "array", "items": _TEXT},
    Type.SECRET: {"type": "string", "pattern": VARIABLE},
    Type.FILE: {"type": "string"},
    Type.REF: {"type": "string"},
    Type.REFS: {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
    Type.COURSE: {"type": "string"},
    Type.COURSES: {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
    Type.PATH: {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in ITEMS},
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
        },
    },
}


def platform_schema() -> Schema:
    """Of a `platform.yaml`."""
    sections: Schema = {TENANT_KIND.section: _described(TENANT_KIND, _row(TENANT_KIND))}
    for kind in KINDS.values():
        rows = {
            "type": ["object", "null"],
            "propertyNames": {"pattern": NAME},
            "additionalProperties": _row(kind),
        }
        sections[kind.section] = _described(kind, rows)
    for kind in LIST_KINDS:
        sections[kind.section] = _described(kind, {"type": "array", "items": _row(kind)})
    return {
        "$schema": DIALECT,
        "$id": "platform.schema.json",
        "title": "The platform beside the course",
        "type": "object",
        "properties": sections,
        "additionalProperties": False,
    }


def _described(kind: Kind, schema: Schema) -> Schema:
    return {"title": kind.title, "description": kind.text, **schema}


def _row(kind: Kind) -> Schema:
    required = [one.name for one in kind.fields if one.required]
    return {
        "type": "object" if required else ["object", "null"],
        "properties": {one.name: _field(one) for one in kind.fields},
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def _field(field: Field) -> Schema:
    shape = {"enum": list(field.values)} if field.values else _SHAPES[field.type]
    return {"description": field.text, **shape}


def write_platform_schema(directory: Path) -> Path:
    """Write it below `directory`; the file."""
    path = directory / "platform.schema.json"
    path.write_text(json.dumps(platform_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path

"""JSON Schemas (draft 2020-12) of what authors write in YAML, made from the field registry.

In: the registry. Out: one schema for `course.yaml`, for the settings of a section, a subsection and a page,
for the front matter of a unit, and for the options of each directive. Editors use them for completion and for
checks while one types; the reader of the course folder has the last word and says more.

YAML scalars are read by the field's type (docs/course-folder.md), so a text field takes what an editor sees
as a number or a boolean: `title: 2027` is a title.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from authoring.model import COURSE_UPDATE, NO_ROLE, ROLES
from authoring.registry import CategorySpec, FieldSpec, FieldType, categories, field_aliases, fields_of

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, or a part of one."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_URL_NAME_PATTERN = r"^[\w\-~.]+$"
_DATE_PATTERN = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|[+-]\d{2}:?\d{2}))?)?$"
_CLOCK = r"( +\d{1,2}:\d{2}(:\d{2})?)?"
_DAY = r"[Mm]on(day)?|[Tt]ue(sday)?|[Ww]ed(nesday)?|[Tt]hu(rsday)?|[Ff]ri(day)?|[Ss]at(urday)?|[Ss]un(day)?"
_RELATIVE_DATE_PATTERN = (
    rf"^([Ww]eek +\d{{1,4}}( +({_DAY}))?|([Ss]tart *)?[+-] *\d{{1,5}} *(days?|weeks?)|[Ss]tart){_CLOCK}$"
)
_TIMEDELTA_PATTERN = r"^\d+ (day|hour|minute|second)s?( \d+ (day|hour|minute|second)s?)*$"
_RELATIVE_TIME_PATTERN = r"^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$"
_GRACE_PERIOD_PATTERN = r"^\d+:[0-5]\d$"
_PERCENT_PATTERN = r"^\d+(\.\d+)?%$"
_ENVIRONMENT_NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"

_TEXT = ["string", "number", "boolean"]
_BOOLEANS = [True, False, "yes", "no", "on", "off"]
"""A Boolean field takes YAML 1.1's words too; an editor that reads YAML 1.2 sees them as text."""

_ID: Schema = {
    "title": "Id",
    "description": "The url_name. It names the block for good. Left out, the file or folder names it.",
    "type": "string",
    "pattern": _URL_NAME_PATTERN,
}
_CHILDREN: Schema = {
    "title": "Order",
    "description": "The files and folders inside, in order, each once. Left out, number prefixes decide.",
    "type": "array",
    "items": {"type": "string"},
    "uniqueItems": True,
}


def course_schema() -> Schema:
    """Of `course.yaml`: who the course is, its settings, its grading policy and its LTI passports."""
    fields = _field_properties("course")
    properties: Schema = {
        "org": _identifier("Organization", "Who gives the course; part of its key, which never changes."),
        "number": _identifier("Course number", "Such as `DS101`; part of its key, which never changes."),
        "run": _identifier("Run", "Such as `2027_T1`; part of its key, which never changes."),
        "timezone": {
            "title": "Time zone",
            "description": "The time zone of dates that name none, such as `Europe/Madrid`.",
            "type": "string",
            "default": "UTC",
        },
        "holidays": _holidays_schema(),
        "grading": _grading_schema(),
        "lti_passports": _passports_schema(),
        "team": {
            "title": "Team",
            "description": "Who works on the course, by e-mail address; `none` for who shall not. Nobody else is spoken of.",
            "type": "object",
            "additionalProperties": {"enum": [*ROLES, NO_ROLE]},
        },
        "checks": {
            "title": "Checks",
            "description": "How grave this course takes each kind of finding; codes are listed in docs/diagnostics.md.",
            "type": "object",
            "additionalProperties": {"enum": ["off", "info", "warning", "error"]},
        },
        "children": _CHILDREN,
        "settings": {
            "title": "Settings",
            "description": "Any course setting; the same as writing it at the top level.",
            "type": "object",
            "properties": {name: {"$ref": f"#/properties/{name}"} for name in fields},
            "additionalProperties": False,
        },
        **fields,
    }
    return _document("course", "Course", properties, field_aliases("course"), required=("org", "number", "run"))


def run_schema() -> Schema:
    """Of `runs/RUN.yaml`: the settings of one run, and fields of single blocks."""
    course = course_schema()
    fixed = ("org", "number", "children", "checks")
    properties = {name: schema for name, schema in course["properties"].items() if name not in fixed}
    properties["blocks"] = {
        "title": "Blocks",
        "description": "Fields that single blocks have in this run: by file or folder, or by category/url_name.",
        "type": "object",
        "additionalProperties": {"type": "object"},
    }
    return _document("run", "Run", properties, field_aliases("course"))


def section_schema() -> Schema:
    """Of `section.yaml`."""
    return _settings_document("section", "chapter", {"id": _ID, "children": _CHILDREN})


def subsection_schema() -> Schema:
    """Of `subsection.yaml`."""
    return _settings_document("subsection", "sequential", {"id": _ID, "children": _CHILDREN})


def unit_schema() -> Schema:
    """Of the front matter of a unit."""
    return _settings_document("unit", "vertical", {"id": _ID})


def page_schema() -> Schema:
    """Of the front matter of a page below `pages/`."""
    return _settings_document("page", "static_tab", {"id": _ID})


def update_schema() -> Schema:
    """Of the front matter of a file below `updates/`."""
    return _settings_document("update", COURSE_UPDATE, {"id": _ID})


def directive_schema(category: str) -> Schema:
    """Of the options of a directive. Raises KeyError when the registry does not know the category."""
    return _settings_document(f"directives/{category}", category, {"id": _ID, **_conveniences(categories()[category])})


def write_schemas(directory: Path) -> tuple[Path, ...]:
    """Write every schema below `directory`, the same text each time; the files, in order."""
    schemas = [course_schema(), run_schema(), section_schema(), subsection_schema(), unit_schema(), page_schema()]
    schemas.append(update_schema())
    schemas += [directive_schema(name) for name, spec in categories().items() if _is_component(spec)]
    written = []
    for schema in schemas:
        path = directory / schema["$id"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        written.append(path)
    return tuple(written)


def _is_component(spec: CategorySpec) -> bool:
    """Whether a unit may hold it: not the levels of the outline, not what stands beside the outline."""
    return not spec.detached and not spec.direct_only


# Parts


def _settings_document(name: str, category: str, further: Mapping[str, Schema]) -> Schema:
    spec = categories()[category]
    properties = {**further, **_field_properties(category)}
    title = spec.title[:1].upper() + spec.title[1:]
    return _document(name, title, properties, field_aliases(category), description=spec.help)


def _document(
    name: str,
    title: str,
    properties: Mapping[str, Schema],
    aliases: Mapping[str, str],
    *,
    description: str | None = None,
    required: Iterable[str] = (),
) -> Schema:
    """A whole schema. An alias and the name it stands for exclude each other."""
    document: Schema = {"$schema": DIALECT, "$id": f"{name}.schema.json", "title": title}
    if description:
        document["description"] = description
    document |= {"type": "object", "properties": dict(properties), "additionalProperties": False}
    if names := list(required):
        document["required"] = names
    clashes = [{"not": {"required": [alias, field]}} for alias, field in aliases.items() if alias in properties]
    if clashes:
        document["allOf"] = clashes
    return document


def _field_properties(category: str) -> dict[str, Schema]:
    """The fields that authors set, own ones first, each alias after the field that it stands for."""
    aliases = field_aliases(category)
    properties: dict[str, Schema] = {}
    for name, spec in fields_of(category).items():
        if not spec.authored:
            continue
        properties[name] = _field_schema(spec)
        for alias in (alias for alias, field in aliases.items() if field == name):
            properties[alias] = _field_schema(spec) | {"title": _words(alias)}
    return properties


def _field_schema(spec: FieldSpec) -> Schema:
    schema: Schema = {"title": _words(spec.name), "description": spec.help}
    schema |= _value_schema(spec)
    if spec.default is not None and not spec.sample:
        schema["default"] = spec.default
    return schema


def _value_schema(spec: FieldSpec) -> Schema:
    """What the field takes, null included where the platform keeps one."""
    if spec.values:
        return {"enum": [*spec.values, None] if spec.nullable and None not in spec.values else [*spec.values]}
    match spec.type:
        case FieldType.BOOLEAN:
            return {"enum": [*_BOOLEANS]}
        case FieldType.STRING | FieldType.XML:
            kinds, rest = [*_TEXT], {}
        case FieldType.INTEGER:
            kinds, rest = ["integer"], _minimum(spec)
        case FieldType.FLOAT:
            kinds, rest = ["number"], _minimum(spec)
        case FieldType.DATE:
            kinds, rest = ["string"], {"pattern": f"{_DATE_PATTERN}|{_RELATIVE_DATE_PATTERN}"}
        case FieldType.TIMEDELTA:
            kinds, rest = ["string"], {"pattern": _TIMEDELTA_PATTERN}
        case FieldType.RELATIVE_TIME:
            kinds, rest = ["string"], {"pattern": _RELATIVE_TIME_PATTERN}
        case FieldType.LIST:
            kinds, rest = ["array"], {}
        case FieldType.DICT:
            kinds, rest = ["object"], {}
    if spec.nullable:
        kinds.append("null")
    return {"type": kinds[0] if len(kinds) == 1 else kinds, **rest}


def _minimum(spec: FieldSpec) -> Schema:
    return {} if spec.minimum is None else {"minimum": spec.minimum}


def _conveniences(spec: CategorySpec) -> dict[str, Schema]:
    """Options of a directive that are no fields."""
    if spec.package:
        return {
            "file": {
                "title": "Package",
                "description": "The package: a path from this file to the zip.",
                "type": "string",
            }
        }
    if spec.name == "pdf":
        return {
            "file": {
                "title": "File",
                "description": "The PDF: a path from this file to one below static/.",
                "type": "string",
            }
        }
    if spec.name == "problem":
        return {"tests": _problem_tests_schema()}
    return {}


def _problem_tests_schema() -> Schema:
    typed: Schema = {"type": ["string", "number", "boolean", "null"]}
    entry: Schema = {"anyOf": [typed, {"type": "array", "items": typed}]}
    answer: Schema = {
        "description": "A choice's text, a number or a text; a list of choices; or a list with one entry per question.",
        "anyOf": [typed, {"type": "array", "items": entry}],
    }
    score: Schema = {"description": "The fraction of the problem's points.", "type": "number"}
    return {
        "title": "Tests",
        "description": "Which answers must score what; `authoring test` proves it. Never sent to the platform.",
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"answer": answer, "score": {**score, "minimum": 0, "maximum": 1}},
            "required": ["answer", "score"],
            "additionalProperties": False,
        },
    }


def _grading_schema() -> Schema:
    weight = {
        "anyOf": [
            {"type": "number", "minimum": 0, "maximum": 1},
            {"type": "string", "pattern": _PERCENT_PATTERN},
        ]
    }
    return {
        "title": "Grading policy",
        "description": "What counts how much, and which total is a pass.",
        "type": "object",
        "properties": {
            "assignment_types": {
                "title": "Assignment types",
                "description": "The kinds of graded work. A subsection names one of them as its `format`.",
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "type": {"description": "The name, such as `Homework`.", "type": "string"},
                        "short_label": {
                            "description": "An abbreviation for the progress page.",
                            "type": "string",
                        },
                        "weight": {"description": "The share of the total: 0.15 or `15%`.", **weight},
                        "min_count": {
                            "description": "How many subsections of this type the course has.",
                            "type": "integer",
                            "minimum": 1,
                            "default": 1,
                        },
                        "drop_count": {
                            "description": "How many of the worst do not count.",
                            "type": "integer",
                            "minimum": 0,
                            "default": 0,
                        },
                    },
                    "required": ["type", "weight"],
                    "additionalProperties": False,
                },
            },
            "cutoffs": {
                "title": "Grades",
                "description": "The least total of each grade, as a fraction: `Pass: 0.5`, or letters.",
                "type": "object",
                "minProperties": 1,
                "additionalProperties": {
                    "type": ["number", "string"],
                    "minimum": 0,
                    "maximum": 1,
                    "pattern": r"^\d+(\.\d+)?\s*%$",
                },
            },
            "grace_period": {
                "title": "Grace period",
                "description": "How long after a due date work is still taken, as `HH:MM`.",
                "type": "string",
                "pattern": _GRACE_PERIOD_PATTERN,
            },
        },
        "additionalProperties": False,
    }


def _holidays_schema() -> Schema:
    days: Schema = {
        "description": "One day, or the first and the last: `2027-03-22 to 2027-04-04`.",
        "type": "string",
        "pattern": r"^\d{4}-\d{2}-\d{2}( +(to|until|-) +\d{4}-\d{2}-\d{2})?$",
    }
    due: Schema = {
        "description": "What becomes of a relative `due` on it: the next free day; the last one before; kept, with a warning.",
        "enum": ["after", "before", "keep"],
        "default": "after",
    }
    more: Schema = {
        "type": "object",
        "properties": {"days": days, "due": due},
        "required": ["days"],
        "additionalProperties": False,
    }
    return {
        "title": "Holidays",
        "description": "Days on which nothing should be due. A week off does not count for dates such as `week 3`.",
        "type": "object",
        "additionalProperties": {"anyOf": [days, more]},
    }


def _passports_schema() -> Schema:
    def variable(what: str) -> Schema:
        return {
            "description": f"The environment variable that holds the {what} when the course is pushed.",
            "type": "string",
            "pattern": _ENVIRONMENT_NAME_PATTERN,
        }

    return {
        "title": "LTI passports",
        "description": "LTI 1.1 tools by name. The secrets are never written here.",
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": {"key_env": variable("client key"), "secret_env": variable("client secret")},
            "required": ["key_env", "secret_env"],
            "additionalProperties": False,
        },
    }


def _identifier(title: str, description: str) -> Schema:
    # A run such as 2027 is a number to an editor.
    return {"title": title, "description": description, "type": ["string", "integer"]}


def _words(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]

"""One field of a declaration, from YAML to a value.

Comes in: an `Entry` and what the field takes. Goes out: a `Value`, or None, reported.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from authoring.declared.courses import Courses
from authoring.declared.kinds import Field, Type
from authoring.declared.model import FileRef, Ref, Value, Variable
from authoring.diagnostics import Diagnostics, suggest
from authoring.errors import SourceError
from authoring.yamlnodes import BAD_VALUE, INVALID, Entry, items_of, mapping_of, plain_value, text_value

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_WHOLE = re.compile(r"[0-9]{1,18}")
_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
ITEMS = ("course", "program", "resource", "pathway")
"""What an item of a pathway can be."""


class FieldReader:
    """Reads the fields of one file; paths count from `folder`."""

    def __init__(self, folder: Path, courses: Courses, findings: Diagnostics) -> None:
        self.folder = folder
        self._courses = courses
        self._findings = findings

    def read(self, field: Field, entry: Entry) -> Value:
        """The value of a field; None, reported, when it is not one."""
        match field.type:
            case Type.TEXT:
                return self._text(entry, field.values)
            case Type.INTEGER:
                text = self._text(entry)
                if text is not None and not _WHOLE.fullmatch(text):
                    self._wrong(entry, f"{text[:40]!r} is not a whole number")
                    return None
                return int(text) if text is not None else None
            case Type.TRUTH:
                text = self._text(entry)
                if text is not None and text.lower() not in _TRUTHS:
                    self._wrong(entry, f"{text[:40]!r} is neither true nor false")
                    return None
                return _TRUTHS[text.lower()] if text is not None else None
            case Type.SECRET:
                return self._secret(entry)
            case Type.FILE:
                return self._file(entry)
            case Type.COURSE:
                return self._course(entry)
            case Type.REF:
                text = self._text(entry)
                return Ref(f"{field.refers}/{text}", field.attribute) if text is not None else None
            case Type.MAPPING:
                return self._mapping(entry)
            case _:
                return self._items(field, entry)

    def _items(self, field: Field, entry: Entry) -> Value:
        items = items_of(entry, self._findings)
        if items is None:
            return None
        found: list[Value] = []
        for item in items:
            if field.type is Type.COURSES:
                found.append(self._course(item))
            elif field.type is Type.PATH:
                found.append(self._path_item(item))
            else:
                text = self._text(item)
                made: Value = (
                    Ref(f"{field.refers}/{text}", field.attribute) if field.type is Type.REFS and text else text
                )
                found.append(made)
        given = tuple(value for value in found if value is not None)
        for number, value in enumerate(given):
            if value in given[:number]:
                self._wrong(items[number], "it stands twice in this list")
        return given

    def _path_item(self, entry: Entry) -> Value:
        parts = mapping_of(entry, self._findings)
        if parts is None:
            return None
        if len(parts) != 1 or next(iter(parts)) not in ITEMS:
            hint = suggest(next(iter(parts), ""), ITEMS) or f"one of {', '.join(ITEMS)}"
            self._wrong(entry, "an item of a path is one `kind: name`", hint)
            return None
        ((kind, part),) = parts.items()
        if kind == "course":
            course = self._course(part)
            return {"item_type": "course", "course_id": course} if course is not None else None
        text = self._text(part)
        if text is None:
            return None
        if kind == "program":
            named: Value = text if text.startswith("program-v1:") else Ref(f"programs/{text}", "program_key")
            return {"item_type": "program", "program_key": named}
        if kind == "resource":
            return {"item_type": "resource", "id": Ref(f"resources/{text}")}
        return {"item_type": "pathway", "pathway_id": Ref(f"pathways/{text}", "pathway_id")}

    def _text(self, entry: Entry, values: tuple[str, ...] = ()) -> str | None:
        text = text_value(entry, self._findings)
        if text is None:
            return None
        if not text.strip():
            self._wrong(entry, f"{entry.key!r} needs a value", "write one, or leave the line out")
            return None
        if _VARIABLE.search(text):
            self._wrong(entry, f"{entry.key!r} takes no variable", "only secrets stand in variables")
            return None
        if values and text not in values:
            hint = suggest(text, values) or f"one of {', '.join(values)}"
            self._wrong(entry, f"{entry.key!r} cannot be {text[:40]!r}", hint)
            return None
        return text

    def _secret(self, entry: Entry) -> Variable | None:
        text = text_value(entry, self._findings)
        if text is None:
            return None
        found = _VARIABLE.fullmatch(text.strip())
        if found is None:
            # What stands there may be the secret itself: it is not repeated.
            self._wrong(entry, f"{entry.key!r} is a secret, and does not belong in a file", "name a variable: ${NAME}")
            return None
        return Variable(found[1])

    def _file(self, entry: Entry) -> FileRef | None:
        text = self._text(entry)
        if text is None:
            return None
        path = self.folder / text
        try:
            return FileRef(path, hashlib.sha256(path.read_bytes()).hexdigest()[:16])
        except OSError as error:
            self._wrong(entry, f"{text!r} cannot be read ({error.strerror})", "name a file beside this one")
            return None

    def _course(self, entry: Entry) -> Value:
        text = self._text(entry)
        if text is None:
            return None
        try:
            return self._courses.ref(text, self.folder)
        except SourceError as error:
            self._wrong(entry, error.message, error.hint)
            return None

    def _mapping(self, entry: Entry) -> Value:
        value = plain_value(entry, self._findings)
        if isinstance(value, Mapping):
            return value
        if value is not INVALID:
            self._wrong(entry, f"{entry.key!r} takes `key: value` lines")
        return None

    def _wrong(self, entry: Entry, message: str, hint: str | None = None) -> None:
        self._findings.report(BAD_VALUE, message, entry.where, hint or "see docs/platform-yaml.md")

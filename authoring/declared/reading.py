"""`platform.yaml`, or a folder of such files, read into what it declares.

Comes in: a path and a run. Goes out: `Declared`. Every finding has its file and line; all of them are told at once, in a SourceError.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from authoring.declared.courses import Courses
from authoring.declared.expanding import expanded
from authoring.declared.fields import FieldReader
from authoring.declared.kinds import KINDS, LIST_KINDS, TENANT, TENANT_KIND, Field, Kind
from authoring.declared.model import CourseRef, Declaration, Declared, PeopleList, Ref, Value, Variable, refs_in
from authoring.diagnostics import Diagnostics, suggest
from authoring.errors import SourceError
from authoring.model import SourceLocation
from authoring.source.coursefile import MISSING_KEY
from authoring.source.fields import UNKNOWN_KEY
from authoring.yamlnodes import BAD_VALUE, DUPLICATE_KEY, Entry, items_of, mapping_of, parse_mapping

SECTIONS = (TENANT, *KINDS, *(kind.section for kind in LIST_KINDS))
SUFFIXES = (".yaml", ".yml")
_NAME = re.compile(r"[\w.-]{1,100}")


@dataclass(frozen=True, slots=True)
class _Table:
    """A row of a section as it is written."""

    kind: Kind
    name: str
    where: SourceLocation
    fields: Mapping[str, Value]


class Reader:
    """Reads files one by one; what they declare is told when all are read."""

    def __init__(self, run: str | None) -> None:
        self.run = run
        self.findings = Diagnostics()
        self.courses = Courses(run)
        self.tables: dict[tuple[str, str], _Table] = {}
        self.lists: dict[str, PeopleList] = {}

    def read(self, file: Path, shown: PurePosixPath) -> None:
        """Read one file. Raises SourceError when it cannot be opened."""
        try:
            text = file.read_text("utf-8-sig")
        except OSError as error:
            raise SourceError(f"{file}: cannot be read ({error.strerror})", hint="check the name") from error
        except UnicodeDecodeError as error:
            raise SourceError(f"{file}: not UTF-8 text", hint="save it as UTF-8") from error
        fields = FieldReader(file.parent, self.courses, self.findings)
        for section, entry in (parse_mapping(text, shown, 1, self.findings) or {}).items():
            kind = KINDS.get(section)
            listed = next((one for one in LIST_KINDS if one.section == section), None)
            if section == TENANT:
                self._row(TENANT_KIND, TENANT, entry, fields)
            elif kind is not None:
                for name, row in self._rows(entry):
                    self._row(kind, name, row, fields)
            elif listed is not None:
                for item in items_of(entry, self.findings) or ():
                    self._list(listed, item, fields)
            else:
                hint = suggest(section, SECTIONS) or f"known: {', '.join(SECTIONS)}"
                self.findings.report(UNKNOWN_KEY, f"{section!r} is not a section", entry.where, hint)

    def _rows(self, entry: Entry) -> list[tuple[str, Entry]]:
        rows = mapping_of(entry, self.findings) if entry.scalar != "" else {}
        found = []
        for name, row in (rows or {}).items():
            if _NAME.fullmatch(name):
                found.append((name, row))
            else:
                hint = "a name has letters, digits, `-`, `_` and `.`; the title has its own key"
                self.findings.report(BAD_VALUE, f"{name[:80]!r} cannot be a name", row.where, hint)
        return found

    def _row(self, kind: Kind, name: str, entry: Entry, fields: FieldReader) -> None:
        held = self.tables.get((kind.section, name))
        if held is not None:
            self.findings.report(
                DUPLICATE_KEY, f"{kind.section}: {name!r} is declared twice, first in {held.where}", entry.where
            )
            return
        parts = self._parts(kind, entry)
        if parts is None:
            return
        found = {one.name: fields.read(one, parts[one.name]) for one in kind.fields if one.name in parts}
        self._need(kind, name, parts, entry.where)
        given = {key: value for key, value in found.items() if value is not None}
        if kind.name_field and kind.name_field not in parts:
            given = {kind.name_field: name, **given}
        self.tables[kind.section, name] = _Table(kind, name, entry.where, given)

    def _parts(self, kind: Kind, entry: Entry) -> Mapping[str, Entry] | None:
        """The keys of a row, those that it does not have reported."""
        parts = mapping_of(entry, self.findings) if entry.scalar != "" else {}
        for key, part in (parts or {}).items():
            if kind.field(key) is None:
                known = [one.name for one in kind.fields]
                hint = suggest(key, known) or f"known: {', '.join(known)}"
                self.findings.report(UNKNOWN_KEY, f"{key!r} is not a key of {kind.section}", part.where, hint)
        return parts

    def _need(self, kind: Kind, name: str, parts: Mapping[str, Entry], where: SourceLocation) -> None:
        for one in kind.fields:
            if one.required and one.name not in parts:
                self.findings.report(
                    MISSING_KEY, f"{kind.section}: {name!r} needs {one.name!r}", where, f"add `{one.name}: …`"
                )

    def _list(self, kind: Kind, entry: Entry, fields: FieldReader) -> None:
        parts = self._parts(kind, entry)
        if parts is None:
            return
        self._need(kind, "each list", parts, entry.where)
        found = {one.name: fields.read(one, parts[one.name]) for one in kind.fields if one.name in parts}
        name, course, password = found.get("file"), found.get("course"), found.get("password")
        if not isinstance(name, str):
            return
        file = fields.folder / name
        if not file.is_file():
            self.findings.report(
                BAD_VALUE, f"there is no file {name!r}", parts["file"].where, "name a CSV beside this file"
            )
            return
        made = PeopleList(
            kind.section,
            file,
            name,
            entry.where,
            course if isinstance(course, CourseRef) else None,
            password if isinstance(password, Variable) else None,
            found.get("update") is True,
        )
        if made.key in self.lists:
            first = self.lists[made.key].where
            self.findings.report(DUPLICATE_KEY, f"{kind.section}: {name!r} stands twice, first in {first}", entry.where)
            return
        self.lists[made.key] = made

    # -- all together -------------------------------------------------------------------------------------------------

    def declared(self, source: Path, folder: Path, lock: Path) -> Declared:
        """What the files declare together. Raises SourceError carrying every finding when there is an error among them."""
        for table in self.tables.values():
            for name, value in table.fields.items():
                self._check_refs(table, table.kind.field(name), value)
        if self.findings.errors:
            raise SourceError(f"{source}: what it declares cannot be used", self.findings)
        rows: list[Declaration] = []
        for table in self.tables.values():
            row = Declaration(table.kind.section, table.name, table.where, table.fields)
            rows += expanded(row, self.findings)
        self._check_circles(rows)
        if self.findings.errors:
            raise SourceError(f"{source}: what it declares cannot be used", self.findings)
        return Declared(source, folder, lock, self.run, _scoped_refs(rows), tuple(self.lists.values()))

    def _check_refs(self, table: _Table, field: Field | None, value: Value) -> None:
        for ref in refs_in(value):
            kind, _, name = ref.key.partition("/")
            if (kind, name) in self.tables:
                continue
            known = [one for section, one in self.tables if section == kind]
            hint = suggest(name, known) or (f"there are: {', '.join(known)}" if known else f"declare it under `{kind}`")
            what = field.name if field is not None else "a field"
            self.findings.report(BAD_VALUE, f"{what}: no {kind} are called {name!r}", table.where, hint)

    def _check_circles(self, rows: list[Declaration]) -> None:
        """Pathways may lead to pathways, but not in a circle."""
        needs = {row.key: tuple(row.needs()) for row in rows}
        done: set[str] = set()

        def walk(row: Declaration, above: tuple[str, ...]) -> None:
            if row.key in above:
                circle = " → ".join((*above[above.index(row.key) :], row.key))
                self.findings.report(
                    BAD_VALUE, f"they lead to each other in a circle: {circle}", row.where, "take one of them out"
                )
            elif row.key not in done:
                for key in needs[row.key]:
                    if key in by_key:
                        walk(by_key[key], (*above, row.key))
                done.add(row.key)

        by_key = {row.key: row for row in rows}
        for row in rows:
            walk(row, ())


def _scoped_refs(rows: list[Declaration]) -> tuple[Declaration, ...]:
    """References with the scope of what they lead to: a credential of this run."""
    scoped = {f"{row.kind}/{row.name}": row.key for row in rows if row.scope and row.kind in KINDS}

    def renamed(value: Value) -> Value:
        match value:
            case Ref():
                return Ref(scoped.get(value.key, value.key), value.attribute)
            case Mapping():
                return {name: renamed(item) for name, item in value.items()}
            case tuple():
                return tuple(renamed(item) for item in value)
            case _:
                return value

    return tuple(
        Declaration(
            row.kind,
            row.name,
            row.where,
            {name: renamed(value) for name, value in row.fields.items()},
            row.scope,
            row.origins,
        )
        for row in rows
    )


def read_declared(path: Path, run: str | None = None) -> Declared:
    """Read a file, or every `*.yaml` of a folder (not of those in it). Raises SourceError."""
    reader = Reader(run)
    if path.is_dir():
        files = sorted(one for one in path.iterdir() if one.suffix in SUFFIXES and one.is_file())
        if not files:
            raise SourceError(f"{path}: there is no YAML file in it", hint="write platform.yaml")
        for file in files:
            reader.read(file, PurePosixPath(file.name))
        return reader.declared(path, path, path / "platform.lock")
    if not path.is_file():
        raise SourceError(f"{path}: there is no such file", hint="name platform.yaml or the folder that it is in")
    reader.read(path, PurePosixPath(path.name))
    return reader.declared(path, path.parent, path.with_suffix(".lock"))

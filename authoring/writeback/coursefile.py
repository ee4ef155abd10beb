"""course.yaml with what changed of the course itself: its settings, grading, passports, what it says of files. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from authoring.decompile.folder import file_yaml, grading_yaml
from authoring.diagnostics import Diagnostics
from authoring.model import COURSE, Course, FieldValue
from authoring.registry import field_aliases
from authoring.writeback.components import Place, State, edit_entries
from authoring.writeback.yamledit import MISSING, CannotEdit, Change, edit_mapping
from authoring.yamlnodes import mapping_of, parse_mapping


def edit_course_file(text: str, ours: Course, wanted: Course, state: State, place: Place, more: list[Change]) -> str:
    """The new text; `more` are changes that the caller knows of. What cannot be changed in place stays, and the proof
    says so."""
    try:
        changes = [*_own(ours, wanted, state), *more]
        nested = _nested(text, ours, wanted, state, place)
        if nested is not None:
            names, change = nested
            changes.append(change)
            state = replace(state, names=state.names - names)
        new = edit_entries(text, ours.root, wanted.root, state, place)
        return edit_mapping(new, changes)
    except CannotEdit:
        return text


def _nested(text: str, ours: Course, wanted: Course, state: State, place: Place) -> tuple[set[str], Change] | None:
    """Fields that stand under `settings:`, and their change."""
    entry = (parse_mapping(text, place.path, 1, Diagnostics()) or {}).get("settings")
    found = mapping_of(entry, Diagnostics()) if entry is not None else None
    if not found:
        return None
    aliases = field_aliases(COURSE)
    names = {aliases.get(key, key): key for key in found}
    changed = (state.names & names.keys()) - state.forced
    if not changed:
        return None
    old = {names[name]: ours.root.fields[name] for name in names if name in ours.root.fields}
    new = {names[name]: wanted.root.fields[name] for name in names if name in wanted.root.fields}
    unchanged = {names[name] for name in names.keys() - changed}
    kept = {key: value for key, value in old.items() if key in unchanged}
    return changed, Change("settings", old, {**{k: v for k, v in new.items() if k not in unchanged}, **kept})


def _own(ours: Course, wanted: Course, state: State) -> Iterator[Change]:
    for name in ("org", "number", "run"):
        if getattr(ours.id, name) != getattr(wanted.id, name):
            yield Change(name, getattr(ours.id, name), getattr(wanted.id, name))
    yield from _part("grading", _grading(ours), _grading(wanted))
    yield from _part("lti_passports", _passports(ours), _passports(wanted))
    yield from _part("team", dict(ours.team), dict(wanted.team))
    yield from _part("files", _files(ours), _files(wanted))


def _part(key: str, old: Mapping[str, FieldValue], new: Mapping[str, FieldValue]) -> Iterator[Change]:
    if old != new:
        yield Change(key, dict(old) if old else MISSING, dict(new) if new else MISSING)


def _grading(course: Course) -> Mapping[str, FieldValue]:
    return grading_yaml(course.grading) if course.grading is not None else {}


def _passports(course: Course) -> Mapping[str, FieldValue]:
    return {item.lti_id: {"key_env": item.key_env, "secret_env": item.secret_env} for item in course.lti_passports}


def _files(course: Course) -> Mapping[str, FieldValue]:
    return {str(asset.path): settings for asset in course.assets if (settings := file_yaml(asset))}

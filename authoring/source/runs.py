"""`runs/RUN.yaml`: what one run of a course has otherwise than course.yaml and the units say. Pure.

In: the file's text and the outline of the folder. Out: the settings of that run, and fields for single blocks.

    start: 2027-01-11
    holidays: {Easter: 2027-03-22 to 2027-04-02}
    blocks:
      03-spread/03-homework:       # a file or folder, or category/url_name
        due: 2027-02-03
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

import yaml

from authoring.diagnostics import Diagnostics, Severity, define, suggest
from authoring.model import COURSE, ROOT_KEY, SEQUENTIAL, Block, BlockKey, Course, SourceLocation
from authoring.registry import FieldType, field_aliases, field_spec, fields_of
from authoring.source.calendar import Calendar
from authoring.source.fields import KEPT_KEY, UNKNOWN_KEY, read_fields
from authoring.source.files import SourceTree
from authoring.source.nodes import Component, Outline
from authoring.yamlnodes import BAD_VALUE, Entry, mapping_of, parse_mapping

RUNS = "runs"
RUN_KEYS = ("run", "timezone", "holidays", "grading", "lti_passports", "settings", "blocks", "team")
"""Keys of a run's file that are no course fields."""
_FIXED = ("org", "number", "children", "kind", "checks", "files")

NO_RUN = define(
    "no-such-run",
    Severity.ERROR,
    "The folder has no file for the run that was asked for.",
    "write runs/RUN.yaml, or have `authoring rerun` write it",
)
NO_BLOCK = define(
    "no-such-block",
    Severity.ERROR,
    "A run's file names a block that the course does not have.",
    "name a file or folder of the course, or category/url_name",
)
DUE_ON_HOLIDAY = define(
    "due-on-holiday",
    Severity.WARNING,
    "Work is due on a day that `holidays` lists.",
    "choose another day, or say under `holidays` what becomes of it: `due: after` or `due: before`",
)


@dataclass(frozen=True, slots=True)
class RunFile:
    """What a run's file says. `blocks` holds the fields of single blocks, by block."""

    name: str
    settings: Mapping[str, Entry] = field(default_factory=dict)
    blocks: Mapping[BlockKey, Mapping[str, Entry]] = field(default_factory=dict)


def run_path(run: str) -> str:
    """Where the file of a run is, in the course folder."""
    return f"{RUNS}/{run}.yaml"


def runs_of(tree: SourceTree) -> tuple[str, ...]:
    """The runs that have a file."""
    names = tree.folders.get(RUNS, ())
    return tuple(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def read_run(tree: SourceTree, outline: Outline, run: str, diagnostics: Diagnostics) -> RunFile | None:
    """The file of a run; None when that is course.yaml's own run, which has none. What is wrong is reported."""
    entry = (outline.settings or {}).get("run")
    own = entry.scalar if entry is not None else None
    path = PurePosixPath(run_path(run))
    where = SourceLocation(path)
    file = tree.files.get(str(path))
    if run == own:
        if file is None:
            return None
        hint = "write into course.yaml what is in it, and remove it"
        diagnostics.report(BAD_VALUE, f"{run!r} is the run of course.yaml itself", where, hint)
        return None
    if file is None:
        known = [*runs_of(tree), *([own] if own else [])]
        hint = suggest(run, known) or f"runs: {', '.join(known) or 'none'}"
        diagnostics.report(NO_RUN, f"there is no {path}", None, hint)
        return None
    text = file.text(diagnostics)
    entries = parse_mapping(text, path, 1, diagnostics) if text is not None else None
    if entries is None:
        return None
    return RunFile(run, _settings(entries, run, where, diagnostics), _blocks(entries, outline, diagnostics))


def _settings(
    entries: Mapping[str, Entry], run: str, where: SourceLocation, diagnostics: Diagnostics
) -> Mapping[str, Entry]:
    known = [*RUN_KEYS, *(name for name, spec in fields_of(COURSE).items() if spec.authored), *field_aliases(COURSE)]
    found: dict[str, Entry] = {}
    for key, entry in entries.items():
        if key in _FIXED:
            message = f"{key!r} cannot differ between the runs of a course"
            diagnostics.report(UNKNOWN_KEY, message, entry.where, "remove it; it stands in course.yaml")
        elif key not in known:
            diagnostics.report(UNKNOWN_KEY, f"{key!r} is not a key of a run", entry.where, suggest(key, known))
        elif key == "run" and entry.scalar != run:
            message = f"the file is for the run {run!r}, and says {entry.scalar!r}"
            diagnostics.report(BAD_VALUE, message, entry.where, f"write `run: {run}`, or rename the file")
        elif key != "blocks":
            found[key] = entry
    scalar = yaml.ScalarNode("tag:yaml.org,2002:str", run)
    return {**found, "run": Entry("run", SourceLocation(where.path, 1), scalar)}


def _blocks(
    entries: Mapping[str, Entry], outline: Outline, diagnostics: Diagnostics
) -> Mapping[BlockKey, Mapping[str, Entry]]:
    entry = entries.get("blocks")
    named = mapping_of(entry, diagnostics) if entry is not None else None
    if not named:
        return {}
    places = _places(outline)
    found: dict[BlockKey, Mapping[str, Entry]] = {}
    for name, item in named.items():
        key = places.get(name.strip("/"))
        fields = mapping_of(item, diagnostics)
        if key is None:
            diagnostics.report(NO_BLOCK, f"the course has no {name!r}", item.where, suggest(name, places))
        elif key in found:
            diagnostics.report(BAD_VALUE, f"{name!r} is {key}, which stands above", item.where, "write it once")
        elif fields is not None and KEPT_KEY in fields:
            message = f"{KEPT_KEY!r} cannot differ between the runs of a course"
            diagnostics.report(UNKNOWN_KEY, message, fields[KEPT_KEY].where, "name the field itself")
        elif fields is not None:
            found[key] = fields
    return found


def _places(outline: Outline) -> Mapping[str, BlockKey]:
    """What a run's file may call a block."""
    places = {str(key): key for key in outline.keys if key.category != COURSE}
    for section in outline.sections:
        for node in section.walk():
            places[str(node.path)] = node.key
            places[str(node.path.with_suffix(""))] = node.key
            if node.where.path != node.path:
                places[str(node.where.path)] = node.key
    return places


def run_settings(course: Mapping[str, Entry], run: Mapping[str, Entry]) -> Mapping[str, Entry]:
    """The settings of course.yaml with those of a run in their place, whichever of its names and places a field has.

    LTI passports are left to the reader of both: they are laid over one by one.
    """
    aliases = field_aliases(COURSE)

    def name_of(key: str) -> str:
        return aliases.get(key, key)

    nested = mapping_of(run["settings"], Diagnostics()) if "settings" in run else None
    over = {name_of(key) for key in (*run, *(nested or {}))}
    merged = {key: entry for key, entry in course.items() if name_of(key) not in over - {"settings", "lti_passports"}}
    merged |= {key: entry for key, entry in run.items() if key not in ("settings", "lti_passports")}
    kept = merged.get("settings")
    if kept is not None and isinstance(kept.node, yaml.MappingNode):
        pairs = [pair for pair in kept.node.value if name_of(str(pair[0].value)) not in over]
        merged["settings"] = replace(kept, node=yaml.MappingNode(kept.node.tag, pairs, kept.node.start_mark))
    return {**merged, **{key: entry for key, entry in (nested or {}).items() if key not in merged}}


def with_blocks(course: Course, run: RunFile, calendar: Calendar, diagnostics: Diagnostics) -> Course:
    """The course with the fields that a run sets on single blocks."""
    fields = {
        key: read_fields(entries, key.category, diagnostics, calendar.read, own_keys=())
        for key, entries in run.blocks.items()
    }
    if not fields:
        return course

    def changed(block: Block) -> Block:
        own = fields.get(block.key)
        if own is None:
            return block
        merged = {**block.fields, **own}
        if block.category == SEQUENTIAL and own.get("format") and "graded" not in merged:
            merged["graded"] = True
        return replace(block, fields=merged)

    return replace(course, root=course.root.transform(changed), detached=tuple(map(changed, course.detached)))


# -- which dates are written how ------------------------------------------------------------------------------------------


def date_entries(outline: Outline, run: RunFile | None) -> Iterator[tuple[BlockKey, str, Entry]]:
    """Each date of the settings, front matter and options that holds in this run: its block, field and place."""
    for key, entries in _all_entries(outline, run).items():
        aliases = field_aliases(key.category)
        for word, entry in entries.items():
            name = aliases.get(word, word)
            spec = field_spec(key.category, name)
            if spec is not None and spec.type is FieldType.DATE and entry.scalar is not None:
                yield key, name, entry


def entries_of(outline: Outline, run: RunFile | None, key: BlockKey) -> Mapping[str, Entry]:
    """What is written of one block; empty for one in OLX."""
    return _all_entries(outline, run).get(key, {})


def _all_entries(outline: Outline, run: RunFile | None) -> Mapping[BlockKey, Mapping[str, Entry]]:
    settings = dict(outline.settings or {})
    if "settings" in settings:
        settings |= mapping_of(settings["settings"], Diagnostics()) or {}
    found: dict[BlockKey, Mapping[str, Entry]] = {ROOT_KEY: settings}
    for section in outline.sections:
        for node in section.walk():
            found[node.key] = node.entries
            for component in node.components:
                found.update((part.key, part.entries) for part in _walk(component))
    for key, entries in (run.blocks if run is not None else {}).items():
        found[key] = {**found.get(key, {}), **entries}
    return found


def _walk(component: Component) -> Iterator[Component]:
    yield component
    for child in component.children:
        yield from _walk(child)


def report_holidays(outline: Outline, run: RunFile | None, calendar: Calendar, diagnostics: Diagnostics) -> None:
    """Report what is due on a holiday."""
    if not calendar.holidays:
        return
    for key, name, entry in date_entries(outline, run):
        if name != "due":
            continue
        text = (entry.scalar or "").strip()
        try:
            day = calendar.local(calendar.read(text, name)).date()
        except ValueError:
            continue  # reported where the fields are read, or no date at all
        holiday = calendar.holiday_on(day)
        if holiday is not None:
            message = f"{key} is due on {day:%A} {day.isoformat()}, which is a holiday ({holiday.name})"
            diagnostics.report(DUE_ON_HOLIDAY, message, entry.where)

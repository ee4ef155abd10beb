"""`runs/RUN.yaml`: what one run of a course has otherwise than `course.yaml` and the files of its blocks.

run: 2027_T2                     the key's run; the file's name when it is left out
start: 2027-09-06                any key of course.yaml, in the place of it
blocks:
  01-start/01-first:             a section, subsection or unit by its path, or any block as `category/id`
    due: 2027-09-20
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from authoring.diagnostics import Diagnostics, Severity, define
from authoring.model import Block, BlockKey, FieldValue, SourceLocation
from authoring.source.fields import read_fields
from authoring.source.files import SourceTree
from authoring.yamlnodes import DateReader, Entry, mapping_of, parse_mapping

FOLDER = "runs"
BLOCKS = "blocks"
NO_RUN = define(
    "no-such-run",
    Severity.ERROR,
    "There is no file for the run that was asked for.",
    "write runs/RUN.yaml with the run's `start`, or let `authoring rerun` write it",
)
NO_BLOCK = define(
    "no-such-block",
    Severity.ERROR,
    "A run sets something of a block that the course does not have.",
    "name the block's file or folder as it stands in the course folder, or its `category/id`",
)


@dataclass(frozen=True, slots=True)
class Run:
    """The overrides of one run: entries of course.yaml, and fields by block."""

    settings: Mapping[str, Entry] = field(default_factory=dict)
    blocks: Mapping[str, Entry] = field(default_factory=dict)


def path_of(run: str) -> PurePosixPath:
    return PurePosixPath(FOLDER) / f"{run}.yaml"


def read_run(tree: SourceTree, run: str, diagnostics: Diagnostics) -> Run:
    """The overrides of a run; empty, reported, when there is no such file or it cannot be read."""
    path = path_of(run)
    file = tree.files.get(str(path))
    if file is None or file.data is None:
        names = sorted(PurePosixPath(name).stem for name in tree.folders.get(FOLDER, ()) if name.endswith(".yaml"))
        hint = f"there are: {', '.join(names)}" if names else NO_RUN.remedy
        diagnostics.report(NO_RUN, f"there is no {path}", None, hint)
        return Run()
    entries = dict(parse_mapping(file.data.decode("utf-8", "replace"), path, 1, diagnostics) or {})
    blocks = entries.pop(BLOCKS, None)
    entries.setdefault("run", _named(run, path))
    return Run(entries, (mapping_of(blocks, diagnostics) or {}) if blocks is not None else {})


def _named(run: str, path: PurePosixPath) -> Entry:
    """The file's name as the run's, for a file that does not say it."""
    (entry,) = (parse_mapping(f'run: "{run}"', path, 1, Diagnostics()) or {}).values()
    return entry


class Overrides:
    """Lays the fields of a run over the blocks of a course."""

    def __init__(self, run: Run, read_date: DateReader, diagnostics: Diagnostics) -> None:
        self._run = run
        self._read_date = read_date
        self._diagnostics = diagnostics
        self._used: set[str] = set()

    def apply(self, root: Block) -> Block:
        """The tree with what the run says of its blocks; what names no block is reported."""
        if not self._run.blocks:
            return root
        changed = root.transform(self._block)
        for name, entry in self._run.blocks.items():
            if name not in self._used:
                self._diagnostics.report(NO_BLOCK, f"there is no block {name!r}", entry.where)
        return changed

    def _block(self, block: Block) -> Block:
        fields: dict[str, FieldValue] = {}
        for name in self._names(block):
            entry = self._run.blocks.get(name)
            if entry is None:
                continue
            self._used.add(name)
            entries = mapping_of(entry, self._diagnostics) or {}
            fields |= read_fields(entries, block.category, self._diagnostics, self._read_date, own_keys=())
        return replace(block, fields={**block.fields, **fields}) if fields else block

    @staticmethod
    def _names(block: Block) -> tuple[str, ...]:
        names = [str(block.key)]
        if block.source is not None and block.category in ("chapter", "sequential"):
            names.append(str(folder_of(block.source)))
        elif block.source is not None and block.category == "vertical":
            names.append(str(block.source.path))
        return tuple(names)


def folder_of(where: SourceLocation) -> PurePosixPath:
    """The folder of a section or subsection, whether or not it has a settings file."""
    return where.path.parent if where.path.suffix in (".yaml", ".yml") else where.path


def name_of(block: Block) -> str:
    """How a run names a block: by its path where it has one of its own, else by its key."""
    return Overrides._names(block)[-1] if block.key != BlockKey("course", "course") else str(block.key)

"""Live changes brought back into the course folder: read, merge, write back, remember. Each step is a module of its own.

    live course --exporter--> Course --merge(lock, ours)--> Course --writeback--> files, and the lock file that knows both

Nothing is written while a conflict is unresolved in a way that could lose a side: in a conflict ours stays in the files, and the lock
file keeps the old base, so that the next pull shows the conflict again and a push does not pass over it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from authoring.conflicts import conflict_to_json
from authoring.diagnostics import Diagnostic, Severity
from authoring.errors import SourceError, StalePlanError
from authoring.exporter import LiveCourse
from authoring.identity import align_implicit_keys
from authoring.merge import Conflict, Side, Taken, merge
from authoring.olx.reader import without_pointers
from authoring.pulling.adopting import Adoption, Pair, adopt
from authoring.pulling.fresh import Fresh, fresh_folder
from authoring.pulling.likeness import (
    ids_of_gone,
    spelled_like,
    unread_parts,
    with_platform_links,
    with_pointers,
    without_unseen,
)
from authoring.pulling.relocking import open_parts, part_after, with_live_orders
from authoring.source import compile_tree, read_tree
from authoring.state import CourseState
from authoring.writeback import recover, rewrite, write_changes

__all__ = ["Adoption", "Fresh", "Pair", "Pulled", "ReadLive", "adopt", "fresh_folder", "pull"]

ReadLive: TypeAlias = Callable[[Path], "LiveCourse | None"]
"""Reads the live course, its files into a folder; None when there is none."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull did, or would do."""

    taken: tuple[Taken, ...]
    """Parts that only the platform had changed."""
    conflicts: tuple[Conflict, ...]
    """Parts that both changed; ours stands in the files."""
    files: tuple[str, ...]
    """Files that were written, moved or removed, by path."""
    unread: Mapping[str, int]
    """Blocks that could not be read whole, by category."""
    unread_parts: tuple[str, ...]
    not_placed: tuple[str, ...] = ()
    """What no course folder can say."""
    findings: tuple[Diagnostic, ...] = ()

    def to_json(self) -> dict[str, object]:
        return {
            "ok": not (self.conflicts or self.not_placed),
            "taken": [{"block": str(one.key), "part": one.part} for one in self.taken],
            "conflicts": [conflict_to_json(one) for one in self.conflicts],
            "files": list(self.files),
            "unread": dict(self.unread),
            "unread_parts": list(self.unread_parts),
            "not_placed": list(self.not_placed),
            "findings": [finding.to_json() for finding in self.findings],
        }


def pull(
    folder: Path,
    state: CourseState,
    read: ReadLive,
    *,
    resolve: Side | None = None,
    dry_run: bool = False,
) -> Pulled:
    """Merge the live course into `folder`. `read(files)` reads it, its files into the folder `files`.

    Raises SourceError when the folder does not compile or cannot be written (it is as it was then), StalePlanError when
    there is no live course.
    """
    recover(folder)
    tree, diagnostics = read_tree(folder)
    compiled = compile_tree(tree)[0] if tree is not None else None
    if tree is None or compiled is None or diagnostics.errors:
        raise SourceError(f"{folder}: the course cannot be compiled", diagnostics)
    part = state.part
    ours = align_implicit_keys(compiled, part)
    with tempfile.TemporaryDirectory(prefix="authoring-pull-") as scratch:
        live = read(Path(scratch))
        if live is None:
            raise StalePlanError(
                f"there is no course {ours.id} on the target", "push it first, or choose another --target"
            )
        live = without_unseen(live, part)
        plain = without_pointers(ours)
        theirs = spelled_like(plain, live, part)
        merged = merge(part, plain, theirs, resolve=resolve, unread=frozenset(unread_parts(plain, live, part)))
        gone = ids_of_gone(part, merged.course, live)
        if gone:
            theirs = with_platform_links(theirs, gone)
            live = replace(live, course=with_platform_links(live.course, gone))
            merged = replace(merged, course=with_platform_links(merged.course, gone))
        after = part_after(part, merged.course, theirs, live, merged.conflicts, resolve)
        wanted = with_pointers(merged.course, ours)
        result = rewrite(tree, ours, wanted, align=lambda course: align_implicit_keys(course, after))
        pulled = Pulled(
            merged.taken,
            merged.conflicts,
            tuple(sorted(str(path) for path in result.changes)),
            live.unread(),
            live.unread_parts,
            tuple(str(one) for one in result.unplaced),
            tuple(finding for finding in result.findings if finding.severity is not Severity.INFO),
        )
        if any(finding.severity is Severity.ERROR for finding in result.findings):
            raise SourceError("what is live cannot be written as a course folder", result.findings)
        if not dry_run:
            write_changes(folder, tree, result)
            # Once more, as the files say it now: a text that is new here has the wording of its Markdown.
            written = without_pointers(result.course)
            again = spelled_like(written, live, part)
            after = part_after(part, written, again, live, merged.conflicts, resolve)
            state.replace(with_live_orders(after, part, again, live, open_parts(merged.conflicts, resolve)))
    return pulled

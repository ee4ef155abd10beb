"""After a run: is what is live what was sent? Pure; the reads are the session's.

A difference is a *lost* write when the live value is the one from before the run, or none: the platform answered success and dropped
it (two writers at once: docs/platform.md). It is *unsent* when the live value is what was last pushed: the source was edited since.
It is *drift* when it is none of these: somebody changed it meanwhile, and it is not ours to overwrite. Lost writes are taken out of
the lock file, so that the next plan sends them again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from authoring.comparison import Difference, Kind, compare
from authoring.exporter import LiveCourse
from authoring.lockfile import LockEntry, LockPart, content_field, digest, text_digest, wanted_state
from authoring.model import ROOT_KEY, Block, BlockKey, Course
from authoring.operations import (
    AdoptBlock,
    CreateBlock,
    CreateCourse,
    DeleteBlock,
    ImportCourse,
    MoveBlock,
    Operation,
    ReorderChildren,
    UpdateAbout,
    UpdateBlock,
    UploadPackage,
)
from authoring.registry import spec


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying found. Counts are by category."""

    verified: Mapping[str, int] = field(default_factory=dict)
    """Blocks that are live as the source says."""
    unverifiable: Mapping[str, int] = field(default_factory=dict)
    """Blocks that could not be read, or not whole; what was read of them is as it should be."""
    lost: tuple[Difference, ...] = ()
    """What was sent and is not there."""
    drift: tuple[Difference, ...] = ()
    """What somebody else changed."""
    unsent: tuple[Difference, ...] = ()
    """What was edited in the source since the last push, and is live as that push left it."""
    unread_parts: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not (self.lost or self.drift or self.unsent)

    def to_json(self) -> dict[str, object]:
        return {
            "ok": self.ok,
            "verified": dict(self.verified),
            "not_verifiable": dict(self.unverifiable),
            "lost": [one.to_json() for one in self.lost],
            "drift": [one.to_json() for one in self.drift],
            "unsent": [one.to_json() for one in self.unsent],
            "unread": list(self.unread_parts),
        }


def touched_by(operations: Iterable[Operation]) -> frozenset[BlockKey]:
    """The blocks that operations were to change."""
    found: set[BlockKey] = set()
    for operation in operations:
        match operation:
            case CreateCourse():
                found.add(ROOT_KEY)
            case CreateBlock(key, parent):
                found |= {key, parent}
            case AdoptBlock(key, _) | UpdateBlock(key, _) | UploadPackage(key, _) | ReorderChildren(key, _):
                found.add(key)
            case MoveBlock(key, parent):
                found |= {key, parent}
            case ImportCourse(_, _, entries):
                found |= {entry.key for entry in entries}
            case UpdateAbout(_, keys):
                found |= set(keys.values())
            case DeleteBlock():
                continue
            case _:
                continue
    return frozenset(found)


def judge(
    course: Course,
    live: LiveCourse,
    part: LockPart,
    *,
    before: LockPart | None = None,
    only: frozenset[BlockKey] | None = None,
) -> Verdict:
    """Compare what is live with the source, and tell lost writes and edits that wait for a push from other people's changes.

    `part` is the lock file's part now, `before` the one before the run (None: nothing is taken for lost by its value).
    A block that was never sent is no matter of verifying.
    """
    found = compare(course, live.course, knows=live.knows, closed=live.closed, only=only, sees=live.sees)
    blocks = {block.key: block for block in course.blocks()}
    there = live.blocks
    lost: list[Difference] = []
    drift: list[Difference] = []
    unsent: list[Difference] = []
    for one in found:
        if one.kind is Kind.EXTRA or not _was_sent(one, part):
            continue
        if _is_lost(one, before):
            lost.append(one)
        elif _is_unsent(one, part.entries[one.key], there):
            unsent.append(one)
        else:
            drift.append(one)
    bad = {one.key for one in (*lost, *drift, *unsent)}
    looked = [key for key in (blocks if only is None else only) if key in blocks and key in part.entries]
    verified, unverifiable = Counter[str](), Counter[str]()
    for key in looked:
        if key in bad:
            continue
        block = blocks[key]
        (verified if _is_known(block, live) else unverifiable)[_title(key)] += 1
    return Verdict(dict(verified), dict(unverifiable), tuple(lost), tuple(drift), tuple(unsent), live.unread_parts)


def _was_sent(one: Difference, part: LockPart) -> bool:
    entry = part.entries.get(one.key)
    if entry is None:
        return False
    match one.kind:
        case Kind.FIELD:
            return one.name in entry.pushed or one.theirs is not None
        case Kind.CONTENT:
            return content_field(one.key.category) in entry.pushed or bool(one.theirs)
        case _:
            return True


def _is_lost(one: Difference, before: LockPart | None) -> bool:
    if before is None:
        return False
    old = before.entries.get(one.key)
    match one.kind:
        case Kind.MISSING:
            return old is None
        case Kind.FIELD:
            if old is None:
                return True
            if one.name not in old.pushed:
                return one.theirs is None
            return old.as_pushed(one.name, _digest(one)) == old.pushed[one.name]
        case Kind.CONTENT:
            if old is None:
                return True
            body = content_field(one.key.category)
            told = old.pushed.get(body)
            return not one.theirs if told is None else old.as_pushed(body, _digest(one)) == told
        case Kind.MOVED:
            return old is None or (old.parent is not None and str(old.parent) == one.theirs)
        case _:
            return False


def _is_unsent(one: Difference, entry: LockEntry, there: Mapping[BlockKey, Block]) -> bool:
    """Whether the platform has what was last pushed."""
    match one.kind:
        case Kind.FIELD | Kind.CONTENT:
            name = one.name or content_field(one.key.category)
            state = wanted_state(there[one.key])
            return entry.as_pushed(name, state.get(name)) == entry.pushed.get(name)
        case Kind.MOVED:
            return entry.parent is not None and str(entry.parent) == one.theirs
        case Kind.REORDERED if isinstance(one.theirs, list):
            return [str(key) for key in entry.children or () if str(key) in one.theirs] == one.theirs
        case _:
            return False


def _digest(one: Difference) -> str:
    """The digest of what is there."""
    return text_digest(one.theirs) if one.kind is Kind.CONTENT and isinstance(one.theirs, str) else digest(one.theirs)


def _is_known(block: Block, live: LiveCourse) -> bool:
    """Whether all that the source says of a block could be read. The file of a package can be read by nobody."""
    names = [*block.fields, *(["content"] if block.content else [])]
    return block.package is None and all(live.knows(block.key, name) for name in names)


def _title(key: BlockKey) -> str:
    known = spec(key.category)
    return known.title if known is not None else key.category


def without_lost(part: LockPart, lost: Iterable[Difference]) -> LockPart:
    """The lock file's part as if the lost writes had never been sent, so that the next plan sends them."""
    entries = dict(part.entries)
    for one in lost:
        entry = entries.get(one.key)
        if entry is None:
            continue
        match one.kind:
            case Kind.MISSING:
                gone = {one.key, *part.below(one.key)}
                entries = {key: kept for key, kept in entries.items() if key not in gone}
            case Kind.FIELD | Kind.CONTENT:
                name = one.name if one.kind is Kind.FIELD else content_field(one.key.category)
                pushed = dict(entry.pushed)
                # Not just forgotten: a field that is to be unset would not be sent again.
                pushed[name] = _digest(one) if one.theirs is not None else "lost"
                if one.ours is not None and one.theirs is None:
                    del pushed[name]
                entries[one.key] = replace(entry, pushed=pushed)
            case Kind.MOVED:
                parent = BlockKey.parse(str(one.theirs)) if one.theirs else None
                entries[one.key] = replace(entry, parent=parent)
            case _:
                continue
    return replace(part, entries=entries)

"""Live changes brought back into the course folder: read, merge, write back, remember. Each step is a module of its own.

    live course --exporter--> Course --merge(lock, ours)--> Course --writeback--> files, and the lock file that knows both

Nothing is written while a conflict is unresolved in a way that could lose a side: in a conflict ours stays in the files, and the lock
file keeps the old base, so that the next pull shows the conflict again and a push does not pass over it.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from authoring.client import Client
from authoring.comparison import same_field
from authoring.conflicts import conflict_to_json
from authoring.decompile import Folder, folder_of, same_content
from authoring.diagnostics import Diagnostic, Severity
from authoring.errors import SourceError, StalePlanError
from authoring.exporter import EMPTY_INFO, LiveCourse, hidden_fields, read_whole_course
from authoring.identity import align_implicit_keys
from authoring.keys import block_id, is_usage_key
from authoring.lockfile import (
    PAGES_KEY,
    LockedAsset,
    LockEntry,
    LockPart,
    content_field,
    digest,
    passport_key,
    passport_state,
    wanted_state,
    with_orders,
)
from authoring.merge import CHILDREN, EVERYTHING, EXISTENCE, GRADING, ORDER, PLACE, Conflict, Side, Taken, merge
from authoring.model import COURSE_UPDATE, NO_ROLE, ROOT_KEY, TEAM, Block, BlockKey, Course, CourseId, FieldValue
from authoring.olx.reader import POINTER_ONLY, without_pointers
from authoring.operations import policy_to_json
from authoring.references import JUMP_LINK
from authoring.registry import spec
from authoring.source import SourceFile, compile_tree, read_tree, tree_of
from authoring.state import CourseState
from authoring.writeback import recover, rewrite, write_changes

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
            state.replace(_with_live_orders(after, part, again, live, open_parts(merged.conflicts, resolve)))
    return pulled


def ids_of_gone(part: LockPart, merged: Course, live: LiveCourse) -> Mapping[str, str]:
    """`url_name` → the platform's id, of blocks that are no more, neither here nor there: once the lock file has forgotten
    them, links to them can only be read as the platform has them."""
    names = {block.url_name for block in merged.blocks()}
    return {
        key.url_name: block_id(entry.usage_key)
        for key, entry in part.entries.items()
        if is_usage_key(entry.usage_key) and key not in live.usage_keys and key.url_name not in names
    }


def with_platform_links(course: Course, ids: Mapping[str, str]) -> Course:
    """A copy in which links to these names are links to those ids."""

    def change(block: Block) -> Block:
        text = JUMP_LINK.sub(lambda found: f"/jump_to_id/{ids.get(found[1], found[1])}", block.content or "")
        return block if text == (block.content or "") else replace(block, content=text)

    return replace(course, root=course.root.transform(change), detached=tuple(map(change, course.detached)))


def without_unseen(live: LiveCourse, part: LockPart) -> LiveCourse:
    """The live course without the new components of which the login shows no more than the name: a later pull that sees
    what is in them takes them. They are said."""
    unseen = {
        key
        for key in live.known
        if key not in part.entries and key.category != "html" and (known := spec(key.category)) and not known.children
    }
    if not unseen:
        return live
    titles = ", ".join(repr(block.display_name or key.url_name) for key, block in live.blocks.items() if key in unseen)

    def seen(block: Block) -> Block:
        return replace(block, children=tuple(child for child in block.children if child.key not in unseen))

    return replace(
        live,
        course=replace(live.course, root=live.course.root.transform(seen)),
        usage_keys={key: usage for key, usage in live.usage_keys.items() if key not in unseen},
        unread_parts=(*live.unread_parts, f"what is in the new components {titles}"),
    )


def spelled_like(ours: Course, live: LiveCourse, part: LockPart) -> Course:
    """The live course, with what is the same as ours written as ours: nobody shall take a spelling for a change."""
    mine = {block.key: block for block in ours.blocks()}

    def spelled(block: Block) -> Block:
        own = mine.get(block.key)
        if own is None:
            return block
        fields: dict[str, FieldValue] = {}
        for name in {**block.fields, **own.fields}:
            theirs, written = block.fields.get(name), own.fields.get(name)
            same = same_field(block.key, name, written, theirs)
            value = written if same else theirs
            if value is not None or (same and name in own.fields):
                fields[name] = value
        content = own.content if same_content(own, block) else block.content
        return replace(
            block,
            fields=fields,
            content=content,
            package=own.package,
            extra=own.extra,
            implicit_id=own.implicit_id,
            tests=own.tests,
            source=own.source,
        )

    known = {asset.name: asset for asset in ours.assets}
    assets = tuple(
        known[asset.name]
        if asset.name in known and (not asset.digest or asset.digest == known[asset.name].digest)
        else asset
        for asset in live.course.assets
        if asset.digest or asset.name in known
    )
    detached = [spelled(block) for block in live.course.detached]
    shown = {block.key for block in detached}
    # What the login does not show of the pages counts as it is here.
    detached += [
        block for block in ours.detached if block.key not in shown and (not live.sees(block.key) or is_empty(block))
    ]
    order = {block.key: number for number, block in enumerate(ours.detached)}
    detached.sort(key=lambda block: order.get(block.key, len(order)))
    # Pages alone have an order that learners see: it is the live one.
    place = {block.key: number for number, block in enumerate(live.course.detached)}
    pages = [block for block in detached if block.category == "static_tab"]
    ordered = iter(sorted(pages, key=lambda block: place.get(block.key, len(place))))
    detached = [next(ordered) if block.category == "static_tab" else block for block in detached]
    return replace(
        live.course,
        root=live.course.root.transform(spelled),
        detached=tuple(detached),
        assets=assets if "files" not in live.unread_parts else ours.assets,
        lti_passports=ours.lti_passports,
    )


def is_empty(page: Block) -> bool:
    """Whether a page without a title of its own says nothing: the platform does not tell such a one from none."""
    return page.category in ("about", "course_info") and (page.content or "").strip() in ("", EMPTY_INFO)


def with_pointers(course: Course, ours: Course) -> Course:
    """The course with the mere pointers that ours has beside its blocks; only OLX knows them, and they stay."""
    pointers = {
        block.key: [(n, child) for n, child in enumerate(block.children) if POINTER_ONLY in child.extra.attributes]
        for block in ours.root.walk()
        if POINTER_ONLY not in block.extra.attributes
    }

    def restored(block: Block) -> Block:
        mine = pointers.get(block.key)
        if not mine:
            return block
        children = list(block.children)
        for number, child in mine:
            children.insert(min(number, len(children)), child)
        return replace(block, children=tuple(children))

    return replace(course, root=course.root.transform(restored))


def unread_parts(ours: Course, live: LiveCourse, part: LockPart) -> Iterator[tuple[BlockKey, str]]:
    """What the merge must not take for deleted or changed, because nobody could read it."""
    found = {block.key: block for block in live.course.blocks()}
    for block in ours.blocks():
        other = found.get(block.key)
        entry = part.entries.get(block.key)
        names = {*block.fields, *(other.fields if other is not None else ()), *(entry.pushed if entry else ())}
        names |= hidden_fields(block.category)
        body = content_field(block.category)
        yield from ((block.key, name) for name in names if name != body and not live.knows(block.key, name))
        if body and not live.knows(block.key, "content"):
            yield block.key, body
        if block.key in live.closed:
            yield block.key, CHILDREN
        known = spec(block.category)
        if known is not None and known.detached and not live.sees(block.key):
            yield block.key, EVERYTHING
            yield block.key, EXISTENCE
    yield ROOT_KEY, "tabs"
    if "pages" in live.unread_parts:
        yield PAGES_KEY, ORDER
    if "grading" in live.unread_parts:
        yield GRADING, "policy"


def part_after(
    part: LockPart,
    merged: Course,
    theirs: Course,
    live: LiveCourse,
    conflicts: tuple[Conflict, ...] = (),
    resolve: Side | None = None,
) -> LockPart:
    """The lock file after a pull: of each part what is live now, as its digest; so a push sends what differs from it, and
    no more. A conflict that nobody resolved keeps its old base."""
    undecided = open_parts(conflicts, resolve)
    frozen = _frozen(part, merged, theirs, undecided)
    live_blocks = {block.key: block for block in theirs.blocks()}
    ours = {block.key for block in merged.blocks()}
    parents = {block.key: parent.key if parent else None for block, parent in theirs.root.walk_with_parent()}
    drafts = {below.key for block in theirs.blocks() if block.key in live.drafts for below in block.walk()}
    entries: dict[BlockKey, LockEntry] = {}
    for key, entry in part.entries.items():
        if key in live_blocks or key in frozen or not entry.usage_key or key == ROOT_KEY or key in ours:
            entries[key] = entry
    for key, block in live_blocks.items():
        if key in frozen:
            continue
        old = entries.get(key)
        usage_key = live.usage_keys.get(key) or (old.usage_key if old is not None else "")
        if is_empty(block) or (key not in live.usage_keys and (old is None or not live.sees(key))):
            continue
        pushed = dict(old.pushed) if old is not None else {}
        state = wanted_state(block)
        for name in {*state, *pushed}:
            told = live.knows(key, "content" if name == content_field(key.category) else name)
            if name.startswith("#") or not told or (key, name) in undecided:
                continue
            if name in state:
                pushed[name] = state[name]
            else:
                pushed.pop(name, None)
        place = parents.get(key) or (ROOT_KEY if key.category == "static_tab" else None)
        parent = old.parent if old is not None and (key, PLACE) in undecided else place
        if old is not None and not old.usage_key:  # a text of the about page has no draft
            entries[key] = LockEntry(key, "", None, pushed, pushed)
            continue
        published = _published(old, pushed, key in drafts)
        entries[key] = LockEntry(key, usage_key, parent, pushed, published, old.children if old is not None else None)
    pages = {block.key: block for block in merged.detached}
    for key in [key for key, entry in entries.items() if entry.usage_key and key not in live.usage_keys]:
        known = spec(key.category)
        if key in pages and is_empty(pages[key]):
            continue
        hidden = key == ROOT_KEY or (known is not None and known.detached) or _is_hidden(key, entries, live)
        if not hidden and key not in frozen and resolve is not Side.OURS:
            del entries[key]
    if theirs.grading is not None and (GRADING, "policy") not in undecided and "grading" not in live.unread_parts:
        value: FieldValue = policy_to_json(theirs.grading)  # type: ignore[assignment]  # JSON
        state = {"policy": digest(value)}
        if GRADING in entries or merged.grading is not None:
            entries[GRADING] = LockEntry(GRADING, "", None, state, state)
    for email, role in theirs.team.items():
        key = BlockKey(TEAM, email)
        if (key, "role") in undecided:
            continue
        if role == NO_ROLE and email not in merged.team:
            entries.pop(key, None)
        elif key in entries or email in merged.team:
            state = {"role": digest(role)}
            entries[key] = LockEntry(key, "", None, state, state)
    assets = dict(part.assets)
    for asset in theirs.assets:
        if asset.digest and (BlockKey("#asset", asset.name), "content") not in undecided:
            assets[asset.name] = LockedAsset(asset.name, asset.digest, asset.size)
    return replace(part, entries=entries, assets=assets)


def open_parts(conflicts: tuple[Conflict, ...], resolve: Side | None) -> frozenset[tuple[BlockKey, str]]:
    """The parts that nobody has decided on."""
    return frozenset((one.key, one.part) for one in conflicts) if resolve is None else frozenset()


def _frozen(
    part: LockPart, merged: Course, theirs: Course, undecided: Collection[tuple[BlockKey, str]]
) -> frozenset[BlockKey]:
    """Blocks that one side deleted and the other changed, with all below them: until somebody decides, the lock file says
    of each just what it said, or the next merge would take them for deleted alone."""
    both = {block.key for block in merged.blocks()} & {block.key for block in theirs.blocks()}
    found = {key for key, name in undecided if name == EXISTENCE}
    below = [child.key for block in theirs.blocks() if block.key in found for child in block.walk()]
    found |= set(below) - both  # what is new below is not for the lock file either
    while more := {key for key, entry in part.entries.items() if entry.parent in found} - found - both:
        found |= more
    return frozenset(found)


def _with_live_orders(
    after: LockPart,
    before: LockPart,
    theirs: Course,
    live: LiveCourse,
    undecided: Collection[tuple[BlockKey, str]],
) -> LockPart:
    """`after` with the live order of children as the base: another one here is then a change of ours, also in the next pull.
    An order in conflict, or that could not be read, keeps its old base."""
    ordered = with_orders(after, theirs)
    kept = {key for key, name in undecided if name == ORDER} | {key for key in before.entries if key in live.closed}
    if "pages" in live.unread_parts:
        kept.add(PAGES_KEY)
    kept &= ordered.entries.keys() & before.entries.keys()
    entries = {
        key: replace(entry, children=before.entries[key].children) if key in kept else entry
        for key, entry in ordered.entries.items()
    }
    return replace(ordered, entries=entries)


def _is_hidden(key: BlockKey, entries: Mapping[BlockKey, LockEntry], live: LiveCourse) -> bool:
    """Whether a block stands below one whose children could not be read."""
    parent = entries[key].parent
    while parent is not None:
        if parent in live.closed:
            return True
        if parent in live.usage_keys:
            return False
        above = entries.get(parent)
        parent = above.parent if above is not None else None
    return False


def _published(old: LockEntry | None, pushed: Mapping[str, str], is_draft: bool) -> Mapping[str, str] | None:
    """What learners have: just that, unless the unit has changes that they do not see."""
    if old is None:
        return None if is_draft else dict(pushed)
    if old.published is None:
        return None
    return dict(pushed) if not is_draft and old.is_published else old.published


def fresh_part(target: str, course: Course, live: LiveCourse) -> LockPart:
    """The lock file's part of a folder that was just made of a live course: it adopts all that could be read."""
    entries: dict[BlockKey, LockEntry] = {}
    usage_keys = live.usage_keys
    drafts = live.drafts

    def visit(block: Block, parent: BlockKey | None, is_draft: bool) -> None:
        is_draft = is_draft or block.key in drafts
        if block.key in usage_keys:
            state = {
                name: one
                for name, one in wanted_state(block).items()
                if live.knows(block.key, "content" if name == content_field(block.category) else name)
            }
            entries[block.key] = LockEntry(block.key, usage_keys[block.key], parent, state, None if is_draft else state)
        for child in block.children:
            visit(child, block.key, is_draft)

    visit(course.root, None, False)
    for block in course.detached:
        visit(block, ROOT_KEY if block.category == "static_tab" else None, False)
        if block.key not in entries and live.sees(block.key):
            state = wanted_state(block)
            entries[block.key] = LockEntry(block.key, "", None, state, state)
    if course.grading is not None and "grading" not in live.unread_parts:
        value: FieldValue = policy_to_json(course.grading)  # type: ignore[assignment]  # JSON
        state = {"policy": digest(value)}
        entries[GRADING] = LockEntry(GRADING, "", None, state, state)
    for passport in course.lti_passports:
        key, declared = passport_key(passport.lti_id), passport_state(passport.lti_id)
        entries[key] = LockEntry(key, "", None, declared, declared)
    assets = {one.name: LockedAsset(one.name, one.digest, one.size) for one in course.assets if one.digest}
    return with_orders(LockPart(target, str(course.id), entries, assets), course)


@dataclass(frozen=True, slots=True)
class Pair:
    """A block of the folder and the live block that it is taken for."""

    key: BlockKey
    title: str
    usage_key: str
    same: bool
    """Whether all that could be read of it is what the folder says."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """Which live block is which of the folder; what only one side has; and the lock file's part that says so."""

    pairs: tuple[Pair, ...]
    only_here: tuple[BlockKey, ...]
    only_there: tuple[str, ...]
    part: LockPart


def adopt(ours: Course, live: LiveCourse, target: str) -> Adoption:
    """Match a folder with a live course: by place, category and title, in order, what holds the same first.

    `live` was read without a lock file. Nothing is taken for pushed that differs: the lock file's part holds digests only of what
    is the same on both sides, so what differs is a conflict for a pull, and stops a push.
    """
    matched: dict[BlockKey, Block] = {ROOT_KEY: live.course.root}

    def visit(block: Block, other: Block) -> None:
        free = list(other.children)
        for chooser in (_same_block, _same_title, _same_category):
            for child in block.children:
                if child.key in matched:
                    continue
                found = next((one for one in free if one.category == child.category and chooser(child, one)), None)
                if found is not None:
                    matched[child.key] = found
                    free.remove(found)
        for child in block.children:
            if child.key in matched:
                visit(child, matched[child.key])

    visit(ours.root, live.course.root)
    pages = [page for page in live.course.detached if page.category == "static_tab"]
    for page in ours.detached:
        found = next((one for one in pages if one.display_name == page.display_name), None)
        if page.category == "static_tab" and found is not None:
            matched[page.key] = found
            pages.remove(found)
    updates = [update for update in live.course.detached if update.category == COURSE_UPDATE]
    for says_same in (same_content, _same_day):
        for update in ours.detached:
            if update.category != COURSE_UPDATE or update.key in matched:
                continue
            found = next((one for one in updates if _same_day(update, one) and says_same(update, one)), None)
            if found is not None:
                matched[update.key] = found
                updates.remove(found)
    names = {other.key: key for key, other in matched.items()}

    def renamed(block: Block) -> Block:
        return replace(block, key=names.get(block.key, block.key))

    twin = replace(
        live,
        course=replace(
            live.course,
            root=live.course.root.transform(renamed),
            detached=tuple(renamed(page) for page in live.course.detached),
        ),
        usage_keys={names.get(key, key): usage for key, usage in live.usage_keys.items()},
        known={names.get(key, key): known for key, known in live.known.items()},
        closed=frozenset(names.get(key, key) for key in live.closed),
        drafts=frozenset(names.get(key, key) for key in live.drafts),
    )
    theirs = {block.key: block for block in spelled_like(ours, twin, LockPart(target, str(ours.id))).blocks()}
    part = fresh_part(target, ours, twin)
    entries: dict[BlockKey, LockEntry] = {}
    pairs: list[Pair] = []
    for key, entry in part.entries.items():
        other_block = theirs.get(key)
        if other_block is None:
            if not entry.usage_key:
                entries[key] = entry
            continue
        there = wanted_state(other_block)
        agreed = {name: value for name, value in entry.pushed.items() if there.get(name) == value}
        if content_field(key.category) in agreed:  # what Studio's own editor shows of a text goes with the text
            agreed |= {name: value for name, value in entry.pushed.items() if name in ("markdown", "markdown_edited")}
        same = agreed == dict(entry.pushed) and not (there.keys() - entry.pushed.keys())
        entries[key] = replace(entry, pushed=agreed, published=agreed if entry.published is not None and same else None)
        if entry.usage_key and key != ROOT_KEY:
            mine = next(block for block in ours.blocks() if block.key == key)
            pairs.append(Pair(key, mine.display_name or key.url_name, entry.usage_key, same))
    only_here = tuple(
        block.key
        for block in ours.blocks()
        if block.key not in entries and block.category not in ("about", "course_info")
    )
    claimed = {entry.usage_key for entry in entries.values()}
    only_there = tuple(usage for key, usage in twin.usage_keys.items() if usage not in claimed and key != ROOT_KEY)
    return Adoption(tuple(pairs), only_here, only_there, replace(part, entries=entries))


def _same_block(ours: Block, theirs: Block) -> bool:
    return _same_title(ours, theirs) and same_content(ours, theirs)


def _same_day(ours: Block, theirs: Block) -> bool:
    return ours.fields.get("date") == theirs.fields.get("date")


def _same_title(ours: Block, theirs: Block) -> bool:
    return (ours.display_name or "").strip() == (theirs.display_name or "").strip()


def _same_category(ours: Block, theirs: Block) -> bool:
    """A component under another title, when it holds the same; never a container."""
    known = spec(ours.category)
    has_text = known is not None and known.content is not None
    return has_text and bool((ours.content or "").strip()) and same_content(ours, theirs)


@dataclass(frozen=True, slots=True)
class Fresh:
    """A course folder in the making, of a live course, and the lock file's part that adopts it."""

    folder: Folder
    course: Course
    live: LiveCourse
    part: LockPart


@contextmanager
def fresh_folder(client: Client, course: CourseId, target: str) -> Iterator[Fresh]:
    """A readable folder of a live course that nobody here has seen; its files can be read until the context ends.

    Raises StalePlanError when there is no such course, NoRouteError when the login does not show its structure.
    """
    with tempfile.TemporaryDirectory(prefix="authoring-pull-") as scratch:
        live = read_whole_course(client, course, Path(scratch))
        if live is None:
            raise StalePlanError(f"there is no course {course} that this login sees", "look for a mistyped key")
        shown = tuple(asset for asset in live.course.assets if asset.file is not None)
        folder = folder_of(replace(live.course, assets=shown))
        texts = [
            SourceFile(PurePosixPath(path), Path(path), len(text), data=text.encode("utf-8", "surrogatepass"))
            for path, text in folder.texts.items()
        ]
        copies = [
            SourceFile(PurePosixPath(path), file, file.stat().st_size, digest=_file_digest(file))
            for path, file in folder.copies.items()
        ]
        compiled, diagnostics = compile_tree(tree_of([*texts, *copies]))
        if compiled is None:
            raise SourceError("what is live cannot be written as a course folder", diagnostics)
        yield Fresh(folder, compiled, live, fresh_part(target, compiled, live))


def _file_digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

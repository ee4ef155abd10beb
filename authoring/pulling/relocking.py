"""The lock file after a pull: what was read of the platform becomes the base of the next comparison. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from authoring.exporter import LiveCourse
from authoring.lockfile import (
    PAGES_KEY,
    LockedAsset,
    LockEntry,
    LockPart,
    content_field,
    digest,
    passport_key,
    passport_state,
    team_key,
    wanted_state,
    with_orders,
)
from authoring.merge import EXISTENCE, GRADING, ORDER, PLACE, Conflict, Side
from authoring.model import NO_ROLE, ROOT_KEY, Block, BlockKey, Course, FieldValue
from authoring.operations import policy_to_json
from authoring.pulling.likeness import is_empty
from authoring.registry import spec


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
    as_live = {key: wanted_state(block) for key, block in live.blocks.items()}
    ours = {block.key for block in merged.blocks()}
    parents = {block.key: parent.key if parent else None for block, parent in theirs.root.walk_with_parent()}
    drafts = {below.key for block in theirs.blocks() if block.key in live.drafts for below in block.walk()}
    entries: dict[BlockKey, LockEntry] = {}
    for key, entry in part.entries.items():
        known = spec(key.category)
        # What is deleted here and cannot be read there is still to be deleted there.
        unseen = not live.sees(key) if known is not None and known.detached else _is_hidden(key, part.entries, live)
        if key in live_blocks or key in frozen or not entry.usage_key or key == ROOT_KEY or key in ours or unseen:
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
        spelled = {name: one for name, one in as_live.get(key, {}).items() if pushed.get(name) == state.get(name)}
        if old is not None and not old.usage_key:  # a text of the about page has no draft
            entries[key] = LockEntry(key, "", None, pushed, pushed).with_spelling(spelled)
            continue
        published = _published(old, pushed, key in drafts)
        children = old.children if old is not None else None
        entries[key] = LockEntry(key, usage_key, parent, pushed, published, children).with_spelling(spelled)
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
    members = {team_key(email) for email in merged.team}
    for email, role in theirs.team.items():
        key = team_key(email)
        if (key, "role") in undecided:
            continue
        if role == NO_ROLE and key not in members:
            entries.pop(key, None)
        elif key in entries or key in members:
            state = {"role": digest(role)}
            entries[key] = LockEntry(key, "", None, state, state)
    assets = dict(part.assets)
    for asset in theirs.assets:
        if asset.digest and (BlockKey("#asset", asset.name), "content") not in undecided:
            assets[asset.name] = LockedAsset(asset.name, asset.digest, asset.size)
    return replace(part, entries=entries, assets=assets)


def open_parts(conflicts: tuple[Conflict, ...], resolve: Side | None) -> frozenset[tuple[BlockKey, str]]:
    """The parts that nobody has decided on."""
    open_ones = conflicts if resolve is None else ()
    return frozenset((one.key, part) for one in open_ones for part in (one.part, *one.also))


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


def with_live_orders(
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
    as_live = {key: wanted_state(block) for key, block in live.blocks.items()}

    def visit(block: Block, parent: BlockKey | None, is_draft: bool) -> None:
        is_draft = is_draft or block.key in drafts
        if block.key in usage_keys:
            state = {
                name: one
                for name, one in wanted_state(block).items()
                if live.knows(block.key, "content" if name == content_field(block.category) else name)
            }
            entry = LockEntry(block.key, usage_keys[block.key], parent, state, None if is_draft else state)
            entries[block.key] = entry.with_spelling(as_live.get(block.key, {}))
        for child in block.children:
            visit(child, block.key, is_draft)

    visit(course.root, None, False)
    for block in course.detached:
        visit(block, ROOT_KEY if block.category == "static_tab" else None, False)
        if block.key not in entries and live.sees(block.key):
            state = wanted_state(block)
            entry = LockEntry(block.key, "", None, state, state)
            entries[block.key] = entry.with_spelling(as_live.get(block.key, {}))
    if course.grading is not None and "grading" not in live.unread_parts:
        value: FieldValue = policy_to_json(course.grading)  # type: ignore[assignment]  # JSON
        state = {"policy": digest(value)}
        entries[GRADING] = LockEntry(GRADING, "", None, state, state)
    for passport in course.lti_passports:
        key, declared = passport_key(passport.lti_id), passport_state(passport.lti_id)
        entries[key] = LockEntry(key, "", None, declared, declared)
    for email, role in live.course.team.items():
        if course.team.get(email) == role:
            state = {"role": digest(role)}
            entries[team_key(email)] = LockEntry(team_key(email), "", None, state, state)
    assets = {one.name: LockedAsset(one.name, one.digest, one.size) for one in course.assets if one.digest}
    return with_orders(LockPart(target, str(course.id), entries, assets), course)

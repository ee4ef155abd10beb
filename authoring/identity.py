"""Keys for components that nobody named.

A component without an id is named by its place in the unit (`hello-problem-2`). Put a new one before it and every later
one would get its neighbour's name, and with it the neighbour's learners. `align_implicit_keys` prevents that: it gives each
such component the name under which the lock file knows its content, and a fresh one to what is new. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from authoring.lockfile import LockEntry, LockPart, content_field, wanted_state
from authoring.model import Block, BlockKey, Course


def align_implicit_keys(course: Course, part: LockPart) -> Course:
    """`course` with the implicit keys of components brought in line with `part`.

    Within one parent and category, blocks are paired with lock entries: first those with the same content and fields,
    then the same content, then the same display name, then in order. What is left over gets the first free name.
    """
    if not part.entries:
        return course
    by_parent: dict[tuple[BlockKey, str], list[LockEntry]] = {}
    for entry in part.entries.values():
        if entry.parent is not None:
            by_parent.setdefault((entry.parent, entry.key.category), []).append(entry)
    taken = {block.key for block in course.blocks() if not block.implicit_id}

    def align(block: Block) -> Block:
        if not block.children:
            return block
        children = list(block.children)
        for category in dict.fromkeys(child.category for child in children if child.implicit_id):
            places = [n for n, child in enumerate(children) if child.implicit_id and child.category == category]
            known = [e for e in by_parent.get((block.key, category), ()) if e.key not in taken]
            keys = _pair([children[n] for n in places], known, taken)
            for n, key in zip(places, keys, strict=True):
                if children[n].key != key:
                    children[n] = replace(children[n], key=key)
        children = [align(child) for child in children]  # after their own names are settled: they are parents too
        if all(new is old for new, old in zip(children, block.children, strict=True)):
            return block
        return replace(block, children=tuple(children))

    return replace(course, root=align(course.root))


def _pair(blocks: list[Block], known: list[LockEntry], taken: set[BlockKey]) -> list[BlockKey]:
    """The key of each block: that of the entry it is paired with, else a free one."""
    free = {entry.key: entry for entry in known}
    keys: list[BlockKey | None] = [None] * len(blocks)
    states = [wanted_state(block) for block in blocks]
    body = content_field(blocks[0].category)

    def same_state(n: int, entry: LockEntry) -> bool:
        return states[n] == dict(entry.pushed)

    def same_content(n: int, entry: LockEntry) -> bool:
        return body in states[n] and states[n][body] == entry.pushed.get(body)

    def same_name(n: int, entry: LockEntry) -> bool:
        return "display_name" in states[n] and states[n]["display_name"] == entry.pushed.get("display_name")

    def same_key(n: int, entry: LockEntry) -> bool:
        return entry.key == blocks[n].key

    for test in (same_state, same_content, same_name, same_key):
        for n in range(len(blocks)):
            if keys[n] is None:
                found = next((entry for entry in _in_order(free, blocks[n].key) if test(n, entry)), None)
                if found is not None:
                    keys[n] = found.key
                    del free[found.key]
    used = {key for key in keys if key is not None} | taken | set(free)
    result: list[BlockKey] = []
    for n, block in enumerate(blocks):
        key = keys[n] or _free_key(block.key, used)
        used.add(key)
        result.append(key)
    return result


def _in_order(free: Mapping[BlockKey, LockEntry], first: BlockKey) -> Iterable[LockEntry]:
    """The entry of the same name first, then the others in the order of their names."""
    if first in free:
        yield free[first]
    for key in sorted(free, key=lambda key: (len(key.url_name), key.url_name)):
        if key != first:
            yield free[key]


def _free_key(key: BlockKey, used: set[BlockKey]) -> BlockKey:
    if key not in used:
        return key
    stem, _, _ = key.url_name.rpartition("-")
    number = 1
    while BlockKey(key.category, f"{stem}-{number}") in used:
        number += 1
    return BlockKey(key.category, f"{stem}-{number}")

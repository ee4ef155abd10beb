"""The live course written as ours, where both say the same, and what of it nobody could read. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from authoring.comparison import same_field
from authoring.decompile import same_content
from authoring.dialects.bodies import same_textbook
from authoring.exporter import EMPTY_INFO, LiveCourse, hidden_fields
from authoring.keys import block_id, is_usage_key
from authoring.lockfile import PAGES_KEY, LockPart, content_field
from authoring.merge import CHILDREN, EVERYTHING, EXISTENCE, GRADING, ORDER
from authoring.model import ROOT_KEY, Block, BlockKey, Course, FieldValue
from authoring.olx.reader import POINTER_ONLY
from authoring.references import JUMP_LINK
from authoring.registry import spec


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
        entry = part.entries.get(block.key)
        locked = entry.pushed if entry is not None else {}
        for name in {**block.fields, **own.fields}:
            theirs, written = block.fields.get(name), own.fields.get(name)
            same = same_field(block.key, name, written, theirs)
            value = written if same else theirs
            if not same and name not in locked and same_field(block.key, name, None, theirs):
                value = None  # set here alone; there stands what the platform means by nothing
            if name == "pdf_textbooks" and isinstance(value, list) and isinstance(written, list):
                value = [next((mine for mine in written if same_textbook(mine, book)), book) for book in value]
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

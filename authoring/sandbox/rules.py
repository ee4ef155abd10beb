"""What Studio does with blocks: creating, updating, ordering, moving, publishing, deleting. The platform's rules, its
silences too.

Comes in: a store and what a request asks. Goes out: the changed store, and `Refusal` for what is refused. Sources: Open edX:
cms/djangoapps/contentstore/xblock_storage_handlers, xmodule/modulestore/split_mongo; docs/platform.md.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from authoring.registry import spec
from authoring.sandbox.addresses import block_id_of, category_of, course_of, course_parts, root_of, usage_of
from authoring.sandbox.boilerplates import boilerplate_fields
from authoring.sandbox.refusals import broken, refuse
from authoring.sandbox.store import DRAFT, PUBLISHED, Node, Store
from authoring.sandbox.values import (
    BODY,
    UNSET_START,
    body_value,
    clear_fields,
    is_detached,
    is_direct,
    set_attributes,
    set_metadata,
    title_of,
)

CONCURRENT = "Invalid data, possibly caused by concurrent authors."


DEFAULT_TABS = ("courseware", "progress", "dates", "discussion", "wiki", "textbooks")
"""What a new course shows beside its own pages (Open edX: xmodule/tabs.py)."""


def need(store: Store, usage: str, branch: str = DRAFT, *, missing: int = 404) -> Node:
    """The block. A missing one is refused with `missing`: a 500 in Studio's own view, a 404 in the newer ones."""
    node = store.get(course_of(usage), usage, branch)
    if node is not None:
        return node
    raise broken() if missing == 500 else refuse(missing, f"block not found: {usage}")


# -- courses --------------------------------------------------------------------------------------------------------


def new_course(store: Store, course: str, title: str) -> None:
    """An empty course, with the settings that a create gives it. Raises Refusal(400) for a malformed key."""
    org, number, run = course_parts(course)
    store.save_course(
        course,
        {
            "org": org,
            "number": number,
            "run": run,
            "grading": {
                "graders": [
                    _grader(0, "Homework", "HW", 15, 12, 2),
                    _grader(1, "Lab", "", 15, 12, 2),
                    _grader(2, "Midterm Exam", "", 30, 1, 0),
                    _grader(3, "Final Exam", "", 40, 1, 0),
                ],
                "grade_cutoffs": {"Pass": 0.5},
                "grace_period": None,
                "minimum_grade_credit": 0.8,
            },
            "about": {},
            "team": {"sandbox@example.org": "instructor"},
        },
    )
    root = Node(
        root_of(course),
        "course",
        None,
        {
            "display_name": title,
            "start": UNSET_START,
            "language": "en",
            "wiki_slug": f"{org}.{number}.{run}",
            "cert_html_view_enabled": True,
            "tabs": [{"type": kind, "name": kind.capitalize()} for kind in DEFAULT_TABS],
        },
        version=store.next_version(),
    )
    store.put(course, root, DRAFT)
    store.put(course, root, PUBLISHED)


def _grader(number: int, kind: str, short: str, weight: float, count: int, drop: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": kind,
        "min_count": count,
        "drop_count": drop,
        "short_label": short,
        "weight": weight,
    }


def copy_course(store: Store, source: str, target: str, title: str | None) -> None:
    """A rerun: blocks of both branches under their ids, settings and files; not the extracted files of SCORM packages.
    Enrolment dates are cleared and the start is unset (Open edX: cms/djangoapps/contentstore/tasks.py)."""
    row = store.course(source)
    if row is None:
        raise refuse(404, f"Course key does not exist: {source}")
    org, number, run = course_parts(target)
    store.save_course(target, {**row, "org": org, "number": number, "run": run})
    old, new = (f"block-v1:{course.removeprefix('course-v1:')}+" for course in (source, target))
    for branch in (DRAFT, PUBLISHED):
        for node in store.all(source, branch).values():
            twin = Node(
                new + node.usage.removeprefix(old),
                node.category,
                new + node.parent.removeprefix(old) if node.parent else None,
                _renamed(node.fields, old, new),
                [new + child.removeprefix(old) for child in node.children],
                node.version,
            )
            if twin.category == "course":
                for name in ("advertised_start", "enrollment_start", "enrollment_end", "video_upload_pipeline"):
                    twin.fields.pop(name, None)
                twin.fields |= {"start": UNSET_START} | ({"display_name": title} if title else {})
            store.put(target, twin, branch)
    store.copy_assets(source, target)


def _renamed(value: Any, old: str, new: str) -> Any:
    """References to blocks point to their twins; texts stay as they are."""
    if isinstance(value, dict):
        return {name: _renamed(item, old, new) for name, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, old, new) for item in value]
    if isinstance(value, str) and value.startswith(old) and "+type@" in value and " " not in value:
        return new + value.removeprefix(old)
    return value


# -- saving and creating --------------------------------------------------------------------------------------------


def save(store: Store, node: Node) -> None:
    """Write a draft; a direct-only block is published by it, without its children (Open edX: split_draft.py,
    `_auto_publish_no_children`)."""
    node.version = store.next_version()
    store.put(course_of(node.usage), node)
    if is_direct(node.category):
        _publish_alone(store, node)


def _publish_alone(store: Store, node: Node) -> None:
    course = course_of(node.usage)
    shown = [child for child in node.children if store.has(course, child, PUBLISHED)]
    store.put(course, Node(node.usage, node.category, node.parent, node.fields, shown, node.version), PUBLISHED)


def create(
    store: Store,
    parent_usage: str,
    category: str,
    title: str | None,
    boilerplate: str | None = None,
    position: int | None = None,
    *,
    missing: int = 404,
) -> Node:
    """A new block under a minted id, appended last unless `position` is given. Nothing is checked of who may be whose
    child (Open edX: `create_xblock`); an unknown boilerplate is passed over."""
    parent = need(store, parent_usage, missing=missing)
    fields = boilerplate_fields(category, boilerplate) if boilerplate else {}
    if title is not None:
        fields["display_name"] = title
    course = course_of(parent_usage)
    usage = usage_of(course, category, uuid.uuid4().hex)
    course_of(usage)  # A category with characters that no key takes is refused here.
    detached = is_detached(category)
    node = Node(usage, category, None if detached else parent_usage, fields)
    save(store, node)
    if category == "static_tab":
        _add_tab(store, course, node)
    if not detached:
        place = len(parent.children) if position is None else max(0, min(position, len(parent.children)))
        parent.children.insert(place, usage)
        parent.version = store.next_version()
        store.put(course, parent)
        if is_direct(category):
            _publish_alone(store, parent)
    return node


def duplicate(store: Store, source_usage: str, parent_usage: str, title: str | None, *, missing: int = 404) -> Node:
    """A deep copy with new ids, right after its source where the parents are the same, else last."""
    source, parent = need(store, source_usage, missing=missing), need(store, parent_usage, missing=missing)
    if title is None:
        own = source.fields.get("display_name")
        title = f"Duplicate of '{own}'" if own else f"Duplicate of {source.category}"
    course = course_of(parent_usage)
    top = _twin(store, course, source, None if is_detached(source.category) else parent_usage)
    top.fields["display_name"] = title
    save(store, top)
    if not is_detached(source.category):
        place = parent.children.index(source_usage) + 1 if source_usage in parent.children else len(parent.children)
        parent.children.insert(place, top.usage)
        save(store, parent)
    return top


def _twin(store: Store, course: str, source: Node, parent: str | None) -> Node:
    twin = Node(usage_of(course, source.category, uuid.uuid4().hex), source.category, parent)
    twin.fields = copy.deepcopy(source.fields)
    for usage in source.children:
        child = store.get(course_of(source.usage), usage)
        if child is not None:
            twin.children.append(_twin(store, course, child, twin.usage).usage)
    save(store, twin)
    return twin


# -- updating -------------------------------------------------------------------------------------------------------


def update(store: Store, usage: str, body: Mapping[str, Any], *, missing: int = 404) -> Node:
    """The partial update of `/xblock/{key}`, in Studio's order of steps (Open edX: `_save_xblock`). A refusal at any
    step leaves all as it was: the caller's transaction is taken back."""
    node = found_or_made(store, usage, missing=missing)
    if body.get("publish") == "discard_changes":
        discard(store, node)
        return node
    data = body.get(BODY)
    if data and (spec(node.category) is None or _has_body(node.category)):
        node.fields[BODY] = body_value(node.category, data)
    set_attributes(node, body.get("fields") or {})
    if body.get("children") is not None:
        reorder(store, node, body["children"])
    clear_fields(node, body.get("nullout"))
    set_metadata(node, body.get("metadata") or {})
    _grade(node, body.get("graderType"))
    save(store, node)
    if node.category == "static_tab":
        _rename_tab(store, node)
    wanted = body.get("publish")
    shown = store.has(course_of(usage), usage, PUBLISHED)
    if wanted == "make_public" or (wanted == "republish" and shown and not is_direct(node.category)):
        publish(store, usage)
    return node


def found_or_made(store: Store, usage: str, *, missing: int = 404) -> Node:
    """The draft; `course_info` blocks are made when they are first asked for."""
    course = course_of(usage)
    node = store.get(course, usage)
    if node is None and category_of(usage) == "course_info" and store.course(course) is not None:
        node = Node(usage, "course_info")
        save(store, node)
    return node or need(store, usage, missing=missing)


def _has_body(category: str) -> bool:
    known = spec(category)
    return known is not None and (known.content == BODY or BODY in known.own_fields)


def _grade(node: Node, grader: Any) -> None:
    """No one checks that there is such an assignment type."""
    if not isinstance(grader, str):
        return
    if grader == "notgraded":
        node.fields.pop("format", None)
        node.fields.pop("graded", None)
    else:
        node.fields |= {"format": grader, "graded": True}


def reorder(store: Store, node: Node, children: Sequence[str]) -> None:
    """The full list: dropping a child or naming an orphan is a 400, naming another's child moves it here."""
    course = course_of(node.usage)
    if set(node.children) - set(children) or len(set(children)) != len(children):
        raise refuse(400, CONCURRENT)
    for usage in children:
        if usage in node.children:
            continue
        child = store.get(course, usage)
        if child is None or child.parent is None:
            raise refuse(400, CONCURRENT)
        _take_out(store, child)
        child.parent = node.usage
        save(store, child)
    node.children = list(children)


def _take_out(store: Store, child: Node) -> None:
    parent = store.get(course_of(child.usage), child.parent) if child.parent else None
    if parent is not None and child.usage in parent.children:
        parent.children.remove(child.usage)
        save(store, parent)


_TARGETS = {"sequential": ("vertical",), "chapter": ("sequential",)}


def move(store: Store, usage: str, parent_usage: str, index: int | None, *, missing: int = 404) -> int:
    """Put a block under another parent; returns where it was. Raises Refusal(400) as Studio does (`_move_item`)."""
    child, parent = need(store, usage, missing=missing), need(store, parent_usage, missing=missing)
    if is_direct(parent.category):
        allowed = child.category in _TARGETS.get(parent.category, ())
    else:
        known = spec(parent.category)
        allowed = not is_direct(child.category) and (known is None or known.children)
    if not allowed:
        raise refuse(400, f"You can not move {child.category} into {parent.category}.")
    if child.parent == parent_usage:
        raise refuse(400, "Item is already present in target location.")
    if usage == parent_usage or parent_usage in {below.usage for below in subtree(store, usage)}:
        raise refuse(400, "You can not move an item into itself.")
    if parent.category == "split_test":
        raise refuse(400, "You can not move an item directly into content experiment.")
    if index is not None and not 0 <= index <= len(parent.children):
        raise refuse(400, f"You can not move {usage} at an invalid index ({index}).")
    source = store.get(course_of(usage), child.parent or "")
    at = source.children.index(usage) if source and usage in source.children else 0
    _take_out(store, child)
    parent.children.insert(len(parent.children) if index is None else index, usage)
    save(store, parent)
    child.parent = parent_usage
    save(store, child)
    return at


# -- draft and published --------------------------------------------------------------------------------------------


def subtree(store: Store, usage: str, branch: str = DRAFT) -> Iterator[Node]:
    """A block and all below it."""
    course = course_of(usage)
    stack = [usage]
    while stack:
        node = store.get(course, stack.pop(), branch)
        if node is not None:
            yield node
            stack.extend(reversed(node.children))


def publish(store: Store, usage: str, *, missing: int = 404) -> None:
    """Copy the draft subtree to the published branch; what the draft no longer has anywhere goes. A block that was moved
    away stays where it is shown now until its new place is published."""
    course = course_of(usage)
    need(store, usage, missing=missing)
    wanted = list(subtree(store, usage))
    keys = {node.usage for node in wanted}
    old = [node.usage for node in subtree(store, usage, PUBLISHED) if node.usage not in keys]
    for node in wanted:
        store.put(course, node, PUBLISHED)
    top = wanted[0]
    parent = store.get(course, top.parent) if top.parent else None
    shown = store.get(course, top.parent, PUBLISHED) if top.parent else None
    if parent is not None and shown is not None and usage not in shown.children:
        ours = {*shown.children, usage}
        shown.children = [child for child in parent.children if child in ours]
        store.put(course, shown, PUBLISHED)
    if old:
        held = {child for node in store.all(course, PUBLISHED).values() for child in node.children}
        for gone in old:
            if gone not in held:
                store.drop(course, gone, PUBLISHED)


def discard(store: Store, node: Node) -> None:
    """Back to what is published; nothing for a direct-only block, a 500 for one that never was (InvalidVersionError)."""
    if is_direct(node.category):
        return
    course = course_of(node.usage)
    if not store.has(course, node.usage, PUBLISHED):
        raise broken()
    for draft in list(subtree(store, node.usage)):
        if draft.usage != node.usage:
            store.drop(course, draft.usage)
    for shown in list(subtree(store, node.usage, PUBLISHED)):
        store.put(course, shown)


def delete(store: Store, usage: str, *, missing: int = 404) -> None:
    """Delete a subtree. A unit vanishes from the LMS at once, a component when its unit is published."""
    course = course_of(usage)
    node = need(store, usage, missing=missing)
    if node.category == "course":
        raise refuse(400, "the course block cannot be deleted")
    parent = store.get(course, node.parent) if node.parent else None
    both = is_direct(node.category) or parent is None or is_direct(parent.category)
    for branch in (DRAFT, PUBLISHED) if both else (DRAFT,):
        for gone in list(subtree(store, usage, branch)):
            store.drop(course, gone.usage, branch)
    if node.category == "static_tab":
        set_tabs(store, course, [tab for tab in tabs_of(store, course) if tab.get("url_slug") != block_id_of(usage)])
    if parent is not None:
        parent.children.remove(usage)
        save(store, parent)


def changed(drafts: Mapping[str, Node], shown: Mapping[str, Node], usage: str) -> bool:
    """`has_changes`: the draft, or anything below it, is not what is published."""
    stack = [usage]
    while stack:
        node = drafts.get(stack.pop())
        if node is None:
            continue
        published = shown.get(node.usage)
        if published is None or published.version != node.version:
            return True
        stack.extend(node.children)
    return False


def orphans(store: Store, course: str) -> list[str]:
    """Blocks that nothing leads to; detached ones never count."""
    nodes = store.all(course)
    reached = {node.usage for node in subtree(store, root_of(course))}
    return sorted(usage for usage, node in nodes.items() if usage not in reached and not is_detached(node.category))


# -- pages ------------------------------------------------------------------------------------------------------------


def tabs_of(store: Store, course: str) -> list[dict[str, Any]]:
    """The course's tabs: a field of the course block."""
    root = store.get(course, root_of(course))
    return list(root.fields.get("tabs") or []) if root else []


def set_tabs(store: Store, course: str, tabs: list[dict[str, Any]]) -> None:
    root = need(store, root_of(course))
    root.fields["tabs"] = tabs
    save(store, root)


def _add_tab(store: Store, course: str, node: Node) -> None:
    name = node.fields.get("display_name") or "Empty"
    tab = {"type": "static_tab", "name": name, "url_slug": block_id_of(node.usage)}
    set_tabs(store, course, [*tabs_of(store, course), tab])


def _rename_tab(store: Store, node: Node) -> None:
    course = course_of(node.usage)
    tabs = tabs_of(store, course)
    for tab in tabs:
        if tab.get("url_slug") == block_id_of(node.usage):
            tab["name"] = title_of(node)
            tab["course_staff_only"] = bool(node.fields.get("course_staff_only"))
    set_tabs(store, course, tabs)

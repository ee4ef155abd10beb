"""What the platform answers when it is read: blocks, outlines, units, as JSON. Pure reads of the store."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from authoring.registry import field_spec, spec
from authoring.sandbox.rules import BODY, UNSET_START, changed_units, course_of, root_of, subtree, title_of
from authoring.sandbox.store import PUBLISHED, Node, Store

OUTLINE = ("course", "chapter", "sequential", "vertical")


def block_json(store: Store, node: Node, *, rewritten: bool) -> dict[str, Any]:
    """A stock read. `metadata` holds explicitly set settings; `data` is the class default while unset."""
    course = course_of(node.usage)
    data = node.fields.get(BODY)
    if data is None:
        field = field_spec(node.category, BODY)
        data = field.default if field is not None else None
    if rewritten and isinstance(data, str):
        data = served(data, course)
    shown = store.get(course, node.usage, PUBLISHED)
    drafts = {above.usage: above for above in _with_ancestors(store, node)}
    return {
        "id": node.usage,
        "display_name": title_of(node),
        "category": node.category,
        "has_children": bool(node.children),
        "published": shown is not None,
        "has_changes": _has_changes(store, node),
        "start": inherited(drafts, node, "start"),
        "due": inherited(drafts, node, "due"),
        "format": node.fields.get("format"),
        "graded": bool(inherited(drafts, node, "graded")),
        "data": data,
        "metadata": metadata_json(node),
    }


def _with_ancestors(store: Store, node: Node) -> Iterator[Node]:
    current: Node | None = node
    while current is not None:
        yield current
        current = store.get(course_of(node.usage), current.parent) if current.parent else None


def _has_changes(store: Store, node: Node) -> bool:
    below = list(subtree(store, node.usage))
    shown = {
        usage: found
        for usage, found in ((n.usage, store.get(course_of(n.usage), n.usage, PUBLISHED)) for n in below)
        if found
    }
    return changed_units({n.usage: n for n in below}, shown, node.usage)


def metadata_json(node: Node) -> dict[str, Any]:
    """Explicitly set fields of settings scope; what has content scope is not listed."""
    result = {}
    for name, value in node.fields.items():
        field = field_spec(node.category, name)
        if name != BODY and (field is None or field.scope.value == "settings"):
            result[name] = value
    return result


def served(text: str, course: str) -> str:
    """`/static/x` as the platform shows it on a read (Open edX: static_replace)."""
    prefix = "/asset-v1:" + course.removeprefix("course-v1:") + "+type@asset+block@"
    return re.sub(r"(?<=[\"'])/static/([^\"'?#]+)", lambda match: prefix + match[1].replace("/", "_"), text)


def inherited(nodes: Mapping[str, Node], node: Node, name: str) -> Any:
    """The nearest explicitly set value of an inheritable field."""
    current: Node | None = node
    while current is not None:
        if name in current.fields:
            return current.fields[name]
        current = nodes.get(current.parent) if current.parent else None
    return UNSET_START if name == "start" else None


def outline_json(store: Store, usage: str) -> dict[str, Any]:
    """The recursive outline down to units; components are not in it."""
    course = course_of(usage)
    drafts, shown = store.all(course), store.all(course, PUBLISHED)

    def row(node: Node) -> dict[str, Any]:
        unit = node.category == "vertical"
        changes = changed_units(drafts, shown, node.usage) if unit else None
        result: dict[str, Any] = {
            "id": node.usage,
            "display_name": title_of(node),
            "category": node.category,
            "has_children": bool(node.children),
            "published": node.usage in shown,
            "has_changes": changes,
            "visibility_state": visibility(drafts, shown, node, changes),
            "start": inherited(drafts, node, "start"),
            "due": inherited(drafts, node, "due"),
            "format": node.fields.get("format"),
            "graded": bool(inherited(drafts, node, "graded")),
            "has_explicit_staff_lock": bool(node.fields.get("visible_to_staff_only")),
        }
        if not unit:
            below = OUTLINE[min(OUTLINE.index(node.category) + 1, 3)] if node.category in OUTLINE else "vertical"
            children = [drafts[child] for child in node.children if child in drafts]
            result["child_info"] = {
                "category": below,
                "display_name": (known.title if (known := spec(below)) else below).capitalize(),
                "children": [row(child) for child in children if child.category in OUTLINE],
            }
        return result

    result = row(drafts[usage])
    if usage == root_of(course):
        grading = (store.course(course) or {}).get("grading", {})
        result["course_graders"] = [grader["type"] for grader in grading.get("graders", [])]
    return result


def visibility(drafts: Mapping[str, Node], shown: Mapping[str, Node], node: Node, changes: bool | None) -> str:
    """`visibility_state`, in the platform's order of tests (Open edX: `_compute_visibility_state`)."""
    if inherited(drafts, node, "visible_to_staff_only"):
        return "staff_only"
    if inherited(drafts, node, "hide_from_toc"):
        return "hide_from_toc"
    if changes or node.usage not in shown:
        return "needs_attention"
    start = inherited(drafts, node, "start")
    if start == UNSET_START:
        return "unscheduled"
    try:
        begun = datetime.fromisoformat(start) <= datetime.now(UTC)
    except (TypeError, ValueError):
        begun = False
    return "live" if begun else "ready"


def units_json(store: Store, course: str) -> dict[str, Any]:
    """Every unit with its components, in outline order."""
    drafts = store.all(course)
    units = []
    root = drafts.get(root_of(course))
    stack = list(reversed(root.children)) if root else []
    while stack:
        node = drafts.get(stack.pop())
        if node is None:
            continue
        if node.category == "vertical":
            units.append(
                {
                    "id": node.usage,
                    "display_name": title_of(node),
                    "type": "vertical",
                    "children": [
                        {"id": child, "display_name": title_of(drafts[child]), "type": drafts[child].category}
                        for child in node.children
                        if child in drafts
                    ],
                }
            )
        else:
            stack.extend(reversed(node.children))
    return {"units": units}


def children_json(store: Store, node: Node) -> dict[str, Any]:
    """The children of one container (`/api/contentstore/v1/container/vertical/…/children`)."""
    course = course_of(node.usage)
    rows = []
    for usage in node.children:
        child = store.get(course, usage)
        if child is not None:
            rows.append(
                {
                    "name": title_of(child),
                    "block_id": usage,
                    "block_type": child.category,
                    "actions": {},
                    "validation_messages": [],
                    "render_error": "",
                }
            )
    return {"children": rows, "is_published": store.get(course, node.usage, PUBLISHED) is not None}


def snapshot(store: Store, course: str) -> dict[str, Any]:
    """The whole state of a course for tests: both branches as nested rows, detached blocks, files, settings."""
    result: dict[str, Any] = {"course": store.course(course), "assets": store.assets(course)}
    for branch in ("draft", "published"):
        nodes = store.all(course, branch)

        def row(node: Node, nodes: Mapping[str, Node] = nodes) -> dict[str, Any]:
            return {
                "usage": node.usage,
                "category": node.category,
                "fields": node.fields,
                "children": [row(nodes[child]) for child in node.children if child in nodes],
            }

        root = nodes.get(root_of(course))
        result[branch] = row(root) if root else None
        result[f"{branch}_detached"] = [
            row(node) for node in nodes.values() if node.parent is None and node.category != "course"
        ]
    return result

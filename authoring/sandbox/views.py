"""What the platform answers when it is read: blocks, outlines, units, as JSON. Pure reads of the store."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from authoring.registry import field_spec, spec
from authoring.sandbox.addresses import asset_key, block_id_of, course_of, root_of
from authoring.sandbox.rules import changed, subtree
from authoring.sandbox.store import PUBLISHED, Node, Store
from authoring.sandbox.values import BODY, UNSET_START, body_of_block, inherited, title_of

OUTLINE = ("course", "chapter", "sequential", "vertical")


def block_json(store: Store, node: Node, *, rewritten: bool) -> dict[str, Any]:
    """A read of `/xblock/{key}`. `metadata` holds explicitly set settings; `data` is the class default while unset.
    Children are not listed."""
    course = course_of(node.usage)
    data = body_of_block(node)
    if rewritten and isinstance(data, str):
        data = served(data, course)
    shown = store.has(course, node.usage, PUBLISHED)
    line = {above.usage: above for above in (node, *ancestors(store, node))}
    changes = has_changes(store, node)
    state = visibility(
        line, {node.usage: node} if shown else {}, node, changes if node.category == "vertical" else None
    )
    return {
        "id": node.usage,
        "display_name": title_of(node),
        "category": node.category,
        "has_children": bool(node.children),
        "published": shown,
        "has_changes": changes,
        "visibility_state": state,
        **_facts(line, node),
        "course_graders": _graders(store, course),
        "xblock_type": node.category,
        "data": data,
        "metadata": metadata_json(node),
        "ancestor_has_staff_lock": any(above.fields.get("visible_to_staff_only") for above in ancestors(store, node)),
    }


def _facts(nodes: Mapping[str, Node], node: Node) -> dict[str, Any]:
    """What the outline and a single read both tell."""
    start = inherited(nodes, node, "start")
    return {
        "start": start,
        "released_to_students": _begun(start),
        "release_date": None if start == UNSET_START else start,
        "due": inherited(nodes, node, "due"),
        "due_date": inherited(nodes, node, "due") or "",
        "format": node.fields.get("format"),
        "graded": bool(inherited(nodes, node, "graded")),
        "has_explicit_staff_lock": bool(node.fields.get("visible_to_staff_only")),
        "group_access": inherited(nodes, node, "group_access") or {},
        "show_correctness": inherited(nodes, node, "show_correctness"),
        "hide_from_toc": bool(inherited(nodes, node, "hide_from_toc")),
        "studio_url": f"/container/{node.usage}" if node.category == "vertical" else None,
        "lms_url": f"/courses/{course_of(node.usage)}/jump_to/{node.usage}",
        "actions": {
            "deletable": node.category != "course",
            "draggable": True,
            "childAddable": True,
            "duplicable": True,
        },
    }


def ancestors(store: Store, node: Node) -> Iterator[Node]:
    """Those above a block, nearest first."""
    course = course_of(node.usage)
    current = store.get(course, node.parent) if node.parent else None
    while current is not None:
        yield current
        current = store.get(course, current.parent) if current.parent else None


def container_json(store: Store, node: Node, *, rewritten: bool) -> dict[str, Any]:
    """`/xblock/container/{key}`: the block and those above it."""
    above = [
        {"id": up.usage, "display_name": title_of(up), "category": up.category, "has_children": bool(up.children)}
        for up in ancestors(store, node)
    ]
    return {**block_json(store, node, rewritten=rewritten), "ancestor_info": {"ancestors": above}}


def read_token_json(store: Store, node: Node) -> dict[str, Any]:
    """`?fields=customReadToken`: the parent and the children, which no other read of one block lists."""
    course = course_of(node.usage)
    children = [child for usage in node.children if (child := store.get(course, usage))]
    result: dict[str, Any] = {"id": node.usage, "display_name": title_of(node), "category": node.category}
    if node.parent:
        parent = store.get(course, node.parent)
        result["parent"] = {"block_type": parent.category if parent else "", "block_id": block_id_of(node.parent)}
    if children:
        result["children"] = [
            {"block_type": child.category, "block_id": block_id_of(child.usage)} for child in children
        ]
    return result


def has_changes(store: Store, node: Node) -> bool:
    """Whether the draft of a block, or of one below it, is not what is published."""
    course = course_of(node.usage)
    if node.category == "course":  # One read of all is cheaper than one for each.
        return changed(store.all(course), store.all(course, PUBLISHED), node.usage)
    below = list(subtree(store, node.usage))
    shown = {found.usage: found for item in below if (found := store.get(course, item.usage, PUBLISHED))}
    return changed({item.usage: item for item in below}, shown, node.usage)


def metadata_json(node: Node) -> dict[str, Any]:
    """Explicitly set fields of settings scope; what has content scope is not listed."""
    result = {}
    for name, value in node.fields.items():
        field = field_spec(node.category, name)
        if name != BODY and (field is None or field.scope.value == "settings"):
            result[name] = value
    return result


def served(text: str, course: str) -> str:
    """`/static/x` as the platform shows it on a read; only where it is quoted (Open edX: static_replace)."""
    return re.sub(
        r"(?<=[\"'])/static/([^\"'?#]+)(?!\?raw)",
        lambda match: "/" + asset_key(course, match[1].replace("/", "_")),
        text,
    )


def _graders(store: Store, course: str) -> list[str]:
    grading = (store.course(course) or {}).get("grading", {})
    return [grader["type"] for grader in grading.get("graders", [])]


# -- outlines -----------------------------------------------------------------------------------------------------------


def outline_json(store: Store, usage: str) -> dict[str, Any]:
    """The recursive outline down to units; what is in them is not told."""
    course = course_of(usage)
    drafts, shown = store.all(course), store.all(course, PUBLISHED)

    def row(node: Node) -> tuple[dict[str, Any], bool]:
        """The row, and whether anything in it is not published."""
        unit = node.category not in OUTLINE[:-1]
        children = [] if unit else [row(drafts[child]) for child in node.children if child in drafts]
        own = shown.get(node.usage)
        changes = (
            changed(drafts, shown, node.usage)
            if unit
            else own is None or own.version != node.version or any(changes for _, changes in children)
        )
        rows = [child for child, _ in children]
        result: dict[str, Any] = {
            "id": node.usage,
            "display_name": title_of(node),
            "category": node.category,
            "has_children": bool(node.children),
            "published": own is not None,
            "has_changes": changes,
            "visibility_state": visibility(
                drafts, shown, node, changes if unit else None, [str(child["visibility_state"]) for child in rows]
            ),
            **_facts(drafts, node),
        }
        if not unit:
            below = OUTLINE[OUTLINE.index(node.category) + 1]
            known = spec(below)
            result["child_info"] = {
                "category": below,
                "display_name": (known.title if known else below).capitalize(),
                "children": rows,
            }
        return result, changes

    result, _ = row(drafts[usage])
    if usage == root_of(course):
        result["course_graders"] = _graders(store, course)
    return result


def visibility(
    drafts: Mapping[str, Node],
    shown: Mapping[str, Node],
    node: Node,
    changes: bool | None,
    below: list[str] | None = None,
) -> str:
    """`visibility_state`, in the platform's order of tests (Open edX: `_compute_visibility_state`). `changes` is told
    for units only, `below` are the states of the children."""
    if inherited(drafts, node, "visible_to_staff_only"):
        return "staff_only"
    if inherited(drafts, node, "hide_from_toc"):
        return "hide_from_toc"
    if changes:
        return "needs_attention"
    start = inherited(drafts, node, "start")
    unset = start == UNSET_START
    if below:
        states = set(below)
        if "needs_attention" in states:
            return "needs_attention"
        for state in ("staff_only", "hide_from_toc"):
            if states == {state}:
                return state
        if states == {"unscheduled"}:
            return "unscheduled" if unset else "needs_attention"
        if states == {"live"}:
            return "live" if _begun(start) else "needs_attention"
        return "needs_attention" if unset else "ready"
    if node.usage not in shown:
        return "needs_attention"
    if _begun(start):
        return "live"
    return "unscheduled" if unset else "ready"


def _begun(start: Any) -> bool:
    try:
        return datetime.fromisoformat(start) <= datetime.now(UTC)
    except (TypeError, ValueError):
        return False


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
        if node.category != "vertical":
            stack.extend(reversed(node.children))
            continue
        children = [drafts[child] for child in node.children if child in drafts]
        units.append(
            {
                "id": node.usage,
                "display_name": title_of(node),
                "type": "vertical",
                "children": [
                    {"id": child.usage, "display_name": title_of(child), "type": child.category} for child in children
                ],
            }
        )
    return {"units": units}


def children_json(store: Store, node: Node) -> dict[str, Any]:
    """The children of one container (`/api/contentstore/v1/container/vertical/…/children`)."""
    course = course_of(node.usage)
    children = [child for usage in node.children if (child := store.get(course, usage))]
    rows = [
        {
            "name": title_of(child),
            "block_id": child.usage,
            "block_type": child.category,
            "actions": {"can_copy": True, "can_duplicate": True, "can_move": True, "can_delete": True},
            "validation_messages": [],
            "render_error": "",
        }
        for child in children
    ]
    return {"children": rows, "is_published": store.has(course, node.usage, PUBLISHED)}


# -- everything ---------------------------------------------------------------------------------------------------------


def snapshot(store: Store, course: str) -> dict[str, Any]:
    """The whole state of a course for tests.

    `{draft, published, draft_detached, published_detached, course, assets}`; a row of a tree is `{usage, block_id,
    category, display_name, fields, has_changes, children}`. `fields` holds what was explicitly set, the body under
    `data`; `has_changes` is told of drafts.
    """
    drafts, shown = store.all(course), store.all(course, PUBLISHED)
    result: dict[str, Any] = {"course": store.course(course), "assets": store.assets(course)}

    def row(node: Node, nodes: Mapping[str, Node]) -> dict[str, Any]:
        return {
            "usage": node.usage,
            "block_id": block_id_of(node.usage),
            "category": node.category,
            "display_name": title_of(node),
            "fields": node.fields,
            "has_changes": changed(drafts, shown, node.usage) if nodes is drafts else None,
            "children": [row(nodes[child], nodes) for child in node.children if child in nodes],
        }

    for branch, nodes in (("draft", drafts), ("published", shown)):
        root = nodes.get(root_of(course))
        result[branch] = row(root, nodes) if root else None
        result[f"{branch}_detached"] = [
            row(node, nodes) for node in nodes.values() if node.parent is None and node.category != "course"
        ]
    return result

"""What Studio does with blocks: creating, setting fields, ordering, publishing. The platform's rules, its silences too.

Sources: Open edX: cms/djangoapps/contentstore/xblock_storage_handlers, xmodule/modulestore/split_mongo; docs/platform.md.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from authoring.registry import FieldSpec, FieldType, field_spec, spec
from authoring.sandbox.store import DRAFT, PUBLISHED, Node, Store

UNSET_START = "2030-01-01T00:00:00Z"
BODY = "data"


class Refusal(Exception):
    """A request the platform refuses: its status and the body of the answer (text for an HTML page)."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body


def broken() -> Refusal:
    """What an uncaught exception in Studio looks like from outside."""
    return Refusal(500, "<html><head><title>Studio Server Error</title></head><body>Studio Server Error</body></html>")


def course_of(usage: str) -> str:
    """The course key inside a usage key. Raises Refusal when it is no usage key."""
    found = re.fullmatch(r"block-v1:([^+@]+\+[^+@]+\+[^+@]+)\+type@([\w\-~.:]+)\+block@([\w\-~.:]+)", usage)
    if not found:
        raise broken()
    return f"course-v1:{found[1]}"


def category_of(usage: str) -> str:
    return usage.rpartition("+block@")[0].rpartition("+type@")[2]


def usage_of(course: str, category: str, block_id: str) -> str:
    return f"block-v1:{course.removeprefix('course-v1:')}+type@{category}+block@{block_id}"


def root_of(course: str) -> str:
    return usage_of(course, "course", "course")


def is_direct(category: str) -> bool:
    known = spec(category)
    return known is not None and known.direct_only


def is_detached(category: str) -> bool:
    known = spec(category)
    return known is not None and known.detached


def default_title(category: str) -> str:
    known = field_spec(category, "display_name")
    return known.default if known and isinstance(known.default, str) else category


def title_of(node: Node) -> str:
    title = node.fields.get("display_name")
    return title if isinstance(title, str) else default_title(node.category)


def need(store: Store, usage: str, branch: str = DRAFT) -> Node:
    """The block. A missing one is a 500 in Studio's own view, a 404 in the newer ones; here it is a 404."""
    node = store.get(course_of(usage), usage, branch)
    if node is None:
        raise Refusal(404, {"error": f"block not found: {usage}"})
    return node


# -- fields ---------------------------------------------------------------------------------------------------------


def coerce(field: FieldSpec, value: Any) -> Any:
    """A value as the field keeps it. Raises Refusal: 400 for a value it cannot read, 500 for a wrong kind
    (XBlock: xblock/fields.py; only ValueError is caught by the view)."""
    if value is None:
        return None
    match field.type:
        case FieldType.BOOLEAN:
            return value.lower() == "true" if isinstance(value, str) else bool(value)
        case FieldType.INTEGER:
            return None if value == "" else _number(field, value, int)
        case FieldType.FLOAT:
            return None if value == "" else _number(field, value, float)
        case FieldType.STRING:
            if not isinstance(value, str):
                raise broken()
            return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "", value)
        case FieldType.LIST:
            if not isinstance(value, list):
                raise broken()
            return value
        case FieldType.DICT:
            if not isinstance(value, dict):
                raise broken()
            return value
        case FieldType.DATE:
            return _date(field, value)
        case FieldType.RELATIVE_TIME:
            if isinstance(value, str) and not re.fullmatch(r"(\d{1,2}:\d\d:\d\d)?", value):
                raise invalid(f"Incorrect RelativeTime value {value!r} was set in XML or serialized.")
            return value
        case FieldType.XML:
            if not isinstance(value, str):
                raise broken()
            parse_xml(value)
            return value
        case _:
            return value


def invalid(reason: str) -> Refusal:
    return Refusal(400, {"error": f"Invalid data ({reason})"})


def _number(field: FieldSpec, value: Any, kind: type[int] | type[float]) -> Any:
    try:
        return kind(float(value)) if kind is int and isinstance(value, float) else kind(value)
    except ValueError as error:
        raise invalid(str(error)) from error
    except TypeError as error:
        raise broken() from error


def _date(field: FieldSpec, value: Any) -> Any:
    if value == "":
        return None
    if not isinstance(value, str):
        raise broken()
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise invalid(f"{field.name}: {value!r} is not a date") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_xml(text: str) -> None:
    """Raises Refusal(500): malformed XML in an XMLString is an uncaught syntax error."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        etree.fromstring(text.encode("utf-8"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise broken() from error


def set_fields(node: Node, metadata: Mapping[str, Any]) -> None:
    """Lay `metadata` over a block's fields: null takes one back to its default, an unknown name is a 500."""
    known = spec(node.category) is not None
    for name, value in metadata.items():
        field = field_spec(node.category, name)
        if field is None:
            if known:
                raise broken()
            _keep(node, name, value)
            continue
        _keep(node, name, coerce(field, value))


def _keep(node: Node, name: str, value: Any) -> None:
    if value is None:
        node.fields.pop(name, None)
    else:
        node.fields[name] = value


# -- changing -------------------------------------------------------------------------------------------------------


def new_course(store: Store, course: str, title: str) -> None:
    """An empty course, with the settings that a create gives it."""
    org, number, run = course.removeprefix("course-v1:").split("+")
    store.save_course(
        course,
        {
            "org": org,
            "number": number,
            "run": run,
            "grading": {
                "graders": [
                    _grader(0, "Homework", 15),
                    _grader(1, "Lab", 15),
                    _grader(2, "Midterm Exam", 30),
                    _grader(3, "Final Exam", 40),
                ],
                "grade_cutoffs": {"Pass": 0.5},
                "grace_period": None,
                "minimum_grade_credit": 0.8,
            },
            "about": {},
        },
    )
    root = Node(
        root_of(course),
        "course",
        None,
        {"display_name": title, "start": UNSET_START, "language": "en", "wiki_slug": f"{org}.{number}.{run}"},
    )
    root.version = store.next_version()
    store.put(course, root, DRAFT)
    store.put(course, root, PUBLISHED)


def _grader(number: int, kind: str, weight: float) -> dict[str, Any]:
    return {"id": number, "type": kind, "min_count": 1, "drop_count": 0, "short_label": "", "weight": weight}


def save(store: Store, node: Node) -> None:
    """Write a draft; a direct-only block is published by it, without its children (studio: EXCLUDE_ALL)."""
    course = course_of(node.usage)
    node.version = store.next_version()
    store.put(course, node)
    if is_direct(node.category):
        publish_alone(store, node)


def publish_alone(store: Store, node: Node) -> None:
    course = course_of(node.usage)
    published = store.all_keys(course, PUBLISHED)
    copy = Node(node.usage, node.category, node.parent, dict(node.fields), [], node.version)
    copy.children = [child for child in node.children if child in published]
    store.put(course, copy, PUBLISHED)


def create(store: Store, parent_usage: str, category: str, fields: Mapping[str, Any]) -> Node:
    """A new block, appended last. Nothing is checked of who may be whose child (Open edX: `create_xblock`)."""
    parent = need(store, parent_usage)
    course = course_of(parent_usage)
    usage = usage_of(course, category, uuid.uuid4().hex)
    detached = is_detached(category)
    node = Node(usage, category, None if detached else parent_usage, dict(fields))
    save(store, node)
    if category == "static_tab":
        row = store.course(course) or {}
        tabs = row.setdefault("tabs", [])
        slug = usage.rpartition("@")[2]
        tabs.append({"type": "static_tab", "name": fields.get("display_name") or "Empty", "url_slug": slug})
        store.save_course(course, row)
    if not detached:
        parent.children.append(usage)
        parent.version = store.next_version()
        store.put(course, parent)
        if is_direct(category):
            publish_alone(store, parent)
    return node


def update(store: Store, usage: str, body: Mapping[str, Any]) -> Node:
    """The partial update of `/xblock/{key}`, in Studio's order of steps."""
    course = course_of(usage)
    node = store.get(course, usage)
    if node is None:
        if category_of(usage) != "course_info" or store.course(course) is None:
            raise Refusal(404, {"error": f"block not found: {usage}"})
        node = Node(usage, "course_info")
    if body.get("publish") == "discard_changes":
        discard(store, node)
        return node
    data = body.get("data")
    if data:
        _set_body(node, data)
    for name, value in (body.get("fields") or {}).items():
        if field_spec(node.category, name) is not None or spec(node.category) is None:
            _keep(node, name, value)
    if body.get("children") is not None:
        reorder(store, node, body["children"])
    for name in body.get("nullout") or ():
        node.fields.pop(name, None)
    set_fields(node, body.get("metadata") or {})
    grader = body.get("graderType")
    if isinstance(grader, str):
        if grader == "notgraded":
            node.fields.pop("format", None)
            node.fields.pop("graded", None)
        else:
            node.fields |= {"format": grader, "graded": True}
    save(store, node)
    if node.category == "static_tab":
        _rename_tab(store, course, node)
    if body.get("publish") == "make_public" or (
        body.get("publish") == "republish" and not is_direct(node.category) and store.get(course, usage, PUBLISHED)
    ):
        publish(store, usage)
    return node


def _set_body(node: Node, data: Any) -> None:
    field = field_spec(node.category, BODY)
    node.fields[BODY] = coerce(field, data) if field is not None else data


def _rename_tab(store: Store, course: str, node: Node) -> None:
    row = store.course(course) or {}
    slug = node.usage.rpartition("@")[2]
    for tab in row.get("tabs", []):
        if tab.get("url_slug") == slug:
            tab["name"] = title_of(node)
            tab["course_staff_only"] = bool(node.fields.get("course_staff_only"))
    store.save_course(course, row)


CONCURRENT = {"error": "Invalid data, possibly caused by concurrent authors."}


def reorder(store: Store, node: Node, children: Sequence[str]) -> None:
    """The full list: dropping a child or naming an orphan is a 400, naming another's child moves it here."""
    course = course_of(node.usage)
    if set(node.children) - set(children):
        raise Refusal(400, CONCURRENT)
    for usage in children:
        if usage in node.children:
            continue
        child = store.get(course, usage)
        if child is None or child.parent is None:
            raise Refusal(400, CONCURRENT)
        _detach(store, child)
        child.parent = node.usage
        save(store, child)
    node.children = list(children)


def _detach(store: Store, child: Node) -> None:
    course = course_of(child.usage)
    parent = store.get(course, child.parent) if child.parent else None
    if parent is not None and child.usage in parent.children:
        parent.children.remove(child.usage)
        save(store, parent)


def move(store: Store, usage: str, parent_usage: str, index: int | None) -> int:
    """Put a block under another parent. Raises Refusal(400) as Studio does."""
    child, parent = need(store, usage), need(store, parent_usage)
    allowed = {"sequential": ("vertical",), "chapter": ("sequential",)}
    if parent.category in ("course", "chapter", "sequential"):
        if child.category not in allowed.get(parent.category, ()):
            raise Refusal(400, {"error": f"You can not move {child.category} into {parent.category}."})
    elif is_direct(child.category):
        raise Refusal(400, {"error": f"You can not move {child.category} into {parent.category}."})
    if child.parent == parent_usage:
        raise Refusal(400, {"error": "Item is already present in target location."})
    if usage == parent_usage or parent_usage in {below.usage for below in subtree(store, usage)}:
        raise Refusal(400, {"error": "You can not move an item into itself."})
    if index is not None and not 0 <= index <= len(parent.children):
        raise Refusal(400, {"error": f"You can not move {usage} at an invalid index ({index})."})
    source = store.get(course_of(usage), child.parent or "")
    at = source.children.index(usage) if source and usage in source.children else 0
    _detach(store, child)
    parent.children.insert(len(parent.children) if index is None else index, usage)
    save(store, parent)
    child.parent = parent_usage
    save(store, child)
    return at


def subtree(store: Store, usage: str, branch: str = DRAFT) -> Iterator[Node]:
    """A block and all below it."""
    course = course_of(usage)
    stack = [usage]
    while stack:
        node = store.get(course, stack.pop(), branch)
        if node is not None:
            yield node
            stack.extend(reversed(node.children))


def publish(store: Store, usage: str) -> None:
    """Copy the draft subtree to the published branch; what the draft no longer has goes."""
    course = course_of(usage)
    need(store, usage)
    wanted = list(subtree(store, usage))
    keys = {node.usage for node in wanted}
    for old in list(subtree(store, usage, PUBLISHED)):
        if old.usage not in keys:
            store.drop(course, old.usage, PUBLISHED)
    for node in wanted:
        store.put(course, node, PUBLISHED)
    top = wanted[0]
    parent = store.get(course, top.parent) if top.parent else None
    shown = store.get(course, top.parent, PUBLISHED) if top.parent else None
    if parent is not None and shown is not None and usage not in shown.children:
        ours = {*shown.children, usage}
        shown.children = [child for child in parent.children if child in ours]
        store.put(course, shown, PUBLISHED)


def discard(store: Store, node: Node) -> None:
    if is_direct(node.category):
        return
    course = course_of(node.usage)
    if store.get(course, node.usage, PUBLISHED) is None:
        raise broken()
    for draft in list(subtree(store, node.usage)):
        if draft.usage != node.usage:
            store.drop(course, draft.usage)
    for shown in list(subtree(store, node.usage, PUBLISHED)):
        store.put(course, shown)


def delete(store: Store, usage: str) -> None:
    """Delete a subtree. A unit vanishes from the LMS at once, a component when its unit is published."""
    course = course_of(usage)
    node = need(store, usage)
    if node.category == "course":
        raise Refusal(400, {"error": "the course block cannot be deleted"})
    parent = store.get(course, node.parent) if node.parent else None
    below = list(subtree(store, usage))
    both = is_direct(node.category) or parent is None or is_direct(parent.category)
    for gone in below:
        store.drop(course, gone.usage)
        if both:
            store.drop(course, gone.usage, PUBLISHED)
    if node.category == "static_tab":
        row = store.course(course) or {}
        slug = usage.rpartition("@")[2]
        row["tabs"] = [tab for tab in row.get("tabs", []) if tab.get("url_slug") != slug]
        store.save_course(course, row)
    if parent is not None:
        parent.children.remove(usage)
        save(store, parent)


def changed_units(drafts: Mapping[str, Node], shown: Mapping[str, Node], usage: str) -> bool:
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

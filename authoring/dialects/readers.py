"""Replies → values. Pure; each raises NonsenseError when a reply is not of the shape it must have.

Names differ from route to route: a block's key is `locator`, `xblock_locator`, `id` or `block_id`, its category `category`,
`type` or `block_type`, its title `display_name` or `name`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from authoring.calls import Json
from authoring.errors import NonsenseError
from authoring.keys import asset_name_of, usage_key
from authoring.model import COURSE_UPDATE, NO_ROLE, ROLES, CourseId, FieldValue, Grader, GradingPolicy
from authoring.registry import Scope, field_spec, spec
from authoring.remote import RemoteAsset, RemoteBlock, RemoteContent, RemoteUpdate

Row = Mapping[str, Json]
Rename = Callable[[str], str]
"""The platform's name of a category → ours."""


def as_row(value: Json, what: str) -> Row:
    """A JSON object."""
    if not isinstance(value, Mapping):
        raise NonsenseError(
            f"the platform's answer to {what} is not what was asked for", "check the login: `authoring doctor`"
        )
    return value


def as_rows(value: Json, what: str) -> tuple[Row, ...]:
    """A JSON list of objects."""
    if not isinstance(value, list | tuple):
        raise NonsenseError(f"{what}: the platform's answer holds no list where one is due")
    return tuple(as_row(item, what) for item in value)


def first_text(row: Row, names: Sequence[str], what: str) -> str:
    """The first of several names that holds a text."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str) and value:
            return value
    raise NonsenseError(f"{what}: the platform's answer has no {' or '.join(names)}")


def created_key(reply: Json) -> str:
    """The usage key in the reply to a create."""
    return first_text(as_row(reply, "a create"), ("xblock_locator", "locator", "id"), "a create")


def category_in(row: Row, rename: Rename, what: str) -> str:
    return rename(first_text(row, ("category", "type", "block_type"), what))


def outline_blocks(reply: Json, rename: Rename) -> Iterator[RemoteBlock]:
    """The blocks of an outline, parents first, in order. It ends at units, whose children it does not list."""
    stack: list[tuple[Row, str | None]] = [(as_row(reply, "the outline"), None)]
    while stack:
        node, parent = stack.pop()
        key = first_text(node, ("id", "locator"), "the outline")
        category = category_in(node, rename, "the outline")
        info = node.get("child_info")
        rows = _children(info) if isinstance(info, Mapping) else None
        children: tuple[str, ...] | None = None
        if category != "vertical":
            if rows is not None:
                children = tuple(first_text(row, ("id", "locator"), "the outline") for row in rows)
            elif not node.get("has_children"):
                children = ()
        yield RemoteBlock(
            usage_key=key,
            category=category,
            display_name=_text(node.get("display_name")),
            parent=parent,
            children=children,
            published=_flag(node.get("published")),
            has_changes=_flag(node.get("has_changes")),
            visible_to_staff_only=_flag(node.get("has_explicit_staff_lock")),
            visibility_state=_text(node.get("visibility_state")),
            start=_text(node.get("start")),
            due=_text(node.get("due")),
            graded=_flag(node.get("graded")),
            format=_text(node.get("format")),
        )
        stack.extend((row, key) for row in reversed(rows or ()))


def _children(info: Row) -> tuple[Row, ...]:
    children = info.get("children")
    return () if children is None else as_rows(children, "the outline")


def unit_blocks(reply: Json, rename: Rename) -> Iterator[RemoteBlock]:
    """Units, each followed by its components, in outline order. The sections above are not told."""
    for row in as_rows(as_row(reply, "the list of units").get("units"), "the list of units"):
        unit = first_text(row, ("id",), "the list of units")
        below = child_blocks(row, unit, rename)
        title = _text(row.get("display_name"))
        yield RemoteBlock(unit, "vertical", title, None, tuple(child.usage_key for child in below))
        yield from below


def child_blocks(reply: Json, parent: str, rename: Rename) -> tuple[RemoteBlock, ...]:
    """The children that a reply lists under `children`."""
    what = "the children of a block"
    return tuple(
        RemoteBlock(
            usage_key=first_text(row, ("id", "block_id", "locator"), what),
            category=(category := category_in(row, rename, what)),
            display_name=_text(row.get("display_name", row.get("name"))),
            parent=parent,
            children=None if _holds_blocks(category) else (),
        )
        for row in as_rows(as_row(reply, what).get("children"), what)
    )


def outline_children(reply: Json, parent: str, rename: Rename) -> tuple[RemoteBlock, ...]:
    """The direct children in an outline that begins at `parent`."""
    return tuple(block for block in outline_blocks(reply, rename) if block.parent == parent)


def join(outline: Sequence[RemoteBlock], units: Sequence[RemoteBlock]) -> dict[str, RemoteBlock]:
    """The outline with the components of its units, in live order. A unit that only the second read shows was made
    between the two: its parent is not known."""
    within: dict[str, list[RemoteBlock]] = {}
    holders: dict[str, RemoteBlock] = {}
    for block in units:
        if block.parent is None:
            holders[block.usage_key] = block
        else:
            within.setdefault(block.parent, []).append(block)
    joined: dict[str, RemoteBlock] = {}
    for block in outline:
        unit = holders.pop(block.usage_key, None)
        joined[block.usage_key] = replace(block, children=unit.children) if unit else block
        joined.update((child.usage_key, child) for child in within.get(block.usage_key, ()))
    for unit in holders.values():
        joined[unit.usage_key] = unit
        joined.update((child.usage_key, child) for child in within.get(unit.usage_key, ()))
    return joined


def content_in(reply: Json, rename: Rename) -> RemoteContent:
    """What a block holds. `get-details` tells only title and text."""
    row = as_row(reply, "a block")
    metadata = row.get("metadata")
    told = isinstance(metadata, Mapping)
    fields: dict[str, FieldValue] = dict(metadata) if isinstance(metadata, Mapping) else {}
    title = _text(row.get("display_name"))
    # A block without a title is shown by its category's; where titles are settings, only an explicit one is among them.
    described = field_spec(rename(_text(row.get("category")) or ""), "display_name")
    if title is not None and (not told or (described is not None and described.scope is Scope.CONTENT)):
        fields.setdefault("display_name", title)
    modules = fields.get("advanced_modules")
    if isinstance(modules, list) and all(isinstance(one, str) for one in modules):
        fields["advanced_modules"] = list(dict.fromkeys(map(rename, modules)))
    data = row.get("data")
    if isinstance(data, Mapping | list):  # the body of some blocks (drag-and-drop) is a field like any other
        fields["data"] = data
    return RemoteContent(
        usage_key=first_text(row, ("id", "locator"), "a block"),
        category=rename(_text(row.get("category")) or ""),
        display_name=title,
        content=_text(row.get("data")),
        fields=fields,
        complete=told,
        published=_flag(row.get("published")),
        has_changes=_flag(row.get("has_changes")),
    )


def grading_in(reply: Json) -> GradingPolicy:
    """A grading policy: the platform has percent where the tree has fractions."""
    row = as_row(reply, "the grading policy")
    cutoffs = as_row(row.get("grade_cutoffs"), "the grading policy")
    grace = row.get("grace_period")
    minutes: float | None = None
    if isinstance(grace, Mapping):
        minutes = _number(grace.get("hours")) * 60 + _number(grace.get("minutes"))
    return GradingPolicy(
        graders=tuple(
            Grader(
                type=str(grader.get("type", "")),
                weight=round(_number(grader.get("weight")) / 100, 8),
                min_count=int(_number(grader.get("min_count"))),
                drop_count=int(_number(grader.get("drop_count"))),
                short_label=_text(grader.get("short_label")) or "",
            )
            for grader in as_rows(row.get("graders"), "the grading policy")
        ),
        cutoffs={name: float(_number(value)) for name, value in cutoffs.items()},
        grace_period=int(minutes) if minutes else None,
    )


def advanced_in(reply: Json) -> dict[str, Json]:
    """`{name: value}` of the advanced settings."""
    found: dict[str, Json] = {}
    for name, item in as_row(reply, "the advanced settings").items():
        found[name] = as_row(item, "the advanced settings").get("value")
    return found


def assets_in(reply: Json) -> tuple[tuple[RemoteAsset, ...], int]:
    """The assets of one page, and how many there are in all."""
    row = as_row(reply, "the list of files")
    found = tuple(_asset(item) for item in as_rows(row.get("assets"), "the list of files"))
    total = row.get("totalCount")
    return found, total if isinstance(total, int) else len(found)


def _asset(row: Row) -> RemoteAsset:
    key = first_text(row, ("id", "asset_key"), "the list of files")
    try:
        name = asset_name_of(key)
    except ValueError:
        name = (_text(row.get("portable_url")) or "").rpartition("/static/")[2] or str(row.get("display_name"))
    size = row.get("file_size")
    return RemoteAsset(
        name=name,
        usage_key=key,
        size=size if isinstance(size, int) else None,
        content_type=_text(row.get("content_type")),
        locked=row.get("locked") is True,
    )


def package_errors(reply: Json) -> tuple[str, ...]:
    """Why the platform could not read a package. `result` says success all the same; only an empty `errors` is one."""
    row = as_row(reply, "a package upload")
    errors = row.get("errors")
    if isinstance(errors, list | tuple) and errors:
        return tuple(str(error) for error in errors)
    if row.get("result") != "success":
        return (str(row.get("error") or row.get("detail") or "the answer does not say success"),)
    return ()


def _holds_blocks(category: str) -> bool:
    """Whether a component may have children; one that nobody here knows may."""
    known = spec(category)
    return known is None or known.children


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _flag(value: Json) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: Json) -> float:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise NonsenseError(f"the platform's answer has {value!r} where a number is due")
    try:
        return float(value)
    except ValueError as error:
        raise NonsenseError(f"the platform's answer has {value!r} where a number is due") from error


def updates_in(reply: Json, course: CourseId) -> tuple[RemoteUpdate, ...]:
    """The announcements of a list, in its order."""
    if not isinstance(reply, list | tuple):
        raise NonsenseError("not a list of updates")
    return tuple(update_in(row, course) for row in reply)


def update_in(reply: Json, course: CourseId) -> RemoteUpdate:
    """One announcement: `{id, date, content}`."""
    row = as_row(reply, "an update")
    number, date, content = row.get("id"), row.get("date"), row.get("content")
    if not isinstance(number, int) or not isinstance(date, str) or not isinstance(content, str):
        raise NonsenseError("not an update")
    return RemoteUpdate(usage_key(course, COURSE_UPDATE, str(number)), date, content)


def team_in(reply: Json) -> Mapping[str, str]:
    """Everybody's role by address: `{users: [{email, role, username, id}], …}` (Open edX: contentstore/rest_api/v1,
    CourseTeamSerializer)."""
    users = as_row(reply, "a course team").get("users")
    if not isinstance(users, list | tuple):
        raise NonsenseError("not a course team")
    found: dict[str, str] = {}
    for user in users:
        row = as_row(user, "a member of the course team")
        email, role = row.get("email"), role_in(row)
        if not isinstance(email, str) or role == NO_ROLE:
            raise NonsenseError("not a member of the course team")
        found[email] = role
    return found


def role_in(reply: Json) -> str:
    """A member's role: `{email, active, role}`, where null is none."""
    role = as_row(reply, "a member of the course team").get("role")
    if role is not None and role not in ROLES:
        raise NonsenseError("not a member of the course team")
    return NO_ROLE if role is None else str(role)

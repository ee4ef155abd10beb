"""Operation → the exact calls it becomes, on a given dialect. Pure, and used twice: to print a plan and to apply it.

Keys that do not exist yet are printed as `<chapter/welcome>`; when the plan is applied the very same function is handed
the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

from authoring.calls import Call
from authoring.dialects import Dialect
from authoring.errors import StalePlanError
from authoring.keys import block_id, usage_key
from authoring.model import COURSE_UPDATE, BlockKey, CourseId, FieldValue
from authoring.operations import (
    AdoptBlock,
    CreateBlock,
    CreateCourse,
    DeleteBlock,
    ForgetBlock,
    ImportCourse,
    MoveBlock,
    Operation,
    OrderPages,
    Publish,
    PutGrading,
    PutLtiPassport,
    ReorderChildren,
    SetRole,
    UpdateAbout,
    UpdateBlock,
    UploadAsset,
    UploadPackage,
)
from authoring.references import JUMP_LINK, PAGE_LINK, REFERENCE_FIELDS

Secrets = Mapping[str, str]
"""Values of environment variables, handed in only when a plan is applied."""


@dataclass(frozen=True, slots=True)
class Names:
    """How blocks are called on the platform at one moment.

    `usage_key` answers None for a block that does not exist yet; `links` maps the `url_name` in a link to its block;
    `secrets` is None while a plan is only printed.
    """

    course: CourseId
    usage_key: Callable[[BlockKey], str | None]
    links: Mapping[str, BlockKey]
    live_children: Callable[[str], tuple[str, ...] | None] = lambda usage_key: None
    secrets: Secrets | None = None

    def place(self, key: BlockKey) -> str:
        """A block's usage key, or `<category/url_name>` while it has none and the plan is only printed.

        Raises StalePlanError when the plan is being applied: what stands for an id must never be sent.
        """
        found = self.usage_key(key)
        if found is None and self.secrets is not None:
            raise StalePlanError(f"{key} is not on the platform yet, but something refers to it", "make a new plan")
        return found or f"<{key}>"

    def link_id(self, url_name: str) -> str:
        """The platform's block id for the `url_name` in a link; unchanged when the course has no such block."""
        key = self.links.get(url_name)
        if key is None:
            return url_name
        place = self.place(key)
        return place if place.startswith("<") else block_id(place)


def calls_of(operation: Operation, dialect: Dialect, names: Names) -> tuple[Call, ...]:
    """The calls that an operation becomes, in order; none for what only changes the lock file."""
    course_key = str(names.course)
    match operation:
        case CreateCourse(course, display_name, None):
            return (dialect.create_course(course, display_name),)
        case CreateCourse(course, display_name, source):
            assert source is not None
            return (dialect.rerun_course(source, course, display_name),)
        case ImportCourse(_, archive):
            return (dialect.import_course(course_key, archive),)
        case PutGrading(policy):
            return dialect.write_grading(course_key, policy)
        case PutLtiPassport(lti_id, key_env, secret_env, replaces):
            if names.secrets is None:
                key, secret = f"${key_env}", f"${secret_env}"
            else:
                key, secret = names.secrets[key_env], names.secrets[secret_env]
            send = dialect.replace_lti_passport if replaces else dialect.add_lti_passport
            return (send(course_key, f"{lti_id}:{key}:{secret}"),)
        case UpdateAbout(values):
            return dialect.write_about(course_key, {name: resolve_text(text, names) for name, text in values.items()})
        case UploadAsset(asset):
            return (dialect.upload_asset(course_key, asset),)
        case CreateBlock(key, fields=fields, content=content) if key.category == COURSE_UPDATE:
            return (dialect.write_update(course_key, None, str(fields["date"]), resolve_text(content or "", names)),)
        case UpdateBlock(key, fields, content, _, usage_key) if key.category == COURSE_UPDATE:
            number = block_id(usage_key or names.place(key))
            return (dialect.write_update(course_key, number, str(fields["date"]), resolve_text(content or "", names)),)
        case DeleteBlock(key, usage_key) if key.category == COURSE_UPDATE:
            return (dialect.delete_update(course_key, block_id(usage_key)),)
        case CreateBlock(key, parent, display_name, fields, content, complete, _):
            place = names.place(parent)
            if complete:
                metadata = resolve_fields(key.category, fields, names)
                text = None if content is None else resolve_text(content, names)
                return (dialect.create_component(place, key.category, display_name, text, metadata),)
            return (dialect.create_block(place, key.category, display_name),)
        case AdoptBlock() | ForgetBlock():
            return ()
        case UpdateBlock(key, fields, content, _, usage_key):
            return dialect.update_block(
                usage_key or names.place(key),
                course_key,
                key.category,
                None if content is None else resolve_text(content, names),
                resolve_fields(key.category, fields, names),
            )
        case UploadPackage(key, package, fields):
            return dialect.upload_package(names.place(key), key.category, package, fields)
        case MoveBlock(key, parent):
            return (dialect.move_block(names.place(key), names.place(parent)),)
        case ReorderChildren(key, children):
            place = names.place(key)
            wanted = tuple(names.place(child) for child in children)
            return (dialect.set_children(place, merge_order(wanted, names.live_children(place) or wanted)),)
        case DeleteBlock(_, usage_key):
            return (dialect.delete_block(usage_key),)
        case OrderPages(pages):
            return (dialect.order_pages(course_key, [names.place(page) for page in pages]),)
        case SetRole(email, role):
            return (dialect.set_role(course_key, email, role),)
        case Publish(key):
            return (dialect.publish(names.place(key)),)
        case _:
            assert_never(operation)


def merge_order(wanted: tuple[str, ...], live: tuple[str, ...]) -> tuple[str, ...]:
    """All of `live` once, ours in the order `wanted`, each of the others behind the neighbour it has now.

    The platform takes only the full list: leaving one out is refused (Open edX: `_update_children`).
    """
    ours = set(wanted)
    before: dict[str | None, list[str]] = {}
    neighbour: str | None = None
    for child in live:
        if child in ours:
            neighbour = child
        else:
            before.setdefault(neighbour, []).append(child)
    merged = list(before.get(None, ()))
    for child in wanted:
        merged.append(child)
        merged.extend(before.get(child, ()))
    return tuple(merged)


def resolve_text(text: str, names: Names) -> str:
    """A text body with the `url_name`s in its links replaced by the platform's block ids."""
    if "/jump_to_id/" in text:
        text = JUMP_LINK.sub(lambda match: f"/jump_to_id/{names.link_id(match[1])}", text)
    if "/course/" in text:
        text = PAGE_LINK.sub(lambda match: f"/course/{names.link_id(match[1])}/", text)
    return text


def resolve_fields(category: str, fields: Mapping[str, FieldValue], names: Names) -> dict[str, FieldValue]:
    """Fields as they are sent: links in texts, and names of other blocks, become the platform's."""
    references = REFERENCE_FIELDS.get(category, ())
    return {
        name: _resolve_references(value, names) if name in references else _resolve_value(value, names)
        for name, value in fields.items()
    }


def _resolve_value(value: FieldValue, names: Names) -> FieldValue:
    if isinstance(value, str):
        return resolve_text(value, names)
    if isinstance(value, Mapping):
        return {key: _resolve_value(item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_resolve_value(item, names) for item in value]
    return value


def _resolve_references(value: FieldValue, names: Names) -> FieldValue:
    if isinstance(value, str):
        key = _reference(value, names)
        if key is None:
            return value
        # A reference that led nowhere in the course it came from still leads nowhere, and stops nobody.
        return names.place(key) if key.url_name in names.links else usage_key(names.course, key.category, key.url_name)
    if isinstance(value, Mapping):
        return {key: _resolve_references(item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_resolve_references(item, names) for item in value]
    return value


def _reference(text: str, names: Names) -> BlockKey | None:
    if "/" in text and not text.startswith(("block-v1:", "i4x://")):
        return BlockKey.parse(text)
    return names.links.get(text)

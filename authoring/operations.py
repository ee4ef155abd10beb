"""Operations: what a plan is made of. Each is data; the planner makes them, other modules print or run them.

Operations name blocks by `BlockKey`, because a usage key may not exist yet; only rendering (`authoring.rendering`) turns
the one into the other. A plan can be saved as JSON and applied later, exactly as it was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TypeAlias, assert_never

from authoring.errors import StalePlanError
from authoring.lockfile import LockedAsset, LockEntry, entry_from_json, entry_to_json
from authoring.model import Asset, BlockKey, CourseId, FieldValue, Grader, GradingPolicy


class Impact(StrEnum):
    """What learners will notice of a change."""

    NEW = "new"
    """Something that was not there."""
    WORDING = "wording"
    """Other words, pictures or titles."""
    GRADING = "grading"
    """Scores, attempts, due dates, or what counts as right."""
    ACCESS = "access"
    """Who sees what, and from when."""
    STRUCTURE = "structure"
    """The order of things, or where they stand."""
    SETTINGS = "settings"
    """How something looks or works."""
    FILES = "files"
    """Uploaded files; they are live at once."""
    PUBLISH = "publish"
    """Drafts become what learners see."""
    DESTRUCTIVE = "destructive"
    """Something goes away, learners' work with it."""


@dataclass(frozen=True, slots=True)
class CreateCourse:
    """Make the course itself, empty, or as a copy of the course `source`."""

    course: CourseId
    display_name: str
    source: CourseId | None = None


@dataclass(frozen=True, slots=True)
class ImportCourse:
    """Upload the whole course as one OLX archive, which publishes it. An import keeps ids, so `entries` and `assets` are
    what the lock file holds when it is done."""

    course: CourseId
    archive: Asset
    entries: tuple[LockEntry, ...]
    assets: tuple[LockedAsset, ...] = ()


@dataclass(frozen=True, slots=True)
class PutGrading:
    """Replace the grading policy."""

    policy: GradingPolicy


@dataclass(frozen=True, slots=True)
class PutLtiPassport:
    """Add an LTI passport. The values are read from the environment when it is sent, never before."""

    lti_id: str
    key_env: str
    secret_env: str
    replaces: bool = False
    """Whether one of that id with another key or secret gives way to it."""


@dataclass(frozen=True, slots=True)
class UpdateAbout:
    """Write texts of the course's about page: `{"overview": html, "short_description": text}`."""

    values: Mapping[str, str]
    keys: Mapping[str, BlockKey] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UploadAsset:
    """Upload a file under its platform name; `replaces` when the platform has another content under that name."""

    asset: Asset
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class CreateBlock:
    """Make a block under its parent, appended last.

    With `fields` or `content` the block is made complete in one call, where the target has such a call; without, an
    `UpdateBlock` follows. `others` are the usage keys of blocks of its category and name that stood in its place before and
    are not ours: when no answer comes, none of them is what was made.
    """

    key: BlockKey
    parent: BlockKey
    display_name: str | None
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    content: str | None = None
    complete: bool = False
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AdoptBlock:
    """Take over a block that is on the platform and not in the lock file; nothing is sent."""

    key: BlockKey
    parent: BlockKey
    usage_key: str
    pushed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ForgetBlock:
    """Drop a block from the lock file: it is gone from the source and from the platform. Nothing is sent."""

    key: BlockKey


@dataclass(frozen=True, slots=True)
class UpdateBlock:
    """Set fields of a block. A value of None takes the field back to its default; `content` None leaves it as it is."""

    key: BlockKey
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    content: str | None = None
    impact: Impact = Impact.NEW
    usage_key: str | None = None
    """Set where the block has no create: its key is known beforehand (course_info), or it is not in the source."""


@dataclass(frozen=True, slots=True)
class UploadPackage:
    """Upload the package of a block through its handler, with the settings that the same form carries."""

    key: BlockKey
    package: Asset
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    index_page: str | None = None
    """What the platform is expected to start, and as which version (`SCORM_12`, `SCORM_2004`); None when nobody knows."""
    scorm_version: str | None = None


@dataclass(frozen=True, slots=True)
class MoveBlock:
    """Put a block, with all below it, under another parent (last); learners' work stays with it."""

    key: BlockKey
    parent: BlockKey


@dataclass(frozen=True, slots=True)
class ReorderChildren:
    """Bring the children of a block into the source's order; what is not ours keeps its place behind its neighbour."""

    key: BlockKey
    children: tuple[BlockKey, ...]


@dataclass(frozen=True, slots=True)
class OrderPages:
    """Bring the pages of the course into the source's order; what is not ours keeps its place behind its neighbour."""

    pages: tuple[BlockKey, ...]


@dataclass(frozen=True, slots=True)
class SetRole:
    """Give somebody a role in the course team (`staff`, `instructor`), or (None) take it away. `declared`: the source speaks
    of this person; else the lock file forgets them."""

    email: str
    role: str | None
    declared: bool = True


@dataclass(frozen=True, slots=True)
class DeleteBlock:
    """Delete a block, with all below it and learners' work in it. Only ever planned on request."""

    key: BlockKey
    usage_key: str
    display_name: str | None = None


@dataclass(frozen=True, slots=True)
class Publish:
    """Make the draft of a block, and of all below it, what learners see. `covers`: the units that change by it."""

    key: BlockKey
    covers: tuple[BlockKey, ...] = ()


Operation: TypeAlias = (
    CreateCourse
    | ImportCourse
    | PutGrading
    | PutLtiPassport
    | UpdateAbout
    | UploadAsset
    | CreateBlock
    | AdoptBlock
    | ForgetBlock
    | UpdateBlock
    | UploadPackage
    | MoveBlock
    | ReorderChildren
    | OrderPages
    | SetRole
    | DeleteBlock
    | Publish
)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the reader of a plan should know that is not an operation: `kind` is stable, for scripts."""

    kind: str
    message: str
    key: BlockKey | None = None
    blocking: bool = False
    """The plan is not applied while this stands."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Ordered operations, parents before children, and what they were made from.

    `lock_digest` and `live_digest` tell whether the plan is stale. `drafts` are the units that will be ahead of what
    learners see when the plan is done; `published` those that learners get new.
    """

    target: str
    course: CourseId
    operations: tuple[Operation, ...]
    lock_digest: str
    live_digest: str
    notices: tuple[Notice, ...] = ()
    published: tuple[BlockKey, ...] = ()
    drafts: tuple[BlockKey, ...] = ()
    titles: Mapping[BlockKey, str] = field(default_factory=dict)
    """Names of the blocks spoken of, for printing."""
    parents: Mapping[BlockKey, BlockKey] = field(default_factory=dict)
    """Parent of every block of the source, so that a publish knows what it covers."""
    link_names: Mapping[str, BlockKey] = field(default_factory=dict)
    """`url_name` → block, for the links in texts."""

    @property
    def is_empty(self) -> bool:
        return not self.operations


def impact_of(operation: Operation) -> Impact:
    """What learners will notice of an operation."""
    match operation:
        case CreateCourse() | ImportCourse() | CreateBlock():
            return Impact.NEW
        case AdoptBlock() | ForgetBlock():
            return Impact.SETTINGS
        case UpdateBlock(impact=impact):
            return impact
        case PutGrading():
            return Impact.GRADING
        case PutLtiPassport():
            return Impact.SETTINGS
        case UpdateAbout():
            return Impact.WORDING
        case UploadAsset() | UploadPackage():
            return Impact.FILES
        case SetRole():
            return Impact.ACCESS
        case MoveBlock() | ReorderChildren() | OrderPages():
            return Impact.STRUCTURE
        case DeleteBlock():
            return Impact.DESTRUCTIVE
        case Publish():
            return Impact.PUBLISH
        case _:
            assert_never(operation)


_TAGS: dict[str, type] = {
    "create-course": CreateCourse,
    "import-course": ImportCourse,
    "put-grading": PutGrading,
    "put-lti-passport": PutLtiPassport,
    "update-about": UpdateAbout,
    "upload-asset": UploadAsset,
    "create": CreateBlock,
    "adopt": AdoptBlock,
    "forget": ForgetBlock,
    "update": UpdateBlock,
    "upload-package": UploadPackage,
    "move": MoveBlock,
    "reorder": ReorderChildren,
    "order-pages": OrderPages,
    "set-role": SetRole,
    "delete": DeleteBlock,
    "publish": Publish,
}
_NAMES = {kind: tag for tag, kind in _TAGS.items()}


def name_of(operation: Operation) -> str:
    """The operation's stable name, as it stands in JSON (`create`, `update`, `publish` …)."""
    return _NAMES[type(operation)]


def operation_to_json(operation: Operation) -> dict[str, object]:
    """All of an operation as JSON; the inverse of `operation_from_json`."""
    row: dict[str, object] = {"op": name_of(operation)}
    match operation:
        case CreateCourse(course, display_name, source):
            row |= {"course": _course_to_json(course), "display_name": display_name}
            if source is not None:
                row["source"] = _course_to_json(source)
        case ImportCourse(course, archive, entries, assets):
            row |= {"course": _course_to_json(course), "archive": _asset_to_json(archive)}
            row |= {"entries": [entry_to_json(entry) for entry in entries]}
            row |= {"assets": [{"name": one.name, "digest": one.digest, "size": one.size} for one in assets]}
        case PutGrading(policy):
            row |= {"policy": _policy_to_json(policy)}
        case PutLtiPassport(lti_id, key_env, secret_env, replaces):
            row |= {"lti_id": lti_id, "key_env": key_env, "secret_env": secret_env, "replaces": replaces}
        case UpdateAbout(values, keys):
            row |= {"values": dict(values), "keys": {name: str(key) for name, key in keys.items()}}
        case UploadAsset(asset, replaces):
            row |= {"asset": _asset_to_json(asset), "replaces": replaces}
        case CreateBlock(key, parent, display_name, fields, content, complete, others):
            row |= {"block": str(key), "parent": str(parent), "display_name": display_name}
            row |= {"fields": fields, "content": content, "complete": complete, "others": list(others)}
        case AdoptBlock(key, parent, usage_key, pushed):
            row |= {"block": str(key), "parent": str(parent), "usage_key": usage_key, "pushed": dict(pushed)}
        case ForgetBlock(key):
            row |= {"block": str(key)}
        case UpdateBlock(key, fields, content, impact, usage_key):
            row |= {"block": str(key), "fields": fields, "content": content}
            row |= {"impact": str(impact), "usage_key": usage_key}
        case UploadPackage(key, package, fields, index_page, scorm_version):
            row |= {"block": str(key), "package": _asset_to_json(package), "fields": fields}
            row |= {"index_page": index_page, "scorm_version": scorm_version}
        case MoveBlock(key, parent):
            row |= {"block": str(key), "parent": str(parent)}
        case ReorderChildren(key, children):
            row |= {"block": str(key), "children": [str(child) for child in children]}
        case OrderPages(pages):
            row |= {"pages": [str(page) for page in pages]}
        case SetRole(email, role, declared):
            row |= {"email": email, "role": role, "declared": declared}
        case DeleteBlock(key, usage_key, display_name):
            row |= {"block": str(key), "usage_key": usage_key, "display_name": display_name}
        case Publish(key, covers):
            row |= {"block": str(key), "covers": [str(unit) for unit in covers]}
        case _:
            assert_never(operation)
    return row


def operation_from_json(row: Mapping[str, object], folder: Path) -> Operation:
    """The inverse of `operation_to_json`; files are looked for below `folder`.

    Raises KeyError, TypeError or ValueError when `row` is not an operation.
    """
    key = BlockKey.parse(str(row["block"])) if "block" in row else None
    parent = BlockKey.parse(str(row["parent"])) if "parent" in row else None
    match row["op"]:
        case "create-course":
            source = _course_from_json(_map(row["source"])) if "source" in row else None
            return CreateCourse(_course_from_json(_map(row["course"])), str(row["display_name"]), source)
        case "import-course":
            return ImportCourse(
                _course_from_json(_map(row["course"])),
                _asset_from_json(_map(row["archive"]), folder),
                tuple(entry_from_json(_map(entry)) for entry in _list(row["entries"])),
                tuple(
                    LockedAsset(str(one["name"]), str(one["digest"]), int(str(one["size"])))
                    for one in map(_map, _list(row["assets"]))
                ),
            )
        case "put-grading":
            return PutGrading(_policy_from_json(_map(row["policy"])))
        case "put-lti-passport":
            return PutLtiPassport(
                str(row["lti_id"]), str(row["key_env"]), str(row["secret_env"]), bool(row["replaces"])
            )
        case "update-about":
            keys = {name: BlockKey.parse(str(text)) for name, text in _map(row["keys"]).items()}
            return UpdateAbout({name: str(text) for name, text in _map(row["values"]).items()}, keys)
        case "upload-asset":
            return UploadAsset(_asset_from_json(_map(row["asset"]), folder), bool(row["replaces"]))
        case "create" if key and parent:
            return CreateBlock(
                key,
                parent,
                _optional(row["display_name"]),
                _fields(row["fields"]),
                _optional(row["content"]),
                bool(row["complete"]),
                tuple(map(str, _list(row.get("others", [])))),
            )
        case "adopt" if key and parent:
            pushed = {name: str(text) for name, text in _map(row["pushed"]).items()}
            return AdoptBlock(key, parent, str(row["usage_key"]), pushed)
        case "forget" if key:
            return ForgetBlock(key)
        case "update" if key:
            return UpdateBlock(
                key,
                _fields(row["fields"]),
                _optional(row["content"]),
                Impact(str(row["impact"])),
                _optional(row["usage_key"]),
            )
        case "upload-package" if key:
            return UploadPackage(
                key,
                _asset_from_json(_map(row["package"]), folder),
                _fields(row["fields"]),
                _optional(row["index_page"]),
                _optional(row["scorm_version"]),
            )
        case "move" if key and parent:
            return MoveBlock(key, parent)
        case "reorder" if key:
            return ReorderChildren(key, tuple(BlockKey.parse(str(child)) for child in _list(row["children"])))
        case "order-pages":
            return OrderPages(tuple(BlockKey.parse(str(page)) for page in _list(row["pages"])))
        case "set-role":
            return SetRole(str(row["email"]), _optional(row["role"]), bool(row["declared"]))
        case "delete" if key:
            return DeleteBlock(key, str(row["usage_key"]), _optional(row["display_name"]))
        case "publish" if key:
            return Publish(key, tuple(BlockKey.parse(str(unit)) for unit in _list(row["covers"])))
        case other:
            raise ValueError(f"not an operation: {other!r}")


PLAN_VERSION = 1


def plan_to_json(plan: Plan) -> dict[str, object]:
    """A plan as JSON that `plan_from_json` reads back whole."""
    return {
        "authoring_plan": PLAN_VERSION,
        "target": plan.target,
        "course": _course_to_json(plan.course),
        "lock_digest": plan.lock_digest,
        "live_digest": plan.live_digest,
        "operations": [operation_to_json(operation) for operation in plan.operations],
        "notices": [
            {
                "kind": notice.kind,
                "message": notice.message,
                "block": str(notice.key) if notice.key else None,
                "blocking": notice.blocking,
            }
            for notice in plan.notices
        ],
        "published": [str(key) for key in plan.published],
        "drafts": [str(key) for key in plan.drafts],
        "titles": {str(key): title for key, title in plan.titles.items()},
        "parents": {str(key): str(parent) for key, parent in plan.parents.items()},
        "link_names": {name: str(key) for name, key in plan.link_names.items()},
    }


def plan_from_json(row: object, folder: Path) -> Plan:
    """Read a saved plan. Raises StalePlanError when it is not a plan of this format."""
    try:
        top = _map(row)
        if top.get("authoring_plan") != PLAN_VERSION:
            raise StalePlanError(
                "this is not a plan that this release wrote", "make a new one: authoring plan DIR --out FILE"
            )
        return Plan(
            target=str(top["target"]),
            course=_course_from_json(_map(top["course"])),
            lock_digest=str(top["lock_digest"]),
            live_digest=str(top["live_digest"]),
            operations=tuple(operation_from_json(_map(item), folder) for item in _list(top["operations"])),
            notices=tuple(
                Notice(
                    str(item["kind"]),
                    str(item["message"]),
                    BlockKey.parse(str(item["block"])) if item["block"] else None,
                    bool(item["blocking"]),
                )
                for item in map(_map, _list(top["notices"]))
            ),
            published=tuple(BlockKey.parse(str(key)) for key in _list(top["published"])),
            drafts=tuple(BlockKey.parse(str(key)) for key in _list(top["drafts"])),
            titles={BlockKey.parse(key): str(title) for key, title in _map(top["titles"]).items()},
            parents={BlockKey.parse(key): BlockKey.parse(str(parent)) for key, parent in _map(top["parents"]).items()},
            link_names={name: BlockKey.parse(str(key)) for name, key in _map(top["link_names"]).items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StalePlanError(
            f"the saved plan cannot be read ({error})", "make a new one: authoring plan DIR --out FILE"
        ) from error


def _map(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError("an object is expected")
    return value


def _list(value: object) -> Sequence[object]:
    if not isinstance(value, list | tuple):
        raise TypeError("a list is expected")
    return value


def _fields(value: object) -> Mapping[str, FieldValue]:
    return _map(value)  # type: ignore[return-value]  # JSON values are field values


def _optional(value: object) -> str | None:
    return None if value is None else str(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a number is expected")
    return value


def _course_to_json(course: CourseId) -> dict[str, str]:
    return {"org": course.org, "number": course.number, "run": course.run}


def _course_from_json(row: Mapping[str, object]) -> CourseId:
    return CourseId(str(row["org"]), str(row["number"]), str(row["run"]))


def _asset_to_json(asset: Asset) -> dict[str, object]:
    return {
        "name": asset.name,
        "path": str(asset.path),
        "digest": asset.digest,
        "size": asset.size,
        "content_type": asset.content_type,
        "locked": asset.locked,
    }


def _asset_from_json(row: Mapping[str, object], folder: Path) -> Asset:
    path = PurePosixPath(str(row["path"]))
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"a file outside the course folder: {path}")
    return Asset(
        name=str(row["name"]),
        path=path,
        digest=str(row["digest"]),
        size=int(_number(row["size"])),
        content_type=str(row["content_type"]),
        locked=bool(row["locked"]),
        file=folder / path,
    )


def _policy_to_json(policy: GradingPolicy) -> dict[str, object]:
    return {
        "graders": [
            {
                "type": grader.type,
                "weight": grader.weight,
                "min_count": grader.min_count,
                "drop_count": grader.drop_count,
                "short_label": grader.short_label,
            }
            for grader in policy.graders
        ],
        "cutoffs": dict(policy.cutoffs),
        "grace_period": policy.grace_period,
    }


def _policy_from_json(row: Mapping[str, object]) -> GradingPolicy:
    return GradingPolicy(
        graders=tuple(
            Grader(
                type=str(item["type"]),
                weight=float(_number(item["weight"])),
                min_count=int(_number(item["min_count"])),
                drop_count=int(_number(item["drop_count"])),
                short_label=str(item["short_label"]),
            )
            for item in map(_map, _list(row["graders"]))
        ),
        cutoffs={name: float(_number(value)) for name, value in _map(row["cutoffs"]).items()},
        grace_period=None if row["grace_period"] is None else int(_number(row["grace_period"])),
    )


def policy_to_json(policy: GradingPolicy) -> dict[str, object]:
    """A grading policy as JSON, for digests and printing."""
    return _policy_to_json(policy)

"""The lock file: which block of the source is which block of the platform, and what was last sent of it.

`course.lock` lies beside `course.yaml` and is committed. It holds one JSON object a line, sorted, so that two branches
merge cleanly:

    {"course_lock": 1, "note": …}                                    the format's version
    {"target": "https://studio.example.org", "course": "course-v1:…"}  opens the part of one target and course
    {"asset": "chart.png", "digest": …, "size": …}                   a file that was uploaded
    {"block": "html/hello-html-1", "usage": "block-v1:…", "parent": "vertical/hello", "pushed": {…}, "published": …}

A block with children may have `children` as well: their keys in the order that was last the same on both sides. `spelled` has the
names of fields that say on the platform the same as here in other words (Studio's HTML of a paragraph): `PUSHED LIVE`, two digests.

`pushed` maps a field's name to the digest of the value last sent; the block's text body stands under its field's name
(`data`), a package under `#package`. `published` is `true` when learners
have just that, a map like `pushed` when they have an older state, `null` when they never had it.

Parsing and rendering are pure; `load_lockfile` and `save_lockfile` are the edge.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from authoring.errors import LockfileError
from authoring.model import TEAM, Asset, Block, BlockKey, Course, FieldValue
from authoring.references import flat_links
from authoring.registry import spec

FILE_NAME = "course.lock"
FORMAT_VERSION = 1
NOTE = "Written by `authoring push`; commit it with the course, do not edit it."

PACKAGE = "#package"

PAGES_KEY = BlockKey("#course", "pages")
"""Stands for the pages of the course: what is known of their order."""

Digests = Mapping[str, str]
"""Field name → digest of its value."""


def digest(value: FieldValue) -> str:
    """16 hex digits that change when the JSON value does, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=list)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def text_digest(text: str) -> str:
    """The digest of a block's text. `/static/a/b.png` and `/static/a_b.png` are one file, and the platform gives the second for
    the first where it tells served addresses (Open edX: common/djangoapps/static_replace)."""
    return digest(flat_links(text))


def content_field(category: str) -> str:
    """The name under which a block's text body is kept: the registry's, `data` for a category nobody knows.

    Empty for a category without a text body: the `data` of drag-and-drop is a field like any other.
    """
    known = spec(category)
    return "data" if known is None else known.content or ""


def passport_key(lti_id: str) -> BlockKey:
    """The name of an LTI passport in the lock file."""
    return BlockKey("#lti_passport", lti_id)


def passport_state(lti_id: str) -> Digests:
    """What is kept of a passport: that it was there. Nothing of its key and secret, not even a digest."""
    return {"declared": digest(lti_id)}


def other_forms(category: str) -> tuple[str, ...]:
    """Fields that hold what a block's text says in another form: Studio's editor shows those, learners get the text (Open edX:
    xmodule/capa_block.py, `markdown`). They are changed, and belong, together."""
    return ("markdown", "markdown_edited") if category == "problem" else ()


def wanted_state(block: Block) -> dict[str, str]:
    """The digests of everything the source says of a block, its place in the tree apart.

    An explicit null and an empty text are the default: the platform cannot be told either (Open edX: `view_handlers`,
    a null in `metadata` deletes the field, an empty `data` is passed over).
    """
    state = {name: digest(value) for name, value in block.fields.items() if value is not None}
    if block.content:
        state[content_field(block.category)] = text_digest(block.content)
    if block.package is not None:
        state[PACKAGE] = block.package.digest[:16]
    return state


@dataclass(frozen=True, slots=True)
class LockEntry:
    """One block: where it is on the platform and what was last sent and published."""

    key: BlockKey
    usage_key: str
    parent: BlockKey | None = None
    pushed: Digests = field(default_factory=dict)
    published: Digests | None = None
    children: tuple[BlockKey, ...] | None = None
    """The order of its children when that was last the same here and on the platform; None where it was not recorded."""
    spelled: Mapping[str, str] = field(default_factory=dict)
    """Field name → the digest of what was pushed, and that of how the platform spells it. It holds while that stays pushed."""

    def as_pushed(self, name: str, live: str | None) -> str | None:
        """The digest of a live value; that of what was pushed, where the platform spells it so."""
        pushed = self.pushed.get(name)
        return pushed if live is not None and self.spelled.get(name) == f"{pushed} {live}" else live

    def with_spelling(self, live: Digests) -> LockEntry:
        """`live` are the digests of what the platform has, where that is known to say the same as what was pushed."""
        spelled = {
            name: f"{self.pushed[name]} {one}" for name, one in live.items() if self.pushed.get(name, one) != one
        }
        return self if spelled == self.spelled else replace(self, spelled=spelled)

    @property
    def is_published(self) -> bool:
        return self.published is not None and self.published == self.pushed


@dataclass(frozen=True, slots=True)
class LockedAsset:
    """One uploaded file: its platform name, the SHA-256 of its content, its size in bytes."""

    name: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class LockPart:
    """What is known of one course on one target."""

    target: str
    course: str
    entries: Mapping[BlockKey, LockEntry] = field(default_factory=dict)
    assets: Mapping[str, LockedAsset] = field(default_factory=dict)

    def with_entry(self, entry: LockEntry) -> LockPart:
        return replace(self, entries={**self.entries, entry.key: entry})

    def below(self, top: BlockKey) -> frozenset[BlockKey]:
        """Every block that was last seen below another one, at any depth."""
        children: dict[BlockKey, list[BlockKey]] = {}
        for entry in self.entries.values():
            if entry.parent is not None:
                children.setdefault(entry.parent, []).append(entry.key)
        found: set[BlockKey] = set()
        waiting = [top]
        while waiting:
            new = [key for key in children.get(waiting.pop(), ()) if key not in found]
            found.update(new)
            waiting += new
        return frozenset(found)

    def digest(self) -> str:
        """Changes when anything in this part does; a saved plan carries it."""
        return hashlib.sha256("\n".join(_part_lines(self)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Lockfile:
    """The whole file: its parts by (target, course key)."""

    parts: Mapping[tuple[str, str], LockPart] = field(default_factory=dict)

    def part(self, target: str, course: str) -> LockPart:
        """The part of a target and course; an empty one when there is none."""
        return self.parts.get((target, course)) or LockPart(target, course)

    def with_part(self, part: LockPart) -> Lockfile:
        parts = {name: kept for name, kept in self.parts.items() if name != (part.target, part.course)}
        if part.entries or part.assets:
            parts[part.target, part.course] = part
        return Lockfile(parts)


def with_orders(part: LockPart, course: Course) -> LockPart:
    """`part` with the order of children that `course` has, for each block whose children are all on the platform.

    To be recorded when source and platform are known to agree: after a push, an adoption, a pull. A merge can tell then who
    of the two changed an order since.
    """
    entries = dict(part.entries)
    for block in course.root.walk():
        entry = entries.get(block.key)
        children = tuple(child.key for child in block.children)
        if entry is not None and entry.children != (children or None) and all(child in entries for child in children):
            entries[block.key] = replace(entry, children=children or None)
    pages = page_order(course)
    if pages and all(page in entries for page in pages):
        entries[PAGES_KEY] = LockEntry(PAGES_KEY, "", None, {}, {}, pages)
    elif not pages:
        entries.pop(PAGES_KEY, None)
    return replace(part, entries=entries)


def with_arrivals(standing: Iterable[BlockKey], ours: Sequence[BlockKey]) -> tuple[BlockKey, ...]:
    """The order that children have on a platform that was only sent what is new of `ours`: it comes to stand at the end."""
    stayed = [key for key in standing if key in ours]
    return (*stayed, *(key for key in ours if key not in stayed))


def page_order(course: Course) -> tuple[BlockKey, ...]:
    """The pages of a course in order; nothing where there are not two of them."""
    pages = tuple(block.key for block in course.detached if block.category == "static_tab")
    return pages if len(pages) > 1 else ()


def locked_page_order(entries: Mapping[BlockKey, LockEntry]) -> tuple[BlockKey, ...]:
    """The order of the pages when it was last the same here and there; nothing where it was not recorded."""
    entry = entries.get(PAGES_KEY)
    return (entry.children or ()) if entry is not None else ()


def team_key(email: str) -> BlockKey:
    """The lock file's name for somebody's role. The platform tells addresses apart without regard to case (MySQL's collation
    does), and so `Ada@example.org` is nobody else than `ada@example.org`."""
    return BlockKey(TEAM, email.casefold())


def locked_asset(asset: Asset) -> LockedAsset:
    return LockedAsset(asset.name, asset.digest, asset.size)


def render_lockfile(lock: Lockfile) -> str:
    """The file's text; the same value always gives the same bytes."""
    lines = [_line({"course_lock": FORMAT_VERSION, "note": NOTE})]
    for name in sorted(lock.parts):
        lines.extend(_part_lines(lock.parts[name]))
    return "\n".join(lines) + "\n"


def parse_lockfile(text: str, name: str = FILE_NAME) -> Lockfile:
    """The inverse of `render_lockfile`. Raises LockfileError naming `name` and the line."""
    parts: dict[tuple[str, str], LockPart] = {}
    entries: dict[BlockKey, LockEntry] = {}
    assets: dict[str, LockedAsset] = {}
    seen_version = False
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        place = f"{name}:{number}"
        if line.startswith(("<<<<<<<", "=======", ">>>>>>>", "|||||||")):
            raise LockfileError(
                f"{place}: the file still has merge conflict markers",
                "keep the lines of both sides (remove only the marker lines), then run `authoring plan`",
            )
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise LockfileError(f"{place}: not a line of JSON", _RESTORE) from error
        if not isinstance(row, dict):
            raise LockfileError(f"{place}: not a JSON object", _RESTORE)
        try:
            if "course_lock" in row:
                _check_version(row["course_lock"], place)
                seen_version = True
            elif not seen_version:
                raise LockfileError(f"{place}: the first line must say the format's version", _RESTORE)
            elif "target" in row:
                entries, assets = {}, {}
                target, course = _text(row, "target"), _text(row, "course")
                if (target, course) in parts:
                    raise LockfileError(f"{place}: {target} {course} stands twice", _RESTORE)
                parts[target, course] = LockPart(target, course, entries, assets)
            elif not parts:
                raise LockfileError(f"{place}: a line before the first target", _RESTORE)
            elif "block" in row:
                entry = _entry(row)
                if entry.key in entries:
                    raise LockfileError(
                        f"{place}: {entry.key} stands twice",
                        "keep the line whose `usage` the platform still has, remove the other",
                    )
                entries[entry.key] = entry
            elif "asset" in row:
                asset = LockedAsset(_text(row, "asset"), _text(row, "digest"), int(row["size"]))
                assets[asset.name] = asset
            else:
                raise LockfileError(f"{place}: neither a target, a block nor an asset", _RESTORE)
        except (KeyError, TypeError, ValueError) as error:
            raise LockfileError(f"{place}: a value is missing or of the wrong kind ({error})", _RESTORE) from error
    return Lockfile(parts)


def load_lockfile(folder: Path) -> Lockfile:
    """The lock file of a course folder; an empty value when there is none. Raises LockfileError."""
    path = folder / FILE_NAME
    try:
        return parse_lockfile(path.read_text("utf-8"), FILE_NAME)
    except FileNotFoundError:
        return Lockfile()
    except UnicodeDecodeError as error:
        raise LockfileError(f"{FILE_NAME}: not UTF-8 text", _RESTORE) from error
    except OSError as error:
        raise LockfileError(
            f"{FILE_NAME}: cannot be read ({error.strerror})", "check the file's permissions"
        ) from error


_PARTIAL = ".partial"


def remove_partial(folder: Path) -> None:
    """Remove what a process that was killed in `save_lockfile` left behind. Nobody else may be writing."""
    for path in folder.glob(f".{FILE_NAME}.*{_PARTIAL}"):
        path.unlink(missing_ok=True)


def save_lockfile(lock: Lockfile, folder: Path) -> None:
    """Replace the lock file in one step: a crash leaves the old one or the new one, never half of one.

    Raises LockfileError when the folder cannot be written or the disk is full; the old file is untouched then.
    """
    path = folder / FILE_NAME
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{FILE_NAME}.", suffix=_PARTIAL)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(render_lockfile(lock))
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(temporary).replace(path)
        temporary = None
    except OSError as error:
        raise LockfileError(
            f"{FILE_NAME}: cannot be written ({error.strerror})",
            "free some space or check the folder's permissions",
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


_RESTORE = "restore the file from git (`git checkout course.lock`), or adopt the live course again"


def _check_version(version: object, place: str) -> None:
    if not isinstance(version, int):
        raise LockfileError(f"{place}: the format's version is not a number", _RESTORE)
    if version > FORMAT_VERSION:
        raise LockfileError(
            f"{place}: written by a newer release (format {version}, this one reads up to {FORMAT_VERSION})",
            "upgrade: pip install --upgrade ibl-course-authoring",
        )


def _part_lines(part: LockPart) -> Iterable[str]:
    yield _line({"target": part.target, "course": part.course})
    for name in sorted(part.assets):
        asset = part.assets[name]
        yield _line({"asset": asset.name, "digest": asset.digest, "size": asset.size})
    for key in sorted(part.entries):
        yield _line(entry_to_json(part.entries[key]))


def entry_to_json(entry: LockEntry) -> dict[str, object]:
    """The JSON object of a `block` line."""
    order = {} if entry.children is None else {"children": [str(child) for child in entry.children]}
    return {
        "block": str(entry.key),
        "usage": entry.usage_key,
        "parent": str(entry.parent) if entry.parent else None,
        "pushed": dict(sorted(entry.pushed.items())),
        "published": True
        if entry.is_published
        else (None if entry.published is None else dict(sorted(entry.published.items()))),
        **order,
        **({"spelled": dict(sorted(entry.spelled.items()))} if entry.spelled else {}),
    }


def entry_from_json(row: Mapping[str, object]) -> LockEntry:
    """The inverse of `entry_to_json`. Raises KeyError, TypeError or ValueError."""
    return _entry(row)


def _entry(row: Mapping[str, object]) -> LockEntry:
    pushed = _digests(row["pushed"])
    published = row["published"]
    parent = row["parent"]
    return LockEntry(
        key=BlockKey.parse(_text(row, "block")),
        usage_key=_text(row, "usage"),
        parent=BlockKey.parse(str(parent)) if parent is not None else None,
        pushed=pushed,
        published=pushed if published is True else None if published is None else _digests(published),
        children=_children(row.get("children")),
        spelled=_digests(row.get("spelled", {})),
    )


def _digests(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise TypeError("not a map of digests")
    return dict(value)


def _children(value: object) -> tuple[BlockKey, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise TypeError("children is not a list")
    return tuple(BlockKey.parse(str(item)) for item in value)


def _text(row: Mapping[str, object], name: str) -> str:
    value = row[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is not text")
    return value


def _line(row: Mapping[str, object]) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(", ", ": "))

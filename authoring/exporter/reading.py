"""The reads of a live course: structure, then every block, side by side; then what belongs to the course as a whole.

What a login does not open stays unknown and is named: `LiveCourse.unread` for blocks, `unread_parts` for the rest.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path, PurePosixPath

from authoring.client import Client
from authoring.dialects import NoRouteError
from authoring.dialects.base import ABOUT_TEXTS
from authoring.dialects.bodies import ABOUT_NAMES
from authoring.errors import ApiError
from authoring.exporter.archive import Archived, read_archive
from authoring.exporter.restoring import Restorer
from authoring.exporter.skeleton import with_known_containers
from authoring.keys import block_id
from authoring.lockfile import LockPart, content_field
from authoring.model import (
    COURSE,
    COURSE_UPDATE,
    NO_ROLE,
    OUTLINE_CATEGORIES,
    ROOT_KEY,
    TEAM,
    VERTICAL,
    Asset,
    Block,
    BlockKey,
    Course,
    CourseId,
    FieldValue,
    GradingPolicy,
    LtiPassport,
)
from authoring.passports import passport_variables
from authoring.registry import Scope, field_spec, fields_of, spec
from authoring.remote import UNKNOWN_USER, RemoteBlock, RemoteContent, RemoteCourse
from authoring.source.names import url_name_of
from authoring.source.updates import name_for

EMPTY_INFO = "<ol></ol>"
"""What handouts and updates hold that nobody wrote (Open edX: xmodule/html_block.py, CourseInfoFields)."""
_LEVELS = 12
"""How deep components are looked for in components."""


@dataclass(frozen=True, slots=True)
class LiveCourse:
    """A live course, and how far it could be read."""

    course: Course
    usage_keys: Mapping[BlockKey, str]
    """Every block and page -> its usage key."""
    known: Mapping[BlockKey, frozenset[str]] = field(default_factory=dict)
    """Blocks of which only these fields are known (`content` for the text body); all others are known whole."""
    closed: frozenset[BlockKey] = frozenset()
    """Blocks whose children could not be read."""
    unread_parts: tuple[str, ...] = ()
    """What else could not be read: `grading`, `files`, `about`, `pages`, `settings`, `passports`, `updates`, `team`."""
    drafts: frozenset[BlockKey] = frozenset()
    """Units with changes that learners do not see."""
    archived: bool = False
    """Whether an archive of the course was read as well, which tells what no other read does."""
    not_in_archives: frozenset[str] = frozenset()
    """Categories of which it does not."""
    about_texts: frozenset[str] = frozenset()
    """Texts of the about page that the login shows, by name."""

    @property
    def blocks(self) -> Mapping[BlockKey, Block]:
        return {block.key: block for block in self.course.blocks()}

    def knows(self, key: BlockKey, name: str) -> bool:
        """Whether a field (or `content`) of a block was read."""
        if key in self.known:
            return name in self.known[key]
        in_archive = self.archived and key.category != COURSE and key.category not in self.not_in_archives
        return in_archive or name not in hidden_fields(key.category)

    def sees(self, key: BlockKey) -> bool:
        """Whether a block without a parent would be here if the platform had it."""
        match key.category:
            case "static_tab":
                return "pages" not in self.unread_parts
            case "about":
                return key.url_name in self.about_texts
            case "course_update":
                return "updates" not in self.unread_parts
            case "course_info":
                return key.url_name == "handouts" and "handouts" not in self.unread_parts
            case _:
                return False

    def unread(self) -> Mapping[str, int]:
        """How many blocks of which category could not be read whole."""
        found: dict[str, int] = {}
        for key in self.known:
            found[key.category] = found.get(key.category, 0) + 1
        return found


@cache
def hidden_fields(category: str) -> frozenset[str]:
    """Fields that a read of a block does not show: it tells settings, and content only as `data` (Open edX:
    cms/djangoapps/contentstore: get_block_info, own_metadata)."""
    known = spec(category)
    shown = ("display_name", "data", known.content if known is not None else None)
    fields = fields_of(category).items() if known is not None else ()
    return frozenset(name for name, one in fields if one.scope is Scope.CONTENT and name not in shown)


def read_whole_course(
    client: Client, course: CourseId, files: Path | None = None, *, everybody: bool = False
) -> LiveCourse | None:
    """A course that no lock file knows, with its files in the folder `files`; None when there is none. Raises NoRouteError
    when the login does not show sections and subsections."""
    live = read_live_course(client, course, files=files, everybody=everybody)
    if live is not None and ROOT_KEY in live.closed:
        raise NoRouteError(
            f"this login does not show the sections and subsections of {course}, and no lock file here has them",
            "set IBL_STUDIO_SESSION and IBL_STUDIO_CSRF (a Studio session)",
        )
    return live


def read_live_course(
    client: Client,
    course: CourseId,
    part: LockPart | None = None,
    *,
    only: frozenset[BlockKey] | None = None,
    archive: bool = True,
    files: Path | None = None,
    everybody: bool = False,
) -> LiveCourse | None:
    """Read a course; None when there is none. `part` gives blocks the names that they have in the source.

    With `only` these blocks are read, where they stand, and nothing else: the number of reads does not grow with the course;
    all others count as unknown, and what belongs to the course as a whole is left out. With
    `archive` the platform is asked for an OLX archive when a block has fields that no read of it shows; with `files` in any
    case, and the course's files are put into that folder; with `everybody` the course team is that of the platform, not only
    of those whom `part` names. Raises ApiError when a read fails that the login opens.
    """
    return _Reader(client, course, part or LockPart("", str(course)), only, archive, files, everybody).read()


class _Reader:
    def __init__(
        self,
        client: Client,
        course: CourseId,
        part: LockPart,
        only: frozenset[BlockKey] | None,
        archive: bool,
        files: Path | None,
        everybody: bool,
    ) -> None:
        self.archive = archive
        self.archived: Archived | None = None
        self.files = files
        self.everybody = everybody
        self.client = client
        self.id = course
        self.part = part
        self.only = only
        self.near = None if only is None else _with_parents(only, self.part)
        """Blocks whose children are read; None: all."""
        self.names: dict[str, BlockKey] = {
            entry.usage_key: key for key, entry in part.entries.items() if entry.usage_key
        }
        self.taken = {key.url_name for key in part.entries}
        self.contents: dict[str, RemoteContent] = {}
        self.known: dict[BlockKey, frozenset[str]] = {}
        self.closed: set[BlockKey] = set()
        self.unread_parts: list[str] = []
        self.update_keys: dict[BlockKey, str] = {}

    def read(self) -> LiveCourse | None:
        outline = self.outline()
        if outline is None:
            return None
        self.names[outline.root] = ROOT_KEY
        live = list(outline.walk())
        pages = self.pages()
        for block in (*live, *pages):
            if block.usage_key not in self.names:
                self.names[block.usage_key] = self.new_name(block)
        self.read_contents((*live, *pages))
        if self.files is not None or (self.archive and any(hidden_fields(block.category) for block in live)):
            self.archived = read_archive(self.client, self.id, self.files)
        restorer = Restorer(self.id, self.names)
        root = self.tree(outline, outline.root, restorer)
        detached = [self.block(page, restorer, ()) for page in pages]
        if self.wants("about"):
            detached += self.about(restorer)
        if self.wants("course_info"):
            detached += self.handouts(restorer)
        if self.wants(COURSE_UPDATE):
            detached += self.updates(restorer)
        found = Course(id=self.id, root=root, detached=tuple(detached))
        if self.only is None:
            found = replace(found, assets=self.assets(), grading=self.grading(), lti_passports=self.passports())
            found = replace(found, team=self.team())
        seen = {*outline.blocks, *(page.usage_key for page in pages)}
        usage_keys = {key: usage for usage, key in self.names.items() if usage in seen or key.category == "course_info"}
        usage_keys |= self.update_keys
        # Sections and subsections have no draft of their own; theirs tells of what is below (Open edX: DIRECT_ONLY_CATEGORIES).
        drafts = {
            self.names[block.usage_key]
            for block in live
            if (block.has_changes or (not outline.outline_known and block.category == VERTICAL))
            and block.category not in OUTLINE_CATEGORIES[:-1]
        }
        return LiveCourse(
            found,
            usage_keys,
            self.known,
            frozenset(self.closed),
            tuple(dict.fromkeys(self.unread_parts)),
            frozenset(drafts),
            self.archived is not None,
            self.client.capabilities.not_in_archives - {"pdf"},  # its address is in there, by another name
            frozenset() if "about" in self.unread_parts else ABOUT_TEXTS & self.client.capabilities.about_texts,
        )

    def wants(self, category: str) -> bool:
        """Whether blocks of a category outside the tree are asked for."""
        return self.only is None or any(key.category == category for key in self.only)

    # --- structure

    def outline(self) -> RemoteCourse | None:
        """The tree: what the outline leaves open is read level by level."""
        outline = self.client.read_outline(self.id)
        if outline is None:
            return None
        if not outline.outline_known:
            outline = self.with_known_containers(outline)
        outline = self.opened(outline)
        if self.near is not None and self.moved_away(outline):
            self.near = None
            outline = self.opened(outline)
        return outline

    def with_known_containers(self, outline: RemoteCourse) -> RemoteCourse:
        """The outline with the sections and subsections of the lock file."""
        skeleton = with_known_containers(outline, self.part)
        self.names.setdefault(outline.root, ROOT_KEY)
        self.closed |= {self.names[usage] for usage in skeleton.open}
        if self.only is None:
            self.unread_parts.append("new sections and subsections")
        titles = ", ".join(repr(unit.display_name or unit.usage_key) for unit in skeleton.astray)
        if titles:
            self.unread_parts.append(f"where these units stand: {titles}")
        return skeleton.outline

    def opened(self, outline: RemoteCourse) -> RemoteCourse:
        asked: set[str] = set()
        for _ in range(_LEVELS):
            open_ones = [
                block.usage_key
                for block in outline.walk()
                if block.children is None
                and block.usage_key not in asked
                and self.may_hold(block)
                and (self.near is None or self.names.get(block.usage_key) in self.near)
            ]
            if not open_ones:
                break
            asked.update(open_ones)
            outline = self.client.read_below(self.id, outline, open_ones)
        return outline

    def moved_away(self, outline: RemoteCourse) -> bool:
        """Whether a block that is asked for does not stand where it stood, so that it is to be looked for everywhere."""
        places = (self.part.entries[key] for key in self.only or () if key in self.part.entries)
        return any(
            entry.usage_key and entry.parent is not None and entry.usage_key not in outline.blocks for entry in places
        )

    @staticmethod
    def may_hold(block: RemoteBlock) -> bool:
        known = spec(block.category)
        return known is None or known.children

    def pages(self) -> tuple[RemoteBlock, ...]:
        if not self.wants("static_tab"):
            return ()
        pages = self.client.read_pages(self.id)
        if pages is None:
            self.unread_parts.append("pages")
            return ()
        return pages

    def new_name(self, block: RemoteBlock) -> BlockKey:
        """A name from the title that no block has; the platform's own id where the title gives none."""
        title = unicodedata.normalize("NFKC", block.display_name or "").lower()
        known = spec(block.category)
        known_id = block_id(block.usage_key)
        is_minted = len(known_id) == 32 and known_id.isalnum()
        wanted = url_name_of(title)[:60].strip("-.") if is_minted and title.strip() else known_id
        if is_minted and wanted in ("", "unnamed"):
            wanted = block.category if known is not None else known_id
        name, number = wanted, 2
        while name in self.taken:
            name, number = f"{wanted}-{number}", number + 1
        self.taken.add(name)
        return BlockKey(block.category, name)

    # --- blocks

    def read_contents(self, blocks: tuple[RemoteBlock, ...]) -> None:
        wanted = [
            (block.usage_key, block.category)
            for block in blocks
            if self.only is None or self.names[block.usage_key] in self.only
        ]
        self.contents.update(self.client.read_blocks(wanted))

    def tree(self, outline: RemoteCourse, usage: str, restorer: Restorer) -> Block:
        block = outline.blocks[usage]
        if block.children is None and self.may_hold(block):
            self.closed.add(self.names[usage])
        children = tuple(
            self.tree(outline, child, restorer) for child in block.children or () if child in outline.blocks
        )
        return self.block(block, restorer, children)

    def block(self, live: RemoteBlock, restorer: Restorer, children: tuple[Block, ...]) -> Block:
        key = self.names[live.usage_key]
        entry = self.part.entries.get(key)
        locked = entry.pushed if entry is not None else {}
        read = self.contents.get(live.usage_key)
        if read is None:
            title = live.display_name
            fields: dict[str, FieldValue] = {} if title is None else {"display_name": title}
            self.known[key] = frozenset() if live.display_name is None else frozenset({"display_name"})
            return Block(key, restorer.fields(key.category, fields, locked), children=children)
        live_fields = dict(read.fields)
        if not read.complete:
            self.known[key] = frozenset({"display_name", "content"})
        elif self.archived is not None:
            live_fields |= self.hidden(live.usage_key, key.category)
        if "display_name" not in locked and self.is_default_title(live, live_fields.get("display_name")):
            del live_fields["display_name"]
        text = read.content
        known = spec(key.category)
        has_text = known is None or known.content is not None
        return Block(
            key,
            restorer.fields(key.category, live_fields, locked),
            restorer.body(text, locked.get(content_field(key.category))) if text and has_text else None,
            children,
        )

    def is_default_title(self, live: RemoteBlock, title: FieldValue) -> bool:
        """Whether a title is just the one that a read shows of a block without any: where titles are content, it does."""
        described = field_spec(live.category, "display_name")
        if described is None or described.scope is not Scope.CONTENT or title is None or title != described.default:
            return False
        archived = self.archived.blocks.get(block_id(live.usage_key)) if self.archived is not None else None
        return archived is None or "display_name" not in archived.fields

    def hidden(self, usage: str, category: str) -> Mapping[str, FieldValue]:
        """What only the archive says of a block."""
        block = self.archived.blocks.get(block_id(usage)) if self.archived is not None else None
        if block is None:
            return {}
        names = hidden_fields(category)
        return {name: value for name, value in block.fields.items() if name in names}

    # --- the course as a whole

    def about(self, restorer: Restorer) -> list[Block]:
        """The texts of the about page, where the login shows them."""
        found: list[Block] = []
        try:
            settings = self.client.read_course_settings(self.id)
        except (NoRouteError, ApiError):
            self.unread_parts += ["about", "settings"]
        else:
            for name in sorted(ABOUT_TEXTS & self.client.capabilities.about_texts):
                value = settings.get(ABOUT_NAMES.get(name, name))
                if isinstance(value, str) and value.strip():
                    found.append(Block(BlockKey("about", name), content=restorer.text(value)))
        return found

    def handouts(self, restorer: Restorer) -> list[Block]:
        found: list[Block] = []
        handouts = BlockKey("course_info", "handouts")
        usage = self.client.capabilities.detached_key(self.id, handouts)
        read = self.client.read_block(usage, "course_info")
        if read is not None and (read.content or "").strip() not in ("", EMPTY_INFO):
            self.names[usage] = handouts
            found.append(Block(handouts, content=restorer.text(read.content or "")))
        elif read is None and not self.client.capabilities.stock:
            self.unread_parts.append("handouts")
        return found

    def updates(self, restorer: Restorer) -> list[Block]:
        """The announcements, oldest first."""
        live = self.client.read_updates(self.id)
        if live is None:
            self.unread_parts.append("updates")
            return []
        names = {entry.usage_key: key for key, entry in self.part.entries.items() if key.category == COURSE_UPDATE}
        taken = {key.url_name for key in names.values()}
        found: list[Block] = []
        for one in reversed(live):
            key = names.get(one.usage_key) or BlockKey(COURSE_UPDATE, name_for(one.date, taken))
            self.update_keys[key] = one.usage_key
            entry = self.part.entries.get(key)
            locked = entry.pushed.get("data") if entry is not None else None
            found.append(Block(key, {"date": one.date}, restorer.body(one.content, locked)))
        return found

    def team(self) -> Mapping[str, str]:
        """The roles of those whom the lock file names; of all, where they are asked for."""
        locked = [key.url_name for key in self.part.entries if key.category == TEAM]
        roles: Mapping[str, str] | None = {}
        if self.everybody:
            listed = self.client.read_team(self.id)
            named = {email.casefold() for email in listed or ()}
            gone = dict.fromkeys((email for email in locked if email.casefold() not in named), NO_ROLE)
            roles = None if listed is None else {**gone, **listed}
        elif locked:
            roles = self.client.read_roles(self.id, locked)
        if roles is None:
            self.unread_parts.append("team")
            return {}
        return {email: NO_ROLE if role == UNKNOWN_USER else role for email, role in roles.items()}

    def assets(self) -> tuple[Asset, ...]:
        """The files; the digest of one is known where the lock file has it with the same size."""
        if not self.client.capabilities.assets:
            self.unread_parts.append("files")
            return ()
        found = []
        held = {asset.name: asset for asset in self.archived.assets} if self.archived is not None else {}
        for remote in self.client.list_assets(self.id):
            if remote.name in held:
                found.append(replace(held[remote.name], locked=remote.locked, source=None))
                continue
            locked = self.part.assets.get(remote.name)
            same = locked is not None and (remote.size is None or remote.size == locked.size)
            digest = locked.digest if locked is not None and same else ""
            size = remote.size if remote.size is not None else (locked.size if locked else 0)
            path = PurePosixPath("static") / remote.name
            kind = remote.content_type or "application/octet-stream"
            found.append(Asset(remote.name, path, digest, size, kind, locked=remote.locked))
        return tuple(sorted(found, key=lambda asset: asset.name))

    def grading(self) -> GradingPolicy | None:
        if not self.client.capabilities.grading:
            self.unread_parts.append("grading")
            return None
        try:
            policy = self.client.read_grading(self.id)
            # What the platform gives every new course is nothing that anybody here has said.
            was_pushed = BlockKey("#course", "grading") in self.part.entries
            return policy if was_pushed or not _is_default(policy) else None
        except NoRouteError:
            self.unread_parts.append("grading")
            return None

    def passports(self) -> tuple[LtiPassport, ...]:
        """By id only; the variables are named after it. No secret leaves the client."""
        ids = self.client.read_passport_ids(self.id)
        if ids is None:
            self.unread_parts.append("passports")
            return ()
        return tuple(LtiPassport(lti_id, *passport_variables(lti_id)) for lti_id in ids)


def _with_parents(keys: frozenset[BlockKey], part: LockPart) -> frozenset[BlockKey]:
    found: set[BlockKey] = set()
    for key in keys:
        at: BlockKey | None = key
        while at is not None and at not in found:
            found.add(at)
            entry = part.entries.get(at)
            at = entry.parent if entry is not None else None
    return frozenset(found)


DEFAULT_GRADERS = {("Homework", 0.15), ("Lab", 0.15), ("Midterm Exam", 0.3), ("Final Exam", 0.4)}
"""Types and weights of the policy that a new course has (Open edX: xmodule/course_block.py, CourseFields)."""


def _is_default(policy: GradingPolicy) -> bool:
    found = {(grader.type, grader.weight) for grader in policy.graders}
    return found == DEFAULT_GRADERS and dict(policy.cutoffs) == {"Pass": 0.5} and not policy.grace_period

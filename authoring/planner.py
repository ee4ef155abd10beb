"""Course + lock file + live outline → Plan. Pure: it is handed values, never a client or a path.

The order of a plan: the course, files, settings, grading, passports; then sections, subsections and units, level by level
(so that links find the ids they point to); then components; then what refers to components; moves before creates under the
same parent, reorders after them; removals; publishing last.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field, replace

from authoring.adoption import Contents, Doubts, holds_same, match_unclaimed, may_be_unit
from authoring.announcements import plan_updates
from authoring.dialects import Capabilities
from authoring.impacts import impact_of_update
from authoring.lockfile import (
    PACKAGE,
    PAGES_KEY,
    LockEntry,
    LockPart,
    content_field,
    digest,
    locked_page_order,
    page_order,
    passport_key,
    wanted_state,
)
from authoring.model import (
    CHAPTER,
    COURSE_UPDATE,
    OUTLINE_CATEGORIES,
    ROOT_KEY,
    SEQUENTIAL,
    VERTICAL,
    Block,
    BlockKey,
    Course,
    FieldValue,
    LtiPassport,
)
from authoring.operations import (
    AdoptBlock,
    CreateBlock,
    CreateCourse,
    DeleteBlock,
    ForgetBlock,
    Impact,
    MoveBlock,
    Notice,
    Operation,
    OrderPages,
    Plan,
    Publish,
    PutGrading,
    PutLtiPassport,
    ReorderChildren,
    UpdateAbout,
    UpdateBlock,
    UploadAsset,
    UploadPackage,
    policy_to_json,
)
from authoring.publishing import publish_roots
from authoring.references import JUMP_LINK, REFERENCE_FIELDS, link_names
from authoring.registry import spec
from authoring.remote import HeldPassport, RemoteBlock, RemoteCourse, RemoteUpdate
from authoring.team import plan_team

GRADING_KEY = BlockKey("#course", "grading")
"""Pseudo blocks of the lock file, for what the course has outside its tree."""


_HIDES = {"static_tab": "course_staff_only", COURSE_UPDATE: "", "about": "", "course_info": ""}
"""What hides a block of a kind from learners; nothing does where it is empty. All others: `visible_to_staff_only`."""


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What the caller consents to. All of it is off by default."""

    publish: bool = False
    hide_removed: bool = False
    delete_removed: bool = False
    restore: bool = False
    """Create again what was deleted on the platform."""
    recreate: bool = False
    """Create the course again when the platform no longer has it."""
    beside: bool = False
    """Create components even where the platform has others of the same name and another content."""
    overwrite: bool = False
    """Send what differs even where somebody changed it on the platform since."""
    replace_passports: bool = False
    """Send LTI passports of which the course has another key or secret."""
    only_publish: bool = False
    """Plan nothing but the publishing of what was pushed before."""

    def with_recreate(self) -> PlanOptions:
        """The same, and a lost course may be made anew."""
        return replace(self, recreate=True)


@dataclass(frozen=True, slots=True)
class Live:
    """What was read of the target before planning.

    `outline` is None when the target has no such course. `assets` maps platform names to sizes in bytes (None: not
    read). `contents` holds the reads of the components that `match_unclaimed` found.
    """

    outline: RemoteCourse | None = None
    assets: Mapping[str, int | None] | None = None
    contents: Contents = field(default_factory=dict)
    doubtful: Doubts = field(default_factory=dict)
    """Blocks whose create was sent by an earlier run and never answered."""
    pages: tuple[RemoteBlock, ...] | None = ()
    """Live pages that no lock entry claims; None where the login cannot see them."""
    passports: Mapping[str, HeldPassport] | None = None
    """What the course has of the declared LTI passports, by id; None where the login cannot see them."""
    continued: bool = True
    """Whether this machine's journal goes back to earlier runs: what it does not name was not sent from here."""
    updates: tuple[RemoteUpdate, ...] | None = ()
    """The announcements, newest first, where anything is to be done about them; None where the login cannot see them."""
    team: Mapping[str, str] | None = field(default_factory=dict)
    """The live roles of those about whom anything is to be done; None where the login may not see them."""
    all_pages: tuple[str, ...] | None = None
    """Every live page in order, by usage key; None where they were not read."""
    gone: frozenset[str] = frozenset()
    """Usage keys that the outline does not reach down to and that a read found to be gone."""


def live_digest(outline: RemoteCourse | None) -> str:
    """Changes when the structure, a title or the publish state of a live course does."""
    if outline is None:
        return "absent"
    rows = [
        f"{block.usage_key}|{block.display_name}|{block.published}|{block.has_changes}|{block.children}"
        for block in outline.blocks.values()
    ]
    return hashlib.sha256("\n".join(sorted(rows)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def plan_changes(
    course: Course,
    part: LockPart,
    live: Live,
    *,
    capabilities: Capabilities,
    options: PlanOptions | None = None,
) -> Plan:
    """The operations that bring the target to what `course` says, and what the reader should know.

    `part` is the lock file's part for this target and course. The plan may hold blocking notices; it is not to be
    applied then.
    """
    return _Planner(course, part, live, capabilities, options or PlanOptions()).plan()


class _Planner:
    def __init__(
        self, course: Course, part: LockPart, live: Live, capabilities: Capabilities, options: PlanOptions
    ) -> None:
        self.notices: list[Notice] = []
        self.course = self._without_unknown_fields(course, capabilities)
        self.part = part
        self.live = live
        self.outline = live.outline
        self.entries: dict[BlockKey, LockEntry] = dict(part.entries) if live.outline is not None else {}
        self.locked_assets = part.assets if live.outline is not None else {}
        self.can = capabilities
        self.options = options
        self.blocks = {block.key: block for block in self.course.blocks()}
        self.parents = {
            block.key: parent.key for block, parent in self.course.root.walk_with_parent() if parent is not None
        }
        containers = (key.url_name for key in self.parents if key.category in OUTLINE_CATEGORIES)
        self.reachable = {*containers, *(key.url_name for key in self.entries)}
        """Names that links may use at any time: containers come first, and what is locked has its id."""
        self.elsewhere: set[BlockKey] = set()
        """Blocks that somebody moved on the platform, where they stay."""
        self.skipped: set[BlockKey] = set()
        self.renewed: set[str] = set()
        """Names of blocks that get another id than the one that links were sent with."""
        self.adopted: dict[BlockKey, str] = {}
        self.others: dict[BlockKey, tuple[str, ...]] = {}
        """New blocks → what stands in their place under their name and is not ours."""
        self.deferred: list[Operation] = []
        self.touched: set[BlockKey] = set()
        self.made: set[BlockKey] = set()
        """Components below a section or subsection that are created and not filled in yet."""

    def _without_unknown_fields(self, course: Course, can: Capabilities) -> Course:
        """The course without what the target's own versions of some blocks have no field for; the plan says so."""

        def cut(block: Block) -> Block:
            names = sorted(block.fields.keys() & can.left_out.get(block.category, frozenset()))
            if not names:
                return block
            said = f"{block.key}: {', '.join(names)} left out, this target's {block.category} block has no such setting"
            self.notices.append(Notice("field-left-out", said, block.key))
            return replace(block, fields={name: value for name, value in block.fields.items() if name not in names})

        return replace(course, root=course.root.transform(cut)) if can.left_out else course

    def plan(self) -> Plan:
        operations: list[Operation] = []
        self._find_lost()
        if not self.options.only_publish:
            operations.extend(self._changes())
        covered, drafts, publishes = self._publish()
        operations.extend(publishes)
        spoken = {key for operation in operations for key in _keys_of(operation)} | set(covered) | set(drafts)
        return Plan(
            target=self.part.target,
            course=self.course.id,
            operations=tuple(operations),
            lock_digest=self.part.digest(),
            live_digest=live_digest(self.outline),
            notices=tuple(self.notices),
            published=covered,
            drafts=drafts,
            titles={key: self._title(key) for key in sorted(spoken)},
            parents=self.parents,
            link_names=link_names(self.course),
        )

    def _changes(self) -> Iterator[Operation]:
        if self.outline is None:
            yield from self._new_course()
        self._find_unclaimed()
        yield from self._assets()
        yield from self._course_level()
        yield from self._containers()
        yield from self._new_pages()
        yield from self._components()
        yield from self._detached()
        yield from self.deferred
        yield from self._updates()
        yield from self._page_order()
        yield from self._order()
        yield from self._removed()
        yield from self._team()
        self._report_foreign()

    # -- what is there ------------------------------------------------------------------------------------------------

    def _new_course(self) -> Iterator[Operation]:
        if self.part.entries:
            self.notices.append(
                Notice(
                    "course-gone",
                    f"the lock file knows {len(self.part.entries)} blocks of {self.course.id}, but {self.part.target} has no"
                    " such course; it is made anew" + ("" if self.options.recreate else " only with --recreate"),
                    blocking=not self.options.recreate,
                )
            )
        yield CreateCourse(self.course.id, self._course_title())

    def _find_lost(self) -> None:
        """Blocks that the lock file knows and the platform no longer has."""
        if self.outline is None:
            return
        anew: set[BlockKey] = set()
        for block, parent in self.course.root.walk_with_parent():
            entry = self.entries.get(block.key)
            if parent is not None and parent.key in self.skipped:
                self.skipped.add(block.key)
                continue
            if entry is not None and entry.parent in anew and entry.usage_key not in self.outline.blocks:
                self._renew(block.key)  # it went with its parent, also where the outline does not reach down to it
                anew.add(block.key)
                continue
            known = entry is not None and (
                entry.usage_key in self.live.gone or self._listed(block.key, parent.key if parent else None)
            )
            if entry is None or not known or entry.usage_key in self.outline.blocks:
                continue
            if parent is not None and parent.key not in self.entries:
                self._renew(block.key)  # a restored parent: all below it is new as well
                anew.add(block.key)
                continue
            if self.options.restore:
                self._renew(block.key)
                anew.add(block.key)
                self.notices.append(
                    Notice("restored", f"{block.key} was deleted on the platform; it is made anew", block.key)
                )
            else:
                self.skipped.add(block.key)
                self.notices.append(
                    Notice(
                        "deleted-on-platform",
                        f"{block.key} was deleted on the platform; it is left alone (--restore makes it anew, or remove"
                        " it from the source)",
                        block.key,
                    )
                )

    def _listed(self, key: BlockKey, parent: BlockKey | None) -> bool:
        """Whether the live outline would show this block if it were there.

        It reaches down to the components of units; what stands inside a component (a content experiment, a bank) is
        in no outline, and the lock file is believed.
        """
        if self.outline is None or parent is None:
            return False
        if parent.category in (ROOT_KEY.category, CHAPTER):
            return self.outline.outline_known
        if parent.category == SEQUENTIAL:
            return True
        above = self.parents.get(parent) or (self.entries[parent].parent if parent in self.entries else None)
        in_unit = parent.category == VERTICAL and above is not None and above.category == SEQUENTIAL
        return in_unit and self.outline.components_known

    def _find_unclaimed(self) -> None:
        if self.outline is None:
            return
        known = replace(self.part, entries=self.entries)
        matches = match_unclaimed(self.course, known, self.outline, self.live.contents, self.live.doubtful)
        self.adopted.update((key, place) for key, place in matches.adopted.items() if key not in self.skipped)
        self.others.update(matches.conflicts)
        for key, usage_keys in matches.conflicts.items():
            if key not in self.skipped and not self.options.beside:
                self._conflict(self.blocks[key], usage_keys)

    def _conflict(self, block: Block, usage_keys: tuple[str, ...]) -> None:
        if any(self.live.contents.get(usage_key) is None for usage_key in usage_keys):
            what = (
                "whether it is this one cannot be read with this login; use a Studio session, or pass --beside to make"
            )
            what += " ours beside it"
        else:
            what = "with another content; --beside makes ours beside it"
        said = f"the platform has a {block.category} named {block.display_name!r} in the same place that the lock file does"
        said += f" not know ({', '.join(usage_keys)}), {what}"
        self.notices.append(Notice("same-name", said, block.key, blocking=True))

    def _usage_key(self, key: BlockKey) -> str | None:
        if key == ROOT_KEY and self.outline is not None:
            return self.outline.root
        entry = self.entries.get(key)
        return entry.usage_key if entry else self.adopted.get(key)

    def _title(self, key: BlockKey) -> str:
        block = self.blocks.get(key)
        if block is not None and block.display_name:
            return block.display_name
        entry = self.part.entries.get(key)
        live = self.outline.blocks.get(entry.usage_key) if entry and self.outline else None
        return (live.display_name if live else None) or key.url_name

    # -- the course and its files -------------------------------------------------------------------------------------

    def _assets(self) -> Iterator[Operation]:
        for asset in self.course.assets:
            locked = self.locked_assets.get(asset.name)
            if locked is not None and locked.digest == asset.digest:
                continue
            if not self.can.assets:
                self.notices.append(
                    Notice(
                        "no-assets",
                        f"{asset.path} cannot be uploaded: this target has no route for files without a session",
                    )
                )
                continue
            exists = self.live.assets is not None and asset.name in self.live.assets
            there = self.live.assets.get(asset.name) if self.live.assets is not None else None
            foreign = locked is None and exists and there != asset.size
            if foreign:
                self.notices.append(
                    Notice(
                        "replaces-file",
                        f"the platform has a file named {asset.name} that this course did not upload; it is replaced by"
                        f" {asset.path}",
                    )
                )
            yield UploadAsset(asset, replaces=locked is not None or exists)

    def _course_level(self) -> Iterator[Operation]:
        root = self.course.root
        yield from self._update(replace(root, fields=self._root_fields()))
        policy = self.course.grading
        if policy is not None:
            wanted = digest(_json(policy_to_json(policy)))
            entry = self.entries.get(GRADING_KEY)
            if entry is None or entry.pushed.get("policy") != wanted:
                if self.can.grading:
                    yield PutGrading(policy)
                else:
                    self.notices.append(
                        Notice(
                            "no-grading",
                            "the grading policy cannot be set: this target has no route for it without a session",
                        )
                    )
        for passport in self.course.lti_passports:
            yield from self._passport(passport)

    def _passport(self, passport: LtiPassport) -> Iterator[Operation]:
        """Once, when it is not there; one with other values is left alone unless the caller says so."""
        known = passport_key(passport.lti_id) in self.entries
        held = HeldPassport.UNTOLD if known else HeldPassport.ABSENT
        if self.live.passports is not None:
            held = self.live.passports.get(passport.lti_id, held)
        if held is HeldPassport.OTHER and not self.options.replace_passports:
            message = (
                f"the course has an LTI passport {passport.lti_id!r} with another key or secret; it is left as it is:"
                " --replace-passports puts yours in its place"
            )
            self.notices.append(Notice("passport-differs", message))
        elif held in (HeldPassport.ABSENT, HeldPassport.OTHER) or not known:
            replaces = held is HeldPassport.OTHER
            yield PutLtiPassport(passport.lti_id, passport.key_env, passport.secret_env, replaces)

    def _root_fields(self) -> Mapping[str, FieldValue]:
        """The course block's fields; a course that is made now has its display name from the create."""
        fields = dict(self.course.root.fields)
        fields.pop("tabs", None)  # the platform keeps this list itself, with a tab for each page
        if self.outline is None and fields.get("display_name") == self._course_title():
            del fields["display_name"]
        return fields

    def _course_title(self) -> str:
        return self.course.root.display_name or self.course.id.number

    # -- the tree -----------------------------------------------------------------------------------------------------

    def _containers(self) -> Iterator[Operation]:
        """Level by level, so that links find what they lead to; on each level in order, whatever stands there.

        A component right below a section or subsection (old courses have them) is made in its place, and filled in with
        the other components.
        """
        level = [(child, self.course.root) for child in self.course.root.children]
        while level:
            for block, parent in level:
                if block.category in OUTLINE_CATEGORIES:
                    yield from self._place(block, parent)
                elif self._is_new(block):
                    self._may_be_there(block, parent.key)
                    self.touched.add(block.key)
                    self.made.add(block.key)
                    yield self._create(block, parent.key)
            level = [(child, block) for block, _ in level if self._in_outline(block) for child in block.children]

    def _is_new(self, block: Block) -> bool:
        return not (block.key in self.skipped or block.key in self.entries or block.key in self.adopted)

    def _in_outline(self, parent: Block) -> bool:
        return parent.category in (ROOT_KEY.category, CHAPTER, SEQUENTIAL)

    def _components(self) -> Iterator[Operation]:
        for block, parent in self.course.root.walk_with_parent():
            if block.key in self.made:
                yield from self._update(block, created=True)
            elif parent is not None and not (block.category in OUTLINE_CATEGORIES and self._in_outline(parent)):
                yield from self._place(block, parent)

    def _place(self, block: Block, parent: Block) -> Iterator[Operation]:
        """Create, adopt, move and update one block."""
        if block.key in self.skipped:
            return
        if block.category == "pdf" and "url" in block.fields and not self.can.pdf:
            self.skipped.add(block.key)
            reason = f"{block.key} is left out: this target sets the address of a PDF only with a Studio session"
            self.notices.append(Notice("no-pdf", reason, block.key))
            return
        if block.key in self.entries:
            yield from self._move(block, parent)
            yield from self._update(block)
            return
        adopted = self.adopted.get(block.key)
        if adopted is not None:
            yield AdoptBlock(block.key, parent.key, adopted)
            self.touched.add(block.key)
            yield from self._update(block)
            return
        self._may_be_there(block, parent.key)
        self.touched.add(block.key)
        if self._one_call(block):
            fields = {name: value for name, value in block.fields.items() if value is not None}
            made = self._create(block, parent.key)
            yield replace(made, fields=fields, content=block.content, complete=True)
            return
        yield self._create(block, parent.key)
        yield from self._update(block, created=True)

    def _create(self, block: Block, parent: BlockKey) -> CreateBlock:
        return CreateBlock(block.key, parent, block.display_name, others=self.others.get(block.key, ()))

    def _may_be_there(self, block: Block, parent: BlockKey) -> None:
        """Stop where making a block could make it a second time and nobody can see whether it is there.

        That is so below a parent whose children the login does not show: for an unanswered create, for whatever an
        earlier run may have made that this machine's journal knows nothing of, and for sections of a course that exists
        while the lock file knows nothing of it. Units are seen in any case, though not where they stand.
        """
        if self.outline is None or self.options.beside:
            return
        place = self._usage_key(parent)
        holder = self.outline.blocks.get(place) if place else None
        known = spec(block.category)
        visible = holder is not None and holder.children is not None and not (known is not None and known.detached)
        if visible:
            return
        if block.key in self.live.doubtful:
            if not self._may_be_ours(block):
                return
            said = (
                f"an earlier run sent the create of {block.key} and got no answer, and with this login nobody can see"
            )
            said += " whether it was made; look in Studio, then pass --beside if it is not there"
            self.notices.append(Notice("doubtful", said, block.key, blocking=True))
        elif block.category == CHAPTER and not any(key.category == CHAPTER for key in self.entries):
            said = "the course exists, the lock file knows none of its sections, and this login cannot see them; use a"
            said += " Studio session, or pass --beside if the course is empty"
            if not any(notice.kind == "blind" for notice in self.notices):
                self.notices.append(Notice("blind", said, block.key, blocking=True))
        elif place is not None and not self.live.continued and self._may_be_ours(block):
            said = (
                f"{block.key} is not in the lock file, and this machine's journal knows of no earlier run; whether one"
            )
            said += (
                " elsewhere made it already cannot be seen with this login; use a Studio session, or pass --beside if"
            )
            said += " it is not there"
            self.notices.append(Notice("blind", said, block.key, blocking=True))

    def _may_be_ours(self, block: Block) -> bool:
        if self.outline is None or not self.can.units:
            return True
        return may_be_unit(block, {entry.usage_key for entry in self.entries.values()}, self.outline)

    def _one_call(self, block: Block) -> bool:
        return (
            block.category in self.can.component_create
            and block.package is None
            and not _needs_ids(block, self.reachable)
        )

    def _move(self, block: Block, parent: Block) -> Iterator[Operation]:
        if self.outline is None or not self._listed(block.key, parent.key):
            return
        live = self.outline.blocks.get(self.entries[block.key].usage_key)
        home = self._usage_key(parent.key)
        if live is None or live.parent is None or live.parent == home:
            return
        base = self.entries[block.key].parent
        held = self._usage_key(base) if base is not None else None
        if held is not None and held != live.parent and not self.options.overwrite:
            self.elsewhere.add(block.key)
            self._stands_otherwise(block.key, f"{block.key} was moved", "moved-there", both=parent.key != base)
            return
        if self.can.move and home is not None:
            self.touched.add(block.key)
            self.touched.update(key for key, entry in self.entries.items() if entry.usage_key == live.parent)
            yield MoveBlock(block.key, parent.key)
        elif self.can.move:
            self.touched.add(block.key)
            yield MoveBlock(block.key, parent.key)
        else:
            self.notices.append(
                Notice(
                    "cannot-move",
                    f"{block.key} stands under another parent on the platform than in the source, and this target has no"
                    f" way to move it; move it in Studio to {self._title(parent.key)!r}",
                    block.key,
                )
            )

    def _update(self, block: Block, *, created: bool = False, usage_key: str | None = None) -> Iterator[Operation]:
        entry = self.entries.get(block.key)
        pushed = entry.pushed if entry else {}
        wanted = wanted_state(block)
        changed = {name for name, value in wanted.items() if pushed.get(name) != value}
        changed |= {name for name in wanted if self._names_renewed(block, name)}
        removed = {name for name in pushed if name not in wanted}
        if created and block.category != "html":
            # Every category but html keeps the name that the create call gave it (docs/platform.md).
            changed.discard("display_name")
        body = content_field(block.category)
        content = block.content if body in changed else "" if body in removed else None
        fields: dict[str, FieldValue] = {
            name: block.fields[name] for name in block.fields if name in changed and name != body
        }
        fields |= {name: None for name in sorted(removed) if name not in (body, PACKAGE)}
        if block.package is not None and PACKAGE in changed:
            self.touched.add(block.key)
            yield UploadPackage(block.key, block.package, dict(block.fields))
            return
        if not fields and content is None:
            return
        if block.key == ROOT_KEY and fields.get("pdf_textbooks") and not self.can.stock:
            said = (
                "the textbooks are sent, but without a session their tab cannot be made: open Textbooks in Studio once"
            )
            self.notices.append(Notice("no-textbooks-tab", said, ROOT_KEY))
        self.touched.add(block.key)
        impact = Impact.NEW if created or entry is None else impact_of_update(block.category, fields, content)
        update = UpdateBlock(block.key, fields, content, impact, usage_key)
        if _needs_ids(block, self.reachable):
            self.deferred.append(update)
        else:
            yield update

    def _names_renewed(self, block: Block, name: str) -> bool:
        """Whether a field, or the body, names a block by an id that it no longer has."""
        if not self.renewed:
            return False
        value = block.content if name == content_field(block.category) else block.fields.get(name)
        if name in REFERENCE_FIELDS.get(block.category, ()):
            return any(f'"{url_name}"' in json.dumps(value, default=list) for url_name in self.renewed)
        return isinstance(value, str) and not self.renewed.isdisjoint(JUMP_LINK.findall(value))

    def _renew(self, key: BlockKey) -> None:
        """Take a lost block for a new one: what names it is sent again, after it was made."""
        del self.entries[key]
        self.renewed.add(key.url_name)
        if key.category not in OUTLINE_CATEGORIES:
            self.reachable.discard(key.url_name)

    def _new_pages(self) -> Iterator[Operation]:
        """Pages that are not there yet: made before the texts that link to them, filled after."""
        for block in self.course.detached:
            if block.category != "static_tab":
                continue
            entry = self.entries.get(block.key)
            if entry is not None and self._is_gone(block.key, entry):
                self._lost_page(block)
            if block.key in self.entries:
                continue
            named = [page for page in self.live.pages or () if page.display_name == block.display_name]
            held = {page.usage_key: self.live.contents.get(page.usage_key) for page in named}
            same = next((place for place, content in held.items() if content and holds_same(block, content)), None)
            if same is not None:
                self.adopted[block.key] = same
                yield AdoptBlock(block.key, ROOT_KEY, same)
                continue
            if named and not self.options.beside:
                self._conflict(block, tuple(page.usage_key for page in named))
            if self.live.pages is None:
                self._may_be_there(block, ROOT_KEY)
            yield self._create(block, ROOT_KEY)

    def _lost_page(self, block: Block) -> None:
        if self.options.restore:
            self._renew(block.key)
            said = f"{block.key} was deleted on the platform; it is made anew"
            self.notices.append(Notice("restored", said, block.key))
        else:
            self.skipped.add(block.key)
            said = (
                f"{block.key} was deleted on the platform; it is left alone (--restore makes it anew, or remove it from"
            )
            self.notices.append(Notice("deleted-on-platform", f"{said} the source)", block.key))

    def _detached(self) -> Iterator[Operation]:
        about: dict[str, str] = {}
        keys: dict[str, BlockKey] = {}
        for block in self.course.detached:
            if block.category == "about" and block.url_name not in self.can.about_texts:
                said = f"{block.key} is left out: the about page of this target has no text of that name"
                self.notices.append(Notice("no-about-text", said, block.key))
            elif block.category == "about":
                entry = self.entries.get(block.key)
                if entry is None or entry.pushed.get("data") != digest(block.content):
                    about[block.url_name] = block.content or ""
                    keys[block.url_name] = block.key
            elif block.category == COURSE_UPDATE or block.key in self.skipped:
                continue
            elif block.category == "static_tab":
                yield from self._update(block, created=block.key not in self.entries and block.key not in self.adopted)
            else:
                usage_key = self.can.detached_key(self.course.id, block.key)
                yield from self._update(block, usage_key=usage_key)
        if about:
            if self.can.about:
                yield UpdateAbout(about, keys)
            else:
                self.notices.append(
                    Notice(
                        "no-about",
                        "the about page cannot be written: this target has no route for it with this login",
                    )
                )

    def _page_order(self) -> Iterator[Operation]:
        """One order of all pages, where the live one is not the source's; what was reordered there alone stays so."""
        ours = [key for key in page_order(self.course) if key not in self.skipped]
        if self.live.all_pages is None or len(ours) < 2:
            return
        names = {self._usage_key(key): key for key in ours}
        standing = [names[page] for page in self.live.all_pages if page in names]
        if standing + [key for key in ours if key not in standing] == ours:
            return
        base = [key for key in locked_page_order(self.entries) if key in standing]
        mine = [key for key in ours if key in base]
        theirs = [key for key in standing if key in base]
        if base and theirs != base and not self.options.overwrite:
            said = "the pages were put into another order"
            self._stands_otherwise(PAGES_KEY, said, "reordered-there", both=mine != base)
            return
        yield OrderPages(tuple(ours))

    def _team(self) -> Iterator[Operation]:
        """At the end: what the platform refuses here must not keep the course from being sent."""
        made = plan_team(
            self.course.team,
            self.entries,
            self.live.team if self.can.team else None,
            overwrite=self.options.overwrite,
            remove=self.options.delete_removed,
        )
        self.notices.extend(made.notices)
        yield from made.operations

    def _updates(self) -> Iterator[Operation]:
        made = plan_updates(
            self.course,
            self.entries,
            self.live.updates,
            can_write=self.can.updates,
            restore=self.options.restore,
        )
        self.notices.extend(made.notices)
        yield from made.operations

    def _order(self) -> Iterator[Operation]:
        """Reorders, where the live order of our blocks is not the source's."""
        if self.outline is None:
            return
        for block in self.course.root.walk():
            place = self._usage_key(block.key)
            live = self.outline.blocks.get(place) if place else None
            if block.key in self.skipped or live is None or live.children is None or len(block.children) < 2:
                continue
            ours = [child.key for child in block.children if child.key not in self.skipped | self.elsewhere]
            names = {self._usage_key(key): key for key in ours}
            standing = [names[child] for child in live.children if child in names]
            arriving = [key for key in ours if key not in standing]
            if standing + arriving == ours:
                continue
            base = self.entries[block.key].children if block.key in self.entries else None
            common = [key for key in base or () if key in standing and key in ours]
            if [key for key in standing if key in common] != common and not self.options.overwrite:
                mine = [key for key in ours if key in common]
                said = f"what is in {block.key} was put into another order"
                self._stands_otherwise(block.key, said, "reordered-there", both=mine != common)
                continue
            if self.can.reorder:
                self.touched.add(block.key)
                yield ReorderChildren(block.key, tuple(ours))
            else:
                self.notices.append(
                    Notice(
                        "cannot-reorder",
                        f"what is below {self._title(block.key)!r} stands in another order on the platform than in the"
                        " source, and this target has no way to reorder; drag it into place in Studio",
                        block.key,
                    )
                )

    def _stands_otherwise(self, key: BlockKey, said: str, kind: str, *, both: bool) -> None:
        """Say that somebody put a block, or what is below it, elsewhere on the platform: there it stays, unless the source did
        so as well, which is for the author to decide."""
        said += " on the platform since the last push"
        if both:
            message = f"{said}, and here as well: `authoring pull` merges it, --overwrite sends yours"
            self.notices.append(Notice("changed-there", message, key, blocking=True))
        else:
            message = f"{said}; that is left alone: `authoring pull` brings it here, --overwrite puts it back"
            self.notices.append(Notice(kind, message, key))

    def _removed(self) -> Iterator[Operation]:
        """Blocks that the lock file knows and the source no longer has."""
        gone = {key for key in self.entries if key not in self.blocks and not key.category.startswith("#")} - {ROOT_KEY}
        for key in sorted(gone):
            entry = self.entries[key]
            if self._is_gone(key, entry):
                yield ForgetBlock(key)
                continue
            if entry.parent in gone:
                continue
            title = self._title(key)
            hides = _HIDES.get(key.category, "visible_to_staff_only")
            if self.options.delete_removed and not hides and key.category != COURSE_UPDATE:
                yield from self._blank(key, entry)
            elif self.options.delete_removed and self.can.delete:
                self.touched.update(k for k in (entry.parent,) if k)
                yield DeleteBlock(key, entry.usage_key, title)
            elif self.options.hide_removed and hides:
                if entry.pushed.get(hides) != digest(True):
                    self.touched.add(key)
                    yield UpdateBlock(key, {hides: True}, None, Impact.ACCESS, usage_key=entry.usage_key)
            elif not hides or entry.pushed.get(hides) != digest(True):
                work = "" if key.category in _HIDES else " with learners' work"
                ways = ["--hide-removed hides it from learners"] if hides else []
                ways += [f"--delete-removed deletes it{work}"] if self.can.delete or not hides else []
                remedy = ", ".join(ways)
                self.notices.append(
                    Notice(
                        "removed",
                        f"{key} ({title!r}) is no longer in the source; it stays live ({remedy})",
                        key,
                    )
                )

    def _blank(self, key: BlockKey, entry: LockEntry) -> Iterator[Operation]:
        """Take away the text of a page that the platform always has."""
        if key.category != "about":
            yield UpdateBlock(key, {}, "", Impact.WORDING, entry.usage_key)
        elif self.can.about and key.url_name in self.can.about_texts:
            yield UpdateAbout({key.url_name: ""}, {key.url_name: key})
        yield ForgetBlock(key)

    def _is_gone(self, key: BlockKey, entry: LockEntry) -> bool:
        """Whether the platform is known not to have a block any more."""
        if key.category == COURSE_UPDATE:
            there = None if self.live.updates is None else {one.usage_key for one in self.live.updates}
        elif key.category == "static_tab":
            there = None if self.live.all_pages is None else set(self.live.all_pages)
        elif self._listed(key, entry.parent) and self.outline is not None:
            there = set(self.outline.blocks)
        else:
            there = None
        return there is not None and entry.usage_key not in there

    def _report_foreign(self) -> None:
        if self.outline is None:
            return
        ours = {entry.usage_key for entry in self.entries.values()} | set(self.adopted.values()) | {self.outline.root}
        foreign = [block for block in self.outline.blocks.values() if block.usage_key not in ours]
        tops = [block for block in foreign if block.parent in ours]
        for block in tops:
            self.notices.append(
                Notice(
                    "only-on-platform",
                    f"{block.category} {block.display_name!r} is on the platform and not in the source; it is left alone"
                    f" ({block.usage_key})",
                )
            )

    # -- publishing ---------------------------------------------------------------------------------------------------

    def _publish(self) -> tuple[tuple[BlockKey, ...], tuple[BlockKey, ...], list[Operation]]:
        ahead = self._units_ahead()
        if not self.options.publish:
            return (), tuple(ahead), []
        foreign = self._foreign_drafts(set(ahead))
        for unit in ahead:
            if self._edited_by_others(unit):
                self.notices.append(
                    Notice(
                        "publishes-others",
                        f"{self._title(unit)!r} has unpublished edits that were made on the platform; publishing it makes"
                        " them live as well",
                        unit,
                    )
                )
        roots = publish_roots(self.course.root, set(ahead), foreign)
        removed = [unit for unit in ahead if unit not in self.blocks]
        operations: list[Operation] = [Publish(root, covers) for root, covers in roots]
        operations.extend(Publish(unit, (unit,)) for unit in removed)
        return tuple(ahead), (), operations

    def _units_ahead(self) -> list[BlockKey]:
        """Units whose draft is, or will be after this plan, ahead of what learners see by our doing."""
        ahead: dict[BlockKey, None] = {}
        for unit, parent in self.course.root.walk_with_parent():
            if unit.category != VERTICAL or parent is None or not self._in_outline(parent) or unit.key in self.skipped:
                continue
            if self.options.only_publish and unit.key not in self.entries:
                continue
            if any(self._is_ahead(block.key) for block in unit.walk() if block.key not in self.skipped):
                ahead[unit.key] = None
        for key in sorted(self.touched - set(self.blocks)):
            entry = self.entries.get(key)
            home = self._unit_of(key)
            if entry is not None and home is not None:
                ahead[home] = None
        return list(ahead)

    def _unit_of(self, key: BlockKey) -> BlockKey | None:
        """The unit that a block of the lock file stands in; the block itself when it is a unit of the outline."""
        seen = key
        while (entry := self.entries.get(seen)) is not None and entry.parent is not None:
            if seen.category == VERTICAL and entry.parent.category == SEQUENTIAL:
                return seen
            seen = entry.parent
        return None

    def _is_ahead(self, key: BlockKey) -> bool:
        if key in self.touched:
            return True
        entry = self.entries.get(key)
        return entry is not None and not entry.is_published

    def _edited_by_others(self, unit: BlockKey) -> bool:
        place = self._usage_key(unit)
        live = self.outline.blocks.get(place) if self.outline and place else None
        if live is None or not live.has_changes:
            return False
        below = [self.entries.get(block.key) for block in self.blocks[unit].walk()] if unit in self.blocks else []
        return all(entry is None or entry.is_published for entry in below) and unit in self.entries

    def _foreign_drafts(self, ours: Set[BlockKey]) -> set[BlockKey]:
        """Our containers that hold unpublished work which is not ours to publish."""
        if self.outline is None:
            return set()
        keys = {usage: key for key, entry in self.entries.items() for usage in (entry.usage_key,)}
        keys |= {usage: key for key, usage in self.adopted.items()}
        keys[self.outline.root] = ROOT_KEY
        holders: set[BlockKey] = set()
        for block in self.outline.blocks.values():
            if block.category != VERTICAL:
                continue
            key = keys.get(block.usage_key)
            if key in ours:
                continue
            draft = block.has_changes if block.has_changes is not None else key is None or not self._published(key)
            if not draft and block.published is not False:
                continue
            parent = block.parent
            while parent is not None:
                if parent in keys:
                    holders.add(keys[parent])
                above = self.outline.blocks.get(parent)
                parent = above.parent if above else None
        return holders

    def _published(self, key: BlockKey) -> bool:
        entry = self.entries.get(key)
        return entry is not None and entry.is_published


def _needs_ids(block: Block, reachable: Set[str]) -> bool:
    """Whether a block's update names components whose ids may not exist yet when it is its turn."""
    if any(name in block.fields for name in REFERENCE_FIELDS.get(block.category, ())):
        return True
    texts = (block.content, *block.fields.values())
    links = (JUMP_LINK.findall(text) for text in texts if isinstance(text, str) and "/jump_to_id/" in text)
    return any(name not in reachable for names in links for name in names)


def _keys_of(operation: Operation) -> Iterator[BlockKey]:
    for name in ("key", "parent"):
        value = getattr(operation, name, None)
        if isinstance(value, BlockKey):
            yield value


def _json(value: object) -> FieldValue:
    return value  # type: ignore[return-value]  # what policy_to_json returns is JSON

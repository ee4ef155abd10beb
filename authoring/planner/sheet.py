"""The sheet that a plan is worked out on: what is known, what is already decided, what is to be said. Its rules look, the stages
of :mod:`authoring.planner` write."""

from __future__ import annotations

from dataclasses import replace

from authoring.adoption import may_be_unit
from authoring.dialects import Capabilities
from authoring.lockfile import LockEntry, LockPart
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
)
from authoring.operations import CreateBlock, Notice, Operation
from authoring.planner.given import Live, PlanOptions
from authoring.registry import spec


class Sheet:
    """Made for one plan; every stage reads it and marks on it what the later ones must know."""

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
        """Blocks of which nothing is sent."""
        self.renewed: set[str] = set()
        """Names of blocks that get another id than the one that links were sent with."""
        self.adopted: dict[BlockKey, str] = {}
        """Blocks that the lock file does not know and that are there → their usage keys."""
        self.others: dict[BlockKey, tuple[str, ...]] = {}
        """New blocks → what stands in their place under their name and is not ours."""
        self.deferred: list[Operation] = []
        """Updates that name components: sent when all of these are made."""
        self.touched: set[BlockKey] = set()
        """Blocks that this plan changes."""
        self.made: set[BlockKey] = set()
        """Components below a section or subsection that are created and not filled in yet."""

    def note(self, kind: str, message: str, key: BlockKey | None = None, *, blocking: bool = False) -> None:
        """Add what the reader of the plan should know."""
        self.notices.append(Notice(kind, message, key, blocking=blocking))

    def lists(self, key: BlockKey, parent: BlockKey | None) -> bool:
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

    def usage_key(self, key: BlockKey) -> str | None:
        """Where a block is on the platform; None while it is not there."""
        if key == ROOT_KEY and self.outline is not None:
            return self.outline.root
        entry = self.entries.get(key)
        return entry.usage_key if entry else self.adopted.get(key)

    def title(self, key: BlockKey) -> str:
        """What people call a block, be it in the source or only live."""
        block = self.blocks.get(key)
        if block is not None and block.display_name:
            return block.display_name
        entry = self.part.entries.get(key)
        live = self.outline.blocks.get(entry.usage_key) if entry and self.outline else None
        return (live.display_name if live else None) or key.url_name

    def in_outline(self, parent: Block) -> bool:
        """Whether what stands in this block is a level of the outline."""
        return parent.category in (ROOT_KEY.category, CHAPTER, SEQUENTIAL)

    def lost(self, key: BlockKey) -> bool:
        """Say what becomes of a block that was deleted on the platform: made anew (True), or left alone."""
        said = f"{key} was deleted on the platform; it is"
        if self.options.restore:
            self.renew(key)
            self.note("restored", f"{said} made anew", key)
            return True
        self.skipped.add(key)
        message = f"{said} left alone (--restore makes it anew, or remove it from the source)"
        self.note("deleted-on-platform", message, key)
        return False

    def renew(self, key: BlockKey) -> None:
        """Take a lost block for a new one: what names it is sent again, after it was made."""
        del self.entries[key]
        self.renewed.add(key.url_name)
        if key.category not in OUTLINE_CATEGORIES:
            self.reachable.discard(key.url_name)

    def is_gone(self, key: BlockKey, entry: LockEntry) -> bool:
        """Whether the platform is known not to have a block any more."""
        if key.category == COURSE_UPDATE:
            there = None if self.live.updates is None else {one.usage_key for one in self.live.updates}
        elif key.category == "static_tab":
            there = None if self.live.all_pages is None else set(self.live.all_pages)
        elif self.lists(key, entry.parent) and self.outline is not None:
            there = set(self.outline.blocks)
        else:
            there = None
        return there is not None and entry.usage_key not in there

    def is_new(self, block: Block) -> bool:
        """Whether a block is to be made."""
        return not (block.key in self.skipped or block.key in self.entries or block.key in self.adopted)

    def same_name(self, block: Block, usage_keys: tuple[str, ...]) -> None:
        """Stop at a block whose name something else has in its place."""
        if any(self.live.contents.get(usage_key) is None for usage_key in usage_keys):
            what = (
                "whether it is this one cannot be read with this login; use a Studio session, or pass --beside to make"
            )
            what += " ours beside it"
        else:
            what = "with another content; --beside makes ours beside it"
        said = f"the platform has a {block.category} named {block.display_name!r} in the same place that the lock file does"
        said += f" not know ({', '.join(usage_keys)}), {what}"
        self.note("same-name", said, block.key, blocking=True)

    def stands_otherwise(self, key: BlockKey, said: str, kind: str, *, both: bool) -> None:
        """Say that somebody put a block, or what is below it, elsewhere on the platform: there it stays, unless the source did
        so as well, which is for the author to decide."""
        said += " on the platform since the last push"
        if both:
            message = f"{said}, and here as well: `authoring pull` merges it, --overwrite sends yours"
            self.note("changed-there", message, key, blocking=True)
        else:
            message = f"{said}; that is left alone: `authoring pull` brings it here, --overwrite puts it back"
            self.note(kind, message, key)

    def create(self, block: Block, parent: BlockKey) -> CreateBlock:
        """The create of a block without its content."""
        return CreateBlock(block.key, parent, block.display_name, others=self.others.get(block.key, ()))

    def may_be_there(self, block: Block, parent: BlockKey) -> None:
        """Stop where making a block could make it a second time and nobody can see whether it is there.

        That is so below a parent whose children the login does not show: for an unanswered create, for whatever an
        earlier run may have made that this machine's journal knows nothing of, and for sections of a course that exists
        while the lock file knows nothing of it. Units are seen in any case, though not where they stand.
        """
        if self.outline is None or self.options.beside:
            return
        place = self.usage_key(parent)
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
            self.note("doubtful", said, block.key, blocking=True)
        elif block.category == CHAPTER and not any(key.category == CHAPTER for key in self.entries):
            said = "the course exists, the lock file knows none of its sections, and this login cannot see them; use a"
            said += " Studio session, or pass --beside if the course is empty"
            if not any(notice.kind == "blind" for notice in self.notices):
                self.note("blind", said, block.key, blocking=True)
        elif place is not None and not self.live.continued and self._may_be_ours(block):
            said = (
                f"{block.key} is not in the lock file, and this machine's journal knows of no earlier run; whether one"
            )
            said += (
                " elsewhere made it already cannot be seen with this login; use a Studio session, or pass --beside if"
            )
            said += " it is not there"
            self.note("blind", said, block.key, blocking=True)

    def _may_be_ours(self, block: Block) -> bool:
        if self.outline is None or not self.can.units:
            return True
        return may_be_unit(block, {entry.usage_key for entry in self.entries.values()}, self.outline)

    def is_published(self, key: BlockKey) -> bool:
        """Whether learners have what was last pushed of a block."""
        entry = self.entries.get(key)
        return entry is not None and entry.is_published

    def _without_unknown_fields(self, course: Course, can: Capabilities) -> Course:
        """The course without what the target's own versions of some blocks have no field for; the plan says so."""

        def cut(block: Block) -> Block:
            names = sorted(block.fields.keys() & can.left_out.get(block.category, frozenset()))
            if not names:
                return block
            said = f"{block.key}: {', '.join(names)} left out, this target's {block.category} block has no such setting"
            self.note("field-left-out", said, block.key)
            return replace(block, fields={name: value for name, value in block.fields.items() if name not in names})

        return replace(course, root=course.root.transform(cut)) if can.left_out else course

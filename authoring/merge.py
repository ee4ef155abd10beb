"""Three-way merge of a course: what we have, what the platform has, and digests of what both once were.

    LockPart (base), our Course, their Course  ->  Merged: one Course, what was taken, what is in conflict

Blocks are compared part by part: a field, the text, the package, the place (the parent), the order of the children, and
whether the block is there at all. The lock file holds digests and no values, and that is enough: a side whose digest is the
base's has not changed a part, so the other side's value is the merged one. Pure.

==================  ====================  ==================================================================
ours                theirs                the merged course
==================  ====================  ==================================================================
as it was           changed               theirs is taken
changed             as it was             ours is kept
changed             changed alike         that
changed             changed otherwise     conflict: ours, until it is resolved
deleted             as it was, deleted    deleted
as it was           deleted               deleted, with all below it
changed, moved      deleted               conflict: stays, until it is resolved; so does what holds it
deleted             changed, moved        conflict: stays deleted, until it is resolved
moved               changed, reordered    both
moved               moved elsewhere       conflict: ours
moved into a block  that block deleted    deleted (either side); what moved is where the other has it, with what is new
reordered           reordered             both, where no neighbours are wanted in two orders; else conflict: ours
reordered           new, moved here       both: it stands behind the neighbour that it has there
new                 new, of one key       what differs is a conflict: there is no base
==================  ====================  ==================================================================

"Changed" and "new" count for everything below a block, too: a section with one new unit is not deleted silently. A title is
a field; so "renamed" is "changed".

The base of an order is `LockEntry.children`. Where it was not recorded, what both sides agree on is the base, and where
they do not agree, nobody knows who changed it: that is a conflict.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import TypeAlias, cast

from authoring.decompile.folder import same_content
from authoring.lockfile import (
    PACKAGE,
    PAGES_KEY,
    LockPart,
    content_field,
    digest,
    other_forms,
    team_key,
    text_digest,
    wanted_state,
)
from authoring.model import NO_ROLE, Asset, Block, BlockKey, Course, FieldValue, GradingPolicy
from authoring.operations import policy_to_json

EXISTENCE = "existence"
PLACE = "place"
ORDER = "order"
EVERYTHING = "*"
"""In `unread`: nothing of the block could be read; it is not even known to be there."""
CHILDREN = "children"
"""In `unread`: the children of the block could not be read."""

GRADING = BlockKey("#course", "grading")
"""Stands for the grading policy, in lock files as here."""
ASSET = "#asset"
"""The category of keys that stand for files, by the platform's name."""


class Side(StrEnum):
    """One of the two that are merged."""

    OURS = "ours"
    THEIRS = "theirs"


Part: TypeAlias = "FieldValue | Asset | GradingPolicy | BlockKey | tuple[BlockKey, ...]"
"""What is in conflict: a value or text, a package or file, a policy, a parent, an order; for `EXISTENCE` true or false."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Both changed one part of a block. `part` is a field's name, the name of the text (`data`), `#package`, `place`,
    `order`, `existence`; of `#course/grading` it is `policy`, of `#asset/NAME` `content`. None where a side has none."""

    key: BlockKey
    part: str
    ours: Part
    theirs: Part
    also: tuple[str, ...] = ()
    """Parts that are decided with this one: other forms of the same text."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A part that the platform alone changed; `part` as in `Conflict`."""

    key: BlockKey
    part: str


@dataclass(frozen=True, slots=True)
class Merged:
    """The course with all that is not in conflict; in conflicts without resolution ours stands in it."""

    course: Course
    taken: tuple[Taken, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


Resolve: TypeAlias = "Side | Mapping[BlockKey, Side] | None"
Unread: TypeAlias = "Collection[tuple[BlockKey, str]]"


def merge(
    base: LockPart, ours: Course, theirs: Course, *, resolve: Resolve = None, unread: Unread = frozenset()
) -> Merged:
    """The merge of both (see the module).

    Blocks are paired by key; `theirs` has the keys of the lock file for what that names. `resolve` says whose is taken in
    conflicts, for all or by block. `unread` are parts that could not be read of the platform, as `(key, part)`: ours is
    kept there, and nothing that is missing for that reason counts as deleted.
    """
    return _Merge(base, ours, theirs, resolve, frozenset(unread)).merged()


@dataclass(slots=True)
class _Tree:
    """A course by key."""

    blocks: dict[BlockKey, Block] = field(default_factory=dict)
    parents: dict[BlockKey, BlockKey | None] = field(default_factory=dict)

    @classmethod
    def of(cls, course: Course) -> _Tree:
        tree = cls()
        for block, parent in course.root.walk_with_parent():
            if block.key not in tree.blocks:
                tree.blocks[block.key] = block
                tree.parents[block.key] = parent.key if parent is not None else None
        for block in course.detached:
            tree.blocks[block.key] = block
            tree.parents[block.key] = None
        return tree

    def children(self, key: BlockKey) -> tuple[BlockKey, ...]:
        block = self.blocks.get(key)
        return tuple(child.key for child in block.children) if block is not None else ()


class _Merge:
    def __init__(
        self, base: LockPart, ours: Course, theirs: Course, resolve: Resolve, unread: frozenset[tuple[BlockKey, str]]
    ) -> None:
        self.base = base
        self.our_course, self.their_course = ours, theirs
        self.ours, self.theirs = _Tree.of(ours), _Tree.of(theirs)
        self.resolve = resolve
        self.unread = unread
        self.root = ours.root.key
        self.taken: list[Taken] = []
        self.conflicts: list[Conflict] = []
        self.places: dict[BlockKey, BlockKey | None] = {}
        self.disputed: set[BlockKey] = set()
        """Blocks that stay deleted until their conflict is resolved."""

    def merged(self) -> Merged:
        self._settle_existence()
        self._settle_places()
        detached = tuple(
            self._block(key) for key in self._detached() if key in self.places and self.places[key] is None
        )
        root = self._build(self.root, set())
        grading = self._grading()
        assets = tuple(self._assets())
        team = self._team()
        course = replace(self.our_course, root=root, detached=detached, grading=grading, assets=assets, team=team)
        return Merged(course, tuple(self.taken), tuple(self.conflicts))

    # --- who decides

    def _decide(self, conflict: Conflict) -> Side:
        """Whose part is taken; without a resolution ours, and the conflict is reported."""
        side = self.resolve.get(conflict.key) if isinstance(self.resolve, Mapping) else self.resolve
        if side is None:
            self.conflicts.append(conflict)
            return Side.OURS
        if side is Side.THEIRS:
            self.taken.append(Taken(conflict.key, conflict.part))
        return side

    def _is_unread(self, key: BlockKey, part: str) -> bool:
        return (key, part) in self.unread or (key, EVERYTHING) in self.unread

    def _not_told(self, key: BlockKey) -> bool:
        """Whether a block that theirs does not have may be there all the same."""
        parent = self.ours.parents.get(key)
        entry = self.base.entries.get(key)
        parents = {parent, entry.parent if entry is not None else None} - {None}
        return (
            self._is_unread(key, EXISTENCE)
            or any(self._is_unread(up, CHILDREN) for up in parents if up is not None)
            or any(up not in self.theirs.blocks and self._not_told(up) for up in parents if up is not None)
        )

    # --- what there is

    def _settle_existence(self) -> None:
        """Fills `places` with every block that is in the merged course; where it stands comes later."""
        self.places = {key: None for key in self.ours.blocks if key in self.theirs.blocks}
        self.places[self.root] = None
        for course in (self.our_course, self.their_course):
            side, other = (self.ours, self.theirs) if course is self.our_course else (self.theirs, self.ours)
            for key in (course.root.key, *(block.key for block in course.detached)):
                self._visit(key, side, other)

    def _visit(self, key: BlockKey, side: _Tree, other: _Tree) -> None:
        """Settles what one side alone has, from the top."""
        mine = side is self.ours
        if key not in other.blocks and key != self.root:
            if key in self.base.entries and not (mine and self._not_told(key)):
                self._deleted(key, side, other)
                return
            self._keep(key, mine=mine)
        for child in side.children(key):
            if side.parents.get(child) == key:
                self._visit(child, side, other)

    def _deleted(self, key: BlockKey, side: _Tree, other: _Tree) -> None:
        """A block of the base that one side deleted, with all that this side has no more of what is below it."""
        mine = side is self.ours
        stays = False
        if self._changed(key, side, other):
            conflict = Conflict(key, EXISTENCE, mine, not mine)
            stays = (self._decide(conflict) is Side.OURS) == mine
            if not stays and conflict in self.conflicts:
                self.disputed |= {block.key for block in side.blocks[key].walk() if block.key not in other.blocks}
        elif mine:
            self.taken.append(Taken(key, EXISTENCE))
        self._share_fate(key, side, other, stays=stays)

    def _share_fate(self, key: BlockKey, side: _Tree, other: _Tree, *, stays: bool) -> None:
        """What the other side lacks below a block that it deleted stays or goes with it. What the other has at another place
        goes its own way, with what is new in it."""
        if stays:
            self.places[key] = None
        for child in side.children(key):
            if side.parents.get(child) != key:
                continue
            if child in other.blocks:
                self._visit(child, side, other)
            else:
                self._share_fate(child, side, other, stays=stays)

    def _keep(self, key: BlockKey, *, mine: bool) -> None:
        self.places[key] = None
        if not mine:
            self.taken.append(Taken(key, EXISTENCE))

    def _changed(self, key: BlockKey, side: _Tree, other: _Tree) -> bool:
        """Whether a side changed a block of the base, or has something new or changed below it that the other lacks."""
        entry = self.base.entries.get(key)
        if entry is None:
            return True
        state, pushed = wanted_state(side.blocks[key]), dict(entry.pushed)
        if side is self.theirs:
            state = {name: entry.as_pushed(name, one) or one for name, one in state.items()}
            for name in [name for name in (*state, *pushed) if self._is_unread(key, name)]:
                state.pop(name, None)
                pushed.pop(name, None)
        moved = side.parents[key] is not None and side.parents[key] != entry.parent  # pages have no parent to move from
        if state != pushed or moved:
            return True
        return any(child not in other.blocks and self._changed(child, side, other) for child in side.children(key))

    # --- where it stands

    def _settle_places(self) -> None:
        for key in self.places:
            mine, live = self.ours.parents.get(key), self.theirs.parents.get(key)
            if key not in self.theirs.blocks:
                self.places[key] = mine
            elif key not in self.ours.blocks:
                self.places[key] = live
            elif mine == live or self._is_unread(key, PLACE):
                self.places[key] = mine
            else:
                self.places[key] = self._place(key, mine, live)
        # Two moves into each other leave a ring that hangs on nothing: there, ours stands.
        for key in list(self.places):
            if not self._reaches_root(key) and key in self.ours.blocks:
                mine, now = self.ours.parents.get(key), self.places[key]
                if mine != now:
                    self.conflicts.append(Conflict(key, PLACE, mine, now))
                    self.places[key] = mine

    def _place(self, key: BlockKey, mine: BlockKey | None, live: BlockKey | None) -> BlockKey | None:
        entry = self.base.entries.get(key)
        base = entry.parent if entry is not None else None
        if entry is not None and live == base and mine in self.places:
            return mine
        if (entry is not None and mine == base and live in self.places) or mine not in self.places:
            self.taken.append(Taken(key, PLACE))
            return live
        if live not in self.places:
            if base not in (mine, live) and live in self.disputed:
                self.conflicts.append(Conflict(key, PLACE, mine, live))
            return mine
        return live if self._decide(Conflict(key, PLACE, mine, live)) is Side.THEIRS else mine

    def _reaches_root(self, key: BlockKey) -> bool:
        seen: set[BlockKey] = set()
        at: BlockKey | None = key
        while at is not None and at not in seen:
            seen.add(at)
            at = self.places.get(at)
        return at is None

    # --- the course made of it

    def _build(self, key: BlockKey, above: set[BlockKey]) -> Block:
        block = self._block(key)
        children = tuple(
            self._build(child, above | {key}) for child in self._ordered(key) if child not in above and child != key
        )
        return replace(block, children=children)

    def _ordered(self, key: BlockKey) -> list[BlockKey]:
        members = {child for child, parent in self.places.items() if parent == key} - {self.root}
        members -= {block.key for block in (*self.our_course.detached, *self.their_course.detached)}
        if not members:
            return []
        mine, live = self.ours.children(key), self.theirs.children(key)
        if self._is_unread(key, ORDER) or self._is_unread(key, CHILDREN):
            live = ()
        both = [child for child in mine if child in live and child in members]
        theirs = [child for child in live if child in both]
        entry = self.base.entries.get(key)
        base = list(entry.children) if entry is not None and entry.children is not None else None
        order = self._order(key, both, theirs, base)
        order = _insert(order, mine, members)
        return _insert(order, live, members)

    def _order(
        self, key: BlockKey, mine: list[BlockKey], live: list[BlockKey], base: list[BlockKey] | None
    ) -> list[BlockKey]:
        """The order of the children that both sides have."""
        if mine == live:
            return mine
        merged = _merged_order(mine, live, base) if base is not None else None
        if merged is None:
            side = self._decide(Conflict(key, ORDER, tuple(mine), tuple(live)))
            return live if side is Side.THEIRS else mine
        if merged != mine:
            self.taken.append(Taken(key, ORDER))
        return merged

    def _detached(self) -> list[BlockKey]:
        mine = [block.key for block in self.our_course.detached]
        live = [block.key for block in self.their_course.detached]
        members = set(mine) | set(live)
        order = _insert(mine, live, members)
        if self._is_unread(PAGES_KEY, ORDER):
            return order
        # Pages alone have an order that learners see.
        both = [key for key in mine if key.category == "static_tab" and key in live]
        theirs = [key for key in live if key in both]
        entry = self.base.entries.get(PAGES_KEY)
        base = list(entry.children) if entry is not None and entry.children is not None else None
        merged = iter(self._order(PAGES_KEY, both, theirs, base))
        return [next(merged) if key in both else key for key in order]

    # --- the parts of one block

    def _block(self, key: BlockKey) -> Block:
        mine, live = self.ours.blocks.get(key), self.theirs.blocks.get(key)
        if mine is None:
            assert live is not None
            return replace(live, children=(), source=None)
        if live is None or (key, EVERYTHING) in self.unread:
            return mine
        entry = self.base.entries.get(key)
        pushed = dict(entry.pushed) if entry is not None else {}
        known = entry is not None
        fields = dict(mine.fields)
        for name in sorted((mine.fields.keys() | live.fields.keys()) - set(other_forms(key.category))):
            if self._is_unread(key, name):
                continue
            ours, theirs = mine.fields.get(name), live.fields.get(name)
            if _digest(ours) == _digest(theirs):
                continue
            if self._theirs(key, name, ours, theirs, _digest(ours), _digest(theirs), pushed.get(name), known):
                if name in live.fields:
                    fields[name] = theirs
                else:
                    fields.pop(name, None)
        content, package = mine.content, mine.package
        if self._takes_text(mine, live, pushed, known):
            content = live.content if not self._is_unread(key, content_field(key.category)) else content
            for name in other_forms(key.category):
                if not self._is_unread(key, name):
                    fields.pop(name, None)
                    fields |= {name: live.fields[name]} if name in live.fields else {}
        if not self._is_unread(key, PACKAGE) and live.package is not None:
            ours, theirs = _asset_digest(mine.package), _asset_digest(live.package)
            if ours != theirs and self._theirs(
                key, PACKAGE, mine.package, live.package, ours, theirs, pushed.get(PACKAGE), known
            ):
                package = live.package
        return replace(mine, fields=fields, content=content, package=package)

    def _takes_text(self, mine: Block, live: Block, pushed: Mapping[str, str], known: bool) -> bool:
        """Whether theirs is the merged text, in all its forms: one of theirs and one of ours are two texts."""
        key, body = mine.key, content_field(mine.category)
        forms: dict[str, tuple[Part, Part, str | None, str | None]] = {}
        if body and not self._is_unread(key, body) and not same_content(mine, live):
            texts = mine.content, live.content
            forms[body] = (*texts, _text_digest(mine.content), _text_digest(live.content))
        for name in other_forms(key.category):
            ours, theirs = mine.fields.get(name), live.fields.get(name)
            if not self._is_unread(key, name) and _digest(ours) != _digest(theirs):
                forms[name] = (ours, theirs, _digest(ours), _digest(theirs))
        forms = {
            name: form for name, form in forms.items() if name != "markdown_edited"
        } or forms  # says nothing by itself
        entry = self.base.entries.get(key)
        if entry is not None:
            forms = {name: (*form[:3], entry.as_pushed(name, form[3])) for name, form in forms.items()}
        if not forms or (known and all(theirs == pushed.get(name) for name, (*_, theirs) in forms.items())):
            return False
        if known and all(ours == pushed.get(name) for name, (*_, ours, _) in forms.items()):
            self.taken.append(Taken(key, next(iter(forms))))
            return True
        # What people write in is what they can compare.
        part = "markdown" if all(forms.get("markdown", (None,))[:2]) else next(iter(forms))
        also = tuple(name for name in (body, *other_forms(key.category)) if name and name != part)
        return self._decide(Conflict(key, part, *forms[part][:2], also)) is Side.THEIRS

    def _theirs(
        self,
        key: BlockKey,
        part: str,
        ours: Part,
        theirs: Part,
        our_digest: str | None,
        their_digest: str | None,
        base: str | None,
        known: bool,
    ) -> bool:
        """Whether theirs is the merged value of a part in which the two differ."""
        entry = self.base.entries.get(key)
        if known and (entry.as_pushed(part, their_digest) if entry is not None else their_digest) == base:
            return False
        if known and our_digest == base:
            self.taken.append(Taken(key, part))
            return True
        return self._decide(Conflict(key, part, ours, theirs)) is Side.THEIRS

    def _grading(self) -> GradingPolicy | None:
        mine, live = self.our_course.grading, self.their_course.grading
        if live is None or self._is_unread(GRADING, "policy") or _policy_digest(mine) == _policy_digest(live):
            return mine
        entry = self.base.entries.get(GRADING)
        base = entry.pushed.get("policy") if entry is not None else None
        ours, theirs = _policy_digest(mine), _policy_digest(live)
        known = entry is not None or mine is None  # a course without a policy of its own leaves it to the platform
        return live if self._theirs(GRADING, "policy", mine, live, ours, theirs, base, known) else mine

    def _team(self) -> Mapping[str, str]:
        """Roles by address; `none` for who is in the lock file and no longer in the team. Who is not told of stays."""
        team = dict(self.our_course.team)
        written = {team_key(email): email for email in team}
        for address, live in self.their_course.team.items():
            key = team_key(address)
            email = written.get(key, address)
            mine = team.get(email)
            entry = self.base.entries.get(key)
            base = entry.pushed.get("role") if entry is not None else None
            if (mine or NO_ROLE) == live:
                continue
            known = entry is not None or mine is None
            ours = digest(mine) if mine is not None else None
            if not self._theirs(key, "role", mine, live, ours, digest(live), base, known):
                continue
            if live == NO_ROLE:
                team.pop(email, None)
            else:
                team[email] = live
        return team

    def _assets(self) -> Iterator[Asset]:
        """Files: the lock file knows those that were sent. A file that is gone from the platform stays here."""
        live = {asset.name: asset for asset in self.their_course.assets}
        for asset in self.our_course.assets:
            other = live.pop(asset.name, None)
            key = BlockKey(ASSET, asset.name)
            if other is None or other.digest == asset.digest or self._is_unread(key, "content"):
                yield asset
                continue
            locked = self.base.assets.get(asset.name)
            base = locked.digest if locked is not None else None
            taken = self._theirs(key, "content", asset, other, asset.digest, other.digest, base, locked is not None)
            yield replace(other, path=asset.path) if taken else asset
        for name, asset in live.items():
            if name not in self.base.assets:
                self.taken.append(Taken(BlockKey(ASSET, name), EXISTENCE))
                yield asset
            elif (
                asset.digest != self.base.assets[name].digest
                and self._decide(Conflict(BlockKey(ASSET, name), EXISTENCE, False, True)) is Side.THEIRS
            ):
                yield asset


def _digest(value: FieldValue) -> str | None:
    """An explicit null is the default, as `wanted_state` has it."""
    return None if value is None else digest(value)


def _text_digest(text: str | None) -> str | None:
    return text_digest(text) if text else None


def _asset_digest(asset: Asset | None) -> str | None:
    return asset.digest[:16] if asset is not None else None


def _policy_digest(policy: GradingPolicy | None) -> str | None:
    if policy is None:
        return None
    return digest(cast(FieldValue, policy_to_json(policy)))


def _merged_order(
    mine: Sequence[BlockKey], live: Sequence[BlockKey], base: Sequence[BlockKey]
) -> list[BlockKey] | None:
    """The order in which every two stand as the side has them that changed them; None where that goes round in a circle. Where
    nobody knows who changed two of them (one is new on both sides), the others must leave them a single order."""
    at = [{key: place for place, key in enumerate(order)} for order in (base, mine, live)]

    def before(one: BlockKey, other: BlockKey) -> bool:
        """Whether one is known to stand before the other."""
        in_mine, in_live = at[1][one] < at[1][other], at[2][one] < at[2][other]
        if in_mine == in_live:
            return in_mine
        if one not in at[0] or other not in at[0]:
            return False
        return in_live if in_mine == (at[0][one] < at[0][other]) else in_mine

    sorter = TopologicalSorter({key: [one for one in mine if one != key and before(one, key)] for key in mine})
    ordered: list[BlockKey] = []
    try:
        sorter.prepare()
    except CycleError:
        return None
    while sorter:
        ready = sorter.get_ready()
        if len(ready) > 1:
            return None
        sorter.done(*ready)
        ordered += ready
    return ordered


def _insert(order: Iterable[BlockKey], source: Sequence[BlockKey], members: Collection[BlockKey]) -> list[BlockKey]:
    """The order with what else stands in `source`, each behind the neighbour that it has there."""
    result = list(order)
    placed = set(result)
    previous: BlockKey | None = None
    for key in source:
        if key not in members:
            continue
        if key not in placed:
            result.insert(result.index(previous) + 1 if previous in placed else 0, key)
            placed.add(key)
        previous = key
    return result

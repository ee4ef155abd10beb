"""Two courses beside each other: what is missing, extra, moved, in another order, or says something else. Pure.

What was not read is not compared. A field that is unset and one that is explicitly its default are one, unless it is inherited.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from authoring.adoption import same_value
from authoring.decompile import same_content
from authoring.dialects.bodies import same_textbook
from authoring.lockfile import content_field
from authoring.model import COURSE_UPDATE, ROOT_KEY, Block, BlockKey, Course, FieldValue
from authoring.references import REFERENCE_FIELDS, link_names
from authoring.registry import field_spec


class Kind(StrEnum):
    """How something differs."""

    MISSING = "missing"
    """Only ours has it."""
    EXTRA = "extra"
    """Only theirs has it."""
    MOVED = "moved"
    """It stands elsewhere."""
    REORDERED = "reordered"
    """What both have in it stands in another order."""
    FIELD = "field"
    CONTENT = "content"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `name` is the field's; values are those of a field, texts, parents or orders, None where absent."""

    key: BlockKey
    kind: Kind
    name: str = ""
    ours: FieldValue = None
    theirs: FieldValue = None

    def __str__(self) -> str:
        what = f"{self.kind} {self.name}".strip()
        return f"{self.key}: {what}"

    def to_json(self) -> dict[str, object]:
        """`{block, kind, name, ours, theirs}`."""
        return {
            "block": str(self.key),
            "kind": str(self.kind),
            "name": self.name,
            "ours": self.ours,
            "theirs": self.theirs,
        }


Knows = Callable[[BlockKey, str], bool]


def compare(
    ours: Course,
    theirs: Course,
    *,
    knows: Knows = lambda key, name: True,
    closed: frozenset[BlockKey] = frozenset(),
    only: frozenset[BlockKey] | None = None,
    sees: Callable[[BlockKey], bool] = lambda key: True,
) -> tuple[Difference, ...]:
    """How `theirs` differs from `ours`, in the order of ours, then what only theirs has.

    `knows` tells whether a field (`content` for the text) of theirs was read, `closed` are blocks whose children were not;
    `only` restricts what is looked at; `sees` tells of a block without a parent whether theirs would show it.
    """
    return tuple(_Comparison(ours, theirs, knows, closed, only, sees).differences())


class _Comparison:
    def __init__(
        self,
        ours: Course,
        theirs: Course,
        knows: Knows,
        closed: frozenset[BlockKey],
        only: frozenset[BlockKey] | None,
        sees: Callable[[BlockKey], bool],
    ) -> None:
        self.knows = knows
        self.closed = closed
        self.only = only
        self.names = link_names(ours)
        self.ours = _placed(ours, sees)
        self.theirs = _placed(theirs, sees)

    def looked_at(self, key: BlockKey) -> bool:
        return self.only is None or key in self.only

    def differences(self) -> Iterator[Difference]:
        hidden = self._hidden()
        for key, (block, parent) in self.ours.items():
            if not self.looked_at(key):
                continue
            found = self.theirs.get(key)
            if found is None:
                if key not in hidden:
                    yield Difference(key, Kind.MISSING, ours=_title(block))
                continue
            other, place = found
            if parent != place:
                yield Difference(key, Kind.MOVED, ours=_name(parent), theirs=_name(place))
            yield from self._block(block, other)
        for key, (block, parent) in self.theirs.items():
            if key not in self.ours and (self.only is None or parent in self.only):
                yield Difference(key, Kind.EXTRA, theirs=_title(block))

    def _hidden(self) -> frozenset[BlockKey]:
        """What stands, in ours, below a block whose children nobody could read."""
        found: set[BlockKey] = set()
        for key, (_, parent) in self.ours.items():
            if key not in self.theirs and (parent in self.closed or parent in found):
                found.add(key)
        return frozenset(found)

    def _block(self, block: Block, other: Block) -> Iterator[Difference]:
        key = block.key
        body = content_field(key.category)
        for name in sorted({*block.fields, *other.fields} - {body}):
            if key == ROOT_KEY and name == "tabs":
                continue  # the platform keeps this list itself, with a tab for each page
            if self.knows(key, name):
                yield from self._field(key, name, block.fields.get(name), other.fields.get(name))
        if self.knows(key, "content") and not same_content(block, other):
            yield Difference(key, Kind.CONTENT, ours=block.content, theirs=other.content)
        if key not in self.closed:
            theirs = {child.key for child in other.children}
            mine = [child.key for child in block.children if child.key in theirs]
            held = set(mine)
            their_order = [child.key for child in other.children if child.key in held]
            if mine != their_order:
                yield Difference(key, Kind.REORDERED, ours=list(map(str, mine)), theirs=list(map(str, their_order)))

    def _field(self, key: BlockKey, name: str, ours: FieldValue, theirs: FieldValue) -> Iterator[Difference]:
        if key == ROOT_KEY and name == "advanced_modules":
            # The platform's own name for a module may be another; more of them than ours do no harm.
            missing = [module for module in _listed(ours) if "scorm" not in str(module)]
            if all(module in _listed(theirs) for module in missing):
                return
        if name in REFERENCE_FIELDS.get(key.category, ()):
            ours, theirs = self._keys(ours), self._keys(theirs)
        if not same_field(key, name, ours, theirs):
            yield Difference(key, Kind.FIELD, name, ours, theirs)

    def _keys(self, value: FieldValue) -> FieldValue:
        """A field that names blocks, each by its whole key."""
        if isinstance(value, str):
            found = self.names.get(value)
            return str(found) if found is not None else value
        if isinstance(value, Mapping):
            return {name: self._keys(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._keys(item) for item in value]
        return value


def _placed(course: Course, sees: Callable[[BlockKey], bool]) -> dict[BlockKey, tuple[Block, BlockKey | None]]:
    found: dict[BlockKey, tuple[Block, BlockKey | None]] = {}
    for block, parent in course.root.walk_with_parent():
        found.setdefault(block.key, (block, parent.key if parent is not None else None))
    for block in course.detached:
        # A page's text that is empty is one that is not there: the platform keeps no other.
        if sees(block.key) and (block.category in ("static_tab", COURSE_UPDATE) or (block.content or "").strip()):
            found.setdefault(block.key, (block, None))
    return found


def same_field(key: BlockKey, name: str, ours: FieldValue, theirs: FieldValue) -> bool:
    """Whether two values of a field are one: a default and nothing, two spellings of a moment, one text as HTML."""
    if key.category == "openassessment" and name == "prompt":
        ours, theirs = plain_prompt(ours), plain_prompt(theirs)
    if name == "pdf_textbooks" and isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        return len(ours) == len(theirs) and all(map(same_textbook, ours, theirs))
    return _same(key, name, ours, theirs)


def _same(key: BlockKey, name: str, ours: FieldValue, theirs: FieldValue) -> bool:
    described = field_spec(key.category, name)
    if described is not None and (not described.inheritable or key == ROOT_KEY):
        ours = described.default if ours is None else ours
        theirs = described.default if theirs is None else theirs
    if ours in (None, "", [], {}) and theirs in (None, "", [], {}):
        return True
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, int | float) and isinstance(theirs, int | float):
        return ours == theirs
    if isinstance(ours, str) and isinstance(theirs, str) and "<" in ours:
        block = Block(BlockKey("html", "x"))
        return same_content(replace(block, content=ours), replace(block, content=theirs))
    return same_value(ours, theirs)


def plain_prompt(value: FieldValue) -> FieldValue:
    """The prompt of an open response with one prompt, as a text: it may be said either way (ora2: create_prompts_list)."""
    try:
        listed = json.loads(value) if isinstance(value, str) and value.startswith("[") else None
    except ValueError:
        return value
    if isinstance(listed, list) and len(listed) == 1 and isinstance(listed[0], dict):
        return listed[0].get("description", value)
    return value


def _listed(value: FieldValue) -> list[FieldValue]:
    return list(value) if isinstance(value, list | tuple) else []


def _title(block: Block) -> str:
    return block.display_name or block.url_name


def _name(key: BlockKey | None) -> str | None:
    return None if key is None else str(key)

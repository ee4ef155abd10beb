"""Single values of a YAML mapping changed in its text; comments, order and spelling of all others stay. Pure.

    edit_mapping("title: A  # mine\\ndue: 2027-01-01\\n", [Change("title", "A", "B")])   ->  "title: B  # mine\\n…"

Texts are changed by the spans of the nodes that PyYAML composes, from the end to the beginning, so that no span moves
before its turn. What cannot be changed in place (a flow mapping around everything, an anchor) raises `CannotEdit`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from typing import Final, TypeAlias

import yaml

from authoring.decompile.yamltext import dump
from authoring.lockfile import digest
from authoring.model import FieldValue
from authoring.writeback.values import scalar_text


class Missing(Enum):
    """The type of `MISSING`."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
"""No value: the key is not there, or is to be taken away."""

Value: TypeAlias = "FieldValue | Missing"

ValueWriter: TypeAlias = "Callable[[FieldValue, str | None, str | None], str]"
"""`(value, the scalar that stood there, its style) -> text`."""


class Plain(str):
    """A word that is written without quotation marks: a name that is read as it stands."""

    __slots__ = ()


class CannotEdit(Exception):
    """The text cannot be changed in place."""


@dataclass(frozen=True, slots=True)
class Change:
    """One key: the value that its text means now, if that is known, and the one that it shall mean."""

    key: str
    old: Value
    new: Value
    write: ValueWriter = lambda value, old, style: scalar_text(value, old=old, style=style)
    first: bool = False
    """Whether the key stands before all others when it is new."""


def edit_mapping(text: str, changes: Sequence[Change]) -> str:
    """The text with the changes. Raises CannotEdit."""
    if not changes:
        return text
    try:
        node = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise CannotEdit from error
    if node is None or (isinstance(node, yaml.ScalarNode) and node.value == ""):
        return _append(text, 0, "".join(_pair(change, 0) for change in changes if change.new is not MISSING))
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        raise CannotEdit
    return _Editor(text).mapping(node, changes).apply()


def _append(text: str, indent: int, lines: str) -> str:
    body = text if not text or text.endswith("\n") else f"{text}\n"
    return body + lines


def _pair(change: Change, indent: int) -> str:
    """A new `key: value`, with its line end."""
    assert change.new is not MISSING
    key = dump({change.key: ""}).split(": ")[0]
    if isinstance(change.new, list) and change.new and all(isinstance(item, Plain) for item in change.new):
        text = f"{key}:\n" + "".join(f"  - {item}\n" for item in change.new)
    elif isinstance(change.new, Mapping | list | tuple) and change.new:
        text = dump({change.key: change.new})
    else:
        value = change.write(change.new, None, None)
        text = f"{key}: {value}\n" if value else f"{key}:\n"
    return _indented(text, indent)


def _indented(text: str, indent: int) -> str:
    return re.sub(r"^(?=[^\n])", " " * indent, text, flags=re.MULTILINE)


class _Editor:
    def __init__(self, text: str) -> None:
        self.text = text
        self.edits: list[tuple[int, int, str]] = []

    def apply(self) -> str:
        text = self.text
        last = len(text) + 1
        # At one place, what was added to an inner mapping (which is done first) stands before what was added to the outer.
        order = sorted(range(len(self.edits)), key=lambda n: (*self.edits[n][:2], n), reverse=True)
        for start, end, new in (self.edits[n] for n in order):
            if end > last:
                raise CannotEdit
            text, last = text[:start] + new + text[end:], start
        return text

    def mapping(self, node: yaml.MappingNode, changes: Sequence[Change]) -> _Editor:
        pairs = {key.value: (key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        if not pairs:
            raise CannotEdit
        indent = next(iter(pairs.values()))[0].start_mark.column
        added_first, added = "", ""
        left = len(pairs)
        for change in changes:
            found = pairs.get(change.key)
            if found is None:
                if change.new is not MISSING:
                    lines = _pair(change, indent)
                    added_first, added = (added_first + lines, added) if change.first else (added_first, added + lines)
                continue
            if change.new is MISSING:
                self._remove(*found)
                left -= 1
            else:
                self._value(*found, change)
        if left == 0 and not (added or added_first) and indent:
            raise CannotEdit  # an empty mapping cannot be written in block style
        if added_first:
            at = self._line_start(min(key.start_mark.index for key, _ in pairs.values()))
            self.edits.append((at, at, added_first))
        if added:
            at = max(self._line_end(self._end(value, key)) for key, value in pairs.values())
            self.edits.append((at, at, added if self.text[at - 1 : at] == "\n" else f"\n{added}"))
        return self

    def _remove(self, key: yaml.Node, value: yaml.Node) -> None:
        start = self._line_start(key.start_mark.index)
        if self.text[start : key.start_mark.index].strip():  # the first key of a list's item
            raise CannotEdit
        self.edits.append((start, self._line_end(self._end(value, key)), ""))

    def _value(self, key: yaml.Node, value: yaml.Node, change: Change) -> None:
        new, old = change.new, change.old
        assert new is not MISSING
        if value.start_mark.index >= value.end_mark.index or isinstance(value, yaml.ScalarNode):
            scalar = value.value if isinstance(value, yaml.ScalarNode) else None
            style = value.style if isinstance(value, yaml.ScalarNode) else None
            if not isinstance(new, Mapping | list | tuple) or not new:
                text = change.write(new, scalar, style)
                if "\n" not in text and style not in ("|", ">"):
                    self._replace_scalar(key, value, text)
                    return
            self._replace_pair(key, value, change)
            return
        if isinstance(value, yaml.MappingNode) and isinstance(new, Mapping) and new and not value.flow_style:
            known = old if isinstance(old, Mapping) else {}
            self.mapping(value, _inner_changes(value, known, new))
        elif isinstance(value, yaml.SequenceNode) and isinstance(new, list | tuple) and new and not value.flow_style:
            self._sequence(value, old, list(new))
        elif not (isinstance(value, yaml.CollectionNode) and value.flow_style and self._flow(value, old, new)):
            self._replace_pair(key, value, change)

    def _flow(self, value: yaml.CollectionNode, old: Value, new: FieldValue) -> bool:
        """A collection in brackets or braces; false where it is better written anew."""
        if isinstance(value, yaml.SequenceNode) and isinstance(new, list | tuple):
            return self._flow_list(value, old, list(new))
        if not isinstance(value, yaml.MappingNode) or not isinstance(new, Mapping):
            return False
        if self._flow_edit(value, old, new):
            return True
        text = _flow_mapping(new)
        if text is not None:
            self.edits.append((value.start_mark.index, value.end_mark.index, text))
        return text is not None

    def _replace_scalar(self, key: yaml.Node, value: yaml.Node, text: str) -> None:
        start, end = value.start_mark.index, value.end_mark.index
        if self.text[start : start + 1] in ("&", "*"):
            raise CannotEdit
        if start == end:  # nothing stands there: behind the colon
            start = end = self.text.index(":", key.end_mark.index) + 1
            text = f" {text}"
        self.edits.append((start, end, text))

    def _replace_pair(self, key: yaml.Node, value: yaml.Node, change: Change) -> None:
        start, end = key.start_mark.index, self._line_end(self._end(value, key))
        lines = _pair(change, key.start_mark.column).lstrip(" ")
        self.edits.append((start, end, lines if self.text[end - 1 : end] == "\n" else lines.removesuffix("\n")))

    def _flow_edit(self, node: yaml.MappingNode, old: Value, new: Mapping[str, FieldValue]) -> bool:
        """Single values of `{a: 1, b: x}`; false where it is better written anew."""
        changes = _inner_changes(node, old if isinstance(old, Mapping) else {}, new)
        pairs = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        edits: list[tuple[int, int, str]] = []
        added: dict[str, FieldValue] = {}
        for change in changes:
            value = pairs.get(change.key)
            if change.new is MISSING or (value is not None and not isinstance(value, yaml.ScalarNode)):
                return False
            if value is None:
                added[change.key] = change.new
                continue
            text = _flow_scalar(change.new, value)
            if text is None:
                return False
            edits.append((value.start_mark.index, value.end_mark.index, text))
        if added:
            text = _flow_mapping(added)
            if text is None:
                return False
            end = node.end_mark.index - 1
            edits.append((end, end, f"{', ' if pairs else ''}{text[1:-1]}"))
        self.edits += edits
        return True

    def _flow_list(self, node: yaml.SequenceNode, old: Value, new: list[FieldValue]) -> bool:
        """`[a, b]` with other items; false where it is better written anew."""
        if isinstance(old, list | tuple) and len(old) == len(node.value) == len(new):
            before = len(self.edits)
            if all(map(self._flow_item, node.value, old, new)):
                return True
            del self.edits[before:]
        spelled = self._spellings(node, old)
        words = []
        for item in new:
            text: str | None = spelled.get(digest(item)) or (item if isinstance(item, Plain) else None)
            if text is None:
                text = _flow_mapping(item) if isinstance(item, Mapping) else _flow_scalar(item)
            if text is None:
                return False
            words.append(text)
        self.edits.append((node.start_mark.index, node.end_mark.index, f"[{', '.join(words)}]"))
        return True

    def _flow_item(self, node: yaml.Node, old: FieldValue, new: FieldValue) -> bool:
        if digest(old) == digest(new):
            return True
        if isinstance(node, yaml.MappingNode) and isinstance(old, Mapping) and isinstance(new, Mapping):
            return self._flow_edit(node, old, new)
        text = _flow_scalar(new, node) if isinstance(node, yaml.ScalarNode) else None
        if text is not None:
            self.edits.append((node.start_mark.index, node.end_mark.index, text))
        return text is not None

    def _spellings(self, node: yaml.SequenceNode, old: Value) -> dict[str, str]:
        """How the items that stay are written now, by the digest of what they mean."""
        values = list(old) if isinstance(old, list | tuple) and len(old) == len(node.value) else []
        return {
            digest(value): self.text[item.start_mark.index : item.end_mark.index]
            for value, item in zip(values, node.value, strict=False)
            if isinstance(item, yaml.ScalarNode) or item.flow_style
        }

    def _sequence(self, node: yaml.SequenceNode, old: Value, new: list[FieldValue]) -> None:
        if not isinstance(old, list | tuple) or len(old) != len(node.value) or not node.value:
            raise CannotEdit
        spans = self._item_spans(node)
        indent = self._dash(node.value[0]) - self._line_start(self._dash(node.value[0]))
        matcher = SequenceMatcher(None, [_name(item) for item in old], [_name(item) for item in new], autojunk=False)
        moved = {digest(item): self.text[slice(*span)] for item, span in zip(old, spans, strict=True)}
        for tag, i1, i2, j1, j2 in matcher.get_opcodes():
            if tag == "equal" or (tag == "replace" and i2 - i1 == j2 - j1):
                for i, j in zip(range(i1, i2), range(j1, j2), strict=True):
                    if digest(old[i]) != digest(new[j]):
                        self._item(node.value[i], spans[i], old[i], new[j], indent, moved.get(digest(new[j])))
                continue
            lines = "".join(moved.get(digest(item)) or _item_text(item, indent) for item in new[j1:j2])
            start = spans[i1][0] if i1 < len(spans) else spans[-1][1]
            end = spans[i2 - 1][1] if i2 > i1 else start
            if lines and start and self.text[start - 1] != "\n":
                lines = "\n" + lines.removesuffix("\n")
            self.edits.append((start, end, lines))

    def _item(
        self, node: yaml.Node, span: tuple[int, int], old: FieldValue, new: FieldValue, indent: int, moved: str | None
    ) -> None:
        if (
            moved is None
            and isinstance(node, yaml.MappingNode)
            and isinstance(old, Mapping)
            and isinstance(new, Mapping)
            and self._item_mapping(node, old, new)
        ):
            return
        if moved is None and isinstance(node, yaml.ScalarNode) and not isinstance(new, Mapping | list | tuple):
            text = new if isinstance(new, Plain) else scalar_text(new, old=node.value, style=node.style)
            if "\n" not in text and node.style not in ("|", ">"):
                self.edits.append((node.start_mark.index, node.end_mark.index, text))
                return
        lines = moved or _item_text(new, indent)
        self.edits.append((*span, lines if self.text[span[1] - 1] == "\n" else lines.removesuffix("\n")))

    def _item_mapping(
        self, node: yaml.MappingNode, old: Mapping[str, FieldValue], new: Mapping[str, FieldValue]
    ) -> bool:
        """An item changed in place; false where it is better written anew."""
        if node.flow_style:
            return self._flow_edit(node, old, new)
        before = len(self.edits)
        try:
            self.mapping(node, _inner_changes(node, old, new))
        except CannotEdit:
            del self.edits[before:]
            return False
        return True

    def _item_spans(self, node: yaml.SequenceNode) -> list[tuple[int, int]]:
        """The lines of each item, from its dash; a comment between two belongs to the one below."""
        spans = []
        for item in node.value:
            start = self._line_start(self._dash(item))
            if self.text[start : self._dash(item)].strip():
                raise CannotEdit
            spans.append((start, self._line_end(self._end(item, item))))
        return spans

    def _dash(self, item: yaml.Node) -> int:
        at = self.text.rfind("-", 0, item.start_mark.index)
        if at < 0 or self.text[at + 1 : item.start_mark.index].strip():
            raise CannotEdit
        return at

    def _line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        if at and self.text[at - 1] == "\n":
            return at
        end = self.text.find("\n", at)
        return len(self.text) if end < 0 else end + 1

    def _end(self, node: yaml.Node, key: yaml.Node) -> int:
        """Where the text of a value ends: its node may reach over comments to the next key."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._end(last[1], last[0]) if isinstance(last, tuple) else self._end(last, last)
        if node.start_mark.index == node.end_mark.index:
            return max(key.end_mark.index, self._after_colon(key, node))
        end: int = node.end_mark.index
        if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
            kept = self.text[:end].rstrip()
            return min(end, len(kept) + 1)
        return end

    def _after_colon(self, key: yaml.Node, node: yaml.Node) -> int:
        found = self.text.find(":", key.end_mark.index) if key is not node else -1
        return found + 1 if found >= 0 else key.end_mark.index


_NAMES = ("type", "name", "uid", "id", "key", "label", "title")


def _name(item: FieldValue) -> str:
    """What tells an item of a list from its neighbours: a name, if it has one, else all of it."""
    if isinstance(item, Mapping):
        for name in _NAMES:
            if name in item:
                return f"{name} {digest(item[name])}"
    if isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], str):
        return f"pair {item[0]}"
    return digest(item)


def _flow_scalar(value: FieldValue, node: yaml.ScalarNode | None = None) -> str | None:
    """A value inside braces; None when it needs more than a word."""
    if isinstance(value, Plain):
        return value
    if isinstance(value, Mapping | list | tuple):
        return None
    text = scalar_text(value, old=node.value if node else None, style=node.style if node else None)
    plain = text[:1] not in ("'", '"')
    return None if not text or "\n" in text or (plain and re.search(r"[,\[\]{}]|: ", text)) else text


def _flow_mapping(value: Mapping[str, FieldValue]) -> str | None:
    """`{a: 1, b: x}`; None when a value needs more than a word."""
    words = []
    for key, item in value.items():
        text = "" if isinstance(item, Mapping | list | tuple) else scalar_text(item)
        if not text or "\n" in text or (text[0] not in "\"'" and re.search(r"[,\[\]{}]|: ", text)):
            return None
        words.append(f"{dump({key: ''}).split(': ')[0]}: {text}")
    return "{" + ", ".join(words) + "}"


def _inner_changes(
    node: yaml.MappingNode, old: Mapping[str, FieldValue], new: Mapping[str, FieldValue]
) -> list[Change]:
    """The changes of a mapping within; a key whose value is not known keeps its text if its value is not asked for."""
    written = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    changes = [Change(key, old.get(key, MISSING), MISSING) for key in written if key not in new and key in old]
    for key, value in new.items():
        if key not in old or digest(old[key]) != digest(value):
            changes.append(Change(key, old.get(key, MISSING), value))
    return changes


def _item_text(item: FieldValue, indent: int) -> str:
    if isinstance(item, Plain):
        return f"{' ' * indent}- {item}\n"
    lines = dump({"k": [item]}).split("\n")[1:]
    return _indented("\n".join(line[2:] for line in lines), indent)

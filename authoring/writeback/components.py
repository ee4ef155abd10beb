"""One component's text with the changes that it shall have: the value, the paragraph, the directive, whatever is least.

In: the piece as it is written, the block that it is now and the block that it shall be; out: the new piece. Nothing is
proven here: :mod:`authoring.writeback.folder` compiles the result and asks again for a plainer form. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from pathlib import PurePosixPath
from xml.sax.saxutils import quoteattr

from authoring.decompile.components import Fixes, Lines, Way, Writer, olx_text, ways_of
from authoring.diagnostics import Diagnostics
from authoring.lockfile import other_forms
from authoring.markup.problem import decompile_problem
from authoring.model import Asset, Block, BlockKey, FieldValue
from authoring.olx.writer import element_of
from authoring.registry import FieldType, field_aliases, fields_of, spec
from authoring.source.components import choice_key
from authoring.source.directives import split_options
from authoring.source.fields import KEPT_KEY
from authoring.writeback.pieces import Fence, Piece, head_of
from authoring.writeback.prose import Surroundings, merge_markdown
from authoring.writeback.texts import merge3
from authoring.writeback.values import scalar_text
from authoring.writeback.yamledit import MISSING, CannotEdit, Change, Value, ValueWriter, edit_mapping
from authoring.yamlnodes import INVALID, Entry, parse_mapping, plain_value

KEYS = {"display_name": "title", "youtube_id_1_0": "youtube", "html5_sources": "sources"}
"""How people call a field that has no key yet."""

_SHAPED = {"pdf": {"url": "file"}}
"""Keys that a category's shaper reads for a field (:mod:`authoring.source.components`)."""

_PATHS = {
    "video": ("html5_sources", "handout", "thumbnail", "transcripts"),
    "pdf": ("url",),
    "poll": ("answers",),
    "survey": ("answers", "questions"),
    "drag-and-drop-v2": ("data",),
    "course": ("course_image", "banner_image", "video_thumbnail_image"),
}
"""Fields in which a file may be named by its path."""


@dataclass(slots=True)
class State:
    """What compiling has taught so far about one block."""

    names: set[str] = field(default_factory=set)
    """Fields whose text must change."""
    forced: set[str] = field(default_factory=set)
    """Fields that no plain key says."""
    unset: set[str] = field(default_factory=set)
    """Fields that the folder fills in and that shall not be there."""
    extra: bool = False
    content: bool = False
    way: int = 0
    """0: edited; n: written anew in the n-th way of its category."""
    named: bool = False
    """Whether its id must be written."""

    def fixes(self) -> Fixes:
        return Fixes(frozenset(self.unset), frozenset(self.forced))


@dataclass(frozen=True, slots=True)
class Place:
    """The file that a piece stands in: what its links mean and how they are written."""

    path: PurePosixPath
    around: Surroundings
    timezone: tzinfo
    asset_path: Callable[[str], str | None]
    """The platform's name of a file -> the path by which this file names it."""


def edit_entries(text: str, ours: Block | None, wanted: Block, state: State, place: Place) -> str:
    """A block's settings as YAML with what is to change changed. Raises CannotEdit."""
    entries = parse_mapping(text, place.path, 1, Diagnostics())
    if entries is None:
        raise CannotEdit
    changes = list(_changes(entries, ours, wanted, state, place))
    return edit_mapping(text, changes)


def _changes(
    entries: Mapping[str, Entry], ours: Block | None, wanted: Block, state: State, place: Place
) -> Iterator[Change]:
    category = wanted.category
    specs = fields_of(category)
    names = dict(field_aliases(category))
    names |= {key: name for name, key in _SHAPED.get(category, {}).items()}
    written: dict[str, str] = {}
    for key in entries:
        written[names.get(key, key)] = key
    kept: dict[str, Value] = {}
    unset: set[str] = set(state.unset)
    names_now = {name for name in state.names if not follows_body(wanted, name) or name in state.forced}
    fresh = [*(name for name in specs if name in names_now), *sorted(names_now - specs.keys())]
    for name in fresh:
        known = specs.get(name)
        new: Value = wanted.fields.get(name, MISSING)
        old: Value = ours.fields.get(name, MISSING) if ours is not None else MISSING
        plain = known is not None and known.authored and name not in state.forced
        if new is None and known is not None and known.type.value in ("string", "xml"):
            plain = False
        if new is not MISSING and not plain:
            kept[name] = new
            if name in written:
                yield Change(written[name], old, MISSING)
            continue
        kept[name] = MISSING
        key = written.get(name, KEYS.get(name, name))
        if new is MISSING:
            if name in written:
                yield Change(key, old, MISSING)
            continue
        unset.discard(name)
        paths = name in _PATHS.get(category, ())
        yield Change(
            key,
            _with_paths(old, name, place) if paths else old,
            _with_paths(new, name, place) if paths else new,
            _writer(name, known.type if known is not None else None, place.timezone),
            first=name == "display_name",
        )
    yield from _kept_changes(entries.get(KEPT_KEY), ours, wanted, state, kept, unset)


def follows_body(block: Block, name: str) -> bool:
    """Whether a field is made of the text of a directive: Studio's Markdown of a problem."""
    return name in other_forms(block.category) and name in block.fields


def _writer(name: str, kind: FieldType | None, timezone: tzinfo) -> ValueWriter:
    def write(value: FieldValue, was: str | None, style: str | None) -> str:
        return scalar_text(value, name=name, kind=kind, timezone=timezone, old=was, style=style)

    return write


def _kept_changes(
    entry: Entry | None, ours: Block | None, wanted: Block, state: State, fields: Mapping[str, Value], unset: set[str]
) -> Iterator[Change]:
    """The change of `olx:`, if there is one."""
    old = plain_value(entry, Diagnostics()) if entry is not None else {}
    if old is INVALID or not isinstance(old, Mapping):
        raise CannotEdit
    new: dict[str, FieldValue] = dict(old)
    inner = new.get("fields")
    values: dict[str, FieldValue] = dict(inner) if isinstance(inner, Mapping) else {}
    for name, value in fields.items():
        if value is MISSING:
            values.pop(name, None)
        else:
            values[name] = value
    before = new.get("unset")
    names = [name for name in before if name not in wanted.fields] if isinstance(before, list) else []
    names += sorted(unset - wanted.fields.keys() - set(map(str, names)))
    parts: dict[str, FieldValue] = {"fields": values, "unset": names}
    if state.extra or (ours is not None and ours.extra != wanted.extra):
        parts["attributes"] = dict(wanted.extra.attributes)
        parts["elements"] = list(wanted.extra.elements)
    for key, part in parts.items():
        if part:
            new[key] = part
        else:
            new.pop(key, None)
    if new != old:
        yield Change(KEPT_KEY, old if entry is not None else MISSING, new or MISSING)


def _with_paths(value: Value, name: str, place: Place) -> Value:
    """A value with the platform's names of files as paths."""
    if name == "transcripts" and isinstance(value, Mapping):
        return {key: (place.asset_path(item) or item) if isinstance(item, str) else item for key, item in value.items()}
    if name in ("answers", "questions") and isinstance(value, list | tuple):
        return [_choice(item, number, place) for number, item in enumerate(value, start=1)]
    if isinstance(value, str):
        if name.endswith("_image"):
            return place.asset_path(value) or value
        return place.around.back(value) if value.startswith("/static/") else value
    if isinstance(value, Mapping):
        return {key: _plain(_with_paths(item, key, place)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(_with_paths(item, name, place)) for item in value]
    return value


def _choice(item: FieldValue, number: int, place: Place) -> FieldValue:
    """A choice of a poll as an author writes it: its text, or a mapping of what the text does not say."""
    if not isinstance(item, list | tuple) or len(item) != 2 or not isinstance(item[0], str):
        return item
    key, said = item
    parts = dict(said) if isinstance(said, Mapping) else {"label": said}
    label, image, alt = (parts.get(name) or "" for name in ("label", "img", "img_alt"))
    if not isinstance(label, str) or not isinstance(image, str) or parts.keys() - {"label", "img", "img_alt"}:
        return item
    same_key = key == choice_key(label, number)
    if same_key and not image and not alt:
        return label
    image = place.around.back(image)
    texts = {"key": "" if same_key else key, "label": label, "image": image, "alt": alt}
    return {name: text for name, text in texts.items() if text}


def _plain(value: Value) -> FieldValue:
    assert value is not MISSING
    return value


def edit_piece(piece: Piece, ours: Block, wanted: Block, state: State, place: Place) -> Piece | None:
    """The piece with its changes in place; None when it must be written anew. What a container holds is left alone."""
    if piece.olx:
        return _edit_olx(piece, ours, wanted)
    if piece.fence is None:
        body = _markdown(piece.text, wanted, place) if state.content else piece.text
        if body is None:
            return None
        if not (state.names or state.forced or state.unset or state.extra or state.named):
            return replace(piece, text=body)
        fence = Fence(":::html\n", "", "", f"{body}\n", ":::")
        return _with_fence(piece, fence, None, wanted, state, place)
    fence = piece.fence
    if state.content and piece.inner is None:
        edited = _body(fence, ours, wanted, place)
        if edited is None:
            return None
        fence = replace(fence, body=edited, rule=fence.rule or ("---\n" if fence.options else ""))
    return _with_fence(piece, fence, ours, wanted, state, place)


def _with_fence(
    piece: Piece, fence: Fence, ours: Block | None, wanted: Block, state: State, place: Place
) -> Piece | None:
    try:
        options = edit_entries(fence.options, ours, wanted, state, place)
    except CannotEdit:
        return None
    options = _key_first(options if options.endswith("\n") or not options else f"{options}\n")
    rule = fence.rule
    if fence.body.strip() and not rule.strip():
        rule = f"{rule}---\n" if options or split_options(fence.body)[1] != fence.body else rule
    elif options.strip() and not fence.options and rule.strip() == "" and not fence.body.strip():
        rule = ""
    if state.named:
        fence = head_of(fence, wanted.url_name)
    fence = replace(fence, options=options, rule=rule).with_colons(fence.body)
    return replace(piece, text=fence.text().rstrip("\n"), fence=fence)


def _key_first(options: str) -> str:
    """Options that begin with a key, by which they are known as options; comments at their head go behind it."""
    lines = options.splitlines(keepends=True)
    head = next((n for n, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), None)
    if head is None:
        return ""
    end = next((n for n in range(head + 1, len(lines)) if not lines[n].startswith((" ", "\t", "-"))), len(lines))
    return "".join((*lines[head:end], *lines[:head], *lines[end:]))


def _markdown(text: str, wanted: Block, place: Place) -> str | None:
    return merge_markdown(text, wanted.content or "", place.around)


def _body(fence: Fence, ours: Block, wanted: Block, place: Place) -> str | None:
    """A directive's body with another content."""
    back = place.around.unlinked
    old, new = back(ours.content or ""), back(wanted.content or "")
    if wanted.category == "html":
        if "markup" not in (parse_mapping(fence.options, place.path, 1, Diagnostics()) or {}):
            text = _markdown(fence.body, wanted, place)
            return _ending(text)
    elif wanted.category == "problem":
        return _ending(_problem(fence.body, ours, wanted, place))
    known = spec(wanted.category)
    if known is None or (known.content is None and wanted.category != "html"):
        return None
    return _ending(next(iter(merge3(old.strip("\n") + "\n", fence.body, new.strip("\n") + "\n")), new))


def _ending(text: str | None) -> str | None:
    return None if text is None else text.rstrip("\n") + "\n" if text.strip() else ""


def _problem(body: str, ours: Block, wanted: Block, place: Place) -> str | None:
    """A problem's Markdown: what Studio holds of it, where it holds any; else what its OLX says."""
    back = place.around.unlinked
    pairs: list[tuple[str | None, str | None]] = []
    old, new = ours.fields.get("markdown"), wanted.fields.get("markdown")
    if isinstance(new, str) and new.strip():
        pairs.append((back(old) if isinstance(old, str) else None, back(new)))
    elif "markdown" not in ours.fields or wanted.content != ours.content:
        pairs.append((decompile_problem(back(ours.content or "")), decompile_problem(back(wanted.content or ""))))
    for base, theirs in pairs:
        if theirs is None:
            continue
        merged = merge3(base.strip("\n"), body.strip("\n"), theirs.strip("\n")) if base is not None else []
        return (merged or [theirs])[0]
    return None


def _edit_olx(piece: Piece, ours: Block, wanted: Block) -> Piece | None:
    assert piece.fence is not None
    fence = piece.fence
    inside = fence.options + fence.rule + fence.body
    new = merge_olx(inside, ours, wanted)
    if new is None:
        return None
    edited = replace(fence, options="", rule="", body=new).with_colons(new)
    return replace(piece, text=edited.text().rstrip("\n"), fence=edited)


def merge_olx(text: str, ours: Block, wanted: Block) -> str | None:
    """OLX as it is written with the change of its block; None where the change meets what is written otherwise."""
    new = {part.key: part for part in wanted.walk()}
    base = ours.transform(lambda part: replace(part, fields=new[part.key].fields) if part.key in new else part)
    for part in ours.walk():
        if part.key in new and part.fields != new[part.key].fields:
            edited = _edit_attributes(text, part, replace(part, fields=new[part.key].fields))
            if edited is None:
                base = ours
                break
            text = edited
    merged = merge3(olx_text(base), text, olx_text(wanted))
    return f"{merged[0].strip()}\n" if merged else None


def _edit_attributes(text: str, old: Block, new: Block) -> str | None:
    """OLX with the attributes of one element changed; None where its tag cannot be made out."""
    elements = element_of(old), element_of(new)
    before, after = ({str(key): str(text) for key, text in element.attrib.items()} for element in elements)
    name = re.escape(old.url_name)
    tags = list(re.finditer(rf"<{re.escape(old.category)}\b[^<>]*?\burl_name=[\"']{name}[\"'][^<>]*?(?=/?>)", text))
    if len(tags) != 1:
        return None
    tag = tags[0][0]
    for key in before.keys() | after.keys():
        was, now = before.get(key), after.get(key)
        if was == now:
            continue
        found = re.search(rf"\s{re.escape(key)}=(\"[^\"]*\"|'[^']*')", tag)
        spelled = f" {key}={quoteattr(now)}" if now is not None else ""
        if found is not None:
            tag = tag[: found.start()] + spelled + tag[found.end() :]
        else:
            tag = tag.rstrip() + spelled
    return text[: tags[0].start()] + tag + text[tags[0].end() :]


def rendered(
    block: Block,
    path: PurePosixPath,
    states: Mapping[BlockKey, State],
    back: Callable[[str], str],
    package: Callable[[Asset], str],
) -> Piece:
    """A component, and all that it holds, written anew: as the decompiler writes it."""

    def way(part: Block) -> Way:
        known = ways_of(part)
        state = states.get(part.key)
        return known[min(max(state.way - 1, 0) if state is not None else 0, len(known) - 1)]

    def fixes(part: Block) -> Fixes:
        state = states.get(part.key)
        return state.fixes() if state is not None else Fixes()

    lines = Lines()

    def plain(part: Block) -> Block:
        # Every text of a folder is for the raw editor: nobody needs to say so.
        implied = part.category == "html" and part.fields.get("editor") == "raw" and "editor" not in fixes(part).forced
        if implied and way(part) not in (Way.OLX, Way.FILE):
            part = replace(part, fields={name: value for name, value in part.fields.items() if name != "editor"})
        return explicit(part)

    Writer(back, package, way, fixes, {}).add(lines, block.transform(plain))
    return Piece(lines.text().strip("\n"), block.key, path, Fence(":::\n", "", "", "", ":::"))


def explicit(block: Block) -> Block:
    """The block as one whose id is written."""
    return replace(block, implicit_id=False) if block.implicit_id else block

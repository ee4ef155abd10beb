"""Directives to blocks: the conveniences of single categories, as a table of shapers.

A shaper gets what the author wrote for one component and adds to its fields what the registry's names do
not cover: a path instead of an address, a plain list instead of the platform's own pairs. Categories
without a shaper need none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeAlias

from authoring.diagnostics import Diagnostics, Severity, define
from authoring.markup.links import Linker
from authoring.model import Asset, FieldValue, ProblemTest, SourceLocation
from authoring.olx.forms import whole_steps
from authoring.registry import categories
from authoring.source.coursefile import MISSING_KEY
from authoring.source.files import SourceFile, SourceTree
from authoring.source.problem_tests import read_tests
from authoring.yamlnodes import BAD_VALUE, INVALID, Entry, items_of, mapping_of, plain_value, text_value

MISSING_FILE = define(
    "missing-file",
    Severity.ERROR,
    "A file that a component needs is not there.",
    "correct the path; it is relative to the file it is written in",
)

PACKAGE_TYPE = "application/zip"


@dataclass(slots=True)
class Draft:
    """A component in the making: its options, the fields read so far, and what a shaper may ask for."""

    entries: Mapping[str, Entry]
    fields: dict[str, FieldValue]
    where: SourceLocation
    link: Linker
    tree: SourceTree
    diagnostics: Diagnostics
    used: set[str]
    """Paths of files that the component makes use of."""
    package: Asset | None = field(default=None)
    tests: tuple[ProblemTest, ...] = ()

    def text(self, key: str) -> str | None:
        """The text of an option; None when it is missing or no text."""
        entry = self.entries.get(key)
        return text_value(entry, self.diagnostics) if entry is not None else None

    def line(self, key: str) -> int | None:
        return self.entries[key].where.line


Shaper: TypeAlias = Callable[[Draft], None]


@dataclass(frozen=True, slots=True)
class Shape:
    """How one category departs from its registry fields: the options that `shape` reads itself, and
    `shape`."""

    own_keys: tuple[str, ...]
    shape: Shaper


_YOUTUBE = re.compile(
    r"(?:https?://)?(?:www\.|m\.)?"
    r"(?:youtu\.be/|youtube(?:-nocookie)?\.com/(?:watch\?(?:[^#\s]*&)?v=|embed/|shorts/|live/))([\w-]{6,20})(?:[?&#].*)?"
)
_YOUTUBE_ID = re.compile(r"[\w-]{6,20}")


def _video(draft: Draft) -> None:
    """Without a video of its own the platform shows its sample: an empty id is set instead."""
    fields = draft.fields
    youtube = fields.get("youtube_id_1_0")
    if not youtube:
        fields["youtube_id_1_0"] = ""
    elif isinstance(youtube, str):
        address = _YOUTUBE.fullmatch(youtube.strip())
        key = "youtube" if "youtube" in draft.entries else "youtube_id_1_0"
        if address is not None:
            fields["youtube_id_1_0"] = address[1]
        elif not _YOUTUBE_ID.fullmatch(youtube.strip()):
            hint = "write the id: what follows `v=` in the video's address"
            where = draft.entries[key].where
            draft.diagnostics.report(BAD_VALUE, f"{key!r} cannot be {youtube[:60]!r}", where, hint)
    for name in ("html5_sources", "handout", "thumbnail"):
        _link_field(draft, name)
    _transcripts(draft)


def _link_field(draft: Draft, name: str) -> None:
    """Paths in a field, or in a list of them, to `/static/NAME`."""
    value = draft.fields.get(name)
    key = next((key for key in draft.entries if key == name or (name, key) == ("html5_sources", "sources")), None)
    line = draft.line(key) if key else draft.where.line
    if isinstance(value, str) and value:
        draft.fields[name] = draft.link(value, line)
    elif isinstance(value, list):
        draft.fields[name] = [draft.link(item, line) if isinstance(item, str) else item for item in value]


def _transcripts(draft: Draft) -> None:
    entry = draft.entries.get("transcripts")
    found = mapping_of(entry, draft.diagnostics) if entry is not None else None
    if found is None:
        return
    transcripts: dict[str, FieldValue] = {}
    for language, item in found.items():
        path = text_value(item, draft.diagnostics)
        if path is None:
            continue
        if "/" not in path and path in draft.link.index.asset_names:
            transcripts[language] = path  # already the platform's name
            continue
        name = draft.link.asset(path, item.where.line)
        if name is not None:
            transcripts[language] = name
    draft.fields["transcripts"] = transcripts


def _pdf(draft: Draft) -> None:
    path = draft.text("file")
    if path is not None:
        if "url" in draft.fields:
            where = draft.entries["file"].where
            draft.diagnostics.report(BAD_VALUE, "'file' and 'url' are one field; keep one", where)
        draft.fields["url"] = draft.link(path, draft.line("file"))
    elif "url" in draft.fields:
        _link_field(draft, "url")
    else:
        draft.diagnostics.report(MISSING_KEY, "a PDF needs `file` or `url`", draft.where)


def _package(draft: Draft) -> None:
    path = draft.text("file")
    if path is None:
        if "file" not in draft.entries:
            hint = "add `file: PATH`, the package's zip; or put the zip into the subsection's folder as a unit"
            draft.diagnostics.report(MISSING_KEY, "a package needs `file`", draft.where, hint)
        return
    where = draft.entries["file"].where
    target = draft.link.locate(path, where.line)
    if target is None:
        return
    file = draft.tree.files.get(target)
    if file is None:
        draft.diagnostics.report(MISSING_FILE, f"there is no file {path!r}", where)
    elif file.path.suffix.lower() != ".zip" or file.digest is None:
        draft.diagnostics.report(BAD_VALUE, f"{path!r} is not a zip file", where, "export the package as .zip")
    else:
        draft.used.add(target)
        draft.package = package_asset(file, where)


def package_asset(file: SourceFile, where: SourceLocation) -> Asset:
    """The package that a block's handler takes, under the name of its file."""
    return Asset(
        name=file.path.name,
        path=file.path,
        digest=file.digest or "",
        size=file.size,
        content_type=PACKAGE_TYPE,
        file=file.file,
        source=where,
    )


def _poll(draft: Draft) -> None:
    """`answers` as the platform keeps them: `[key, {label, img, img_alt}]` (xblock-poll: poll/poll.py)."""
    _choices(draft, "answers", pictures=True)


def _survey(draft: Draft) -> None:
    """`answers` as `[key, label]`, `questions` as `[key, {label, img, img_alt}]`."""
    _choices(draft, "answers", pictures=False)
    _choices(draft, "questions", pictures=True)


def _choices(draft: Draft, name: str, *, pictures: bool) -> None:
    entry = draft.entries.get(name)
    items = items_of(entry, draft.diagnostics) if entry is not None else None
    if items is None:
        return
    choices: list[FieldValue] = []
    keys: set[str] = set()
    for number, item in enumerate(items, start=1):
        choice = _choice(draft, item, number, pictures=pictures)
        if choice is None:
            continue
        key, label, image, alt = choice
        if key in keys:
            message = f"{name!r} has the key {key!r} twice"
            hint = "learners' votes are kept by key: give each a `key` of its own"
            draft.diagnostics.report(BAD_VALUE, message, item.where, hint)
            continue
        keys.add(key)
        choices.append([key, {"label": label, "img": image, "img_alt": alt}] if pictures else [key, label])
    draft.fields[name] = choices


def _choice(draft: Draft, item: Entry, number: int, *, pictures: bool) -> tuple[str, str, str, str] | None:
    """`(key, label, image, alt)` of a plain text, a mapping, or the platform's own pair."""
    if item.scalar is not None:
        return choice_key(item.scalar, number), item.scalar, "", ""
    value = plain_value(item, draft.diagnostics)
    if value is INVALID:
        return None
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        inner = value[1] if isinstance(value[1], dict) else {"label": value[1]}
        value = {
            "key": value[0],
            "label": inner.get("label"),
            "image": inner.get("img"),
            "alt": inner.get("img_alt"),
        }
    if isinstance(value, dict):
        known = {"key", "label", "image", "alt"} if pictures else {"key", "label"}
        texts = {key: "" if text is None else str(text) for key, text in value.items()}
        unknown = [key for key, text in texts.items() if key not in known and text]
        if not unknown and texts.get("label"):
            image = texts.get("image", "")
            if image:
                image = draft.link(image, item.where.line, image=True)
            key = texts.get("key") or choice_key(texts["label"], number)
            return key, texts["label"], image, texts.get("alt", "")
    words = "label, key, image, alt" if pictures else "label, key"
    draft.diagnostics.report(
        BAD_VALUE, f"{item.key!r}: not a choice", item.where, f"write its text, or a mapping with {words}"
    )
    return None


def choice_key(label: str, number: int) -> str:
    """A key that follows from the label, so that votes survive a change of order."""
    return re.sub(r"\W+", "-", label.casefold()).strip("-")[:40] or str(number)


_SPOKEN = frozenset(("uid", "title", "description", "displayName", "imageDescription"))
"""Texts of a zone or an item; the block's page breaks on a number (xblock-drag-and-drop-v2: utils.py, sanitize_html)."""


def _drag_and_drop(draft: Draft) -> None:
    """Pictures in `data` by path; what the platform keeps is `/static/NAME` (xblock-drag-and-drop-v2)."""
    data, entry = draft.fields.get("data"), draft.entries.get("data")
    if not isinstance(data, Mapping) or entry is None:
        return
    entries = mapping_of(entry, Diagnostics()) or {}  # what is wrong with the YAML is reported already
    changed = dict(data)
    picture = data.get("targetImg")
    if isinstance(picture, str):
        changed["targetImg"] = draft.link(picture, entries["targetImg"].where.line, image=True)
    for name in ("zones", "items"):
        rows = data.get(name)
        if isinstance(rows, list):
            places = items_of(entries[name], Diagnostics()) or ()
            changed[name] = [_drag_row(draft, row, place) for row, place in zip(rows, places, strict=True)]
    draft.fields["data"] = changed


def _drag_row(draft: Draft, row: FieldValue, place: Entry) -> FieldValue:
    """A zone or an item with its texts as they are written and its picture as the platform finds it."""
    if not isinstance(row, Mapping):
        return row
    changed = dict(row)
    for key, entry in (mapping_of(place, Diagnostics()) or {}).items():
        text = entry.scalar
        if key == "imageURL" and text:
            changed[key] = draft.link(text, entry.where.line, image=True)
        elif key in _SPOKEN and text is not None and row[key] is not None:
            changed[key] = text
        elif key == "zones" and isinstance(row[key], list):
            zones = items_of(entry, Diagnostics()) or ()
            changed[key] = [zone.scalar for zone in zones if zone.scalar is not None]
    return changed


_RUBRIC_TEXTS = frozenset(("name", "label", "prompt", "explanation"))


def _open_response(draft: Draft) -> None:
    """The rubric's order, which the platform wants as numbers, follows from the order in which it is written
    (ora2: openassessment/assessment/serializers/base.py). Steps are as an element of OLX says them."""
    criteria, entry = draft.fields.get("rubric_criteria"), draft.entries.get("rubric_criteria")
    if isinstance(criteria, list) and entry is not None:
        draft.fields["rubric_criteria"] = _rubric_rows(criteria, entry)
    if "rubric_assessments" in draft.fields:
        draft.fields["rubric_assessments"] = whole_steps(draft.fields["rubric_assessments"])


def _rubric_rows(rows: FieldValue, entry: Entry) -> FieldValue:
    places = items_of(entry, Diagnostics()) or ()  # what is wrong with the YAML is reported already
    if not isinstance(rows, list):
        return rows
    changed: list[FieldValue] = []
    for number, (row, place) in enumerate(zip(rows, places, strict=True)):
        if not isinstance(row, Mapping):
            changed.append(row)
            continue
        values = {"order_num": number, **row}
        for key, part in (mapping_of(place, Diagnostics()) or {}).items():
            if key in _RUBRIC_TEXTS and part.scalar is not None and row[key] is not None:
                values[key] = part.scalar
            elif key == "options":
                values[key] = _rubric_rows(row[key], part)
        changed.append(values)
    return changed


def _problem(draft: Draft) -> None:
    entry = draft.entries.get("tests")
    if entry is not None:
        draft.tests = read_tests(entry, draft.diagnostics)


SHAPES: Mapping[str, Shape] = {
    "problem": Shape(("tests",), _problem),
    "video": Shape(("transcripts",), _video),
    "pdf": Shape(("file",), _pdf),
    "poll": Shape(("answers",), _poll),
    "survey": Shape(("answers", "questions"), _survey),
    "drag-and-drop-v2": Shape((), _drag_and_drop),
    "openassessment": Shape((), _open_response),
    **{name: Shape(("file",), _package) for name, spec in categories().items() if spec.package},
}
"""Category -> how it is shaped."""


def read_relative(tree: SourceTree, folder: PurePosixPath, path: str) -> str | None:
    """The path in the tree of a file named relative to `folder`; None when there is none."""
    parts: list[str] = [part for part in folder.parts if part != "."]
    for part in PurePosixPath(path).parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in (".", "/"):
            parts.append(part)
    target = "/".join(parts)
    return target if target in tree.files else None

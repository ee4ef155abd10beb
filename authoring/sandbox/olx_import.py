"""The platform's importer: an unpacked OLX course becomes the blocks, files and policies of a course of the sandbox.

Comes in: the folder of a `course.xml`, a store, the key of a course that is there. Goes out: the changed store and
`Imported`. Everything of the main tree ends published; files under `drafts/` go to the draft branch. Ids are kept, the root
is `course`; what the archive does not have drops out of its parents. Sources: Open edX: xmodule/modulestore/{xml,
xml_importer}.py, xmodule/modulestore/split_mongo/split_draft.py (`import_xblock`); docs/sandbox.md.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lxml import etree

from authoring.registry import fields_of
from authoring.sandbox.addresses import block_id_of, clean_asset, course_parts, root_of
from authoring.sandbox.olx_archive import ImportFailure
from authoring.sandbox.olx_definitions import KEY_PARTS, Place, read_definition
from authoring.sandbox.olx_values import BadBlock, Homes, clean
from authoring.sandbox.rules import DEFAULT_TABS, save
from authoring.sandbox.store import DRAFT, PUBLISHED, Node, Store
from authoring.sandbox.values import BODY, is_detached

_UNIQUE = frozenset(
    ["problem", "sequential", "video", "course", "chapter", "videosequence", "poll_question", "vertical"]
)
"""Tags of which no two blocks have one name: the later one is renamed, and then a pointer finds no file."""
_DETACHED = {"about": "about", "info": "course_info", "tabs": "static_tab", "custom_tags": "custom_tag_template"}
_IGNORED = re.compile(r"(^\._.*$)|(^\.DS_Store$)|(^.*~$)")
_MIME_TYPES = frozenset(mimetypes.types_map.values())


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of an archive: how many blocks and files came in, and what was passed over, with the reason."""

    blocks: int
    drafts: int
    files: int
    skipped: tuple[str, ...]


def import_course(store: Store, target: str, folder: Path, *, reformats: bool = False) -> Imported:
    """Import the course of a folder that holds `course.xml` into the course `target`; `reformats` as the profile's switch
    `olx_reformats` has it. Raises ImportFailure; the caller takes back what was written until then."""
    reading = _open(folder.resolve(), target, reformats)
    try:
        root = reading.root()
        detached = reading.detached()
    except BadBlock as error:
        raise ImportFailure(3, f"Failed to import the course block: {error}") from error
    main = {node.usage: node for node in (*reading.nodes.values(), *detached)}
    tabs = root.fields.get("tabs")
    if not tabs:
        root.fields["tabs"] = [{"type": kind, "name": kind.capitalize()} for kind in DEFAULT_TABS]
    _write(store, target, main)
    _write_course(store, target, reading, root, detached)
    drafts = _import_drafts(store, target, reading)
    files = _import_files(store, target, reading)
    return Imported(len(main), drafts, files, tuple(reading.skipped))


# -- reading ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reading:
    place: Place
    top: etree._Element
    nodes: dict[str, Node] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    skipped: list[str] = field(default_factory=list)

    def root(self) -> Node:
        """The course block, with all that it leads to in `nodes`. Raises BadBlock."""
        return self.block(self.top, None)

    def block(self, element: etree._Element, parent: str | None, name: str | None = None) -> Node:
        """A block and those below it. Raises BadBlock, and then none of them is there."""
        count = len(self.nodes)
        try:
            return self._block(element, parent, name)
        except BadBlock:
            while len(self.nodes) > count:
                self.nodes.popitem()
            raise

    def _block(self, element: etree._Element, parent: str | None, name: str | None) -> Node:
        category = str(element.tag)
        block_id = name or self.name_of(element)
        if not KEY_PARTS.fullmatch(block_id) or not KEY_PARTS.fullmatch(category):
            raise BadBlock("invalid characters in the key")
        if category == "course" and parent is not None:
            raise BadBlock("a course in a course")
        definition = read_definition(self.place, element, block_id)
        node = Node(self.place.homes.usage(category, block_id), category, parent, definition.fields)
        body = node.fields.get(BODY)
        if isinstance(body, str):
            node.fields[BODY] = self.place.homes.links(body)
        self.nodes[node.usage] = node
        for child in definition.children:
            try:
                found = self.block(child, node.usage)
            except BadBlock as error:
                if not definition.lenient:
                    raise
                self.skipped.append(f"{category}/{block_id}: {child.tag}/{child.get('url_name')}: {error}")
                continue
            if found.usage not in node.children:
                node.children.append(found.usage)
        return node

    def name_of(self, element: etree._Element) -> str:
        """The name of an element, made unique where its tag needs that, and set (Open edX: `make_name_unique`)."""
        tag = str(element.tag)
        name: str | None = None
        for attribute in ("url_name", "slug", "name", "display_name"):
            if attribute in element.attrib:
                text = str(element.get(attribute))
                name = text if attribute in ("url_name", "slug") else clean(text)
                if attribute == "slug":
                    del element.attrib["slug"]
                break
        if not name:
            name = _fallback(element, None)
        if name in self.names[tag] and tag in _UNIQUE:
            self.skipped.append(f"{tag}/{name}: the name is taken, so this one is renamed")
            name = _fallback(element, name)
        self.names[tag].add(name)
        element.set("url_name", name)
        return name

    def detached(self) -> list[Node]:
        """Pages, about texts, updates and templates: blocks without a parent, from folders of their own."""
        found: dict[str, Node] = {}
        for folder, category in _DETACHED.items():
            for place in (self.place.folder / folder, self.place.folder / folder / self.place.homes.run):
                files = sorted(path for path in place.iterdir() if path.is_file()) if place.is_dir() else []
                for file in files:
                    self._detached_file(found, category, file)
        return list(found.values())

    def _detached_file(self, found: dict[str, Node], category: str, file: Path) -> None:
        if file.name.endswith("~") or file.name.startswith("._"):
            return
        slug, _, word = file.stem.partition(".")
        if not word or file.suffix != ".json":
            slug, word = file.stem, BODY
        if not KEY_PARTS.fullmatch(slug):
            self.skipped.append(f"{file.parent.name}/{file.name}: invalid characters in the key")
            return
        usage = self.place.homes.usage(category, slug)
        try:
            text = file.read_text("utf-8")
            value = self.place.homes.links(text) if word == BODY else json.loads(text)
        except ValueError as error:
            self.skipped.append(f"{file.parent.name}/{file.name}: {error}")
            return
        node = found.setdefault(usage, Node(usage, category))
        if word == BODY or word in fields_of(category):
            node.fields[word] = value


def _fallback(element: etree._Element, name: str | None) -> str:
    """A name out of what an element holds."""
    tag = str(element.tag)
    if name is not None and name.startswith(tag) and re.search(r"[0-9a-fA-F]{12}$", name):
        name = name[len(tag) + 1 : -12]
    digest = hashlib.sha1(etree.tostring(element, encoding="unicode").encode(), usedforsecurity=False).hexdigest()
    return f"{tag}_{name}_{digest[:12]}" if name else f"{tag}_{digest[:12]}"


def _open(folder: Path, target: str, reformats: bool) -> _Reading:
    """Find out whose course it is, and its policy."""
    try:
        top = Place(folder, Homes("", "", "", target), {}, reformats).parse((folder / "course.xml").read_bytes())
    except BadBlock as error:
        raise ImportFailure(3, f"course.xml: {error}") from error
    if top.tag != "course":
        raise ImportFailure(3, "course.xml: the root element is not a course")
    run = top.get("url_name") or top.get("slug") or clean(top.get("name") or "")
    if not run:
        raise ImportFailure(3, "Can't load a course without a 'url_name' (or 'name') set.  Set url_name.")
    homes = Homes(top.get("org") or "edx", top.get("course") or folder.name, run, target)
    reading = _Reading(Place(folder, homes, {}, reformats), top)
    for path in (f"policies/{run}/policy.json", f"policies/{run}.json"):
        file = reading.place.file(path)
        if file is not None:
            reading.place = replace(reading.place, policy=_json_file(reading, file))
            break
    return reading


def _json_file(reading: _Reading, file: Path | None) -> dict[str, Any]:
    """The object in a JSON file; an empty one where there is none, or it cannot be read."""
    if file is None:
        return {}
    try:
        found = json.loads(file.read_bytes())
    except ValueError as error:
        reading.skipped.append(f"{file.name}: {error}")
        return {}
    return found if isinstance(found, dict) else {}


# -- writing ----------------------------------------------------------------------------------------------------------


def _write(store: Store, target: str, nodes: dict[str, Node]) -> None:
    """Lay the blocks of the main tree over both branches: local drafts of them are gone."""
    for node in nodes.values():
        node.version = store.next_version()
        for branch in (DRAFT, PUBLISHED):
            store.put(target, node, branch)
    drafts = store.all(target)
    listed = {child for node in drafts.values() for child in node.children}
    for node in drafts.values():
        # What lost its place stays as an orphan, which is what no parent means.
        if node.parent is not None and node.usage not in listed:
            node.parent = None
            store.put(target, node)
    shown = store.all(target, PUBLISHED)
    reached = {root_of(target)}
    stack = [root_of(target)]
    while stack:
        below = [child for child in (shown[stack.pop()]).children if child in shown and child not in reached]
        reached.update(below)
        stack += below
    for usage, node in shown.items():
        if usage not in reached and not is_detached(node.category):
            store.drop(target, usage, PUBLISHED)


def _write_course(store: Store, target: str, reading: _Reading, root: Node, detached: list[Node]) -> None:
    """What is not in the tree: the wiki's name, the names of pages, the grading policy, the about texts."""
    homes = reading.place.homes
    slug = root.fields.get("wiki_slug", homes.number)
    if homes.moved and slug in (homes.number, f"{homes.org}.{homes.number}.{homes.run}"):
        slug = ".".join(course_parts(target))
    root.fields["wiki_slug"] = slug
    tabs = {tab.get("url_slug"): tab for tab in root.fields["tabs"] if isinstance(tab, dict)}
    row = store.course(target)
    assert row is not None, "the route has looked"
    for node in detached:
        block_id = block_id_of(node.usage)
        tab = tabs.get(block_id) if node.category == "static_tab" else None
        if tab is not None:
            node.fields["display_name"] = tab.get("name")
            if tab.get("course_staff_only"):
                node.fields["course_staff_only"] = True
        if node.category == "about":
            text = str(node.fields.get(BODY, ""))
            video = re.search(r"/embed/([\w-]+)", text) if block_id == "video" else None
            name = "intro_video" if block_id == "video" else block_id
            row["about"][name] = video[1] if video else text
    for node in (root, *detached):
        for branch in (DRAFT, PUBLISHED):
            store.put(target, node, branch)
    row["grading"] = _grading(reading, root)
    store.save_course(target, row)


def _grading(reading: _Reading, root: Node) -> dict[str, Any]:
    """The grading policy as the settings tell it: percent, where the file has fractions. The platform's own default stands
    for what the file does not say."""
    place = reading.place
    policy: dict[str, Any] = {
        "GRADER": [
            {"type": "Homework", "short_label": "HW", "min_count": 12, "drop_count": 2, "weight": 0.15},
            {"type": "Lab", "min_count": 12, "drop_count": 2, "weight": 0.15},
            {"type": "Midterm Exam", "short_label": "Midterm", "min_count": 1, "drop_count": 0, "weight": 0.3},
            {"type": "Final Exam", "short_label": "Final", "min_count": 1, "drop_count": 0, "weight": 0.4},
        ],
        "GRADE_CUTOFFS": {"Pass": 0.5},
    }
    file = place.file(f"policies/{place.homes.run}/grading_policy.json") or place.file("grading_policy.json")
    policy |= _json_file(reading, file)
    graders = [
        {
            "id": number,
            "type": grader.get("type"),
            "min_count": grader.get("min_count", 0),
            "drop_count": grader.get("drop_count", 0),
            "short_label": grader.get("short_label"),
            "weight": round(float(grader.get("weight") or 0) * 100, 6),
        }
        for number, grader in enumerate(policy["GRADER"])
    ]
    credit = root.fields.get("minimum_grade_credit")
    return {
        "graders": graders,
        "grade_cutoffs": policy["GRADE_CUTOFFS"],
        "grace_period": grace_period(root.fields.get("graceperiod")),
        "minimum_grade_credit": 0.8 if credit is None else credit,
    }


def grace_period(text: Any) -> dict[str, int] | None:
    """`1 day 2 hours 3 minutes 4 seconds` as the grading settings tell it."""
    if not isinstance(text, str):
        return None
    found = {unit: int(count) for count, unit in re.findall(r"(\d+)\s*(day|hour|minute|second)", text)}
    hours = found.get("day", 0) * 24 + found.get("hour", 0)
    period = {"hours": hours, "minutes": found.get("minute", 0), "seconds": found.get("second", 0)}
    return period if any(period.values()) else None


# -- drafts -----------------------------------------------------------------------------------------------------------


def _import_drafts(store: Store, target: str, reading: _Reading) -> int:
    """Files that say their `index_in_children_list` go to the draft branch, below parents that are there."""
    folder = reading.place.folder / "drafts"
    roots: list[tuple[int, Path, etree._Element]] = []
    for file in sorted(folder.rglob("*.xml")) if folder.is_dir() else ():
        if file.name.startswith("._") or b"index_in_children_list" not in (content := file.read_bytes()):
            continue
        try:
            element = reading.place.parse(content)
            roots.append((int(element.get("index_in_children_list", "")), file, element))
        except (BadBlock, ValueError) as error:
            reading.skipped.append(f"drafts/{file.name}: {error}")
    drafts = _Reading(replace(reading.place, folder=folder), reading.top, skipped=reading.skipped)
    for index, file, element in sorted(roots, key=lambda root: root[:2]):
        above = element.get("parent_url") or element.get("parent_sequential_url") or ""
        parent = store.get(target, reading.place.homes.reference(above))
        if parent is None:
            raise ImportFailure(3, f"Failed to import block: the draft {file.stem} is to stand in {above!r}")
        try:
            node = drafts.block(element, parent.usage, file.stem)
        except BadBlock as error:
            reading.skipped.append(f"drafts/{file.name}: {error}")
            continue
        if node.usage not in parent.children:
            parent.children.insert(index, node.usage)
            save(store, parent)
    for node in drafts.nodes.values():
        save(store, node)
    return len(drafts.nodes)


# -- files ------------------------------------------------------------------------------------------------------------


def _import_files(store: Store, target: str, reading: _Reading) -> int:
    """Files of `static/` and `static_import/`, live at once under flat names, with what `policies/assets.json` says."""
    policy = _json_file(reading, reading.place.file("policies/assets.json"))
    added = datetime.now(UTC).isoformat(timespec="seconds")
    count = 0
    for top in ("static", "static_import"):
        folder = reading.place.folder / top
        for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if not file.is_file() or _IGNORED.match(file.name):
                continue
            path = file.relative_to(folder).as_posix()
            name = clean_asset(path)
            said = policy.get(name)
            said = said if isinstance(said, dict) else {}
            kind = said.get("contentType")
            if kind not in _MIME_TYPES:
                kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            row = {
                "display_name": re.sub(r"[/\\]", "_", str(said.get("displayname") or file.name)),
                "content_type": kind,
                "locked": bool(said.get("locked")),
                "added": added,
                "import_path": path,
            }
            with file.open("rb") as content:
                store.put_asset(target, name, row, content)
            count += 1
    return count

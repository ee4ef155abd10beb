"""A Course to the files of an OLX package, laid out as Studio's own export.

    course.xml, course/RUN.xml, chapter/ID.xml …     pointers and definitions
    html/ID.xml, html/ID.html                        a text and its settings
    policies/RUN/policy.json, grading_policy.json    course settings, grading
    policies/assets.json, static/…                   files
    about/, info/, tabs/                             pages
    drafts/                                          versions that are not published

The same tree gives the same bytes. Files that a package brought and nobody understood are written back as they were, and
win over what would be written in their place.

Sources: Open edX: xmodule/modulestore/xml_exporter.py, xmodule/xml_block.py.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO, TypeAlias

from lxml import etree

from authoring.errors import SourceError
from authoring.model import (
    COURSE,
    COURSE_UPDATE,
    Asset,
    Block,
    BlockKey,
    Course,
    CourseId,
    FieldValue,
    GradingPolicy,
    KeptFile,
)
from authoring.olx.reader import POINTER_ONLY, is_aside
from authoring.olx.writer import is_pure, own_element, policy_fields
from authoring.references import REFERENCE_FIELDS, link_names
from authoring.registry import spec

Content: TypeAlias = "bytes | Path"
"""What a file holds: bytes, or where they can be read."""

NOT_WRITTEN = "name a place where you may write, on a disk that has room"

_PAGES = {"about": "about", "course_info": "info", "static_tab": "tabs"}
_DEFAULT_TABS = ("courseware", "textbooks", "discussion", "wiki", "progress", "dates")


def package_files(course: Course) -> Mapping[PurePosixPath, Content]:
    """The files of the package by path, in order, relative to the folder of course.xml.

    Raises SourceError when a block cannot be written as XML, or an asset's file is gone.
    """
    return _Writer(course).files()


def write_folder(course: Course, folder: Path) -> None:
    """Write the package into `folder`, which must not exist yet. It is there whole, or not at all."""
    files = package_files(course)
    partial = folder.with_name(f".{folder.name}.part")
    if folder.exists():
        raise SourceError(f"{folder} is there already", hint="name a folder that does not exist yet")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        for path, content in files.items():
            target = partial / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                shutil.copyfile(content, target)
            else:
                target.write_bytes(content)
        partial.rename(folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise SourceError(f"{folder} cannot be written: {error.strerror or error}", hint=NOT_WRITTEN) from error


def write_archive(course: Course, archive: Path) -> None:
    """Write the package as `.tar.gz`, its folder called `course` (or `library`). The same course gives the same bytes."""
    files = package_files(course)
    partial = archive.with_name(f".{archive.name}.part")
    try:
        with partial.open("wb") as raw:
            _write_tar(files, raw, course.root.category)
        partial.replace(archive)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise SourceError(f"{archive} cannot be written: {error.strerror or error}", hint=NOT_WRITTEN) from error


def _write_tar(files: Mapping[PurePosixPath, Content], raw: IO[bytes], folder: str) -> None:
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path, content in files.items():
            member = tarfile.TarInfo(str(PurePosixPath(folder, path)))
            member.mode = 0o644
            if isinstance(content, Path):
                member.size = content.stat().st_size
                with content.open("rb") as source:
                    tar.addfile(member, source)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


class _Writer:
    def __init__(self, course: Course) -> None:
        self.course = course
        self.links = link_names(course)
        self.kept: dict[PurePosixPath, KeptFile] = {file.path: file for file in course.files}
        self.written: dict[PurePosixPath, Content] = {}

    def files(self) -> Mapping[PurePosixPath, Content]:
        self._root()
        self._policies()
        for block in self.course.detached:
            if block.category != COURSE_UPDATE:
                self._page(block)
        self._updates()
        for asset in self.course.assets:
            self._put(asset.path, _content(asset))
        for draft in self.course.drafts:
            attributes = {"index_in_children_list": str(draft.index)}
            if draft.parent is not None:
                attributes["parent_url"] = usage_key(self.course.id, draft.parent)
            self._definition(draft.block, PurePosixPath("drafts"), attributes)
        if self.course.root.category == COURSE:
            self._put(PurePosixPath("assets/assets.xml"), b"<assets/>\n")
        for file in self.course.files:
            self.written[file.path] = _content(file)
        return dict(sorted(self.written.items(), key=lambda item: item[0].parts))

    def _put(self, path: PurePosixPath, content: Content) -> None:
        if path not in self.kept:
            self.written[path] = content

    def _root(self) -> None:
        root, course_id = self.course.root, self.course.id
        element = own_element(self._settings_block(root), identity=False)
        for child in root.children:
            element.append(self._child(child, PurePosixPath()))
        if root.category != COURSE:
            element.set("url_name", root.url_name)
            element.set("org", course_id.org)
            element.set("library", course_id.number)
            self._put(PurePosixPath("library.xml"), _xml(element))
            return
        names = {"url_name": course_id.run, "org": course_id.org, "course": course_id.number}
        path = PurePosixPath(COURSE, f"{course_id.run}.xml")
        if path in self.kept and root.children:  # the course stood in course.xml, and this is something else
            for name, text in names.items():
                element.set(name, text)
            self._put(PurePosixPath("course.xml"), _xml(element))
            return
        self._put(PurePosixPath("course.xml"), _xml(etree.Element(COURSE, names)))
        self._put(path, _xml(element))

    def _settings_block(self, root: Block) -> Block:
        """The course block with the pages' names in its list of tabs."""
        return replace(root, fields=self._course_fields()) if root.category == COURSE else root

    def _course_fields(self) -> dict[str, FieldValue]:
        fields = dict(self.course.root.fields)
        if self.course.lti_passports:
            # Secrets are not ours to write; whoever imports the package sees which variables hold them.
            fields["lti_passports"] = [
                f"{passport.lti_id}:${passport.key_env}:${passport.secret_env}"
                for passport in self.course.lti_passports
            ]
        pages = [block for block in self.course.detached if block.category == "static_tab" and block.display_name]
        if pages:
            fields["tabs"] = tabs_with(fields.get("tabs"), pages)
        return fields

    def _policies(self) -> None:
        course_id = self.course.id
        folder = PurePosixPath("policies", course_id.run)
        if self.course.root.category == COURSE:
            root = replace(self.course.root, fields=self._course_fields())
            policies = {f"course/{course_id.run}": policy_fields(root), **self.course.policies}
            self._put(folder / "policy.json", _json(policies))
        if self.course.grading is not None:
            self._put(folder / "grading_policy.json", _json(grading_json(self.course.grading)))
        if self.course.assets:
            entries = {asset.name: asset_json(asset, course_id) for asset in self.course.assets}
            self._put(PurePosixPath("policies/assets.json"), _json(entries))

    def _page(self, block: Block) -> None:
        folder = _PAGES.get(block.category)
        if folder is None:
            raise SourceError(f"{block.key}: a {block.category} has no place in a package")
        path = PurePosixPath(folder, f"{block.url_name}.html")
        if path in self.kept:
            path = PurePosixPath(
                folder, self.course.id.run, path.name
            )  # a page of the run wins over the one that is kept
        self._put(path, (block.content or "").encode())
        if block.fields.get("items") is not None:
            self._put(path.with_suffix(".items.json"), _json(block.fields["items"]))

    def _updates(self) -> None:
        """The list of updates, oldest first (Open edX: xmodule/html_block.py, CourseInfoBlock)."""
        updates = [block for block in self.course.detached if block.category == COURSE_UPDATE]
        if not updates:
            return
        path = PurePosixPath("info/updates.html")
        if path not in self.written:
            self._put(path, b"")
        items = [
            {"id": number, "date": block.fields.get("date"), "content": block.content or "", "status": "visible"}
            for number, block in enumerate(updates, start=1)
        ]
        self._put(path.with_suffix(".items.json"), _json(items))

    def _child(self, block: Block, base: PurePosixPath) -> etree._Element:
        """What stands in the parent's file: a pointer, or the block itself."""
        if POINTER_ONLY in block.extra.attributes:
            return etree.Element(block.category, url_name=block.url_name)
        if is_pure(block):
            return self._inline(block, base)
        if not self._definition(block, base, {}):
            return self._inline(block, base)
        return etree.Element(block.category, url_name=block.url_name)

    def _inline(self, block: Block, base: PurePosixPath) -> etree._Element:
        element = own_element(self._named(block))
        for child in block.children:
            element.append(self._child(child, base))
        return element

    def _named(self, block: Block) -> Block:
        """References to blocks as the platform writes them."""
        names = REFERENCE_FIELDS.get(block.category, ())
        changed = {name: self._usage_keys(block.fields[name]) for name in names if name in block.fields}
        return replace(block, fields={**block.fields, **changed}) if changed else block

    def _usage_keys(self, value: FieldValue) -> FieldValue:
        if isinstance(value, str):
            named = self.links.get(value) if "/" not in value else BlockKey.parse(value)
            return value if named is None else usage_key(self.course.id, named)
        if isinstance(value, Mapping):
            return {key: self._usage_keys(item) for key, item in value.items()}
        return [self._usage_keys(item) for item in value] if isinstance(value, list | tuple) else value

    def _definition(self, block: Block, base: PurePosixPath, attributes: Mapping[str, str]) -> bool:
        """Write the block's own file. False when there is a file of that name that says something else: another block's,
        or one that is kept."""
        path = definition_path(block.key, base)
        if path in self.kept or (block.category == "html" and path.with_suffix(".html") in self.kept):
            return False
        element = own_element(self._named(block), identity=False)
        for name, text in attributes.items():
            element.set(name, text)
        html: bytes | None = None
        if block.category == "html":
            html = (block.content or "").encode()
            for node in list(element):
                if not is_aside(node):
                    element.remove(node)
            element.text = None
            element.set("filename", block.url_name)
        for child in block.children:
            element.append(self._child(child, base))
        data = _xml(element)
        if self.written.get(path, data) != data:
            return False
        html_path = path.with_suffix(".html") if path.name.endswith(".xml") else path
        if html is not None and self.written.get(html_path, html) != html:
            return False
        self._put(path, data)
        if html is not None:
            self._put(html_path, html)
        return True


def definition_path(key: BlockKey, base: PurePosixPath) -> PurePosixPath:
    """Where a block's definition is (Open edX: xmodule/xml_block.py: a colon in a name is a folder)."""
    return base / key.category / f"{key.url_name.replace(':', '/')}.xml"


def usage_key(course_id: CourseId, key: BlockKey) -> str:
    """`i4x://ORG/COURSE/CATEGORY/ID`, as exports refer to blocks; the importer maps it to the course it writes."""
    return f"i4x://{course_id.org}/{course_id.number}/{key.category}/{key.url_name}"


def tabs_with(tabs: FieldValue, pages: list[Block]) -> list[FieldValue]:
    """A list of tabs that names every page: those given, else the platform's default ones, then the new pages."""
    if not isinstance(tabs, list | tuple):
        tabs = [{"type": kind, "name": kind.capitalize(), "course_staff_only": False} for kind in _DEFAULT_TABS]
    known = {page.url_name: page for page in pages}
    result: list[FieldValue] = []
    for tab in tabs:
        page = known.pop(str(tab.get("url_slug")), None) if isinstance(tab, Mapping) else None
        if page is not None and isinstance(tab, Mapping) and page.display_name is not None:
            tab = {**tab, "name": page.display_name}
        result.append(tab)
    for page in known.values():
        tab = {"type": "static_tab", "name": page.display_name or page.url_name, "url_slug": page.url_name}
        staff = page.fields.get("course_staff_only")
        result.append(tab if staff is None else {**tab, "course_staff_only": staff})
    return result


def grading_json(policy: GradingPolicy) -> dict[str, object]:
    """grading_policy.json (Open edX: xmodule/course_block.py)."""
    graders = [
        {
            "type": grader.type,
            "short_label": grader.short_label,
            "min_count": grader.min_count,
            "drop_count": grader.drop_count,
            "weight": grader.weight,
        }
        for grader in policy.graders
    ]
    return {"GRADER": graders, "GRADE_CUTOFFS": dict(policy.cutoffs)}


def asset_json(asset: Asset, course_id: CourseId) -> dict[str, object]:
    """One entry of policies/assets.json (Open edX: xmodule/contentstore/mongo.py)."""
    return {
        "contentType": asset.content_type,
        "displayname": asset.display_name or asset.path.name,
        "filename": f"asset-v1:{course_id.org}+{course_id.number}+{course_id.run}+type@asset+block@{asset.name}",
        "import_path": str(PurePosixPath(*asset.path.parts[1:])),
        "locked": asset.locked,
    }


def _content(file: Asset | KeptFile) -> Path:
    if file.file is None or not file.file.is_file():
        raise SourceError(f"{file.path}: its content is gone", hint="read the course again")
    return file.file


def _xml(element: etree._Element) -> bytes:
    _indent(element)
    return etree.tostring(element, encoding="utf-8") + b"\n"


def _indent(element: etree._Element) -> None:
    """One line per child of a container; everything else keeps its white space, which may be content."""
    known = spec(str(element.tag))
    if known is None or not known.children or not len(element) or (element.text or "").strip():
        return
    if any((child.tail or "").strip() for child in element):
        return
    element.text = "\n  "
    for child in element:
        child.tail = "\n  "
    element[-1].tail = "\n"


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


__all__ = [
    "asset_json",
    "definition_path",
    "grading_json",
    "package_files",
    "tabs_with",
    "usage_key",
    "write_archive",
    "write_folder",
]

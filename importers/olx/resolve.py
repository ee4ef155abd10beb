"""Pointers to one tree: a package's XML files in, one element with every definition in its place out.

Each element of the result is marked with the file and line that its definition is from. What cannot be read stays
where it is: a pointer to a file that is missing or broken stays a pointer, and the file, if any, is not counted as used,
so that it is kept whole.

Sources: Open edX: xmodule/xml_block.py (pointers, `filename`), xmodule/html_block.py (candidates for the file of a text),
xmodule/modulestore/xml.py (names).
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from lxml import etree

from authoring.archives import UNSAFE_PACKAGE, Package, PackageError
from authoring.diagnostics import Diagnostics, Severity, define
from authoring.model import SourceLocation
from authoring.olx.elements import DATA, FILE, LINE, MARKS, is_element, line_of, parse_element, take, unmark
from authoring.olx.reader import MAX_DEPTH, POINTER_ONLY, is_aside, is_block
from authoring.registry import Family, spec
from authoring.source.names import MAX_ID_LENGTH

DANGLING = define(
    "dangling-pointer",
    Severity.WARNING,
    "A pointer to a definition that the package does not hold. The platform's import leaves such a block out.",
    "export the course again, or remove the pointer",
)
BROKEN_DEFINITION = define(
    "broken-definition",
    Severity.WARNING,
    "A definition that cannot be read. The platform's import leaves such a block out; here its file is kept as it is.",
    "correct the XML in the file that is named",
)
POINTER_LOOP = define(
    "pointer-loop",
    Severity.WARNING,
    "A definition that holds itself, directly or through others.",
    "remove the pointer that leads back",
)

RENAMED = define(
    "renamed-block",
    Severity.WARNING,
    "An id that the platform does not take; the block was given another.",
    "correct links to it, if there are any",
)

_CONTAINERS = frozenset({"section", "abtest", "group", "timelimit"})
"""Old containers that the registry does not know; the pointers in them are followed all the same."""

_NAME = re.compile(r"[^\w.-]+")

ReadFile = Callable[[PurePosixPath], "bytes | None"]

MAX_BYTES = 1 << 30
"""Definitions and texts of one course together, each as often as it stands in the course. All of it is in memory."""
MAX_MARKUP = 4_000_000
"""Elements and attributes of one course, closely: a byte of XML may cost a hundred bytes of memory."""
MAX_AGAIN = 20_000
"""Times that a definition is read after the first. A few files that each point to the next ones ten times would else
become a course of any size."""


class Budget:
    """What reading one course may cost, however its files point to one another."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.bytes = 0
        self.markup = 0
        self.again = 0
        self.seen: set[PurePosixPath] = set()

    def spend(self, data: bytes, path: PurePosixPath, *, is_xml: bool) -> None:
        """A file becomes part of the course. Raises PackageError when that is too much."""
        self.again += path in self.seen
        self.seen.add(path)
        self.bytes += len(data)
        if is_xml:
            self.markup += data.count(b"<") + data.count(b"=")
        if self.again > MAX_AGAIN:
            raise self._refusal(path, f"more than {MAX_AGAIN:,} definitions stand in the course again and again")
        if self.bytes > MAX_BYTES:
            raise self._refusal(
                path, f"the course comes to more than {MAX_BYTES:,} bytes of text, the most that is read"
            )
        if self.markup > MAX_MARKUP:
            raise self._refusal(path, f"the course has more than {MAX_MARKUP:,} elements and attributes")

    def _refusal(self, path: PurePosixPath, message: str) -> PackageError:
        findings = Diagnostics()
        hint = "split the course into several; or look at what the file points to, if it is not that large"
        findings.report(UNSAFE_PACKAGE, message, SourceLocation(path), hint)
        return PackageError(f"{self.package.name}: {message}", findings, hint)


class Resolver:
    """Resolves pointers below `folders` (searched in this order, relative to the package).

    Its methods raise PackageError when what they read is more than `budget` has.
    """

    def __init__(
        self,
        read: ReadFile,
        folders: tuple[PurePosixPath, ...],
        diagnostics: Diagnostics,
        budget: Budget,
        policy: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.read = read
        self.budget = budget
        self.folders = folders
        self.diagnostics = diagnostics
        self.policy = policy or {}
        self.used: set[PurePosixPath] = set()
        """The files whose content is in the result."""
        self.policies_used: set[str] = set()
        self._open: list[PurePosixPath] = []

    def file(self, path: PurePosixPath) -> etree._Element | None:
        """The element of a file with everything below it; None, reported, when it cannot be read."""
        data = self.read(path)
        if data is None:
            return None
        element = self._parse(data, path)
        if element is None:
            return None
        self.used.add(path)
        return self._resolved(element, path, 0)

    def _parse(self, data: bytes, path: PurePosixPath) -> etree._Element | None:
        self.budget.spend(data, path, is_xml=True)
        findings = Diagnostics()
        element = parse_element(data, path, 1, findings)
        for finding in findings:
            self.diagnostics.report(BROKEN_DEFINITION, finding.message, finding.where)
        if element is not None:
            unmark(element)
        return element

    def _resolved(self, element: etree._Element, path: PurePosixPath, depth: int) -> etree._Element:
        """The definition of an element of `path`, in the shape of a copy or of the element itself."""
        line = line_of(element)
        if is_pointer(element):
            definition = self._definition(element, path, line, depth)
            if definition is not None:
                return definition
            known = spec(str(element.tag))
            if element.tag != "course" and (known is None or known.family is Family.XML):
                element.set(POINTER_ONLY, "true")
        element.set(FILE, str(path))
        element.set(LINE, str(line))
        self._name(element)
        self._clean_name(element, path)
        self._follow_filename(element, path, depth)
        self._apply_policy(element)
        if depth < MAX_DEPTH:
            self._resolve_children(element, path, depth)
        return element

    def _resolve_children(self, element: etree._Element, path: PurePosixPath, depth: int) -> None:
        known = spec(str(element.tag))
        if not (element.tag in _CONTAINERS or (known is not None and known.children)):
            return
        for child in list(element):
            if is_block(element, child):
                own = PurePosixPath(child.get(FILE, str(path)))
                resolved = self._resolved(child, own, depth + 1)
                if resolved is not child:
                    resolved.tail = child.tail
                    element.replace(child, resolved)

    def _definition(self, pointer: etree._Element, path: PurePosixPath, line: int, depth: int) -> etree._Element | None:
        tag = str(pointer.tag)
        name = pointer.get("url_name") or pointer.get("slug") or ""
        where = SourceLocation(path, line)
        found = self._find(tag, name, (".xml",))
        if found is None:
            known = spec(tag)
            if known is None or known.family is Family.XML:
                message = f"<{tag}> points to {tag}/{name.replace(':', '/')}.xml, which is not there"
                self.diagnostics.report(DANGLING, message, where)
            return None
        file, data = found
        if file in self._open:
            self.diagnostics.report(POINTER_LOOP, f"{file} holds itself", where)
            return None
        element = self._parse(data, file)
        if element is None:
            return None
        if element.tag != tag:
            self.diagnostics.report(BROKEN_DEFINITION, f"<{tag}> points to {file}, which holds <{element.tag}>", where)
            return None
        self.used.add(file)
        for attribute, value in pointer.attrib.items():
            # What the pointer says of the block's place (org, course) is not the definition's.
            if attribute == "url_name" or element.get(attribute) is None:
                element.set(attribute, value)
        for aside in list(pointer):
            element.append(aside)
        self._open.append(file)
        try:
            if is_pointer(element):
                element.set(FILE, str(file))
                element.set(LINE, str(line_of(element)))
                self._apply_policy(element)
                return element
            return self._resolved(element, file, depth)
        finally:
            self._open.pop()

    def _name(self, element: etree._Element) -> None:
        """The platform names a block without `url_name` after its `slug`, `name` or `display_name`."""
        if element.get("url_name"):
            return
        slug = take(element, "slug")
        name = slug or _clean(element.get("name")) or _clean(element.get("display_name"))
        if not name:
            bare = copy.deepcopy(element)
            unmark(bare)
            bare.tail = None
            digest = hashlib.sha1(etree.tostring(bare), usedforsecurity=False).hexdigest()
            name = f"{element.tag}_{digest[:12]}"
        element.set("url_name", name)

    def _clean_name(self, element: etree._Element, path: PurePosixPath) -> None:
        """The platform takes letters, digits and `-_~.:` in ids (opaque-keys: Locator.ALLOWED_ID_CHARS)."""
        name = element.get("url_name") or ""
        cleaned = clean_id(name)
        if cleaned != name:
            message = f"the id {name!r} holds characters that the platform does not take; it became {cleaned!r}"
            self.diagnostics.report(RENAMED, message, SourceLocation(path, line_of(element)))
            element.set("url_name", cleaned)

    def _follow_filename(self, element: etree._Element, path: PurePosixPath, depth: int) -> None:
        filename = element.get("filename")
        if filename is None:
            return
        tag = str(element.tag)
        is_text = tag == "html"
        found = self._find_text(tag, filename, path) if is_text else self._find(tag, filename, (".xml", ""))
        if found is None:
            message = f"<{tag} filename={filename!r}>: there is no such file"
            self.diagnostics.report(DANGLING, message, SourceLocation(path, line_of(element)))
            return
        file, data = found
        if is_text:
            self.budget.spend(data, file, is_xml=False)
            text = _text(data)
            if text is None:
                message = f"{file} is not UTF-8 or holds control characters"
                self.diagnostics.report(BROKEN_DEFINITION, message, SourceLocation(file))
                return
            for child in list(element):
                if not is_aside(child):
                    element.remove(child)
            element.text = text
            element.set(DATA, "text")
        else:
            if file in self._open:
                self.diagnostics.report(POINTER_LOOP, f"{file} holds itself", SourceLocation(path, line_of(element)))
                return
            inner = self._parse(data, file)
            if inner is None or inner.tag != tag:
                return
            for node in inner.iter():
                if is_element(node) and (node.getparent() is inner or spec(str(node.tag)) is not None):
                    node.set(FILE, str(file))
                    node.set(LINE, str(line_of(node)))
            for attribute, value in inner.attrib.items():
                if element.get(attribute) is None and attribute not in ("filename", "slug"):
                    element.set(attribute, value)
            element.text = inner.text
            for child in list(element):
                element.remove(child)
            for child in list(inner):
                element.append(child)
        self.used.add(file)
        del element.attrib["filename"]

    def _apply_policy(self, element: etree._Element) -> None:
        """Settings of the policy file win over attributes (Open edX: xmodule/xml_block.py, apply_policy)."""
        key = f"{element.tag}/{element.get('url_name')}"
        settings = self.policy.get(key)
        if settings is None or POINTER_ONLY in element.attrib:
            return
        self.policies_used.add(key)
        for name, value in settings.items():
            element.set(name, value)

    def _find(self, tag: str, name: str, suffixes: tuple[str, ...]) -> tuple[PurePosixPath, bytes] | None:
        parts = name.replace(":", "/")
        if not parts or parts.startswith("/") or ".." in PurePosixPath(parts).parts:
            return None
        for folder in self.folders:
            for suffix in suffixes:
                path = folder / tag / f"{parts}{suffix}"
                data = self.read(path)
                if data is not None:
                    return path, data
        return None

    def _find_text(self, tag: str, filename: str, path: PurePosixPath) -> tuple[PurePosixPath, bytes] | None:
        """The file of a text; old exports leave the suffix out or name folders that are gone."""
        parts = PurePosixPath(filename.replace(":", "/")).parts
        if not parts or filename.startswith("/") or ".." in parts:
            return None
        names = ["/".join(parts[start:]) for start in range(len(parts))]
        own = path.parent.parts
        beside = "/".join(own[own.index(tag) + 1 :]) if tag in own else ""
        candidates = [f"{beside}/{names[0]}"] if beside else []
        for candidate in [*candidates, *names]:
            found = self._find(tag, candidate, (".html", ".xml", ""))
            if found is not None and not (found[0].suffix == ".xml" and found[0] == path):
                return found
        return None


def is_pointer(element: etree._Element) -> bool:
    """Whether an element only points to its definition (Open edX: xmodule/xml_block.py, is_pointer_tag)."""
    allowed = {"url_name", "org", "course", "slug"} if element.tag == "course" else {"url_name", "slug"}
    names = {str(name) for name in element.attrib if not str(name).startswith(MARKS)}
    has_name = "url_name" in names or "slug" in names
    empty = all(is_aside(child) and not (child.tail or "").strip() for child in element)
    return has_name and names <= allowed and empty and not (element.text or "").strip()


def clean_id(name: str) -> str:
    """An id without the characters that the platform does not take."""
    return re.sub(r"[^\w.~:-]", "_", name)[:MAX_ID_LENGTH]


def _clean(text: str | None) -> str | None:
    cleaned = _NAME.sub("_", (text or "").strip())
    return cleaned.strip("_") or None


def _text(data: bytes) -> str | None:
    """The content of a text file as XML can hold it, line ends as `\\n`."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        etree.Element("x").text = text
    except ValueError:
        return None
    return text

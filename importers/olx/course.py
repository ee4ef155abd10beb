"""One OLX course or library of a package to a `Course`, every file of it accounted for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from mimetypes import guess_type
from pathlib import PurePosixPath

from lxml import etree

from authoring.archives import Package, PackageError, PackageFile
from authoring.diagnostics import Diagnostics, Severity, define
from authoring.model import (
    COURSE,
    LIBRARY,
    ROOT_KEY,
    Asset,
    Block,
    BlockKey,
    Course,
    CourseId,
    Draft,
    Extra,
    FieldValue,
    Grader,
    GradingPolicy,
    KeptFile,
    LtiPassport,
    SourceLocation,
)
from authoring.olx.elements import take
from authoring.olx.reader import POINTER_ONLY, block_from_element
from authoring.olx.spellings import reference
from authoring.passports import passport_variables
from authoring.source.names import asset_name_of
from authoring.source.updates import blocks_of
from importers import Imported
from importers.olx.layout import Layout
from importers.olx.resolve import RENAMED, Budget, Resolver, clean_id

NO_COURSE = define(
    "no-course-in-package",
    Severity.ERROR,
    "The package's course.xml or library.xml cannot be read, so there is no course to begin with.",
    "export the course again from Studio",
)
BROKEN_POLICY = define(
    "broken-policy",
    Severity.WARNING,
    "A policy file that cannot be read or used. It is kept as it is.",
    "correct the JSON, or export the course again",
)
PASSPORT = define(
    "lti-secret-left-out",
    Severity.WARNING,
    "A package holds the secret of an LTI tool. Secrets never become part of a course folder.",
    "set the environment variables that course.yaml names",
)
IDLE_POLICY = define(
    "idle-policy",
    Severity.INFO,
    "A policy file has settings for blocks that the package does not hold. They are kept.",
    "nothing; or remove them from the policy file",
)
REPEATED_BLOCK = define(
    "repeated-block",
    Severity.WARNING,
    "A block that stands in two places. The platform gives the second one another id.",
    "nothing, if that is meant; else remove one of the two",
)
UNUSED_DRAFT = define(
    "unused-draft",
    Severity.WARNING,
    "A file among the drafts that no draft makes use of. The platform's import leaves it out; here it is kept.",
    "nothing; or remove the file",
)

_PAGES = {"about": "about", "info": "course_info", "tabs": "static_tab"}
_JUNK = re.compile(r"^\._.*|^\.DS_Store$|~$")
"""What the platform's own import leaves out: the leavings of file managers and editors."""

MAX_LINK = 200
"""The longest target of a link that became a file, in bytes."""

_DRAFT_PARENT = ("parent_url", "parent_sequential_url")
_INDEX = "index_in_children_list"


def read_olx(package: Package, layout: Layout) -> Imported:
    """The course at `layout`. Raises PackageError when its course.xml cannot be read."""
    return CourseReader(package, layout).imported()


class CourseReader:
    def __init__(self, package: Package, layout: Layout) -> None:
        self.package = package
        self.layout = layout
        self.findings = Diagnostics()
        self.budget = Budget(package)
        self.used: set[PurePosixPath] = set()
        self.run = ""
        self.policy: Mapping[str, Mapping[str, str]] = {}
        self.policy_values: Mapping[str, Mapping[str, FieldValue]] = {}
        self.policy_path: PurePosixPath | None = None
        self.policies_used: set[str] = set()

    def imported(self) -> Imported:
        course = self.course(self.resolve())
        return Imported(course, self.findings)

    def resolve(self) -> etree._Element:
        """course.xml with everything below it; the ids of the course are attributes of the root."""
        start = self._start()
        is_library = self.layout.is_library
        number = "library" if is_library else "course"
        self.run = "library" if is_library else start.get("url_name") or start.get("slug") or start.get("name") or "run"
        self.policy = self._policy()
        resolver = Resolver(self._data, (self.layout.root,), self.findings, self.budget, self.policy)
        element = resolver.file(self.layout.file)
        if element is None:
            raise self._no_course()
        self.used |= resolver.used
        self.policies_used = resolver.policies_used
        # The defaults are the platform's own (Open edX: xmodule/modulestore/xml.py).
        element.set("org", element.get("org") or start.get("org") or "edx")
        given = element.get(number) or start.get(number) or self.layout.home.name or self._package_name()
        element.set(number, given)
        if is_library:
            element.set("url_name", LIBRARY)  # the platform's key of a library's root is constant
        return element

    def course(self, element: etree._Element) -> Course:
        """The course of a resolved element, which is changed on the way."""
        is_library = self.layout.is_library
        ids = (element.get("org"), element.get("library" if is_library else "course"), self.run)
        root, passports = self._without_secrets(self._once(self._root(element)))
        leftover = {key: value for key, value in self.policy_values.items() if key not in self.policies_used}
        if leftover and self.policy_path is not None:
            message = f"settings for blocks that are not in the course: {', '.join(sorted(leftover)[:5])}"
            self.findings.report(IDLE_POLICY, message, SourceLocation(self.policy_path))
        detached = tuple(self._pages(self.run, root))
        grading = self._grading(self.run)
        assets = tuple(self._assets())
        drafts = tuple(self._drafts())
        org, number, run = (_id_part(part or "") for part in ids)
        return Course(
            CourseId(org, number, run),
            root,
            detached,
            assets,
            grading,
            passports,
            drafts,
            policies=leftover,
            files=tuple(self._kept()),
        )

    def _start(self) -> etree._Element:
        """course.xml itself, pointers unresolved: it names the run, and so the policy."""
        probe = Diagnostics()
        resolver = Resolver(self._data, (PurePosixPath("-"),), probe, Budget(self.package))
        element = resolver.file(self.layout.file)
        if element is None or element.tag not in (COURSE, "library"):
            for finding in probe:
                if finding.where is not None and finding.where.path == self.layout.file:
                    self.findings.extend([finding])
            raise self._no_course()
        return element

    def _no_course(self) -> PackageError:
        details = "; ".join(dict.fromkeys(f"{finding.message}" for finding in self.findings))
        message = f"{self.layout.file} cannot be read" + (f": {details}" if details else "")
        findings = Diagnostics()
        findings.report(NO_COURSE, message, SourceLocation(self.layout.file))
        return PackageError(f"{self.package.name}: {message}", findings, NO_COURSE.remedy)

    def _package_name(self) -> str:
        return self.package.name.split(".")[0] or COURSE

    def _data(self, path: PurePosixPath) -> bytes | None:
        """The content of a file. Where git cannot make a symbolic link it writes a file that holds the target's name;
        such a file is followed."""
        if path in self.package.files:
            target = self._link(path) if path == self.layout.file else None
            return self.package.read(path if target is None or target not in self.package.files else target)
        for parent in path.parents:
            if parent == self.layout.root or parent not in self.package.files:
                continue
            folder = self._link(parent)
            target = folder / path.relative_to(parent) if folder is not None else None
            if target is not None and target in self.package.files:
                self.used.add(parent)
                return self.package.read(target)
        return None

    def _link(self, path: PurePosixPath) -> PurePosixPath | None:
        """Where a link that became a file leads to."""
        if self.package.files[path].size > MAX_LINK:
            return None
        text = self.package.read(path).decode("utf-8", "replace").strip()
        if not text or "<" in text or "\n" in text or text.startswith("/") or ".." in PurePosixPath(text).parts:
            return None
        return path.parent / text

    def _root(self, element: etree._Element) -> Block:
        block = block_from_element(
            element,
            path=self.layout.file,
            new_key=lambda category: BlockKey(category, category),
            diagnostics=self.findings,
        )
        assert block is not None  # nesting is bounded where pointers are resolved
        key = ROOT_KEY if block.category == COURSE else BlockKey(LIBRARY, LIBRARY)
        return replace(block, key=key, implicit_id=False)

    def _without_secrets(self, root: Block) -> tuple[Block, tuple[LtiPassport, ...]]:
        """LTI passports by name: their keys and secrets are never in the tree (docs/course-folder.md)."""
        value = root.fields.get("lti_passports")
        if not isinstance(value, list) or not value:
            return root, ()
        passports: dict[str, LtiPassport] = {}
        for entry in value:
            lti_id, *rest = str(entry).split(":")
            if not lti_id.strip() or lti_id in passports:
                continue
            named = [part.removeprefix("$") for part in rest if part.startswith("$")]
            key_env, secret_env = named if len(named) == 2 else passport_variables(lti_id)
            passports[lti_id] = LtiPassport(lti_id, key_env, secret_env, root.source)
            if len(named) != 2:
                message = f"the passport {lti_id!r} was left without its key and secret"
                hint = f"set the environment variables {key_env} and {secret_env} when you push"
                self.findings.report(PASSPORT, message, root.source, hint)
        fields = {name: field for name, field in root.fields.items() if name != "lti_passports"}
        return replace(root, fields=fields), tuple(passports.values())

    # --- policies

    def _policy(self) -> Mapping[str, Mapping[str, str]]:
        root, run = self.layout.root, self.run
        for path in (root / "policies" / run / "policy.json", root / "policies" / f"{run}.json"):
            found = self._json(path)
            if isinstance(found, dict):
                self.policy_path = path
                self.policy_values = {
                    key: value for key, value in found.items() if isinstance(value, dict) and _fits_xml(key, value)
                }
                if len(self.policy_values) == len(found):
                    self.used.add(path)
                else:
                    message = "it holds more than settings of blocks, or characters that XML does not have"
                    self.findings.report(BROKEN_POLICY, message, SourceLocation(path))
                return {
                    key: {name: _as_attribute(value) for name, value in settings.items()}
                    for key, settings in self.policy_values.items()
                }
        return {}

    def _grading(self, run: str) -> GradingPolicy | None:
        root = self.layout.root
        for path in (root / "policies" / run / "grading_policy.json", root / "grading_policy.json"):
            found = self._json(path)
            if found is None:
                continue
            policy = _grading_policy(found, path)
            if policy is None:
                message = "the grading policy says more than the platform reads, or something else"
                self.findings.report(BROKEN_POLICY, message, SourceLocation(path))
                return None
            self.used.add(path)
            return policy
        return None

    def _json(self, path: PurePosixPath) -> object:
        data = self._data(path)
        if data is None:
            return None
        try:
            found: object = json.loads(data.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            self.findings.report(BROKEN_POLICY, f"not JSON: {error}", SourceLocation(path))
            return None
        return found

    # --- what stands beside the tree

    def _pages(self, run: str, root: Block) -> Iterator[Block]:
        names = {
            str(tab.get("url_slug")): tab
            for tab in _items(root.fields.get("tabs"))
            if tab.get("type") == "static_tab" and tab.get("url_slug")
        }
        for folder, category in _PAGES.items():
            pages: dict[str, PackageFile] = {}
            for base in (self.layout.root / folder, self.layout.root / folder / run):
                for file in self.package.below(base):
                    if file.path.parent == base and file.path.suffix == ".html" and not _JUNK.search(file.path.name):
                        pages[file.path.stem] = file
            order = {slug: place for place, slug in enumerate(names)}
            for slug, file in sorted(pages.items(), key=lambda item: (order.get(item[0], len(order)), item[0])):
                block = self._page(BlockKey(category, clean_id(slug)), file, names.get(slug, {}))
                if block is None:
                    continue
                updates = blocks_of(block.fields["items"]) if "items" in block.fields else None
                if updates is None:
                    yield block
                    continue
                # The platform shows the list, and the text beside it only where there is none.
                yield from (replace(update, source=block.source) for update in updates)
                if (block.content or "").strip() not in ("", "<ol></ol>"):
                    fields = {name: value for name, value in block.fields.items() if name != "items"}
                    yield replace(block, fields=fields)

    def _page(self, key: BlockKey, file: PackageFile, tab: Mapping[str, FieldValue]) -> Block | None:
        try:
            text = self.package.read(file.path).decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            return None  # kept as a file
        fields: dict[str, FieldValue] = {}
        if key.category == "static_tab":
            fields = {
                name: tab[source]
                for name, source in (("display_name", "name"), ("course_staff_only", "course_staff_only"))
                if source in tab
            }
        if key.category == "course_info":
            path = file.path.with_name(f"{key.url_name}.items.json")
            items = self._json(path)
            if isinstance(items, list):
                fields["items"] = items
                self.used.add(path)
        self.used.add(file.path)
        if key.url_name != file.path.stem:
            message = f"the name {file.path.stem!r} holds characters that the platform does not take"
            self.findings.report(RENAMED, f"{message}; it became {key.url_name!r}", SourceLocation(file.path))
        return Block(key, fields, text, source=SourceLocation(file.path, 1))

    def _assets(self) -> Iterator[Asset]:
        path = self.layout.root / "policies" / "assets.json"
        found = self._json(path)
        known = found if isinstance(found, dict) else {}
        if isinstance(found, dict):
            self.used.add(path)
        names: set[str] = set()
        for folder in ("static", "static_import"):
            base = self.layout.root / folder
            for file in self.package.below(base):
                inside = file.path.relative_to(base)
                if _JUNK.search(file.path.name) or any(part.startswith(".") for part in inside.parts):
                    continue
                place = PurePosixPath("static", inside)
                name = asset_name_of(place)
                if name in names:
                    continue
                names.add(name)
                self.used.add(file.path)
                entry = known.get(name)
                info: Mapping[str, object] = entry if isinstance(entry, dict) else {}
                content_type = str(info.get("contentType") or guess_type(name)[0] or "application/octet-stream")
                shown = str(info.get("displayname") or "") or None
                yield Asset(
                    name=name,
                    path=place,
                    digest=_digest(file),
                    size=file.size,
                    content_type=content_type,
                    locked=info.get("locked") is True,
                    display_name=shown if shown != file.path.name else None,
                    file=file.file,
                    source=SourceLocation(file.path),
                )

    def draft_elements(self) -> Iterator[tuple[etree._Element, str | None, int]]:
        """`(element, parent as CATEGORY/ID, index)` of each draft, in the order in which they are imported."""
        base = self.layout.drafts
        resolver = Resolver(self._data, (base, self.layout.root), self.findings, Budget(self.package), self.policy)
        found: list[tuple[str, int, str, etree._Element]] = []
        for file in self.package.below(base):
            inside = file.path.relative_to(base)
            if file.path.suffix != ".xml" or len(inside.parts) != 2 or _JUNK.search(file.path.name):
                continue
            if _INDEX.encode() not in self.package.read(file.path):
                continue
            element = resolver.file(file.path)
            if element is None:
                continue
            element.set("url_name", file.path.stem)
            parent = next((take(element, name) for name in _DRAFT_PARENT if element.get(name)), None)
            index = take(element, _INDEX) or ""
            place = int(index) if index.isdecimal() else 0
            found.append((reference(parent or ""), place, str(inside), element))
        self.used |= resolver.used
        for parent, place, _, element in sorted(found, key=lambda item: item[:3]):
            yield element, parent or None, place

    def _drafts(self) -> Iterator[Draft]:
        for element, parent, index in self.draft_elements():
            block = block_from_element(
                element,
                path=self.layout.file,
                new_key=lambda category: BlockKey(category, category),
                diagnostics=self.findings,
            )
            if block is not None:
                yield Draft(block, BlockKey.parse(parent) if parent and "/" in parent else None, index)

    def _kept(self) -> Iterator[KeptFile]:
        """Everything that is in no block, page or asset."""
        home = self.layout.home
        for file in self.package.files.values():
            if not file.path.is_relative_to(home) or _JUNK.search(file.path.name):
                continue
            if file.path in self.used:
                continue
            inside = file.path.relative_to(self.layout.root if file.path.is_relative_to(self.layout.root) else home)
            if str(inside) in ("assets/assets.xml", "format.json") and file.size < 200:
                continue
            if file.path.is_relative_to(self.layout.drafts) and file.path.suffix == ".xml":
                self.findings.report(UNUSED_DRAFT, f"{inside} is part of no draft", SourceLocation(file.path))
            yield KeptFile(inside, _digest(file), file.size, file.file)

    def _once(self, root: Block) -> Block:
        """The tree with each block once: where one stands again, a pointer to it does; where another has its name, that
        one gets a name of its own."""
        seen: dict[BlockKey, Block] = {}
        numbers: dict[BlockKey, int] = {}

        def visit(block: Block) -> Block:
            first = seen.get(block.key)
            if first is not None and POINTER_ONLY not in block.extra.attributes:
                if first == block:
                    self.findings.report(REPEATED_BLOCK, f"{block.key} stands in two places", block.source)
                    return Block(block.key, extra=Extra({POINTER_ONLY: "true"}), source=block.source)
                number = numbers.get(block.key, 2)
                while BlockKey(block.category, f"{block.url_name}-{number}") in seen:
                    number += 1
                numbers[block.key] = number + 1
                key = BlockKey(block.category, f"{block.url_name}-{number}")
                message = f"two different blocks are called {block.key}; this one became {key.url_name!r}"
                self.findings.report(RENAMED, message, block.source)
                block = replace(block, key=key)
            seen.setdefault(block.key, block)
            children = tuple(visit(child) for child in block.children)
            return replace(block, children=children) if children != block.children else block

        return visit(root)


def _as_attribute(value: object) -> str:
    """A policy's value as the attribute that says the same."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return json.dumps(value, ensure_ascii=False) if read is None or isinstance(read, str) else value


def _fits_xml(key: str, settings: Mapping[str, object]) -> bool:
    """Whether settings can be attributes, and be written again: no control characters, no halves of characters."""
    probe = etree.Element("x")
    try:
        probe.text = key
        for name, value in settings.items():
            probe.set(name, _as_attribute(value))
    except ValueError:
        return False
    return not any(name.startswith("{") for name in settings)


def _items(value: FieldValue) -> Iterator[Mapping[str, FieldValue]]:
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                yield item


def _digest(file: PackageFile) -> str:
    with file.file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _id_part(text: str) -> str:
    return re.sub(r"[^\w.~-]+", "_", text) or "_"


def _grading_policy(found: object, path: PurePosixPath) -> GradingPolicy | None:
    """The policy; None when it holds what the model does not."""
    if not isinstance(found, dict) or not found.keys() <= {"GRADER", "GRADE_CUTOFFS", "GRACE_PERIOD"}:
        return None
    graders: list[Grader] = []
    for entry in found.get("GRADER", []):
        if not isinstance(entry, dict) or "type" not in entry:
            return None
        if not entry.keys() <= {"type", "weight", "min_count", "drop_count", "short_label"}:
            return None
        try:
            graders.append(
                Grader(
                    str(entry["type"]),
                    float(entry.get("weight", 0)),
                    int(entry.get("min_count", 1)),
                    int(entry.get("drop_count", 0)),
                    str(entry.get("short_label") or ""),
                )
            )
        except (TypeError, ValueError):
            return None
    cutoffs = found.get("GRADE_CUTOFFS", {"Pass": 0.5})
    if not isinstance(cutoffs, dict) or not all(isinstance(value, int | float) for value in cutoffs.values()):
        return None
    if "GRACE_PERIOD" in found:
        return None
    return GradingPolicy(tuple(graders), dict(cutoffs), source=SourceLocation(path))

"""A package to a course folder on disk, with an account of what became of every part of it.

    package --importer--> Course --decompile--> Folder --write--> course folder + `_import.json`

`_import.json` remembers which files the import wrote and what was in them, so that a second import can tell an author's
edits from its own text.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath

from authoring.archives import Package, PackageError, open_package
from authoring.decompile import Folder, Way, folder_of
from authoring.diagnostics import Diagnostic, Diagnostics, Severity, define
from authoring.errors import AuthoringError, SourceError
from authoring.model import Block, Course, CourseId, SourceLocation
from authoring.olx.package import NOT_WRITTEN
from authoring.registry import spec
from importers import Imported, ReadOptions, Shape, importers

RECORD = "_import.json"
CONFLICTS = "_import-new"
"""Where a merge puts new text for files that the author has changed as well."""

UNEQUAL = define(
    "not-equal",
    Severity.WARNING,
    "A part of a package that a course folder cannot hold exactly as it was.",
    "compare the part with the package",
)
EXISTS = define(
    "folder-exists",
    Severity.ERROR,
    "The folder to import into is there already.",
    "name another folder; or use --merge to keep your edits, --force to replace what was imported before",
)


class Outcome(StrEnum):
    """What became of a part of the package."""

    CONVERTED = "converted"
    """It is Markdown, YAML or a plain file now."""
    VERBATIM = "verbatim"
    """It is kept as it was: HTML, OLX, or a file that only an OLX export makes use of."""
    DROPPED = "dropped"
    """It is not, or not wholly, in the folder."""


@dataclass(frozen=True, slots=True)
class Item:
    """One part of the package: where it was, where it is, and what became of it."""

    what: str
    outcome: Outcome
    source: str | None
    target: str | None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """`importer` names the reader (None: whichever knows the package), `root` the course where a package holds several.

    `shape`, `explode` and `course` are for packages that are no course of themselves: see :class:`importers.ReadOptions`.
    """

    importer: str | None = None
    root: str | None = None
    merge: bool = False
    force: bool = False
    shape: Shape = Shape.AUTO
    explode: bool = False
    course: CourseId | None = None


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did."""

    package: str
    importer: str
    course: str | None
    blocks: Mapping[str, int]
    items: tuple[Item, ...] = ()
    findings: tuple[Diagnostic, ...] = ()
    files: int = 0
    changed: tuple[str, ...] = ()
    """Files that were written, by path."""
    kept: tuple[str, ...] = ()
    """Files that the author had changed and that a merge left alone."""
    conflicts: tuple[str, ...] = ()
    """Files that both the author and the package changed: the author's stand, the others are in `_import-new/`."""
    replaced: tuple[str, ...] = field(default=())
    """Files with an author's edits that `--force` replaced."""

    def count(self, outcome: Outcome) -> int:
        return sum(1 for item in self.items if item.outcome is outcome)

    @property
    def percentage(self) -> float:
        """The share of the package that is in the folder; 100.0 only when all of it is."""
        if not self.items:
            return 100.0
        kept = len(self.items) - self.count(Outcome.DROPPED)
        return 100.0 if kept == len(self.items) else min(99.9, round(100 * kept / len(self.items), 1))

    def to_json(self) -> dict[str, object]:
        """The result as JSON: counts, and every item that is not simply converted."""
        return {
            "package": self.package,
            "importer": self.importer,
            "course": self.course,
            "blocks": dict(self.blocks),
            "converted": self.count(Outcome.CONVERTED),
            "verbatim": self.count(Outcome.VERBATIM),
            "dropped": self.count(Outcome.DROPPED),
            "percentage": self.percentage,
            "files": self.files,
            "items": [
                {
                    "what": item.what,
                    "outcome": str(item.outcome),
                    "source": item.source,
                    "target": item.target,
                    "why": item.why,
                }
                for item in self.items
                if item.outcome is not Outcome.CONVERTED
            ],
            "changed": len(self.changed),
            "kept": list(self.kept),
            "conflicts": list(self.conflicts),
            "replaced": list(self.replaced),
            "findings": [finding.to_json() for finding in self.findings],
        }


def import_package(source: Path, destination: Path, *, options: ImportOptions | None = None) -> ImportResult:
    """Read the package at `source` (a folder or an archive) into the course folder `destination`.

    The folder comes into being whole or not at all; with `merge` or `force` each file does. Raises PackageError when the
    package cannot be read, SourceError when the folder is there and nothing says what to do with it.
    """
    options = options or ImportOptions()
    check_destination(destination, options)
    with open_package(source) as package, scratch_folder() as scratch:
        name, imported = read_package(package, options, source, scratch)
        imported.findings.extend(package.findings)
        return write_course(package.name, name, imported, destination, options)


def check_destination(destination: Path, options: ImportOptions) -> None:
    """Raises SourceError when the folder is there and nothing says what to do with it."""
    if destination.exists() and not (options.merge or options.force) and not _is_empty(destination):
        finding = Diagnostic(EXISTS, f"{destination} is there already", None, EXISTS.remedy, Severity.ERROR)
        raise SourceError(finding.message, [finding], EXISTS.remedy)


def write_course(
    package: str, importer: str, imported: Imported, destination: Path, options: ImportOptions
) -> ImportResult:
    """Write what was read as a course folder, while its files can be read. Raises SourceError when that cannot be done."""
    folder = folder_of(imported.course)
    contents = _contents(folder)
    if destination.exists() and not _is_empty(destination):
        written = _merge(destination, contents, package, force=options.force)
    else:
        written = _write_new(destination, contents, package)
    return _result(package, importer, imported, folder, written)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for what a reader makes. Raises SourceError when there can be none."""
    try:
        with tempfile.TemporaryDirectory(prefix="authoring-import-") as folder:
            yield Path(folder)
    except OSError as error:
        message = f"there is no room in {tempfile.gettempdir()}: {error.strerror or error}"
        raise SourceError(message, hint="make room on the disk, or let TMPDIR name a folder on a larger one") from error


def read_package(package: Package, options: ImportOptions, source: Path, scratch: Path) -> tuple[str, Imported]:
    """The course that the open package from `source` holds, and the name of the reader that knew it.

    What the reader makes is in the folder `scratch`.
    """
    known = importers()
    reading = ReadOptions(scratch, options.shape, options.explode, options.course, source)
    if options.importer is not None and options.importer not in known:
        raise AuthoringError(f"there is no importer {options.importer!r}", f"known: {', '.join(known)}")
    for name, importer in known.items():
        if options.importer not in (None, name):
            continue
        roots = importer.roots(package)
        if not roots:
            continue
        return name, importer.read(package, _choose(package, roots, options.root), reading)
    titles = ", ".join(importer.title for importer in known.values())
    message = f"{package.name}: nothing in it that can be read"
    raise PackageError(message, hint=f"it must hold one of: {titles}")


def _choose(package: Package, roots: tuple[PurePosixPath, ...], wanted: str | None) -> PurePosixPath:
    if wanted is not None:
        for root in roots:
            if str(root) == wanted.strip("/"):
                return root
        raise PackageError(f"{package.name}: there is no course at {wanted!r}", hint=f"there are: {_listed(roots)}")
    if len(roots) > 1:
        message = f"{package.name} holds {len(roots)} courses"
        raise PackageError(message, hint=f"choose one with --root: {_listed(roots)}")
    return roots[0]


def _listed(roots: Iterable[PurePosixPath]) -> str:
    names = [str(root) for root in roots]
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


# --- writing


@dataclass(slots=True)
class _Written:
    changed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    files: int = 0


def _contents(folder: Folder) -> dict[str, bytes | Path]:
    contents: dict[str, bytes | Path] = {
        str(path): text.encode("utf-8", "surrogatepass") for path, text in folder.texts.items()
    }
    contents.update({str(path): file for path, file in folder.copies.items()})
    return dict(sorted(contents.items()))


def put_folder(destination: Path, folder: Folder) -> None:
    """Write a folder that is not there yet, whole or not at all. Raises SourceError."""
    _write_new(destination, _contents(folder), None)


def _write_new(destination: Path, contents: Mapping[str, bytes | Path], package: str | None) -> _Written:
    """With a `package` the folder remembers what was imported of it."""
    partial = destination.with_name(f".{destination.name}.{secrets.token_hex(4)}.part")
    try:
        for path, content in contents.items():
            _put(partial / path, content)
        if package is not None:
            digests = {path: _digest(content) for path, content in contents.items()}
            _put(partial / RECORD, _record(package, digests))
        if destination.exists():
            destination.rmdir()
        partial.rename(destination)
    except OSError as error:
        raise SourceError(f"{destination} cannot be written: {error.strerror or error}", hint=NOT_WRITTEN) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return _Written(changed=list(contents), files=len(contents))


def _merge(destination: Path, contents: Mapping[str, bytes | Path], package: str, *, force: bool) -> _Written:
    """Write what is new, leave what the author changed; with `force`, write everything and say what was replaced."""
    recorded = _read_record(destination)
    result = _Written(files=len(contents))
    digests: dict[str, str] = {}
    try:
        for path, content in contents.items():
            digests[path] = new = _digest(content)
            target = destination / path
            old = recorded.get(path)
            present = _digest(target) if target.is_file() else None
            if present == new:
                continue
            edited = (present is not None and present != old) or (present is None and old is not None)
            if edited and not force:
                if old == new:
                    result.kept.append(path)
                else:
                    result.conflicts.append(path)
                    _put(destination / CONFLICTS / path, content)
                continue
            if edited:
                result.replaced.append(path)
            _put(target, content)
            result.changed.append(path)
        for path in recorded.keys() - contents.keys():
            target = destination / path
            if not target.is_file():
                continue
            if _digest(target) == recorded[path]:
                target.unlink()
                result.changed.append(path)
            else:
                result.kept.append(path)
        _put(destination / RECORD, _record(package, digests))
    except OSError as error:
        raise SourceError(f"{destination} cannot be written: {error.strerror or error}", hint=NOT_WRITTEN) from error
    for names in (result.changed, result.kept, result.conflicts, result.replaced):
        names.sort()
    return result


def _put(target: Path, content: bytes | Path) -> None:
    """A file that is there whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        if isinstance(content, Path):
            shutil.copyfile(content, partial)
        else:
            partial.write_bytes(content)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _digest(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _record(package: str, digests: Mapping[str, str]) -> bytes:
    document = {"format": 1, "package": package, "files": dict(sorted(digests.items()))}
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _read_record(destination: Path) -> dict[str, str]:
    """What the last import wrote; empty when nothing is known, and then every file counts as the author's."""
    try:
        found = json.loads((destination / RECORD).read_text("utf-8"))
        return {str(path): str(digest) for path, digest in found["files"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        message = f"{destination / RECORD} cannot be read: {error}"
        raise SourceError(message, hint="take it back from version control, or remove it") from error


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and next(folder.iterdir(), None) is None


# --- the account


def _result(package: str, name: str, imported: Imported, folder: Folder, written: _Written) -> ImportResult:
    course = imported.course
    findings = Diagnostics(imported.findings)
    for unequal in folder.unequal:
        parts = ", ".join(unequal.parts)
        findings.report(UNEQUAL, f"{unequal.key}: not exactly as it was ({parts})", None)
    findings.extend(finding for finding in folder.findings if finding.severity is not Severity.INFO)
    return ImportResult(
        package=package,
        importer=name,
        course=str(course.id),
        blocks=dict(sorted(Counter(block.category for block in course.blocks()).items())),
        items=tuple(account(imported, folder)),
        findings=findings.sorted(),
        files=written.files,
        changed=tuple(written.changed),
        kept=tuple(written.kept),
        conflicts=tuple(written.conflicts),
        replaced=tuple(written.replaced),
    )


def account(imported: Imported, folder: Folder) -> Iterator[Item]:
    """What became of every block, page, file and draft of a package."""
    course = imported.course
    unequal = {item.key: item for item in folder.unequal}
    for block in course.blocks():
        yield _block_item(block, folder, unequal.get(block.key) is not None)
    for asset in course.assets:
        yield Item(f"file {asset.name}", Outcome.CONVERTED, _place(asset.source), str(asset.path))
    for draft in course.drafts:
        why = "a version that was not published: only an OLX export carries it"
        yield Item(f"draft {draft.block.key}", Outcome.VERBATIM, _place(draft.block.source), "_drafts/", why)
    for key in course.policies:
        why = "settings of a block that the package does not hold"
        yield Item(f"policy {key}", Outcome.VERBATIM, None, "course.yaml", why)
    for file in course.files:
        why = "no part of the course: only an OLX export carries it"
        yield Item(f"file {file.path}", Outcome.VERBATIM, str(file.path), f"_olx/{file.path}", why)
    for lost in imported.lost:
        yield Item(lost.what, Outcome.DROPPED, str(lost.path) if lost.path else None, None, lost.why)


def _block_item(block: Block, folder: Folder, is_unequal: bool) -> Item:
    source, target = _place(block.source), folder.places.get(block.key)
    what = str(block.key)
    if is_unequal:
        return Item(what, Outcome.DROPPED, source, target, "the folder cannot say all of it")
    way = folder.ways.get(block.key, Way.DIRECTIVE)
    if target is not None and target.endswith(".html"):
        return Item(what, Outcome.VERBATIM, source, target, _HTML_WHY)
    if way in (Way.MARKDOWN, Way.DIRECTIVE) and not (block.category == "html" and way is Way.DIRECTIVE):
        return Item(what, Outcome.CONVERTED, source, target)
    return Item(what, Outcome.VERBATIM, source, target, _why(block, way))


_HTML_WHY = "HTML that no Markdown renders to"


def _why(block: Block, way: Way) -> str:
    if block.category == "html" and way in (Way.DIRECTIVE, Way.HTML):
        return _HTML_WHY
    if spec(block.category) is None:
        return f"a block of a kind that nobody here knows: {block.category}"
    if "x-is-pointer-node" in block.extra.attributes:
        return "a pointer to a definition that is not there, that cannot be read, or that stands elsewhere"
    if block.category == "problem" and way is Way.OLX:
        return "a problem that Studio's Markdown cannot say"
    if way is Way.FILE:
        return "it stands where a course folder has no place for its kind, so the whole part is a file of OLX"
    return "it says something that a directive cannot"


def _place(where: SourceLocation | None) -> str | None:
    return str(where) if where is not None else None


def course_of(source: Path, options: ImportOptions | None = None) -> tuple[Course, tuple[Diagnostic, ...]]:
    """The course of a package, to look at; its files cannot be read afterwards."""
    with open_package(source) as package, scratch_folder() as scratch:
        _, imported = read_package(package, options or ImportOptions(), source, scratch)
        return imported.course, imported.findings.sorted()

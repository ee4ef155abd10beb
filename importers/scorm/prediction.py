"""What the platform's SCORM block will make of a package when it is uploaded, and where that is not what was meant.

The block is simpler than the standard: the first manifest in the order of the zip makes the root, the first resource with
an href is the index page, and its parser is strict. `predict` takes the same steps on the same bytes with the same parser,
so that it agrees to the letter; a test runs the real block beside it. Then it compares with what the package means.

Source: openedx-scorm-xblock 19.0.5, openedxscorm/scormxblock.py: `extract_package`, `update_package_fields`,
`find_titles_recursively`, `find_file_path`. Django: Storage.save, validate_file_name (back slashes, `..`).
"""

from __future__ import annotations

import io
import posixpath
import re
import xml.etree.ElementTree as ET  # the parser of the block; entities are refused before it is called
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from xml.parsers import expat

from authoring.archives import Package, PackageError
from authoring.diagnostics import Diagnostics, Severity, define
from authoring.model import SourceLocation
from importers.scorm.elements import MAX_XML
from importers.scorm.locate import MANIFEST_NAME, Locator, is_external
from importers.scorm.package import ScormPackage, read_package

SCORM_UPLOAD_FAILS = define(
    "scorm-upload-fails",
    Severity.ERROR,
    "The platform will not take the SCORM package as it is: a server error, or an error inside a success.",
    "let the package be packed again (it is done by itself where the manifest can be read), or mend it",
)
SCORM_WRONG_START = define(
    "scorm-wrong-start",
    Severity.WARNING,
    "The platform starts the SCORM package with another page than its first item does, or with one that is not there.",
    "let the package be packed again, with what is launched as its first resource",
)
SCORM_WRONG_VERSION = define(
    "scorm-wrong-version",
    Severity.WARNING,
    "The platform takes the SCORM package for another version: its pages look for another API, and no score arrives.",
    "let the package be packed again; schemaversion must be exactly 1.2, or the name of an edition of 2004",
)
SCORM_NO_PAGE = define(
    "scorm-no-page",
    Severity.WARNING,
    "The page with which the SCORM package starts is not in the package.",
    "export the package again, with all its files",
)
SCORM_UNREACHED = define(
    "scorm-unreached",
    Severity.WARNING,
    "The platform starts one page of a SCORM package; what else it holds is reached only from there.",
    "import it as a course, one unit for each SCO; the block does no sequencing between them",
)
SCORM_LEFT_BEHIND = define(
    "scorm-left-behind",
    Severity.WARNING,
    "The platform does not unpack all files that the SCORM package needs.",
    "let the package be packed again, with the manifest at its top",
)

_MAX_DEPTH = 400
"""Items within items. The block recurses by a frame for each, under the limit of 1000 that it shares with Studio."""


class Outcome(StrEnum):
    """How the block answers the upload."""

    ACCEPTED = "accepted"
    """`{"result": "success", "errors": []}`; the index page is set, whether or not it exists."""
    ERRORS = "success with errors"
    """`{"result": "success", "errors": [...]}`: a failure that looks like a success."""
    EXCEPTION = "server error"
    """An exception nobody catches. The files of the package before it are gone already."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the block makes of the package. Paths and URLs are relative to `root` where they come from the manifest."""

    outcome: Outcome
    manifest: str | None = None
    """Name of the manifest in the zip."""
    root: str | None = None
    index_page: str | None = None
    """The block's field `index_page_path`, with its query string."""
    scorm_version: str | None = None
    """The block's field `scorm_version`: `SCORM_12` or `SCORM_2004`."""
    extracted: frozenset[str] = frozenset()
    """The files that it unpacks, below the root."""
    errors: tuple[str, ...] = ()
    """What it says in `errors`."""
    exception: str | None = None
    """Why it raises, in words."""
    problems: Diagnostics = field(default_factory=Diagnostics, compare=False)
    """Where this is not what the package means."""

    @property
    def goes_wrong(self) -> bool:
        """Whether the package should be packed again before it is uploaded."""
        mended = (SCORM_UPLOAD_FAILS, SCORM_WRONG_START, SCORM_WRONG_VERSION, SCORM_LEFT_BEHIND)
        return any(problem.code in mended for problem in self.problems)


class _BlockError(Exception):
    """`ScormError` of the block, which ends in `errors`."""


class _Raises(Exception):
    """Anything else that the block raises."""


def member_names(path: Path) -> tuple[str, ...]:
    """The names in a zip as the block sees them: in order, with back slashes, folders and what is listed twice.

    Raises PackageError when the file is no zip.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(info.filename for info in archive.infolist())
    except (zipfile.BadZipFile, OSError) as error:
        raise PackageError(f"{path.name}: it is not a zip: {error}", (), "pack it as a zip") from error


def predict(package: Package, names: Sequence[str] | None = None, meant: ScormPackage | None = None) -> Prediction:
    """What the block makes of the package, with `problems`.

    `names` are the `member_names` of the zip that is uploaded; without them, the files of the package in its order. `meant`
    saves reading the package a second time. Never raises for what is in the package: what cannot be read is a prediction too.
    """
    names = tuple(map(str, package.files)) if names is None else names
    manifest = root = None
    extracted: frozenset[str] = frozenset()
    index = version = None
    outcome = Outcome.ACCEPTED
    errors: tuple[str, ...] = ()
    exception = None
    try:
        manifest = _first_manifest(names)
        root = posixpath.dirname(manifest)
        in_order = tuple(dict.fromkeys(_extracted(names, root)))
        extracted = frozenset(in_order)
        if (path := _path(package, manifest)) not in package.files:
            raise _Raises(f"the manifest {manifest} cannot be found again by its name")
        index, version = _fields(package.read(path, MAX_XML), in_order)
    except _BlockError as error:
        outcome, errors = Outcome.ERRORS, (str(error),)
    except (_Raises, PackageError) as error:
        outcome, exception = Outcome.EXCEPTION, str(error)
    prediction = Prediction(outcome, manifest, root, index, version, extracted, errors, exception)
    _compare(prediction, package, meant)
    return prediction


def _path(package: Package, name: str) -> PurePosixPath:
    """The file of the package that the block calls `name`: without the zip's mark for UTF-8, it reads names as cp437."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path in package.files:
        return path
    try:
        return PurePosixPath(name.encode("cp437").decode().replace("\\", "/"))
    except UnicodeError:
        return path


def _first_manifest(names: Iterable[str]) -> str:
    """The first in the zip: the block means to prefer a shallower one, but `len(os.path.split(name))` is always 2."""
    found = next((name for name in names if posixpath.basename(name) == MANIFEST_NAME), None)
    if found is None:
        raise _BlockError(f"Could not find '{MANIFEST_NAME}' file in the scorm package")
    return found


def _extracted(names: Iterable[str], root: str) -> Iterator[str]:
    """What is unpacked, by names relative to the root. A root is compared by its letters, so `a` takes in `ab/` too."""
    for name in names:
        if name.startswith(root) and not name.endswith(("/", "\\")):
            stored = posixpath.relpath(name, root or ".").replace("\\", "/")
            if ".." in stored.split("/"):
                raise _Raises(f"{name} begins like the folder {root} but is not in it; its path is refused")
            yield stored


def _fields(data: bytes, extracted: Sequence[str]) -> tuple[str, str]:
    """The fields `index_page_path` and `scorm_version`."""
    root, namespace = _parse(data)
    prefix = "{" + namespace + "}" if namespace else ""
    resource = root.find(f"{prefix}resources/{prefix}resource[@href]")
    version = root.find(f"{prefix}metadata/{prefix}schemaversion")
    for organization in root.findall(f"{prefix}organizations/{prefix}organization"):
        _check_titles(organization, prefix, root)
    index = resource.get("href", "") if resource is not None else _find_file("index.html", extracted)
    if version is not None and version.text is None:
        raise _Raises("schemaversion is empty")
    is_2004 = version is not None and re.match("^1.2$", version.text or "") is None
    return index, "SCORM_2004" if is_2004 else "SCORM_12"


def _parse(data: bytes) -> tuple[ET.Element, str]:
    """The tree, and the first default namespace in the document, wherever that is declared."""
    try:
        _refuse_bombs(data)
        root = ET.fromstring(data)  # noqa: S314
        events = ET.iterparse(io.BytesIO(data), events=["start-ns"])  # noqa: S314
        namespace = next((str(pair[1]) for _, pair in events if pair[0] == ""), "")
    except (ET.ParseError, expat.ExpatError, ValueError, LookupError) as error:
        raise _Raises(f"the manifest is not well-formed XML: {error}") from error
    return root, namespace


def _refuse_bombs(data: bytes) -> None:
    """Raise when the entities that a document defines would expand beyond what is read of any file."""
    values: dict[str, str] = {}
    parser = expat.ParserCreate()

    def declared(name: str, _parameter: bool, value: str | None, *_: object) -> None:
        values.setdefault(name, value or "")

    parser.EntityDeclHandler = declared
    parser.DefaultHandler = lambda _: None  # with it, expat reports references and does not expand them
    parser.Parse(data, True)
    sizes: dict[str, int] = {}
    for name, value in values.items():
        # Expat lets an entity refer only to what is declared, later ones among it; those count as if they were whole.
        inner = sum(sizes.get(found, MAX_XML if found in values else 0) for found in re.findall("&([^;#&]+);", value))
        sizes[name] = len(value) + inner
    if max(sizes.values(), default=0) * data.count(b"&") > MAX_XML:
        raise _Raises("the entities that the manifest defines are a bomb")


def _check_titles(element: ET.Element, prefix: str, root: ET.Element, depth: int = 0) -> None:
    """Every title the navigation menu takes; an item is visited only with `isvisible="true"` written out."""
    name = f"{element.tag.removeprefix(prefix)} {element.get('identifier')!r}"
    if depth > _MAX_DEPTH:
        raise _Raises(f"items nest deeper than {_MAX_DEPTH}")
    title = element.find(f"{prefix}title")
    if title is None:
        raise _Raises(f"the {name} has no title")
    if title.text is None:
        raise _Raises(f"the title of the {name} is empty")
    if reference := element.get("identifierref"):
        try:
            resource = root.find(f"{prefix}resources/{prefix}resource[@identifier='{reference}']")
        except SyntaxError as error:
            raise _Raises(f"the {name} refers to {reference!r}, in which a quote upsets the search") from error
        if resource is None:
            raise _Raises(f"the {name} refers to {reference!r}, which is no resource")
    for item in element.findall(f"{prefix}item"):
        if item.get("isvisible") == "true":
            _check_titles(item, prefix, root, depth + 1)


def _find_file(name: str, extracted: Sequence[str]) -> str:
    """The first such file, folder by folder, files before subfolders, which are taken in the order in which they came.

    On a disk the subfolders come in the order of the file system: where that matters, `_compare_start` says so.
    """
    if name in extracted:
        return name
    folders: dict[str, list[str]] = {}
    for path in extracted:
        folder, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(folder, []).append(rest)
    for folder, inside in folders.items():
        try:
            return f"{folder}/{_find_file(name, inside)}"
        except _BlockError:
            continue
    raise _BlockError(f"Invalid package: could not find '{name}' file")


# --- what was meant


def _compare(prediction: Prediction, package: Package, meant: ScormPackage | None) -> None:
    problems = prediction.problems
    path = _path(package, prediction.manifest) if prediction.manifest is not None else PurePosixPath(package.name)
    where = SourceLocation(path)
    if prediction.outcome is not Outcome.ACCEPTED:
        why = prediction.exception or "; ".join(prediction.errors)
        answer = "answers with a server error" if prediction.exception else "answers success, with an error"
        problems.report(SCORM_UPLOAD_FAILS, f"the platform {answer}: {why}", where)
    if meant is None:
        try:
            meant = read_package(package)
        except PackageError:
            return
    if prediction.manifest is not None and path != meant.manifest.path:
        message = f"the platform takes {path}, the first in the zip, for the manifest, not {meant.manifest.path}"
        problems.report(SCORM_WRONG_START, message, where)
    if prediction.outcome is Outcome.ACCEPTED:
        _compare_start(prediction, meant, where)
        _compare_version(prediction, meant)
    _compare_files(prediction, meant)
    if len(meant.scos) > 1:
        message = f"the package has {len(meant.scos)} SCOs; the platform starts {prediction.index_page or 'none'}"
        problems.report(SCORM_UNREACHED, message, SourceLocation(meant.manifest.path))


def _compare_start(prediction: Prediction, meant: ScormPackage, where: SourceLocation) -> None:
    problems = prediction.problems
    index = prediction.index_page or ""
    if is_external(index):
        problems.report(
            SCORM_WRONG_START, f"the index page {index} is elsewhere on the web, where no block leads", where
        )
        return
    candidates = [name for name in prediction.extracted if posixpath.basename(name) == "index.html"]
    has_href = any(resource.href for resource in meant.manifest.resources)
    if not has_href and len(candidates) > 1 and "index.html" not in candidates:
        message = f"no resource has an href, so the platform starts one of {len(candidates)} pages called index.html"
        problems.report(SCORM_WRONG_START, message, where)
        return
    page = Locator(map(PurePosixPath, prediction.extracted), PurePosixPath())
    first = meant.scos[0] if meant.scos else None
    if not page.is_spelled_right(index.replace("\\", "/")):
        code = SCORM_NO_PAGE if first is None or first.page is None else SCORM_WRONG_START
        problems.report(code, f"the index page is {index!r}, which is not in the package", where)
    elif first is not None and _plain(index) != _plain(first.launch):
        message = f"the platform starts with {index}; the first item, {first.title!r}, is {first.launch}"
        problems.report(SCORM_WRONG_START, message, SourceLocation(meant.manifest.path, first.item.line))


def _plain(url: str) -> str:
    path, mark, query = url.replace("\\", "/").partition("?")
    return posixpath.normpath(path) + mark + query


def _compare_version(prediction: Prediction, meant: ScormPackage) -> None:
    edition = meant.edition
    is_known = edition.is_2004 or edition.name == "SCORM_12"
    if is_known and edition.is_2004 != (prediction.scorm_version == "SCORM_2004"):
        text = meant.manifest.version_text
        said = f"schemaversion {text!r}" if text else "no schemaversion where the block looks for it"
        message = f"the platform takes it for {prediction.scorm_version}: it has {said}, and is {edition}"
        prediction.problems.report(SCORM_WRONG_VERSION, message, SourceLocation(meant.manifest.path))


def _compare_files(prediction: Prediction, meant: ScormPackage) -> None:
    if prediction.root is None:
        return
    root = PurePosixPath(prediction.root.replace("\\", "/"))
    unpacked = {root / name for name in prediction.extracted}
    needed = sorted({path for sco in meant.scos for path in sco.files} - unpacked)
    if needed and prediction.exception is None:
        message = f"{len(needed)} files that the package needs are not unpacked under their names, such as {needed[0]}"
        prediction.problems.report(SCORM_LEFT_BEHIND, message, SourceLocation(needed[0]))

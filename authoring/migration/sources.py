"""SOURCE… -> packages: files, folders that are packages, and what stands below other folders, globs and URLs.

Sizes are read here because they make the estimate of the run; digests are not, they are the workers' business.
Names of course folders are chosen here, so that they do not depend on the order in which packages are met.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from authoring.errors import AuthoringError
from authoring.migration.locations import Remote, locate, reaching

SUFFIXES = (".tar.gz", ".tgz", ".zip", ".imscc", ".mbz")
"""What a package's file name ends with, when it is looked for in a folder. A file that is named is taken as it is."""

MANIFESTS = frozenset({"course.xml", "library.xml", "imsmanifest.xml"})
"""A folder with one of these is an unpacked package."""

_TELLS_NOTHING = frozenset({"course", "library"})
"""Names of the one folder inside an archive that Studio exports: the folder around it says more."""

_OWN_FILES = frozenset(name + end for name in ("migration.jsonl", "report.json", "report.md") for end in ("", ".new"))
"""What the migration writes beside the course folders."""

_LONGEST = 200
"""Bytes of a name, which leave room for digests below the 255 that file systems take."""

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """Something to migrate: its absolute path or URL, and its size in bytes as far as it is known."""

    source: str
    size: int = 0


def find_packages(sources: Iterable[str], *, leave_out: Path | None = None) -> tuple[Package, ...]:
    """All packages that `sources` name, each once, by source.

    `leave_out` is a folder that is not looked into: the destination, which may stand inside a source.
    Raises AuthoringError for a source that does not exist or holds no package.
    """
    found: set[Package] = set()
    for text in sources:
        place = locate(text)
        here = set(_remote(place) if isinstance(place, Remote) else _local(place, leave_out))
        if not here:
            raise AuthoringError(
                f"{text}: no packages here",
                f"a package is a file ending in {', '.join(SUFFIXES)}, or a folder with {', '.join(sorted(MANIFESTS))}",
            )
        found |= here
    return tuple(sorted(found))


def _local(place: Path, leave_out: Path | None) -> Iterator[Package]:
    if place.exists():
        yield from _below(place, leave_out)
    elif glob.has_magic(str(place)):
        for match in glob.glob(str(place), recursive=True):  # noqa: PTH207 - the pattern is absolute, which Path.glob refuses
            yield from _below(Path(match), leave_out)
    else:
        raise AuthoringError(f"{place}: no such file or folder")


def _below(place: Path, leave_out: Path | None) -> Iterator[Package]:
    if not place.is_dir():
        yield Package(str(place), _size(place))
        return
    excluded = None if leave_out is None else leave_out.resolve()
    for folder, folders, files in os.walk(place):
        path = Path(folder)
        if excluded is not None and path.resolve() == excluded:
            folders.clear()
        elif MANIFESTS.intersection(files):
            folders.clear()
            yield Package(str(path), sum(map(_size, path.rglob("*"))))
        else:
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in files:
                if _is_package_file(name):
                    yield Package(str(path / name), _size(path / name))


def _size(path: Path) -> int:
    """For the estimate only: what cannot be read (a link that leads nowhere) fails later, as one package."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _is_package_file(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _remote(place: Remote) -> Iterator[Package]:
    filesystem = place.filesystem
    with reaching(place.url(place.path)):
        matches = filesystem.glob(place.path) if glob.has_magic(place.path) else [place.path]
        for match in matches:
            if filesystem.isfile(match):
                yield Package(place.url(match), int(filesystem.size(match) or 0))
            else:
                yield from _remote_below(place, match)


def _remote_below(place: Remote, folder: str) -> Iterator[Package]:
    listing: Mapping[str, Mapping[str, object]] = place.filesystem.find(folder, detail=True)
    sizes = {path: int(str(info.get("size") or 0)) for path, info in listing.items()}
    candidates = {str(PurePosixPath(path).parent) for path in sizes if PurePosixPath(path).name in MANIFESTS}
    packages = {one for one in candidates if not any(str(up) in candidates for up in PurePosixPath(one).parents)}
    inside: dict[str, int] = defaultdict(int)
    for path, size in sizes.items():
        owner = next((str(up) for up in PurePosixPath(path).parents if str(up) in packages), None)
        if owner is not None:
            inside[owner] += size
        elif _is_package_file(PurePosixPath(path).name):
            yield Package(place.url(path), size)
    for package, size in inside.items():
        yield Package(place.url(package), size)


def name_packages(packages: Collection[Package], taken: Mapping[str, str]) -> dict[str, str]:
    """source -> name of its course folder, each unique without regard to case.

    `taken` are the names given before (the journal's): a source keeps its own, so that one more package of the same
    name renames nobody. Newcomers that clash all get a digest of their source, whatever the order.
    """
    names = {package.source: taken[package.source] for package in packages if package.source in taken}
    used = {name.casefold() for name in taken.values()} | _OWN_FILES
    wanted: dict[str, list[str]] = defaultdict(list)
    for package in packages:
        if package.source not in names:
            wanted[readable_name(package.source)].append(package.source)
    crowded: dict[str, int] = defaultdict(int)
    for name, sources in wanted.items():
        crowded[name.casefold()] += len(sources)
    for name, sources in wanted.items():
        alone = crowded[name.casefold()] == 1 and name.casefold() not in used
        for source in sources:
            names[source] = (
                name if alone else f"{name}-{hashlib.sha256(source.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
            )
    return names


def readable_name(source: str) -> str:
    """The package's own name, fit for a folder on every system."""
    path = PurePosixPath(source.replace("\\", "/"))
    stem = path.name
    for suffix in SUFFIXES:
        if stem.lower().endswith(suffix) and len(stem) > len(suffix):
            stem = stem[: -len(suffix)]
            break
    if stem in _TELLS_NOTHING and path.parent.name:
        stem = path.parent.name
    name = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", stem))
    name = re.sub(r"-{2,}", "-", name).encode()[:_LONGEST].decode("utf-8", "ignore").strip("-._")
    return f"course-{name}" if _RESERVED.match(name) else name or "course"

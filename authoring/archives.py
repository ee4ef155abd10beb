"""Packages opened within bounds: a folder, a zip or a tar in, its files by name out.

An archive is unpacked by streaming into a temporary folder, member by member, under names that this module has checked;
nothing is ever written outside that folder, and memory does not grow with the size of a member. What is harmless but odd
(back slashes, a member listed twice) is a finding; what is dangerous or broken is a `PackageError` that names the member.

Sources: Open edX: openedx/core/lib/extract_archive.py (what the platform's import refuses).
"""

from __future__ import annotations

import os
import re
import stat
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from authoring.diagnostics import Code, Diagnostic, Diagnostics, Severity, define
from authoring.errors import SourceError
from authoring.model import SourceLocation

UNSAFE_PACKAGE = define(
    "unsafe-package",
    Severity.ERROR,
    "A package that must not be unpacked: it would write outside its folder, or fill the disk.",
    "make the package anew with the tool that it comes from; do not open it with other tools",
)
BROKEN_PACKAGE = define(
    "broken-package",
    Severity.ERROR,
    "A package that cannot be read.",
    "download or export it again; it must be a folder, a .zip or a .tar.gz",
)
ODD_PACKAGE = define(
    "odd-package",
    Severity.WARNING,
    "A package with a member that was read in spite of what is odd about it.",
    "nothing; or make the package anew",
)

CHUNK = 1 << 20
MIN_BOMB = 100 * 2**20
"""Output below this is never taken for a bomb, whatever its ratio."""

_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_UTF8_FLAG = 0x800
_ENCRYPTED_FLAG = 0x1

Progress = Callable[[int], None]
"""Called with the number of bytes unpacked since the last call."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a package may cost. Sizes in bytes."""

    members: int = 100_000
    total: int = 20 * 2**30
    file: int = 5 * 2**30
    ratio: int = 1000
    """Unpacked to packed size, looked at above 100 MB of output."""
    depth: int = 40
    path: int = 1000


class PackageError(SourceError):
    """The package cannot, or must not, be opened."""


@dataclass(frozen=True, slots=True)
class PackageFile:
    """One file of a package; `file` is where its bytes can be read while the package is open."""

    path: PurePosixPath
    size: int
    file: Path


@dataclass(frozen=True, slots=True)
class Package:
    """An open package. `files` are in the order of the archive; `findings` say what was odd about it."""

    name: str
    files: Mapping[PurePosixPath, PackageFile]
    findings: Diagnostics = field(default_factory=Diagnostics)

    def read(self, path: PurePosixPath, limit: int = 200 * 2**20) -> bytes:
        """The content of a file. Raises KeyError when there is none, PackageError when it is larger than `limit`."""
        found = self.files[path]
        if found.size > limit:
            message = f"{path} is {found.size:,} bytes; at most {limit:,} are read"
            raise _error(self.name, UNSAFE_PACKAGE, message, path)
        return found.file.read_bytes()

    def below(self, folder: PurePosixPath) -> Iterator[PackageFile]:
        """The files in a folder of the package and in all below it."""
        prefix = "" if str(folder) == "." else f"{folder}/"
        for path, found in self.files.items():
            if str(path).startswith(prefix):
                yield found


@contextmanager
def open_package(path: Path, limits: Limits | None = None, *, progress: Progress | None = None) -> Iterator[Package]:
    """The package at `path`; its files can be read until the context ends. Raises PackageError."""
    limits = limits or Limits()
    if path.is_dir():
        yield _read_folder(path, limits)
        return
    if not path.is_file():
        raise _error(path.name, BROKEN_PACKAGE, "there is no such file or folder", None)
    with tempfile.TemporaryDirectory(prefix="authoring-package-") as folder:
        unpacker = _Unpacker(path, Path(folder), limits, progress)
        try:
            unpacker.unpack()
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError, NotImplementedError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                message = f"cannot be unpacked: {error.strerror or error}"
                raise _error(path.name, BROKEN_PACKAGE, message, None, "make room on the disk") from error
            message = f"damaged or cut short: {error}" if str(error) else "damaged or cut short"
            raise _error(path.name, BROKEN_PACKAGE, message, None) from error
        yield Package(path.name, unpacker.files, unpacker.findings)


def _error(
    package: str, code: Code, message: str, member: PurePosixPath | None, hint: str | None = None
) -> PackageError:
    hint = hint or code.remedy
    where = SourceLocation(member) if member is not None else None
    finding = Diagnostic(code, message, where, hint, Severity.ERROR)
    return PackageError(f"{package}: {message}", [finding], hint)


def _read_folder(path: Path, limits: Limits) -> Package:
    files: dict[PurePosixPath, PackageFile] = {}
    findings = Diagnostics()
    real = path.resolve()
    for folder, names, found in os.walk(path):
        names[:] = sorted(name for name in names if not name.startswith(".git"))
        for name in list(names):
            inner = Path(folder, name)
            if inner.is_symlink():
                names.remove(name)
                member = PurePosixPath(inner.relative_to(path).as_posix())
                findings.report(ODD_PACKAGE, "a symbolic link to a folder is not followed", SourceLocation(member))
        for name in sorted(found):
            file = Path(folder, name)
            member = PurePosixPath(file.relative_to(path).as_posix())
            if name.startswith(".git"):
                continue
            if file.is_symlink() and not file.resolve().is_relative_to(real):
                raise _error(path.name, UNSAFE_PACKAGE, f"{member} is a link that leaves the folder", member)
            if not file.is_file():
                findings.report(ODD_PACKAGE, "neither a file nor a folder; left out", SourceLocation(member))
                continue
            if len(files) >= limits.members:
                raise _error(path.name, UNSAFE_PACKAGE, f"more than {limits.members:,} files", None)
            files[member] = PackageFile(member, file.stat().st_size, file)
    return Package(path.name, files, findings)


class _Unpacker:
    def __init__(self, archive: Path, folder: Path, limits: Limits, progress: Progress | None) -> None:
        self.archive = archive
        self.folder = folder
        self.limits = limits
        self.progress = progress
        self.findings = Diagnostics()
        self.files: dict[PurePosixPath, PackageFile] = {}
        self.total = 0
        self.members = 0
        self.written = 0
        self.packed = archive.stat().st_size
        self.names: dict[str, PurePosixPath] = {}

    def unpack(self) -> None:
        with self.archive.open("rb") as stream:
            start = stream.read(512)
        if start[:4] in (b"PK\x03\x04", b"PK\x05\x06") or zipfile.is_zipfile(self.archive):
            self._unpack_zip()
        elif _is_tar(self.archive, start):
            self._unpack_tar()
        else:
            raise self._refuse(BROKEN_PACKAGE, f"it is {_guess(start)}, not a .zip or .tar.gz", None)
        if not self.files:
            raise self._refuse(BROKEN_PACKAGE, "it holds no files", None)

    # --- zip

    def _unpack_zip(self) -> None:
        count = _zip_count(self.archive)
        if count is not None and count > self.limits.members:
            raise self._refuse(UNSAFE_PACKAGE, f"{count:,} members; at most {self.limits.members:,} are read", None)
        with zipfile.ZipFile(self.archive) as archive:
            for info in archive.infolist():
                self._count(info.filename)
                name = info.filename
                if not info.flag_bits & _UTF8_FLAG and not name.isascii():
                    self._odd(f"the name {name!r} is not in UTF-8; it was read in the encoding of old zip tools", None)
                if info.is_dir():
                    continue
                member = self._member(name)
                if info.flag_bits & _ENCRYPTED_FLAG:
                    hint = "pack it again without a password"
                    raise self._refuse(BROKEN_PACKAGE, f"{member} is locked with a password", member, hint)
                mode = info.external_attr >> 16
                if stat.S_ISLNK(mode):
                    raise self._refuse(UNSAFE_PACKAGE, f"{member} is a symbolic link", member)
                with archive.open(info) as source:
                    self._write(member, source)

    # --- tar

    def _unpack_tar(self) -> None:
        links: list[tuple[PurePosixPath, PurePosixPath]] = []
        with tarfile.open(self.archive, "r|*") as archive:
            for info in archive:
                self._count(info.name)
                if info.isdir():
                    continue
                member = self._member(info.name)
                if info.issym() or info.islnk():
                    links.append((member, self._link_target(member, info)))
                elif not info.isfile():
                    raise self._refuse(UNSAFE_PACKAGE, f"{member} is a device or a pipe", member)
                else:
                    source = archive.extractfile(info)
                    assert source is not None
                    self._write(member, source)
        for member, target in links:
            found = self.files.get(target)
            if found is None:
                self._odd(f"a link to {target}, which is not there or no file; left out", member)
                continue
            with found.file.open("rb") as source:
                self._write(member, source)
            self._odd(f"a link to {target}; read as a copy of it", member)

    def _link_target(self, member: PurePosixPath, info: tarfile.TarInfo) -> PurePosixPath:
        base = PurePosixPath() if info.islnk() else member.parent
        parts: list[str] = list(base.parts)
        if info.linkname.startswith("/"):
            raise self._refuse(UNSAFE_PACKAGE, f"{member} is a link to {info.linkname}", member)
        for part in PurePosixPath(info.linkname).parts:
            if part == "..":
                if not parts:
                    raise self._refuse(UNSAFE_PACKAGE, f"{member} is a link that leaves the package", member)
                parts.pop()
            else:
                parts.append(part)
        return PurePosixPath(*parts)

    # --- members

    def _count(self, name: str) -> None:
        self.members += 1
        if self.members > self.limits.members:
            message = f"more than {self.limits.members:,} members"
            raise self._refuse(UNSAFE_PACKAGE, message, None)
        if len(name) > self.limits.path:
            message = f"a name of {len(name):,} characters; at most {self.limits.path:,} are read"
            raise self._refuse(UNSAFE_PACKAGE, message, None)

    def _member(self, name: str) -> PurePosixPath:
        """The name checked and cleaned."""
        shown = name.encode("unicode_escape").decode("ascii")[:200]
        if "\x00" in name or any(unicodedata.category(char) in ("Cc", "Cs") for char in name):
            raise self._refuse(UNSAFE_PACKAGE, f"the name '{shown}' holds control characters", None)
        if "\\" in name:
            self._odd(f"the name '{shown}' has back slashes; they were read as slashes", None)
            name = name.replace("\\", "/")
        if name.startswith("/") or re.match(r"[A-Za-z]:", name):
            raise self._refuse(UNSAFE_PACKAGE, f"the name '{shown}' is absolute", None)
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise self._refuse(UNSAFE_PACKAGE, f"the name '{shown}' leaves the package", None)
        if not parts:
            raise self._refuse(BROKEN_PACKAGE, "a member without a name", None)
        member = PurePosixPath(*parts)
        if len(parts) > self.limits.depth:
            raise self._refuse(UNSAFE_PACKAGE, f"'{shown}' nests deeper than {self.limits.depth} folders", None)
        if any(_RESERVED.fullmatch(part) for part in parts):
            self._odd("a name that Windows cannot store", member)
        return member

    def _write(self, member: PurePosixPath, source: IO[bytes]) -> None:
        # Numbers, not names: no member's name ever becomes a path of this machine.
        self.written += 1
        target = self.folder / f"{self.written}"
        size = 0
        with target.open("xb") as sink:
            while chunk := source.read(CHUNK):
                size += len(chunk)
                self.total += len(chunk)
                self._check_size(member, size)
                sink.write(chunk)
                if self.progress is not None:
                    self.progress(len(chunk))
        self._register(member, PackageFile(member, size, target))

    def _check_size(self, member: PurePosixPath, size: int) -> None:
        limits = self.limits
        if size > limits.file:
            raise self._refuse(UNSAFE_PACKAGE, f"{member} is larger than {limits.file:,} bytes", member)
        if self.total > limits.total:
            raise self._refuse(UNSAFE_PACKAGE, f"it holds more than {limits.total:,} bytes", member)
        if self.total > MIN_BOMB and self.total > limits.ratio * self.packed:
            message = f"{self.packed:,} bytes unpack to more than {self.total:,}: a zip bomb"
            raise self._refuse(UNSAFE_PACKAGE, message, member)

    def _register(self, member: PurePosixPath, found: PackageFile) -> None:
        folded = unicodedata.normalize("NFC", str(member)).casefold()
        other = self.names.get(folded)
        if other is not None and other != member:
            same = "the same as" if _same(self.files[other].file, found.file) else "another file than"
            self._odd(f"{same} {other}, and one name with it on computers that do not tell case apart", member)
        elif other is not None:
            self._odd("it is listed twice; the last one counts", member)
        self.names[folded] = member
        self.files[member] = found

    def _odd(self, message: str, member: PurePosixPath | None) -> None:
        self.findings.report(ODD_PACKAGE, message, SourceLocation(member) if member is not None else None)

    def _refuse(self, code: Code, message: str, member: PurePosixPath | None, hint: str | None = None) -> PackageError:
        return _error(self.archive.name, code, message, member, hint)


def _same(first: Path, second: Path) -> bool:
    if first.stat().st_size != second.stat().st_size:
        return False
    with first.open("rb") as left, second.open("rb") as right:
        while chunk := left.read(CHUNK):
            if chunk != right.read(CHUNK):
                return False
    return True


def _is_tar(path: Path, start: bytes) -> bool:
    if start[:2] == b"\x1f\x8b" or start[:3] == b"BZh" or start[:6] == b"\xfd7zXZ\x00":
        return True
    try:
        with tarfile.open(path, "r:"):
            return True
    except (tarfile.TarError, OSError, EOFError):
        return False


def _zip_count(path: Path) -> int | None:
    """How many members a zip says it has, without reading the list of them."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 66_000))
        tail = stream.read()
    wide = tail.rfind(b"PK\x06\x06")
    if wide >= 0 and len(tail) >= wide + 40:
        return int.from_bytes(tail[wide + 32 : wide + 40], "little")
    end = tail.rfind(b"PK\x05\x06")
    return int.from_bytes(tail[end + 10 : end + 12], "little") if end >= 0 and len(tail) >= end + 12 else None


def _guess(start: bytes) -> str:
    text = start.lstrip().lower()
    if not start:
        return "an empty file"
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page (perhaps a login page that was saved under this name)"
    if text.startswith((b"<?xml", b"<")):
        return "an XML file"
    if start.startswith(b"%PDF"):
        return "a PDF"
    if start.startswith((b"7z\xbc\xaf", b"Rar!")):
        return "a 7z or rar archive"
    return "no archive that is known here"

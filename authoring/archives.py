"""Packages opened within bounds: a folder, a zip or a tar in, its files by name out. `importers` read what comes out.

What a package is, its content says, not its suffix. An archive is unpacked by streaming into a temporary folder under
numbers of our own: no name of a package ever becomes a path of this machine, and memory grows neither with the size of a
member nor with that of the archive. Sizes are counted while bytes come out; what headers say is not trusted. What is
harmless but odd (back slashes, a member listed twice) is a finding; what is dangerous or broken is a `PackageError`.

The headers of a tar are walked here, because `tarfile` reads extended headers whole, however long they say they are, and
by a pattern that takes quadratic time (CVE-2024-6232); of it only the parser of one header is used. A zip's table of
contents is walked before `zipfile` sees it, because that makes an object of every entry, however many there are.

Sources: Open edX: openedx/core/lib/extract_archive.py (what the platform's import refuses); ISO/IEC 21320-1 (zip as a
document container: stored or deflated, not encrypted); PKWARE APPNOTE 4.3 and 4.4; POSIX.1-2017, pax, extended headers.
"""

from __future__ import annotations

import bisect
import filecmp
import gzip
import itertools
import os
import re
import stat
import struct
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType
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

CHUNK = 1 << 18
MIN_BOMB = 100 * 10**6
"""Output below this is never taken for a bomb, whatever its ratio."""
ENTRY_BYTES = 1024
"""What an entry of a zip's table of contents may take on average; `zipfile` reads the table whole."""
MAX_EXTENDED = 1 << 20
"""The longest extended header of a tar that is read: names, and attributes that nobody here looks at."""
MAX_EXTENDED_IN_ROW = 8
MAX_LINK_HOPS = 40
"""As many links as Linux follows in one path."""
MAX_NAME_BYTES = 255
"""Of a file or folder; the most that ext4, NTFS and APFS store, within a little."""
MAX_TRAILER = 1 << 20
"""How much after a tar's end mark is read, so that a gzip's check sum is seen; tar pads to 10 kB."""

_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\..*)?", re.IGNORECASE)
_UTF8_FLAG = 0x800
_ENCRYPTED_FLAGS = 0x1 | 0x40 | 0x2000
_BLOCK = tarfile.BLOCKSIZE
_EXAMPLES = 5

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
    """Names in a path, the file's own among them."""
    path: int = 1000
    """Characters of a path."""


class PackageError(SourceError):
    """The package cannot, or must not, be opened. The message names the package and the member."""


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
        try:
            with found.file.open("rb") as stream:
                # Not `limit + 1` alone: a reader sets aside what it is asked for.
                content = stream.read(min(limit, os.fstat(stream.fileno()).st_size) + 1)
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror or error}"
            raise _error(self.name, BROKEN_PACKAGE, message, path) from error
        if len(content) > limit:
            message = f"{path} is {found.size:,} bytes; at most {limit:,} are read"
            raise _error(self.name, UNSAFE_PACKAGE, message, path, "leave the file out, or make it smaller")
        return content

    def below(self, folder: PurePosixPath) -> Iterator[PackageFile]:
        """The files in a folder of the package and in all below it."""
        prefix = "" if str(folder) == "." else f"{folder}/"
        for path, found in self.files.items():
            if str(path).startswith(prefix):
                yield found


@contextmanager
def open_package(path: Path, limits: Limits | None = None, *, progress: Progress | None = None) -> Iterator[Package]:
    """The package at `path`; its files can be read until the context ends.

    A folder is read in place, without what is called `.git…`. Raises PackageError when the package cannot be read, is of
    another kind, breaks a limit, or holds what could reach outside it.
    """
    limits = limits or Limits()
    name = path.name or path.resolve().name
    try:
        is_folder, is_there, is_file = path.is_dir(), path.exists(), path.is_file()
    except OSError as error:
        raise _error(name, BROKEN_PACKAGE, f"it cannot be read: {error.strerror or error}", None) from error
    if is_folder:
        yield _Folder(name, limits, path).open()
        return
    if not is_there:
        raise _error(name, BROKEN_PACKAGE, "there is no such file or folder", None, "look for a mistyped name")
    if not is_file:
        raise _error(name, BROKEN_PACKAGE, "it is a device or a pipe, not a file", None)
    try:
        spool = tempfile.TemporaryDirectory(prefix="authoring-package-")
    except OSError as error:
        raise _no_room(name, error) from error
    with spool as folder:
        yield _Archive(name, limits, path, Path(folder), progress).open()


def _error(
    package: str, code: Code, message: str, member: PurePosixPath | None, hint: str | None = None
) -> PackageError:
    hint = hint or code.remedy
    where = SourceLocation(member) if member is not None else None
    finding = Diagnostic(code, message, where, hint, Severity.ERROR)
    return PackageError(f"{package}: {message}", [finding], hint)


def _no_room(package: str, error: OSError) -> PackageError:
    message = f"it cannot be unpacked into {tempfile.gettempdir()}: {error.strerror or error}"
    hint = "make room on the disk, or let TMPDIR name a folder on a larger one"
    return _error(package, BROKEN_PACKAGE, message, None, hint)


def _shown(name: str) -> str:
    """A name fit for a message: no control characters, not endless."""
    text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in name[:201])
    return f"'{text}'" if len(name) <= 200 else f"'{text[:200]}…'"


class _Opener:
    """What folders and archives have in common: names, links, bounds, findings."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.name = name
        self.limits = limits
        self.files: dict[PurePosixPath, PackageFile] = {}
        self.links: dict[PurePosixPath, PurePosixPath] = {}
        self.members = 0
        self.total = 0
        self.odd: dict[str, list[PurePosixPath]] = {}

    def refuse(
        self, code: Code, message: str, member: PurePosixPath | None = None, hint: str | None = None
    ) -> PackageError:
        return _error(self.name, code, message, member, hint)

    def broken(self, message: str, member: PurePosixPath | None = None, hint: str | None = None) -> PackageError:
        return self.refuse(BROKEN_PACKAGE, message, member, hint)

    def unsafe(self, message: str, member: PurePosixPath | None = None, hint: str | None = None) -> PackageError:
        return self.refuse(UNSAFE_PACKAGE, message, member, hint)

    def note(self, what: str, member: PurePosixPath) -> None:
        """Something odd; the members of which the same is to be said end in one finding."""
        self.odd.setdefault(what, []).append(member)

    def count(self) -> None:
        self.members += 1
        if self.members > self.limits.members:
            raise self.too_many(f"more than {self.limits.members:,} members")

    def too_many(self, found: str) -> PackageError:
        return self.unsafe(f"{found}; at most {self.limits.members:,} are read", None, "split it into several packages")

    def text(self, name: bytes) -> tuple[str, bool]:
        """A name from its bytes, and whether it had to be read in cp437, as zip tools wrote before UTF-8."""
        try:
            return name.decode(), False
        except UnicodeDecodeError:
            return name.decode("cp437"), True

    def path(self, raw: bytes) -> PurePosixPath:
        """The path that a member's name means, `.` for the package itself. Refuses what is no path in the package."""
        name, is_old = self.text(raw)
        if any(unicodedata.category(char) == "Cc" for char in name):
            raise self.unsafe(f"the name {_shown(name)} holds control characters")
        if len(name) > self.limits.path:
            raise self.unsafe(
                f"the name {_shown(name)} is {len(name):,} characters; at most {self.limits.path:,} are read"
            )
        slashed = name.replace("\\", "/")
        if slashed.startswith("/"):
            raise self.unsafe(f"the name {_shown(name)} is absolute")
        if re.match(r"(?:\./+)*[A-Za-z]:", slashed):
            raise self.unsafe(f"the name {_shown(name)} is absolute: it starts with a drive letter")
        parts = slashed.split("/")
        if ".." in parts:
            raise self.unsafe(f"the name {_shown(name)} leaves the package")
        path = PurePosixPath(slashed)
        if any(len(part.encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES for part in path.parts):
            raise self.unsafe(f"the name {_shown(name)} is longer than a disk can store: {MAX_NAME_BYTES} bytes")
        if len(path.parts) > self.limits.depth:
            raise self.unsafe(f"{_shown(name)} nests deeper than {self.limits.depth} folders")
        if slashed != name:
            self.note("written with back slashes, which were read as slashes", path)
        if is_old:
            self.note("not written in UTF-8; the name was read as cp437, the encoding of old zip tools", path)
        if any(_RESERVED.fullmatch(part) for part in path.parts):
            self.note("a name that Windows cannot store", path)
        return path

    def add_file(self, path: PurePosixPath, size: int, file: Path) -> None:
        if not path.parts:
            raise self.broken("a member without a name")
        if self.files.pop(path, None) is not None or self.links.pop(path, None) is not None:
            self.note("listed twice; the last one counts", path)
        self.files[path] = PackageFile(path, size, file)

    def add_link(self, path: PurePosixPath, target: PurePosixPath) -> None:
        if not path.parts:
            raise self.broken("a link without a name")
        if target == path and path in self.files:
            return  # GNU tar stores a file that it is given twice as a hard link to itself
        if self.files.pop(path, None) is not None or self.links.pop(path, None) is not None:
            self.note("listed twice; the last one counts", path)
        self.links[path] = target

    def link_target(self, path: PurePosixPath, folder: PurePosixPath, raw: bytes) -> PurePosixPath:
        """Where a link leads, from the top of the package. Refuses one that leaves it."""
        target, _ = self.text(raw)
        slashed = target.replace("\\", "/")
        parts = list(folder.parts)
        for part in slashed.split("/"):
            if part == ".." and not parts:
                raise self.unsafe(f"{path} is a link to {_shown(target)[1:-1]}, which leaves the package", path)
            if part == "..":
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        if slashed.startswith("/") or re.match(r"[A-Za-z]:", slashed) or "\0" in target:
            raise self.unsafe(f"{path} is a link to {_shown(target)[1:-1]}, which leaves the package", path)
        return PurePosixPath(*parts)

    def check_size(self, path: PurePosixPath, size: int) -> None:
        if size > self.limits.file:
            raise self.unsafe(f"{path} is larger than {self.limits.file:,} bytes, the most that is read", path)

    def check_total(self) -> None:
        if self.total > self.limits.total:
            raise self.unsafe(f"it holds more than {self.limits.total:,} bytes, the most that is read")

    def finish(self) -> Package:
        self._follow_links()
        if not self.files:
            raise self.broken("it holds no files")
        self._check_clashes()
        findings = Diagnostics()
        for what, paths in self.odd.items():
            examples = ", ".join(map(str, paths[:_EXAMPLES]))
            more = f" and {len(paths) - _EXAMPLES:,} more" if len(paths) > _EXAMPLES else ""
            findings.report(ODD_PACKAGE, f"{examples}{more}: {what}", SourceLocation(paths[0]))
        return Package(self.name, MappingProxyType(self.files), findings)

    def _follow_links(self) -> None:
        """Put copies in the place of links: of the file, or of each file in the folder, that they lead to."""
        if not self.links:
            return
        real = dict(self.files)
        for path in real:
            if (link := next((folder for folder in path.parents if folder in self.links), None)) is not None:
                raise self.unsafe(f"{path} lies in {link}, which is a link", path)
        ordered = sorted(real, key=lambda path: path.parts)
        for path in self.links:
            if (target := self._resolve(path)) is None:
                self.note("a link that leads round in a circle; left out", path)
                continue
            depth = len(target.parts)
            first = bisect.bisect_left(ordered, target.parts, key=lambda path: path.parts)
            has_copies = False
            for found in itertools.islice(ordered, first, None):
                if found.parts[:depth] != target.parts:
                    break
                has_copies = True
                copy, file = path.joinpath(*found.parts[depth:]), real[found]
                # A copy counts as a member and by its size, so that links to folders cannot make a bomb.
                self.count()
                self.total += file.size
                self.check_total()
                if len(copy.parts) > self.limits.depth or len(str(copy)) > self.limits.path:
                    raise self.unsafe(f"{_shown(str(copy))} is too deep or too long, through the link {path}", path)
                self.files[copy] = PackageFile(copy, file.size, file.file)
            self.note("a link; read as a copy of what it leads to" if has_copies else _DEAD_LINK, path)

    def _resolve(self, link: PurePosixPath) -> PurePosixPath | None:
        """What is at the end of a link and the links that it leads through; None when they lead round in a circle."""
        path, hops = self.links[link], 1
        while (step := next((at for at in (*reversed(path.parents), path) if at in self.links), None)) is not None:
            hops += 1
            if hops > MAX_LINK_HOPS:
                return None
            path = self.links[step] / path.relative_to(step)
        return path

    def _check_clashes(self) -> None:
        """Files that cannot both be, or not on every computer."""
        seen: dict[str, PackageFile] = {}
        folders: set[PurePosixPath] = set()
        for path, file in self.files.items():
            folders.update(path.parents)
            folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(path)).casefold())
            other = seen.setdefault(folded, file)
            if other is not file:
                same = "the same content" if filecmp.cmp(other.file, file.file, shallow=False) else "different content"
                self.note(f"one name with another file, with {same}, on computers that do not tell case apart", path)
        for path in folders & self.files.keys():
            raise self.broken(f"{path} is both a file and a folder", path)


_DEAD_LINK = "a link that leads to nothing in the package; left out"


class _Folder(_Opener):
    """A folder, read where it is."""

    def __init__(self, name: str, limits: Limits, folder: Path) -> None:
        super().__init__(name, limits)
        self.folder = folder

    def open(self) -> Package:
        try:
            self._read(self.folder, PurePosixPath(), Path(os.path.realpath(self.folder)))
        except OSError as error:
            message = f"it cannot be read: {error.strerror or error}"
            raise self.broken(message, None, "see who may read it") from error
        return self.finish()

    def _read(self, folder: Path, below: PurePosixPath, root: Path) -> None:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            if entry.name.startswith(".git"):
                continue
            self.count()
            path = self.path(os.fsencode(below / entry.name))
            file = Path(entry.path)
            if entry.is_symlink():
                target = Path(os.path.realpath(file))
                if not target.is_relative_to(root):
                    raise self.unsafe(f"{path} is a link that leaves the folder", path, "put the file itself there")
                self.add_link(path, PurePosixPath(target.relative_to(root).as_posix()))
            elif entry.is_dir(follow_symlinks=False):
                self._read(file, below / entry.name, root)
            elif entry.is_file(follow_symlinks=False):
                size = entry.stat(follow_symlinks=False).st_size
                self.total += size
                self.check_size(path, size)
                self.check_total()
                self.add_file(path, size, file)
            else:
                raise self.unsafe(f"{path} is a device or a pipe", path)


class _Archive(_Opener):
    """A zip or a tar, unpacked into the folder `spool`."""

    def __init__(self, name: str, limits: Limits, archive: Path, spool: Path, progress: Progress | None) -> None:
        super().__init__(name, limits)
        self.archive = archive
        self.spool = spool
        self.progress = progress
        self.packed = 0
        self.stored = 0

    def open(self) -> Package:
        try:
            with self.archive.open("rb") as stream:
                self.packed = os.fstat(stream.fileno()).st_size
                start = stream.read(4096)
                stream.seek(0)
                if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
                    self._unpack_zip(stream)
                elif start.startswith(b"\x1f\x8b"):
                    with gzip.GzipFile(fileobj=stream, mode="rb") as unzipped:
                        self._unpack_tar(unzipped, "a gzip of ")
                else:
                    self._unpack_tar(stream, "")
        except EOFError as error:
            raise self.broken("it is damaged or cut short: it ends in the middle of a file") from error
        except (zlib.error, zipfile.BadZipFile, gzip.BadGzipFile, NotImplementedError, ValueError) as error:
            raise self.broken(f"it is damaged: {error}") from error
        except OSError as error:
            raise self.broken(f"it cannot be read: {error.strerror or error}") from error
        return self.finish()

    def _grow(self, size: int) -> None:
        """Bytes have come out: of the members of a zip, or of a tar with its headers."""
        self.total += size
        self.check_total()
        if self.total > MIN_BOMB and self.total > self.limits.ratio * self.packed:
            message = f"it is a zip bomb: its {self.packed:,} bytes unpack to more than {self.total:,}"
            raise self.unsafe(message, None, "do not open it with other tools; make it anew if it is yours")

    def _store(self, path: PurePosixPath, chunks: Iterator[bytes]) -> None:
        """Write the content of a member. Empty ones share a file, so that a million of them cost little."""
        first = next(chunks, b"")
        file = self.spool / str(self.stored if first else "empty")
        size = 0
        if not first:
            with self._writing():
                file.touch()
        else:
            self.stored += 1
            with self._writing():
                sink = file.open("xb", buffering=0)
            with sink:
                for chunk in itertools.chain([first], chunks):
                    size += len(chunk)
                    self.check_size(path, size)
                    with self._writing():
                        rest = memoryview(chunk)
                        while rest:
                            rest = rest[sink.write(rest) :]
                    if self.progress is not None:
                        self.progress(len(chunk))
        replaced = self.files.get(path)
        self.add_file(path, size, file)
        if replaced is not None and replaced.size:
            replaced.file.unlink()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _no_room(self.name, error) from error

    # --- zip

    def _unpack_zip(self, stream: IO[bytes]) -> None:
        self._check_contents(stream)
        with zipfile.ZipFile(stream) as archive:
            infos = archive.infolist()
            self._check_overlaps(infos, archive.start_dir)
            for info in infos:
                self.count()
                raw = info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8_FLAG else "cp437")
                path = self.path(raw)
                if raw.endswith((b"/", b"\\")):
                    continue
                if info.flag_bits & _ENCRYPTED_FLAGS:
                    raise self.broken(f"{path} is locked with a password", path, "pack it again without a password")
                if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    message = f"{path} is compressed in a way that is not read here (method {info.compress_type})"
                    raise self.broken(message, path, "pack it again as an ordinary zip (deflate)")
                kind = stat.S_IFMT(info.external_attr >> 16)
                if kind not in (0, stat.S_IFREG, stat.S_IFLNK):
                    raise self.unsafe(f"{path} is a device or a pipe", path)
                self.check_size(path, info.file_size)
                try:
                    with archive.open(info) as source:
                        if kind == stat.S_IFLNK:
                            self.add_link(path, self.link_target(path, path.parent, source.read(self.limits.path + 1)))
                        else:
                            self._store(path, self._chunks(source))
                except (zlib.error, zipfile.BadZipFile, EOFError, struct.error) as error:
                    raise self.broken(f"{path} is damaged or cut short", path) from error

    def _chunks(self, source: IO[bytes]) -> Iterator[bytes]:
        while chunk := source.read(CHUNK):
            self._grow(len(chunk))
            yield chunk

    def _check_contents(self, stream: IO[bytes]) -> None:
        """Walk the table of contents, as `zipfile` will find it, before that makes an object of each entry."""
        stream.seek(max(0, self.packed - _END.size - 0xFFFF))
        tail_at = stream.tell()
        tail = stream.read()
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) - at < _END.size:
            raise self.broken("it is damaged or cut short: a zip without the table of contents at its end")
        _, _, _, _, count, size, _, _ = _END.unpack_from(tail, at)
        end = tail_at + at
        wide_at = end - _LOCATOR_SIZE - _WIDE_END.size
        if wide_at >= 0:
            stream.seek(wide_at)
            wide = _WIDE_END.unpack(stream.read(_WIDE_END.size))
            if wide[0] == b"PK\x06\x06" and stream.read(4) == b"PK\x06\x07":
                end, count, size = wide_at, wide[7], wide[8]
        if count > self.limits.members:
            raise self.too_many(f"{count:,} members")
        if size > end:
            raise self.broken("it is damaged: its table of contents is larger than itself")
        if size > self.limits.members * ENTRY_BYTES:
            raise self.unsafe(f"its table of contents takes {size:,} bytes, more than is read")
        stream.seek(end - size)
        seen = 0
        while stream.tell() + _ENTRY.size <= end:
            entry = _ENTRY.unpack(stream.read(_ENTRY.size))
            if entry[0] != b"PK\x01\x02":
                raise self.broken("it is damaged: its table of contents cannot be read")
            seen += 1
            if seen > self.limits.members:
                raise self.too_many(f"more than {self.limits.members:,} members")
            stream.seek(sum(entry[1:]), os.SEEK_CUR)
        if seen != count:
            self.note(f"it says it has {count:,} members, and has {seen:,}", PurePosixPath(self.name))
        stream.seek(0)

    def _check_overlaps(self, infos: list[zipfile.ZipInfo], end: int) -> None:
        """Refuse members that share their bytes: how a small zip is made to unpack to petabytes."""
        for info in sorted(infos, key=lambda info: info.header_offset, reverse=True):
            if info.header_offset + _LOCAL_HEADER_SIZE + info.compress_size > end:
                raise self.unsafe(f"{_shown(info.orig_filename)} overlaps with another member: a zip bomb")
            end = info.header_offset

    # --- tar

    def _unpack_tar(self, stream: IO[bytes] | gzip.GzipFile, wrapped: str) -> None:
        defaults: dict[str, bytes] = {}
        special: dict[str, bytes] = {}
        in_row = 0
        is_first = True
        while block := self._take(stream, _BLOCK, is_start=is_first):
            if not is_first and block.count(0) == _BLOCK:
                self._drain(stream)
                break
            try:
                header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            except tarfile.HeaderError as error:
                if is_first:
                    raise self._wrong_kind(stream, block, wrapped) from error
                raise self.broken(f"it is damaged: {error}, after {self.members:,} members") from error
            is_first = False
            if header.size < 0:
                raise self.broken("it is damaged: a member of a negative size")
            if header.type in _EXTENDED:
                in_row += 1
                if in_row > MAX_EXTENDED_IN_ROW or header.size > MAX_EXTENDED:
                    raise self.unsafe("it has a header longer than is read here")
                content = b"".join(self._body(stream, header.size))
                if header.type in _LONG_NAMES:
                    special[_LONG_NAMES[header.type]] = content.partition(b"\0")[0]
                else:
                    (defaults if header.type == tarfile.XGLTYPE else special).update(self._records(content))
                continue
            self.count()
            self._tar_member(stream, header, defaults | special)
            special.clear()
            in_row = 0
        else:
            if is_first:
                raise self.broken("it is an empty file")
            self.note("it lacks the mark at its end, and may be cut short", PurePosixPath(self.name))

    def _tar_member(
        self, stream: IO[bytes] | gzip.GzipFile, header: tarfile.TarInfo, extended: Mapping[str, bytes]
    ) -> None:
        raw = extended.get("path", header.name.encode("utf-8", "surrogateescape"))
        path = self.path(raw)
        size = header.size
        if "size" in extended:
            if not extended["size"].isdigit() or len(extended["size"]) > 20:
                raise self.broken(f"it is damaged: the size of {path} is not a number", path)
            size = int(extended["size"])
        if header.type == tarfile.GNUTYPE_SPARSE or any(key.startswith("GNU.sparse.") for key in extended):
            raise self.broken(f"{path} is a sparse file", path, "pack it again without --sparse")
        if header.isdir():
            return
        if header.issym() or header.islnk():
            linked = extended.get("linkpath", header.linkname.encode("utf-8", "surrogateescape"))
            folder = path.parent if header.issym() else PurePosixPath()
            self.add_link(path, self.link_target(path, folder, linked))
        elif header.ischr() or header.isblk() or header.isfifo():
            raise self.unsafe(f"{path} is a device or a pipe", path)
        else:  # as POSIX has it, a type that is not known is a regular file
            self.check_size(path, size)
            try:
                self._store(path, self._body(stream, size))
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise self.broken(f"{path} is damaged or cut short", path) from error

    def _take(self, stream: IO[bytes] | gzip.GzipFile, size: int, *, is_start: bool = False) -> bytes:
        """Exactly `size` bytes; fewer at the start, nothing at the end of the file. Raises EOFError."""
        chunk = stream.read(size)
        self._grow(len(chunk))
        if 0 < len(chunk) < size and not is_start:
            raise EOFError
        return chunk

    def _body(self, stream: IO[bytes] | gzip.GzipFile, size: int) -> Iterator[bytes]:
        """The content of a member, and behind it the zeros that fill its last block."""
        left = size
        while left:
            chunk = self._take(stream, min(left, CHUNK))
            if not chunk:
                raise EOFError
            left -= len(chunk)
            yield chunk
        self._take(stream, -size % _BLOCK)

    def _drain(self, stream: IO[bytes] | gzip.GzipFile) -> None:
        left = MAX_TRAILER
        while left > 0 and (chunk := stream.read(min(left, CHUNK))):
            self._grow(len(chunk))
            left -= len(chunk)

    def _records(self, content: bytes) -> Iterator[tuple[str, bytes]]:
        """The records `LENGTH KEY=VALUE\\n` of an extended header."""
        at = 0
        while at < len(content) and content[at]:
            length, space, _ = content[at : at + 20].partition(b" ")
            end = at + int(length) if space and length.isdigit() else 0
            if end <= at + len(length) or end > len(content) or content[end - 1 : end] != b"\n":
                raise self.broken("it is damaged: an extended header cannot be read")
            key, _, value = content[at + len(length) + 1 : end - 1].partition(b"=")
            yield key.decode("utf-8", "replace"), value
            at = end

    def _wrong_kind(self, stream: IO[bytes] | gzip.GzipFile, block: bytes, wrapped: str) -> PackageError:
        return self.broken(f"it is {wrapped}{_guess(block + stream.read(_BLOCK))}, not a zip or tar archive")


def _guess(start: bytes) -> str:
    """What a file seems to be, by its first bytes."""
    for mark, kind in _KINDS.items():
        if start.startswith(mark):
            return kind
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "a web page (perhaps the login page of the site it was to be downloaded from)"
    if text.startswith(b"<"):
        return "an XML file"
    if text.startswith((b"{", b"[")):
        return "a JSON file"
    if start[4:8] == b"ftyp":
        return "a video"
    if start and not start.strip(b"\0"):
        return "a file of zeros"
    return "a file of no kind that is known here" if b"\0" in start else "a text file"


_KINDS: Mapping[bytes, str] = {
    b"%PDF": "a PDF",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\0": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"\x1f\x8b": "another gzip",
    b"PK\x03\x04": "a zip",
    b"PK\x07\x08": "a part of a split zip",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
}
_END = struct.Struct("<4s4H2LH")
_WIDE_END = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_SIZE = 20
_LOCAL_HEADER_SIZE = 30
_ENTRY = struct.Struct("<4s24x3H12x")
"""An entry of a zip's table of contents: its mark, and the lengths of the name, the extra fields and the comment."""
_EXTENDED = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_LONG_NAMES = {tarfile.GNUTYPE_LONGNAME: "path", tarfile.GNUTYPE_LONGLINK: "linkpath"}

"""The course folder on disk: `read_tree(folder) -> SourceTree`, the only module here that touches files.

What the compiler may need is read: text of bounded size as bytes, everything else by digest. Nothing
outside the folder is read: a symbolic link must lead to a file inside it. What cannot be read is a
Diagnostic, and reading goes on.
"""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from authoring.diagnostics import Code, Diagnostics, Severity, define
from authoring.model import SourceLocation

MAX_TEXT_BYTES = 5_000_000
"""The largest text file that is read."""

MAX_FOLDER_DEPTH = 30

TEXT_SUFFIXES = frozenset(
    (
        ".md",
        ".markdown",
        ".yaml",
        ".yml",
        ".html",
        ".htm",
        ".xml",
        ".txt",
        ".py",
        ".js",
        ".css",
        ".json",
        ".csv",
    )
)
"""Files whose content the compiler may need. All other files, and all below static/, are known by their
digest."""

STATIC = "static"
KEPT = "_olx"
"""Files of a package that nobody here understands; never read, only carried."""

NOT_A_FOLDER = define(
    "not-a-course-folder",
    Severity.ERROR,
    "The path is not a folder, or it cannot be opened.",
    "name the folder that holds course.yaml",
)
UNREADABLE = define(
    "unreadable-file",
    Severity.ERROR,
    "A file or folder cannot be read.",
    "check its permissions, or move it out of the course folder",
)
IS_A_DIRECTORY = define(
    "is-a-directory",
    Severity.ERROR,
    "A folder stands where a file belongs.",
    "rename the folder, or put a file of that name in its place",
)
NOT_UTF8 = define(
    "not-utf8",
    Severity.ERROR,
    "A text file is not in UTF-8.",
    "save the file as UTF-8",
)
TOO_LARGE = define(
    "file-too-large",
    Severity.ERROR,
    f"A text file is larger than {MAX_TEXT_BYTES // 1_000_000} MB.",
    "split the file",
)
BAD_FILE_NAME = define(
    "bad-file-name",
    Severity.ERROR,
    "A file name that other computers cannot show or store.",
    "rename the file with letters, digits, `-`, `_` and `.`",
)
LINK_REFUSED = define(
    "symbolic-link",
    Severity.ERROR,
    "A symbolic link that leaves the course folder, or leads to a folder or nowhere.",
    "put a copy of the file in its place",
)
CASE_CLASH = define(
    "case-clash",
    Severity.WARNING,
    "Two names differ only in case or accents' encoding; some computers take them for one file.",
    "rename one of the two",
)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file. `data` is its content where the compiler may need it (`TEXT_SUFFIXES`), else None and
    `digest` (SHA-256 in hex) is set."""

    path: PurePosixPath
    file: Path
    size: int
    data: bytes | None = field(default=None, repr=False)
    digest: str | None = None

    def text(self, diagnostics: Diagnostics) -> str | None:
        """The content as text, line ends as `\\n`, without byte order mark; None, reported, when it is not
        UTF-8."""
        if self.data is None:
            return None
        try:
            text = self.data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = self.data.count(b"\n", 0, error.start) + 1
            message = f"not UTF-8: byte 0x{self.data[error.start]:02x} in line {line}"
            diagnostics.report(NOT_UTF8, message, SourceLocation(self.path, line))
            return None
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


@dataclass(frozen=True, slots=True)
class SourceTree:
    """A course folder in memory: files and folders by path, each folder's entries in the order of their
    names."""

    folder: Path
    files: Mapping[str, SourceFile]
    folders: Mapping[str, tuple[str, ...]]
    """Path of each folder (`""` is the course folder itself) -> the names in it."""
    unread: frozenset[str] = frozenset()
    """Paths of what is there and could not be read; a Diagnostic says why."""

    def is_folder(self, path: str) -> bool:
        return path in self.folders

    def below(self, folder: str) -> Iterable[SourceFile]:
        """All files below a folder, in order."""
        for name in self.folders.get(folder, ()):
            path = f"{folder}/{name}" if folder else name
            if path in self.files:
                yield self.files[path]
            else:
                yield from self.below(path)


def read_tree(folder: Path) -> tuple[SourceTree | None, Diagnostics]:
    """Read a course folder. None when there is no such folder; everything else is in the Diagnostics."""
    diagnostics = Diagnostics()
    try:
        if not stat.S_ISDIR(folder.stat().st_mode):
            diagnostics.report(NOT_A_FOLDER, f"{folder} is not a folder")
            return None, diagnostics
        reader = _Reader(folder, folder.resolve(strict=True), diagnostics)
    except (OSError, ValueError, RuntimeError) as error:
        diagnostics.report(NOT_A_FOLDER, f"{folder} cannot be opened: {_reason(error)}")
        return None, diagnostics
    reader.read_folder("", folder, 0)
    return SourceTree(folder, reader.files, reader.folders, frozenset(reader.unread)), diagnostics


def tree_of(files: Iterable[SourceFile]) -> SourceTree:
    """A course folder that is in memory."""
    by_path = {str(file.path): file for file in files}
    folders: dict[str, set[str]] = {"": set()}
    for path in by_path:
        parts = path.split("/")
        for depth in range(len(parts)):
            folders.setdefault("/".join(parts[:depth]), set()).add(parts[depth])
    return SourceTree(Path(), by_path, {path: tuple(sorted(names)) for path, names in folders.items()})


class _Reader:
    def __init__(self, folder: Path, real_folder: Path, diagnostics: Diagnostics) -> None:
        self.folder = folder
        self.real_folder = real_folder
        self.diagnostics = diagnostics
        self.files: dict[str, SourceFile] = {}
        self.folders: dict[str, tuple[str, ...]] = {}
        self.unread: set[str] = set()

    def read_folder(self, path: str, directory: Path, depth: int) -> None:
        try:
            with os.scandir(directory) as listing:
                found = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            self._unreadable(path, error)
            return
        names: list[str] = []
        for entry in found:
            kept = path.split("/")[0] == KEPT
            if entry.name.endswith("~") or (entry.name.startswith(".") and not kept):
                continue
            name = self._readable_name(path, entry.name)
            if name is None:
                continue
            inner = f"{path}/{name}" if path else name
            if self._read_entry(inner, entry, depth):
                names.append(name)
            else:
                self.unread.add(inner)
        self.folders[path] = tuple(names)
        self._warn_of_clashes(path, names)

    def _read_entry(self, path: str, entry: os.DirEntry[str], depth: int) -> bool:
        try:
            if entry.is_symlink() and not self._link_allowed(path, Path(entry.path)):
                return False
            status = entry.stat()
        except OSError as error:
            self._unreadable(path, error)
            return False
        if stat.S_ISDIR(status.st_mode):
            if depth >= MAX_FOLDER_DEPTH:
                self._report(UNREADABLE, path, "folders nest too deep")
                return False
            self.read_folder(path, Path(entry.path), depth + 1)
            return path in self.folders
        if not stat.S_ISREG(status.st_mode):
            self._report(UNREADABLE, path, "it is neither a file nor a folder")
            return False
        return self._read_file(path, Path(entry.path), status.st_size)

    def _read_file(self, path: str, file: Path, size: int) -> bool:
        pure = PurePosixPath(path)
        wants_text = pure.suffix.lower() in TEXT_SUFFIXES and pure.parts[0] not in (STATIC, KEPT)
        try:
            if not wants_text:
                with file.open("rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()
                self.files[path] = SourceFile(pure, file, size, digest=digest)
                return True
            if size > MAX_TEXT_BYTES:
                self._report(TOO_LARGE, path, f"{size:,} bytes; text files are read up to {MAX_TEXT_BYTES:,}")
                return False
            self.files[path] = SourceFile(pure, file, size, data=file.read_bytes())
        except OSError as error:
            self._unreadable(path, error)
            return False
        return True

    def _link_allowed(self, path: str, link: Path) -> bool:
        try:
            target = link.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            self._report(LINK_REFUSED, path, f"a symbolic link that leads nowhere: {_reason(error)}")
            return False
        if not target.is_relative_to(self.real_folder):
            self._report(LINK_REFUSED, path, "a symbolic link that leaves the course folder")
            return False
        if target.is_dir():
            self._report(LINK_REFUSED, path, "a symbolic link to a folder; only links to files are followed")
            return False
        return True

    def _readable_name(self, folder: str, name: str) -> str | None:
        if name.isprintable() and "\\" not in name:
            return name
        shown = name.encode("utf-8", "backslashreplace").decode().encode("unicode_escape").decode("ascii")
        self._report(BAD_FILE_NAME, folder or ".", f"the name {shown!r} is not one that all computers can read")
        return None

    def _warn_of_clashes(self, folder: str, names: Iterable[str]) -> None:
        seen: dict[str, str] = {}
        for name in names:
            first = seen.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
            if first is not name:
                message = f"{name!r} and {first!r} are one file on some computers"
                self._report(CASE_CLASH, f"{folder}/{name}" if folder else name, message)

    def _unreadable(self, path: str, error: OSError) -> None:
        self._report(UNREADABLE, path or ".", f"cannot be read: {_reason(error)}")

    def _report(self, code: Code, path: str, message: str) -> None:
        self.diagnostics.report(code, message, SourceLocation(PurePosixPath(path)))


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)

"""Where things are in a package: its manifest, and the files that URLs in a manifest mean.

Sources: SCORM 2004 CAM 3.4.2.1 (launch with parameters); RFC 3986 (references).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote

MANIFEST_NAME = "imsmanifest.xml"
_PAGES = (".html", ".htm", ".xhtml", ".xht")
_JUNK = re.compile(r"(?:.*/)?(?:__MACOSX/.*|\._[^/]*|\.DS_Store|Thumbs\.db|desktop\.ini)", re.IGNORECASE)


def is_junk(path: PurePosixPath) -> bool:
    """Whether an operating system has left the file there."""
    return _JUNK.fullmatch(str(path)) is not None


def find_manifest(files: Iterable[PurePosixPath]) -> PurePosixPath | None:
    """The manifest nearest to the top, spelled right before spelled in another case, in the order of the package."""
    found = manifests(files)
    return min(found, key=lambda path: (len(path.parts), path.name != MANIFEST_NAME), default=None)


def manifests(files: Iterable[PurePosixPath]) -> tuple[PurePosixPath, ...]:
    return tuple(path for path in files if path.name.casefold() == MANIFEST_NAME and not is_junk(path))


def is_external(url: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+:|//", url) is not None


def first_page(urls: Iterable[str]) -> str | None:
    """What is launched of a resource without an href: the first HTML page of its files."""
    return next((url for url in urls if PurePosixPath(url).suffix.casefold() in _PAGES), None)


def with_parameters(href: str, parameters: str | None) -> str:
    """A launch URL: the item's parameters joined to the resource's href (SCORM 2004 CAM 3.4.2.1)."""
    rest = (parameters or "").lstrip("?&")
    if not rest:
        return href
    if rest.startswith("#"):
        return href if "#" in href else href + rest
    path, hash_mark, fragment = href.partition("#")
    return path + ("&" if "?" in path else "?") + rest + hash_mark + fragment


class Locator:
    """Finds files of a package by the URLs of its manifest."""

    def __init__(self, files: Iterable[PurePosixPath], root: PurePosixPath) -> None:
        self.root = root
        self.files = dict.fromkeys(files)
        self.folded: dict[str, PurePosixPath] = {}
        for path in self.files:
            self.folded.setdefault(str(path).casefold(), path)

    def find(self, url: str) -> PurePosixPath | None:
        """The file a URL means, whatever the case; None when the package has none below its root."""
        for path in self._candidates(url):
            if path in self.files:
                return path
        for path in self._candidates(url):
            if (found := self.folded.get(str(path).casefold())) is not None:
                return found
        return None

    def is_spelled_right(self, url: str) -> bool:
        return any(path in self.files for path in self._candidates(url))

    def _candidates(self, url: str) -> Iterator[PurePosixPath]:
        bare = re.split(r"[?#]", url, maxsplit=1)[0]
        for name in dict.fromkeys((url, bare, unquote(bare))):
            joined = posixpath.normpath(posixpath.join(str(self.root), name))
            path = PurePosixPath(joined)
            if name and "\0" not in name and not path.is_absolute() and path.is_relative_to(self.root):
                yield path

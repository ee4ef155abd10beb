"""Links between files, followed when files move.

Only what is a link is changed: `[…](path)`, `[name]: path`, the attributes `src`, `href`, `poster`, `data`, paths in YAML
options and `file=` of problems; and only where it led to something that stands elsewhere now. Pure.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from authoring.markup.links import rewrite_html

_MARKDOWN = re.compile(r"(?P<head>\]\(\s*<?)(?P<href>[^()<>\s\"]+(?:\([^()\s]*\)[^()<>\s\"]*)*)")
_DEFINITION = re.compile(r"^(?P<head> {0,3}\[[^\]\n]+\]:\s*<?)(?P<href>[^<>\s]+)", re.MULTILINE)
_OPTION = re.compile(
    r"^(?P<head>[ \t-]*(?:[\w-]+:[ \t]+)?[\"']?)(?P<href>\.{0,2}[^\s:\"'#,\[\]{}]*[./][^\s:\"'#,\[\]{}]*)"
    r"(?=[\"']?[ \t]*(?:#.*)?$)",
    re.MULTILINE,
)
_FLOW = re.compile(r"(?P<head>[\[{,:][ \t]*[\"']?)(?P<href>\.\.?/[^\s\"'#,\[\]{}]+)")
_FILE = re.compile(r"(?P<head>\bfile=[\"']?)(?P<href>[^\s\"'\]]+)")
_EXTERNAL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|/|#|%%")


Resolve = Callable[[str, str], str]
"""`(link, file)` → what the platform resolves; the link itself when it leads to no block, page or asset."""


@dataclass(frozen=True, slots=True)
class Moves:
    """What stood where, and where it stands now: files and folders, `/` between the parts.

    `before` and `after` say what a link of a file means in the old folder and in the new one, `name` how a file of the new
    folder writes a link of the platform.
    """

    paths: Mapping[str, str]
    known: frozenset[str]
    """Everything that stood anywhere."""
    before: Resolve
    after: Resolve
    name: Resolve

    def new(self, path: str) -> str:
        """Where `path` is now: itself, or what its nearest moved folder says."""
        part = path
        while part:
            if part in self.paths:
                return self.paths[part] + path[len(part) :]
            part = part.rpartition("/")[0]
        return path

    def href(self, href: str, before: str, after: str) -> str:
        """A link that stood in the file `before` as it must read in the file `after`."""
        if not href or _EXTERNAL.match(href):
            return href
        meant = self.before(href, before)
        if meant != href:
            return href if self.after(href, after) == meant else self.name(meant, after)
        path, tail = href, ""
        for index, char in enumerate(href):
            if char in "?#":
                path, tail = href[:index], href[index:]
                break
        if not path:
            return href
        target = posixpath.normpath(posixpath.join(posixpath.dirname(before), unquote(path)))
        now = posixpath.normpath(posixpath.join(posixpath.dirname(after), unquote(path)))
        if target not in self.known or self.new(target) == now:
            return href
        return posixpath.relpath(self.new(target), posixpath.dirname(after) or ".") + tail

    def relink(self, text: str, before: str, after: str, *, options: bool = False) -> str:
        """A text that moved from the file `before` to the file `after`, its links leading where they led."""

        def change(match: re.Match[str]) -> str:
            return match["head"] + self.href(match["href"], before, after)

        for pattern in (_MARKDOWN, _DEFINITION, _FILE, *((_OPTION, _FLOW) if options else ())):
            text = pattern.sub(change, text)
        return rewrite_html(text, lambda href, line, image: self.href(href, before, after), 1)

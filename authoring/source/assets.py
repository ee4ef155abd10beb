"""Files below static/: their types, and what `files:` in course.yaml says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from mimetypes import MimeTypes

from authoring.diagnostics import Diagnostics, suggest
from authoring.source.fields import UNKNOWN_KEY
from authoring.yamlnodes import BAD_VALUE, Entry, mapping_of, text_value

_MIME = MimeTypes()
for _suffix, _type in {
    ".srt": "application/x-subrip",
    ".vtt": "text/vtt",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".md": "text/markdown",
    ".yaml": "application/yaml",
    ".m4a": "audio/mp4",
    ".glb": "model/gltf-binary",
}.items():
    _MIME.add_type(_type, _suffix)


def content_type_of(name: str) -> str:
    """The media type that follows from a file's name."""
    return _MIME.guess_type(name)[0] or "application/octet-stream"


@dataclass(frozen=True, slots=True)
class FileSettings:
    """What an author says of one file; None where it follows from the file itself."""

    locked: bool = False
    content_type: str | None = None
    display_name: str | None = None


def read_file_settings(
    settings: Mapping[str, Entry], known: Mapping[str, str], diagnostics: Diagnostics
) -> dict[str, FileSettings]:
    """`files:` of course.yaml, by path; `known` are the paths that there are."""
    entry = settings.get("files")
    found = mapping_of(entry, diagnostics) if entry is not None else None
    result: dict[str, FileSettings] = {}
    for path, item in (found or {}).items():
        parts = mapping_of(item, diagnostics)
        if parts is None:
            continue
        if path not in known:
            message = f"there is no file {path!r}"
            diagnostics.report(BAD_VALUE, message, item.where, suggest(path, known) or "write static/PATH")
            continue
        texts: dict[str, str] = {}
        for key, part in parts.items():
            if key not in ("locked", "content_type", "display_name"):
                hint = suggest(key, ("locked", "content_type", "display_name"))
                diagnostics.report(UNKNOWN_KEY, f"{key!r} is not a key of a file", part.where, hint)
                continue
            text = text_value(part, diagnostics)
            if text is not None:
                texts[key] = text
        locked = texts.get("locked", "false").lower()
        if locked not in ("true", "yes", "on", "false", "no", "off"):
            diagnostics.report(
                BAD_VALUE, f"'locked' cannot be {locked[:40]!r}", parts["locked"].where, "write true or false"
            )
        result[path] = FileSettings(
            locked in ("true", "yes", "on"), texts.get("content_type"), texts.get("display_name")
        )
    return result

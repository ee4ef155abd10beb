"""Names of files and folders to ids, titles and order."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_PREFIX = re.compile(r"^([0-9]+)[-_. ]+")
_NOT_IN_ID = re.compile(r"[^\w.~-]+")
_NOT_IN_ASSET = re.compile(r"[^\w.%-]")
_ID = re.compile(r"[\w~.-]+")

MAX_ID_LENGTH = 150
"""Longer ids are refused: the platform keeps whole keys in columns of 255 characters (docs/platform.md)."""


def is_id(text: str) -> bool:
    """Whether the platform takes `text` as a block id (opaque-keys: ALLOWED_ID_CHARS, without the colon)."""
    return _ID.fullmatch(text) is not None and len(text) <= MAX_ID_LENGTH


def stem_of(name: str, *, folder: bool) -> str:
    """A folder's name, or a file's without its suffix."""
    return name if folder else PurePosixPath(name).stem


def url_name_of(stem: str) -> str:
    """The id that a stem stands for: without its number, odd characters as `-`."""
    rest = _PREFIX.sub("", stem)
    return _clean(rest) or _clean(stem) or "unnamed"


def clean_stem(stem: str) -> str:
    """A stem with odd characters as `-`, its number as it is; empty when nothing is left."""
    return _clean(stem)


def title_of(stem: str) -> str:
    """The title that a stem stands for: `01-first-steps` -> `First steps`."""
    rest = _PREFIX.sub("", stem) or stem
    words = " ".join(rest.replace("-", " ").replace("_", " ").split()) or stem
    return words[:1].upper() + words[1:]


def order_of(name: str) -> tuple[int, int, str]:
    """Sorts by number, then by name; names without a number come last."""
    match = _PREFIX.match(name)
    if match is None:
        return (1, 0, name)
    return (0, int(match[1][:18]), name)


def asset_name_of(path: PurePosixPath) -> str:
    """The platform's flat name of a file below static/ (Open edX: xmodule/contentstore/content.py)."""
    return _NOT_IN_ASSET.sub("_", "/".join(path.parts[1:]))


def _clean(text: str) -> str:
    return _NOT_IN_ID.sub("-", text).strip("-")[:MAX_ID_LENGTH]

"""Paths and URLs: which is which, and the file system of fsspec behind a URL.

`file://` URLs are paths. Everything else with a scheme goes through fsspec, which is part of the extra `cluster` and is
imported only when a URL is met. Locations are written into the journal and the reports, so that one with a password or
a signature in it is refused: credentials belong in the environment or in fsspec's own configuration.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from authoring.errors import AuthoringError

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://")
_EXTRA = "pip install 'ibl-course-authoring[cluster]'"


@dataclass(frozen=True, slots=True)
class Remote:
    """A place in a file system of fsspec."""

    scheme: str
    filesystem: Any
    path: str

    def url(self, path: str) -> str:
        """The URL of a path that the file system gave out."""
        return path if path.startswith(f"{self.scheme}://") else f"{self.scheme}://{path}"

    def child(self, name: str) -> str:
        return f"{self.path.rstrip('/')}/{name}"


def locate(text: str) -> Path | Remote:
    """An absolute path, or the place that a URL means.

    Raises AuthoringError when fsspec, or the package for this scheme, is missing, and for URLs that cannot be kept.
    """
    match = _URL.match(text)
    if match is None:
        return Path(text).absolute()
    scheme = match["scheme"].lower()
    if scheme == "file":
        parts = urlsplit(text)
        if parts.netloc not in ("", "localhost"):
            raise AuthoringError(f"{text}: a file URL with a host", "write file:///absolute/path")
        return Path(unquote(parts.path)).absolute()
    _refuse_secrets(text, scheme)
    try:
        fsspec: Any = importlib.import_module("fsspec.core")
    except ModuleNotFoundError as error:
        raise AuthoringError(f"{text}: URLs need fsspec, which is not installed", _EXTRA) from error
    try:
        filesystem, path = fsspec.url_to_fs(text)
    except (ImportError, ValueError) as error:
        raise AuthoringError(
            f"{text}: no file system for {scheme}:// ({error})", "install what fsspec asks for; see docs/migrate.md"
        ) from error
    return Remote(scheme, filesystem, path)


@contextmanager
def reaching(text: str) -> Iterator[None]:
    """Turn what a file system raises into AuthoringError. Those of fsspec raise whatever their libraries do."""
    try:
        yield
    except (AuthoringError, FileNotFoundError):
        raise
    except Exception as error:
        raise AuthoringError(
            f"{text}: {type(error).__name__}: {error}", "is it there, and are the credentials in the environment?"
        ) from error


def _refuse_secrets(text: str, scheme: str) -> None:
    parts = urlsplit(text)
    if parts.password:
        shown = f"{scheme}://…@{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise AuthoringError(
            f"{shown}: a password in a URL would end in the journal and in the reports",
            "give it through the environment or fsspec's configuration",
        )
    if scheme in ("http", "https") and parts.query:
        raise AuthoringError(
            f"{scheme}://{parts.netloc}{parts.path}: a URL with a query (a signed link) would end in the journal",
            "download it first, or use the storage's own URL (s3://…, gs://…)",
        )
    if "::" in text:
        raise AuthoringError(f"{text}: chained URLs are not supported", "name the package itself")

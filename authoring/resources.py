"""Where the data that comes with the package lies: the scaffolds and the sample courses.

A wheel holds them inside the package, below `authoring/_data`; in a checkout they stand beside it.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def templates_dir() -> Path:
    """The folder of scaffolds, one folder each."""
    return _data("templates")


def samples_dir() -> Path:
    """The folder of sample courses, one course folder each."""
    return _data("sample_courses")


def _data(name: str) -> Path:
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name

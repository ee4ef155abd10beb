"""Words that mean the same in a course folder: authors' names beside the platform's.

In: a word of a directive or of front matter. Out: the category or field that the registry knows it by.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from authoring.registry.tables import categories, fields_of

CATEGORY_ALIASES: Mapping[str, str] = MappingProxyType(
    {"section": "chapter", "subsection": "sequential", "unit": "vertical"}
)
"""What Studio's users say for the levels of the outline."""

COMMON_FIELD_ALIASES: Mapping[str, str] = MappingProxyType({"title": "display_name"})
"""Understood for every category."""

FIELD_ALIASES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "video": {"youtube": "youtube_id_1_0", "sources": "html5_sources"},
        "openassessment": {
            # The names that the block's OLX and Studio's editor use for the same three.
            "text_response": "text_response_raw",
            "file_upload_response": "file_upload_response_raw",
            "file_upload_type": "file_upload_type_raw",
        },
    }
)
"""Further ones, by category."""


def canonical_category(word: str) -> str | None:
    """The registry's name of a category: "unit" is vertical, "-" and "_" are equal. None for no category."""
    if word in categories():
        return word
    return CATEGORY_ALIASES.get(word) or _categories_by_folded_name().get(_fold(word))


def field_aliases(category: str) -> Mapping[str, str]:
    """`{alias: field name}` for a category; the common ones too."""
    return {**COMMON_FIELD_ALIASES, **FIELD_ALIASES.get(category, {})}


def canonical_field(category: str, word: str) -> str | None:
    """The registry's name of a field of `category`; None when it has neither a field nor an alias `word`."""
    alias = field_aliases(category).get(word)
    if alias is not None:
        return alias
    return word if word in fields_of(category) else None


@cache
def _categories_by_folded_name() -> Mapping[str, str]:
    return {_fold(name): name for name in categories()}


def _fold(word: str) -> str:
    return word.replace("-", "_")

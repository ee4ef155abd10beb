"""How blocks refer to one another: links in texts, and fields that name blocks.

In the tree they use our names (`url_name`, or `category/url_name`); on the platform its ids. Which become which is said
where calls are rendered.
"""

from __future__ import annotations

import re

from authoring.model import CHAPTER, COURSE_UPDATE, SEQUENTIAL, VERTICAL, BlockKey, Course


def is_link_target(key: BlockKey) -> bool:
    """Whether a link may mean it. An announcement is no block of the platform's, and so has no id that a link could name."""
    return key.category != COURSE_UPDATE


def link_names(course: Course) -> dict[str, BlockKey]:
    """`url_name` → block, for `/jump_to_id/…` and page links; units win over what has the same name elsewhere."""
    names: dict[str, BlockKey] = {}
    rank = {VERTICAL: 0, SEQUENTIAL: 1, CHAPTER: 2}
    for block in course.blocks():
        if not is_link_target(block.key):
            continue
        held = names.get(block.url_name)
        if held is None or rank.get(block.category, 3) < rank.get(held.category, 3):
            names[block.url_name] = block.key
    return names


REFERENCE_FIELDS = {
    "split_test": ("group_id_to_child",),
    "conditional": ("sources_list", "show_tag_list"),
}
"""Fields that name other blocks; in the tree they hold `category/url_name`, on the platform usage keys."""

JUMP_LINK = re.compile(r"/jump_to_id/([\w\-~.%]+)")
PAGE_LINK = re.compile(r"(?<=[\"'(])/course/([\w\-~.]+)/")

_STATIC_LINK = re.compile(r"(?<=[\"'(=;])/static/([^\"'?#()\s&]+)")


def flat_links(text: str) -> str:
    """The text with `/static/a/b.png` as `/static/a_b.png`, which the platform takes for the same file (Open edX:
    xmodule/contentstore/content.py, compute_location)."""
    return _STATIC_LINK.sub(lambda match: "/static/" + match[1].replace("/", "_"), text)

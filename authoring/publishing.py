"""Which blocks to publish: the smallest set of roots that covers what changed and nothing of other people's."""

from __future__ import annotations

from collections.abc import Set

from authoring.model import VERTICAL, Block, BlockKey


def publish_roots(
    root: Block, units: Set[BlockKey], holds_foreign: Set[BlockKey]
) -> list[tuple[BlockKey, tuple[BlockKey, ...]]]:
    """`(root, units it covers)`, in course order.

    Publishing covers a subtree (Open edX: `publish` copies it whole), so a container stands for its units as soon as
    it replaces two calls, unless it is in `holds_foreign`: something below it is unpublished and not ours.
    """
    if root.category == VERTICAL:
        return [(root.key, (root.key,))] if root.key in units else []
    below = [found for child in root.children for found in publish_roots(child, units, holds_foreign)]
    if len(below) > 1 and root.key not in holds_foreign:
        return [(root.key, tuple(unit for _, covered in below for unit in covered))]
    return below

"""OLX, the platform's own format: elements to blocks and back, courses to packages, and when two packages are the same.

`reader` and `writer` are inverse to each other; `canonical` says what counts as a difference. Reading a whole package
(pointers, policies, drafts, static files) is :mod:`importers.olx`.
"""

from __future__ import annotations

from authoring.olx.elements import BROKEN_OLX, line_of, parse_element
from authoring.olx.reader import BAD_OLX, block_from_element
from authoring.olx.values import attribute_from_value, value_from_attribute
from authoring.olx.writer import element_of

__all__ = [
    "BAD_OLX",
    "BROKEN_OLX",
    "attribute_from_value",
    "block_from_element",
    "element_of",
    "line_of",
    "parse_element",
    "value_from_attribute",
]

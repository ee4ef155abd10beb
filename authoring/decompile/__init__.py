"""The way back: a Course to a course folder that a person would want to edit, and that compiles to the same Course.

`folder_of` decides and proves; writing to disk is the caller's.
"""

from __future__ import annotations

from authoring.decompile.components import Way
from authoring.decompile.folder import Folder, Unequal, differing_parts, folder_of, same_content

__all__ = ["Folder", "Unequal", "Way", "differing_parts", "folder_of", "same_content"]

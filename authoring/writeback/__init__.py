"""The way back into a folder that people wrote: a changed Course in, the files that change out, all else as it was.

`rewrite` decides and proves, `write_changes` puts it on disk, all or nothing.
"""

from __future__ import annotations

from authoring.writeback.disk import recover, write_changes
from authoring.writeback.proof import Difference, differences, same_course
from authoring.writeback.rewriting import KEPT_ASIDE, NOT_PLACED, Rewritten, rewrite

__all__ = [
    "KEPT_ASIDE",
    "NOT_PLACED",
    "Difference",
    "Rewritten",
    "differences",
    "recover",
    "rewrite",
    "same_course",
    "write_changes",
]

"""The way back into a folder that people wrote: a changed Course in, the files that change out, all else as it was.

`rewrite` decides and proves; writing to disk is the caller's.
"""

from __future__ import annotations

from authoring.writeback.proof import Difference, differences, same_course
from authoring.writeback.rewriting import KEPT_ASIDE, NOT_PLACED, Rewritten, rewrite

__all__ = ["KEPT_ASIDE", "NOT_PLACED", "Difference", "Rewritten", "differences", "rewrite", "same_course"]

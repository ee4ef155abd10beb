"""A live course read back as a `Course`: the value that a compiled course folder is.

    reading    the reads, and what of them can be had at a target
    skeleton   sections and subsections by the lock file, where no read tells them; pure
    restoring  what the platform made of our texts and fields, undone; pure

Blocks that the lock file knows keep their names; others get one from their title. What cannot be read is said, block by block, so
that nobody takes silence for emptiness.
"""

from authoring.exporter.reading import EMPTY_INFO, LiveCourse, hidden_fields, read_live_course, read_whole_course

__all__ = ["EMPTY_INFO", "LiveCourse", "hidden_fields", "read_live_course", "read_whole_course"]

"""Rules about PDF textbooks, which the platform refuses whole when one of them is not as it wants them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from authoring.diagnostics import Diagnostic, Severity, define
from authoring.model import Course, FieldValue

BAD_TEXTBOOK = define(
    "bad-textbook",
    Severity.WARNING,
    "A PDF textbook that the platform does not take, or that shows learners nothing.",
    "write `- {tab_title: The book, chapters: [{title: One, url: /static/one.pdf}]}`; an `id` begins with a digit",
)


def textbooks_can_be_shown(course: Course) -> Iterable[Diagnostic]:
    """What Studio refuses of a list of textbooks (Open edX: contentstore/views/course.py, validate_textbook_json)."""
    books = course.root.fields.get("pdf_textbooks")
    if isinstance(books, list | tuple) and course.root.source is not None:
        for number, book in enumerate(books, start=1):
            for wrong in _wrong(book):
                message = f"textbook {number} {wrong}"
                yield Diagnostic(BAD_TEXTBOOK, message, course.root.source, BAD_TEXTBOOK.remedy, BAD_TEXTBOOK.severity)


def _wrong(book: FieldValue) -> Iterator[str]:
    if not isinstance(book, Mapping):
        yield "is no mapping"
        return
    if not str(book.get("tab_title") or "").strip():
        yield "has no 'tab_title'"
    if book.get("id") is not None and not str(book["id"])[:1].isdigit():
        yield f"has the id {str(book['id'])[:40]!r}, which does not begin with a digit"
    chapters = book.get("chapters")
    if not isinstance(chapters, list | tuple) or not chapters:
        yield "has no 'chapters'"
    elif not all(isinstance(chapter, Mapping) and chapter.get("url") for chapter in chapters):
        yield "has a chapter without a 'url'"

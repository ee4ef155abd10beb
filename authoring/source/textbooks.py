"""PDF textbooks as course.yaml has them: what the platform would refuse is said with its line, before anything is sent. Pure."""

from __future__ import annotations

from authoring.diagnostics import Diagnostics
from authoring.yamlnodes import BAD_VALUE, DUPLICATE_KEY, Entry, items_of, plain_value

FIELD = "pdf_textbooks"
_HINT = "write `- {tab_title: The book, chapters: [{title: One, url: /static/one.pdf}]}`"


def are_textbooks(entry: Entry, diagnostics: Diagnostics) -> bool:
    """Reports what the platform refuses, or what breaks its page of the book (Open edX: contentstore/views/course.py,
    validate_textbook_json; the rest is shown by lms/templates/static_pdfbook.html)."""
    taken: set[str] = set()
    before = len(diagnostics)
    for item in items_of(entry, diagnostics) or ():
        book = plain_value(item, Diagnostics())
        if not isinstance(book, dict) or not isinstance(book.get("tab_title"), str) or not book["tab_title"]:
            diagnostics.report(BAD_VALUE, "a textbook needs a 'tab_title', which is text", item.where, _HINT)
            continue
        title, name, chapters = book["tab_title"][:80], book.get("id"), book.get("chapters", [])
        if name is not None and not (isinstance(name, str) and name[:1] in tuple("0123456789")):
            said = f"the 'id' of the textbook {title!r} is text that begins with a digit"
            diagnostics.report(BAD_VALUE, said, item.where, 'write it as `id: "1book"`, or leave it to the platform')
        elif name is not None and name in taken:
            diagnostics.report(DUPLICATE_KEY, f"two textbooks have the id {name[:80]!r}", item.where)
        if isinstance(name, str):
            taken.add(name)
        if not isinstance(chapters, list) or not all(map(_is_chapter, chapters)):
            said = f"the 'chapters' of the textbook {title!r} are a list of `title` and `url`"
            diagnostics.report(BAD_VALUE, said, item.where, _HINT)
    return len(diagnostics) == before


def _is_chapter(chapter: object) -> bool:
    return isinstance(chapter, dict) and all(isinstance(chapter.get(name), str) for name in ("title", "url"))

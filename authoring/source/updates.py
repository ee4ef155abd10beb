"""Updates (announcements): their dates and names, and the list in which the platform and OLX keep them. Pure.

A file of `updates/` -> a `course_update` block with `date` as learners read it; `info/updates.items.json` and the list that
Studio answers -> the same blocks. Open edX: cms/djangoapps/contentstore/course_info_model.py; the date is a text there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

from authoring.model import COURSE_UPDATE, Block, BlockKey, FieldValue
from authoring.source.names import clean_stem

FOLDER = "updates"
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_WORDS = re.compile(rf"({'|'.join(_MONTHS)}) ([0-9]{{1,2}}), ([0-9]{{4}})")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def words_of(text: str) -> str:
    """A day as Studio writes it: `2027-02-01` -> `February 1, 2027`; any other text as it is.

    Raises ValueError for a day that no calendar has.
    """
    if not _ISO.fullmatch(text.strip()):
        return text
    day = date.fromisoformat(text.strip())
    return f"{_MONTHS[day.month - 1]} {day.day}, {day.year}"


def day_of(words: str) -> str | None:
    """`February 1, 2027` -> `2027-02-01`; None for words that are no such day."""
    found = _WORDS.fullmatch(words.strip())
    if found is None:
        return None
    try:
        return date(int(found[3]), _MONTHS.index(found[1]) + 1, int(found[2])).isoformat()
    except ValueError:
        return None


def day_in_name(stem: str) -> str | None:
    """The day that a file's name begins with: `2027-02-01-welcome` -> `2027-02-01`."""
    found = _ISO.match(stem)
    return found[0] if found is not None else None


def name_for(words: str, taken: set[str]) -> str:
    """A name for an update that has none, by its day; added to `taken`."""
    wanted = day_of(words) or clean_stem(words.casefold())[:40].strip("-.") or "update"
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    taken.add(name)
    return name


def blocks_of(items: FieldValue) -> tuple[Block, ...] | None:
    """The updates of an `updates.items.json`, oldest first, without deleted ones; None when it is not of that shape."""
    if not isinstance(items, Sequence) or isinstance(items, str):
        return None
    found: list[Block] = []
    taken: set[str] = set()
    for item in items:
        if not isinstance(item, Mapping):
            return None
        words, content = item.get("date"), item.get("content")
        if not isinstance(words, str) or not isinstance(content, str):
            return None
        if item.get("status") != "deleted":
            found.append(Block(BlockKey(COURSE_UPDATE, name_for(words, taken)), {"date": words}, content))
    return tuple(found)

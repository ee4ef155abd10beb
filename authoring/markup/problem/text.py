"""Text that remembers where it came from, and white space as Studio's converter understands it.

Studio's converter rewrites the text of a problem stage by stage. `Text` lets each stage do that while every line keeps
the number of the source line it was made from, so that a finding in the last stage still has its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

SPACES = (
    " \t\n\v\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
r"""What `\s` and `trim` mean in JavaScript, which is not quite what they mean in Python."""

S = f"[{SPACES}]"
"""The same as a regular expression."""

S_IN_LINE = f"[{SPACES.replace(chr(10), '')}]"
"""As `S`, without the newline."""

_SPACE_RUN = re.compile(f"{S}+")


def strip(text: str) -> str:
    """JavaScript's `trim`."""
    return text.strip(SPACES)


def without_spaces(text: str) -> str:
    return _SPACE_RUN.sub("", text)


def enclosed(text: str, opening: str, closing: str) -> Iterator[tuple[int, int]]:
    """Start and end of each `opening…closing`, marks included, with at least one character between them."""
    position = 0
    while (start := text.find(opening, position)) >= 0:
        end = text.find(closing, start + len(opening) + 1)
        if end < 0:
            return
        position = end + len(closing)
        yield start, position


@dataclass(frozen=True, slots=True)
class Row:
    """One line and the number of the source line it was made from (counted from 0)."""

    text: str
    number: int

    @property
    def blank(self) -> bool:
        return not strip(self.text)


@dataclass(frozen=True, slots=True)
class Text:
    """Lines of text; `numbers` has one entry for each of them."""

    text: str
    numbers: tuple[int, ...]

    @classmethod
    def of(cls, text: str, first: int = 0) -> Text:
        return cls(text, tuple(range(first, first + text.count("\n") + 1)))

    @classmethod
    def of_rows(cls, rows: Sequence[Row]) -> Text:
        return cls("\n".join(row.text for row in rows), tuple(row.number for row in rows))

    def rows(self) -> list[Row]:
        return [Row(text, number) for text, number in zip(self.text.split("\n"), self.numbers, strict=True)]

    def line_at(self, position: int) -> int:
        return self.numbers[self.text.count("\n", 0, position)]

    def replace(self, spans: Iterable[tuple[int, int, str]]) -> Text:
        """A copy with each `(start, end, new)` put in place; spans are in order and do not overlap."""
        parts: list[str] = []
        numbers = [self.numbers[0]]
        position = row = 0
        for start, end, new in spans:
            kept = self.text[position:start]
            parts += (kept, new)
            count = kept.count("\n")
            numbers += self.numbers[row + 1 : row + 1 + count]
            row += count
            last = row + self.text.count("\n", start, end)
            numbers += [self.numbers[min(row + 1 + index, last)] for index in range(new.count("\n"))]
            row, position = last, end
        if not parts:
            return self
        parts.append(self.text[position:])
        numbers += self.numbers[row + 1 :]
        return Text("".join(parts), tuple(numbers))

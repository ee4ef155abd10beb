"""Text files as people left them, and changes to text that leave the rest alone.

`Text` keeps what reading drops (a byte order mark, Windows line ends), so that an unchanged file is the same bytes.
`merge3` brings a change from `base` to `theirs` into `ours`, another spelling of `base`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

BOM = b"\xef\xbb\xbf"

MAX_TOKENS = 20_000
"""Longer texts are compared by lines only: the comparison takes the product of both lengths at worst."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text with `\\n` line ends, and how its file spells it."""

    text: str
    bom: bool = False
    windows: bool = False

    @classmethod
    def of(cls, data: bytes) -> Text:
        """The text of a UTF-8 file. Raises UnicodeDecodeError."""
        text = data.decode("utf-8-sig")
        windows = text.count("\r\n") * 2 > text.count("\n")
        return cls(text.replace("\r\n", "\n").replace("\r", "\n"), data.startswith(BOM), windows)

    def encode(self, text: str) -> bytes:
        """Another text as this file would spell it."""
        data = (text.replace("\n", "\r\n") if self.windows else text).encode("utf-8", "surrogatepass")
        return BOM + data if self.bom else data


_WORDS = re.compile(r"\n+|[^\S\n]+|[^\W_]+|.", re.DOTALL)


def words_of(text: str) -> list[str]:
    """Words, spaces and signs, each on its own; joined they are the text."""
    return _WORDS.findall(text)


def lines_of(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def merge3(base: str, ours: str, theirs: str) -> list[str]:
    """`ours` with the change from `base` to `theirs`: the candidates, the closest to `ours` first; none where both changed
    one place. A candidate may be wrong: it is for the caller to prove."""
    if base == theirs:
        return [ours]
    if base == ours:
        return [theirs]
    found: list[str] = []
    for split in (words_of, lines_of):
        parts = [split(text) for text in (base, ours, theirs)]
        if max(map(len, parts)) > MAX_TOKENS:
            continue
        merged = _merge(*parts)
        if merged is not None and "".join(merged) not in found:
            found.append("".join(merged))
    return found


def _merge(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> list[str] | None:
    """Each change from `base` to `theirs`, made where `ours` has the very tokens that it takes away, or that stand beside
    what it puts in; None where `ours` has them no more."""
    there: dict[int, int] = {}
    for start, in_ours, size in SequenceMatcher(None, _key(base), _key(ours), autojunk=False).get_matching_blocks():
        there |= {start + n: in_ours + n for n in range(size)}
    edits: list[tuple[int, int, Sequence[str]]] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, _key(base), _key(theirs), autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        places = [there.get(index, -1) for index in range(i1, i2)]
        if i1 == i2:
            at: int | None = len(ours) if i1 == len(base) else 0 if i1 == 0 else there.get(i1)
            if 0 < i1 < len(base) and i1 - 1 in there:
                at = there[i1 - 1] + 1
            if at is None:
                return None
            edits.append((at, at, theirs[j1:j2]))
        elif places[0] < 0 or places != list(range(places[0], places[0] + len(places))):
            return None
        else:
            edits.append((places[0], places[-1] + 1, theirs[j1:j2]))
    merged = list(ours)
    for start, end, new in reversed(edits):
        merged[start:end] = new
    return merged


def _key(tokens: Sequence[str]) -> list[str]:
    """Tokens as they are compared: where a line was broken does not count."""
    return [" " if token.isspace() and token.count("\n") < 2 else token for token in tokens]

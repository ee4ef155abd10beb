"""Conflicts of a merge, for people to read: single values side by side, texts as git shows them, as Markdown where they are.

    Conflict  ->  lines

    html/hello-html-1, data: both changed it
    <<<<<<< yours
    Three questions.
    =======
    Four questions.
    >>>>>>> live

Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from authoring.lockfile import content_field
from authoring.markup.problem import decompile_problem
from authoring.markup.unrender import html_to_markdown
from authoring.merge import EXISTENCE, ORDER, PLACE, Conflict, Part
from authoring.model import Asset, BlockKey, GradingPolicy
from authoring.operations import policy_to_json
from authoring.registry import FieldType, spec

OURS, BETWEEN, THEIRS = "<<<<<<< yours", "=======", ">>>>>>> live"


def conflict_text(conflict: Conflict) -> str:
    """A conflict with a heading line; of texts, what both have is shown once."""
    if conflict.part == EXISTENCE:
        who, what = ("you changed it", "the live course") if conflict.ours else ("the live course changed it", "you")
        return f"{conflict.key}: {who}, {what} deleted it"
    if conflict.part == PLACE:
        return f"{conflict.key}: you moved it into {conflict.ours}, the live course has it in {conflict.theirs}"
    what = "both changed the order of its children" if conflict.part == ORDER else f"{conflict.part}: both changed it"
    ours, theirs = (_lines(conflict, part) for part in (conflict.ours, conflict.theirs))
    return "\n".join([f"{conflict.key}, {what}", *marked(ours, theirs)])


def conflict_to_json(conflict: Conflict) -> dict[str, object]:
    """`{block, part, ours, theirs}`; files by digest, keys as text."""
    return {
        "block": str(conflict.key),
        "part": conflict.part,
        "ours": _json(conflict.ours),
        "theirs": _json(conflict.theirs),
    }


def marked(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[str]:
    """The lines of both, those that differ between markers."""
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from ours[i1:i2]
        else:
            yield from (OURS, *ours[i1:i2], BETWEEN, *theirs[j1:j2], THEIRS)


def readable(category: str, text: str) -> str:
    """The text of a block as Markdown where that says the same, else as it is."""
    known = spec(category)
    if category == "problem":
        return decompile_problem(text) or text
    body = known.own_fields[known.content].type if known is not None and known.content is not None else FieldType.XML
    return text if body is FieldType.XML else html_to_markdown(text) or text


def _lines(conflict: Conflict, part: Part) -> list[str]:
    if part is None:
        return []
    if isinstance(part, str):
        text = readable(conflict.key.category, part) if conflict.part == content_field(conflict.key.category) else part
        return text.rstrip("\n").split("\n")
    if isinstance(part, tuple):
        return [str(key) for key in part]
    return json.dumps(_json(part), ensure_ascii=False, indent=2).split("\n")


def _json(part: Part) -> object:
    match part:
        case Asset():
            return {"name": part.name, "digest": part.digest, "size": part.size}
        case GradingPolicy():
            return policy_to_json(part)
        case BlockKey():
            return str(part)
        case tuple():
            return [str(item) for item in part]
        case _:
            return part

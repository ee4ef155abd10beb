"""Feedback in double braces: `{{ text }}`, `{{ label:: text }}`, `{{ selected: a }, { unselected: b }}`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from authoring.markup.problem.text import S, Text, strip

_BRACES = re.compile(f"{S}*{{{{(.*?)}}}}")
_LINE_END = re.compile("\n[ \t]*")
_SELECTED = re.compile(rf"{{{S}*(?:s|selected):([^}}]*)}}", re.IGNORECASE)
_UNSELECTED = re.compile(rf"{{{S}*(?:u|unselected):([^}}]*)}}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Feedback:
    """`text` is shown after `label`; a label of None leaves the platform's own ("Correct:"), "" shows none."""

    text: str
    label: str | None = None


def take_feedback(text: str) -> tuple[str, Feedback | None]:
    """The text without its (first) feedback, and the feedback; None where there is none or it is empty."""
    found = _BRACES.search(text)
    if found is None:
        return text, None
    rest = text[: found.start()] + text[found.end() :]
    label, colons, body = strip(found[1]).partition("::")
    feedback = Feedback(strip(body), strip(label)) if colons else Feedback(label)
    return rest, feedback if feedback.text else None


def selected_feedback(feedback: Feedback) -> tuple[str | None, str | None]:
    """The two halves of a checkbox's feedback: when it is ticked, and when it is not."""
    inner = f"{{{feedback.text}}}"
    selected, unselected = _SELECTED.search(inner), _UNSELECTED.search(inner)
    return strip(selected[1]) if selected else None, strip(unselected[1]) if unselected else None


def fold_feedback(text: Text) -> Text:
    """Feedback that spans lines brought onto one."""
    spans = []
    source = text.text
    position = 0
    while (start := source.find("{{", position)) >= 0 and (end := source.find("}}", start + 2)) >= 0:
        position = end + 2
        if "\n" in (inner := source[start:position]):
            spans.append((start, position, _LINE_END.sub(" ", inner)))
    return text.replace(spans)

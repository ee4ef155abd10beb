"""Admonitions: `:::note`, a body of Markdown, `:::`; with a title of its own where one follows the name.

The rule of the course folder (docs/course-folder.md): the fence stands in column 0, the body ends at the
first line of at least as many colons that is not inside a fenced code block or a longer admonition's
shorter ones. The container plugin of mdit-py-plugins is not used, because it ends a container inside the
code block that shows how to write one.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

ADMONITIONS = {
    "note": "Note",
    "tip": "Tip",
    "important": "Important",
    "warning": "Warning",
    "caution": "Caution",
    "danger": "Danger",
}
"""Name -> the title shown when none is written."""

_OPENING = re.compile(r"(:{3,})[ \t]*([A-Za-z][\w-]*)(?:[ \t]+(.*))?")
_FENCE = re.compile(r"(`{3,}|~{3,})(.*)")


def admonitions_plugin(md: MarkdownIt) -> None:
    """Teach `md` the names of `ADMONITIONS`."""
    md.block.ruler.before("fence", "admonition", _admonition, {"alt": ["paragraph", "reference", "blockquote", "list"]})


def _admonition(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    begin = state.bMarks[start_line]
    if not state.src.startswith(":::", begin) or (begin > 0 and state.src[begin - 1] != "\n"):
        return False  # not in column 0 of the file
    opening = _OPENING.fullmatch(state.src[begin : state.eMarks[start_line]].rstrip())
    if opening is None or (name := opening[2].lower()) not in ADMONITIONS:
        return False
    if silent:
        return True

    close_line = _closing_line(state, start_line + 1, end_line, len(opening[1]))
    old_parent, old_line_max = state.parentType, state.lineMax
    state.parentType = "container"
    state.lineMax = close_line

    token = state.push("admonition_open", "div", 1)
    token.block = True
    token.map = [start_line, close_line]
    token.attrs = {"class": f"admonition {name}", "role": "note"}
    _push_title(state, start_line, (opening[3] or "").strip() or ADMONITIONS[name])
    state.md.block.tokenize(state, start_line + 1, close_line)
    token = state.push("admonition_close", "div", -1)
    token.block = True

    state.parentType, state.lineMax = old_parent, old_line_max
    state.line = min(close_line + 1, end_line)
    return True


def _push_title(state: StateBlock, line: int, title: str) -> None:
    token = state.push("paragraph_open", "p", 1)
    token.attrs = {"class": "admonition-title"}
    token.map = [line, line + 1]
    inline: Token = state.push("inline", "", 0)
    inline.content = title
    inline.map = [line, line + 1]
    inline.children = []
    state.push("paragraph_close", "p", -1)


def _closing_line(state: StateBlock, line: int, end_line: int, colons: int) -> int:
    fence = ""
    while line < end_line:
        if not state.tShift[line]:
            text = state.src[state.bMarks[line] : state.eMarks[line]].rstrip()
            match = _FENCE.fullmatch(text) if text[:1] in "`~" and text else None
            if fence:
                if match is not None and match[1].startswith(fence) and not match[2]:
                    fence = ""
            elif match is not None:
                fence = match[1]
            elif text.startswith(":::") and len(text) >= colons and not text.strip(":"):
                return line
        line += 1
    return end_line

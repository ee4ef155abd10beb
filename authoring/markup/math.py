r"""Maths in Markdown: `$…$`, `$$…$$`, `\(…\)`, `\[…\]`, all rendered as Open edX's MathJax expects them.

MathJax on the platform reads `\( … \)` and `\[ … \]` only (Open edX:
common/templates/mathjax_include.html), so that is what comes out, whatever was written. The maths plugins
of mdit-py-plugins are not used, because `$x$ is 5` is not maths to `dollarmath` (it looks at the
paragraph's last character for the digit before the first) and `texmath` copies the rest of the text at each
bracket and does not know `\[…\]` inside a paragraph.

What is maths (the rules of pandoc): a `$` opens before a character that is not white space and closes after
one, when no digit follows and none stands before the opening, so that "costs $5 and $10" stays text. So does
"from $5 to 10$": a number and words, without TeX. `\$` is a dollar sign.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_INLINE = re.compile(
    r"""
      \$\$ (?P<double> [^$\\]*+ (?: \\. [^$\\]*+ )*+ ) \$\$
    | \$ (?! [\s$] ) (?P<single> [^$\\]*+ (?: \\. [^$\\]*+ )*+ ) \$ (?! \d )
    """,
    re.VERBOSE | re.DOTALL,
)

_WORD = re.compile(r"\s[^\W\d_]{2,}")

_BRACKETS = {"\\(": "\\)", "\\[": "\\]"}


def math_plugin(md: MarkdownIt) -> None:
    """Teach `md` the four notations."""
    md.inline.ruler.before("escape", "math", _math_inline)
    md.block.ruler.before("fence", "math_block", _math_block, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    md.add_render_rule("math_inline", _render_inline)
    md.add_render_rule("math_display", _render_display)
    md.add_render_rule("math_block", _render_block)


def _math_inline(state: StateInline, silent: bool) -> bool:
    mark = state.src[state.pos]
    if mark == "$":
        return _dollars(state, silent)
    if mark == "\\":
        return _brackets(state, silent)
    return False


def _dollars(state: StateInline, silent: bool) -> bool:
    src, start = state.src, state.pos
    if start > 0 and (src[start - 1].isdigit() or src[start - 1] == "$"):
        return False
    match = _INLINE.match(src, start, state.posMax)
    if match is None:
        return False
    double = match["double"] is not None
    content = match["double"] if double else match["single"]
    if not content.strip() or (not double and (content[-1].isspace() or _is_price(content))):
        return False
    if not silent:
        token = state.push("math_display" if double else "math_inline", "math", 0)
        token.content = content.strip()
        token.markup = "$$" if double else "$"
    state.pos = match.end()
    return True


def _is_price(content: str) -> bool:
    """Whether `content` is what stands between two prices, as in "from $5 to 10$": a number, then words, no TeX."""
    return content[0].isdigit() and "\\" not in content and _WORD.search(content) is not None


def end_of_brackets(state: StateInline) -> int | None:
    r"""Where the `\)` or `\]` stands that ends a formula which begins here; None where none begins or none ends.

    A failed search is remembered for the rest of the paragraph: `\(\(\(…` must not be searched again and again.
    """
    closing = _BRACKETS.get(state.src[state.pos : state.pos + 2])
    if closing is None:
        return None
    missing = state.env.setdefault("math_missing", {})
    if missing.get(closing) is state.src:
        return None
    end = state.src.find(closing, state.pos + 2, state.posMax)
    if end < 0:
        missing[closing] = state.src
        return None
    return end


def _brackets(state: StateInline, silent: bool) -> bool:
    opening, end = state.src[state.pos : state.pos + 2], end_of_brackets(state)
    if end is None:
        return False
    content = state.src[state.pos + 2 : end].strip()
    if not content:
        return False
    if not silent:
        token = state.push("math_inline" if opening == "\\(" else "math_display", "math", 0)
        token.content = content
        token.markup = opening
    state.pos = end + 2
    return True


def _math_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    r"""`$$` or `\[` at the start of a line, up to a line that ends with its partner; no blank line
    between."""
    if state.is_code_block(start_line):
        return False
    first = _line(state, start_line)
    if first.startswith("$$"):
        closing = "$$"
    elif first.startswith("\\["):
        closing = "\\]"
    else:
        return False
    # Where a search failed is remembered: line after line of `\[` must not be searched again and again.
    failed: dict[tuple[str, int, int], int] = state.env.setdefault("math_open", {})
    search = (closing, end_line, state.blkIndent)
    if start_line < failed.get(search, -1):
        return False
    inner = first[2:].rstrip()
    lines: list[str] = []
    line = start_line
    while True:
        at = inner.find(closing)
        if at >= 0:
            if inner[at + 2 :].strip():
                return False  # text after it: part of a paragraph
            lines.append(inner[:at])
            break
        lines.append(inner)
        line += 1
        if line >= end_line or state.sCount[line] < state.blkIndent or state.isEmpty(line):
            failed[search] = line
            return False
        inner = _line(state, line).rstrip()
    content = "\n".join(lines).strip()
    if not content:
        return False
    if not silent:
        token = state.push("math_block", "math", 0)
        token.block = True
        token.content = content
        token.markup = "$$" if closing == "$$" else "\\["
        token.map = [start_line, line + 1]
        state.line = line + 1
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _render_inline(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return f'<span class="math inline">\\({escapeHtml(tokens[index].content)}\\)</span>'


def _render_display(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return f'<span class="math display">\\[{escapeHtml(tokens[index].content)}\\]</span>'


def _render_block(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return f'<div class="math block">\\[{escapeHtml(tokens[index].content)}\\]</div>\n'

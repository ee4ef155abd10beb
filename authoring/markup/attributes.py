"""Attributes in braces: `![chart](a.png){.wide width=50%}`, `[words](x.md){#more}`, `## Heading {#part-2}`.

They follow an image, a link, inline code or a bracketed span (`[words]{.term}`) without a space, or end a
heading. Inside: `.class`, `#id`, `key=value`, `key="value with spaces"`. Anything else leaves the braces as
text. The plugin of mdit-py-plugins is not used: it does not take `width=50%` without quotes and knows no
attributes at the end of a heading.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

_BRACES = re.compile(
    r"""
    \{ [ \t]*
    ( (?: \. [\w-]+ | \# [\w.:-]+ | [A-Za-z_][\w:.-]* = (?: "[^"\n]*" | [^\s"'{}=<>`]+ ) )
      (?: [ \t]+ (?: \. [\w-]+ | \# [\w.:-]+ | [A-Za-z_][\w:.-]* = (?: "[^"\n]*" | [^\s"'{}=<>`]+ ) ) )*
    ) [ \t]* \}
    """,
    re.VERBOSE,
)
_ITEM = re.compile(r'\.([\w-]+)|\#([\w.:-]+)|([A-Za-z_][\w:.-]*)=(?:"([^"\n]*)"|([^\s"\'{}=<>`]+))')

_AFTER = frozenset({"image", "code_inline", "link_close", "span_close"})


def attributes_plugin(md: MarkdownIt) -> None:
    """Teach `md` attributes in braces."""
    md.inline.ruler.after("link", "span", _span)
    md.inline.ruler.push("attributes", _inline_attributes)
    md.core.ruler.after("inline", "heading_attributes", _heading_attributes)


def _span(state: StateInline, silent: bool) -> bool:
    """`[words]{.class}`; links and references have had their turn before."""
    src, start = state.src, state.pos
    if src[start] != "[" or src.find("]{", start, state.posMax) < 0:
        return False
    end = state.md.helpers.parseLinkLabel(state, start, False)
    if end < 0:
        return False
    match = _BRACES.match(src, end + 1, state.posMax)
    if match is None:
        return False
    if not silent:
        maximum = state.posMax
        state.pos, state.posMax = start + 1, end
        _apply(state.push("span_open", "span", 1), match[1])
        state.md.inline.tokenize(state)
        state.push("span_close", "span", -1)
        state.posMax = maximum
    state.pos = match.end()
    return True


def _inline_attributes(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "{" or state.pending or not state.tokens:
        return False
    token = state.tokens[-1]
    if token.type not in _AFTER:
        return False
    match = _BRACES.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if token.nesting == -1:
        level = 0
        for token in reversed(state.tokens):
            level += token.nesting
            if level == 0:
                break
    if not silent:
        _apply(token, match[1])
    state.pos = match.end()
    return True


def _heading_attributes(state: StateCore) -> None:
    tokens = state.tokens
    for index, token in enumerate(tokens):
        if token.type != "heading_open":
            continue
        children = tokens[index + 1].children
        last = children[-1] if children else None
        if last is None or last.type != "text" or not last.content.endswith("}"):
            continue
        start = last.content.rfind("{")
        match = _BRACES.fullmatch(last.content, start) if start >= 0 else None
        if match is not None:
            _apply(token, match[1])
            last.content = last.content[:start].rstrip()


def _apply(token: Token, text: str) -> None:
    for item in _ITEM.finditer(text):
        name, identifier, key, quoted, bare = item.groups()
        if name is not None:
            token.attrJoin("class", name)
        elif identifier is not None:
            token.attrSet("id", identifier)
        elif key == "class":
            token.attrJoin("class", quoted if quoted is not None else bare)
        else:
            token.attrSet(key, quoted if quoted is not None else bare)

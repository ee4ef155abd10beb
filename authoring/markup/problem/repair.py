"""What authors write and Studio's converter cannot take, brought into a form that it can, with a finding for each.

In: one part of a problem as written; out: the part with the same meaning and as many lines, in which every `&` and `<`
is XML, tags are closed, and text that only looks like a mark is an entity. The repaired text is what travels to Studio
as `markdown`, so that Studio makes the same OLX of it as we do.
"""

from __future__ import annotations

import html.entities
import re

from authoring.diagnostics import Code
from authoring.markup.problem.escape import escape_line, is_mark
from authoring.markup.problem.findings import (
    BARE_QUOTE,
    BRACKET_INSIDE,
    BROKEN_HTML,
    HEADER_QUESTION,
    INSIDE_TEXT,
    LOOSE_HTML,
    RANGE_AS_TEXT,
    STRAY_ANSWER,
    UNESCAPED,
    Findings,
)
from authoring.markup.problem.text import S_IN_LINE, SPACES, S, enclosed, strip

VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)


def repair(part: str, first: int, findings: Findings) -> str:
    """`part`, whose first line is line `first` of the problem, in a form that Studio's converter can take."""
    part = _text_blocks(part, first, findings)
    part = _Markup(part, first, findings).repaired()
    return _lines(part, first, findings)


_CONTROL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def without_control_characters(text: str, findings: Findings) -> str:
    """The text without the characters that XML cannot hold."""
    found = _CONTROL.search(text)
    if found is None:
        return text
    message = f"the character U+{ord(found[0]):04X} cannot stand in XML and is left out"
    findings.report(UNESCAPED, message, text.count("\n", 0, found.start()), "remove it")
    return _CONTROL.sub("", text)


_TOKEN = re.compile(
    r"""
      (?P<entity> & (?: \#[0-9]{1,7} | \#x[0-9A-Fa-f]{1,6} | [A-Za-z][A-Za-z0-9]* ) ; )
    | (?P<amp> & )
    | (?P<opaque> <!-- | <!\[CDATA\[ )
    | < (?P<slash>/?) (?P<name>[A-Za-z_][\w:.-]*)
        (?P<attributes> (?: \s+ [A-Za-z_:][\w:.-]*+ (?: \s*=\s* (?: "[^"<]*" | '[^'<]*' | [^\s"'<>=`]+ ) )? )*+ )
        (?P<end> \s* /? > )
    | (?P<lt> < )
    | \]\](?P<gt> > )
    """,
    re.VERBOSE | re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""(\s+)([A-Za-z_:][\w:.-]*)(?:(\s*=\s*)("[^"<]*"|'[^'<]*'|[^\s"'<>=`]+))?""")
_ENTITY_OR_AMP = re.compile(r"&(?:#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]*);|&")
_PREDEFINED = frozenset(("&amp;", "&lt;", "&gt;", "&quot;", "&apos;"))
_CELL = re.compile(rf"^(?:{S_IN_LINE}*(?:\(.{{0,3}}\)|\[.?\]|\|\|)|s?=|or=|not=)", re.MULTILINE)


class _Markup:
    """Goes over the ampersands and angle brackets of one part."""

    def __init__(self, part: str, first: int, findings: Findings) -> None:
        self.part = part
        self.first = first
        self.findings = findings
        self.pieces: list[str] = []
        self.open: list[tuple[str, int, int, int]] = []
        """Name, cell, index of the piece and position of each tag that waits for its partner."""
        self.cells = {part.count("\n", 0, match.start()) for match in _CELL.finditer(part)}
        self.line = 0
        self.counted = 0
        self.missing: set[str] = set()

    def repaired(self) -> str:
        if "&" not in self.part and "<" not in self.part and "]]>" not in self.part:
            return self.part
        part, position = self.part, 0
        closers = {end - 2 for _, end in enclosed(part, ">>", "<<")}
        while (match := _TOKEN.search(part, position)) is not None:
            start = match.start()
            self.pieces.append(part[position:start])
            position = match.end()
            if start in closers:
                self.pieces.append("<<")
                position = start + 2
            elif match["entity"]:
                self.pieces.append(self._entity(match[0], start))
            elif match["amp"]:
                self._report(UNESCAPED, "a bare `&`", start)
                self.pieces.append("&amp;")
            elif match["lt"]:
                self._report(UNESCAPED, "a bare `<`", start)
                self.pieces.append("&lt;")
            elif match["gt"]:
                self._report(UNESCAPED, "a bare `]]>`", start, "write `]]&gt;`")
                self.pieces.append("]]&gt;")
            elif match["opaque"]:
                position = self._opaque(match)
            else:
                position = self._tag(match)
        self.pieces.append(part[position:])
        for name, _, index, start in self.open:
            self._unmatched(index, f"<{name}> is never closed", start)
        return "".join(self.pieces)

    def _opaque(self, match: re.Match[str]) -> int:
        """Take a comment or a CDATA section; the position behind it."""
        closing = "-->" if match[0] == "<!--" else "]]>"
        end = -1 if closing in self.missing else self.part.find(closing, match.end())
        if end < 0 or (closing == "-->" and "--" in self.part[match.end() : end + 1]):
            if end < 0:
                self.missing.add(closing)
            self._report(BROKEN_HTML, f"this {match[0]!r} is never closed or holds `--`", match.start())
            self.pieces.append("&lt;" + match[0][1:])
            return match.end()
        self.pieces.append(self.part[match.start() : end + 3])
        return end + 3

    def _tag(self, match: re.Match[str]) -> int:
        """Take a tag; the position behind it, or behind the whole script when it opens one."""
        name, start = match["name"], match.start()
        self.pieces.append(self._loose_attributes(match))
        index = len(self.pieces) - 1
        cell = self._cell(start)
        if match["slash"]:
            self._close(name, cell, index, start)
        elif match["end"].strip().startswith("/"):
            pass
        elif name in VOID and not self.part.startswith(f"</{name}>", match.end()):
            self._report(LOOSE_HTML, f"<{name}> is not closed", start, f"write `<{name}/>`")
            self.pieces[index] = self.pieces[index][:-1] + "/>"
        else:
            self.open.append((name, cell, index, start))
            if name == "script":
                return self._script(match.end())
        return match.end()

    def _script(self, start: int) -> int:
        """The inside of a script is text: nothing in it is a tag."""
        end = self.part.find("</script", start)
        if end < 0 or self.part.startswith("<![CDATA[", start):
            return start
        code = self.part[start:end]
        fixed = _ENTITY_OR_AMP.sub(
            lambda m: m[0] if m[0] in _PREDEFINED or m[0].startswith("&#") else f"&amp;{m[0][1:]}", code
        )
        fixed = fixed.replace("<", "&lt;")
        if fixed != code:
            self._report(UNESCAPED, "a bare `&` or `<` in a script", start)
        self.pieces.append(fixed)
        return end

    def _close(self, name: str, cell: int, index: int, start: int) -> None:
        for depth in range(len(self.open) - 1, -1, -1):
            if self.open[depth][:2] == (name, cell):
                for inner, _, inner_index, inner_start in self.open[depth + 1 :]:
                    self._unmatched(inner_index, f"<{inner}> is never closed", inner_start)
                del self.open[depth:]
                return
        self._unmatched(index, f"</{name}> closes nothing", start)

    def _unmatched(self, index: int, message: str, start: int) -> None:
        self._report(BROKEN_HTML, message, start)
        self.pieces[index] = self.pieces[index].replace("<", "&lt;", 1)

    def _cell(self, start: int) -> int:
        """What a tag must be closed in: its line, when that is a choice or an answer, otherwise the part."""
        line = self._line(start)
        return line if line in self.cells else -1

    def _entity(self, entity: str, start: int) -> str:
        if entity in _PREDEFINED:
            return entity
        if entity.startswith("&#"):
            number = int(entity[3:-1], 16) if entity[2] == "x" else int(entity[2:-1])
            if number <= 0x10FFFF and not _CONTROL.match(chr(number)):
                return entity
        else:
            character = html.entities.html5.get(entity[1:])
            if character is not None:
                fixed = "".join(f"&#{ord(char)};" for char in character)
                self._report(LOOSE_HTML, f"XML does not know {entity}", start, f"write `{fixed}` or the character")
                return fixed
        self._report(UNESCAPED, f"a bare `&` in {entity!r}", start)
        return f"&amp;{entity[1:]}"

    def _loose_attributes(self, match: re.Match[str]) -> str:
        if not match["attributes"]:
            return match[0]
        seen = set()
        parts = []
        for space, name, equals, value in _ATTRIBUTE.findall(match["attributes"]):
            if name in seen:
                continue
            seen.add(name)
            if not equals:
                parts.append(f'{space}{name}="{name}"')
                continue
            quoted = value if value[0] in "\"'" else f'"{value}"'
            quoted = _ENTITY_OR_AMP.sub(lambda m: self._entity_in_attribute(m[0]), quoted)
            parts.append(f"{space}{name}{equals}{quoted}")
        attributes = "".join(parts)
        if attributes != match["attributes"]:
            message = f"the attributes of <{match['name']}> are not XML"
            self._report(LOOSE_HTML, message, match.start())
        return f"<{match['slash']}{match['name']}{attributes}{match['end']}"

    def _entity_in_attribute(self, entity: str) -> str:
        if entity in _PREDEFINED or entity.startswith("&#"):
            return entity
        character = html.entities.html5.get(entity[1:])
        if entity.endswith(";") and character is not None:
            return "".join(f"&#{ord(char)};" for char in character)
        return f"&amp;{entity[1:]}"

    def _report(self, code: Code, message: str, start: int, hint: str | None = None) -> None:
        self.findings.report(code, message, self.first + self._line(start), hint)

    def _line(self, start: int) -> int:
        if start < self.counted:
            return self.part.count("\n", 0, start)
        self.line += self.part.count("\n", self.counted, start)
        self.counted = start
        return self.line


_BLOCK = re.compile(
    r"\[(?P<name>explanation|code)\]\n?(?P<inner>.*?)\[/?(?P=name)\]"
    r"|<(?P<tag>script|pre)\b[^>]*>(?P<raw>.*?)</(?P=tag)>",
    re.IGNORECASE | re.DOTALL,
)
_CODE = re.compile(r"\[code\]\n?(.*?)\[/?code\]", re.IGNORECASE | re.DOTALL)


def _text_blocks(part: str, first: int, findings: Findings) -> str:
    """Explanations, code and scripts hold text only: what looks like a question in them is made into entities."""

    def block(match: re.Match[str]) -> str:
        start, end = match.span("inner" if match["name"] else "raw")
        inner = part[start:end]
        line = first + part.count("\n", 0, start)
        code = not match["name"] or match["name"].lower() == "code"
        changed = inner
        if match["name"] and not code and _CODE.search(inner):
            findings.report(BRACKET_INSIDE, "[code] inside [explanation] keeps Studio from seeing either", line)
            changed = _CODE.sub(lambda m: f"<pre><code>{m[1]}</code></pre>", inner)
        lines = changed.split("\n")
        for index, text in enumerate(lines):
            if index == 0 and part[start - 1] != "\n":
                continue  # not at the beginning of a line, so nothing in it is a mark
            if is_mark(text) or (code and text.startswith("==")):
                message = f"this is text, not a question: {strip(text)[:60]!r}"
                findings.report(INSIDE_TEXT, message, line + index)
                lines[index] = escape_line(text)
        changed = "\n".join(lines)
        if "[[" in changed:
            findings.report(INSIDE_TEXT, "`[[` in text would begin a dropdown", line, "write `&#91;[`")
            changed = changed.replace("[[", "&#91;[")
        if code and ">>" in changed and "<<" in part[start:]:
            findings.report(INSIDE_TEXT, "`>>` in code would begin a question", line, "write `&gt;&gt;`")
            changed = changed.replace(">>", "&gt;&gt;")
        if match["name"] and "]" in changed:
            message = f"a `]` inside [{match['name']}] keeps Studio from seeing it"
            findings.report(BRACKET_INSIDE, message, line)
            changed = changed.replace("]", "&#93;")
        return part[match.start() : start] + changed + part[end : match.end()]

    return _BLOCK.sub(block, part) if "[" in part or "<" in part else part


_UNDERLINED = re.compile(r"^(.*)\n==+$", re.MULTILINE)
_UNDERLINE_BLANKS = re.compile(rf"(?<=\n)(==+){S_IN_LINE}+$", re.MULTILINE)
_ANSWER_LINE = re.compile(r"^(?P<mark>s?=|or=|not=)(?P<value>[^\n]*)$", re.MULTILINE)
_LABEL_OF_FEEDBACK = re.compile(r"(?<={{)[^{}\n]*?(?=::)")
_RANGE = re.compile(rf"{S}*[\[(].*[\])]{S}+\Z")


def _lines(part: str, first: int, findings: Findings) -> str:
    """What Studio's converter puts into attributes, and blanks at the ends of lines that it stumbles over."""

    def line_of(match: re.Match[str]) -> int:
        return first + part.count("\n", 0, match.start())

    def in_attribute(text: str, what: str, match: re.Match[str]) -> str:
        fixed = text.replace('"', "&quot;").replace("<", "&lt;")
        if fixed != text:
            findings.report(BARE_QUOTE, f'a bare `"` or a tag in {what}', line_of(match))
        return fixed

    def underline(match: re.Match[str]) -> str:
        findings.report(STRAY_ANSWER, "blanks behind the underline make an answer of it", line_of(match), "remove them")
        return match[1]

    def answer(match: re.Match[str]) -> str:
        value, braces, feedback = match["value"].partition("{{")
        fixed = value
        if not braces and _RANGE.match(value):
            findings.report(RANGE_AS_TEXT, "blanks behind this range make text of it", line_of(match), "remove them")
            fixed = value.rstrip(SPACES)
        return match["mark"] + in_attribute(fixed, "an answer", match) + braces + feedback

    def label(match: re.Match[str]) -> str:
        return in_attribute(match[0], "the label of feedback", match)

    def header(match: re.Match[str]) -> str:
        if ">>" not in match[1]:
            return match[0]
        findings.report(HEADER_QUESTION, "a question cannot be a header as well", line_of(match))
        return match[1] + "\n"

    part = _UNDERLINE_BLANKS.sub(underline, part)
    part = _UNDERLINED.sub(header, part)
    part = _ANSWER_LINE.sub(answer, part)
    part = _LABEL_OF_FEEDBACK.sub(label, part)
    return _dropdowns(part, first, findings)


def _in_attribute(text: str, what: str, line: int, findings: Findings) -> str:
    fixed = text.replace('"', "&quot;").replace("<", "&lt;")
    if fixed != text:
        findings.report(BARE_QUOTE, f'a bare `"` or a tag in {what}', line)
    return fixed


def _dropdowns(part: str, first: int, findings: Findings) -> str:
    """Dropdowns on one line, all of which becomes an attribute."""
    pieces: list[str] = []
    position = 0
    for start, end in enclosed(part, "[[", "]]"):
        inner = part[start + 2 : end - 2]
        if "\n" not in inner:
            line = first + part.count("\n", 0, start)
            inner = _in_attribute(inner, "a dropdown on one line", line, findings)
        pieces += (part[position : start + 2], inner)
        position = end - 2
    return "".join([*pieces, part[position:]])


def tags_as_text(part: str) -> str:
    """Every `<` of the part but the marks of questions as text: for a part whose tags cannot be made sense of."""
    pieces: list[str] = []
    position = 0
    for start, end in enclosed(part, ">>", "<<"):
        pieces += (_as_text(part[position : start + 2]), _as_text(part[start + 2 : end - 2]), "<<")
        position = end
    return "".join([*pieces, _as_text(part[position:])])


def _as_text(text: str) -> str:
    return text.replace("<", "&lt;")

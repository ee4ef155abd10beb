"""Studio's dialect: its problem Markdown to OLX, stage by stage, as Studio's converter does it.

In: the problem's text after `repair`; out: the inside of `<problem>`. The converter rewrites text, and what one stage
writes the next ones read, so the order of the stages is part of the language: `[[…]]` before `(x)`, `(x)` before `[x]`,
all of them before `[explanation]`. Where this module deliberately does otherwise it reports a finding with
`deviates=True`.

Source: Open edX: frontend-app-authoring src/editors/utils/convertMarkdownToXML.js and its predecessor,
xmodule/js/src/problem/edit.js; the first counts where they disagree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from lxml import etree

from authoring.markup.canonical import parse_xml
from authoring.markup.problem.answers import is_answer, is_further, read_answers, write_answers
from authoring.markup.problem.choices import (
    is_checkbox,
    is_radio,
    read_checkboxes,
    read_dropdown,
    read_radio,
    write_checkboxes,
    write_dropdown,
    write_radio,
)
from authoring.markup.problem.feedback import fold_feedback
from authoring.markup.problem.findings import (
    BRACKET_INSIDE,
    LOST_TEXT,
    NESTED_QUESTION,
    STRAY_ANSWER,
    STRAY_SEPARATOR,
    UNCLOSED,
    Findings,
)
from authoring.markup.problem.text import S_IN_LINE, SPACES, Row, S, Text, enclosed, strip

RESPONSES = frozenset(
    ("optionresponse", "multiplechoiceresponse", "stringresponse", "numericalresponse", "choiceresponse")
)
"""The questions that Studio's converter knows."""

Part = tuple[int, int]
"""Start and end of one question in the source, between lines of `---`."""


_SEPARATOR = re.compile(rf"^{S_IN_LINE}*---{S_IN_LINE}*$", re.MULTILINE)
_SPACES = re.compile(f"{S}*")


def split_parts(text: str, findings: Findings) -> list[Part]:
    """The text between lines that hold only `---`; blank parts are left out.

    A separator needs a line before and after it, and takes the blank lines around it along.
    """
    parts = []
    start = 0
    for match in _SEPARATOR.finditer(text):
        line_start, line_end = match.span()
        if line_start <= start or line_end == len(text):
            message = "this line separates nothing and is shown as text"
            findings.report(STRAY_SEPARATOR, message, text.count("\n", 0, line_start))
            continue
        last = len(text[start:line_start].rstrip(SPACES)) + start
        parts.append((start, text.index("\n", last)))
        spaces = _SPACES.match(text, line_end)
        assert spaces is not None
        start = text.rindex("\n", line_end, spaces.end()) + 1
    parts.append((start, len(text)))
    return [part for part in parts if strip(text[part[0] : part[1]])]


def convert_part(part: Text, findings: Findings) -> tuple[str, list[str]]:
    """The OLX of one part and its demand hints."""
    part = _headers(part)
    part = _labels(part, findings)
    part, hints = take_hints(part, findings)
    part = fold_feedback(part)
    part = _dropdowns(part, findings)
    part = _runs(part, is_radio, lambda rows: write_radio(read_radio(rows, findings)))
    part = _runs(part, is_checkbox, lambda rows: write_checkboxes(read_checkboxes(rows, findings)))
    part = _answers(part, findings)
    part = _bracketed(part, _EXPLANATION, _EXPLANATION_MARK, "explanation", findings)
    part = _bracketed(part, _CODE, _CODE_MARK, "code", findings)
    return _assemble(_paragraphs(part.text), part, findings), hints


_HEADER = re.compile(r"^(.*)(?=\n==+$)", re.MULTILINE)
_UNDERLINE = re.compile(r"\n==+$", re.MULTILINE)


def _headers(part: Text) -> Text:
    """A line over a line of `==`."""
    part = part.replace(
        (match.start(), match.end(), f'<h3 class="hd hd-2 problem-header">{match[1]}</h3>')
        for match in _HEADER.finditer(part.text)
    )
    return part.replace((match.start(), match.end(), "") for match in _UNDERLINE.finditer(part.text))


_OPEN_LABEL = re.compile(rf"^{S_IN_LINE}*>>", re.MULTILINE)
_OPEN_DROPDOWN = re.compile(rf"^{S_IN_LINE}*\[\[", re.MULTILINE)


def _labels(part: Text, findings: Findings) -> Text:
    """`>>question||description<<`; anything behind a second `||` is dropped by Studio."""
    spans = []
    end = 0
    for start, end in enclosed(part.text, ">>", "<<"):
        question, *rest = part.text[start + 2 : end - 2].split("||")
        new = f"<label>{question}</label>\n"
        if rest and rest[0]:
            new += f"<description>{rest[0]}</description>\n"
        if any(strip(text) for text in rest[1:]):
            message = f"text behind a second `||` is dropped: {strip('||'.join(rest[1:]))[:60]!r}"
            findings.report(LOST_TEXT, message, part.line_at(start), "a question has one description")
        spans.append((start, end, new))
    unclosed = _OPEN_LABEL.search(part.text, end)
    if unclosed is not None:
        line = part.line_at(unclosed.end() - 2)
        findings.report(UNCLOSED, "this `>>` is never closed", line, "close the question with `<<`")
    return part.replace(spans)


def take_hints(part: Text, findings: Findings) -> tuple[Text, list[str]]:
    """The part without its lines `||hint||`, and the hints."""
    rows: list[Row] = []
    hints: list[str] = []
    after_hint = False
    for row in part.rows():
        line = strip(row.text)
        if after_hint and not line:
            continue
        after_hint = False
        if len(line) >= 4 and line.startswith("||") and line.endswith("||"):
            hint, _, rest = line[2:].partition("||")
            hints.append(strip(hint))
            after_hint = True
            while rows and rows[-1].blank:
                rows.pop()
            if strip(rest.removesuffix("||")):
                message = f"only the first hint of a line counts; dropped: {strip(rest)[:60]!r}"
                findings.report(LOST_TEXT, message, row.number, "write each hint on a line of its own")
        else:
            rows.append(row)
    if not rows:
        rows.append(Row("", part.numbers[0]))
    return (Text.of_rows(rows), hints) if hints else (part, hints)


def _dropdowns(part: Text, findings: Findings) -> Text:
    spans = []
    end = 0
    for start, end in enclosed(part.text, "[[", "]]"):
        rows = Text(part.text[start + 2 : end - 2], _numbers(part, start, end)).rows()
        spans.append((start, end, write_dropdown(read_dropdown(rows, findings))))
    unclosed = _OPEN_DROPDOWN.search(part.text, end)
    if unclosed is not None:
        line = part.line_at(unclosed.end() - 2)
        findings.report(UNCLOSED, "this `[[` is never closed", line, "close the dropdown with `]]`")
    return part.replace(spans)


def _numbers(part: Text, start: int, end: int) -> tuple[int, ...]:
    first = part.text.count("\n", 0, start)
    return part.numbers[first : first + part.text.count("\n", start, end) + 1]


def _runs(part: Text, starts: Callable[[Row], bool], write: Callable[[Sequence[Row]], str]) -> Text:
    """Every run of lines that `starts` knows, blank lines among them included, replaced by what `write` makes."""
    rows = part.rows()
    result: list[Row] = []
    index = 0
    changed = False
    while index < len(rows):
        if not starts(rows[index]):
            result.append(rows[index])
            index += 1
            continue
        while result and result[-1].blank and len(result) > 1:
            result.pop()  # the run takes the blank lines before it along
        end = last = index
        while end < len(rows) and (starts(rows[end]) or rows[end].blank):
            if not rows[end].blank:
                last = end
            end += 1
        new = write(rows[index : last + 1])
        result += (Row(line, rows[index].number) for line in new.split("\n"))
        index = last + 1
        changed = True
    return Text.of_rows(result) if changed else part


def _answers(part: Text, findings: Findings) -> Text:
    """`=` and `s=` lines with the `or=` and `not=` lines below; only empty lines may stand between them."""
    rows = part.rows()
    result: list[Row] = []
    index = 0
    while index < len(rows):
        row = rows[index]
        if not is_answer(row):
            _check_stray(row, findings)
            result.append(row)
            index += 1
            continue
        end = index + 1
        ahead = end
        while ahead < len(rows) and (not rows[ahead].text or is_further(rows[ahead])):
            ahead += 1
            if rows[ahead - 1].text:
                end = ahead
        new = write_answers(read_answers(rows[index:end], findings))
        result += (Row(line, row.number) for line in new.split("\n"))
        index = end
    return Text.of_rows(result)


_STRAY = re.compile(rf"{S}*(?:or|not)=|{S}+s?={S}*[^=\s]", re.IGNORECASE)


def _check_stray(row: Row, findings: Findings) -> None:
    if _STRAY.match(row.text):
        message = f"this looks like an answer but is shown as text: {strip(row.text)[:60]!r}"
        findings.report(STRAY_ANSWER, message, row.number)


_EXPLANATION = re.compile(r"\[explanation\]\n?(.*?)\[/?explanation\]", re.IGNORECASE | re.DOTALL)
_EXPLANATION_MARK = re.compile(r"\[/?explanation\]", re.IGNORECASE)
_CODE = re.compile(r"\[code\]\n?(.*?)\[/?code\]", re.IGNORECASE | re.DOTALL)
_CODE_MARK = re.compile(r"\[/?code\]", re.IGNORECASE)


def _bracketed(part: Text, pattern: re.Pattern[str], mark: re.Pattern[str], name: str, findings: Findings) -> Text:
    """`[explanation]…[/explanation]` and `[code]…[/code]`; the closing mark may lack its slash.

    Studio's converter sees none where a `]` stands inside; `repair` has put entities for those it could.
    """
    spans = []
    end = 0
    for match in pattern.finditer(part.text):
        inner = match[1]
        if "]" in inner:
            message = f"a `]` inside [{name}] keeps Studio's converter from seeing it"
            findings.report(BRACKET_INSIDE, message, part.line_at(match.start()), deviates=True)
        if name == "explanation":
            new = f'<solution>\n<div class="detailed-solution">\nExplanation\n\n{inner}\n</div>\n</solution>'
        else:
            new = f"<pre><code>{inner}</code></pre>"
        end = match.end()
        spans.append((match.start(), end, new))
    unclosed = mark.search(part.text, end)
    if unclosed is not None:
        message = f"this {unclosed[0]} is never closed"
        hint = f"close it with [/{name}]"
        findings.report(UNCLOSED, message, part.line_at(unclosed.start()), hint)
    return part.replace(spans)


_UNWRAPPED = re.compile(r"(</?(?:script|pre|label|description).*?>)")
_OPENS = re.compile(r"<(?:script|pre|label|description)")
_CLOSES = re.compile(r"</(?:script|pre|label|description)")
_LINE = re.compile(rf"^(?!$|{S}*<)(.*)$", re.MULTILINE)


def _paragraphs(text: str) -> str:
    """Every line that does not start with `<` becomes a paragraph, but for those inside labels, code and scripts."""
    pieces = _UNWRAPPED.split(text)
    wrap = True
    for index, piece in enumerate(pieces):
        if _OPENS.search(piece):
            wrap = False
        if wrap:
            pieces[index] = _LINE.sub(r"<p>\1</p>", piece)
        if _CLOSES.search(piece):
            wrap = True
    return "".join(pieces).replace("\n\n\n", "\n")


_XMLNS = re.compile(rf"{S}xmlns=['\"].*?['\"]", re.IGNORECASE)
_CLOSE_OPEN = re.compile(r"(</.*?>)(<.*?>)")


def _assemble(xml: str, part: Text, findings: Findings) -> str:
    """With exactly one question in the part, everything else moves into it: before its first element or to its end."""
    try:
        root = parse_xml(f"<prob>{xml}</prob>")
    except ValueError as error:
        raise BrokenPartError(str(error)) from error
    found = [element for element in root.iter() if element.tag in RESPONSES]
    if len(found) != 1:
        return xml.replace(" class='qtitle'", "")
    response = found[0]
    if response.getparent() is not root:
        message = "a question inside an HTML element; Studio's converter fails on it"
        findings.report(NESTED_QUESTION, message, part.numbers[0], deviates=True)
        return xml
    return _serialize(_gather(root, response, part, findings))


def _gather(root: etree._Element, response: etree._Element, part: Text, findings: Findings) -> etree._Element:
    first = next(child for child in response if isinstance(child.tag, str))
    before = True
    lost: list[str] = []
    for child in list(root):
        lost += (strip(child.tail or ""),)
        if child is response:
            before = False
        elif isinstance(child.tag, str):
            keep = child.tail if strip(child.tail or "") else None
            if before:
                first.addprevious(child)
            else:
                response.append(child)
            child.tail = keep
    for text in filter(None, lost):
        message = f"Studio's converter drops the text behind an HTML element: {text[:60]!r}"
        end = text.partition("\n")[0]
        line = next((row.number for row in part.rows() if strip(row.text).endswith(end)), part.numbers[0])
        findings.report(LOST_TEXT, message, line, "put the whole line into `<p>…</p>`", deviates=True)
    response.tail = None
    return response


def _serialize(response: etree._Element) -> str:
    text: str = etree.tostring(response, encoding="unicode")
    return _CLOSE_OPEN.sub("\\1\n\\2", _XMLNS.sub("", text))


class BrokenPartError(ValueError):
    """What the converter made is not XML."""

"""The richer dialect: problems whose first line reads `[markdown]`.

In: the problem's text; out: the inside of `<problem>`. The marks of Studio's dialect keep their meaning; all text
between and inside them is Markdown; bracketed tags (`tags`) add what Studio's dialect cannot say; `(50%)` in front of
a choice gives part of the points; `n=` asks for a number given as an expression, `n= $a + $b +- 1%`.

One difference in form: marks count at the beginning of a line only (up to three blanks before them), never inside a
fenced code block, and a dropdown stands on lines of its own.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace

from lxml import etree

from authoring.markup.canonical import parse_xml
from authoring.markup.problem import tags
from authoring.markup.problem.answers import (
    FURTHER,
    Alternative,
    Number,
    Words,
    is_further,
    is_range,
    read_answers,
    write_answers,
)
from authoring.markup.problem.answers import is_answer as is_studio_answer
from authoring.markup.problem.choices import (
    Checkboxes,
    Choice,
    Radio,
    is_checkbox,
    is_radio,
    read_checkboxes,
    read_dropdown,
    read_radio,
    write_checkboxes,
    write_dropdown,
    write_radio,
)
from authoring.markup.problem.feedback import Feedback, take_feedback
from authoring.markup.problem.findings import (
    BAD_CREDIT,
    BAD_TAG,
    LOST_ANSWER,
    OPTION_MARKUP,
    STUDIO_ONLY,
    UNCLOSED,
    UNREADABLE_FILE,
    Findings,
)
from authoring.markup.problem.inline import Markdown
from authoring.markup.problem.studio import split_parts, take_hints
from authoring.markup.problem.text import Row, Text, without_spaces

MARKER = "[markdown]"

_PYTHON = re.compile(r"^[ \t]*\[python\][ \t]*$", re.MULTILINE)
_PYTHON_TAG = re.compile(r"^ {0,3}\[python\b", re.MULTILINE)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_BLOCK = re.compile(r" {0,3}\[(explanation|code|python)\]", re.IGNORECASE)
_UNDERLINE = re.compile(r"==+[ \t]*\Z")
_CREDIT = re.compile(r" {0,3}\(([0-9.]{1,3}|[0-9]{1,2}%)\)")


def is_rich(text: str) -> bool:
    """Whether the first line that is not blank reads `[markdown]`."""
    return text.lstrip().partition("\n")[0].rstrip().lower() == MARKER


class RichReader:
    """Turns one problem of the richer dialect into OLX."""

    def __init__(
        self,
        findings: Findings,
        link: Callable[[str], str] | None = None,
        read_file: Callable[[str], str] | None = None,
    ) -> None:
        self.findings = findings
        self.findings.muted = STUDIO_ONLY
        self.link = link
        self.read_file = read_file
        self.markdown = Markdown(link)
        self.scripts: list[etree._Element] = []
        self.hints: list[str] = []
        self.rows: list[Row] = []
        self.at = 0
        self.flow: list[etree._Element] = []
        self.prose: list[Row] = []
        self.options: tags.Tag | None = None

    def problem(self, text: str) -> etree._Element:
        """The `<problem>` element of a text that `is_rich`."""
        start = text.lower().index(MARKER)
        text = text[:start] + text[start + len(MARKER) :]
        variables = _PYTHON_TAG.search(text) is not None
        self.markdown = Markdown(self.link, variables=variables)
        parts = [self._part(text, *part) for part in split_parts(text, self.findings)]
        problem = etree.Element("problem")
        problem.extend(self.scripts)
        for elements in parts:
            problem.extend(elements)
        if self.hints:
            demand = etree.SubElement(problem, "demandhint")
            demand.extend(_element(f"<hint>{self.markdown.inline(hint)}</hint>") for hint in self.hints)
        return problem

    def _part(self, text: str, start: int, end: int) -> list[etree._Element]:
        part, hints = take_hints(Text.of(text[start:end], text.count("\n", 0, start)), self.findings)
        self.hints += hints
        self.rows, self.at, self.flow, self.prose = part.rows(), 0, [], []
        while self.at < len(self.rows):
            if not (self._fence() or self._tag() or self._block() or self._mark()):
                self.prose.append(self.rows[self.at])
                self.at += 1
        self._end_prose()
        if self.options is not None:
            self.findings.report(BAD_TAG, "no question follows this [question]", self.options.line)
            self.options = None
        return _gathered(self.flow)

    def _end_prose(self) -> None:
        text = "\n".join(row.text for row in self.prose)
        self.prose = []
        if text.strip():
            wrapped = _element(f"<x>{self.markdown.block(text)}</x>")
            if wrapped.text and wrapped.text.strip():
                paragraph = etree.Element("p")
                paragraph.text = wrapped.text
                self.flow.append(paragraph)
            self.flow += list(wrapped)

    def _add(self, element: etree._Element) -> None:
        self._end_prose()
        self.flow.append(element)

    def _question(self, element: etree._Element) -> None:
        if self.options is not None:
            tags.apply_question(self.options, element, self.findings)
            self.options = None
        self._add(element)

    def _fence(self) -> bool:
        opening = _FENCE.match(self.rows[self.at].text)
        if opening is None:
            return False
        self.prose.append(self.rows[self.at])
        self.at += 1
        mark = opening[1]
        closing = re.compile(rf" {{0,3}}{re.escape(mark[0])}{{{len(mark)},}}[ \t]*\Z")
        while self.at < len(self.rows):
            row = self.rows[self.at]
            self.prose.append(row)
            self.at += 1
            if closing.match(row.text):
                break
        return True

    def _tag(self) -> bool:
        row = self.rows[self.at]
        if _PYTHON.match(row.text) or not tags.looks_like_tag(row.text):
            return False
        tag = tags.read_tag(row.text, row.number, self.findings)
        self.at += 1
        if tag is None:
            return True
        match tag.name:
            case "question":
                self.options = tag
            case "formula":
                self._question(tags.formula(tag))
            case "grader":
                self._question(tags.grader(tag, self.findings))
            case "jsinput":
                file = tag.options.get("file", "")
                self._question(tags.jsinput(tag, self.link(file) if self.link else file))
            case _:
                self._script("\n" + self._file(tag).strip("\n") + "\n")
        return True

    def _file(self, tag: tags.Tag) -> str:
        name = tag.options.get("file", "")
        try:
            if self.read_file is None:
                raise FileNotFoundError(name)
            return self.read_file(name)
        except (OSError, ValueError) as error:
            reason = "it is not there" if isinstance(error, FileNotFoundError) else str(error)
            message = f"cannot read {name!r}: {reason}"
            self.findings.report(UNREADABLE_FILE, message, tag.line)
            return ""

    def _script(self, code: str) -> None:
        script = etree.Element("script", type="loncapa/python")
        script.text = code
        self.scripts.append(script)

    def _block(self) -> bool:
        """`[explanation]`, `[code]` and `[python]`, each up to its closing mark."""
        row = self.rows[self.at]
        opening = _BLOCK.match(row.text)
        if opening is None:
            return False
        name = opening[1].lower()
        rest = [replace(row, text=row.text[opening.end() :]), *self.rows[self.at + 1 :]]
        text = "\n".join(r.text for r in rest)
        slash = "/" if name == "python" else "/?"
        closing = re.search(rf"\[{slash}{name}\]", text, re.IGNORECASE)
        if closing is None:
            message = f"this {opening[0].strip()} is never closed"
            self.findings.report(UNCLOSED, message, row.number, f"close it with [/{name}]")
            return False
        inner = text[: closing.start()]
        self.at += inner.count("\n") + 1
        tail = text[closing.end() :].partition("\n")[0]
        if name == "python":
            self._script(inner)
        elif name == "code":
            pre = etree.Element("pre")
            etree.SubElement(pre, "code").text = inner.removeprefix("\n")
            self._add(pre)
        else:
            body = f"<p>Explanation</p>{self.markdown.block(inner)}"
            self._add(_element(f'<solution><div class="detailed-solution">{body}</div></solution>'))
        if tail.strip():
            self.prose.append(Row(tail, row.number))
        return True

    def _mark(self) -> bool:
        row = self.rows[self.at]
        indented = row.text.startswith("    ") or row.text.startswith("\t")
        if indented or row.blank:
            return False
        following = self.rows[self.at + 1] if self.at + 1 < len(self.rows) else None
        if following is not None and _UNDERLINE.match(following.text):
            self._add(_element(f'<h3 class="hd hd-2 problem-header">{self.markdown.inline(row.text)}</h3>'))
            self.at += 2
            return True
        text = row.text.lstrip()
        if text.startswith(">>"):
            return self._label(row)
        if text.startswith("[["):
            return self._dropdown(row)
        if is_radio(row):
            self._question(self._radio(self._run(is_radio)))
            return True
        if is_checkbox(row) and not text.startswith("{{") and not re.match(r"\[.?\][:(\[]", text):
            self._question(self._checkboxes(self._run(is_checkbox)))
            return True
        if is_studio_answer(row) or row.text.startswith("n="):
            self._question(self._answers())
            return True
        return False

    def _take_until(self, closing: str, start: int) -> list[Row] | None:
        """Rows from the current one to that in which `closing` is found; None when it is nowhere."""
        for end in range(self.at, len(self.rows)):
            if closing in self.rows[end].text[start if end == self.at else 0 :]:
                rows = self.rows[self.at : end + 1]
                self.at = end + 1
                return rows
        row = self.rows[self.at]
        mark = row.text.strip()[:2]
        self.findings.report(UNCLOSED, f"this `{mark}` is never closed", row.number, f"close it with `{closing}`")
        return None

    def _label(self, row: Row) -> bool:
        rows = self._take_until("<<", row.text.index(">>") + 2)
        if rows is None:
            return False
        text = "\n".join(r.text for r in rows)
        inside, _, tail = text.lstrip()[2:].partition("<<")
        question, _, description = inside.partition("||")
        self._add(_element(f"<label>{self.markdown.inline(question)}</label>"))
        if description.strip():
            self._add(_element(f"<description>{self.markdown.inline(description)}</description>"))
        if tail.strip():
            self.prose.append(Row(tail, rows[-1].number))
        return True

    def _dropdown(self, row: Row) -> bool:
        rows = self._take_until("]]", row.text.index("[[") + 2)
        if rows is None:
            return False
        text = Text.of_rows(rows)
        inside = text.text.strip().removeprefix("[[").rpartition("]]")[0]
        dropdown = read_dropdown(Text(inside, text.numbers).rows(), self.findings)
        one_line = dropdown.one_line
        choices = tuple(self._option(choice, row) for choice in dropdown.choices)
        if one_line is not None:
            one_line = tuple(_attribute(option) for option in one_line[0]), _attribute(one_line[1])
        self._question(_element(write_dropdown(replace(dropdown, choices=choices, one_line=one_line))))
        return True

    def _run(self, starts: Callable[[Row], bool]) -> list[Row]:
        """The rows of one question; blank ones between choices belong to it; feedback is folded."""
        rows = []
        end = self.at
        while end < len(self.rows):
            row = self.rows[end]
            if row.blank:
                end += 1
                continue
            if not starts(row) and not (row.text.lstrip().startswith("{{") and starts(Row("{{}}", 0))):
                break
            rows.append(self._folded(end))
            end = self.at = self._fold_end
        return rows

    _fold_end = 0

    def _folded(self, index: int) -> Row:
        """The row with the ones below it that its feedback reaches into; a blank line or a mark ends the reach."""
        row = self.rows[index]
        self._fold_end = index + 1
        if row.text.count("{{") <= row.text.count("}}"):
            return row
        texts = [row.text]
        for end in range(index + 1, len(self.rows)):
            below = self.rows[end]
            if below.blank or is_radio(below) or is_checkbox(below) or is_studio_answer(below):
                break
            texts.append(below.text.lstrip())
            if "}}" in below.text:
                self._fold_end = end + 1
                return replace(row, text=" ".join(texts))
        self.findings.report(UNCLOSED, "this `{{` is never closed", row.number, "close the feedback with `}}`")
        return row

    def _radio(self, rows: list[Row]) -> etree._Element:
        radio = read_radio(rows, self.findings)
        choices = []
        for choice, row in zip(radio.choices, rows, strict=True):
            choice = self._choice(choice)
            match = _CREDIT.match(row.text)
            if match is not None:
                choice = replace(choice, credit=self._credit(match[1], row))
            choices.append(choice)
        element = _element(write_radio(Radio(tuple(choices), radio.shuffle)))
        if any(choice.credit for choice in choices):
            element.set("partial_credit", "points")
        return element

    def _credit(self, text: str, row: Row) -> str | None:
        try:
            share = float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = -1.0
        if not 0 < share < 1:
            self.findings.report(BAD_CREDIT, f"({text}) is not a share between 0 and 1", row.number)
            return None
        return f"{share:g}"

    def _checkboxes(self, rows: list[Row]) -> etree._Element:
        boxes = read_checkboxes(rows, self.findings)
        compounds = tuple(
            replace(c, letters=_attribute(c.letters), text=self.markdown.inline(c.text)) for c in boxes.compounds
        )
        return _element(write_checkboxes(Checkboxes(tuple(map(self._choice, boxes.choices)), compounds)))

    def _option(self, choice: Choice, row: Row) -> Choice:
        """An option of a dropdown, where the platform shows plain text only."""
        rendered = self._choice(choice)
        element = _element(f"<x>{rendered.text}</x>")
        if not len(element):
            return rendered
        message = f"a dropdown shows plain text only: {choice.text[:60]!r}"
        self.findings.report(OPTION_MARKUP, message, row.number)
        return replace(rendered, text=html.escape("".join(map(str, element.itertext())), quote=False))

    def _choice(self, choice: Choice) -> Choice:
        return replace(
            choice,
            text=self.markdown.inline(choice.text),
            feedback=self._feedback(choice.feedback),
            selected=None if choice.selected is None else self.markdown.inline(choice.selected),
            unselected=None if choice.unselected is None else self.markdown.inline(choice.unselected),
        )

    def _feedback(self, feedback: Feedback | None) -> Feedback | None:
        if feedback is None:
            return None
        label = None if feedback.label is None else _attribute(feedback.label)
        return Feedback(self.markdown.inline(feedback.text), label)

    def _answers(self) -> etree._Element:
        rows = [self._folded(self.at)]
        self.at = self._fold_end
        ahead = self.at
        while ahead < len(self.rows):
            if is_further(self.rows[ahead]):
                rows.append(self._folded(ahead))
                ahead = self.at = self._fold_end
            elif self.rows[ahead].blank:
                ahead += 1
            else:
                break
        if rows[0].text.startswith("n="):
            answers: Number | Words = _read_expression(rows, self.findings)
        else:
            answers = read_answers(rows, self.findings)
        alternatives = tuple(
            replace(other, answer=_attribute(other.answer.strip()), feedback=self._feedback(other.feedback))
            for other in answers.alternatives
        )
        feedback = self._feedback(answers.feedback)
        answers = replace(
            answers, answer=_attribute(answers.answer.strip()), feedback=feedback, alternatives=alternatives
        )
        if isinstance(answers, Number) and answers.tolerance is not None:
            answers = replace(answers, tolerance=_attribute(answers.tolerance.strip()))
        return _element(write_answers(answers))


def _read_expression(rows: list[Row], findings: Findings) -> Number:
    """`n= expression +- tolerance {{ feedback }}` and `or=` lines, the answer itself not checked."""
    text, feedback = take_feedback(rows[0].text[2:])
    answer, _, tolerance = text.partition("+-")
    alternatives = []
    for row in rows[1:]:
        other, further = take_feedback(row.text)
        match = FURTHER.match(other)
        if match is None:
            continue
        if match[1] == "not" or "$" in other:
            # The engine puts variables into the answer only (Open edX: capa/responsetypes.py, NumericalResponse).
            message = f"{other.strip()!r} cannot stand below an expression"
            findings.report(LOST_ANSWER, message, row.number, "write plain numbers behind `or=`")
        else:
            alternatives.append(Alternative(other[match.end() :], further))
    plain = answer.strip() if is_range(answer.strip()) else without_spaces(answer)
    return Number(plain, tolerance.strip() or None, feedback, tuple(alternatives))


def _gathered(flow: list[etree._Element]) -> list[etree._Element]:
    """With exactly one question among the elements, the others inside it, as Studio's converter does it."""
    questions = [element for element in flow if str(element.tag).endswith("response")]
    if len(questions) != 1:
        return flow
    response = questions[0]
    at = flow.index(response)
    for index, element in enumerate(flow[:at]):
        response.insert(index, element)
    response.extend(flow[at + 1 :])
    return [response]


def _element(xml: str) -> etree._Element:
    element = parse_xml(xml.strip())
    element.tail = None
    return element


def _attribute(text: str) -> str:
    """Text as it must be written in an attribute; what is an entity already stays one."""
    return html.escape(html.unescape(text))

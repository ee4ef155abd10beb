"""Problem OLX to a form with questions that a browser can grade; or the reason why it cannot.

Comes in: the content of a problem block. Goes out: `Problem`, the form as HTML with a place for each input, and for each input
what is right. Graded as the platform grades: all or nothing for a question unless it has partial points for single choices; a
number within its tolerance (0.001 % unless said otherwise) or range; a text exactly, or without regard to case, or by a pattern.

Source: xblocks-contrib: xblocks_contrib/problem/capa/responsetypes.py, capa_problem.py.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from authoring.olx.elements import append_fragment, is_element

DEFAULT_TOLERANCE = "0.001%"
_GRADED = {
    "multiplechoiceresponse",
    "choiceresponse",
    "optionresponse",
    "numericalresponse",
    "stringresponse",
}
_RESPONSE = re.compile(r"\w+response")
_VARIABLE = re.compile(r"\$\w|\$\{")
_INPUTS = {"choicegroup", "checkboxgroup", "radiogroup", "optioninput", "textline", "formulaequationinput"}
_HIDDEN = {"responseparam", "additional_answer", "correcthint", "stringequalhint", "regexphint", "demandhint", "script"}
_RANGE = re.compile(r"([\[(])\s*([^,;]+)[,;]\s*([^\])]+)([\])])")


class Ungradable(Exception):
    """Why a browser cannot grade a problem, in words."""


@dataclass(frozen=True, slots=True)
class Question:
    """One input and what is right. `kind` is `choice`, `choices`, `option`, `number` or `text`."""

    id: str
    kind: str
    right: tuple[str, ...]
    """Ids of choices, right texts or patterns; for a number, `low high open-low open-high` of each range that is right."""
    points: float
    partial: dict[str, float] = field(default_factory=dict)
    """Share of the points for single choices."""
    feedback: dict[str, str] = field(default_factory=dict)
    """HTML by answer: ids of choices (`!id` for one that was not ticked), `A C` for sets of letters, `right`, texts."""
    mode: str = ""
    """Of a text: `ci` without regard to case, `regexp` for patterns, both or none."""
    labels: tuple[tuple[str, str], ...] = ()
    """Choices as `(id, text)`, for the LMS's report."""

    def to_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "kind": self.kind,
            "right": list(self.right),
            "points": self.points,
            "partial": self.partial,
            "feedback": self.feedback,
            "mode": self.mode,
            "labels": [list(label) for label in self.labels],
        }


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem as a form: `html` with its inputs, its questions, its hints, its solution (HTML, shown afterwards)."""

    html: str
    questions: tuple[Question, ...]
    hints: tuple[str, ...]
    solution: str


def read_problem(content: str, name: str) -> Problem:
    """The problem of this OLX; `name` begins the ids of its inputs. Raises Ungradable with the reason."""
    holder = etree.Element("holder")
    try:
        append_fragment(holder, content)
    except ValueError as error:
        raise Ungradable("its OLX cannot be read") from error
    found = holder.find("problem")
    return _Reader(name).read(holder if found is None else found)


class _Reader:
    def __init__(self, name: str) -> None:
        self.name = name
        self.questions: list[Question] = []
        self.hints: list[str] = []
        self.solutions: list[str] = []
        self.label: etree._Element | None = None

    def read(self, root: etree._Element) -> Problem:
        self.refuse(root)
        html = self.inside(root)
        if not self.questions:
            raise Ungradable("it asks nothing")
        return Problem(html, tuple(self.questions), tuple(self.hints), "".join(self.solutions))

    def refuse(self, root: etree._Element) -> None:
        for element in root.iter(etree.Element):
            tag = str(element.tag)
            if _RESPONSE.fullmatch(tag) and tag not in _GRADED:
                raise Ungradable(f"a <{tag}> is graded on the platform")
            if tag == "script" and (element.text or "").strip():
                raise Ungradable("a script of it runs on the platform")
            for value in element.attrib.values():
                if tag.endswith("response") and _VARIABLE.search(str(value)):
                    raise Ungradable("its answer is worked out by a script")

    # --- from OLX to HTML

    def inside(self, element: etree._Element) -> str:
        """The content of an element as HTML."""
        parts = [escape(element.text or "")]
        for child in element:
            parts += [self.one(child), escape(child.tail or "")]
        return "".join(parts)

    def one(self, element: etree._Element) -> str:
        if not is_element(element):
            return ""
        tag = str(element.tag)
        if tag in _GRADED:
            return self.response(element)
        if tag == "demandhint":
            self.hints += [self.inside(hint).strip() for hint in element.iter("hint")]
            return ""
        if tag in ("solution", "solutionset"):
            self.solutions.append(f"<div>{self.inside(element)}</div>")
            return ""
        if tag in _HIDDEN or tag == "targetedfeedbackset":
            return ""
        if tag == "label":
            return f'<p class="question">{self.inside(element)}</p>'
        if tag == "description":
            return f'<p class="description">{self.inside(element)}</p>'
        if tag == "clarification":
            return f'<span class="clarification">({self.inside(element)})</span>'
        if tag in ("span", "div") or not tag.endswith(("input", "group")):
            return self.plain(element)
        raise Ungradable(f"a browser has no <{tag}>")

    def plain(self, element: etree._Element) -> str:
        attributes = "".join(
            f" {name!s}={quoteattr(str(value))}"
            for name, value in element.attrib.items()
            if not str(name).lower().startswith("on") and not str(name).startswith("{")
        )
        if element.tag in ("br", "hr", "img", "input", "source", "track", "col", "wbr"):
            return f"<{element.tag!s}{attributes}/>"
        return f"<{element.tag!s}{attributes}>{self.inside(element)}</{element.tag!s}>"

    def response(self, element: etree._Element) -> str:
        """A response with its inputs, as a group with its label."""
        label = element.find("label")
        description = "".join(
            f'<p class="description">{self.inside(one)}</p>' for one in element.findall("description")
        )
        body = [escape(element.text or "")]
        count = len(self.questions)
        for child in element:
            tag = str(child.tag)
            if tag in _INPUTS:
                body.append(self.input(element, child))
            elif tag not in ("label", "description"):
                body.append(self.one(child))
            body.append(escape(child.tail or ""))
        if len(self.questions) == count:
            raise Ungradable(f"a <{element.tag}> has nothing to answer with")
        legend = f"<legend>{self.inside(label)}</legend>" if label is not None else ""
        return f'<fieldset class="response">{legend}{description}{"".join(body)}</fieldset>'

    def input(self, response: etree._Element, element: etree._Element) -> str:
        number = len(self.questions) + 1
        name = f"{self.name}-{number}"
        points = _number(response.get("points")) or 1.0
        match response.tag:
            case "multiplechoiceresponse":
                html, question = self.choices(name, element, points, several=False)
            case "choiceresponse":
                html, question = self.choices(name, element, points, several=True)
            case "optionresponse":
                html, question = self.options(name, element, points)
            case "numericalresponse":
                html, question = self.line(name, element, response, points), self.numerical(name, response, points)
            case _:
                html, question = self.line(name, element, response, points), self.text(name, response, points)
        self.questions.append(question)
        return f'<div class="answer" data-question="{name}">{html}<div class="feedback" aria-live="polite"></div></div>'

    def choices(self, name: str, element: etree._Element, points: float, *, several: bool) -> tuple[str, Question]:
        response = element.getparent()
        if several and response is not None and response.get("partial_credit"):
            raise Ungradable("its partial credit is worked out on the platform")
        right, labels, rows = [], [], []
        partial: dict[str, float] = {}
        feedback: dict[str, str] = {}
        for number, choice in enumerate(element.findall("choice")):
            own = f"{name}-{number}"
            state = (choice.get("correct") or "false").strip().lower()
            if state == "true":
                right.append(own)
            elif state == "partial":
                partial[own] = _number(choice.get("point_value")) or 0.5
            for hint in choice.findall("choicehint"):
                key = own if (hint.get("selected") or "true").lower() == "true" else f"!{own}"
                feedback[key] = self.inside(hint)
            text = "".join(
                (escape(choice.text or ""), *(self.part(part) for part in choice)),
            ).strip()
            labels.append((own, _words(choice)[:200]))
            kind = "checkbox" if several else "radio"
            rows.append(
                f'<label class="choice"><input type="{kind}" name="{name}" value="{own}"/> <span>{text}</span></label>'
            )
        for hint in element.findall("compoundhint"):
            feedback[" ".join(sorted((hint.get("value") or "").split()))] = self.inside(hint)
        if not right and not several:
            raise Ungradable("none of its choices is right")
        question = Question(
            name, "choices" if several else "choice", tuple(right), points, partial, feedback, labels=tuple(labels)
        )
        return "".join(rows), question

    def part(self, part: etree._Element) -> str:
        shown = "" if part.tag in ("choicehint", "optionhint") else self.one(part)
        return shown + escape(part.tail or "")

    def options(self, name: str, element: etree._Element, points: float) -> tuple[str, Question]:
        found: list[tuple[str, bool]] = []
        feedback: dict[str, str] = {}
        for number, option in enumerate(element.findall("option")):
            text = " ".join((option.text or "").split())
            found.append((text, (option.get("correct") or "").strip().lower() == "true"))
            for hint in option.findall("optionhint"):
                feedback[f"{name}-{number}"] = self.inside(hint)
        if not found:
            listed = re.findall(r"""(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")""", element.get("options") or "")
            texts = [first or second for first, second in listed] or [
                part.strip() for part in (element.get("options") or "").strip("() ").split(",")
            ]
            correct = (element.get("correct") or "").strip()
            found = [(text, text == correct) for text in texts if text]
        right = tuple(f"{name}-{number}" for number, (_, is_right) in enumerate(found) if is_right)
        if not right:
            raise Ungradable("none of its options is right")
        rows = "".join(
            f'<option value="{name}-{number}">{escape(text)}</option>' for number, (text, _) in enumerate(found)
        )
        label = escape(element.get("label") or "")
        html = (
            f'<select name="{name}" aria-label={quoteattr(label or "Answer")}><option value=""></option>{rows}</select>'
        )
        labels = tuple((f"{name}-{number}", text) for number, (text, _) in enumerate(found))
        return html, Question(name, "option", right, points, feedback=feedback, labels=labels)

    def line(self, name: str, element: etree._Element, response: etree._Element, points: float) -> str:
        size = element.get("size") or "20"
        trailing = escape(element.get("trailing_text") or "")
        label = element.get("label") or _words(response.find("label")) or "Answer"
        mode = ' inputmode="decimal"' if response.tag == "numericalresponse" else ""
        return (
            f'<input type="text" name="{name}" size={quoteattr(size)} aria-label={quoteattr(label)}{mode} '
            f'autocomplete="off"/> {trailing}'
        )

    def numerical(self, name: str, response: etree._Element, points: float) -> Question:
        if response.get("partial_credit"):
            raise Ungradable("its partial credit is worked out on the platform")
        parameter = response.find("responseparam[@type='tolerance']")
        tolerance = (parameter.get("default") if parameter is not None else None) or DEFAULT_TOLERANCE
        right = [_range(response.get("answer") or "", tolerance)]
        feedback: dict[str, str] = {}
        for hint in response.findall("correcthint"):
            feedback["right"] = self.inside(hint)
        for more in response.findall("additional_answer"):
            right.append(_range(more.get("answer") or "", "0"))
        return Question(name, "number", tuple(right), points, feedback=feedback)

    def text(self, name: str, response: etree._Element, points: float) -> Question:
        mode = " ".join(sorted((response.get("type") or "cs").lower().split()))
        answer = response.get("answer") or ""
        right = answer.split("_or_") if "_or_" in answer else [answer]
        feedback: dict[str, str] = {}
        for hint in response.findall("correcthint"):
            feedback["right"] = self.inside(hint)
        for more in response.findall("additional_answer"):
            text = more.get("answer") or (more.text or "").strip()
            right.append(text)
            for hint in more.findall("correcthint"):
                feedback[f"={text}"] = self.inside(hint)
        for wrong in response.findall("stringequalhint"):
            feedback[f"={wrong.get('answer') or ''}"] = self.inside(wrong)
        if "regexp" in mode:
            for pattern in right:
                if "(?P" in pattern or "(?i" in pattern or "\\Z" in pattern:
                    raise Ungradable("its pattern is one that only Python understands")
        return Question(name, "text", tuple(part.strip() for part in right), points, feedback=feedback, mode=mode)


def _range(answer: str, tolerance: str) -> str:
    """`low high open-low open-high` of the numbers that are right. Raises Ungradable for what is no number."""
    found = _RANGE.fullmatch(answer.strip())
    if found is not None:
        low, high = _number(found[2]), _number(found[3])
        if low is None or high is None:
            raise Ungradable(f"its answer {answer!r} is worked out on the platform")
        return f"{low!r} {high!r} {int(found[1] == '(')} {int(found[4] == ')')}"
    value = _number(answer)
    if value is None:
        raise Ungradable(f"its answer {answer!r} is worked out on the platform")
    is_share = tolerance.strip().endswith("%")
    size = _number(tolerance.strip().rstrip("%"))
    if size is None:
        raise Ungradable(f"its tolerance {tolerance!r} is worked out on the platform")
    # As the platform does: a share is of the expected value (capa: compare_with_tolerance).
    width = abs(value) * size / 100 if is_share else size
    return f"{value - width!r} {value + width!r} 0 0"


def _number(text: str | None) -> float | None:
    try:
        value = float((text or "").replace("−", "-").strip())
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _words(element: etree._Element | None) -> str:
    return " ".join("".join(map(str, element.itertext())).split()) if element is not None else ""

"""Questions with a typed answer: numbers and text.

= 100 +- 5% {{ feedback }}      a number (or `s=` text), the first answer
or= 90 {{ feedback }}           another right answer
not= 80 {{ feedback }}          feedback for a wrong one (text only)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from authoring.markup.problem.choices import write_feedback
from authoring.markup.problem.feedback import Feedback, take_feedback
from authoring.markup.problem.findings import (
    EMPTY_ANSWER,
    LOST_ANSWER,
    NOT_A_NUMBER,
    RANGE_AS_TEXT,
    Findings,
)
from authoring.markup.problem.text import Row, S, strip, without_spaces


@dataclass(frozen=True, slots=True)
class Alternative:
    """A further right answer, or with `wrong` one that gets feedback of its own."""

    answer: str
    feedback: Feedback | None = None
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """`answer` is a number, an expression or a range such as `[5, 7)`."""

    answer: str
    tolerance: str | None = None
    feedback: Feedback | None = None
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """`type` is the engine's: `ci`, `ci regexp`, `cs` …"""

    answer: str
    type: str = "ci"
    feedback: Feedback | None = None
    alternatives: tuple[Alternative, ...] = ()


ANSWER = re.compile(rf"s?={S}*")
FURTHER = re.compile(rf"(or|not)={S}*")
_FIRST = re.compile(rf"={S}*")
_TOLERANCE = re.compile(rf"(.*?)\+-{S}*(.*)", re.DOTALL)
_LETTERS = re.compile("[a-df-z]", re.IGNORECASE)
_FEEDBACK = re.compile(r"{{.*?}}")
_STARTS_LIKE_NUMBER = re.compile(rf"{S}*[+-]?(?:[0-9]|\.[0-9])")
_NUMBER = re.compile(
    r"(?:[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?Infinity|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)?\Z"
)
_CALCULABLE = re.compile(r"[0-9eE.+\-*/^()| %\[\],]+\Z")


def is_answer(row: Row) -> bool:
    return ANSWER.match(row.text) is not None


def is_further(row: Row) -> bool:
    return FURTHER.match(row.text) is not None


def read_answers(rows: Sequence[Row], findings: Findings) -> Number | Words:
    """An answer line and the `or=` and `not=` lines that follow it."""
    for row in rows:
        match = ANSWER.match(row.text) or FURTHER.match(row.text)
        if match is not None and not strip(take_feedback(row.text[match.end() :])[0]):
            # On an empty line Studio's converter takes the next line for the answer, and loses it.
            message = f"no answer behind {strip(match[0])!r}"
            findings.report(EMPTY_ANSWER, message, row.number, deviates=True)
    return _read_number(rows, findings) or _read_words(rows, findings)


def _read_number(rows: Sequence[Row], findings: Findings) -> Number | None:
    first = rows[0]
    value = _FIRST.sub("", first.text, count=1) if first.text.startswith("=") else first.text
    if not _is_numeric(value) and not is_range(value):
        text, feedback = take_feedback(value)
        if not (first.text.startswith("=") and is_range(strip(text))):
            return None
        # Studio's converter looks for the brackets before it has taken the feedback away.
        message = "a range followed by anything else is text to Studio's converter"
        findings.report(RANGE_AS_TEXT, message, first.number, deviates=True)
        value = strip(text)
    else:
        text, feedback = take_feedback(value)
        value = text if feedback else value
    if is_range(value):
        answer, tolerance = value, None
    else:
        found = _TOLERANCE.match(value)
        answer, tolerance = (found[1], found[2] or None) if found else (value, None)
        answer = without_spaces(answer)
    _check_number(answer, tolerance, first, findings)
    alternatives = []
    for row in rows[1:]:
        if row.blank:
            continue
        text, further = take_feedback(row.text)
        match = FURTHER.match(text)
        assert match is not None
        other = text[match.end() :]
        if match[1] == "not":
            message = f"a numerical question cannot have feedback for the wrong answer {strip(other)!r}"
            findings.report(LOST_ANSWER, message, row.number, "take the line out; or, for text, write `s=` above")
        elif not _NUMBER.match(strip(other)) or is_range(other) or "+-" in other:
            message = f"{strip(other)!r} cannot stand beside a number: learners who answer so would be wrong"
            findings.report(LOST_ANSWER, message, row.number)
        else:
            alternatives.append(Alternative(other, further))
    return Number(answer, tolerance, feedback, tuple(alternatives))


def _read_words(rows: Sequence[Row], findings: Findings) -> Words:
    answer, feedback = take_feedback(ANSWER.sub("", rows[0].text, count=1))
    kind = "ci"
    if answer.startswith("|"):
        kind, answer = "ci regexp", strip(answer[1:])
    alternatives = []
    for row in rows[1:]:
        if row.blank:
            continue
        text, further = take_feedback(row.text)
        match = FURTHER.match(text)
        assert match is not None
        alternatives.append(Alternative(text[match.end() :], further, wrong=match[1] == "not"))
    return Words(answer, kind, feedback, tuple(alternatives))


def write_answers(answers: Number | Words) -> str:
    return write_number(answers) if isinstance(answers, Number) else write_words(answers)


def write_number(number: Number) -> str:
    lines = [f'<numericalresponse answer="{number.answer}">']
    if number.tolerance:
        lines.append(f'  <responseparam type="tolerance" default="{number.tolerance}" />')
    for other in number.alternatives:
        hint = write_feedback("correcthint", other.feedback)
        lines.append(f'  <additional_answer answer="{other.answer}">{hint}</additional_answer>')
    lines.append("  <formulaequationinput />")
    if number.feedback is not None:
        lines.append(f"  {write_feedback('correcthint', number.feedback)}")
    lines += ("</numericalresponse>", "")
    return "\n".join(lines)


def write_words(words: Words) -> str:
    lines = [f'<stringresponse answer="{words.answer}" type="{words.type}" >']
    if words.feedback is not None:
        lines.append(f"  {write_feedback('correcthint', words.feedback)}")
    for other in words.alternatives:
        if other.wrong:
            hint = write_feedback("stringequalhint", other.feedback or Feedback(""))
            lines.append("  " + hint.replace("<stringequalhint", f'<stringequalhint answer="{other.answer}"', 1))
        else:
            hint = write_feedback("correcthint", other.feedback)
            lines.append(f'  <additional_answer answer="{other.answer}">{hint}</additional_answer>')
    lines += ('  <textline size="20"/>', "</stringresponse>", "")
    return "\n".join(lines)


def is_range(text: str) -> bool:
    return text[:1] in ("[", "(") and text[-1:] in ("]", ")")


def _is_numeric(text: str) -> bool:
    if "{{" in text and "}}" in text:
        text = strip(_FEEDBACK.sub("", text))
    return not _LETTERS.search(text) and _STARTS_LIKE_NUMBER.match(text) is not None


def _check_number(answer: str, tolerance: str | None, row: Row, findings: Findings) -> None:
    if is_range(answer) and answer.count(",") != 1:
        message = f"{answer!r} is taken for a range, which needs two bounds"
        hint = "write the number without the parentheses around it, or a range such as `[5, 7)`"
        findings.report(NOT_A_NUMBER, message, row.number, hint)
    elif answer and not _CALCULABLE.match(answer):
        findings.report(NOT_A_NUMBER, f"{answer!r} cannot be calculated", row.number)
    elif "," in answer and not is_range(answer):
        hint = "write a point for decimals and nothing between thousands"
        findings.report(NOT_A_NUMBER, f"{answer!r} cannot be calculated", row.number, hint)
    if tolerance is not None and not _CALCULABLE.match(strip(tolerance)):
        message = f"the tolerance {strip(tolerance)!r} is neither a number nor a percentage"
        findings.report(NOT_A_NUMBER, message, row.number)

"""Rules about questions: each can be answered rightly, and grades what its author meant."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from lxml import etree

from authoring.diagnostics import Code, Diagnostic, Severity, define
from authoring.model import Block, Course

NO_CORRECT_ANSWER = define(
    "no-correct-answer",
    Severity.WARNING,
    "A question has no correct answer: nobody can get it right.",
    "mark one: `(x)` for a choice, `[x]` for a box, brackets in a dropdown, `= …` for a typed answer",
)
DUPLICATE_CHOICE = define(
    "duplicate-choice",
    Severity.WARNING,
    "Two choices of a question read the same.",
    "reword or remove one",
)
IMPOSSIBLE_ANSWER = define(
    "impossible-answer",
    Severity.WARNING,
    "The tolerance or the range of a number leaves no right answer.",
    "write the smaller end of a range first, and a tolerance that is not negative",
)
BAD_REGEXP = define(
    "broken-regular-expression",
    Severity.ERROR,
    "A regular expression does not compile; every answer would be an error.",
    "mend it: brackets must close, and `*`, `+`, `?` need something to repeat",
)
UNREACHABLE_OPTION = define(
    "unreachable-option",
    Severity.WARNING,
    "The right option of a dropdown is not among those that learners are shown.",
    "write one option a line; an option of the one-line form must not hold a straight quote",
)

_GROUPS = ("choicegroup", "checkboxgroup", "radiogroup")
_FEEDBACK = ("choicehint", "optionhint")
_QUOTED = re.compile(r"'([^']*)'")
_RANGE = re.compile(r"\s*([\[(])\s*([-+0-9.eE]+)\s*,\s*([-+0-9.eE]+)\s*([\])])\s*")


def questions_can_be_answered(course: Course) -> Iterator[Diagnostic]:
    """Every question of every problem has an answer that is right, and choices that differ."""
    for block in course.root.walk():
        if block.category == "problem" and block.content:
            yield from _problem(block, block.content)


def _problem(block: Block, olx: str) -> Iterator[Diagnostic]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        tree = etree.fromstring(olx.encode("utf-8"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return  # reported where the OLX was read
    if tree.find(".//script") is not None:
        return  # answers are made by a program; the engine can tell (`check --grade`)
    for element in tree.iter(etree.Element):
        tag = str(element.tag)
        if tag in _GROUPS:
            yield from _choices(block, element)
        elif tag == "optioninput":
            yield from _options(block, element)
        elif tag == "stringresponse":
            yield from _string(block, element)
        elif tag == "numericalresponse":
            yield from _number(block, element)


def _choices(block: Block, group: etree._Element) -> Iterator[Diagnostic]:
    choices = group.findall("choice")
    if choices and not any(choice.get("correct", "").lower() in ("true", "partial") for choice in choices):
        yield _finding(NO_CORRECT_ANSWER, "no choice of this question is marked as correct", block)
    yield from _duplicates(block, [_words(choice) for choice in choices])


def _options(block: Block, dropdown: etree._Element) -> Iterator[Diagnostic]:
    options = dropdown.findall("option")
    if options:
        if not any(option.get("correct", "").lower() == "true" for option in options):
            yield _finding(NO_CORRECT_ANSWER, "no option of this dropdown is marked as correct", block)
        yield from _duplicates(block, [_words(option) for option in options])
        return
    correct = dropdown.get("correct")
    if not correct:
        yield _finding(NO_CORRECT_ANSWER, "no option of this dropdown is marked as correct", block)
        return
    # As the engine reads the list: what stands between straight quotes (Open edX: inputtypes.OptionInput.parse_options).
    shown = _QUOTED.findall(dropdown.get("options", ""))
    if correct not in shown:
        yield _finding(UNREACHABLE_OPTION, f"the right option {correct[:60]!r} is not among those shown", block)
    yield from _duplicates(block, shown)


def _string(block: Block, response: etree._Element) -> Iterator[Diagnostic]:
    answers = [response.get("answer") or "", *(e.get("answer") or "" for e in response.findall("additional_answer"))]
    if not any(answer.strip() for answer in answers):
        yield _finding(NO_CORRECT_ANSWER, "this question has no answer to compare with", block)
    if "regexp" not in (response.get("type") or "").split():
        return
    for answer in (*answers, *(e.get("answer") or "" for e in response.findall("regexphint"))):
        try:
            re.compile(answer)
        except (re.error, RecursionError, OverflowError) as error:
            yield _finding(BAD_REGEXP, f"the regular expression {answer[:60]!r} does not compile: {error}", block)


def _number(block: Block, response: etree._Element) -> Iterator[Diagnostic]:
    answer = (response.get("answer") or "").strip()
    if not answer:
        yield _finding(NO_CORRECT_ANSWER, "this question has no answer to compare with", block)
        return
    found = _RANGE.fullmatch(answer)
    if found:
        low, high = _float(found[2]), _float(found[3])
        if low is not None and high is not None and (low > high or (low == high and found[1] + found[4] != "[]")):
            yield _finding(IMPOSSIBLE_ANSWER, f"no number lies in {answer}", block)
    for parameter in response.findall("responseparam"):
        tolerance = _float((parameter.get("default") or "").strip().rstrip("%"))
        if parameter.get("type") == "tolerance" and tolerance is not None and tolerance < 0:
            yield _finding(IMPOSSIBLE_ANSWER, f"the tolerance {parameter.get('default')} is negative", block)


def _duplicates(block: Block, texts: list[str]) -> Iterator[Diagnostic]:
    for text, count in Counter(texts).items():
        if count > 1 and text:
            yield _finding(DUPLICATE_CHOICE, f"{text[:60]!r} stands {count} times among the choices", block)


def _words(choice: etree._Element) -> str:
    """What tells a choice from the others: its words and pictures, its feedback apart."""
    parts = [choice.text or ""]
    for child in choice:
        if isinstance(child.tag, str) and child.tag not in _FEEDBACK:
            parts.append(etree.tostring(child, encoding="unicode", with_tail=False))
        parts.append(child.tail or "")
    return " ".join("".join(parts).split())


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _finding(code: Code, message: str, block: Block) -> Diagnostic:
    return Diagnostic(code, message, block.source, code.remedy, code.severity)

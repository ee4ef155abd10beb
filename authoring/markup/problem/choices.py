"""Questions with choices: radio buttons, checkboxes, dropdowns. Lines are read into a value, the value is written as OLX.

Text in the values is OLX already: in Studio's dialect what the author wrote, in the richer one rendered Markdown.
White space and the order of elements are those of Studio's converter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from authoring.diagnostics import Severity
from authoring.markup.problem.feedback import Feedback, selected_feedback, take_feedback
from authoring.markup.problem.findings import (
    DROPDOWN_FORM,
    EMPTY_CHOICE,
    NO_CORRECT_ANSWER,
    OPTION_MARKUP,
    OPTION_QUOTE,
    SEVERAL_CORRECT,
    STRAY_FEEDBACK,
    Findings,
)
from authoring.markup.problem.text import Row, S, strip


@dataclass(frozen=True, slots=True)
class Choice:
    """`credit` is the share of the points for a partly right choice (richer dialect only)."""

    text: str
    correct: bool
    fixed: bool = False
    credit: str | None = None
    feedback: Feedback | None = None
    selected: str | None = None
    unselected: str | None = None


@dataclass(frozen=True, slots=True)
class Compound:
    """Feedback for a combination of checkboxes: `letters` as written, `A C`."""

    letters: str
    text: str


@dataclass(frozen=True, slots=True)
class Radio:
    choices: tuple[Choice, ...]
    shuffle: bool = False


@dataclass(frozen=True, slots=True)
class Checkboxes:
    choices: tuple[Choice, ...]
    compounds: tuple[Compound, ...] = ()


@dataclass(frozen=True, slots=True)
class Dropdown:
    """`one_line` are the options and the correct one as the one-line form spells them, outer blanks kept."""

    choices: tuple[Choice, ...]
    one_line: tuple[tuple[str, ...], str] | None = None


_RADIO = re.compile(rf"^{S}*\((.{{0,3}})\){S}*")
_CHECKBOX = re.compile(rf"^{S}*\[(.?)\]{S}*")
_BRACED = re.compile(rf"^{S}*{{{{.*?}}}}")
_COMPOUND = re.compile(rf"^{S}*{{{{{S}*\(\((.*?)\)\)(.*?)}}}}")


def is_radio(row: Row) -> bool:
    return _RADIO.match(row.text) is not None


def is_checkbox(row: Row) -> bool:
    return _CHECKBOX.match(row.text) is not None or _BRACED.match(row.text) is not None


def read_radio(rows: Sequence[Row], findings: Findings) -> Radio:
    """`(x) text {{ feedback }}`; `@` keeps the choice in its place, `!` on any line shuffles the others."""
    choices = []
    shuffle = False
    for row in rows:
        if row.blank:
            continue
        match = _RADIO.match(strip(row.text))
        assert match is not None
        flags, value = match[1], strip(row.text)[match.end() :]
        text, feedback = take_feedback(value)
        if feedback is None:
            text = value
        shuffle = shuffle or "!" in flags
        _check_choice(text, row, findings)
        choices.append(Choice(text, "x" in flags.lower(), "@" in flags, feedback=feedback))
    _check_correct(choices, rows[0], findings)
    return Radio(tuple(choices), shuffle)


def write_radio(radio: Radio) -> str:
    shuffle = ' shuffle="true"' if radio.shuffle else ""
    lines = ["<multiplechoiceresponse>", f'  <choicegroup type="MultipleChoice"{shuffle}>']
    for choice in radio.choices:
        correct = "partial" if choice.credit else _lower(choice.correct)
        credit = f' point_value="{choice.credit}"' if choice.credit else ""
        fixed = ' fixed="true"' if choice.fixed else ""
        hint = write_feedback("choicehint", choice.feedback)
        text = f"{choice.text} {hint}" if hint else choice.text
        lines.append(f'    <choice correct="{correct}"{credit}{fixed}>{text}</choice>')
    lines += ("  </choicegroup>", "</multiplechoiceresponse>", "")
    return "\n".join(lines)


def read_checkboxes(rows: Sequence[Row], findings: Findings) -> Checkboxes:
    """`[x] text {{ selected: a }, { unselected: b }}`, and lines `{{ ((A C)) text }}` for combinations."""
    choices = []
    compounds = []
    for row in rows:
        if row.blank:
            continue
        compound = _COMPOUND.match(row.text)
        if compound is not None:
            compounds.append(Compound(strip(compound[1]), strip(compound[2].replace("&lf;", "\n", 1))))
            continue
        match = _CHECKBOX.match(row.text)
        if match is None:
            # Studio's converter makes a choice "undefined" of it.
            message = f"feedback that belongs to no choice: {strip(row.text)[:60]!r}"
            hint = "write it behind a choice, or as `{{ ((A B)) text }}` for a combination of choices"
            severity = Severity.ERROR
            findings.report(STRAY_FEEDBACK, message, row.number, hint, severity=severity, deviates=True)
            continue
        value = row.text[match.end() :]
        text, feedback = take_feedback(value)
        selected, unselected = selected_feedback(feedback) if feedback else (None, None)
        if selected is None and unselected is None:
            if feedback is not None:
                message = "feedback of a checkbox without `selected:` or `unselected:` is shown as written"
                findings.report(STRAY_FEEDBACK, message, row.number)
            text = value
        _check_choice(text, row, findings)
        correct = match[1].lower() == "x"
        choices.append(Choice(text, correct, selected=selected, unselected=unselected))
    if choices:
        _check_correct(choices, rows[0], findings)
    return Checkboxes(tuple(choices), tuple(compounds))


def write_checkboxes(checkboxes: Checkboxes) -> str:
    lines = ["<choiceresponse>", "  <checkboxgroup>"]
    for choice in checkboxes.choices:
        hints = ""
        if choice.selected is not None:
            hints += f'\n      <choicehint selected="true">{choice.selected}</choicehint>'
        if choice.unselected is not None:
            hints += f'\n      <choicehint selected="false">{choice.unselected}</choicehint>'
        lines.append(f'    <choice correct="{_lower(choice.correct)}">{choice.text}{hints}</choice>')
    for compound in checkboxes.compounds:
        lines.append(f'    <compoundhint value="{compound.letters}">{compound.text}</compoundhint>')
    lines += ("  </checkboxgroup>", "</choiceresponse>", "")
    return "\n".join(lines)


_WHOLE = re.compile(rf"{S}*\((.*?)\){S}*\Z", re.DOTALL)
_CORRECT = re.compile(rf"(?:\A|,){S}*\((.*?)\){S}*(?:\Z|,)", re.DOTALL)
_COMMA = re.compile(rf",{S}*")
_ENGINE_QUOTE = re.compile(r"(?<![A-Za-z])'|'(?![A-Za-z])")
"""A single quote that the engine does not take for an apostrophe (Open edX: capa/inputtypes.py, OptionInput)."""


def read_dropdown(rows: Sequence[Row], findings: Findings) -> Dropdown:
    """The inside of `[[ … ]]`, on one line or with one option a line; the correct one in parentheses."""
    if len(rows) == 1:
        return _read_one_line(rows[0], findings)
    choices = []
    for row in rows:
        if row.blank:
            continue
        text, feedback = take_feedback(strip(row.text))
        correct = len(text) >= 2 and text[0] == "(" and text[-1] == ")"
        text = text[1:-1] if correct else text
        _check_choice(text, row, findings)
        text = _plain(text, row, findings)
        choices.append(Choice(text, correct, feedback=feedback))
    if sum(choice.correct for choice in choices) > 1:
        findings.report(SEVERAL_CORRECT, "more than one option is marked as correct", rows[0].number)
    elif choices:
        _check_correct(choices, rows[0], findings)
    return Dropdown(tuple(choices))


def _read_one_line(row: Row, findings: Findings) -> Dropdown:
    if "{{" in row.text:
        findings.report(DROPDOWN_FORM, "a dropdown on one line can have no feedback", row.number, deviates=True)
        return Dropdown(tuple(_split_options(row.text)))
    _check_quotes(row.text, row, findings)
    parts = _COMMA.split(row.text)
    options = tuple(match[1] if (match := _WHOLE.match(part)) else part for part in parts)
    found = _CORRECT.search(row.text)
    correct = found[1] if found else ""
    marked = sum(_WHOLE.match(part) is not None for part in parts)
    if any(not strip(option) for option in options):
        findings.report(EMPTY_CHOICE, "an option of this dropdown has no text", row.number)
    if found is None:
        findings.report(NO_CORRECT_ANSWER, "no option of this dropdown is marked as correct", row.number)
    elif marked > 1:
        message = "more than one option is marked as correct; only the first counts"
        findings.report(SEVERAL_CORRECT, message, row.number)
    if found is not None and correct not in options:
        message = "on one line this option would be taken apart at its comma"
        findings.report(DROPDOWN_FORM, message, row.number, deviates=True)
        return Dropdown(tuple(_split_options(row.text)))
    choices = tuple(Choice(strip(option), option == correct) for option in options)
    return Dropdown(choices, (options, correct))


_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->")


def _plain(text: str, row: Row, findings: Findings) -> str:
    """An option without markup: the engine takes its text up to the first tag only."""
    _check_quotes(text, row, findings)
    plain = _MARKUP.sub("", text)
    if plain != text:
        message = f"a dropdown shows plain text only: {strip(text)[:60]!r}"
        findings.report(OPTION_MARKUP, message, row.number, deviates=True)
    return plain


def _check_quotes(text: str, row: Row, findings: Findings) -> None:
    if _ENGINE_QUOTE.search(text):
        findings.report(OPTION_QUOTE, f"a quote takes this option apart: {strip(text)[:60]!r}", row.number)


def _split_options(text: str) -> list[Choice]:
    """Options at commas, but not at those inside parentheses or feedback."""
    choices = []
    depth = start = 0
    for position, char in enumerate(text + ","):
        if char in "({":
            depth += 1
        elif char in ")}":
            depth -= 1
        elif char == "," and (depth <= 0 or position == len(text)):
            option, feedback = take_feedback(text[start:position])
            option = strip(option)
            start = position + 1
            correct = _WHOLE.match(option) is not None
            choices.append(Choice(option[1:-1] if correct else option, correct, feedback=feedback))
    return choices


def write_dropdown(dropdown: Dropdown) -> str:
    if dropdown.one_line is not None:
        options, correct = dropdown.one_line
        listed = ",".join(f"'{option}'" for option in options)
        body = [f'  <optioninput options="({listed})" correct="{correct}"></optioninput>']
    else:
        body = ["  <optioninput>"]
        for choice in dropdown.choices:
            hint = ""
            if choice.feedback is not None:
                label = f' label="{choice.feedback.label}"' if choice.feedback.label else ""
                hint = f" <optionhint{label}>{choice.feedback.text}</optionhint>"
            body.append(f'    <option correct="{choice.correct}">{choice.text}{hint}</option>')
        body.append("  </optioninput>")
    return "\n".join(["", "<optionresponse>", *body, "</optionresponse>", "", ""])


def write_feedback(tag: str, feedback: Feedback | None) -> str:
    """`<tag label="…">…</tag>`, or nothing."""
    if feedback is None:
        return ""
    label = "" if feedback.label is None else f' label="{feedback.label}"'
    return f"<{tag}{label}>{feedback.text}</{tag}>"


def _check_choice(text: str, row: Row, findings: Findings) -> None:
    if not strip(text):
        findings.report(EMPTY_CHOICE, f"a choice without text: {strip(row.text)!r}", row.number)


def _check_correct(choices: Sequence[Choice], row: Row, findings: Findings) -> None:
    if not any(choice.correct for choice in choices):
        findings.report(NO_CORRECT_ANSWER, "none of these choices is marked as correct", row.number)


def _lower(value: bool) -> str:
    return "true" if value else "false"

"""What can be wrong with problem Markdown, and the collector that knows where."""

from __future__ import annotations

from dataclasses import replace

from authoring.diagnostics import Code, Diagnostic, Diagnostics, Severity, define
from authoring.model import SourceLocation

UNESCAPED = define(
    "problem-unescaped",
    Severity.WARNING,
    "A bare `&` or `<` in a problem; Studio's converter makes broken XML of it.",
    "write `&amp;` or `&lt;`",
)
LOOSE_HTML = define(
    "problem-loose-html",
    Severity.WARNING,
    "HTML in a problem that is not XML: a named entity, an unclosed `<br>`, an attribute without quotes.",
    "close empty elements (`<br/>`), quote attributes, and write characters instead of named entities",
)
BROKEN_HTML = define(
    "problem-broken-html",
    Severity.ERROR,
    "An HTML tag in a problem without its partner.",
    "close the tag within the same choice, answer or passage, or write `&lt;` for a literal `<`",
)
BARE_QUOTE = define(
    "problem-bare-quote",
    Severity.WARNING,
    "A double quote or a tag where Studio's converter puts the text into an attribute; it makes broken XML of it.",
    "write `&quot;` or `&lt;`; an answer, a label of feedback and a dropdown on one line are plain text",
)
HEADER_QUESTION = define(
    "problem-header-question",
    Severity.WARNING,
    "A question `>>…<<` underlined as a header; Studio's converter makes broken XML of it.",
    "leave the underline away, or write the header on a line of its own",
)
EMPTY_CHOICE = define(
    "problem-empty-choice",
    Severity.ERROR,
    "A choice or an option without text.",
    "write the choice's text behind its mark, or remove the line",
)
NO_CORRECT_ANSWER = define(
    "problem-no-correct-answer",
    Severity.WARNING,
    "A question none of whose choices is marked as correct: no learner can answer it.",
    "mark the right choice: `(x)`, `[x]`, or parentheses around an option of a dropdown",
)
SEVERAL_CORRECT = define(
    "problem-several-correct",
    Severity.ERROR,
    "A dropdown with more than one correct option, which the platform refuses.",
    "put parentheses around one option only; for several right answers use checkboxes",
)
DROPDOWN_FORM = define(
    "problem-dropdown-form",
    Severity.WARNING,
    "A dropdown on one line with what that form cannot hold: feedback, or parentheses around a comma.",
    "write the dropdown over several lines, one option on each",
)
OPTION_QUOTE = define(
    "problem-option-quote",
    Severity.ERROR,
    "A straight single quote in an option of a dropdown, at which the platform takes the option apart.",
    "write a typographic quote (’) instead",
)
OPTION_MARKUP = define(
    "problem-option-markup",
    Severity.WARNING,
    "Markup in an option of a dropdown, which the platform cannot show; the option's text is used.",
    "write the option as plain text, or use radio buttons",
)
EMPTY_ANSWER = define(
    "problem-empty-answer",
    Severity.ERROR,
    "An answer line without an answer.",
    "write the answer behind `=` on the same line",
)
LOST_ANSWER = define(
    "problem-lost-answer",
    Severity.ERROR,
    "An answer that would be lost without a word.",
    "beside a number only plain numbers can stand (`or= 90`); for text write `s=` in front of the first answer",
)
NOT_A_NUMBER = define(
    "problem-not-a-number",
    Severity.ERROR,
    "A numerical answer or tolerance that the platform cannot calculate.",
    "write a number such as `1000.5`, `1.5e3` or `2/3`, or `s=` in front of an answer that is text",
)
RANGE_AS_TEXT = define(
    "problem-range-as-text",
    Severity.WARNING,
    "A range with feedback or trailing blanks, which Studio's converter takes for text.",
    "leave the feedback away, or write the range as a number with a tolerance",
)
STRAY_ANSWER = define(
    "problem-stray-answer",
    Severity.WARNING,
    "A line that looks like an answer but is shown as text.",
    "write `=` in the first column, and `or=` and `not=` right below the answer they belong to",
)
STRAY_FEEDBACK = define(
    "problem-stray-feedback",
    Severity.WARNING,
    "Feedback where none can be: learners see its braces, or nothing.",
    "write `{{ … }}` behind a choice or an answer; behind a checkbox `{{ selected: … }, { unselected: … }}`",
)
LOST_TEXT = define(
    "problem-lost-text",
    Severity.WARNING,
    "Text that Studio's converter drops without a word.",
    "give it a line of its own",
)
UNCLOSED = define(
    "problem-unclosed",
    Severity.ERROR,
    "Something is opened and never closed, so learners would see its mark.",
    "close it, or write the first character of the mark as an entity",
)
BRACKET_INSIDE = define(
    "problem-bracket-inside",
    Severity.WARNING,
    "A `]` inside [explanation] or [code], which keeps Studio's converter from seeing either as what it is.",
    "write `&#93;`, and `<pre><code>` for code inside an explanation",
)
INSIDE_TEXT = define(
    "problem-mark-in-text",
    Severity.WARNING,
    "A line in an explanation, in code or in a script that Studio's converter would take for a question.",
    "begin the line with an entity instead: `&#61;` for `=`, `&#40;` for `(`, `&#91;` for `[`",
)
STRAY_SEPARATOR = define(
    "problem-stray-separator",
    Severity.WARNING,
    "A line `---` that separates nothing and is shown as text.",
    "write `---` only between two questions",
)
NO_QUESTION = define(
    "problem-without-question",
    Severity.WARNING,
    "A problem in which nothing is asked.",
    "write choices, a dropdown or an answer line below the question; text alone belongs outside a problem",
)
NESTED_QUESTION = define(
    "problem-nested-question",
    Severity.WARNING,
    "A question inside an HTML element; Studio's converter fails on it.",
    "keep the HTML apart from the question, for example with a line `---` between them",
)
LOOKS_LIKE_MARKDOWN = define(
    "problem-plain-text",
    Severity.INFO,
    "Inline Markdown in a problem of Studio's dialect, which shows it as it is written.",
    "begin the problem with the line `[markdown]` to have it rendered",
)
BAD_TAG = define(
    "problem-bad-tag",
    Severity.ERROR,
    "A bracketed tag of the richer dialect that cannot be understood.",
    "see the reference of problem Markdown for the tags and their options",
)
BAD_CREDIT = define(
    "problem-bad-credit",
    Severity.ERROR,
    "Partial credit that the platform would not give.",
    "partial credit is a share between 0 and 1 such as `(0.5)` or `(50%)`, on a choice between wrong and right",
)
UNREADABLE_FILE = define(
    "problem-unreadable-file",
    Severity.ERROR,
    "A file that a problem names and that cannot be read.",
    "put the file beside the unit and name it relative to it",
)


STUDIO_ONLY = frozenset((RANGE_AS_TEXT, DROPDOWN_FORM))
"""What only Studio's converter stumbles over."""


class Findings:
    """Collects Diagnostics whose lines are counted from the first line of the problem.

    `exact` tells whether Studio's converter would make the same OLX from the (repaired) text; a finding about
    something it would get wrong and that no repair of the text can mend sets it to False.
    """

    def __init__(self, where: SourceLocation | None = None) -> None:
        self.where = where
        self.muted: frozenset[Code] = frozenset()
        self.exact = True
        self._found = Diagnostics()

    def report(
        self,
        code: Code,
        message: str,
        line: int,
        hint: str | None = None,
        *,
        severity: Severity | None = None,
        deviates: bool = False,
    ) -> None:
        """Add a finding about `line` (counted from 0), unless its code is muted."""
        if code in self.muted:
            return
        where = self.where
        if where is not None and where.line is not None:
            where = replace(where, line=where.line + line)
        self._found.report(code, message, where, hint, severity)
        if deviates:
            self.exact = False

    def sorted(self) -> tuple[Diagnostic, ...]:
        return self._found.sorted()

"""The option `tests:` of a problem to `ProblemTest`s: which answers must score what.

    tests:
      - {answer: Paris, score: 1}
      - {answer: [Paris, Rome], score: 0.5}      several choices, or one entry per question
      - {answer: "", score: 0}                   left blank

Answers are kept as they are written (`3.10` stays `3.10`, `No` stays `No`): that is what a learner types. What the
entries mean depends on the problem's questions, so it is settled where the tests are run.
"""

from __future__ import annotations

from authoring.diagnostics import Diagnostics
from authoring.model import ProblemAnswer, ProblemTest
from authoring.yamlnodes import BAD_VALUE, Entry, items_of, mapping_of, text_value

MAX_ANSWER_DEPTH = 2
"""A list with one entry per question, each a list of choices: nothing is deeper than that."""

_KEYS = ("answer", "score")


def read_tests(entry: Entry, diagnostics: Diagnostics) -> tuple[ProblemTest, ...]:
    """The tests that the entry `tests` states; what cannot be read is reported and left out."""
    items = items_of(entry, diagnostics)
    return tuple(test for item in items or () if (test := _test(item, diagnostics)) is not None)


def _test(item: Entry, diagnostics: Diagnostics) -> ProblemTest | None:
    entries = mapping_of(item, diagnostics)
    if entries is None:
        return None
    for key in entries:
        if key not in _KEYS:
            message = f"{key!r} is not a key of a problem test"
            diagnostics.report(BAD_VALUE, message, entries[key].where, "a test has `answer` and `score`")
    missing = [key for key in _KEYS if key not in entries]
    if missing:
        words = " and ".join(f"`{key}`" for key in missing)
        diagnostics.report(BAD_VALUE, f"this test has no {words}", item.where, "write {answer: …, score: 1}")
        return None
    answer = _answer(entries["answer"], diagnostics, 0)
    score = _score(entries["score"], diagnostics)
    if answer is None or score is None:
        return None
    return ProblemTest(answer, score, item.where)


def _answer(entry: Entry, diagnostics: Diagnostics, depth: int) -> ProblemAnswer | None:
    if entry.scalar is not None:
        return entry.scalar
    items = items_of(entry, diagnostics) if depth < MAX_ANSWER_DEPTH else None
    if depth == MAX_ANSWER_DEPTH:
        hint = "write one entry per question, each a text or a list of choices"
        diagnostics.report(BAD_VALUE, "'answer' nests too deep", entry.where, hint)
    if items is None:
        return None
    answers = [_answer(item, diagnostics, depth + 1) for item in items]
    if None in answers:
        return None
    return tuple(answer for answer in answers if answer is not None)


def _score(entry: Entry, diagnostics: Diagnostics) -> float | None:
    text = text_value(entry, diagnostics)
    if text is None:
        return None
    try:
        score = float(text)
    except ValueError:
        score = -1
    if 0 <= score <= 1:
        return score
    hint = "write the fraction of the problem's points: 1, 0.5, 0"
    diagnostics.report(BAD_VALUE, f"'score' cannot be {text[:40]!r}", entry.where, hint)
    return None

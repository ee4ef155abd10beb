"""The platform's own CAPA engine as a program: loads problems, renders them and grades answers.

Run by file name in a process of its own (:mod:`authoring.grading.process`), because the engine needs Django settings of
its own, is slow to start, and runs the scripts of problems unconfined. It imports nothing of the project, only what
`xblocks-contrib` brings.

Out, once, on standard output: `{"ready": true}`, or `{"ready": false, "error": …}` when the engine cannot be imported.
In, on standard input: one JSON object a line,

    olx         the problem, `<problem>…</problem>`
    allow_code  whether Python in it may run
    answers     a list of answers to grade: texts, lists of choices, lists with one entry per question

Out, for each: one JSON object a line,

    error       why the problem does not load, render or grade, or null
    code        whether it needs to run Python and was not allowed to
    outside     what outside this process it needs to be graded, or null
    html        what learners see, or null
    questions   how many inputs it has
    max_score   points to be had
    right       `{answer, score, message}` for the right answer, null when the engine does not know one
    wrong       the same for a wrong one, null when nothing is known to be wrong
    graded      `{score, message}` for each of `answers`; score null when the answer cannot be given here
    offered     what each dropdown offers
"""

from __future__ import annotations

import gettext
import json
import logging
import os
import re
import warnings
from collections.abc import Iterable
from importlib import import_module
from types import SimpleNamespace
from typing import Any, TextIO

NOBODY_ANSWERS_THAT = "zyxwvut"
SEED = 1

CHOICES = frozenset(("multiplechoiceresponse", "truefalseresponse", "choiceresponse"))
OUTSIDE = {"externalresponse": "a grader at a web address", "coderesponse": "an external grading queue"}
"""Response types that are graded elsewhere; the first of them calls out while it is merely loaded."""

TYPED = frozenset(("textline", "formulaequationinput", "textbox", "textarea"))
"""Inputs that a text can be typed into; others need a browser."""


class CodeRefused(BaseException):
    """Python is about to run and nobody allowed it. Not an Exception: the engine catches and rewords those."""


class CannotGive(Exception):
    """An answer that no learner could give to this problem."""


class _NoFiles:
    """The course's file system, as problems see it: empty."""

    root_path = "/nonexistent"

    def open(self, name: str, *_: object) -> Any:
        raise FileNotFoundError(name)


class CapaEngine:
    """The engine, imported and set up."""

    def __init__(self) -> None:
        settings = import_module("django.conf").settings
        settings.configure(
            DATABASES={},
            INSTALLED_APPS=[],
            STATIC_URL="/static/",
            SECRET_KEY="nothing here is signed",  # noqa: S106 - no secret
            USE_TZ=True,
            TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": False, "DIRS": []}],
        )
        import_module("django").setup()
        template = import_module("django.template")
        folder = import_module("xblocks_contrib.problem.capa").__path__[0]
        self._context = template.Context
        self._templates = template.Engine(
            dirs=[f"{folder}/templates"],
            libraries={"i18n": "django.templatetags.i18n", "static": "django.templatetags.static"},
        )
        self.capa = import_module("xblocks_contrib.problem.capa.capa_problem")
        self.responses = import_module("xblocks_contrib.problem.capa.responsetypes")
        self.contextualize = import_module("xblocks_contrib.problem.capa.util").contextualize_text
        self.evaluator = import_module("calc").evaluator
        self.etree = import_module("lxml.etree")

    def render(self, name: str, context: dict[str, Any]) -> str:
        return str(self._templates.get_template(name).render(self._context(context)))

    def load(self, olx: str, *, allow_code: bool) -> Any:
        """A `LoncapaProblem`. Raises whatever is wrong with it, and `CodeRefused`."""

        def may_run_unconfined() -> bool:
            # The engine asks this just before it runs any Python, wherever in the problem that stands.
            if not allow_code:
                raise CodeRefused
            return True

        system = self.capa.LoncapaSystem(
            ajax_url="/ajax",
            anonymous_student_id="student",
            cache=None,
            can_execute_unsafe_code=may_run_unconfined,
            get_python_lib_zip=lambda: None,
            DEBUG=False,
            i18n=gettext.NullTranslations(),
            render_template=self.render,
            resources_fs=_NoFiles(),
            seed=SEED,
            xqueue=None,
        )
        block = SimpleNamespace(
            display_name="problem",
            data=olx,
            location="problem",
            correctness_available=lambda: True,
            runtime=SimpleNamespace(publish=lambda *_: None),
            scope_ids=SimpleNamespace(usage_id=SimpleNamespace(course_key=None)),
        )
        return self.capa.LoncapaProblem(olx, id="1", capa_system=system, capa_block=block, seed=SEED)


def judge(engine: CapaEngine, task: dict[str, Any]) -> dict[str, Any]:
    """What the engine makes of one problem; see the module."""
    verdict: dict[str, Any] = {
        "error": None,
        "code": False,
        "outside": None,
        "html": None,
        "questions": 0,
        "max_score": 0,
        "right": None,
        "wrong": None,
        "graded": [],
        "offered": [],
    }
    try:
        _judge(engine, task, verdict)
    except CodeRefused:
        verdict["code"] = True
    except Exception as error:
        verdict["error"] = _words(error)
    return verdict


def _judge(engine: CapaEngine, task: dict[str, Any], verdict: dict[str, Any]) -> None:
    olx, allow_code = task["olx"], task["allow_code"]
    tree = engine.etree.fromstring(olx.encode())
    for tag, grader in OUTSIDE.items():
        if next(tree.iter(tag), None) is not None:
            verdict["outside"] = grader
            return
    verdict["html"] = engine.load(olx, allow_code=allow_code).get_html()
    # Which choices a pool shows is drawn anew for each learner: answers are given with the whole pool before them.
    for group in tree.iter("choicegroup"):
        group.attrib.pop("answer-pool", None)
    session = _Session(engine, engine.etree.tostring(tree, encoding="unicode"), allow_code=allow_code)
    verdict["questions"] = len(session.inputs)
    verdict["max_score"] = session.problem.get_max_score()
    verdict["offered"] = [session.options(name) for name, r in session.inputs if r.xml.tag == "optionresponse"]
    right, wrong = session.right_and_wrong()
    verdict["right"] = right and {"answer": session.shown(right), **session.grade(right)}
    verdict["wrong"] = wrong and {"answer": session.shown(wrong), **session.grade(wrong)}
    for name, responder in session.inputs:
        tag = session.input_tag(name)
        if responder.xml.tag not in CHOICES and tag != "optioninput" and tag not in TYPED:
            verdict["outside"] = "a browser"
    for answer in task["answers"]:
        try:
            verdict["graded"].append(session.grade(session.submission(answer)))
        except CannotGive as error:
            verdict["graded"].append({"score": None, "message": str(error)})


class _Session:
    """One problem and its inputs, in the order in which learners meet them."""

    def __init__(self, engine: CapaEngine, olx: str, *, allow_code: bool) -> None:
        self.engine = engine
        self.olx = olx
        self.allow_code = allow_code
        self.problem = engine.load(olx, allow_code=allow_code)
        responders = sorted(self.problem.responders.values(), key=lambda r: int(r.id.rpartition("_")[2]))
        self.inputs: list[tuple[str, Any]] = [(name, r) for r in responders for name in r.answer_ids]
        self.responders = responders

    def grade(self, answers: dict[str, Any]) -> dict[str, Any]:
        """`{score, message}`: points for answers by input, on a fresh copy of the problem."""
        problem = self.engine.load(self.olx, allow_code=self.allow_code)
        try:
            problem.grade_answers(answers)
        except self.engine.responses.StudentInputError as error:
            return {"score": 0, "message": _words(error, kind=False)}
        except self.engine.responses.ResponseError as error:
            return {"score": 0, "message": f"the grader fails: {_words(error, kind=False)}"}
        return {"score": float(problem.calculate_score()["score"]), "message": None}

    def input_tag(self, name: str) -> str:
        return str(self.problem.inputs[name].tag)

    def options(self, name: str) -> list[str]:
        """What a dropdown offers."""
        return [str(key) for key, _ in self.problem.inputs[name].loaded_attributes["options"]]

    def choices(self, responder: Any) -> dict[str, str]:
        """Name -> text of the choices of a radio or checkbox question."""
        elements = (choice for field in responder.inputfields for choice in field.iter("choice"))
        return {
            choice.get("name"): _plain(self.engine.contextualize(_text(choice), self.problem.context))
            for choice in elements
        }

    def shown(self, answers: dict[str, Any]) -> str:
        """Answers in the author's words."""
        words = []
        for name, responder in self.inputs:
            value = answers.get(name, "")
            if responder.xml.tag in CHOICES:
                texts = self.choices(responder)
                names: list[str] = value if isinstance(value, list) else [value]
                value = ", ".join(texts.get(choice, choice) for choice in names)
            words.append(str(value))
        return " | ".join(words)

    def right_and_wrong(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """A right answer and a wrong one to all questions; None where the engine does not know."""
        right: dict[str, Any] | None = {} if self.inputs else None
        wrong: dict[str, Any] | None = {} if self.inputs else None
        for responder in self.responders:
            some_right, some_wrong = self._right_and_wrong(responder)
            right = None if right is None or some_right is None else right | some_right
            wrong = None if wrong is None or some_wrong is None else wrong | some_wrong
        return right, wrong

    def _right_and_wrong(self, responder: Any) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        ids = responder.answer_ids
        first = ids[0]
        match responder.xml.tag:
            case "multiplechoiceresponse" | "truefalseresponse":
                names = list(self.choices(responder))
                right = list(responder.correct_choices)
                wrong = next((name for name in names if name not in right), "none")
                return ({first: right[0]} if right else None), {first: wrong}
            case "choiceresponse":
                right = sorted(responder.correct_choices)
                return {first: right}, {first: sorted(responder.incorrect_choices) or right[:-1]}
            case "optionresponse":
                return responder.get_answers(), dict.fromkeys(ids, NOBODY_ANSWERS_THAT)
            case "stringresponse":
                return self._text_answer(responder, first), {first: NOBODY_ANSWERS_THAT}
            case "numericalresponse":
                return self._number(responder, first)
            case "formularesponse":
                right = responder.correct_answer
                return {first: right}, {first: f"({right})*3+12345"}
            case "customresponse" if all(self.input_tag(name) in TYPED for name in ids):
                answers = {name: str(value) for name, value in responder.get_answers().items() if value}
                return (answers if set(answers) == set(ids) else None), dict.fromkeys(ids, NOBODY_ANSWERS_THAT)
            case _:
                return None, None

    def _text_answer(self, responder: Any, first: str) -> dict[str, Any] | None:
        """The text that is expected; of regular expressions only those that match themselves are known."""
        answers = responder.correct_answer
        if responder.regexp:
            flags = re.IGNORECASE if responder.case_insensitive else 0
            answers = [text for text in answers if re.fullmatch(text, text, flags)]
        return {first: answers[0]} if answers else None

    def _number(self, responder: Any, first: str) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        if responder.range_tolerance:
            low, high = (self._value(bound) for bound in responder.answer_range)
            return {first: str((low + high) / 2)}, {first: str(high + 1)}
        right = str(responder.correct_answer)
        return {first: right}, {first: str(self._value(right) * 10 + 12345)}

    def _value(self, number: Any) -> float:
        value = self.engine.evaluator({}, {}, str(number))
        return abs(value) if isinstance(value, complex) else float(value)

    def submission(self, answer: Any) -> dict[str, Any]:
        """What the browser would send for an answer as the author stated it. Raises CannotGive."""
        count = len(self.inputs)
        if count == 0:
            raise CannotGive("the problem asks nothing")
        if count == 1:
            one = len(answer) == 1 and isinstance(answer, list)
            nested = one and isinstance(answer[0], list)
            many = self.inputs[0][1].xml.tag == "choiceresponse"
            entries = answer if nested or (one and not many) else [answer]
        elif isinstance(answer, list) and len(answer) == count:
            entries = answer
        else:
            raise CannotGive(f"the problem has {count} inputs: write a list with one entry for each")
        given = {}
        for (name, responder), entry in zip(self.inputs, entries, strict=True):
            value = self._given(name, responder, entry)
            if value is not None:
                given[name] = value
        return given

    def _given(self, name: str, responder: Any, entry: Any) -> Any:
        """The value of one input; None when nothing would be sent."""
        if responder.xml.tag == "choiceresponse":
            texts = entry if isinstance(entry, list) else [entry] if entry else []
            return [_choice(text, self.choices(responder)) for text in texts]
        if isinstance(entry, list):
            raise CannotGive("only a checkbox question takes several choices at once")
        if responder.xml.tag in CHOICES:
            return _choice(entry, self.choices(responder)) if entry else None
        tag = self.input_tag(name)
        if tag == "optioninput":
            return _choice(entry, {option: option for option in self.options(name)}) if entry else ""
        if tag not in TYPED:
            raise CannotGive(f"<{tag}> is answered in a browser")
        return entry


def _choice(text: Any, choices: dict[str, str]) -> str:
    """The name of the choice with that text, or of that name. Raises CannotGive."""
    if not isinstance(text, str):
        raise CannotGive("the list nests too deep")
    for same in (_plain, _bare):
        for name, shown in choices.items():
            if same(shown) == same(text):
                return name
    if text in choices:
        return text
    raise CannotGive(f"there is no choice {text!r}; there are: {', '.join(map(repr, choices.values()))}")


def _text(element: Any) -> str:
    """The text of a choice with those of its pictures, without its feedback."""
    parts = [element.text or ""]
    for child in element.iterchildren():
        if child.tag == "img":
            parts.append(child.get("alt") or "")
        elif isinstance(child.tag, str) and child.tag not in ("choicehint", "optionhint"):
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _bare(text: str) -> str:
    """Without Markdown's marks, so that a choice can be named as it is written."""
    return _plain(re.sub(r"[*_`]", "", text)).casefold()


def _words(error: BaseException, *, kind: bool = True) -> str:
    """An error in one short line, without the engine's HTML."""
    text = _plain(re.sub(r"<[^>]*>", " ", str(error)))[:300] or type(error).__name__
    return f"{type(error).__name__}: {text}" if kind and text != type(error).__name__ else text


def _serve(lines: Iterable[str], out: TextIO) -> None:
    def say(value: dict[str, Any]) -> None:
        out.write(json.dumps(value) + "\n")
        out.flush()

    try:
        engine = CapaEngine()
    except Exception as error:
        say({"ready": False, "error": _words(error)})
        return
    say({"ready": True})
    for line in lines:
        say(judge(engine, json.loads(line)))


def main() -> None:
    """Serve until the standard input ends."""
    # Scripts in problems may print and read: they get neither end of the conversation.
    lines = os.fdopen(os.dup(0), "r", encoding="utf-8")
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    _serve(lines, out)


if __name__ == "__main__":
    main()

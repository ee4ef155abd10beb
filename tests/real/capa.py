"""Loads, renders and grades problems with the platform's own CAPA engine. Run as a program, in a process of its own.

In, on standard input: one JSON object a line, `{"id": …, "olx": …, "right": {…}, "wrong": {…}}`; the two last ones
give answers by the number of the input (from 1) where the engine cannot know them. Out, one JSON object a line:

    id          as given
    error       why it does not load or render, or null
    html        what learners see
    max_score   points to be had
    right       points for the right answer, null when no right answer is known
    wrong       points for a wrong answer
    choices     what each dropdown offers, by the number of its input

Knows nothing of the project: only what `xblocks-contrib` and its dependencies offer. Scripts in problems run unconfined
(there is no sandbox here), so only trusted problems may come in.
"""

from __future__ import annotations

import gettext
import json
import sys
import warnings
from typing import Any
from unittest.mock import MagicMock

warnings.simplefilter("ignore")

import django  # noqa: E402
from django.conf import settings  # noqa: E402

settings.configure(
    DATABASES={},
    INSTALLED_APPS=[],
    STATIC_URL="/static/",
    SECRET_KEY="only for tests",
    USE_TZ=True,
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": False, "DIRS": []}],
)
django.setup()

from django.template import Context, Engine  # noqa: E402
from xblocks_contrib.problem import capa  # noqa: E402
from xblocks_contrib.problem.capa.capa_problem import LoncapaProblem, LoncapaSystem  # noqa: E402

NOBODY_ANSWERS_THAT = "zyxwvut"


ENGINE = Engine(
    dirs=[capa.__path__[0] + "/templates"],
    libraries={"i18n": "django.templatetags.i18n", "static": "django.templatetags.static"},
)


def _render(template: str, context: dict[str, Any]) -> str:
    return str(ENGINE.get_template(template).render(Context(context)))


def _problem(olx: str) -> Any:
    system = LoncapaSystem(
        ajax_url="/ajax",
        anonymous_student_id="student",
        cache=None,
        can_execute_unsafe_code=lambda: True,
        get_python_lib_zip=lambda: None,
        DEBUG=True,
        i18n=gettext.NullTranslations(),
        render_template=_render,
        resources_fs=MagicMock(),
        seed=1,
        xqueue=None,
    )
    return LoncapaProblem(olx, id="1", capa_system=system, capa_block=MagicMock(), seed=1)


def _value(number: str) -> float:
    from calc import evaluator

    return float(evaluator({}, {}, number))


def _answers(responder: Any, problem: Any) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """A right answer (None when the engine knows none) and a wrong one for each input of a response."""
    kind = responder.xml.tag
    ids = responder.answer_ids
    first = ids[0]
    if kind == "multiplechoiceresponse":
        names = [choice.get("name") for choice in responder.inputfields[0].iter("choice")]
        right = list(responder.correct_choices)
        return {first: right[0]} if right else None, {first: next((n for n in names if n not in right), "none")}
    if kind == "choiceresponse":
        right = sorted(responder.correct_choices)
        wrong = sorted(responder.incorrect_choices) or right[:-1]
        return {first: right}, {first: wrong}
    if kind == "optionresponse":
        answers = responder.get_answers()
        return answers, dict.fromkeys(ids, NOBODY_ANSWERS_THAT)
    if kind == "stringresponse":
        return {first: responder.correct_answer[0]}, {first: NOBODY_ANSWERS_THAT}
    if kind == "numericalresponse":
        return _number(responder, first)
    if kind == "formularesponse":
        return {first: responder.correct_answer}, {first: "1"}
    return None, dict.fromkeys(ids, NOBODY_ANSWERS_THAT)


def _number(responder: Any, first: str) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    if responder.range_tolerance:
        low, high = (_value(bound) for bound in responder.answer_range)
        return {first: str((low + high) / 2)}, {first: str(high + 1)}
    right = str(responder.correct_answer)
    return {first: right}, {first: str(_value(right) * 10 + 12345)}


def _given(problem: Any, answers: dict[str, str]) -> dict[str, str]:
    ids = [name for responder in _responders(problem) for name in responder.answer_ids]
    return {ids[int(number) - 1]: value for number, value in answers.items()}


def _responders(problem: Any) -> list[Any]:
    return sorted(problem.responders.values(), key=lambda r: int(r.id.rpartition("_")[2]))


def _score(olx: str, answers: dict[str, Any]) -> float:
    problem = _problem(olx)
    problem.grade_answers(answers)
    return float(problem.calculate_score()["score"])


def judge(task: dict[str, Any]) -> dict[str, Any]:
    """What the engine makes of one problem."""
    result: dict[str, Any] = {"id": task["id"], "error": None, "html": None, "right": None, "wrong": None}
    try:
        problem = _problem(task["olx"])
        result["html"] = problem.get_html()
        result["max_score"] = problem.get_max_score()
        right: dict[str, Any] | None = {}
        wrong: dict[str, Any] = {}
        choices: dict[str, Any] = {}
        for responder in _responders(problem):
            some_right, some_wrong = _answers(responder, problem)
            wrong |= some_wrong
            right = None if right is None or some_right is None else right | some_right
            for name in responder.answer_ids:
                if responder.xml.tag == "optionresponse":
                    choices[name] = [key for key, _ in problem.inputs[name].loaded_attributes["options"]]
        result["choices"] = list(choices.values())
        if task.get("right"):
            right = (right or {}) | _given(problem, task["right"])
        wrong |= _given(problem, task.get("wrong") or {})
        if right is not None:
            result["right"] = _score(task["olx"], right)
        result["wrong"] = _score(task["olx"], wrong)
    except Exception as error:
        result["error"] = f"{type(error).__name__}: {error}"
    return result


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(judge(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()

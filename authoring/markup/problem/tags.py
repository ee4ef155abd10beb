"""The bracketed tags of the richer dialect: `[name key=value key="with spaces"]` on a line of their own.

    [question points=2 partial_credit=edc]      options of the question that follows
    [formula answer="m*c^2" samples="m,c@1,1:9,9#10" tolerance="1%"]
    [grader function=check_sum expect="5, 5" inputs=2]
    [jsinput file=../static/tool.html function=check gradefn=grade width=400 height=300]
    [python file=graders/sum.py]                or [python] … [/python] around the code

Names of options are those of the platform's OLX where it has one for the thing (Open edX: capa/responsetypes.py,
capa/inputtypes.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from authoring.diagnostics import suggest
from authoring.markup.problem.findings import BAD_CREDIT, BAD_TAG, Findings


@dataclass(frozen=True, slots=True)
class Tag:
    name: str
    options: Mapping[str, str]
    line: int


OPTIONS: Mapping[str, frozenset[str]] = {
    "question": frozenset(
        [
            "label",
            "points",
            "partial_credit",
            "partial_range",
            "partial_answers",
            "answer_pool",
            "case_sensitive",
            "inline",
            "size",
            "trailing_text",
        ]
    ),
    "formula": frozenset(["answer", "samples", "tolerance", "case_sensitive", "size", "inline", "trailing_text"]),
    "grader": frozenset(["function", "expect", "inputs", "size", "inline"]),
    "jsinput": frozenset(
        [
            "file",
            "function",
            "gradefn",
            "get_statefn",
            "set_statefn",
            "initial_state",
            "params",
            "width",
            "height",
            "title",
            "sop",
        ]
    ),
    "python": frozenset(("file",)),
}
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "question": (),
    "formula": ("answer", "samples"),
    "grader": ("function",),
    "jsinput": ("file", "function"),
    "python": (),
}

_OPTION = r"""[ \t]+([A-Za-z_]+)=("[^"]*"|[^\s"\]]+)"""
_TAG = re.compile(rf"[ \t]*\[({'|'.join(OPTIONS)})((?:{_OPTION})*)[ \t]*\][ \t]*")
_ALMOST = re.compile(rf"[ \t]*\[({'|'.join(OPTIONS)})\b[^\]]*\][ \t]*")
_CREDITS: Mapping[str, frozenset[str]] = {
    "multiplechoiceresponse": frozenset(("points",)),
    "choiceresponse": frozenset(("edc", "halves")),
    "numericalresponse": frozenset(("close", "list")),
}


def looks_like_tag(line: str) -> bool:
    return _ALMOST.fullmatch(line) is not None


def read_tag(text: str, line: int, findings: Findings) -> Tag | None:
    """The tag on a line; None when it is none or cannot be understood, which is then reported."""
    match = _TAG.fullmatch(text)
    if match is None:
        if looks_like_tag(text):
            hint = 'write `[name key=value key="with spaces"]`'
            findings.report(BAD_TAG, f"this tag cannot be read: {text.strip()!r}", line, hint)
        return None
    name = match[1]
    options = {key: value.strip('"') for key, value in re.findall(_OPTION, match[2])}
    for key in options.keys() - OPTIONS[name]:
        message = f"[{name}] has no option {key!r}"
        findings.report(BAD_TAG, message, line, suggest(key, OPTIONS[name]))
        del options[key]
    for key in REQUIRED[name]:
        if key not in options:
            findings.report(BAD_TAG, f"[{name}] needs the option {key!r}", line)
    return Tag(name, options, line)


def formula(tag: Tag) -> etree._Element:
    kind = "cs" if _true(tag.options.get("case_sensitive")) else "ci"
    response = etree.Element("formularesponse", type=kind)
    response.set("samples", tag.options.get("samples", ""))
    response.set("answer", tag.options.get("answer", ""))
    if "tolerance" in tag.options:
        etree.SubElement(response, "responseparam", type="tolerance", default=tag.options["tolerance"])
    _input_options(etree.SubElement(response, "formulaequationinput"), tag.options)
    return response


def grader(tag: Tag, findings: Findings) -> etree._Element:
    response = etree.Element("customresponse", cfn=tag.options.get("function", ""))
    if "expect" in tag.options:
        response.set("expect", tag.options["expect"])
    count = tag.options.get("inputs", "1")
    if not re.fullmatch("[1-9][0-9]?", count):
        findings.report(BAD_TAG, f"`inputs={count}` is not a number from 1 to 99", tag.line)
        count = "1"
    for _ in range(int(count)):
        _input_options(etree.SubElement(response, "textline"), tag.options)
    return response


def jsinput(tag: Tag, file: str) -> etree._Element:
    response = etree.Element("customresponse", cfn=tag.options.get("function", ""))
    element = etree.SubElement(response, "jsinput", html_file=file)
    for name in (
        "gradefn",
        "get_statefn",
        "set_statefn",
        "initial_state",
        "params",
        "width",
        "height",
        "title",
        "sop",
    ):
        if name in tag.options:
            element.set(name, tag.options[name])
    return response


def apply_question(tag: Tag, response: etree._Element, findings: Findings) -> None:
    """The options of a `[question …]` line on the question below it."""
    options = tag.options
    if "points" in options:
        response.set("points", options["points"])
        if not re.fullmatch("[1-9][0-9]*", options["points"]):
            findings.report(BAD_TAG, f"`points={options['points']}` is not a whole number", tag.line)
    if "partial_credit" in options:
        _partial_credit(tag, response, findings)
    if _true(options.get("case_sensitive")) and response.tag == "stringresponse":
        response.set("type", str(response.get("type", "ci")).replace("ci", "cs"))
    group = response.find("choicegroup")
    if "answer_pool" in options and group is not None:
        group.set("answer-pool", options["answer_pool"])
    if "label" in options:
        for element in response.iter("choicegroup", "checkboxgroup", "textline", "formulaequationinput", "optioninput"):
            element.set("label", options["label"])
    for element in response:
        if element.tag in ("textline", "formulaequationinput", "optioninput"):
            _input_options(element, options)


def _partial_credit(tag: Tag, response: etree._Element, findings: Findings) -> None:
    options, kind = tag.options, str(response.tag)
    credits = [name.strip().lower() for name in options["partial_credit"].split(",")]
    allowed = _CREDITS.get(kind, frozenset())
    if not set(credits) <= allowed:
        known = ", ".join(sorted(allowed)) or "none"
        message = f"partial_credit={options['partial_credit']!r} does not fit this question; {known} would"
        findings.report(BAD_CREDIT, message, tag.line)
        return
    response.set("partial_credit", options["partial_credit"])
    details = {key: options[key] for key in ("partial_range", "partial_answers") if key in options}
    if details:
        param = response.find("responseparam")
        if param is None:
            param = etree.Element("responseparam")
            response.insert(0, param)
        for key, value in details.items():
            param.set(key, value)


def _input_options(element: etree._Element, options: Mapping[str, str]) -> None:
    for name in ("size", "trailing_text"):
        if name in options and element.tag != "optioninput":
            element.set(name, options[name])
    if _true(options.get("inline")):
        element.set("inline", "1" if element.tag != "optioninput" else "true")


def _true(value: str | None) -> bool:
    return value is not None and value.lower() in ("true", "yes", "1")

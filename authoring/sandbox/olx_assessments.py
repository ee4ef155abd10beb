"""Open response assessments as OLX: a form of their own, which their class reads and writes itself.

Comes in: the element, or the fields. Goes out: the other. What the element does not say stays unset. Source: ora2:
openassessment/xblock/utils/xml.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lxml import etree

from authoring.registry import FieldType, fields_of, spec
from authoring.sandbox.olx_values import BadBlock, kept_value

CATEGORY = "openassessment"
_OWN = spec(CATEGORY)
assert _OWN is not None
ATTRIBUTES: Mapping[str, str] = {
    **{field.olx or name: name for name, field in _OWN.own_fields.items() if field.olx != ""},
    "group_access": "group_access",
}
"""Attribute → field. Only these are read: the class passes over any other, `visible_to_staff_only` too."""


_MOMENTS = ("submission_start", "submission_due")
_WHOLE_STEP = ("must_grade", "must_be_graded_by")


def assessment_fields(element: etree._Element) -> dict[str, Any]:
    """The fields that an element sets. Raises BadBlock where the class raises UpdateFromXmlError."""
    fields: dict[str, Any] = {}
    for word, text in element.attrib.items():
        name = ATTRIBUTES.get(str(word))
        if name is None:
            continue
        field = fields_of(CATEGORY)[name]
        if name == "white_listed_file_types":
            fields[name] = [part.strip() for part in str(text).split(",") if part.strip()]
        elif field.type in (FieldType.LIST, FieldType.DICT):
            fields[name] = kept_value(field, _json(str(text)))
        else:
            fields[name] = _moment(str(text)) if name in _MOMENTS else kept_value(field, str(text))
    title = element.find("title")
    if title is not None:
        fields |= {"title": title.text or "", "display_name": title.text or ""}
    prompts = element.find("prompts")
    rubric = element.find("rubric")
    if prompts is not None:
        texts = [{"description": _need(prompt, "description")} for prompt in prompts.findall("prompt")]
        fields["prompt"] = json.dumps(texts)
    elif rubric is not None and len(rubric):
        fields["prompt"] = json.dumps([{"description": rubric.findtext("prompt") or ""}])
    if rubric is not None and len(rubric):
        fields["rubric_criteria"] = [_criterion(at, found) for at, found in enumerate(rubric.findall("criterion"))]
        fields["rubric_feedback_prompt"] = _text_or_none(rubric.find("feedbackprompt"))
        fields["rubric_feedback_default_text"] = _text_or_none(rubric.find("feedback_default_text"))
    steps = element.find("assessments")
    if steps is not None and len(steps):
        fields["rubric_assessments"] = [_step(step) for step in steps.findall("assessment")]
    return fields


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadBlock(f"openassessment: {text[:80]!r} is no JSON") from error


def _moment(text: str) -> str | None:
    """A date as the class keeps it: without its zone; as it came where it is none."""
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%dT%H:%M:%S}" if text else None
    except ValueError:
        return text


def _need(element: etree._Element, name: str) -> str:
    child = element.find(name)
    if child is None:
        raise BadBlock(f'Every "{element.tag}" element must contain a "{name}" element.')
    return child.text or ""


def _text_or_none(element: etree._Element | None) -> str | None:
    return None if element is None else element.text or ""


def _integer(element: etree._Element, name: str) -> int:
    try:
        return int(element.get(name, ""))
    except ValueError as error:
        raise BadBlock(f'The value for "{name}" must be an integer.') from error


def _criterion(at: int, element: etree._Element) -> dict[str, Any]:
    feedback = element.get("feedback", "disabled")
    if feedback not in ("optional", "disabled", "required"):
        raise BadBlock('Invalid value for "feedback" attribute')
    name = _need(element, "name")
    label = element.find("label")
    return {
        "order_num": at,
        "name": name,
        "label": name if label is None else label.text or "",
        "prompt": _need(element, "prompt"),
        "feedback": feedback,
        "options": [_option(number, found) for number, found in enumerate(element.findall("option"))],
    }


def _option(at: int, element: etree._Element) -> dict[str, Any]:
    name = _need(element, "name")
    label = element.find("label")
    return {
        "order_num": at,
        "points": _integer(element, "points"),
        "name": name,
        "label": name if label is None else label.text or "",
        "explanation": _need(element, "explanation"),
    }


def _step(element: etree._Element) -> dict[str, Any]:
    if "name" not in element.attrib:
        raise BadBlock('All "assessment" elements must contain a "name" element.')
    step: dict[str, Any] = {"name": element.get("name")}
    for name in ("start", "due"):
        text = element.get(name)
        if text != "":
            step[name] = None if text is None else _moment(text)
    step |= {name: _integer(element, name) for name in _WHOLE_STEP if name in element.attrib}
    if "enable_flexible_grading" in element.attrib:
        step["enable_flexible_grading"] = element.get("enable_flexible_grading") in ("True", "true")
    if "grading_strategy" in element.attrib:
        step["grading_strategy"] = element.get("grading_strategy")
    if "required" in element.attrib:
        if step["name"] != "staff-assessment":
            raise BadBlock('The "required" field is only allowed for staff assessment.')
        step["required"] = element.get("required") in ("True", "true")
    if step["name"] == "student-training":
        step["examples"] = [_example(example) for example in element.findall("example")]
    return step


def _example(element: etree._Element) -> dict[str, Any]:
    answers = element.findall("answer")
    if len(answers) != 1:
        raise BadBlock('Each "example" element must contain exactly one "answer" element')
    parts = answers[0].findall("part") or answers
    chosen = element.findall("select")
    if any("criterion" not in select.attrib or "option" not in select.attrib for select in chosen):
        raise BadBlock('Each "select" element must have a "criterion" and an "option" attribute')
    return {
        "answer": {"parts": [{"text": part.text or ""} for part in parts]},
        "options_selected": [
            {"criterion": select.get("criterion"), "option": select.get("option")} for select in chosen
        ],
    }


# -- writing ----------------------------------------------------------------------------------------------------------


def assessment_element(fields: Mapping[str, Any]) -> etree._Element:
    """The inverse of `assessment_fields`."""
    element = etree.Element(CATEGORY)
    for word, name in sorted(ATTRIBUTES.items()):
        value = fields.get(name)
        if value is None:
            continue
        if name == "white_listed_file_types":
            element.set(word, ",".join(map(str, value)))
        else:
            element.set(word, json.dumps(value) if isinstance(value, list | dict) else str(value))
    title = fields.get("display_name", fields.get("title"))
    if title is not None:
        etree.SubElement(element, "title").text = str(title)
    if isinstance(fields.get("rubric_assessments"), list):
        steps = etree.SubElement(element, "assessments")
        for step in fields["rubric_assessments"]:
            _write_step(etree.SubElement(steps, "assessment"), step)
    if fields.get("prompt") is not None:
        prompts = etree.SubElement(element, "prompts")
        for text in _prompts(str(fields["prompt"])):
            etree.SubElement(etree.SubElement(prompts, "prompt"), "description").text = text
    if isinstance(fields.get("rubric_criteria"), list):
        rubric = etree.SubElement(element, "rubric")
        for criterion in fields["rubric_criteria"]:
            _write_criterion(etree.SubElement(rubric, "criterion"), criterion)
        for word, name in (
            ("feedbackprompt", "rubric_feedback_prompt"),
            ("feedback_default_text", "rubric_feedback_default_text"),
        ):
            if fields.get(name) is not None:
                etree.SubElement(rubric, word).text = str(fields[name])
    return element


def _prompts(text: str) -> list[str]:
    """One text, or a list of them as JSON."""
    try:
        held = json.loads(text)
    except ValueError:
        return [text]
    return [str(item.get("description", "")) for item in held] if isinstance(held, list) else [text]


def _write_step(element: etree._Element, step: Mapping[str, Any]) -> None:
    for name in ("name", "start", "due", *_WHOLE_STEP, "enable_flexible_grading", "grading_strategy", "required"):
        if step.get(name) is not None:
            element.set(name, str(step[name]))
    for example in step.get("examples") or ():
        found = etree.SubElement(element, "example")
        answer = etree.SubElement(found, "answer")
        for part in example["answer"]["parts"]:
            etree.SubElement(answer, "part").text = str(part["text"])
        for chosen in example.get("options_selected") or ():
            etree.SubElement(found, "select", criterion=str(chosen["criterion"]), option=str(chosen["option"]))


def _write_criterion(element: etree._Element, criterion: Mapping[str, Any]) -> None:
    if criterion.get("feedback") in ("optional", "required"):
        element.set("feedback", criterion["feedback"])
    for name in ("name", "label", "prompt"):
        etree.SubElement(element, name).text = _named(criterion, name)
    for option in criterion.get("options") or ():
        found = etree.SubElement(element, "option", points=str(option.get("points", 0)))
        for name in ("name", "label", "explanation"):
            etree.SubElement(found, name).text = _named(option, name)


def _named(row: Mapping[str, Any], name: str) -> str:
    """A text of a criterion or an option; a label that is not there is the name."""
    return str(row.get(name, row.get("name", "") if name == "label" else ""))

"""Child elements that say fields: categories whose OLX is more than attributes.

A form reads the children of an element into fields and writes them back. It is used only where writing gives the very
children again, canonically; else they stay as they are (`Extra.elements`), whole.

Sources: ora2: openassessment/xblock/utils/xml.py; Open edX: xblocks_contrib/poll.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lxml import etree

from authoring.markup.canonical import canonical_xml
from authoring.model import FieldValue
from authoring.olx.elements import append_fragment, inner_xml, is_element, serialize

Fields = dict[str, FieldValue]


@dataclass(frozen=True, slots=True)
class Form:
    """`names` are the fields that the children say; `read` raises ValueError where they say something else."""

    names: tuple[str, ...]
    read: Callable[[etree._Element], Fields]
    write: Callable[[etree._Element, Mapping[str, FieldValue]], None]


def read_children(element: etree._Element) -> Fields | None:
    """The fields that an element's children say; None where they must stay as they are."""
    form = FORMS.get(str(element.tag))
    if form is None or not len(element):
        return None
    bare = copy.deepcopy(element)
    bare.attrib.clear()
    bare.tail = None
    tidy(bare)
    written = etree.Element(str(element.tag))
    try:
        fields = form.read(copy.deepcopy(bare))
        form.write(written, fields)
        same = canonical_xml(serialize(written)) == canonical_xml(serialize(bare))
    except (ValueError, TypeError, AttributeError, KeyError):
        return None
    return fields if same else None


def tidy(element: etree._Element) -> None:
    """Take the white space between elements out of an element whose children are a form: nobody reads it."""
    for node in element.iter():
        if len(node) and not (node.text or "").strip():
            node.text = None
        if node is not element and not (node.tail or "").strip():
            node.tail = None


def write_children(element: etree._Element, fields: Mapping[str, FieldValue]) -> None:
    """Append what `read_children` reads. Raises ValueError when a field has another shape than the category's."""
    form = FORMS.get(str(element.tag))
    if form is not None:
        try:
            form.write(element, fields)
        except (TypeError, AttributeError, KeyError) as error:
            raise ValueError(f"its fields are not of the shape that a {element.tag} has: {error}") from error


# --- open response assessment

_TRUE = ("true", "True")
_NUMBERS = ("must_grade", "must_be_graded_by")
_FLAGS = ("enable_flexible_grading", "required")


def _read_assessment(element: etree._Element) -> Fields:
    fields: Fields = {}
    for child in element:
        match child.tag:
            case "title":
                fields["title"] = child.text or ""
            case "prompts":
                prompts: list[FieldValue] = [{"description": _text(prompt, "description") or ""} for prompt in child]
                fields["prompt"] = json.dumps(prompts, ensure_ascii=False)
            case "assessments":
                fields["rubric_assessments"] = whole_steps([_read_step(step) for step in child])
            case "rubric":
                prompt = _text(child, "prompt")
                if prompt is not None:
                    fields["prompt"] = prompt
                criteria = [part for part in child if part.tag == "criterion"]
                fields["rubric_criteria"] = [_read_criterion(part, number) for number, part in enumerate(criteria)]
                for name, tag in _FEEDBACK:
                    text = _text(child, tag)
                    if text is not None:
                        fields[name] = text
            case _:
                raise ValueError(str(child.tag))
    return fields


_FEEDBACK = (("rubric_feedback_prompt", "feedbackprompt"), ("rubric_feedback_default_text", "feedback_default_text"))


def whole_steps(value: FieldValue) -> FieldValue:
    """The steps of an open response, each with both its dates: the class has these keys in any case, None where nothing is set
    (ora2: openassessment/xblock/utils/xml.py, parse_assessments_xml). So one step is one value, wherever it was written."""
    if not isinstance(value, list | tuple):
        return value
    return [{"start": None, "due": None, **step} if isinstance(step, Mapping) else step for step in value]


def _read_step(step: etree._Element) -> FieldValue:
    found: Fields = {}
    for name, text in step.attrib.items():
        key, value = str(name), str(text)
        if key in _NUMBERS:
            found[key] = int(value)
        elif key in _FLAGS:
            found[key] = value in _TRUE
        else:
            found[key] = value
    if len(step):
        found["examples"] = [_read_example(example) for example in step]
    return found


def _read_example(example: etree._Element) -> FieldValue:
    answer = example.find("answer")
    parts: list[FieldValue] = [] if answer is None else [{"text": part.text or ""} for part in answer]
    selected: list[FieldValue] = [
        {"criterion": select.get("criterion") or "", "option": select.get("option") or ""}
        for select in example
        if select.tag == "select"
    ]
    return {"answer": {"parts": parts}, "options_selected": selected}


def _read_criterion(criterion: etree._Element, number: int) -> FieldValue:
    found: Fields = {"order_num": number}
    for tag in ("name", "label", "prompt"):
        text = _text(criterion, tag)
        if text is not None:
            found[tag] = text
    feedback = criterion.get("feedback")
    if feedback is not None:
        found["feedback"] = feedback
    options = [part for part in criterion if part.tag == "option"]
    found["options"] = [_read_option(option, place) for place, option in enumerate(options)]
    return found


def _read_option(option: etree._Element, number: int) -> FieldValue:
    found: Fields = {"order_num": number, "points": int(option.get("points") or 0)}
    for tag in ("name", "label", "explanation"):
        text = _text(option, tag)
        if text is not None:
            found[tag] = text
    return found


def _text(element: etree._Element, tag: str) -> str | None:
    child = element.find(tag)
    return None if child is None else child.text or ""


def _write_assessment(element: etree._Element, fields: Mapping[str, FieldValue]) -> None:
    if "title" in fields:
        _sub(element, "title", fields["title"])
    if "rubric_assessments" in fields:
        steps = etree.SubElement(element, "assessments")
        for step in _mappings(fields["rubric_assessments"]):
            _write_step(etree.SubElement(steps, "assessment"), step)
    descriptions = _prompts(fields.get("prompt"))
    if descriptions is not None:
        prompts = etree.SubElement(element, "prompts")
        for description in descriptions:
            _sub(etree.SubElement(prompts, "prompt"), "description", description)
    one_prompt = descriptions is None and fields.get("prompt") is not None
    if not one_prompt and not fields.keys() & {"rubric_criteria", *(name for name, _ in _FEEDBACK)}:
        return
    rubric = etree.SubElement(element, "rubric")
    if one_prompt:
        _sub(rubric, "prompt", fields["prompt"])  # the way of a single prompt, as old courses have it
    for criterion in _mappings(fields.get("rubric_criteria") or []):
        _write_criterion(etree.SubElement(rubric, "criterion"), criterion)
    for name, tag in _FEEDBACK:
        if name in fields:
            _sub(rubric, tag, fields[name])


def _prompts(value: FieldValue) -> list[str] | None:
    """The descriptions where `prompt` is a list of them as JSON; None where it is one text, or nothing."""
    try:
        found = json.loads(str(value))
        return [str(prompt["description"]) for prompt in found]
    except (ValueError, TypeError, KeyError):
        return None


def _write_step(element: etree._Element, step: Mapping[str, FieldValue]) -> None:
    for name, value in step.items():
        if name == "required" and step.get("name") != "staff-assessment":
            continue  # the class refuses the whole block for it (ora2: openassessment/xblock/utils/xml.py)
        if name != "examples" and value is not None:
            element.set(name, str(value))
    for example in _mappings(step.get("examples") or []):
        inner = etree.SubElement(element, "example")
        answer = example.get("answer")
        holder = etree.SubElement(inner, "answer")
        for part in _mappings(answer["parts"] if isinstance(answer, Mapping) else []):
            _sub(holder, "part", part["text"])
        for select in _mappings(example.get("options_selected") or []):
            etree.SubElement(inner, "select", criterion=str(select["criterion"]), option=str(select["option"]))


def _write_criterion(element: etree._Element, criterion: Mapping[str, FieldValue]) -> None:
    if criterion.get("feedback") is not None:
        element.set("feedback", str(criterion["feedback"]))
    for tag in ("name", "label", "prompt"):
        if tag in criterion:
            _sub(element, tag, criterion[tag])
    for option in _mappings(criterion.get("options") or []):
        inner = etree.SubElement(element, "option", points=str(option.get("points", 0)))
        for tag in ("name", "label", "explanation"):
            if tag in option:
                _sub(inner, tag, option[tag])


def _mappings(value: FieldValue) -> list[Mapping[str, FieldValue]]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, Mapping) for item in value):
        raise TypeError("a list of mappings is expected")
    return [item for item in value if isinstance(item, Mapping)]


def _sub(parent: etree._Element, tag: str, text: FieldValue) -> None:
    etree.SubElement(parent, tag).text = str(text if text is not None else "")


# --- the old poll


def _read_poll(element: etree._Element) -> Fields:
    answers: list[FieldValue] = []
    for child in list(element):
        if is_element(child) and child.tag == "answer":
            if len(child) or (child.tail or "").strip():
                raise ValueError("an answer with more than text")
            answers.append({"id": child.get("id") or "", "text": (child.text or "").strip()})
            element.remove(child)
    return {"question": inner_xml(element), "answers": answers}


def _write_poll(element: etree._Element, fields: Mapping[str, FieldValue]) -> None:
    if "question" in fields:
        append_fragment(element, str(fields["question"] or ""))
    for answer in _mappings(fields.get("answers") or []):
        etree.SubElement(element, "answer", id=str(answer["id"])).text = str(answer["text"])


FORMS: Mapping[str, Form] = {
    "openassessment": Form(
        (
            "title",
            "prompt",
            "rubric_assessments",
            "rubric_criteria",
            "rubric_feedback_prompt",
            "rubric_feedback_default_text",
        ),
        _read_assessment,
        _write_assessment,
    ),
    "poll_question": Form(("question", "answers"), _read_poll, _write_poll),
}

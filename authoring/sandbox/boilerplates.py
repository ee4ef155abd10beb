"""The templates that a create may name: `{file name: fields}` per category.

Comes in: a category and the `boilerplate` of a request. Goes out: the fields that the new block begins with. Names and kinds
of content are the platform's (Open edX: xmodule/templates), the words are not. An unknown name is a blank block.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_RADIO = """>>Which of these is a primary colour?||One of them is.<<

( ) Orange
(x) Blue
( ) Purple
"""
_RADIO_OLX = """<problem><multiplechoiceresponse><label>Which of these is a primary colour?</label>
<description>One of them is.</description><choicegroup type="MultipleChoice"><choice correct="false">Orange</choice>
<choice correct="true">Blue</choice><choice correct="false">Purple</choice></choicegroup></multiplechoiceresponse></problem>"""
_CHECKS = """>>Which of these are even numbers?||Choose all that apply.<<

[x] 2
[ ] 3
[x] 4
"""
_CHECKS_OLX = """<problem><choiceresponse><label>Which of these are even numbers?</label>
<description>Choose all that apply.</description><checkboxgroup><choice correct="true">2</choice>
<choice correct="false">3</choice><choice correct="true">4</choice></checkboxgroup></choiceresponse></problem>"""
_DROPDOWN = """>>Water boils at sea level at<<

[[90 °C, (100 °C), 110 °C]]
"""
_DROPDOWN_OLX = """<problem><optionresponse><label>Water boils at sea level at</label>
<optioninput options="('90 °C','100 °C','110 °C')" correct="100 °C"/></optionresponse></problem>"""
_NUMBER = """>>How many centimetres has a metre?<<

= 100 +- 5
"""
_NUMBER_OLX = """<problem><numericalresponse answer="100"><label>How many centimetres has a metre?</label>
<responseparam type="tolerance" default="5"/><formulaequationinput/></numericalresponse></problem>"""
_TEXT = """>>What is the capital of France?<<

= Paris
"""
_TEXT_OLX = """<problem><stringresponse answer="Paris" type="ci"><label>What is the capital of France?</label>
<textline size="20"/></stringresponse></problem>"""
_FORMULA_OLX = """<problem><formularesponse type="ci" samples="x@1:9#10" answer="2*x"><label>Twice x is</label>
<formulaequationinput/></formularesponse></problem>"""
_CUSTOM_OLX = """<problem><script type="loncapa/python">
def even(expect, given):
    return int(given) % 2 == 0
</script><customresponse cfn="even"><label>Name an even number.</label><textline size="10"/></customresponse></problem>"""


def _problem(title: str, data: str, markdown: str | None = None) -> Mapping[str, Any]:
    fields: dict[str, Any] = {"display_name": title, "data": data}
    return fields if markdown is None else {**fields, "markdown": markdown}


_PROBLEMS: dict[str, Mapping[str, Any]] = {
    "blank_common.yaml": _problem("Blank Common Problem", "<problem></problem>", ""),
    "formularesponse.yaml": _problem("Math Expression Input", _FORMULA_OLX),
    "customgrader.yaml": _problem("Custom Python-Evaluated Input", _CUSTOM_OLX),
}
for _name, _title, _olx, _markdown in (
    ("multiplechoice", "Multiple Choice", _RADIO_OLX, _RADIO),
    ("checkboxes_response", "Checkboxes", _CHECKS_OLX, _CHECKS),
    ("optionresponse", "Dropdown", _DROPDOWN_OLX, _DROPDOWN),
    ("numericalresponse", "Numerical Input", _NUMBER_OLX, _NUMBER),
    ("string_response", "Text Input", _TEXT_OLX, _TEXT),
):
    _PROBLEMS[f"{_name}.yaml"] = _problem(_title, _olx, _markdown)
    _PROBLEMS[f"{_name}_hint.yaml"] = _problem(
        f"{_title} with Hints and Feedback",
        _olx.replace("</problem>", "<demandhint><hint>Think again.</hint></demandhint></problem>"),
        f"{_markdown}\n||Think again.||\n",
    )

_STEPS: Mapping[str, tuple[str, ...]] = {
    "peer-assessment": ("student-training", "peer-assessment"),
    "self-assessment": ("self-assessment",),
    "staff-assessment": ("staff-assessment",),
    "self-to-peer": ("self-assessment", "peer-assessment"),
    "self-to-staff": ("self-assessment", "staff-assessment"),
}

_TEMPLATES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "problem": _PROBLEMS,
    "html": {
        "announcement.yaml": {
            "display_name": "Announcement",
            "data": "<h2>What is new</h2><p>Words from the team.</p>",
        },
        "raw.yaml": {"display_name": "Raw HTML", "data": "<p>This template is edited as HTML.</p>", "editor": "raw"},
        "iframe.yaml": {
            "display_name": "IFrame Tool",
            "data": '<p><iframe title="A page" src="about:blank"></iframe></p>',
        },
        "anon_user_id.yaml": {"display_name": "Anonymous User ID", "data": "<p>You are %%USER_ID%%.</p>"},
    },
    "about": {"overview.yaml": {"display_name": "overview", "data": "<section class='about'><h2>About</h2></section>"}},
    "openassessment": {
        name: {"rubric_assessments": [{"name": step} for step in steps]} for name, steps in _STEPS.items()
    },
}


def boilerplate_fields(category: str, name: str) -> dict[str, Any]:
    """The fields of a template; none for an unknown one, which is no error (Open edX: `create_xblock`)."""
    return dict(_TEMPLATES.get(category, {}).get(name, {}))

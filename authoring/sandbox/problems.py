"""A problem as a static form for the sandbox's pages: its text, its choices, a box for each answer.

Comes in: problem OLX, not to be trusted. Goes out: `Markup`. Nothing is graded here. Answers are not shown; explanations
and hints are folded away, as learners may open them on the platform.
"""

from __future__ import annotations

import re
from itertools import count

from lxml import etree
from markupsafe import Markup

from authoring.sandbox.content import Links, make_safe

_REMOVED = frozenset(
    [
        "script",
        "choicehint",
        "optionhint",
        "correcthint",
        "compoundhint",
        "stringequalhint",
        "regexphint",
        "responseparam",
        "additional_answer",
        "hintgroup",
        "targetedfeedbackset",
        "answer",
        "codeparam",
    ]
)
_BOXES = frozenset(
    [
        "textline",
        "formulaequationinput",
        "textbox",
        "jsinput",
        "schematic",
        "imageinput",
        "chemicalequationinput",
        "crystallography",
        "vsepr_input",
        "filesubmission",
        "matlabinput",
        "annotationinput",
        "designprotein2dinput",
        "editageneinput",
        "drag_and_drop_input",
        "numtolerance_input",
        "decoy_input",
    ]
)
_GROUPS = {
    "choicegroup": "radio",
    "radiogroup": "radio",
    "radiotextgroup": "radio",
    "checkboxgroup": "checkbox",
    "checkboxtextgroup": "checkbox",
}
_OPTION = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")


def render_problem(olx: str, links: Links) -> Markup:
    """A problem as a form that can be filled in and is sent nowhere; the source itself when it is no XML."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    try:
        tree = etree.fromstring(olx.encode("utf-8"), parser)
    except (etree.XMLSyntaxError, ValueError):
        tree = None
    if tree is None:
        return Markup('<pre class="broken">{}</pre>').format(olx)
    numbers = count(1)
    for element in list(tree.iter(etree.Element)):
        if str(element.tag) in _REMOVED:
            _remove(element)
    if not "".join(map(str, tree.itertext())).strip() and not len(tree):
        return Markup('<p class="sb-note">This problem is empty.</p>')
    for element in list(tree.iter(etree.Element)):
        _change(element, numbers)
    make_safe(tree, links, controls=True)
    return Markup(etree.tostring(tree, encoding="unicode", method="html"))  # noqa: S704  # made safe


def _change(element: etree._Element, numbers: count[int]) -> None:
    tag = str(element.tag)
    if tag in _GROUPS:
        _group(element, _GROUPS[tag], f"q{next(numbers)}")
    elif tag == "optioninput":
        _dropdown(element)
    elif tag in _BOXES:
        _box(element, tag)
    elif tag == "demandhint":
        _fold(element, "Hints")
    elif tag == "hint" or tag == "description":
        _become(element, "p", tag)
    elif tag == "solution":
        _fold(element, "Explanation")
    elif tag == "label" and element.getparent() is not None and element.get("class") != "choice":
        _become(element, "p", "question")
    elif tag == "problem" or tag.endswith("response") or tag in ("solutionset", "clarification"):
        _become(element, "div", "response" if tag.endswith("response") else "")


def _question(element: etree._Element) -> str:
    """The question that an input answers, for those who do not see where it stands."""
    own = element.get("label")
    if own:
        return own
    for above in element.iterancestors():
        for found in above.iter("label", "p"):
            if found.tag == "label" or found.get("class") == "question":
                return " ".join("".join(map(str, found.itertext())).split()) or "answer"
        if str(above.get("class")) == "response":
            break
    return "answer"


def _become(element: etree._Element, tag: str, kind: str = "") -> None:
    element.attrib.clear()
    element.tag = tag
    if kind:
        element.set("class", kind)


def _group(element: etree._Element, kind: str, name: str) -> None:
    """Choices as radio buttons or checkboxes; which is right is not told."""
    written, question = element.get("label"), _question(element)
    choices = [child for child in element if child.tag == "choice"]
    _become(element, "fieldset")
    for choice in choices:
        _become(choice, "label", "choice")
        control = etree.Element("input", {"type": kind, "name": name})
        control.tail = " " + (choice.text or "").lstrip()
        choice.text = None
        choice.insert(0, control)
    if written:
        legend = etree.Element("legend")
        legend.text = written
        element.insert(0, legend)
    else:
        element.set("aria-label", question)


def _dropdown(element: etree._Element) -> None:
    written = element.get("options", "")
    question = _question(element)
    options = [first or second for first, second in _OPTION.findall(written)]
    texts = options or ["".join(map(str, child.itertext())).strip() for child in element if child.tag == "option"]
    for child in list(element):
        element.remove(child)
    _become(element, "select")
    element.set("aria-label", question)
    element.text = None
    for text in ["Choose …", *texts]:
        etree.SubElement(element, "option").text = text


def _box(element: etree._Element, tag: str) -> None:
    name = _question(element)
    after = element.get("trailing_text")
    for child in list(element):
        element.remove(child)
    _become(element, "textarea" if tag == "textbox" else "input")
    element.text = None
    if tag == "textbox":
        element.set("rows", "6")
    else:
        element.set("type", "text")
    element.set("aria-label", name)
    if after:
        element.tail = f" {after} " + (element.tail or "")


def _fold(element: etree._Element, words: str) -> None:
    _become(element, "details")
    summary = etree.Element("summary")
    summary.text = words
    summary.tail = element.text
    element.text = None
    element.insert(0, summary)


def _remove(element: etree._Element) -> None:
    """Take an element out; the text after it stays."""
    parent = element.getparent()
    if parent is None:
        return
    before = element.getprevious()
    if element.tail:
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)

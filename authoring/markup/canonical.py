"""When two pieces of OLX are the same: one definition, used wherever a conversion must prove that it loses nothing.

`canonical_xml` brings XML to Canonical XML (C14N 1.0 with comments: attributes in order, one way to quote and to
escape, no empty-element tags, CDATA as text) after removing the white space that no browser and no grader sees:

- runs of white space (space, tab, newline; not the no-break space) count as one space;
- white space at the edges of a block (`p`, `label`, `choice`, `solution`, a response …) and on either side of one is
  dropped;
- beside inline elements (`b`, `img`, `textline`, anything not listed here) one space stays, because a reader sees it;
- inside `pre`, `script`, `style`, `textarea`, the code of an `answer` and the like, and below `xml:space="preserve"`,
  every character counts.

Attribute values, comments, processing instructions and the order of elements always count. Two texts are equal
exactly when their canonical forms are the same string.
"""

from __future__ import annotations

import re

from lxml import etree


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


BLOCKS = _names(
    """
    problem annotationresponse choiceresponse choicetextresponse coderesponse customresponse
    externalresponse formularesponse imageresponse multiplechoiceresponse numericalresponse optionresponse
    schematicresponse stringresponse symbolicresponse truefalseresponse choicegroup checkboxgroup radiogroup
    choice option label description solution solutionset demandhint hint choicehint optionhint correcthint
    compoundhint stringequalhint regexphint additional_answer responseparam hintgroup hintpart
    targetedfeedbackset targetedfeedback address article aside blockquote caption center col colgroup dd
    details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr legend li main nav
    ol p pre script section style summary table tbody td tfoot th thead tr ul
    """
)
"""Elements at whose edges white space does not show."""

VERBATIM = _names(
    """
    pre script style textarea listing xmp answer answer_display initial_display grader_payload tests
    """
)
"""Elements in which every character counts."""

_SPACE = re.compile(r"[ \t\r\n]+")
_PRESERVE = "{http://www.w3.org/XML/1998/namespace}space"


def parse_xml(text: str) -> etree._Element:
    """The root element of `text`, read without entities, DTDs or the network, within lxml's limits on depth and size.

    Raises ValueError when it is not well-formed.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(text.encode("utf-8", "surrogatepass"), parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"not well-formed XML: {error}") from error


def canonical_xml(text: str) -> str:
    """The canonical form of an XML document (see the module).

    Raises ValueError when `text` is not well-formed or uses entities of its own.
    """
    root = parse_xml(text)
    _drop_insignificant_space(root)
    root.tail = None
    try:
        canonical: bytes = etree.tostring(root, method="c14n", with_comments=True)
    except etree.C14NError as error:
        raise ValueError("XML with entities of its own") from error
    return canonical.decode("utf-8")


def _drop_insignificant_space(root: etree._Element) -> None:
    stack = [root]
    while stack:
        element = stack.pop()
        if element.tag in VERBATIM or element.get(_PRESERVE) == "preserve":
            continue
        block = element.tag in BLOCKS
        children = list(element)
        before = block
        text = element.text
        for child in children:
            is_block = child.tag in BLOCKS
            text = _trim(text, before, is_block)
            _set_text(element, child, text)
            before, text = is_block, child.tail
            if isinstance(child.tag, str):
                stack.append(child)
        text = _trim(text, before, block)
        if children:
            children[-1].tail = text
        else:
            element.text = text


def _set_text(parent: etree._Element, child: etree._Element, text: str | None) -> None:
    """Set the text that stands before `child`."""
    previous = child.getprevious()
    if previous is None:
        parent.text = text
    else:
        previous.tail = text


def _trim(text: str | None, after_edge: bool, before_edge: bool) -> str | None:
    if not text:
        return None
    text = _SPACE.sub(" ", text)
    if after_edge:
        text = text.removeprefix(" ")
    if before_edge:
        text = text.removesuffix(" ")
    return text or None

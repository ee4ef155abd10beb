"""XML as authoring tools of twenty years wrote it: bytes in, an lxml tree out; elements are found by local name.

Prefixes, namespaces and case differ between tools and editions, so all three are ignored on reading. Nothing outside the
text is read: no DTD, no entity, no network, and at most `MAX_XML` bytes; lxml itself stops at 256 nested elements.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from lxml import etree

from authoring.diagnostics import Diagnostics, Severity, define
from authoring.model import SourceLocation

SCORM_XML = define(
    "scorm-xml",
    Severity.ERROR,
    "XML in a SCORM package that is not well-formed: a warning where something could be read. The platform rejects it.",
    "correct the file, or export the package again from the tool it comes from",
)
SCORM_ENCODING = define(
    "scorm-encoding",
    Severity.WARNING,
    "XML in a SCORM package whose declaration and bytes disagree about the encoding.",
    "save the file as UTF-8 and let its first line say so",
)
SCORM_ENTITIES = define(
    "scorm-entities",
    Severity.WARNING,
    "XML in a SCORM package that defines entities of its own; they are not expanded.",
    "write the text out in place of the entities, and remove the DOCTYPE",
)

MAX_XML = 20 * 2**20

Element = etree._Element

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARATION = re.compile(r"\A\s*<\?xml\s[^>]*?\?>")
_ENCODING = re.compile(r"""encoding\s*=\s*["']\s*([\w.:-]+)\s*["']""")


def parse_xml(data: bytes, path: PurePosixPath, diagnostics: Diagnostics) -> Element | None:
    """The root of an XML file; None, with an error reported, when there is nothing to be read."""
    where = SourceLocation(path)
    if len(data) > MAX_XML:
        diagnostics.report(SCORM_XML, f"{len(data):,} bytes of XML; at most {MAX_XML:,} are read", where)
        return None
    text = _decode(data, where, diagnostics)
    body = _DECLARATION.sub(lambda found: "\n" * found[0].count("\n"), text, count=1)
    clean = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]", "", body)
    if clean != body:
        message = "it holds characters that XML does not allow; they were left out"
        diagnostics.report(SCORM_XML, message, where, severity=Severity.WARNING)
    # A second encoding may not follow the first: what is parsed is UTF-8 without a declaration.
    return _parse(clean.encode(), path, diagnostics)


def _parse(data: bytes, path: PurePosixPath, diagnostics: Diagnostics) -> Element | None:
    stripped = data.lstrip()
    lines_before = data[: len(data) - len(stripped)]
    failure: tuple[str, SourceLocation] | None = None
    for recover in (False, True):
        parser = etree.XMLParser(
            encoding="utf-8",
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
            recover=recover,
        )
        try:
            # White space before the root is fine; it keeps the line numbers.
            root = etree.fromstring(lines_before + stripped, parser)
        except etree.XMLSyntaxError as error:
            if recover:
                break
            line, _ = error.position
            failure = (_first_line(error.msg), SourceLocation(path, line or None))
            continue
        if root is None:
            break
        if failure is not None:
            diagnostics.report(SCORM_XML, *failure, severity=Severity.WARNING)
        if b"<!ENTITY" in stripped[: stripped.find(b"<" + _name(root))]:
            diagnostics.report(SCORM_ENTITIES, "entities are defined in the DOCTYPE", SourceLocation(path, 1))
        return root
    message, where = failure or ("there is nothing in it", SourceLocation(path))
    diagnostics.report(SCORM_XML, message, where)
    return None


def _name(root: Element) -> bytes:
    return f"{root.prefix}:{etree.QName(root).localname}".removeprefix("None:").encode()


def _first_line(message: str | None) -> str:
    return (message or "not well-formed XML").splitlines()[0]


def _decode(data: bytes, where: SourceLocation, diagnostics: Diagnostics) -> str:
    """Text from bytes: by its mark, by its zeros, by what it declares, as UTF-8, and at last as windows-1252."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            declared = _declared(data[len(mark) :].decode(encoding, "replace"))
            if declared and _family(declared) != _family(encoding):
                message = f"it declares {declared}, but is {encoding.upper()} by its byte order mark"
                diagnostics.report(SCORM_ENCODING, message, where)
            return data[len(mark) :].decode(encoding, "replace")
    if data[:4:2] == b"\0\0" or data[1:4:2] == b"\0\0":
        return data.decode("utf-16-be" if data[:1] == b"\0" else "utf-16-le", "replace")
    declared = _declared(data[:1000].decode("latin-1"))
    for encoding in (declared or "utf-8", "utf-8", "cp1252"):
        try:
            text = data.decode(encoding)
        except (UnicodeDecodeError, LookupError, ValueError):
            continue
        if "\0" in text[:100]:
            continue  # declared as UTF-16, but it is not
        if _family(encoding) != _family(declared or "utf-8"):
            message = f"it is not {declared or 'UTF-8'}, as it {'declares' if declared else 'should be'}"
            diagnostics.report(SCORM_ENCODING, f"{message}; it was read as {encoding}", where)
        elif _looks_garbled(data, encoding):
            diagnostics.report(SCORM_ENCODING, f"it declares {declared}, but is UTF-8", where)
            return data.decode()
        return text
    diagnostics.report(SCORM_ENCODING, "its encoding is not known; odd characters were replaced", where)
    return data.decode("utf-8", "replace")


def _looks_garbled(data: bytes, encoding: str) -> bool:
    """Whether bytes declared to be of an 8-bit encoding are UTF-8: by chance that is next to impossible."""
    if _family(encoding) not in ("iso8859-1", "cp1252", "ascii") or data.isascii():
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _declared(text: str) -> str | None:
    declaration = _DECLARATION.match(text)
    found = _ENCODING.search(declaration[0]) if declaration else None
    return found[1] if found else None


def _family(encoding: str) -> str:
    """The codec's own name, without byte order; the name itself when there is no such codec."""
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        name = encoding.casefold()
    return re.sub(r"-[lb]e$", "", name)


def local_name(element: Element) -> str:
    """The name without namespace, in lower case."""
    return etree.QName(element).localname.casefold() if isinstance(element.tag, str) else ""


def children(element: Element, *names: str) -> Iterator[Element]:
    """The child elements called one of `names` (in lower case), in order."""
    for child in element:
        if local_name(child) in names:
            yield child


def child(element: Element, name: str) -> Element | None:
    return next(children(element, name), None)


def text_of(element: Element | None) -> str | None:
    """All text in an element with white space folded; None when there is none."""
    if element is None:
        return None
    return " ".join("".join(str(part) for part in element.itertext()).split()) or None


def holders(manifest: Element, name: str) -> Iterator[Element]:
    """The elements of a manifest called `name`: its children, else wherever a mistake has put them, not in a manifest within."""
    if direct := list(children(manifest, name)):
        yield from direct
        return
    stack = [found for found in reversed(manifest) if local_name(found) != "manifest"]
    while stack:
        element = stack.pop()
        if local_name(element) == name:
            yield element
        else:
            stack.extend(found for found in reversed(element) if local_name(found) != "manifest")


def attribute(element: Element, name: str) -> str | None:
    """An attribute by its local name in any namespace and case, trimmed; the exact spelling wins."""
    exact = element.get(name)
    if exact is not None:
        return str(exact).strip()
    for key, value in element.attrib.items():
        if etree.QName(key).localname.casefold() == name:
            return str(value).strip()
    return None


XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"


def line_of(element: Element) -> int | None:
    line: int | None = element.sourceline  # type: ignore[assignment]  # the stubs do not know it
    return line

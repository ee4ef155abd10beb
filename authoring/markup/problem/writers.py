"""OLX elements written as problem Markdown, in Studio's dialect or the richer one.

A writer raises `NotMarkdownError` for what its dialect has no mark for. It may be too hopeful: whoever calls it
compiles the result and compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from lxml import etree

from authoring.markup.canonical import BLOCKS, VERBATIM
from authoring.markup.problem.escape import escape_line

STUDIO_QUESTIONS = frozenset(
    ("multiplechoiceresponse", "choiceresponse", "optionresponse", "stringresponse", "numericalresponse")
)
QUESTIONS = STUDIO_QUESTIONS | {"formularesponse", "customresponse"}

_HEADER = {"class": "hd hd-2 problem-header"}
_PLAIN_TEXT = re.compile(r"[ \t\r\n]+")
_CORE = frozenset(
    (
        "choicegroup",
        "checkboxgroup",
        "optioninput",
        "textline",
        "formulaequationinput",
        "jsinput",
        "responseparam",
        "additional_answer",
        "correcthint",
        "stringequalhint",
    )
)


class NotMarkdownError(ValueError):
    """The dialect cannot say it."""


class StudioWriter:
    """Writes Studio's dialect: text keeps its inline HTML."""

    def text(self, element: etree._Element, skip: Iterable[etree._Element] = ()) -> str:
        """The inside of an element on one line; `skip` are children that are written elsewhere."""
        skipped = set(skip)
        parts = [_escape(element.text)]
        for child in element:
            if child not in skipped:
                parts.append(self.inline(child))
            parts.append(_escape(child.tail))
        return "".join(parts).strip(" ")

    def inline(self, element: etree._Element) -> str:
        return raw(element)

    def attribute(self, value: str) -> str:
        """Text as it is written where the compiler makes an attribute of it."""
        return _escape(value).replace('"', "&quot;")

    def hint(self, hint: etree._Element) -> str:
        _require(hint, "hint")
        text = self.text(hint).replace("||", "&#124;|")
        return f"||{text}||"

    def flow(self, elements: Sequence[etree._Element]) -> str:
        """Elements that are no question, a blank line between them."""
        blocks = []
        for index, element in enumerate(elements):
            if element.tag == "description" and index and elements[index - 1].tag == "label" and not element.attrib:
                continue
            following = elements[index + 1] if index + 1 < len(elements) else None
            blocks.append(self.block(element, following))
            if (element.tail or "").strip():
                raise NotMarkdownError("text outside an element")
        return "\n\n".join(blocks)

    def block(self, element: etree._Element, following: etree._Element | None = None) -> str:
        match element.tag:
            case "label" if not element.attrib:
                text = self.text(element).replace("||", "&#124;|")
                if following is not None and following.tag == "description" and not following.attrib:
                    text += "||" + self.text(following)
                return f">>{text}<<"
            case "p" if not element.attrib:
                return self.paragraph(element)
            case "h3" if _attributes(element) == _HEADER:
                text = self.text(element)
                return f"{text}\n{'=' * max(5, min(len(text), 60))}"
            case "solution" if (inner := _explanation(element)) is not None:
                return f"[explanation]\n{self.flow(inner)}\n[/explanation]".replace("\n\n[/", "\n[/")
            case "pre" if _is_code(element):
                return self.code(element[0])
            case tag if tag in QUESTIONS:
                raise NotMarkdownError("a question inside something else")
        if any(child.tag in QUESTIONS for child in element.iter()):
            raise NotMarkdownError("a question inside something else")
        return raw(element)

    def paragraph(self, element: etree._Element) -> str:
        text = escape_line(self.text(element))
        if not text or text.startswith("<"):
            return f"<p>{text}</p>" if text else "<p/>"
        return text

    def code(self, code: etree._Element) -> str:
        lines = [escape_line(line) for line in _escape(code.text, lines=True).split("\n")]
        return "[code]\n" + "\n".join(lines).replace("]", "&#93;") + "[/code]"

    def question(self, response: etree._Element) -> str:
        """A response with all that it holds."""
        children = list(response)
        core = [index for index, child in enumerate(children) if child.tag in _CORE]
        if not core or (response.text or "").strip():
            raise NotMarkdownError("a question without an input")
        before, after = children[: core[0]], children[core[-1] + 1 :]
        inside = children[core[0] : core[-1] + 1]
        if len(inside) != len(core) or any((child.tail or "").strip() for child in children):
            raise NotMarkdownError("text between the inputs")
        match response.tag:
            case "multiplechoiceresponse":
                text = self.radio(response, inside)
            case "choiceresponse":
                text = self.checkboxes(response, inside)
            case "optionresponse":
                text = self.dropdown(response, inside)
            case "numericalresponse":
                text = self.number(response, inside)
            case "stringresponse":
                text = self.words(response, inside)
            case _:
                text = self.other(response, inside)
        return "\n\n".join(part for part in (self.flow(before), text, self.flow(after)) if part)

    def options(self, response: etree._Element, options: Mapping[str, str | None]) -> str:
        """What stands in front of a question for settings its marks cannot say."""
        if any(value is not None for value in options.values()):
            raise NotMarkdownError("options of a question")
        return ""

    def other(self, response: etree._Element, inside: Sequence[etree._Element]) -> str:
        raise NotMarkdownError(f"no mark for {response.tag}")

    def radio(self, response: etree._Element, inside: Sequence[etree._Element]) -> str:
        (group,) = _only(inside, "choicegroup")
        _require(response, "multiplechoiceresponse", "partial_credit", "points")
        _require(group, "choicegroup", "type", "shuffle", "answer-pool", "label")
        shuffle = group.get("shuffle") == "true"
        options = {
            "label": group.get("label"),
            "points": response.get("points"),
            "answer_pool": group.get("answer-pool"),
        }
        lines: list[str] = []
        for choice in group:
            _require(choice, "choice", "correct", "fixed", "point_value")
            hints = [child for child in choice if child.tag == "choicehint"]
            mark = {"true": "x", "false": " "}.get(choice.get("correct", ""))
            if choice.get("correct") == "partial" or choice.get("point_value") or response.get("partial_credit"):
                mark = self.credit(choice)
            if mark is None:
                raise NotMarkdownError("a choice neither right nor wrong")
            if shuffle and not lines:
                mark = "!" + mark.strip()
            if choice.get("fixed") == "true":
                mark = mark.strip() + "@"
            text = self.choice_text(choice, hints)
            lines.append(f"({mark}) {text}{self.feedback(hints)}")
        return self.options(response, options) + "\n".join(lines)

    def credit(self, choice: etree._Element) -> str | None:
        raise NotMarkdownError("partial credit")

    def choice_text(self, choice: etree._Element, hints: Sequence[etree._Element]) -> str:
        if any((hint.tail or "").strip() for hint in hints):
            raise NotMarkdownError("text behind feedback")
        return self.text(choice, hints)

    def feedback(self, hints: Sequence[etree._Element]) -> str:
        """` {{ label:: text }}` of at most one hint."""
        if not hints:
            return ""
        (hint,) = hints if len(hints) == 1 else (None,)
        if hint is None:
            raise NotMarkdownError("several hints")
        _require(hint, str(hint.tag), "label", "answer")
        text = self.text(hint).replace("}}", "&#125;}")
        label = hint.get("label")
        if label is None:
            return f" {{{{ {text.replace('::', '&#58;:')} }}}}"
        return f" {{{{ {self.attribute(label)}:: {text} }}}}"

    def checkboxes(self, response: etree._Element, inside: Sequence[etree._Element]) -> str:
        (group,) = _only(inside, "checkboxgroup")
        _require(response, "choiceresponse", "partial_credit", "points")
        _require(group, "checkboxgroup", "label")
        lines = []
        for child in group:
            if child.tag == "compoundhint":
                _require(child, "compoundhint", "value")
                lines.append(f"{{{{ (({self.attribute(child.get('value', ''))})) {self.text(child)} }}}}")
                continue
            _require(child, "choice", "correct")
            mark = {"true": "x", "false": " "}[_one_of(child.get("correct", ""), ("true", "false"))]
            hints = [hint for hint in child if hint.tag == "choicehint"]
            halves = []
            for hint in hints:
                _require(hint, "choicehint", "selected")
                name = {"true": "selected", "false": "unselected"}[_one_of(hint.get("selected", ""), ("true", "false"))]
                text = self.text(hint).replace("}", "&#125;").replace("::", "&#58;:")
                halves.append(f"{name}: {text}")
            feedback = f" {{{{ {' }, { '.join(halves)} }}}}" if halves else ""
            lines.append(f"[{mark}] {self.choice_text(child, hints)}{feedback}")
        options = {
            "label": group.get("label"),
            "points": response.get("points"),
            "partial_credit": response.get("partial_credit"),
        }
        return self.options(response, options) + "\n".join(lines)

    def dropdown(self, response: etree._Element, inside: Sequence[etree._Element]) -> str:
        (box,) = _only(inside, "optioninput")
        _require(response, "optionresponse", "points")
        _require(box, "optioninput", "options", "correct", "label", "inline")
        options = {"label": box.get("label"), "points": response.get("points"), "inline": box.get("inline")}
        if len(box):
            lines = []
            for option in box:
                _require(option, "option", "correct")
                hints = [child for child in option if child.tag == "optionhint"]
                text = self.choice_text(option, hints)
                correct = _one_of(option.get("correct", ""), ("True", "False")) == "True"
                if correct:
                    text = f"({text})"
                elif text.startswith("("):
                    text = "&#40;" + text[1:]
                lines.append(f"{text}{self.feedback(hints)}")
            return self.options(response, options) + "[[\n" + "\n".join(lines) + "\n]]"
        names = re.findall(r"'([^']*)'", box.get("options", ""))
        correct_name = box.get("correct", "")
        if box.get("options") != "(" + ",".join(f"'{name}'" for name in names) + ")":
            raise NotMarkdownError("options in another spelling")
        written = [self.attribute(f"({name})" if name == correct_name else name) for name in names]
        return self.options(response, options) + f"[[{', '.join(written)}]]"

    def number(self, response: etree._Element, inside: Sequence[etree._Element]) -> str:
        _require(response, "numericalresponse", "answer", "partial_credit", "points")
        (box,) = [child for child in inside if child.tag == "formulaequationinput"] or (None,)
        if box is None:
            raise NotMarkdownError("a number in another input")
        _require(box, "formulaequationinput", "label", "size", "inline", "trailing_text")
        params = [child for child in inside if child.tag == "responseparam"]
        hints = [child for child in inside if child.tag == "correcthint"]
        tolerance = ""
        options: dict[str, str | None] = {
            **{name: box.get(name) for name in ("label", "size", "trailing_text")},
            "inline": _flag(box.get("inline"), "1"),
            "points": response.get("points"),
            "partial_credit": response.get("partial_credit"),
        }
        for param in params:
            _require(param, "responseparam", "type", "default", "partial_range", "partial_answers")
            if param.get("default") is not None:
                tolerance = f" +- {self.attribute(param.get('default', ''))}"
            options |= {name: param.get(name) for name in ("partial_range", "partial_answers")}
        lines = [
            f"{self.number_mark(response.get('answer', ''))} {self.attribute(response.get('answer', ''))}"
            f"{tolerance}{self.feedback(hints)}"
        ]
        lines += self.alternatives(inside)
        return self.options(response, options) + "\n".join(lines)

    def number_mark(self, answer: str) -> str:
        return "="

    def words(self, response: etree._Element, inside: Sequence[etree._Element]) -> str:
        _require(response, "stringresponse", "answer", "type", "points")
        (box,) = [child for child in inside if child.tag == "textline"] or (None,)
        if box is None:
            raise NotMarkdownError("text in another input")
        _require(box, "textline", "label", "size", "inline", "trailing_text")
        kind = response.get("type", "")
        size = box.get("size", "")
        options: dict[str, str | None] = {
            "label": box.get("label"),
            "trailing_text": box.get("trailing_text"),
            "size": None if size == "20" else size,
            "inline": _flag(box.get("inline"), "1"),
            "points": response.get("points"),
            "case_sensitive": "true" if kind.startswith("cs") else None,
        }
        answer = self.attribute(response.get("answer", ""))
        if kind in ("ci regexp", "cs regexp"):
            answer = f"|{answer}"
        hints = [child for child in inside if child.tag == "correcthint"]
        lines = [f"s= {answer}{self.feedback(hints)}", *self.alternatives(inside)]
        if re.match(r"[^\W\d_]{2,}[^=\[\]()]*\Z", answer):
            lines[0] = lines[0].removeprefix("s")
        return self.options(response, options) + "\n".join(lines)

    def alternatives(self, inside: Sequence[etree._Element]) -> list[str]:
        lines = []
        for child in inside:
            if child.tag == "additional_answer":
                _require(child, "additional_answer", "answer")
                if (child.text or "").strip():
                    raise NotMarkdownError("an answer in the text of its element")
                lines.append(f"or= {self.attribute(child.get('answer', ''))}{self.feedback(list(child))}")
            elif child.tag == "stringequalhint":
                _require(child, "stringequalhint", "answer", "label")
                lines.append(f"not= {self.attribute(child.get('answer', ''))}{self.feedback([child])}")
        return lines


class RichWriter(StudioWriter):
    """Writes the richer dialect: text becomes Markdown, options become tags."""

    variables = False
    """Whether there is a script, so that `$name` is a variable and no maths."""

    def text(self, element: etree._Element, skip: Iterable[etree._Element] = ()) -> str:
        skipped = set(skip)
        parts = [self.plain(element.text)]
        for child in element:
            if child not in skipped:
                parts.append(self.inline(child))
            parts.append(self.plain(child.tail))
        return "".join(parts).strip(" ")

    def plain(self, text: str | None) -> str:
        r"""Text that Markdown shows as it is; `\(…\)` stays, because it is maths there too."""
        escaped = _escape(text)
        special = _MARKDOWN_AND_VARIABLES if self.variables else _MARKDOWN
        parts: list[str] = []
        position = 0
        for maths in _MATHS.finditer(escaped):
            source = maths[0].replace("&lt;", "<").replace("&amp;", "&")
            parts += (special.sub(r"\\\1", escaped[position : maths.start()]), source)
            position = maths.end()
        parts.append(special.sub(r"\\\1", escaped[position:]))
        return "".join(parts)

    def inline(self, element: etree._Element) -> str:
        attributes = _attributes(element)
        match element.tag:
            case "strong" if not attributes:
                return f"**{self.text(element)}**"
            case "em" if not attributes:
                return f"*{self.text(element)}*"
            case "code" if not attributes and not len(element) and element.text and "`" not in element.text:
                return f"`{element.text}`"
            case "a" if set(attributes) == {"href"} and _simple_link(attributes["href"]):
                return f"[{self.text(element)}]({attributes['href']})"
            case "img" if set(attributes) == {"src", "alt"} and _simple_link(attributes["src"]):
                return f"![{self.plain(attributes['alt'])}]({attributes['src']})"
            case "br" if not attributes:
                return "<br/>"
        return raw(element)

    def attribute(self, value: str) -> str:
        return _escape(value).replace('"', "&quot;")

    def paragraph(self, element: etree._Element) -> str:
        return escape_line(self.text(element)) or "<p/>"

    def code(self, code: etree._Element) -> str:
        return f"[code]\n{code.text or ''}[/code]"

    def script(self, script: etree._Element) -> str:
        if _attributes(script) != {"type": "loncapa/python"} or "[/python]" in (script.text or ""):
            raise NotMarkdownError("a script of another kind")
        self.variables = True
        return f"[python]{script.text or ''}[/python]"

    def credit(self, choice: etree._Element) -> str | None:
        if choice.get("correct") != "partial":
            return {"true": "x", "false": " "}.get(choice.get("correct", ""))
        try:
            percent = round(float(choice.get("point_value", "")) * 100)
        except ValueError as error:
            raise NotMarkdownError("partial credit without its value") from error
        return f"{percent}%"

    def options(self, response: etree._Element, options: Mapping[str, str | None]) -> str:
        given = {name: value for name, value in options.items() if value is not None}
        return f"{_tag('question', given)}\n" if given else ""

    def number_mark(self, answer: str) -> str:
        return "n=" if re.search(r"[a-df-zA-DF-Z$]", answer) or not re.match(r"\s*[-+.\d\[(]", answer) else "="

    def other(self, response: etree._Element, inside: Sequence[etree._Element]) -> str:
        if response.tag == "formularesponse":
            return self.formula(response, inside)
        _require(response, "customresponse", "cfn", "expect")
        options: dict[str, str | None] = {"function": response.get("cfn"), "expect": response.get("expect")}
        if len(inside) == 1 and inside[0].tag == "jsinput":
            attributes = _attributes(inside[0])
            options.pop("expect")
            return _tag("jsinput", {"file": attributes.pop("html_file", ""), **_given(options), **attributes})
        first = inside[0]
        if any(child.tag != "textline" or _attributes(child) != _attributes(first) for child in inside):
            raise NotMarkdownError("inputs of different kinds")
        _require(first, "textline", "size", "inline")
        options |= {"size": first.get("size"), "inline": _flag(first.get("inline"), "1")}
        if len(inside) > 1:
            options["inputs"] = str(len(inside))
        return _tag("grader", _given(options))

    def formula(self, response: etree._Element, inside: Sequence[etree._Element]) -> str:
        _require(response, "formularesponse", "type", "samples", "answer")
        options: dict[str, str | None] = {name: response.get(name) for name in ("answer", "samples")}
        options["case_sensitive"] = "true" if response.get("type") == "cs" else None
        for child in inside:
            if child.tag == "responseparam":
                _require(child, "responseparam", "type", "default")
                options["tolerance"] = child.get("default")
            else:
                _require(child, "formulaequationinput", "size", "inline", "trailing_text")
                options |= {name: child.get(name) for name in ("size", "trailing_text")}
                options["inline"] = _flag(child.get("inline"), "1")
        return _tag("formula", _given(options))


def raw(element: etree._Element) -> str:
    """An element as XML on one line, but for the lines of scripts and preformatted text; without its tail."""
    if isinstance(element, etree._Comment):
        return f"<!--{element.text}-->"
    if isinstance(element, etree._ProcessingInstruction):
        raise NotMarkdownError("a processing instruction")
    attributes = "".join(
        f' {name}="{_escape(value).replace(chr(34), "&quot;")}"' for name, value in _attributes(element).items()
    )
    if element.nsmap or element.tag.startswith("{"):
        raise NotMarkdownError("namespaces")
    verbatim = element.tag in VERBATIM
    parts = [_escape(element.text, lines=verbatim)]
    for child in element:
        parts += (raw(child), _escape(child.tail, lines=verbatim))
    inside = "".join(parts)
    if not inside and element.tag not in BLOCKS:
        return f"<{element.tag}{attributes}/>"
    return f"<{element.tag}{attributes}>{inside}</{element.tag}>"


def _escape(text: str | None, *, lines: bool = False) -> str:
    """Text as XML, safe from the marks that count anywhere in a line."""
    if not text:
        return ""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace("\u00a0", "&#160;")
    text = text.replace(">>", "&gt;>").replace("{{", "&#123;{").replace("[[", "&#91;[")
    return text if lines else _PLAIN_TEXT.sub(" ", text)


_MARKDOWN = re.compile(r"([\\`*_\[\]~$])")
_MARKDOWN_AND_VARIABLES = re.compile(r"([\\`*_\[\]~])")
_MATHS = re.compile(r"\\\(.+?\\\)|\\\[.+?\\\]", re.DOTALL)


def _explanation(solution: etree._Element) -> list[etree._Element] | None:
    """The elements of a solution in the usual form behind its title; None when it has another form."""
    if solution.attrib or len(solution) != 1 or (solution.text or "").strip() or (solution[0].tail or "").strip():
        return None
    div = solution[0]
    if (
        div.tag != "div"
        or _attributes(div) != {"class": "detailed-solution"}
        or (div.text or "").strip()
        or not len(div)
    ):
        return None
    title = div[0]
    if title.tag != "p" or title.attrib or len(title) or title.text != "Explanation":
        return None
    return list(div)[1:]


def _is_code(pre: etree._Element) -> bool:
    if pre.attrib or len(pre) != 1 or pre.text or pre[0].tail:
        return False
    code = pre[0]
    return code.tag == "code" and not code.attrib and not len(code)


def _attributes(element: etree._Element) -> dict[str, str]:
    return {str(name): str(value) for name, value in element.attrib.items()}


def _require(element: etree._Element, tag: str, *attributes: str) -> None:
    if element.tag != tag or not set(element.attrib) <= set(attributes):
        raise NotMarkdownError(f"<{element.tag}> in an unusual form")


def _only(elements: Sequence[etree._Element], tag: str) -> tuple[etree._Element]:
    if len(elements) != 1 or elements[0].tag != tag:
        raise NotMarkdownError(f"not exactly one <{tag}>")
    return (elements[0],)


def _one_of(value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise NotMarkdownError(f"the value {value!r}")
    return value


def _flag(value: str | None, true: str) -> str | None:
    return "true" if value == true else value


def _given(options: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in options.items() if value is not None}


def _tag(name: str, options: Mapping[str, str]) -> str:
    parts = [name]
    for key, value in options.items():
        if '"' in value or "\n" in value:
            raise NotMarkdownError("a quote in an option")
        parts.append(f"{key}={value}" if re.fullmatch(r"[\w.,:/%#@*^+-]+", value) else f'{key}="{value}"')
    return f"[{' '.join(parts)}]"


def _simple_link(href: str) -> bool:
    return re.fullmatch(r"[^\s()<>&\\*_\[\]`]+", href) is not None

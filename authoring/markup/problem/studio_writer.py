"""OLX elements written in Studio's dialect.

A writer raises `NotMarkdownError` for what its dialect has no mark for. It may be too hopeful: whoever calls it
compiles the result and compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from lxml import etree

from authoring.markup.problem.elements import (
    NotMarkdownError,
    attributes_of,
    escape_attribute,
    escape_xml,
    flag,
    one_of,
    only,
    raw,
    require,
)
from authoring.markup.problem.escape import escape_line

STUDIO_QUESTIONS = frozenset(
    ("multiplechoiceresponse", "choiceresponse", "optionresponse", "stringresponse", "numericalresponse")
)
QUESTIONS = STUDIO_QUESTIONS | {"formularesponse", "customresponse"}

_HEADER = {"class": "hd hd-2 problem-header"}
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


class StudioWriter:
    """Writes Studio's dialect: text keeps its inline HTML."""

    def text(self, element: etree._Element, skip: Iterable[etree._Element] = ()) -> str:
        """The inside of an element on one line; `skip` are children that are written elsewhere."""
        return self.inner(element, skip).strip(" ")

    def inner(self, element: etree._Element, skip: Iterable[etree._Element] = ()) -> str:
        skipped = set(skip)
        parts = [self.plain(element.text)]
        for child in element:
            if child not in skipped:
                parts.append(self.inline(child))
            parts.append(self.plain(child.tail))
        return "".join(parts)

    def plain(self, text: str | None) -> str:
        """Text that is shown as it is."""
        return escape_xml(text)

    def inline(self, element: etree._Element) -> str:
        return raw(element)

    def attribute(self, value: str) -> str:
        """Text as it is written where the compiler makes an attribute of it."""
        return escape_attribute(value)

    def hint(self, hint: etree._Element) -> str:
        require(hint, "hint")
        return f"||{_without_bars(self.text(hint))}||"

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
                text = _without_bars(self.text(element))
                if following is not None and following.tag == "description" and not following.attrib:
                    text += "||" + _without_bars(self.text(following))
                return f">>{text}<<"
            case "p" if not element.attrib:
                return self.paragraph(element)
            case "h3" if attributes_of(element) == _HEADER:
                text = self.text(element)
                return f"{text}\n{'=' * max(5, min(len(text), 60))}"
            case "solution" if (inner := _explanation(element)) is not None:
                return f"[explanation]\n{self.flow(inner)}\n[/explanation]".replace("\n\n[/", "\n[/")
            case "pre" if _is_code(element):
                return self.code(element[0])
            case _:
                pass
        return raw(element)

    def paragraph(self, element: etree._Element) -> str:
        text = escape_line(self.text(element))
        if not text or text.startswith("<"):
            return f"<p>{text}</p>" if text else "<p/>"
        return text

    def code(self, code: etree._Element) -> str:
        if code.attrib:
            raise NotMarkdownError("code in a language")
        lines = [escape_line(line) for line in escape_xml(code.text, lines=True).split("\n")]
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
        (group,) = only(inside, "choicegroup")
        require(response, "multiplechoiceresponse", "partial_credit", "points")
        require(group, "choicegroup", "type", "shuffle", "answer-pool", "label")
        shuffle = group.get("shuffle") == "true"
        options = {
            "label": group.get("label"),
            "points": response.get("points"),
            "answer_pool": group.get("answer-pool"),
        }
        lines: list[str] = []
        for choice in group:
            require(choice, "choice", "correct", "fixed", "point_value")
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
        text = self.text(choice, hints)
        return f"&#41;{text[1:]}" if text.startswith(")") else text

    def feedback(self, hints: Sequence[etree._Element]) -> str:
        """` {{ label:: text }}` of at most one hint."""
        if not hints:
            return ""
        (hint,) = hints if len(hints) == 1 else (None,)
        if hint is None:
            raise NotMarkdownError("several hints")
        require(hint, str(hint.tag), "label", "answer")
        text = self.text(hint).replace("}}", "&#125;}")
        label = hint.get("label")
        if label is None:
            return f" {{{{ {_without_label(text)} }}}}"
        return f" {{{{ {self.attribute(label)}:: {text} }}}}"

    def checkboxes(self, response: etree._Element, inside: Sequence[etree._Element]) -> str:
        (group,) = only(inside, "checkboxgroup")
        require(response, "choiceresponse", "partial_credit", "points")
        require(group, "checkboxgroup", "label")
        lines = []
        for child in group:
            if child.tag == "compoundhint":
                require(child, "compoundhint", "value")
                lines.append(f"{{{{ (({self.attribute(child.get('value', ''))})) {self.text(child)} }}}}")
                continue
            require(child, "choice", "correct")
            mark = {"true": "x", "false": " "}[one_of(child.get("correct", ""), ("true", "false"))]
            hints = [hint for hint in child if hint.tag == "choicehint"]
            halves = []
            for hint in hints:
                require(hint, "choicehint", "selected")
                name = {"true": "selected", "false": "unselected"}[one_of(hint.get("selected", ""), ("true", "false"))]
                text = _without_label(self.text(hint).replace("}", "&#125;"))
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
        (box,) = only(inside, "optioninput")
        require(response, "optionresponse", "points")
        require(box, "optioninput", "options", "correct", "label", "inline")
        options = {"label": box.get("label"), "points": response.get("points"), "inline": box.get("inline")}
        if len(box):
            lines = []
            for option in box:
                require(option, "option", "correct")
                hints = [child for child in option if child.tag == "optionhint"]
                text = self.choice_text(option, hints)
                correct = one_of(option.get("correct", ""), ("True", "False")) == "True"
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
        require(response, "numericalresponse", "answer", "partial_credit", "points")
        (box,) = [child for child in inside if child.tag == "formulaequationinput"] or (None,)
        if box is None:
            raise NotMarkdownError("a number in another input")
        require(box, "formulaequationinput", "label", "size", "inline", "trailing_text")
        params = [child for child in inside if child.tag == "responseparam"]
        hints = [child for child in inside if child.tag == "correcthint"]
        tolerance = ""
        options: dict[str, str | None] = {
            **{name: box.get(name) for name in ("label", "size", "trailing_text")},
            "inline": flag(box.get("inline"), "1"),
            "points": response.get("points"),
            "partial_credit": response.get("partial_credit"),
        }
        for param in params:
            require(param, "responseparam", "type", "default", "partial_range", "partial_answers")
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
        require(response, "stringresponse", "answer", "type", "points")
        (box,) = [child for child in inside if child.tag == "textline"] or (None,)
        if box is None:
            raise NotMarkdownError("text in another input")
        require(box, "textline", "label", "size", "inline", "trailing_text")
        kind = response.get("type", "")
        size = box.get("size", "")
        options: dict[str, str | None] = {
            "label": box.get("label"),
            "trailing_text": box.get("trailing_text"),
            "size": None if size == "20" else size,
            "inline": flag(box.get("inline"), "1"),
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
                require(child, "additional_answer", "answer")
                if (child.text or "").strip():
                    raise NotMarkdownError("an answer in the text of its element")
                lines.append(f"or= {self.attribute(child.get('answer', ''))}{self.feedback(list(child))}")
            elif child.tag == "stringequalhint":
                require(child, "stringequalhint", "answer", "label")
                lines.append(f"not= {self.attribute(child.get('answer', ''))}{self.feedback([child])}")
        return lines


def _without_bars(text: str) -> str:
    """Text between `||` that cannot be mistaken for their part."""
    return text.replace("|", "&#124;") if "||" in text or text[:1] == "|" or text[-1:] == "|" else text


def _explanation(solution: etree._Element) -> list[etree._Element] | None:
    """The elements of a solution in the usual form behind its title; None when it has another form."""
    if solution.attrib or len(solution) != 1 or (solution.text or "").strip() or (solution[0].tail or "").strip():
        return None
    div = solution[0]
    if (
        div.tag != "div"
        or attributes_of(div) != {"class": "detailed-solution"}
        or (div.text or "").strip()
        or not len(div)
    ):
        return None
    title = div[0]
    if title.tag != "p" or title.attrib or len(title) or title.text != "Explanation":
        return None
    return list(div)[1:]


def _is_code(pre: etree._Element) -> bool:
    """Whether it is `<pre><code>`; behind the code there is a newline when Studio's converter has written it."""
    if pre.attrib or len(pre) != 1 or pre.text or pre[0].tail not in (None, "\n"):
        return False
    code = pre[0]
    return code.tag == "code" and not len(code)


def _without_label(text: str) -> str:
    """Feedback in which no two colons stand together: what is before them would be its label."""
    return re.sub(":(?=:)", "&#58;", text)

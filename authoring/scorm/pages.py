"""Units to pages: what a browser in another LMS shows of them, and what it cannot.

Links to files of the course become links to files of the package; links to other units become their titles, because an LMS, not a
page, opens a SCO. Texts are HTML as the platform has them; formulas stay TeX.

Source of the fields: xblocks-contrib (video, pdf); lti-consumer-xblock and others are left out by name.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from urllib.parse import quote, unquote

from selectolax.lexbor import LexborHTMLParser

from authoring.model import CHAPTER, SEQUENTIAL, VERTICAL, Asset, Block, BlockKey, Course
from authoring.registry import spec
from authoring.scorm.questions import Problem, Ungradable, read_problem

STATIC = "static"
PAGES = "pages"
_LINK = re.compile(r"/(?P<kind>static|jump_to_id|course)/(?P<name>[^/?#\"]+)(?P<tail>/?(?:[?#].*)?)", re.DOTALL)
_MATHS = re.compile(r"\\\(|\\\[|\[mathjax|\$\$")
_IN_CSS = re.compile(r"url\(\s*['\"]?([^)'\"]+)['\"]?\s*\)")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something of the course that the package does not have, or not as it was."""

    key: BlockKey
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class Part:
    """One component on a page: `kind` is `html`, `problem` or `absent`."""

    kind: str
    title: str
    html: str
    problem: Problem | None = None
    attempts: int | None = None
    shows_answer: bool = True
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A unit as a page, which is a SCO. `trail` are the titles around it, `mastery` in percent when it is graded."""

    name: str
    title: str
    trail: tuple[str, ...]
    parts: tuple[Part, ...]
    files: frozenset[str]
    """The platform's names of the files that it uses."""
    mastery: float | None = None

    @property
    def has_questions(self) -> bool:
        return any(part.problem is not None for part in self.parts)


@dataclass(slots=True)
class _Making:
    """What is gathered while the pages are made."""

    titles: Mapping[str, str]
    assets: Mapping[str, Asset]
    left_out: list[LeftOut] = field(default_factory=list)
    files: set[str] = field(default_factory=set)


def pages_of(course: Course, only: BlockKey | None = None) -> tuple[tuple[Page, ...], tuple[LeftOut, ...]]:
    """The pages of a course, or of the section, subsection or unit `only`; and what is left out.

    Raises KeyError when there is no such part.
    """
    if only is not None and only not in {block.key for block in course.blocks()}:
        raise KeyError(str(only))
    making = _Making(
        {block.url_name: block.display_name or block.url_name for block in course.blocks()},
        {asset.name: asset for asset in course.assets},
    )
    cutoffs = course.grading.cutoffs.values() if course.grading else ()
    mastery = round(100 * min(cutoffs), 2) if cutoffs else None
    pages = tuple(_pages(course.root, (), making, only, mastery))
    detached = [] if only is not None else list(course.detached)
    making.left_out += [_absent(block, "a package has no pages beside its units") for block in detached]
    return pages, tuple(making.left_out)


def _absent(block: Block, why: str) -> LeftOut:
    return LeftOut(block.key, block.display_name or block.url_name, why)


def _pages(
    block: Block, trail: tuple[str, ...], making: _Making, only: BlockKey | None, mastery: float | None
) -> Iterator[Page]:
    """A page for each unit below `block`, and for each component that stands where a unit would."""
    for child in block.children:
        wanted = None if child.key == only else only
        if child.fields.get("visible_to_staff_only") is True:
            making.left_out.append(_absent(child, "only staff see it"))
        elif child.category in (CHAPTER, SEQUENTIAL):
            graded = mastery if child.category == CHAPTER or child.fields.get("graded") is True else None
            yield from _pages(child, (*trail, child.display_name or child.url_name), making, wanted, graded)
        elif wanted is None:
            yield _page(child, trail, making, mastery if block.category == SEQUENTIAL else None)


def _page(unit: Block, trail: tuple[str, ...], making: _Making, mastery: float | None) -> Page:
    making.files = set()
    blocks = unit.children if unit.category == VERTICAL else (unit,)
    parts = tuple(_part(block, number, making) for number, block in enumerate(blocks, 1))
    has_questions = any(part.problem is not None for part in parts)
    return Page(
        name=unit.url_name,
        title=unit.display_name or unit.url_name,
        trail=trail,
        parts=parts,
        files=frozenset(making.files),
        mastery=mastery if has_questions else None,
    )


def _part(block: Block, number: int, making: _Making) -> Part:
    title = block.display_name or ""
    match block.category:
        case "html":
            return Part("html", "", _linked(block, block.content or "", making))
        case "problem":
            return _problem(block, number, making)
        case "video":
            return Part("html", title, _video(block, making))
        case "pdf":
            return Part("html", title, _pdf(block, making))
        case category:
            known = spec(category)
            return _missing(block, f"a {known.title if known else category} works on the platform only", making)


def _missing(block: Block, why: str, making: _Making) -> Part:
    making.left_out.append(_absent(block, why))
    title = block.display_name or block.url_name
    return Part("absent", title, f"<p>“{escape(title)}” is not part of this package.</p>")


def _problem(block: Block, number: int, making: _Making) -> Part:
    try:
        problem = read_problem(block.content or "", f"q{number}")
    except Ungradable as error:
        return _missing(block, str(error), making)
    attempts, weight = block.fields.get("max_attempts"), block.fields.get("weight")
    shown = {
        name: _linked(block, text, making) for name, text in (("html", problem.html), ("solution", problem.solution))
    }
    return Part(
        "problem",
        block.display_name or "",
        shown["html"],
        Problem(shown["html"], problem.questions, problem.hints, shown["solution"]),
        attempts=int(attempts) if isinstance(attempts, int | float) and attempts else None,
        shows_answer=block.fields.get("showanswer") != "never",
        weight=float(weight) if isinstance(weight, int | float) else None,
    )


# --- links


def _linked(block: Block, html: str, making: _Making) -> str:
    """HTML whose links lead to files of the package. Links to other parts of the course become their text."""
    if _MATHS.search(html):
        making.left_out.append(_absent(block, "its formulas are shown as TeX"))
    parser = LexborHTMLParser(html)
    if parser.body is None:
        return html
    for node in parser.css("script"):
        making.left_out.append(_absent(block, "a script of it is left out: another LMS is another page around it"))
        node.decompose()
    for node in parser.css("[href], [src], [poster], [data]"):
        for name in ("href", "src", "poster", "data"):
            value = node.attributes.get(name)
            found = _LINK.fullmatch(value.strip()) if value else None
            if found is None or value is None:
                continue
            if found["kind"] == "static":
                node.attrs[name] = _file(unquote(found["name"]), making) + found["tail"]
            elif name == "href":
                title = making.titles.get(unquote(found["name"]))
                making.left_out.append(_absent(block, f"a link to {title or value!r} became its text"))
                del node.attrs["href"]
                if title:
                    node.attrs["title"] = title
        if node.tag == "a" and (node.attributes.get("href") or "").startswith(("http:", "https:", "//")):
            node.attrs["target"] = "_blank"
            node.attrs["rel"] = "noopener"
    inner = "".join(child.html or "" for child in parser.body.iter(include_text=True))
    return re.sub(
        r"(?<=url\()\s*['\"]?/static/([^)'\"?#]+)['\"]?", lambda found: _file(unquote(found[1]), making), inner
    )


def _file(name: str, making: _Making) -> str:
    """The address of a file from a page, and that it is used."""
    if name in making.assets:
        making.files.add(name)
    return posixpath.join("..", STATIC, quote(name))


# --- media


def _video(block: Block, making: _Making) -> str:
    youtube = block.fields.get("youtube_id_1_0")
    sources = block.fields.get("html5_sources")
    transcripts = block.fields.get("transcripts")
    title = escape(block.display_name or "Video", quote=True)
    parts: list[str] = []
    listed = [str(source) for source in sources] if isinstance(sources, list | tuple) else []
    if listed:
        found = "".join(f'<source src="{escape(_address(source, making), quote=True)}"/>' for source in listed)
        parts.append(f'<video controls="controls" preload="metadata" title="{title}">{found}</video>')
    elif youtube:
        address = f"https://www.youtube-nocookie.com/embed/{quote(str(youtube))}"
        parts.append(
            f'<div class="frame"><iframe src="{address}" title="{title}" allowfullscreen="allowfullscreen"></iframe></div>'
        )
    else:
        making.left_out.append(_absent(block, "a video without a source that a browser can play"))
    if isinstance(transcripts, Mapping):
        for language, name in transcripts.items():
            address = escape(_address(f"/static/{name}", making), quote=True)
            parts.append(f'<p><a href="{address}" target="_blank">Transcript ({escape(str(language))})</a></p>')
    return "".join(parts)


def _pdf(block: Block, making: _Making) -> str:
    address = escape(_address(str(block.fields.get("url") or ""), making), quote=True)
    title = escape(block.display_name or "PDF")
    return f'<p><a href="{address}" target="_blank" rel="noopener">{title}</a></p>'


def _address(url: str, making: _Making) -> str:
    found = _LINK.fullmatch(url.strip())
    if found is not None and found["kind"] == "static":
        return _file(unquote(found["name"]), making) + found["tail"]
    return url


def used_by_css(text: str) -> Iterator[str]:
    """Addresses in a style sheet."""
    for found in _IN_CSS.finditer(text):
        yield found[1]

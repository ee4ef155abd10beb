"""Pages to a SCORM package: its manifest, its files, and the zip, the same bytes for the same course.

Sources: SCORM 1.2 CAM 2.3 (manifest), 3 (adlcp:masteryscore); SCORM 2004 4th Edition CAM 3.4, SN 3 (objectives).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import groupby
from pathlib import Path, PurePosixPath

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from authoring.errors import SourceError
from authoring.model import Asset, BlockKey, Course
from authoring.scorm.pages import PAGES, STATIC, LeftOut, Page, Part, pages_of, used_by_css

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16
_UNIX = 3
_CHUNK = 1 << 20
_PACKED = re.compile(r"\.(?:gif|jpe?g|png|webp|mp[34]|m4[av]|og[gv]|webm|pdf|zip|docx|pptx|xlsx|woff2?)", re.IGNORECASE)
_SHARED = ("page.css", "runtime.js")


class ScormVersion(StrEnum):
    """The version of the standard that a package is made for."""

    SCORM_12 = "1.2"
    SCORM_2004 = "2004"
    """2004, 4th Edition."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: how many SCOs, questions and files, and what is not in the package."""

    scos: int
    questions: int
    files: int
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class _Node:
    """A heading or a page in the menu of the LMS."""

    identifier: str
    title: str
    page: Page | None = None
    nodes: tuple[_Node, ...] = ()


def write_scorm(
    course: Course, out: Path, version: ScormVersion = ScormVersion.SCORM_12, *, only: BlockKey | None = None
) -> Written:
    """Write a course, or the section, subsection or unit `only`, as a SCORM package at `out`.

    Raises SourceError when there is nothing to show, or `out` cannot be written; then `out` is as it was.
    """
    try:
        pages, left_out = pages_of(course, only)
    except KeyError as error:
        raise SourceError(
            f"there is no part {error.args[0]} in the course", hint="name a unit's file or its id"
        ) from error
    if not pages:
        raise SourceError("there is no unit to show in a package", hint="a package needs a unit that learners see")
    files = dict(_files(course, pages, version, only))
    partial = out.with_name(f".{secrets.token_hex(8)}.part")
    try:
        _write_zip(partial, files)
        partial.replace(out)
    except OSError as error:
        raise SourceError(f"{out} cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
    questions = sum(len(part.problem.questions) for page in pages for part in page.parts if part.problem is not None)
    return Written(len(pages), questions, len(files), left_out)


def _files(
    course: Course, pages: tuple[Page, ...], version: ScormVersion, only: BlockKey | None
) -> Iterator[tuple[str, bytes | Path]]:
    """Name in the package -> content; the manifest first."""
    assets = {asset.name: asset for asset in course.assets}
    used = {page.name: _used(page, assets) for page in pages}
    title = course.root.display_name or course.id.number
    if only is not None:
        block = next(block for block in course.blocks() if block.key == only)
        title = block.display_name or block.url_name
    language = str(course.root.fields.get("language") or "en")
    shared = tuple(f"shared/{name}" for name in _SHARED)
    seed = f"{course.id}/{only or ''}"
    manifest = _render(
        f"imsmanifest_{version.replace('.', '')}.xml",
        identifier="course-" + hashlib.sha256(seed.encode()).hexdigest()[:16],
        title=title,
        nodes=_menu(pages),
        pages=pages,
        used=used,
        shared=shared,
    )
    yield "imsmanifest.xml", manifest.encode()
    for name in _SHARED:
        yield f"shared/{name}", _text(name).encode()
    for page in pages:
        yield f"{PAGES}/{page.name}.html", _page(page, language, version).encode()
    for name in sorted(set().union(*used.values())):
        asset = assets[name]
        if asset.file is not None:
            yield f"{STATIC}/{name}", asset.file


def _used(page: Page, assets: Mapping[str, Asset]) -> tuple[str, ...]:
    """The files that a page uses, with those that its style sheets name."""
    found: set[str] = set()
    waiting = list(page.files)
    while waiting:
        name = waiting.pop()
        asset = assets.get(name)
        if asset is None or asset.file is None or name in found:
            continue
        found.add(name)
        if name.lower().endswith(".css"):
            text = asset.file.read_text("utf-8", "replace")
            waiting += [PurePosixPath(address).name for address in used_by_css(text)]
    return tuple(sorted(found))


def _menu(pages: tuple[Page, ...]) -> tuple[_Node, ...]:
    """Pages below the headings around them."""

    def level(inside: list[Page], depth: int, prefix: str) -> Iterator[_Node]:
        groups = groupby(inside, key=lambda page: page.trail[depth] if len(page.trail) > depth else None)
        for number, (title, group) in enumerate(groups, 1):
            if title is None:
                for page in group:
                    yield _Node(f"item-{page.name}", page.title, page)
            else:
                name = f"{prefix}-{number}"
                yield _Node(name, title, nodes=tuple(level(list(group), depth + 1, name)))

    # A heading that is around everything says nothing in a menu that has the title already.
    depth = 0
    while len(pages) == 1 and len(pages[0].trail) > depth:
        depth += 1
    return tuple(level(list(pages), depth, "heading"))


def _page(page: Page, language: str, version: ScormVersion) -> str:
    problems = [
        {
            "questions": [question.to_json() for question in part.problem.questions],
            "attempts": part.attempts,
            "weight": part.weight,
            "solution": part.problem.solution if part.shows_answer else "",
            "hints": list(part.problem.hints),
        }
        for part in page.parts
        if part.problem is not None
    ]
    # Not to be read by chance in the page's source; whoever wants to cheat in a browser can.
    key = base64.b64encode(json.dumps(problems, ensure_ascii=False).encode()).decode()
    return _render(
        "page.html",
        page=page,
        language=language,
        parts=[(part, _safe(part)) for part in page.parts],
        settings=key,
        mastery=page.mastery,
        version=str(version),
    )


def _safe(part: Part) -> Markup:
    """The component's HTML as it is: what an author wrote is meant to be seen."""
    return Markup(part.html)  # noqa: S704


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("authoring.scorm"),
        autoescape=select_autoescape(("html", "xml", "j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _render(template: str, **values: object) -> str:
    return _environment().get_template(f"{template}.j2").render(**values)


def _text(name: str) -> str:
    loader = _environment().loader
    assert loader is not None
    return loader.get_source(_environment(), name)[0]


def _write_zip(out: Path, files: Mapping[str, bytes | Path]) -> None:
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, _LONG_AGO)
            info.create_system = _UNIX
            info.external_attr = _MODE
            packed = _PACKED.fullmatch(PurePosixPath(name).suffix)
            info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            if isinstance(content, bytes):
                archive.writestr(info, content)
            else:
                info.file_size = content.stat().st_size
                with content.open("rb") as source, archive.open(info, "w") as target:
                    shutil.copyfileobj(source, target, _CHUNK)

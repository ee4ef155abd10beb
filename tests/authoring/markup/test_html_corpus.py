"""Every html component of the corpus's OLX courses: to Markdown and back, canonically equal, or kept whole.

The corpus stands beside the project, or where the environment variable AUTHORING_CORPUS says.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from authoring.markup.html import canonical_html
from authoring.markup.prose import render_prose
from authoring.markup.unrender import html_to_markdown
from tests.packages import ARCHIVES, needs_corpus
from tests.shares import Shares

pytestmark = [pytest.mark.corpus, needs_corpus]


def html_components(archive: Path) -> Iterator[tuple[str, str]]:
    """Name and HTML of each: files below html/, and elements that hold their content."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            if file is None or "/static/" in member.name or "/._" in member.name:
                continue
            if re.search(r"(?:^|/)html/.*\.html$", member.name):
                yield member.name, file.read().decode("utf-8", "replace")
            elif member.name.endswith(".xml"):
                try:
                    root = etree.fromstring(file.read(), parser)
                except etree.XMLSyntaxError:
                    continue
                for number, element in enumerate(root.iter("html")):
                    children = "".join(etree.tostring(child, encoding="unicode") for child in element)
                    if children or (element.text or "").strip():
                        yield f"{member.name}#{number}", (element.text or "") + children


def test_every_component_comes_back_or_stays(shares: Shares) -> None:
    for archive in ARCHIVES:
        for name, html in html_components(archive):
            markdown = html_to_markdown(html)
            shares.count(archive, markdown is not None)
            if markdown is not None:
                back = render_prose(markdown, lambda href, line, image: href).html
                assert canonical_html(back) == canonical_html(html), f"{archive.name}: {name}"
    shares.show("html components")

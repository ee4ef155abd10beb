"""What a package says about itself: a LOM record, in the manifest or in a file beside it, to `Metadata`.

Sources: IMS Learning Resource Metadata 1.2.1 (`langstring`, `record`); IEEE 1484.12.3 (`string`); SCORM 1.2 CAM 2.2,
SCORM 2004 CAM 4 (where metadata may stand; `adlcp:location`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from authoring.diagnostics import Diagnostics
from importers.scorm.elements import Element, attribute, child, children, local_name, parse_xml, text_of


@dataclass(frozen=True, slots=True)
class Metadata:
    """The general part of a LOM record. `locations` are files that hold more, as `adlcp:location` has them."""

    title: str | None = None
    description: str | None = None
    keywords: tuple[str, ...] = ()
    language: str | None = None
    locations: tuple[str, ...] = ()

    def or_else(self, other: Metadata) -> Metadata:
        """This, with what it lacks from `other`."""
        return Metadata(
            self.title or other.title,
            self.description or other.description,
            self.keywords or other.keywords,
            self.language or other.language,
            self.locations or other.locations,
        )


NO_METADATA = Metadata()


def read_metadata(data: bytes, path: PurePosixPath, diagnostics: Diagnostics) -> Metadata:
    """A metadata file beside the manifest; empty when it cannot be read, which is reported."""
    root = parse_xml(data, path, diagnostics)
    return NO_METADATA if root is None else metadata_of(root)


def metadata_of(element: Element) -> Metadata:
    """The first LOM record in a `metadata` element, or the one whose root this is."""
    locations = tuple(text for location in children(element, "location") if (text := text_of(location)))
    record = next((found for found in element.iter() if local_name(found) in ("lom", "record")), element)
    general = child(record, "general")
    if general is None:
        return Metadata(locations=locations)
    keywords = (_string(keyword) for keyword in children(general, "keyword", "keywords"))
    return Metadata(
        title=_string(child(general, "title")),
        description=_string(child(general, "description")),
        keywords=tuple(dict.fromkeys(keyword for keyword in keywords if keyword)),
        language=text_of(child(general, "language")) or _language(child(general, "title")),
        locations=locations,
    )


def _string(element: Element | None) -> str | None:
    """A LangString in the first of its languages; plain text where a tool wrote none."""
    if element is None:
        return None
    return text_of(next(children(element, "langstring", "string"), element))


def _language(element: Element | None) -> str | None:
    if element is None:
        return None
    string = next(children(element, "langstring", "string"), None)
    return None if string is None else attribute(string, "language") or attribute(string, "lang")

"""Course folders by their keys: what a file names by folder, as the course of a run.

Comes in: the text of a `course:` and the folder that it is beside. Goes out: a `CourseRef`. Only `course.yaml` and `runs/RUN.yaml`
are read, not the course.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path, PurePosixPath

from authoring.declared.model import CourseRef
from authoring.diagnostics import Diagnostics, suggest
from authoring.errors import SourceError
from authoring.keys import parse_course_key
from authoring.source.coursefile import read_course_id
from authoring.source.runs import run_path
from authoring.yamlnodes import Entry, parse_mapping


class Courses:
    """The courses that files beside `folder` name, taken as `run` where they are named by folder."""

    def __init__(self, run: str | None = None) -> None:
        self.run = run
        self._key_of = cache(self._read)

    def ref(self, text: str, beside: Path) -> CourseRef:
        """Raises SourceError when it is neither a course key nor a course folder, or the folder has no such run."""
        if text.startswith("course-v1:"):
            try:
                return CourseRef(str(parse_course_key(text)), text)
            except ValueError as error:
                raise SourceError(f"{text!r} is not a course key", hint="write course-v1:ORG+NUMBER+RUN") from error
        return CourseRef(self._key_of((beside / text).resolve(), text), text)

    def _read(self, folder: Path, text: str) -> str:
        file = folder / "course.yaml"
        if not file.is_file():
            raise SourceError(
                f"{text!r} is neither a course key nor a course folder",
                hint="write course-v1:ORG+NUMBER+RUN, or the folder that course.yaml is in",
            )
        findings = Diagnostics()
        entries = dict(_entries(file, PurePosixPath("course.yaml"), findings))
        if self.run is not None:
            path = PurePosixPath(run_path(self.run))
            other = folder / path
            if not other.is_file():
                known = [one.stem for one in sorted(other.parent.glob("*.yaml"))]
                hint = (
                    suggest(self.run, known)
                    or f"write {path} with the run's `start`, or let `authoring rerun` write it"
                )
                raise SourceError(f"the course {text!r} has no run {self.run!r}: there is no {path}", hint=hint)
            changed = _entries(other, path, findings)
            entries |= {name: entry for name, entry in changed.items() if name in ("org", "number", "run")}
            if "run" not in changed and "run" in entries:
                course = read_course_id(entries, findings)
                if course is not None:
                    return str(type(course)(course.org, course.number, self.run))
        course = read_course_id(entries, findings)
        if course is None:
            raise SourceError(f"the course {text!r} has no key", findings, hint="see its course.yaml")
        return str(course)


def _entries(file: Path, path: PurePosixPath, findings: Diagnostics) -> dict[str, Entry]:
    try:
        return dict(parse_mapping(file.read_text("utf-8-sig"), path, 1, findings) or {})
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{file}: cannot be read", hint="check its permissions; it is YAML in UTF-8") from error

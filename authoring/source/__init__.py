"""The course folder: a folder of Markdown and YAML in, a `Course` and what is wrong with it out.

    folder --files--> SourceTree --outline--> Outline --compiler--> Course

The format is described in docs/course-folder.md. `read_course` joins reading and compiling; `read_tree`
alone touches files, `compile_course` is pure.
"""

from __future__ import annotations

from pathlib import Path

from authoring.diagnostics import Diagnostics
from authoring.model import Course
from authoring.source.compiler import compile_course, compile_tree
from authoring.source.files import SourceFile, SourceTree, read_tree, tree_of

__all__ = ["SourceFile", "SourceTree", "compile_course", "compile_tree", "read_course", "read_tree", "tree_of"]


def read_course(folder: Path, run: str | None = None) -> tuple[Course | None, Diagnostics]:
    """Read and compile a course folder; with `run`, as the run that `runs/RUN.yaml` describes.

    All findings are collected, each with file and line; nothing is raised for any content of the folder.
    The course is None when there is an error among them.
    """
    tree, diagnostics = read_tree(folder)
    if tree is None:
        return None, diagnostics
    course, findings = compile_course(tree, run)
    diagnostics.extend(findings)
    return (None if diagnostics.errors else course), diagnostics

"""Golden cases, `title . folder . edits . what happens to the files`, and the little language of their edits.

=== PATH                          opens a file of the folder
set KEY FIELD JSON                a field; `unset KEY FIELD` takes it away
replace KEY JSON JSON             in the content, one text by another
problem KEY JSON JSON             in a problem's Markdown, as Studio's editor would
grading TYPE FIELD JSON           of an assignment type; `cutoff NAME NUMBER`
remove KEY
move KEY PARENT INDEX
order PARENT KEY KEY …
add PARENT INDEX KEY TITLE-JSON CONTENT-JSON
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath

from authoring.markup.problem import compile_problem
from authoring.model import Block, BlockKey, Course
from authoring.source import SourceFile, SourceTree, tree_of
from authoring.writeback import Rewritten
from tests.authoring.writeback.edits import change, without

COURSE = "org: Demo\nnumber: DS101\nrun: 2027_T1\ntitle: Data\ntimezone: Europe/Madrid\n"


@dataclass(frozen=True)
class Case:
    title: str
    line: int
    folder: str
    edits: str
    expected: str


def read_cases(path: Path) -> Iterator[Case]:
    lines = path.read_text("utf-8").split("\n")
    parts: list[list[str]] = [[]]
    start = 1
    for number, line in enumerate(lines, start=1):
        if line == ".":
            parts.append([])
            if len(parts) == 5:
                title, *rest = ("\n".join(part) for part in parts[:4])
                yield Case(title.strip().split("\n")[-1], start, *rest)
                parts, start = [[]], number + 1
        else:
            parts[-1].append(line)


EXAMPLE = re.compile(r'^(`{3,})\w+ title="([^"]+)"\n(.*?)^\1$', re.MULTILINE | re.DOTALL)


@cache
def documented() -> SourceTree:
    """The course of docs/course-folder.md: every component and spelling that there is."""
    text = (Path(__file__).parents[3] / "docs" / "course-folder.md").read_text("utf-8")
    files = {match[2]: match[3] for match in EXAMPLE.finditer(text)}
    names = "images/chart.png images/card.png images/line.png images/blue.png media/lecture-en.srt media/lecture-es.srt"
    files |= {f"static/{name}": name for name in (*names.split(), "media/lecture.mp4", "media/paper.pdf")}
    unit = "01-welcome/01-first-steps"
    return tree_from_files(files | {f"{unit}/11-safety.zip": "zip", f"{unit}/_packages/safety.zip": "zip 2"})


def tree_from(text: str) -> SourceTree:
    """The folder of a case; `the course of docs/course-folder.md` stands for that."""
    if text.strip() == "the course of docs/course-folder.md":
        return documented()
    files: dict[str, str] = {"course.yaml": COURSE}
    path = ""
    for line in text.split("\n"):
        if line.startswith("=== "):
            path = line.removeprefix("=== ")
            files[path] = ""
        elif path:
            files[path] += f"{line}\n"
    return tree_from_files(files)


def tree_from_files(files: dict[str, str]) -> SourceTree:
    found = []
    for path, text in files.items():
        data = text.encode()
        if path.startswith("static/") or path.endswith(".zip"):
            found.append(SourceFile(PurePosixPath(path), Path(path), len(data), digest=f"{len(data):064x}"))
        else:
            found.append(SourceFile(PurePosixPath(path), Path(path), len(data), data=data))
    return tree_of(found)


def apply_edits(course: Course, text: str) -> Course:
    for line in text.strip().split("\n"):
        if line.strip():
            course = _apply(course, line)
    return course


def _apply(course: Course, line: str) -> Course:
    word, _, rest = line.partition(" ")
    name, _, rest = rest.partition(" ")
    if word in ("grading", "cutoff"):
        return _grade(course, word, name, rest)
    key = BlockKey.parse(name)
    blocks = {block.key: block for block in course.blocks()}
    match word:
        case "set":
            field, _, value = rest.partition(" ")
            return change(course, key, lambda b: replace(b, fields={**b.fields, field: json.loads(value)}))
        case "unset":
            return change(course, key, lambda b: replace(b, fields={k: v for k, v in b.fields.items() if k != rest}))
        case "replace":
            decoder = json.JSONDecoder()
            old, end = decoder.raw_decode(rest)
            new = json.loads(rest[end:])
            content = blocks[key].content or ""
            assert old in content, f"{old!r} is not in {content!r}"
            return change(course, key, lambda b: replace(b, content=content.replace(old, new)))
        case "problem":
            decoder = json.JSONDecoder()
            old, end = decoder.raw_decode(rest)
            markdown = str(blocks[key].fields["markdown"])
            assert old in markdown, f"{old!r} is not in {markdown!r}"
            compiled = compile_problem(markdown.replace(old, json.loads(rest[end:])))
            fields = {**blocks[key].fields, "markdown": compiled.studio_markdown}
            return change(course, key, lambda b: replace(b, content=compiled.olx, fields=fields))
        case "remove":
            return replace(course, root=without(course.root, key))
        case "move":
            parent, index = rest.split()
            moved = replace(course, root=without(course.root, key))
            return _put(moved, BlockKey.parse(parent), int(index), blocks[key])
        case "order":
            children = tuple(blocks[BlockKey.parse(word)] for word in rest.split())
            return change(course, key, lambda b: replace(b, children=children))
        case "add":
            index, child, *texts = rest.split(" ", 2)
            decoder = json.JSONDecoder()
            title, end = decoder.raw_decode(texts[0])
            content = json.loads(texts[0][end:])
            fields = {"display_name": title, **({"editor": "raw"} if child.startswith("html/") else {})}
            return _put(course, key, int(index), Block(BlockKey.parse(child), fields, content or None))
    raise ValueError(line)


def _grade(course: Course, word: str, name: str, rest: str) -> Course:
    assert course.grading is not None
    if word == "cutoff":
        cutoffs = {**course.grading.cutoffs, name: float(rest)}
        return replace(course, grading=replace(course.grading, cutoffs=cutoffs))
    field, value = rest.split()
    graders = tuple(
        replace(grader, **{field: json.loads(value)}) if grader.type == name else grader
        for grader in course.grading.graders
    )
    return replace(course, grading=replace(course.grading, graders=graders))


def _put(course: Course, parent: BlockKey, index: int, block: Block) -> Course:
    return change(course, parent, lambda b: replace(b, children=(*b.children[:index], block, *b.children[index:])))


def shown(tree: SourceTree, result: Rewritten) -> str:
    """What happens to the files, for a person to read: moves, deletions, differences."""
    origins = {new: old for old, new in result.moved.items()}
    lines = [f"moved {old} -> {new}" for old, new in sorted(result.moved.items())]
    lines += [f"deleted {path}" for path in sorted(result.deleted)]
    for path, data in sorted(result.written.items()):
        before = tree.files.get(str(origins.get(path, path)))
        old = before.data.decode().split("\n") if before is not None and before.data is not None else []
        new = data.decode().split("\n")
        diff = list(difflib.unified_diff(old, new, lineterm="", n=2))[2:]
        lines += [f"{'changed' if before else 'new'} {path}", *diff]
    return "\n".join(line.rstrip() for line in lines)

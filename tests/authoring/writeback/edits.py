"""Random changes of a course, as people make them in Studio."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random

from authoring.markup.problem import compile_problem
from authoring.model import (
    CHAPTER,
    LIBRARY,
    SEQUENTIAL,
    VERTICAL,
    Block,
    BlockKey,
    Course,
    FieldValue,
    GradingPolicy,
)
from authoring.olx.reader import POINTER_ONLY

Edit = Callable[[Course, Random], Course]

WORDS = [
    "data",
    "Méan & mode",
    "Why: a <question>?",
    "10 % of 'all'",
    "No",
    "2027-01-01",
    "# seven",
    "- dash",
    "x" * 90,
]


def change(course: Course, key: BlockKey, edit: Callable[[Block], Block]) -> Course:
    return replace(
        course,
        root=course.root.transform(lambda block: edit(block) if block.key == key else block),
        detached=tuple(edit(block) if block.key == key else block for block in course.detached),
    )


def _pick(course: Course, random: Random, *categories: str) -> Block | None:
    found = [
        block
        for block in course.root.walk()
        if (block.category in categories or (not categories and block is not course.root))
        and POINTER_ONLY not in block.extra.attributes
    ]
    return random.choice(found) if found else None


def set_fields(course: Course, block: Block | None, **fields: FieldValue) -> Course:
    if block is None:
        return course
    return change(course, block.key, lambda b: replace(b, fields={**b.fields, **fields}))


def rename(course: Course, random: Random) -> Course:
    return set_fields(course, _pick(course, random), display_name=random.choice(WORDS))


def schedule(course: Course, random: Random) -> Course:
    when = random.choice(["2027-03-01T22:59:00Z", "2027-10-31T23:00:00Z", "2028-02-29T10:15:00Z"])
    block = _pick(course, random, CHAPTER, SEQUENTIAL)
    return set_fields(course, block, **{random.choice(["start", "due"]): when})


def hide(course: Course, random: Random) -> Course:
    return set_fields(course, _pick(course, random), visible_to_staff_only=random.choice([True, False]))


def reset(course: Course, random: Random) -> Course:
    block = _pick(course, random)
    if block is None or not block.fields:
        return course
    name = random.choice(sorted(block.fields))
    if name in ("markdown", "markdown_edited"):
        return course
    return change(course, block.key, lambda b: replace(b, fields={k: v for k, v in b.fields.items() if k != name}))


def write(course: Course, random: Random) -> Course:
    block = _pick(course, random, "html")
    if block is None or not block.content:
        return course
    content = block.content
    match random.randrange(4):
        case 0:
            content += '\n<p>One more, with <strong>weight</strong> &amp; a <a href="https://example.org">link</a>.</p>'
        case 1:
            content = "<p>First of all.</p>\n" + content
        case 2:
            words = [word for word in content.split() if word.isalpha()]
            # A whole word: the same letters may stand in the name of an image.
            content = re.sub(rf"(?<!\S){random.choice(words)}(?!\S)", "changed", content, count=1) if words else content
        case _:
            head, end, tail = content.partition("</p>")
            content = tail if end and tail.strip() and head.count("<p>") == 1 and head.startswith("<p>") else content
    return change(course, block.key, lambda b: replace(b, content=content))


def ask(course: Course, random: Random) -> Course:
    """A problem edited in Studio's Markdown editor."""
    block = _pick(course, random, "problem")
    markdown = block.fields.get("markdown") if block is not None else None
    if block is None or not isinstance(markdown, str):
        return course
    lines = markdown.split("\n")
    lines.insert(random.choice([0, len(lines)]), "A line more.\n")
    compiled = compile_problem("\n".join(lines))
    if compiled.diagnostics or compiled.studio_markdown is None:
        return course
    studio, olx = compiled.studio_markdown, compiled.olx
    return change(course, block.key, lambda b: replace(b, content=olx, fields={**b.fields, "markdown": studio}))


def remove(course: Course, random: Random) -> Course:
    block = _pick(course, random)
    if block is None or len(list(course.root.walk())) < 8:
        return course
    return replace(course, root=without(course.root, block.key))


def without(root: Block, key: BlockKey) -> Block:
    return root.transform(lambda b: replace(b, children=tuple(child for child in b.children if child.key != key)))


def shuffle(course: Course, random: Random) -> Course:
    parents = [block for block in course.root.walk() if len(block.children) > 1]
    if not parents:
        return course
    parent = random.choice(parents)
    children = list(parent.children)
    child = children.pop(random.randrange(len(children)))
    children.insert(random.randrange(len(children) + 1), child)
    return change(course, parent.key, lambda b: replace(b, children=tuple(children)))


def move(course: Course, random: Random) -> Course:
    level = random.choice([CHAPTER, SEQUENTIAL, VERTICAL])
    parents = [block for block in course.root.walk() if block.category == level]
    parents = [block for block in parents if POINTER_ONLY not in block.extra.attributes]
    sources = [block for block in parents if block.children]
    if len(parents) < 2 or not sources:
        return course
    source = random.choice(sources)
    target = random.choice([block for block in parents if block is not source])
    child = random.choice(source.children)
    if child.package is not None:
        return course  # a unit that is an OLX file cannot name a package
    at = random.randrange(len(target.children) + 1)
    moved = replace(course, root=without(course.root, child.key))
    return change(moved, target.key, lambda b: replace(b, children=(*b.children[:at], child, *b.children[at:])))


def add(course: Course, random: Random) -> Course:
    level = random.choice([course.root.category, CHAPTER, SEQUENTIAL, VERTICAL])
    parents = [block for block in course.root.walk() if block.category == level]
    if not parents:
        return course
    parent = random.choice(parents)
    if POINTER_ONLY in parent.extra.attributes:
        return course
    new = _new(level, f"n{random.randrange(10**8):08x}", random)
    if any(block.key in {b.key for b in new.walk()} for block in course.blocks()):
        return course
    at = random.randrange(len(parent.children) + 1)
    return change(course, parent.key, lambda b: replace(b, children=(*b.children[:at], new, *b.children[at:])))


def _new(level: str, name: str, random: Random) -> Block:
    title: FieldValue = random.choice(WORDS)
    if level in (VERTICAL, LIBRARY):
        return random.choice([_html, _problem, _video])(name, title)
    below = {"course": CHAPTER, CHAPTER: SEQUENTIAL, SEQUENTIAL: VERTICAL}[level]
    children = tuple(_new(below, f"{name}{n}", random) for n in range(random.randrange(3)))
    return Block(BlockKey(below, name), {"display_name": title}, children=children)


def _html(name: str, title: FieldValue) -> Block:
    return Block(BlockKey("html", name), {"display_name": title}, "<p>New <em>words</em>.</p>\n<ul>\n<li>a</li>\n</ul>")


def _problem(name: str, title: FieldValue) -> Block:
    compiled = compile_problem(">>Six times seven?<<\n\n= 42\n")
    fields: dict[str, FieldValue] = {
        "display_name": title,
        "markdown": compiled.studio_markdown,
        "markdown_edited": True,
    }
    return Block(BlockKey("problem", name), fields, compiled.olx)


def _video(name: str, title: FieldValue) -> Block:
    return Block(BlockKey("video", name), {"display_name": title, "youtube_id_1_0": "abcdefghijk"})


def configure(course: Course, random: Random) -> Course:
    if course.root.category == LIBRARY:
        return course
    fields: dict[str, FieldValue] = random.choice(
        [
            {"start": "2027-05-01T00:00:00Z"},
            {"display_name": "Another: title"},
            {"max_student_enrollments_allowed": 200},
            {"invitation_only": True},
        ]
    )
    return replace(course, root=replace(course.root, fields={**course.root.fields, **fields}))


def grade(course: Course, random: Random) -> Course:
    policy = course.grading or GradingPolicy()
    if policy.graders and random.random() < 0.7:
        graders = tuple(replace(grader, drop_count=random.randrange(3)) for grader in policy.graders)
        return replace(course, grading=replace(policy, graders=graders))
    return replace(course, grading=replace(policy, cutoffs={"Pass": random.choice([0.5, 0.6, 0.75])}))


def page(course: Course, random: Random) -> Course:
    tabs = [block for block in course.detached if block.category in ("static_tab", "about")]
    if tabs and random.random() < 0.7:
        block = random.choice(tabs)
        if random.random() < 0.3:
            return replace(course, detached=tuple(b for b in course.detached if b is not block))
        new = (block.content or "") + "\n<p>Something more.</p>"
        if block.category == "about" and block.url_name not in ("overview", "about_sidebar_html"):
            new = "Something else"
        return change(course, block.key, lambda b: replace(b, content=new))
    new_page = Block(
        BlockKey("static_tab", f"t{random.randrange(10**6)}"), {"display_name": "Häufige Fragen"}, "<p>Hi</p>"
    )
    if any(block.key == new_page.key for block in course.detached):
        return course
    return replace(course, detached=(*course.detached, new_page))


EDITS: tuple[Edit, ...] = (
    rename, schedule, hide, reset, write, write, ask, remove, shuffle, shuffle, move, move, add, add, configure, grade, page,
)  # fmt: skip


def edited(course: Course, random: Random, count: int) -> Course:
    for _ in range(count):
        course = random.choice(EDITS)(course, random)
    return course

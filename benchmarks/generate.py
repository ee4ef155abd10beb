"""Courses of any size for the benchmarks: real-looking Markdown, the same for the same seed."""

from __future__ import annotations

import random
from pathlib import Path

WORDS = [
    "sample",
    "mean",
    "median",
    "spread",
    "chart",
    "axis",
    "value",
    "count",
    "group",
    "measure",
    "error",
    "chance",
    "bias",
    "question",
    "answer",
    "table",
    "population",
    "survey",
    "weight",
    "height",
    "rate",
    "ratio",
    "model",
    "trend",
    "slope",
    "season",
    "noise",
    "signal",
]
PER_UNIT = 4
UNITS = 4
SUBSECTIONS = 5


def sentence(random_: random.Random) -> str:
    words = [random_.choice(WORDS) for _ in range(random_.randint(8, 16))]
    if random_.random() < 0.3:
        words[2] = f"**{words[2]}**"
    if random_.random() < 0.15:
        words[4] = f"`{words[4]}`"
    if random_.random() < 0.15:
        words[5] = f"[{words[5]}](https://example.org/{words[5]})"
    return " ".join(words).capitalize() + "."


def prose(random_: random.Random) -> str:
    """About 1.2 kB of Markdown: a heading, paragraphs, a list, now and then a table."""
    parts = [f"## {random_.choice(WORDS).capitalize()} and {random_.choice(WORDS)}"]
    for _ in range(3):
        parts.append(" ".join(sentence(random_) for _ in range(4)))
    parts.append("\n".join(f"- {sentence(random_)}" for _ in range(4)))
    if random_.random() < 0.3:
        rows = [f"| {random_.choice(WORDS)} | {random_.randint(1, 99)} |" for _ in range(4)]
        parts.append("\n".join(["| what | how many |", "|---|---|", *rows]))
    return "\n\n".join(parts)


def problem(random_: random.Random, name: str) -> str:
    right = random_.randint(2, 40)
    return (
        f":::problem {{#{name}}}\ndisplay_name: Check {name}\nmax_attempts: 2\n---\n"
        f">>What is {right - 1} + 1?<<\n\n( ) {right + 2}\n(x) {right}\n( ) {right - 1}\n:::"
    )


def generate(folder: Path, components: int, seed: int = 1) -> list[str]:
    """Write a course of about `components` components below `folder`; returns the bodies of its units."""
    random_ = random.Random(seed)
    folder.mkdir(parents=True)
    (folder / "course.yaml").write_text(
        f"org: BenchX\nnumber: B{components}\nrun: R1\ndisplay_name: A course of {components} components\n",
        "utf-8",
    )
    texts: list[str] = []
    made = 0
    unit_number = 0
    while made < components:
        unit_number += 1
        chapter, rest = divmod(unit_number - 1, UNITS * SUBSECTIONS)
        subsection = rest // UNITS
        place = (
            folder
            / f"{chapter + 1:03}-section-{chapter + 1}"
            / f"{subsection + 1:02}-part-{chapter + 1}-{subsection + 1}"
        )
        place.mkdir(parents=True, exist_ok=True)
        pieces = []
        for pair in range(PER_UNIT // 2):
            pieces += [prose(random_), problem(random_, f"q{unit_number}-{pair + 1}")]
        made += PER_UNIT
        texts.append("\n\n".join(pieces) + "\n")
        file = place / f"{rest % UNITS + 1:02}-unit-{unit_number}.md"
        file.write_text(f"---\ndisplay_name: Unit {unit_number}\n---\n\n{texts[-1]}", "utf-8")
    return texts

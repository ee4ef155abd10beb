"""Every change here against every change on the platform: what a pull makes of the two, and that nothing of either is lost.

`OUTCOMES` is the table; docs/write-back.md has the same one, and both are held against what the commands do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from authoring.sandbox import DOCUMENTED, OBSERVED
from tests import counting
from tests.conftest import write_tree
from tests.crashing import CrashDesk, Photo, bench
from tests.desk import differences
from tests.studio import Studio

cases = counting.cases["conflicts of a pull"]
WAYS = [("ibl", DOCUMENTED), ("ibl", OBSERVED), ("studio", OBSERVED)]
CHANGES = ("changed", "deleted", "moved", "renamed", "reordered")
KINDS = ("component", "unit")
SUBJECT = {"component": "html/beta", "unit": "vertical/mid"}
HOLDER = {"component": "vertical/mid", "unit": "sequential/first"}

OUTCOMES: dict[tuple[str, str], str] = {
    ("changed", "changed"): "conflict: text",
    ("changed", "deleted"): "conflict: existence",
    ("changed", "moved"): "both",
    ("changed", "renamed"): "both",
    ("changed", "reordered"): "both",
    ("deleted", "changed"): "conflict: existence",
    ("deleted", "deleted"): "deleted",
    ("deleted", "moved"): "conflict: existence",
    ("deleted", "renamed"): "conflict: existence",
    ("deleted", "reordered"): "deleted",
    ("moved", "changed"): "both",
    ("moved", "deleted"): "conflict: existence",
    ("moved", "moved"): "conflict: place",
    ("moved", "renamed"): "both",
    ("moved", "reordered"): "both",
    ("renamed", "changed"): "both",
    ("renamed", "deleted"): "conflict: existence",
    ("renamed", "moved"): "both",
    ("renamed", "renamed"): "conflict: title",
    ("renamed", "reordered"): "both",
    ("reordered", "changed"): "both",
    ("reordered", "deleted"): "deleted",
    ("reordered", "moved"): "both",
    ("reordered", "renamed"): "both",
    ("reordered", "reordered"): "conflict: order",
}
"""(here, on the platform) -> what a pull makes of it; the same for a component and for a unit."""

PARTS = {"data": "text", "display_name": "title"}
FILES: dict[str, str | bytes] = {
    "course.yaml": "org: DemoX\nnumber: C1\nrun: r\ntitle: Conflicts\n",
    "01-one/section.yaml": "title: One\n",
    "01-one/01-first/subsection.yaml": "title: First\n",
    "01-one/01-first/02-left.md": "---\ntitle: Left\n---\nLeft words.\n",
    "01-one/01-first/04-mid.md": "",
    "01-one/01-first/06-right.md": "---\ntitle: Right\n---\nRight words.\n",
    "01-one/02-second/01-other.md": "---\ntitle: Other\n---\n\n:::html {#delta}\ntitle: Delta\n---\nDelta words.\n:::\n",
    "01-one/03-third/01-third-unit.md": "---\ntitle: Third\n---\n\n:::html {#eta}\ntitle: Eta\n---\nEta words.\n:::\n",
}
MID = "01-one/01-first/04-mid.md"
OTHER = "01-one/02-second/01-other.md"
THIRD = "01-one/03-third/01-third-unit.md"


def directive(name: str, title: str = "", text: str = "") -> str:
    return f":::html {{#{name}}}\ntitle: {title or name.title()}\n---\n{text or f'{name.title()} words.'}\n:::\n"


def mid(*directives: str, title: str = "Mid") -> str:
    return "\n".join([f"---\ntitle: {title}\n---\n<!-- a note to ourselves -->\n", *directives])


ALPHA, BETA, GAMMA = (directive(name) for name in ("alpha", "beta", "gamma"))
FILES[MID] = mid(ALPHA, BETA, GAMMA)


@dataclass
class Table:
    """The desk, its photo as of before any change, and Studio beside it."""

    desk: CrashDesk
    studio: Studio
    start: Photo
    beta: str
    """The usage key of the component that is changed, or is in the unit that is."""

    def usage(self, key: str) -> str:
        return next(entry.usage_key for name, entry in self.desk.part().entries.items() if str(name) == key)

    def bytes(self) -> dict[str, bytes]:
        return {path: data for path, data in self.desk.files().items() if not path.startswith(".authoring")}

    def texts(self) -> str:
        return "\n".join(data.decode() for path, data in self.desk.files().items() if path.endswith((".md", ".yaml")))

    def live(self) -> str:
        return str(self.desk.live()["draft"])


@pytest.fixture(scope="module", params=WAYS, ids=lambda way: f"{way[0]}-{way[1].name}")
def table(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    dialect, profile = request.param
    with ExitStack() as stack:
        home = tmp_path_factory.mktemp("table") / "t"
        desk = stack.enter_context(bench(home, profile, dialect, session=True, secrets={}))
        write_tree(desk.folder, dict(FILES))
        desk.push("--publish")
        studio = Studio(desk.server)
        stack.enter_context(closing(studio.http))
        found = Table(desk, studio, desk.photo(), "")
        found.beta = found.usage("html/beta")
        yield found


def change_here(table: Table, kind: str, change: str) -> None:
    """What an author does to the files."""
    folder = table.desk.folder
    if kind == "component":
        beta_there = {
            "01-one/02-second/01-other.md": str(FILES["01-one/02-second/01-other.md"]) + "\n" + BETA,
        }
        write_tree(
            folder,
            {
                "changed": {MID: mid(ALPHA, directive("beta", text="Our words."), GAMMA)},
                "deleted": {MID: mid(ALPHA, GAMMA)},
                "moved": {MID: mid(ALPHA, GAMMA), **beta_there},
                "renamed": {MID: mid(ALPHA, directive("beta", title="Ours"), GAMMA)},
                "reordered": {MID: mid(BETA, ALPHA, GAMMA)},
            }[change],
        )
        return
    path = folder / MID
    match change:
        case "changed":
            path.write_text(mid(ALPHA, directive("beta", text="Our words."), GAMMA), "utf-8")
        case "deleted":
            path.unlink()
        case "moved":
            path.rename(folder / "01-one/02-second/02-mid.md")
        case "renamed":
            path.write_text(mid(ALPHA, BETA, GAMMA, title="Ours"), "utf-8")
        case "reordered":
            path.rename(path.with_name("01-mid.md"))


def children_of(table: Table, usage: str) -> list[str]:
    stack = [table.desk.live()["draft"]]
    while stack:
        row = stack.pop()
        if row["usage"] == usage:
            return [child["usage"] for child in row["children"]]
        stack.extend(row["children"])
    raise AssertionError(f"{usage} is not live")


def change_there(table: Table, kind: str, change: str) -> None:
    """What somebody does in Studio."""
    subject, beta, studio = table.usage(SUBJECT[kind]), table.usage("html/beta"), table.studio
    holder = table.usage(HOLDER[kind])
    match change:
        case "changed":
            studio.update(beta, data="<p>Their words.</p>")
        case "deleted":
            studio.send("DELETE", f"/xblock/{subject}", code=204)
        case "moved":
            target = table.usage({"component": "vertical/third-unit", "unit": "sequential/third"}[kind])
            studio.send("PATCH", "/xblock/", {"move_source_locator": subject, "parent_locator": target})
        case "renamed":
            studio.update(subject, metadata={"display_name": "Theirs"})
        case "reordered":
            order = [child for child in children_of(table, holder) if child != subject]
            studio.update(holder, children=[*order, subject])


def parts_of(report: dict[str, Any]) -> set[str]:
    return {PARTS.get(one["part"], one["part"]) for one in report["conflicts"]}


def settled(table: Table, label: str) -> None:
    """A push has nothing to do, a pull changes no byte, and live and source are one."""
    assert table.desk.push(*PUSH)["operations"] == [], label
    before = table.bytes()
    again = table.desk.report("pull")
    assert (again["taken"], again["conflicts"], again["files"]) == ([], [], []), label
    assert table.bytes() == before, label
    assert differences(table.desk) == [], label


PUSH = ("--delete-removed", "--restore")


def trace(side: str, change: str) -> str | None:
    """The words by which a change is found again."""
    return {
        ("ours", "changed"): "Our words.",
        ("ours", "renamed"): "Ours",
        ("theirs", "changed"): "Their words.",
        ("theirs", "renamed"): "Theirs",
    }.get((side, change))


@pytest.mark.parametrize("there", CHANGES)
@pytest.mark.parametrize("here", CHANGES)
@pytest.mark.parametrize("kind", KINDS)
def test_each_change_against_each(table: Table, kind: str, here: str, there: str) -> None:
    desk, label = table.desk, f"{kind}: {here} here, {there} there"
    desk.put_back(table.start)
    change_here(table, kind, here)
    change_there(table, kind, there)
    both = desk.photo()
    outcome = OUTCOMES[here, there]
    cases[outcome] += 1
    live = table.live()
    report = desk.report("pull", code=8 if outcome.startswith("conflict") else 0)
    if not outcome.startswith("conflict"):
        assert report["conflicts"] == [], label
        desk.push(*PUSH)
        settled(table, label)
        assert (outcome == "both") == is_there(table), label
        for side, change in (("ours", here), ("theirs", there)):
            assert holds(table, trace(side, change)), f"{label}: {side} is lost"
        if outcome == "both":
            assert_in_place(table, kind, here, there, label)
        return
    (one,) = report["conflicts"]
    assert f"conflict: {PARTS.get(one['part'], one['part'])}" == outcome, label
    assert one["block"] == SUBJECT[kind] or outcome in ("conflict: text", "conflict: order"), label
    assert holds(table, trace("ours", here), live=False), f"{label}: ours is lost from the files"
    assert table.live() == live, f"{label}: a pull writes nothing there"
    files = table.bytes()
    assert desk.report("pull", code=8)["conflicts"] == [one], f"{label}: the conflict stands until somebody decides"
    assert table.bytes() == files, label
    desk.push("--delete-removed", code=None)
    assert table.live() == live, f"{label}: a push passes over what stands there"
    for side, change in (("ours", here), ("theirs", there)):
        desk.put_back(both)
        assert desk.report("pull", f"--{side}")["conflicts"] == [], label
        desk.push(*PUSH)
        settled(table, f"{label}, --{side}")
        assert is_there(table) == (change != "deleted"), f"{label}, --{side}"
        assert holds(table, trace(side, change)), f"{label}, --{side}"
    desk.put_back(both)
    desk.run("pull", code=8)
    decide_by_hand(table, kind, here, outcome)
    # What is neither side's stays a conflict, until it is said that the files are right.
    third = outcome in ("conflict: text", "conflict: title")
    assert desk.report("pull", *(["--ours"] if third else []))["conflicts"] == [], label
    desk.push(*PUSH)
    settled(table, f"{label}, by hand")
    if third:
        assert holds(table, "Ours and theirs"), label


def is_there(table: Table) -> bool:
    """Whether the component of both kinds is in the files, and live; it may not be at one of the two alone."""
    key = "html/beta"
    here = any(str(block.key) == key for block in table.desk.course().blocks())
    entry = next((entry for name, entry in table.desk.part().entries.items() if str(name) == key), None)
    there = f"'{table.beta}'" in table.live() or (entry is not None and f"'{entry.usage_key}'" in table.live())
    assert here == there
    return here


def holds(table: Table, words: str | None, *, files: bool = True, live: bool = True) -> bool:
    return words is None or ((not files or words in table.texts()) and (not live or words in table.live()))


def assert_in_place(table: Table, kind: str, here: str, there: str, label: str) -> None:
    """What moved stands where it was moved to, what was reordered in its new place; `settled` holds live against the files."""
    subject = SUBJECT[kind]
    holder = HOLDER[kind]
    if here == "moved":
        holder = {"component": "vertical/other", "unit": "sequential/second"}[kind]
    elif there == "moved":
        holder = {"component": "vertical/third-unit", "unit": "sequential/third"}[kind]
    blocks = {str(block.key): block for block in table.desk.course().blocks()}
    children = [str(child.key) for child in blocks[holder].children]
    assert subject in children, label
    if "moved" not in (here, there) and "reordered" in (here, there):
        assert children.index(subject) == (0 if here == "reordered" else len(children) - 1), label


def decide_by_hand(table: Table, kind: str, here: str, outcome: str) -> None:
    """Of a text or title both sides' words are kept; of all else, the files are made as the platform has it."""
    folder, start = table.desk.folder, table.start.files
    at = {"moved": "01-one/02-second/02-mid.md", "reordered": "01-one/01-first/01-mid.md"}.get(here, MID)
    match outcome:
        case "conflict: text":
            write_tree(folder, {MID: mid(ALPHA, directive("beta", text="Ours and theirs."), GAMMA)})
        case "conflict: title" if kind == "component":
            write_tree(folder, {MID: mid(ALPHA, directive("beta", title="Ours and theirs"), GAMMA)})
        case "conflict: title":
            write_tree(folder, {MID: mid(ALPHA, BETA, GAMMA, title="Ours and theirs")})
        case "conflict: existence" if here == "deleted":
            write_tree(folder, {MID: start[MID]})
        case "conflict: existence" if kind == "component":
            write_tree(folder, {MID: mid(ALPHA, GAMMA), OTHER: start[OTHER]})
        case "conflict: existence":
            (folder / at).unlink()
        case "conflict: place" if kind == "component":
            write_tree(folder, {OTHER: start[OTHER], THIRD: start[THIRD] + f"\n{BETA}".encode()})
        case "conflict: place":
            (folder / at).rename(folder / "01-one/03-third/02-mid.md")
        case "conflict: order" if kind == "component":
            write_tree(folder, {MID: mid(ALPHA, GAMMA, BETA)})
        case _:
            (folder / at).rename(folder / "01-one/01-first/08-mid.md")


def test_the_documentation_has_the_table() -> None:
    text = (Path(__file__).parent.parent / "docs/write-back.md").read_text("utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if re.match(rf"\| ({'|'.join(CHANGES)}) \|", line) and line.count("|") == len(CHANGES) + 2
    ]
    told = {(row[0], there): cell for row in rows for there, cell in zip(CHANGES, row[1:], strict=True)}
    assert told == OUTCOMES
    assert f"| here \\ there | {' | '.join(CHANGES)} |" in text

"""Random edits in Studio and in the files, then pull, push, pull: both sides agree, and nobody's words are lost unsaid.

`AUTHORING_SAMPLE=N` tries N examples of each way.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from authoring.sandbox import DOCUMENTED, OBSERVED
from tests import counting
from tests.conftest import write_tree
from tests.crashing import CrashDesk, Photo, bench
from tests.desk import differences
from tests.studio import Studio
from tests.test_pull import FILES

EXAMPLES = int(os.environ.get("AUTHORING_SAMPLE", "20"))
WAYS = [("ibl", DOCUMENTED), ("ibl", OBSERVED), ("studio", OBSERVED)]
PUSH = ("--delete-removed", "--restore")
UNITS = ("words", "tasks", "last", "alone", "there")
SUBSECTIONS = ("first", "second", "third")
TITLE_WORDS = re.compile(r"^title: .*$", re.M)
counts = counting.cases["edits on both sides"]


@dataclass
class Sides:
    """The desk as of before any edit, Studio beside it, and whose words belong to which block."""

    desk: CrashDesk
    studio: Studio
    start: Photo
    usages: dict[str, str]
    words: dict[str, str]
    """A word that somebody wrote → the block that it was written into."""
    gone: set[str]
    """Blocks that somebody deleted."""

    def word(self, side: str, block: str) -> str:
        found = f"{side}word{len(self.words)}x"
        self.words[found] = block
        return found

    def files(self) -> dict[str, bytes]:
        return {path: data for path, data in self.desk.files().items() if not path.startswith(".authoring")}

    def texts(self) -> str:
        return "\n".join(data.decode() for path, data in self.files().items() if path.endswith((".md", ".yaml")))

    def live(self) -> str:
        return str(self.desk.live()["draft"])

    def file_of(self, unit: str) -> Path | None:
        return next(self.desk.folder.rglob(f"*-{unit}.md"), None)

    # -- in Studio ------------------------------------------------------------------------------------------------------

    def is_live(self, key: str) -> bool:
        return f"'{self.usages[key]}'" in self.live()

    def children(self, key: str) -> list[str]:
        stack = [self.desk.live()["draft"]]
        while stack:
            node = stack.pop()
            if node["usage"] == self.usages[key]:
                return [child["usage"] for child in node["children"]]
            stack += node["children"]
        return []


Edit = Callable[[Sides, Any], None]


def studio_title(sides: Sides, draw: Any) -> None:
    key = draw(st.sampled_from(["chapter/one", "sequential/first", "vertical/words", "vertical/last", "problem/check"]))
    if sides.is_live(key):
        sides.studio.update(sides.usages[key], metadata={"display_name": sides.word("their", key)})


def studio_paragraph(sides: Sides, draw: Any) -> None:
    key = draw(st.sampled_from(["html/words-html-1", "html/last-html-1", "html/there-html-1"]))
    if sides.is_live(key):
        data = sides.studio.read(sides.usages[key])["data"]
        sides.studio.update(sides.usages[key], data=f"{data}<p>{sides.word('their', key)}</p>")


def studio_problem(sides: Sides, draw: Any) -> None:
    """A new one."""
    unit = f"vertical/{draw(st.sampled_from(UNITS))}"
    if sides.is_live(unit):
        place = sides.studio.create(sides.usages[unit], "problem")
        word = sides.word("their", unit)
        olx = f'<problem><numericalresponse answer="4"><label>{word}</label><formulaequationinput/></numericalresponse></problem>'
        sides.studio.update(place, data=olx, metadata={"display_name": "Sum"}, nullout=["markdown"])


def studio_attempts(sides: Sides, draw: Any) -> None:
    if sides.is_live("problem/check"):
        sides.studio.update(sides.usages["problem/check"], metadata={"max_attempts": draw(st.integers(5, 7))})


def studio_move(sides: Sides, draw: Any) -> None:
    unit, target = draw(st.sampled_from(UNITS)), draw(st.sampled_from(SUBSECTIONS))
    place, parent = f"vertical/{unit}", f"sequential/{target}"
    if sides.is_live(place) and sides.is_live(parent) and sides.usages[place] not in sides.children(parent):
        body = {"move_source_locator": sides.usages[place], "parent_locator": sides.usages[parent]}
        sides.studio.send("PATCH", "/xblock/", body)


def studio_delete(sides: Sides, draw: Any) -> None:
    key = draw(st.sampled_from(["video/film", "problem/check", "html/words-html-1", "vertical/last", "vertical/alone"]))
    if sides.is_live(key):
        sides.gone.add(key)
        sides.studio.send("DELETE", f"/xblock/{sides.usages[key]}", code=204)


def studio_reorder(sides: Sides, draw: Any) -> None:
    key = draw(st.sampled_from(["course/course", "sequential/first", "vertical/tasks"]))
    if sides.is_live(key):
        sides.studio.update(sides.usages[key], children=draw(st.permutations(sides.children(key))))


def studio_section(sides: Sides, draw: Any) -> None:
    _, _, unit = sides.studio.chain(sides.usages["course/course"])
    place = sides.studio.create(unit, "html")
    word = sides.word("their", "new section")
    sides.studio.update(place, data=f"<p>{word}</p>", metadata={"display_name": "News"})


def studio_due(sides: Sides, draw: Any) -> None:
    key = f"sequential/{draw(st.sampled_from(SUBSECTIONS))}"
    if sides.is_live(key):
        day = draw(st.integers(1, 28))
        sides.studio.update(sides.usages[key], metadata={"due": f"2027-03-{day:02}T23:59:00Z"})


# -- in the files -------------------------------------------------------------------------------------------------------


def our_paragraph(sides: Sides, draw: Any) -> None:
    unit = draw(st.sampled_from(["words", "last", "there"]))
    file = sides.file_of(unit)
    if file is not None:
        text = file.read_text("utf-8").rstrip("\n")
        file.write_text(f"{text}\n\nAlso {sides.word('our', f'html/{unit}-html-1')}.\n", "utf-8")


def our_title(sides: Sides, draw: Any) -> None:
    unit = draw(st.sampled_from(UNITS))
    file = sides.file_of(unit)
    if file is not None:
        word = sides.word("our", f"vertical/{unit}")
        file.write_text(TITLE_WORDS.sub(f"title: {word}", file.read_text("utf-8"), count=1), "utf-8")


def our_attempts(sides: Sides, draw: Any) -> None:
    file = sides.file_of("tasks")
    if file is not None:
        number = draw(st.integers(3, 5))
        file.write_text(re.sub(r"max_attempts: \d+", f"max_attempts: {number}", file.read_text("utf-8")), "utf-8")


def our_deletion(sides: Sides, draw: Any) -> None:
    unit = draw(st.sampled_from(["last", "alone", "there"]))
    file = sides.file_of(unit)
    if file is not None:
        sides.gone.add(f"vertical/{unit}")
        file.unlink()


def our_move(sides: Sides, draw: Any) -> None:
    unit = draw(st.sampled_from(["last", "alone", "there"]))
    file = sides.file_of(unit)
    target = draw(st.sampled_from(["01-one/01-first", "01-one/02-second", "02-two/01-third"]))
    if file is not None and file.parent != sides.desk.folder / target:
        (sides.desk.folder / target).mkdir(parents=True, exist_ok=True)
        file.rename(sides.desk.folder / target / f"09-{unit}.md")


def our_unit(sides: Sides, draw: Any) -> None:
    word = sides.word("our", "new unit")
    place = draw(st.sampled_from(["01-one/01-first", "02-two/01-third"]))
    write_tree(sides.desk.folder, {f"{place}/00-{word}.md": f"---\ntitle: New\n---\nSay {word}.\n"})


EDITS: tuple[Edit, ...] = (
    *(studio_title, studio_paragraph, studio_problem, studio_attempts, studio_move, studio_delete, studio_reorder),
    *(studio_section, studio_due, our_paragraph, our_title, our_attempts, our_deletion, our_move, our_unit),
)


@pytest.fixture(scope="module", params=WAYS, ids=lambda way: f"{way[0]}-{way[1].name}")
def sides(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    dialect, profile = request.param
    with ExitStack() as stack:
        home = tmp_path_factory.mktemp("sides") / "s"
        desk = stack.enter_context(bench(home, profile, dialect, session=True, secrets={}))
        write_tree(desk.folder, dict(FILES))
        desk.push("--publish")
        studio = Studio(desk.server)
        stack.enter_context(closing(studio.http))
        usages = {str(key): entry.usage_key for key, entry in desk.part().entries.items()}
        usages["course/course"] = desk.live()["draft"]["usage"]
        yield Sides(desk, studio, desk.photo(), usages, {}, set())


@given(data=st.data())
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize="AUTHORING_SAMPLE" not in os.environ,
    phases=[Phase.explicit, Phase.generate],
    database=None,
)
def test_a_fixed_point_is_reached_and_nothing_is_lost(sides: Sides, data: st.DataObject) -> None:
    desk = sides.desk
    desk.put_back(sides.start)
    sides.words.clear()
    sides.gone.clear()
    for edit in data.draw(st.lists(st.sampled_from(EDITS), min_size=1, max_size=8), "edits"):
        edit(sides, data.draw)
        counts[edit.__name__] += 1
    side = data.draw(st.sampled_from(["--ours", "--theirs"]), "resolved for")
    conflicts = desk.report("drift")["conflicts"]
    report = desk.report("pull", side)
    assert report["conflicts"] == [] and report["not_placed"] == []
    desk.push(*PUSH)
    assert desk.push(*PUSH)["operations"] == []
    before = sides.files()
    again = desk.report("pull")
    assert (again["taken"], again["conflicts"], again["files"]) == ([], [], [])
    assert sides.files() == before
    assert differences(desk) == []

    texts, live = sides.texts(), sides.live()
    named = {row["block"] for row in conflicts}
    for word, block in sides.words.items():
        assert (word in texts) == (word in live), f"{word} is at one side alone"
        was_left = word not in texts
        later = any(one > word and sides.words[one] == block and one[0] == word[0] for one in sides.words)
        assert not was_left or named or sides.gone or later, f"{word} of {block} is lost, and nobody said so"

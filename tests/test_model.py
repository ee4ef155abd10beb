"""Authors, a person in Studio, a failing network and a killed process, in any order: nobody's words are lost, none are twice.

Every edit writes a word of its own. An author's word is in the files and, once a push has ended well, live; a person's word is live
and, once a pull has ended well, in the files. A word goes away only when somebody took it away: by resolving a conflict for the other
side, or with the block that somebody deleted.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

import authoring.applier
from authoring.sandbox import DOCUMENTED, OBSERVED, Fault, FaultKind, SandboxServer
from tests.conftest import write_tree
from tests.desk import Desk, differences, ids_of
from tests.studio import Studio

FULL = os.environ.get("AUTHORING_FULL") == "1"
FAULTS = [
    FaultKind.RESET_BEFORE,
    FaultKind.RESET_AFTER,
    FaultKind.ERROR_AFTER,
    FaultKind.ERROR_BEFORE,
    FaultKind.HTML,
    FaultKind.TRUNCATED,
    FaultKind.UNAUTHORIZED,
    FaultKind.DISCARDED,
]
KINDS = ["create", "update", "publish"]


class Together(RuleBasedStateMachine):
    units = Bundle("units")

    @initialize(way=st.sampled_from([("ibl", DOCUMENTED), ("ibl", OBSERVED), ("studio", OBSERVED)]))
    def begin(self, way: Any) -> None:
        self.stack = ExitStack()
        self.home = Path(tempfile.mkdtemp(prefix="model-"))
        self.stack.callback(shutil.rmtree, self.home, ignore_errors=True)
        pauses = authoring.applier.PAUSES
        authoring.applier.PAUSES = (0.0, 0.0, 0.0)
        self.stack.callback(setattr, authoring.applier, "PAUSES", pauses)
        dialect, profile = way
        server = self.stack.enter_context(SandboxServer(self.home / "s.sqlite3", profile))
        folder = write_tree(
            self.home / "course",
            {
                "course.yaml": "org: DemoX\nnumber: M1\nrun: r\ntitle: Model\n",
                "01-a/01-b/01-first.md": "---\ntitle: First\n---\nBegin.\n",
            },
        )
        self.desk = Desk(folder, server, dialect)
        self.studio = Studio(server)
        self.stack.callback(self.studio.http.close)
        self.count = 0
        self.ours: dict[str, str] = {}
        """Words of authors -> unit."""
        self.theirs: dict[str, str] = {}
        """Words of the person in Studio -> unit."""
        self.desk.push()

    def teardown(self) -> None:
        if not hasattr(self, "stack"):
            return
        try:
            self.settle()
        finally:
            self.stack.close()

    # --- what there is

    def word(self) -> str:
        self.count += 1
        return f"word{self.count}x"

    def files(self) -> str:
        return "\n".join(path.read_text("utf-8") for path in sorted(self.desk.folder.rglob("*.md")))

    def live(self) -> str:
        found: list[str] = []

        def visit(node: dict[str, Any]) -> None:
            found.append(str(node["fields"].get("data", "")))
            for child in node["children"]:
                visit(child)

        visit(self.desk.live()["draft"])
        return "\n".join(found)

    def unit_file(self, name: str) -> Path | None:
        return next((path for path in self.desk.folder.rglob("*.md") if path.stem.endswith(name)), None)

    def text_of(self, name: str) -> str | None:
        """The usage key of the unit's first text, as the lock file knows it."""
        entries = self.desk.part().entries.values()
        unit = next((e for e in entries if e.key.category == "vertical" and e.key.url_name == name), None)
        if unit is None:
            return None
        return next((e.usage_key for e in entries if e.parent == unit.key and e.key.category == "html"), None)

    # --- what people do

    @rule(target=units)
    def first(self) -> str:
        return "first"

    @rule(target=units)
    def an_author_adds_a_unit(self) -> str:
        name = f"unit{self.count}"
        word = self.word()
        number = 2 + len(list((self.desk.folder / "01-a/01-b").glob("*.md")))
        write_tree(self.desk.folder, {f"01-a/01-b/{number:02}-{name}.md": f"---\ntitle: {name}\n---\nNew {word}.\n"})
        self.ours[word] = name
        return name

    @rule(unit=units)
    def an_author_writes(self, unit: str) -> None:
        path = self.unit_file(unit)
        if path is None:
            return
        word = self.word()
        path.write_text(path.read_text("utf-8").rstrip("\n") + f"\n\nSays {word}.\n", "utf-8")
        self.ours[word] = unit

    @rule(unit=units)
    def an_author_deletes(self, unit: str) -> None:
        path = self.unit_file(unit)
        if path is None or unit == "first":
            return
        path.unlink()
        self.ours = {word: place for word, place in self.ours.items() if place != unit}

    @rule(unit=units)
    def somebody_writes_in_studio(self, unit: str) -> None:
        place = self.text_of(unit)
        if place is None:
            return
        reply = self.studio.http.get(f"/xblock/{place}")
        if reply.status_code != 200:
            return
        word = self.word()
        self.studio.update(place, data=f"{reply.json()['data']}\n<p>Studio {word}.</p>")
        self.theirs[word] = unit

    @rule(kind=st.sampled_from(FAULTS), call=st.sampled_from(KINDS), skip=st.integers(0, 4), publish=st.booleans())
    def a_push_into_a_fault(self, kind: FaultKind, call: str, skip: int, publish: bool) -> None:
        self.desk.server.faults.add(Fault(kind, call, skip=skip, status=502))
        self.desk.run("push", *(["--publish"] if publish else []), code=None)
        self.desk.server.faults.clear()

    @rule(publish=st.booleans())
    def a_push(self, publish: bool) -> None:
        result = self.desk.run("push", *(["--publish"] if publish else []), code=None)
        assert result.exit_code in (0, 7, 8), result.output
        if result.exit_code == 0:
            live = self.live()
            for word in self.ours:
                assert word in live, f"{word} was pushed and is not live"

    @rule(side=st.sampled_from([None, "--ours", "--theirs"]))
    def a_pull(self, side: str | None) -> None:
        found = self.desk.report("pull", *([side] if side else []), code=None)
        assert "error" not in found, found
        files = self.files()
        if side == "--theirs":  # where both had changed a text, the author chose
            self.ours = {word: unit for word, unit in self.ours.items() if word in files}
        if side == "--ours":
            live_only = {word for word in self.theirs if word not in files}
            self.theirs = {word: unit for word, unit in self.theirs.items() if word not in live_only}
        elif side is None and not found["conflicts"]:
            for word, unit in self.theirs.items():
                assert word in files or self.unit_file(unit) is None, f"{word} was pulled and is not in the files"

    @rule()
    def the_machine_is_lost(self) -> None:
        """The next one has what git has: files and lock file."""
        shutil.rmtree(self.desk.folder / ".authoring", ignore_errors=True)

    # --- what is always so

    @invariant()
    def nobodys_words_are_lost_and_none_are_twice(self) -> None:
        if not hasattr(self, "desk"):
            return
        files, live = self.files(), self.live()
        for word in self.ours:
            assert word in files, f"an author's {word} is gone from the files"
        for word, unit in self.theirs.items():
            gone = self.unit_file(unit) is None
            assert gone or word in live or word in files, f"{word}, written in Studio, is nowhere"
        for word in (*self.ours, *self.theirs):
            assert live.count(word) <= 1, f"{word} is live {live.count(word)} times"
            assert files.count(word) <= 1, f"{word} is in the files {files.count(word)} times"

    def settle(self) -> None:
        """In the end both sides agree, whatever happened."""
        self.desk.server.faults.clear()
        for _ in range(6):
            self.a_pull("--ours")
            result = self.desk.run("push", "--publish", "--delete-removed", "--restore", "--overwrite", code=None)
            if result.exit_code == 0:
                break
        assert result.exit_code == 0, result.output
        assert differences(self.desk) == []
        assert self.desk.push("--publish", "--delete-removed")["operations"] == []
        found = self.desk.report("pull")
        assert (found["taken"], found["files"], found["conflicts"]) == ([], [], [])
        live = self.desk.live()
        for branch in ("draft", "published"):
            ids = ids_of(live[branch])
            assert len(ids) == len(set(ids))


Together.TestCase.settings = settings(
    max_examples=300 if FULL else 12,
    stateful_step_count=25 if FULL else 12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestTogether = Together.TestCase

"""One round: the whole folder with every change, each block in the form that it has come to so far.

    Documents, the wanted Course, State by block  ->  Files

Files that no change concerns are the very same values. Pure.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from authoring.decompile.components import Lines, add_settings, olx_text
from authoring.decompile.folder import by_key
from authoring.decompile.places import HANDOUTS
from authoring.diagnostics import Diagnostics
from authoring.markup.links import Linker, rewrite_html
from authoring.markup.unrender import html_to_markdown
from authoring.model import CHAPTER, LIBRARY, SEQUENTIAL, VERTICAL, Asset, Block, BlockKey, Course
from authoring.olx.reader import POINTER_ONLY
from authoring.source.files import SourceFile
from authoring.source.outline import COURSE_FILE
from authoring.writeback.components import (
    Place,
    State,
    edit_entries,
    edit_piece,
    explicit,
    merge_olx,
    rendered,
)
from authoring.writeback.coursefile import edit_course_file
from authoring.writeback.documents import Document, Documents, Front, index_of, places_of_homes
from authoring.writeback.filing import aside, dumped_title, library_runs, listed_children
from authoring.writeback.layout import Home, Layout, home_key, id_of_path
from authoring.writeback.links import Moves
from authoring.writeback.pieces import Body, Piece, compose
from authoring.writeback.prose import Surroundings
from authoring.writeback.texts import Text, merge3
from authoring.writeback.yamledit import MISSING, CannotEdit, Change, Plain, edit_mapping

SETTINGS = {CHAPTER: "section.yaml", SEQUENTIAL: "subsection.yaml"}


@dataclass(slots=True)
class Files:
    """The folder after the changes. `moved` are files whose place changed, old to new; `copies` are files whose content
    is read from elsewhere."""

    files: dict[str, SourceFile] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    copies: dict[str, Path] = field(default_factory=dict)
    names: dict[BlockKey, str] = field(default_factory=dict)
    """What each component would be called without an id."""
    aside: list[str] = field(default_factory=list)
    """What lay in folders whose blocks are gone, where it lies now."""


class Render:
    """Writes the folder once."""

    def __init__(
        self,
        documents: Documents,
        wanted: Course,
        states: Mapping[BlockKey, State],
        layout: Layout,
        *,
        aligned: bool = False,
    ) -> None:
        self.documents = documents
        self.tree = documents.tree
        self.ours = by_key(documents.ours)
        self.wanted = wanted
        self.states = states
        self.layout = layout
        self.aligned = aligned
        """Whether components without ids are known by more than their place."""
        self.result = Files()
        homes = {key: Home(path, key) for key, path in layout.paths.items()}
        assets = {str(asset.path): asset.name for asset in wanted.assets}
        self.places = places_of_homes(homes, wanted, assets)
        self.index = index_of(homes, self.places, assets)
        self.moves = self._moves()

    def files(self) -> Files:
        handled = {self._old_path(key) for key in self.documents.homes if key not in self.layout.paths} - {None}
        self._carry(frozenset(path for path in handled if path is not None))
        self._course_file()
        self._children(self.wanted.root)
        for block in self.wanted.detached:
            self._page(block)
        self._assets()
        return self.result

    # --- what moves

    def _old_path(self, key: BlockKey) -> str | None:
        home = self.documents.homes.get(key)
        return home.path if home is not None else None

    def _moves(self) -> Moves:
        paths: dict[str, str] = {}
        for key, home in self.documents.homes.items():
            new = self.layout.paths.get(key)
            if new is not None and not (home.is_folder and new.endswith(".xml")):
                paths[home.path] = new
        return Moves(
            paths,
            frozenset((*self.tree.files, *self.tree.folders)) - {""},
            before=lambda href, file: self.documents.linker(PurePosixPath(file))(href, 1),
            after=lambda href, file: Linker(self.index, PurePosixPath(file), Diagnostics())(href, 1),
            name=self.places.relative,
        )

    def _carry(self, gone: frozenset[str]) -> None:
        """All files at their new places, those of blocks (which are written afterwards) and gone ones apart."""
        owned = {home.path for home in self.documents.homes.values() if not home.is_folder}
        settings = {
            path
            for key, home in self.documents.homes.items()
            if home.is_folder and (path := self.documents.settings_path(home.path, key.category)) is not None
        }
        assets = {str(asset.path) for asset in self.documents.ours.assets}
        emptied = {
            home.path
            for key, home in self.documents.homes.items()
            if home.is_folder and (key not in self.layout.paths or self.layout.paths[key].endswith(".xml"))
        }
        for path, file in self.tree.files.items():
            if path in owned or path in settings or path in assets or path == COURSE_FILE:
                continue
            new = aside(path, emptied, self.moves)
            if new != path:
                self.result.aside.append(new)
            else:
                new = self.moves.new(path)
            self._put(new, file, path)

    def _put(self, path: str, file: SourceFile, old: str | None = None) -> None:
        if old is not None and old != path:
            self.result.moved[old] = path
            file = replace(file, path=PurePosixPath(path))
        self.result.files[path] = file

    def _write(self, path: str, text: str, spelling: Text | None = None, old: str | None = None) -> None:
        """A text file; the one that stands at `old` itself when nothing in it changes."""
        before = self.tree.files.get(old) if old is not None else None
        if before is not None and spelling is not None and spelling.text == text:
            self._put(path, before, old)
            return
        data = (spelling or Text("")).encode(text)
        if before is not None and old is not None and old != path:
            self.result.moved[old] = path
        file = before.file if before is not None else Path(path)
        self.result.files[path] = SourceFile(PurePosixPath(path), file, len(data), data=data)

    # --- the outline

    def _state(self, key: BlockKey) -> State:
        return self.states.get(key) or State()

    def _children(self, parent: Block) -> None:
        if parent.category == LIBRARY:
            self._library()
            return
        for block in parent.children:
            path = self.layout.paths.get(home_key(block))
            if path is None:
                continue
            if home_key(block) in self.layout.whole:
                self._olx_file(block, path)
            elif block.category == VERTICAL:
                self._unit(block, path)
            else:
                self._settings(block, path)
                self._children(block)

    def _library(self) -> None:
        for path, blocks in library_runs(self.documents, self.wanted).items():
            document = self.documents.documents.get(path)
            if path.endswith(".xml"):
                if blocks:
                    self._olx_file(blocks[0], path)
                continue
            unit = Block(BlockKey(VERTICAL, id_of_path(path, folder=False)))
            self._name(unit, blocks, Counter())
            front = document.front if document is not None else Front("", "", "", "")
            body = self._compose(document.body if document is not None else None, blocks, document, path)
            text = replace(front, body=body.text()).text()
            self._write(path, text, document.text if document else None, path if document else None)

    def _olx_file(self, block: Block, path: str) -> None:
        old = self._old_path(home_key(block))
        spelling = self.documents.text(old) if old is not None and old.endswith(".xml") else None
        before = self.ours.get(block.key)
        if spelling is not None and old is not None and POINTER_ONLY in block.extra.attributes:
            self._write(path, spelling.text, spelling, old)
            return
        if spelling is not None and before is not None and old is not None:
            relinked = self.moves.relink(spelling.text, old, path)
            state = self._state(block.key)
            changed = self._changed(block)
            if not changed:
                self._write(path, relinked, spelling, old)
                return
            merged = merge_olx(relinked, before, self._named(block)) if state.way < 2 else None
            whole = olx_text(block.transform(explicit))
            if state.way < 2:
                whole = rewrite_html(whole, lambda href, line, image: self.places.relative(href, path), 1)
            self._write(path, merged or whole, spelling, old)
            return
        self._write(path, olx_text(block.transform(explicit)), spelling, None)

    def _named(self, block: Block) -> Block:
        """The block with ids for all parts that need one."""
        return block.transform(lambda part: explicit(part) if self._state(part.key).named else part)

    def _changed(self, block: Block) -> bool:
        """Whether anything in a block that is written as one is to change."""
        return any(part.key in self.states for part in block.walk()) or any(
            part.key in self.states for part in (self.ours.get(block.key) or block).walk()
        )

    def _settings(self, block: Block, path: str) -> None:
        old_folder = self._old_path(block.key)
        old = self.documents.settings_path(old_folder, block.category) if old_folder is not None else None
        name = old.rpartition("/")[2] if old is not None else SETTINGS[block.category]
        spelling = self.documents.text(old) if old is not None else None
        text = spelling.text if spelling is not None else ""
        if self._state(block.key).way == 0 and (old_folder is not None):
            try:
                new = self._edited_settings(text, block, path)
            except CannotEdit:
                new = self._fresh_settings(block, path)
        else:
            new = self._fresh_settings(block, path)
        if old is not None and old_folder is not None:
            new = self.moves.relink(new, old, f"{path}/{name}", options=True)
        if new.strip() or old is not None:
            self._write(f"{path}/{name}", new, spelling, old)
        elif not block.children:
            self._write(f"{path}/{name}", dumped_title(block), None)  # a folder must hold something to be there

    def _edited_settings(self, text: str, block: Block, path: str) -> str:
        place = self._place(PurePosixPath(path) / "section.yaml", PurePosixPath(path) / "section.yaml", None)
        new = edit_entries(text, self.ours.get(block.key), block, self._state(block.key), place)
        return edit_mapping(new, self._own_changes(new, block, path, folder=True))

    def _own_changes(self, text: str, block: Block, path: str, *, folder: bool) -> list[Change]:
        changes: list[Change] = []
        if path and id_of_path(path, folder=folder) != block.url_name:
            written = self.documents.nodes[block.key].entries.get("id") if block.key in self.documents.nodes else None
            if written is None or written.scalar != block.url_name:
                changes.append(Change("id", MISSING, block.url_name, first=True))
        children = self.layout.children.get(block.key)
        if children is not None:
            changes += self._listed(block, children)
        return changes

    def _listed(self, block: Block, names: Sequence[str]) -> list[Change]:
        node = self.documents.nodes.get(block.key)
        entries = node.entries if node is not None else None
        if block is self.wanted.root:
            entries = self.documents.outline.settings
        return listed_children((entries or {}).get("children"), names)

    def _fresh_settings(self, block: Block, path: str) -> str:
        lines = Lines()
        first = {"id": block.url_name} if id_of_path(path, folder=True) != block.url_name else {}
        add_settings(lines, block, self._state(block.key).fixes(), dict(first), frozenset())
        text = lines.text() if lines.lines else ""
        children = self.layout.children.get(block.key)
        return text + (
            edit_mapping("", [Change("children", MISSING, [Plain(name) for name in children])]) if children else ""
        )

    # --- units

    def _unit(self, block: Block, path: str) -> None:
        old = self._old_path(block.key)
        document = self.documents.documents.get(old) if old is not None else None
        if old is not None and old.endswith(".zip"):
            if path.endswith(".zip"):
                self._put(path, self.tree.files[old], old)
                return
            package = f"{posixpath.dirname(path)}/_packages/{posixpath.basename(old)}"
            self._put(package, self.tree.files[old], old)
        self._name(block, block.children, Counter())
        front = document.front if document is not None else Front("", "", "", "")
        yaml = self._front_yaml(front.yaml, block, path, document)
        body = self._compose(document.body if document else None, block.children, document, path, block)
        text = replace(front.with_yaml(yaml), body="").text()
        if document is None or front.with_yaml(yaml).body != front.body:
            lead = "" if not text else "\n"
            text += lead + body.text().lstrip("\n") if body.pieces else ""
        else:
            text += body.text()
        self._write(path, text or "---\n---\n", document.text if document else None, old if document else None)

    def _name(self, unit: Block, children: Sequence[Block], counts: Counter[str]) -> None:
        """The names that places give, as the compiler counts them."""
        for block in children:
            old = self.documents.pieces.get(block.key)
            if old is not None and old.olx and self._state(block.key).way == 0:
                continue
            counts[block.category] += 1
            self.result.names[block.key] = f"{unit.url_name}-{block.category}-{counts[block.category]}"
            self._name(unit, block.children, counts)

    def _front_yaml(self, yaml: str, block: Block, path: str, document: Document | None) -> str:
        state = self._state(block.key)
        own = self._own_changes(yaml, block, path, folder=False)
        if document is not None:
            try:
                place = self._place(document.path, PurePosixPath(path), None)
                new = edit_entries(yaml, self.ours.get(block.key), block, state, place) if state else yaml
                new = edit_mapping(new, own)
            except CannotEdit:
                pass
            else:
                return self.moves.relink(new, str(document.path), path, options=True)
        lines = Lines()
        add_settings(lines, block, state.fixes(), {}, frozenset())
        return edit_mapping(lines.text() if lines.lines else "", own)

    def _compose(
        self,
        old: Body | None,
        children: Sequence[Block],
        document: Document | None,
        path: str,
        unit: Block | None = None,
    ) -> Body:
        anew = unit is not None and self._state(unit.key).way > 0
        pieces = [self._piece(child, path, anew=anew) for child in children]
        before = old if old is not None else Body((), ("\n",))
        if [piece.text for piece in before.pieces if piece.key] == [piece.text for piece in pieces] and [
            piece.key for piece in before.pieces if piece.key
        ] == [piece.key for piece in pieces]:
            return before
        return compose(before, pieces)

    def _piece(self, block: Block, path: str, *, anew: bool = False) -> Piece:
        """A component's new text: what it was, edited, or written anew."""
        state = self._state(block.key)
        old = self.documents.pieces.get(block.key)
        ours = self.ours.get(block.key)
        if old is None or ours is None or anew or state.way > 0:
            return self._rendered(block, path)
        piece: Piece | None = old
        place_name = self.result.names.get(block.key, block.url_name)
        if ours.implicit_id and not self.aligned and not old.olx and place_name != block.url_name:
            state = replace(state, named=True)
        if state.named or block.key in self.states or (old.olx and self._changed(block)):
            piece = edit_piece(
                old,
                ours,
                self._named(block) if old.olx else block,
                state,
                self._place(old.path, PurePosixPath(path), block.key),
            )
        if piece is None:
            return self._rendered(block, path)
        if old.fence is not None and not old.olx and (old.inner is not None or block.children):
            assert piece.fence is not None
            inner = self._compose(old.inner, block.children, None, path)
            body = inner.text() if inner.pieces else ""
            if body != old.fence.body:
                rule = piece.fence.rule or ("---\n" if piece.fence.options and body else "")
                fence = replace(piece.fence, body=body, rule=rule).with_colons(body)
                piece = replace(piece, fence=fence, text=fence.text().rstrip("\n"), inner=inner)
        return self._relinked(piece, str(old.path), path)

    def _relinked(self, piece: Piece, before: str, after: str) -> Piece:
        if piece.fence is None or piece.olx:
            return replace(piece, text=self.moves.relink(piece.text, before, after))
        if piece.inner is not None:  # what it holds is done already
            options = self.moves.relink(piece.fence.options, before, after, options=True)
            fence = replace(piece.fence, options=options)
        else:
            options = self.moves.relink(piece.fence.options, before, after, options=True)
            fence = replace(piece.fence, options=options, body=self.moves.relink(piece.fence.body, before, after))
        return replace(piece, fence=fence, text=fence.text().rstrip("\n"))

    def _rendered(self, block: Block, path: str) -> Piece:
        return rendered(
            block,
            PurePosixPath(path),
            self.states,
            lambda href: self.places.relative(href, path),
            lambda asset: self._package(asset, path),
        )

    def _package(self, asset: Asset, path: str) -> str:
        """The path by which the unit at `path` names a package; the package itself is put there if it is nowhere."""
        folder = posixpath.dirname(path)
        found = next(
            (name for name, file in self.result.files.items() if file.digest == asset.digest and name.endswith(".zip")),
            None,
        )
        if found is None:
            old = next((name for name, file in self.tree.files.items() if file.digest == asset.digest), None)
            found = f"{folder}/_packages/{posixpath.basename(asset.name)}"
            source = asset.file or Path(asset.path)
            file = self.tree.files[old] if old is not None else None
            self.result.files[found] = SourceFile(
                PurePosixPath(found), file.file if file else source, asset.size, digest=asset.digest
            )
            self.result.copies[found] = file.file if file else source
        return posixpath.relpath(found, folder or ".")

    def _place(self, old: PurePosixPath, new: PurePosixPath, key: BlockKey | None) -> Place:
        """What links mean in a file, before anything moves; what is new is named as it will be."""
        linker = self.documents.linker(old)
        made: dict[str, str] = {}
        document = self.documents.documents.get(str(old))

        def back(href: str) -> str:
            known = self.documents.places.relative(href, str(old))
            if known != href:
                return known
            fresh = self.places.relative(href, str(new))
            if fresh != href:
                made[fresh] = href
            return fresh

        def link(href: str, line: int, image: bool) -> str:
            return made.get(href) or linker(href, line, image)

        def asset_path(name: str) -> str | None:
            found = back(f"/static/{name}")
            return None if found.startswith("/static/") else found

        prefix = document.prefixes.get(key, "") if document is not None and key is not None else ""
        others = document.others(key) if document is not None else ()
        around = Surroundings(link, back, others, prefix or (key.url_name if key else "p"))
        assert self.documents.timezone is not None
        return Place(new, around, self.documents.timezone, asset_path)

    # --- pages, the course itself

    def _page(self, block: Block) -> None:
        path = self.layout.paths[block.key]
        old = self._old_path(block.key)
        document = self.documents.documents.get(old) if old is not None else None
        state = self._state(block.key)
        plain = block.category == "about" and block.url_name not in ("overview", "about_sidebar_html")
        if document is not None and old is not None and state.way == 0:
            ours = self.ours[block.key]
            place = self._place(document.path, PurePosixPath(path), block.key)
            front, body = document.front, document.front.body
            try:
                yaml = edit_entries(front.yaml, ours, block, state, place) if block.key in self.states else front.yaml
                if block.key != HANDOUTS:
                    yaml = edit_mapping(yaml, self._own_changes(yaml, block, path, folder=False))
            except CannotEdit:
                yaml = ""
            text = self._page_body(body, ours, block, place, old, plain=plain) if state.content else body
            if text is not None:
                front = front.with_yaml(yaml)
                lead = body[: len(body) - len(body.lstrip("\n"))] if state.content and front.yaml == yaml else ""
                new = replace(front, body=text if not state.content else lead + text.strip("\n") + "\n").text()
                self._write(path, self.moves.relink(new, old, path), document.text, old)
                return
        self._fresh_page(block, path, plain=plain)

    def _page_body(self, body: str, ours: Block, block: Block, place: Place, path: str, *, plain: bool) -> str | None:
        content = block.content or ""
        if plain or not content.strip():
            return content
        if path.lower().endswith((".html", ".htm")):
            base, new = place.around.unlinked(ours.content or ""), place.around.unlinked(content)
            return (merge3(base.strip("\n"), body.strip("\n"), new.strip("\n")) or [new])[0]
        from authoring.writeback.prose import merge_markdown

        return merge_markdown(body, content, place.around)

    def _fresh_page(self, block: Block, path: str, *, plain: bool) -> None:
        stem = path.rpartition(".")[0]
        body, suffix = block.content or "", ".md"
        if not plain and body.strip():
            linked = rewrite_html(body, lambda href, line, image: self.places.relative(href, path), 1)
            markdown = html_to_markdown(linked) if self._state(block.key).way < 2 else None
            body, suffix = (markdown, ".md") if markdown else (linked, ".html")
        lines = Lines()
        first = (
            {"id": block.url_name} if block.key != HANDOUTS and id_of_path(path, folder=False) != block.url_name else {}
        )
        add_settings(lines, block, self._state(block.key).fixes(), dict(first), frozenset())
        head = f"---\n{lines.text()}---\n" if lines.lines or body.startswith("---") else ""
        self._write(f"{stem}{suffix}", f"{head}{body.rstrip(chr(10))}\n")

    def _course_file(self) -> None:
        spelling = self.documents.text(COURSE_FILE)
        assert spelling is not None
        place = self._place(PurePosixPath(COURSE_FILE), PurePosixPath(COURSE_FILE), None)
        root, ours = self.wanted.root, self.documents.ours
        children = self.layout.children.get(root.key)
        more = self._listed(root, children) if children is not None else []
        new = edit_course_file(spelling.text, ours, self.wanted, self._state(root.key), place, more)
        self._write(COURSE_FILE, self.moves.relink(new, COURSE_FILE, COURSE_FILE, options=True), spelling, COURSE_FILE)

    def _assets(self) -> None:
        old = {str(asset.path): asset for asset in self.documents.ours.assets}
        for asset in self.wanted.assets:
            path = str(asset.path)
            before = old.get(path)
            if before is not None and before.digest == asset.digest:
                self._put(path, self.tree.files[path])
                continue
            self.result.files[path] = SourceFile(asset.path, asset.file or Path(path), asset.size, digest=asset.digest)
            if asset.file is not None:
                self.result.copies[path] = asset.file

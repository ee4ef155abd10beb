"""One course folder at one target: the edge where files, lock file, journal, client and planner meet.

    with open_session(folder, target, …) as session:
        plan = session.plan(options)
        applied = session.apply(plan, observer)

Without a target the embedded sandbox serves: a real server on the loopback address, its state in `.authoring/`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from authoring.adoption import LiveContent, match_unclaimed, unclaimed_components
from authoring.announcements import touches_updates
from authoring.applier import Applied, Observer, apply_plan
from authoring.client import Client, Limits
from authoring.comparison import Kind
from authoring.diagnostics import Diagnostics
from authoring.dialects import Capabilities, Dialect, capabilities, dialect_of
from authoring.errors import ApiError, ApplyError, RefusedError, SourceError, StalePlanError
from authoring.exporter import LiveCourse, read_live_course, read_whole_course
from authoring.identity import align_implicit_keys
from authoring.lockfile import (
    PAGES_KEY,
    LockEntry,
    LockPart,
    locked_page_order,
    page_order,
    wanted_state,
    with_arrivals,
    with_orders,
)
from authoring.merge import Side
from authoring.model import LIBRARY, OUTLINE_CATEGORIES, ROOT_KEY, VERTICAL, Asset, Block, BlockKey, Course
from authoring.olx.package import write_archive
from authoring.olx.reader import without_pointers
from authoring.operations import (
    CreateBlock,
    ImportCourse,
    Notice,
    OrderPages,
    Plan,
    ReorderChildren,
)
from authoring.overwriting import changed_there, concerned
from authoring.packages import Packages
from authoring.passports import with_keyring
from authoring.planner import GRADING_KEY, Live, PlanOptions, live_digest, plan_changes
from authoring.pulling import Adoption, Pulled, adopt, pull
from authoring.remote import HeldPassport, RemoteBlock, RemoteCourse, RemoteUpdate
from authoring.sandbox import DOCUMENTED, Profile, SandboxServer
from authoring.settings import Target, sandbox_target
from authoring.source import read_course
from authoring.state import CourseState, local_folder
from authoring.team import team_to_read
from authoring.transport import Transport, choose, import_plan, without_secrets
from authoring.verifying import Verdict, judge, touched_by, without_lost
from authoring.writeback import recover

SANDBOX_FILE = "sandbox.sqlite3"


def load_course(folder: Path, run: str | None = None) -> tuple[Course, Diagnostics]:
    """Read and compile a course folder. Raises SourceError carrying every finding when there is an error among them."""
    recover(folder)  # what a pull that was killed left half written
    course, diagnostics = read_course(folder, run)
    if course is None or diagnostics.errors:
        raise SourceError(f"{folder}: the course cannot be compiled", diagnostics)
    return course, diagnostics


LANDING = 5.0
"""Seconds in which a platform carries out a call whose sender is no longer there. What is read before that may not show it, and
a block would be made twice."""

LATEST = 120.0
"""Seconds since an operation was begun after which none of its calls, nor of its further attempts, can be under way."""


@dataclass(frozen=True, slots=True)
class Session:
    """What the commands work with; made by `open_session`."""

    folder: Path
    course: Course
    diagnostics: Diagnostics
    target: Target
    embedded: bool
    client: Client
    dialect: Dialect
    capabilities: Capabilities
    state: CourseState
    environ: Mapping[str, str]
    packages: Packages
    run: str | None = None
    """The run whose file was read; None for course.yaml's own."""

    def check_packages(self) -> Diagnostics:
        """What is to be said of the course's SCORM packages."""
        return Diagnostics(self.packages.check(self.course))

    def read_live(self) -> Live:
        """What planning needs to know of the target: a number of reads that does not grow with the blocks."""
        doubtful = self._doubtful()
        doubts = {key: others for key, (_, others) in doubtful.items()}
        asked = {place for place, _ in doubtful.values()}
        outline = self.client.read_outline(self.course.id, units=tuple(asked))
        if outline is None:
            return Live()
        gone = self._gone(outline)
        whole = self.state.part
        part = replace(
            whole, entries={key: entry for key, entry in whole.entries.items() if entry.usage_key not in gone}
        )
        contents: dict[str, LiveContent | None] = {}
        while True:
            near = unclaimed_components(self.course, part, outline, contents)
            self._read_contents({key: category for key, category in near.items() if key not in contents}, contents)
            adopted = match_unclaimed(self.course, part, outline, contents, doubts).adopted
            holders = set(self._holders(outline, part.entries, adopted)) - asked
            if not holders:
                break
            asked |= holders
            outline = self.client.read_outline(self.course.id, units=tuple(asked)) or outline
        read = self._needs_pages()
        all_pages = self.client.read_pages(self.course.id) if read else ()
        pages = self._unclaimed_pages(all_pages, contents)
        return Live(
            outline,
            self._live_assets(),
            contents,
            doubts,
            pages,
            self._passports(),
            continued=self.state.continued,
            updates=self._read_updates(),
            team=self._read_team(),
            all_pages=tuple(page.usage_key for page in all_pages) if read and all_pages is not None else None,
            gone=gone,
        )

    def _read_team(self) -> Mapping[str, str] | None:
        emails = team_to_read(self.course.team, self.state.part.entries)
        return self.client.read_roles(self.course.id, emails) if emails else {}

    def _read_updates(self) -> tuple[RemoteUpdate, ...] | None:
        if not touches_updates(self.course, self.state.part.entries):
            return ()
        return self.client.read_updates(self.course.id)

    def _gone(self, outline: RemoteCourse) -> frozenset[str]:
        """Blocks that are to be updated or moved and that the platform no longer has, though the outline does not reach down to them:
        one read each."""
        entries = self.state.part.entries
        wanted = {
            entry.usage_key: block.category
            for block, parent in self.course.root.walk_with_parent()
            if (entry := entries.get(block.key)) is not None
            and entry.usage_key not in outline.blocks
            and block.category not in OUTLINE_CATEGORIES
            and (wanted_state(block) != dict(entry.pushed) or (parent is not None and parent.key != entry.parent))
        }
        if outline.components_known:
            return frozenset()
        found = self.client.read_blocks(wanted.items())
        return frozenset(wanted.keys() - found.keys())

    def _passports(self) -> Mapping[str, HeldPassport] | None:
        """What the course has of the LTI passports that the source declares: one read, where there are any."""
        declared = self.course.lti_passports
        if not declared:
            return None
        values: dict[str, str | None] = {}
        for passport in declared:
            key, secret = self.environ.get(passport.key_env), self.environ.get(passport.secret_env)
            values[passport.lti_id] = f"{passport.lti_id}:{key}:{secret}" if key and secret else None
        return self.client.compare_passports(self.course.id, values)

    def _read_contents(self, wanted: Mapping[str, str], contents: dict[str, LiveContent | None]) -> None:
        contents.update(dict.fromkeys(wanted))
        for usage_key, read in self.client.read_blocks(wanted.items()).items():
            contents[usage_key] = LiveContent(read.content, read.fields)

    def _holders(
        self, outline: RemoteCourse, entries: Mapping[BlockKey, LockEntry], adopted: Mapping[BlockKey, str]
    ) -> Iterator[str]:
        """Live blocks that get new children, or another order of them, and whose children the outline does not tell."""
        for block, parent in self.course.root.walk_with_parent():
            was_in = entries[block.key].parent if block.key in entries and parent is not None else None
            if was_in is not None and was_in in entries and parent is not None and was_in != parent.key:
                holder = outline.blocks.get(entries[was_in].usage_key)
                if holder is not None and holder.children is None:
                    yield holder.usage_key  # it moves away from there
            if all(child.key in entries for child in block.children) and not _may_stand_otherwise(block, entries):
                continue
            place = entries[block.key].usage_key if block.key in entries else adopted.get(block.key)
            known = outline.blocks.get(place) if place else None
            in_outline = parent is None or parent.category in ("course", "chapter", "sequential")
            if known is None and in_outline and outline.lists(block.category):
                continue  # gone: a read of it would be refused
            if place and (known is None or known.children is None):
                yield place

    def _needs_pages(self) -> bool:
        """Whether anything is to be done about pages, so that the live ones must be read."""
        entries = self.state.part.entries
        wanted = {block.key: wanted_state(block) for block in self.course.detached if block.category == "static_tab"}
        known = {key: dict(entry.pushed) for key, entry in entries.items() if key.category == "static_tab"}
        return wanted != known or page_order(self.course) != locked_page_order(entries)

    def _unclaimed_pages(
        self, pages: tuple[RemoteBlock, ...] | None, contents: dict[str, LiveContent | None]
    ) -> tuple[RemoteBlock, ...] | None:
        """The live pages that no lock entry claims."""
        entries = self.state.part.entries
        if pages:
            claimed = {entry.usage_key for entry in entries.values()}
            pages = tuple(page for page in pages if page.usage_key not in claimed)
            self._read_contents({page.usage_key: page.category for page in pages}, contents)
        return pages

    def _doubtful(self) -> dict[BlockKey, tuple[str, frozenset[str]]]:
        """Blocks whose create was never answered → the usage key of their parent, and what stood there before."""
        entries = self.state.part.entries
        root = self.dialect.root_key(self.course.id)
        found: dict[BlockKey, tuple[str, frozenset[str]]] = {}
        for intent in self.state.pending():
            if isinstance(intent.operation, CreateBlock):
                parent = intent.operation.parent
                place = root if parent == ROOT_KEY else entries[parent].usage_key if parent in entries else None
                if place is not None:
                    found[intent.operation.key] = (place, frozenset(intent.operation.others))
        return found

    def _live_assets(self) -> Mapping[str, int | None] | None:
        part = self.state.part
        new = [asset for asset in self.course.assets if asset.name not in part.assets]
        if not new or not self.capabilities.assets:
            return None
        return {asset.name: asset.size for asset in self.client.list_assets(self.course.id)}

    def plan(self, options: PlanOptions, transport: Transport = Transport.CALLS) -> Plan:
        """Read the target and plan. Components that nobody named are first matched with the lock file.

        With a `transport` other than calls a whole new course may go as one OLX archive, which is made here.
        """
        live = self.read_live()
        unanswered = any(isinstance(intent.operation, ImportCourse) for intent in self.state.pending())
        choice = choose(
            self.course, self.state.part, live, self.capabilities, options, transport, unanswered=unanswered
        )
        if choice.archive:
            return self.packages.expect(import_plan(self.course, self.state.part, live, self._archive(), choice.reason))
        plan = plan_changes(self.course, self.state.part, live, capabilities=self.capabilities, options=options)
        if transport is Transport.OLX:
            notice = Notice("no-olx-import", f"the course is sent block by block: {choice.reason}")
            plan = replace(plan, notices=(*plan.notices, notice))
        if not options.overwrite:
            plan = replace(plan, notices=(*plan.notices, *self._changed_there(plan)))
        return self.packages.expect(plan)

    def _changed_there(self, plan: Plan) -> tuple[Notice, ...]:
        """What the plan would write over although it is not what was last pushed: somebody's work. See
        :mod:`authoring.overwriting`."""
        keys = concerned(plan, self.state.part)
        grading = self.client.read_grading(self.course.id) if GRADING_KEY in keys else None
        blocks = keys - {GRADING_KEY}
        live = self.read_course(archive=False, only=blocks) if blocks else None
        remedy = "write what is to hold into its file" if self.run else "`authoring pull` merges it"
        return changed_there(plan, self.state.part, live, grading, remedy)

    def _archive(self) -> Asset:
        """The course as an archive beside the journal; its name says what is in it."""
        file = local_folder(self.folder) / "import.tar.gz"
        write_archive(without_secrets(self.course), file)
        with file.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        name = f"course-{content[:16]}.tar.gz"
        path = PurePosixPath(file.relative_to(self.folder).as_posix())
        return Asset(name, path, content, file.stat().st_size, "application/gzip", file=file)

    def check_fresh(self, plan: Plan) -> None:
        """Raises StalePlanError when the lock file or the live course changed since `plan` was made."""
        remedy = "make a new one: authoring plan DIR --out FILE"
        if plan.target != self.state.part.target or plan.course != self.course.id:
            raise StalePlanError(
                f"the plan is for {plan.course} on {plan.target}", "choose the same --target, or " + remedy
            )
        if plan.lock_digest != self.state.part.digest():
            raise StalePlanError("the lock file changed after the plan was made", remedy)
        if plan.live_digest != live_digest(self.client.read_outline(self.course.id)):
            raise StalePlanError("the course on the platform changed after the plan was made", remedy)

    def read_course(self, *, archive: bool = True, only: frozenset[BlockKey] | None = None) -> LiveCourse | None:
        """The live course as a `Course`, blocks by the names of the lock file; None when there is none."""
        return read_live_course(self.client, self.course.id, self.state.part, only=only, archive=archive)

    def verify(
        self, *, only: frozenset[BlockKey] | None = None, before: LockPart | None = None, archive: bool = True
    ) -> Verdict:
        """Read back and compare with the source: everything, or the blocks `only`. See :mod:`authoring.verifying`.

        Raises StalePlanError when the target has no such course.
        """
        live = self.read_course(archive=archive, only=only)
        if live is None:
            raise StalePlanError(f"there is no course {self.course.id} on {self.target.identity}", "push it first")
        return judge(self.course, live, self.state.part, before=before, only=only)

    def adopt(self) -> Adoption:
        """Match the folder with the live course, without regard to the lock file. See :func:`authoring.pulling.adopt`.

        Raises StalePlanError when there is no live course, NoRouteError when the login does not show its structure.
        """
        live = read_whole_course(self.client, self.course.id)
        if live is None:
            raise StalePlanError(f"there is no course {self.course.id} on {self.target.identity}", "push it instead")
        return adopt(self.course, live, self.state.part.target)

    def pull(self, resolve: Side | None = None, *, dry_run: bool = False, everybody: bool = False) -> Pulled:
        """Bring live changes into the folder; with `dry_run` say only what would be; with `everybody` the whole course team, not only
        those who are declared. See :mod:`authoring.pulling`."""

        def read(files: Path) -> LiveCourse | None:
            return read_live_course(self.client, self.course.id, self.state.part, files=files, everybody=everybody)

        return pull(self.folder, self.state, read, resolve=resolve, dry_run=dry_run)

    def apply_verified(self, plan: Plan, options: PlanOptions, observer: Observer) -> tuple[Applied, Verdict, int]:
        """Run a plan, then read back what it touched; what the platform dropped is sent again, once.

        Returns what was done in all, what the last reading found, and how many differences were sent again.
        """
        before = self.state.part
        try:
            applied = self.apply(plan, observer)
        except ApplyError as error:
            if not isinstance(error.__cause__, RefusedError) or not self._forget_dropped(before):
                raise
            observer.noted(f"the platform dropped a block that it had said it made ({error.message}); it is made again")
            plan = self.plan(options)
            applied = self.apply(plan, observer)
        touched = touched_by(applied.operations)
        if not touched:
            return applied, Verdict(), 0
        verdict = self._read_back(touched, before, observer)
        if not verdict.lost:
            return applied, verdict, 0
        resent = len(verdict.lost)
        self.state.replace(without_lost(self.state.part, verdict.lost))
        observer.noted(f"the platform dropped {resent} changes although it said success; they are sent again")
        again = self.apply(self.plan(options), observer)
        both = replace(
            applied,
            operations=(*applied.operations, *again.operations),
            created={**applied.created, **again.created},
            calls=dict(Counter(applied.calls) + Counter(again.calls)),
            notes=(*applied.notes, *again.notes),
        )
        return both, self._read_back(touched, before, observer), resent

    def _read_back(self, touched: frozenset[BlockKey], before: LockPart, observer: Observer) -> Verdict:
        """Verify what a run touched. All of it was sent: that it cannot be read back now is said, and is no failure."""
        try:
            return self.verify(only=touched, before=before, archive=False)
        except (ApiError, StalePlanError) as error:
            observer.noted(f"what was sent could not be read back ({error.message}); `authoring verify` tries again")
            return Verdict(unread_parts=("everything",))

    def _forget_dropped(self, before: LockPart) -> bool:
        """Take out of the lock file what this run made and the platform does not have; whether there was any."""
        part = self.state.part
        made = frozenset(key for key, entry in part.entries.items() if entry.usage_key and key not in before.entries)
        if not made:
            return False
        try:
            found = self.verify(only=made, before=before, archive=False).lost
        except StalePlanError:  # the course itself
            self.state.replace(LockPart(part.target, part.course))
            return True
        except ApiError:
            return False
        lost = [one for one in found if one.kind is Kind.MISSING]
        if lost:
            self.state.replace(without_lost(part, lost))
        return bool(lost)

    def apply(self, plan: Plan, observer: Observer) -> Applied:
        """Run a plan. Raises SourceError when a package in it cannot be read, ApplyError when it stops part of the way."""
        before = self.state.part
        applied = apply_plan(
            self.packages.prepare(plan),
            client=self.client,
            dialect=self.dialect,
            state=self.state,
            observer=observer,
            environ=self.environ,
        )
        # What both sides have now is the base for telling, later, who changed an order.
        ordered = with_orders(self.state.part, self.course)
        sent = {operation.key for operation in plan.operations if isinstance(operation, ReorderChildren)}
        if any(isinstance(operation, OrderPages) for operation in plan.operations):
            sent.add(PAGES_KEY)
        ordered = _without_unsent_orders(ordered, before, sent, outline_told=self.capabilities.outline)
        if ordered != self.state.part:
            self.state.replace(ordered)
        return applied


def _may_stand_otherwise(block: Block, entries: Mapping[BlockKey, LockEntry]) -> bool:
    """Whether the order of a block's children is not the one that was last the same here and there: it is new in the source, or a
    run was killed before it came to it."""
    known = entries[block.key].children if block.key in entries else None
    return known is not None and known != tuple(child.key for child in block.children)


def _without_unsent_orders(
    ordered: LockPart, before: LockPart, sent: Collection[BlockKey], *, outline_told: bool
) -> LockPart:
    """`ordered` without orders that changed here and were not sent: not every target shows a push the inside of a unit, or what is
    above units, and an order that never arrived is no base, or the next pull would take ours back."""
    entries = dict(ordered.entries)
    for key, entry in ordered.entries.items():
        old = before.entries.get(key)
        told = outline_told and key.category != VERTICAL and key != PAGES_KEY
        if told or key in sent or old is None or not old.children or not entry.children:
            continue
        here = [child for child in entry.children if key == PAGES_KEY or entries[child].parent == key]
        entries[key] = replace(entry, children=with_arrivals(old.children, here) or None)
    return replace(ordered, entries=entries)


@contextmanager
def open_session(
    folder: Path,
    target: Target | None,
    *,
    environ: Mapping[str, str],
    profile: Profile = DOCUMENTED,
    wait: float = 0.0,
    limits: Limits | None = None,
    run: str | None = None,
    tell: Callable[[str], None] = lambda message: None,
) -> Iterator[Session]:
    """Read the course, take its writer lock, connect to the target (None: the embedded sandbox).

    With a `run` the course is that of `runs/RUN.yaml`. Sessions with the same `limits` share what they ask of a platform at once.
    `tell` hears why nothing happens for a while: a call of a process that was killed shortly before may still reach the platform.

    Raises SourceError, LockfileError, BusyError, SettingsError.
    """
    course, diagnostics = load_course(folder, run)
    if course.root.category == LIBRARY:
        hint = "make an archive of it (`authoring export DIR OUT.tar.gz --to olx`) and import that in Studio"
        raise SourceError(f"{folder} is a content library, which no call of the API can make", hint=hint)
    course = without_pointers(course)
    with ExitStack() as stack:
        embedded = target is None
        if target is None:
            server = stack.enter_context(SandboxServer(local_folder(folder) / SANDBOX_FILE, profile))
            target = sandbox_target(server.url)
        state = stack.enter_context(CourseState(folder, target.identity, str(course.id), wait=wait))
        client = stack.enter_context(Client(target, limits=limits))
        if not embedded and any(abs(intent.age) < LATEST for intent in state.pending()):
            tell(f"the last run was ended during a call, which may still arrive: waiting {LANDING:.0f} s for it")
            client.wait(LANDING)
        part: LockPart = state.part
        yield Session(
            folder=folder,
            course=align_implicit_keys(course, part),
            diagnostics=diagnostics,
            target=target,
            embedded=embedded,
            client=client,
            dialect=dialect_of(target),
            capabilities=capabilities(target),
            state=state,
            environ=with_keyring(environ, course),
            packages=Packages(lambda: local_folder(folder)),
            run=run,
        )

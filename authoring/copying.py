"""The platform's copy of a course: asked for once, awaited, and known to the lock file. What a rerun begins with.

    look → (journal the intent, ask) → wait until the copy has every block of ours → put the re-keyed part into the lock file

The new course's key is known beforehand, so there is never a second course. A request that nobody answered, and one that a
killed process left in the journal, is looked for before another is sent. Open edX: cms/djangoapps/contentstore/tasks.py,
`rerun_course`; what it copies and what it does not is in docs/reruns.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from authoring import interrupts
from authoring.applier import Observer
from authoring.errors import (
    ApplyError,
    InterruptedRunError,
    LoginError,
    OutcomeUnknownError,
    RefusedError,
    StalePlanError,
    UnreachableError,
)
from authoring.exporter import read_live_course
from authoring.keys import block_id, is_usage_key
from authoring.lockfile import PACKAGE, Digests, LockEntry, LockPart, digest
from authoring.model import ROOT_KEY, TEAM, CourseId
from authoring.operations import CreateCourse
from authoring.remote import Copying, RemoteCourse
from authoring.rendering import Names, calls_of
from authoring.session import Session

RESET_FIELDS = (
    "start",
    "advertised_start",
    "enrollment_start",
    "enrollment_end",
    "video_upload_pipeline",
    "display_name",
)
"""Course settings that a copy does not have as the course has them (Open edX: contentstore/tasks.py, `rerun_course`)."""

PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between two looks at a copy that is being made; the last one again and again."""
DOUBTS = 3
"""How often is looked for a copy whose request was never answered, before it is sent again; and how often it is sent."""

DOUBT_WAIT = 60.0
"""Seconds to wait for a copy of which nothing is seen, when one request was not answered and the next was refused."""


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at the new course: what the platform says of its copying (None: this login cannot see it), and the ids of its
    blocks (None: there is no such course)."""

    copying: Copying | None
    ids: frozenset[str] | None

    @property
    def begun(self) -> bool:
        return self.copying is Copying.RUNNING or self.ids is not None


def ensure_copy(
    session: Session,
    source: CourseId,
    *,
    wait: float,
    observer: Observer,
    sleep: Callable[[float], None] = interrupts.pause,
) -> bool:
    """See to it that the session's course is there as a copy of `source`, and that the lock file knows its blocks; whether
    that was done now.

    Waits for the platform at most `wait` seconds. Raises StalePlanError when there is nothing to copy, RefusedError when the
    platform refuses or another course has the key, ApplyError when the copy is not complete in time, InterruptedRunError; in
    each case the next call goes on from there.
    """
    if any(entry.usage_key for entry in session.state.part.entries.values()):
        return False
    base = session.state.sibling(str(source))
    if not any(entry.usage_key for entry in base.entries.values()):
        raise nothing_to_copy(source, base.target)
    copying = _Copying(session, source, base, wait, observer, sleep)
    copying.ensure()
    session.state.replace(copying.part())
    session.state.drop_intents(keep=frozenset())
    return True


def nothing_to_copy(source: CourseId, target: str) -> StalePlanError:
    """The error for a course that the lock file does not know."""
    return StalePlanError(
        f"the lock file knows no {source} on {target}: there is nothing to copy",
        "push it first, or make the new run from the folder alone: authoring push DIR --run RUN",
    )


class _Copying:
    def __init__(
        self,
        session: Session,
        source: CourseId,
        base: LockPart,
        wait: float,
        observer: Observer,
        sleep: Callable[[float], None],
    ) -> None:
        self.session = session
        self.client = session.client
        self.source = source
        self.course = session.course.id
        self.base = base
        self.wait = wait
        self.observer = observer
        self.sleep = sleep
        self.doubt: RefusedError | None = None
        """Why a second request was refused while nobody knows of the first."""

    def ensure(self) -> None:
        """Have the copy made, unless it is there, and wait for it."""
        required = self._required()
        asked = any(
            isinstance(intent.operation, CreateCourse) and intent.operation.source is not None
            for intent in self.session.state.pending()
        )
        seen = self._look()
        if not seen.begun:
            if seen.copying is Copying.FAILED:
                raise self._failed()
            self._ask(doubtful=asked)
        elif not asked:
            self._refuse_another(seen, required)
        self._await(required)

    def _required(self) -> frozenset[str]:
        """The ids of the blocks that the copy must have: what was pushed and what the source course still has."""
        outline = self.client.read_outline(self.source)
        if outline is None:
            raise StalePlanError(
                f"{self.base.target} has no course {self.source}: there is nothing to copy",
                f"push it first: authoring push {self.session.folder} --recreate",
            )
        ours = {block_id(entry.usage_key) for entry in self.base.entries.values() if is_usage_key(entry.usage_key)}
        return _ids(outline) & ours

    def _look(self) -> _Look:
        copying = self.client.read_copying(self.course)
        outline = self.client.read_outline(self.course) if copying is not Copying.RUNNING else None
        return _Look(copying, _ids(outline) if outline is not None else None)

    def _failed(self) -> RefusedError:
        return RefusedError(
            f"the platform could not copy {self.source} as {self.course}",
            "Studio's home page says why; dismiss the failed copy there, then run the same command again",
        )

    def _refuse_another(self, seen: _Look, required: frozenset[str]) -> None:
        """Raises RefusedError when what is there is no copy, be it one that is not complete yet."""
        ids = seen.ids
        if ids is None or (required and required & ids) or (not required and not ids):
            return
        raise RefusedError(
            f"there is a course {self.course} already, and it is no copy of {self.source}",
            "choose another --run; or delete that course in Studio, if nobody needs it. If it is a copy that is still being"
            " made, wait and run the same command again",
        )

    def _ask(self, *, doubtful: bool) -> None:
        """Have the copy made. Its intent is on disk before the request leaves."""
        title = self.session.course.root.display_name or self.course.number
        state = self.session.state
        operation = CreateCourse(self.course, title, self.source)
        (call,) = calls_of(operation, self.session.dialect, Names(self.course, lambda _: None, {}))
        intent = state.begin(operation)
        for attempt in range(1, DOUBTS + 1):
            if doubtful and self._appears():
                return
            try:
                self.client.send(call)
            except RefusedError as error:
                if self._appears():
                    return
                if doubtful:  # perhaps because the first request arrived: then the copy will show
                    self.doubt = error
                    return
                state.refuse(intent)
                raise
            except (LoginError, UnreachableError):  # nothing was done
                if not doubtful:
                    state.refuse(intent)
                raise
            except OutcomeUnknownError as error:
                doubtful = True
                if attempt == DOUBTS:
                    raise ApplyError(
                        f"nobody knows whether the platform copies {self.source}: {error.message}",
                        "run the same command again: it looks for the copy first",
                    ) from error
            else:
                return

    def _appears(self) -> bool:
        for number in range(DOUBTS):
            if self._look().begun:
                return True
            self.sleep(PAUSES[number])
        return False

    def _await(self, required: frozenset[str]) -> None:
        """Until the copy is there, whole."""
        waited = 0.0
        for pause in _pauses():
            seen = self._look()
            whole = seen.ids is not None and required <= seen.ids
            if whole and seen.copying is not Copying.RUNNING:
                return
            if seen.ids and required and not required & seen.ids:
                self._refuse_another(seen, required)
            if seen.copying is Copying.FAILED:
                raise self._failed()
            if waited >= (self.wait if seen.begun or self.doubt is None else min(self.wait, DOUBT_WAIT)):
                raise self._unfinished(seen, required)
            if not waited:
                self.observer.noted(f"the platform copies {self.source} as {self.course}")
            if (signal := interrupts.asked()) is not None:
                raise InterruptedRunError(
                    f"interrupted while the platform copies {self.source} as {self.course}; it goes on with it",
                    "run the same command again: it goes on from here",
                    signal=signal,
                )
            self.sleep(pause)
            waited += pause

    def _unfinished(self, seen: _Look, required: frozenset[str]) -> RefusedError | ApplyError:
        if self.doubt is not None and not seen.begun:
            return self.doubt
        lacking = len(required - seen.ids) if seen.ids is not None else 0
        more = f": {lacking} of {len(required)} parts of the outline are not in it" if lacking else ""
        return ApplyError(
            f"the copy {self.course} is not complete after {self.wait:g} s{more}",
            "the platform goes on with it; run the same command again, it goes on waiting",
        )

    # -- the lock file ------------------------------------------------------------------------------------------------

    def part(self) -> LockPart:
        """What is known of the source course, of its copy: the same blocks under the new course's keys.

        The base of what the run changes is what was pushed to the source; of what the platform has set itself it is the live
        value, which nobody edited.
        """
        # A copy has a team of its own: what the source says of it is sent.
        entries = {key: self._entry(entry) for key, entry in self.base.entries.items() if key.category != TEAM}
        part = LockPart(self.base.target, str(self.course), entries, self.base.assets)
        if self.client.capabilities.assets and part.assets:
            there = {asset.name for asset in self.client.list_assets(self.course)}
            part = replace(part, assets={name: asset for name, asset in part.assets.items() if name in there})
        root = entries.get(ROOT_KEY)
        if root is None:
            return part
        live = read_live_course(self.client, self.course, part, only=frozenset([ROOT_KEY]), archive=False)
        fields = live.course.root.fields if live is not None else {}
        pushed = {name: value for name, value in root.pushed.items() if name not in RESET_FIELDS}
        for name in RESET_FIELDS:
            if live is not None and name in fields and live.knows(ROOT_KEY, name):
                pushed[name] = digest(fields[name])
        return part.with_entry(replace(root, pushed=pushed))

    def _entry(self, entry: LockEntry) -> LockEntry:
        old, new = (f"block-v1:{one.org}+{one.number}+{one.run}+" for one in (self.source, self.course))
        usage_key = new + entry.usage_key.removeprefix(old) if entry.usage_key.startswith(old) else entry.usage_key
        published = _copied(entry.published) if entry.published is not None else None
        return replace(entry, usage_key=usage_key, pushed=_copied(entry.pushed), published=published)


def _copied(fields: Digests) -> Digests:
    """Without the package: its files are kept by usage key, so a copy has none (overhangio/openedx-scorm-xblock)."""
    return {name: value for name, value in fields.items() if name != PACKAGE}


def _ids(outline: RemoteCourse) -> frozenset[str]:
    """The ids of the blocks of a course, its own block apart, which is called the same in all courses."""
    return frozenset(block_id(usage) for usage in outline.blocks if is_usage_key(usage) and usage != outline.root)


def _pauses() -> Iterator[float]:
    yield from PAUSES
    while True:
        yield PAUSES[-1]

"""Carrying a plan out: each write once, its intent on disk before it, its outcome before the next.

Comes in: `Declared`, a `State`, a client. Goes out: `Applied`. A create whose answer is lost is looked for; where nobody can look,
the run stops and says so. A row that is refused is told, and what refers to it waits; anything else ends the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from authoring import interrupts
from authoring.calls import Json
from authoring.client import Client
from authoring.declared.adapters import BLIND, DELETES, Adapters
from authoring.declared.comparing import Work, compare, digests, seen_of, values_of, variables_of
from authoring.declared.lists import ListRun
from authoring.declared.lock import Entry
from authoring.declared.model import Declaration, Declared, Ref, UnresolvedError
from authoring.declared.planning import (
    Action,
    Concern,
    Known,
    Notice,
    Operation,
    Options,
    Plan,
    in_order,
    make_plan,
)
from authoring.declared.recording import entry_of_changed, entry_of_created, entry_of_found, notes_of
from authoring.declared.sights import Ids, Seen, Sight, Wanted
from authoring.declared.state import State
from authoring.errors import ApiError, ApplyError, InterruptedRunError, OutcomeUnknownError, RefusedError
from authoring.platform.imports import ImportReport
from authoring.platform.roster_journal import State as RowState
from authoring.settings import Secret

Watch = Callable[[Operation, str], None]
"""Told of each operation and what became of it: `begun`, `done`, `refused`, `waits`."""


class InDoubtError(ApplyError):
    """A create was sent, and neither its answer nor any read tells whether it happened."""

    exit_code = 7


@dataclass(frozen=True, slots=True)
class Applied:
    """What a run did. `refused` are rows that the platform said no to; `notes` what it took otherwise than it was sent."""

    plan: Plan
    done: tuple[Operation, ...] = ()
    refused: tuple[Notice, ...] = ()
    notes: tuple[str, ...] = ()
    ids: Mapping[str, Ids] = field(default_factory=dict)
    imports: tuple[ImportReport, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything that was to be sent was taken."""
        return not self.refused and all(_is_taken(report) for report in self.imports)

    @property
    def exit_code(self) -> int:
        """0 done, 4 partly, 3 nothing, 8 done but the platform differs (docs/commands.md)."""
        if not self.complete:
            return 4 if self.done or self.imports else 3
        return 8 if self.plan.differs else 0

    def to_json(self) -> dict[str, object]:
        return {
            **self.plan.to_json(),
            "done": [one.key for one in self.done],
            "refused": [one.to_json() for one in self.refused],
            "notes": list(self.notes),
            "ids": {key: dict(ids) for key, ids in sorted(self.ids.items())},
            "imports": [report.to_json() for report in self.imports],
        }


def _is_taken(report: ImportReport) -> bool:
    """Whether every row that can be used is done; those that cannot are told by the plan."""
    states = (RowState.DONE, RowState.DONE_BEFORE, RowState.BAD)
    return report.stopped is None and not any(
        count for state, count in report.counts.items() if RowState(state) not in states
    )


class Run:
    """One plan or apply over one file at one target."""

    def __init__(
        self,
        declared: Declared,
        client: Client,
        state: State,
        options: Options,
        *,
        watch: Watch | None = None,
    ) -> None:
        self.declared = declared
        self.options = options
        self._client = client
        self._state = state
        self._secrets: Mapping[str, str] = {}
        self._watch = watch or (lambda operation, what: None)
        self._adapters = Adapters(client)
        self._rows = {row.key: row for row in in_order(declared.rows)}
        self._lists = {one.key: one for one in declared.lists}
        self._sights: dict[str, Sight] = {}
        self._notes: list[str] = []
        self._reports: list[ImportReport] = []

    # -- looking and planning -----------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """Look at what is there, and plan. Nothing is written on the platform. Raises ApiError."""
        entries, hints, intents = self._state.entries, self._state.hints, self._state.intents
        for key, row in self._rows.items():
            known = self._known_ids(key, entries, hints)
            self._sights[key] = self._look(row, known)
        surveys = {key: self._list_run(key).survey() for key in self._lists}
        known_before = Known(
            entries,
            {key: intent.digests for key, intent in intents.items()},
            self._state.known,
            DELETES,
            BLIND,
        )
        return make_plan(self.declared, known_before, self._sights, surveys, self.options)

    def _look(self, row: Declaration, known: Ids) -> Sight:
        adapter = self._adapters.of(row.key)
        sight = adapter.look(row, known, self._find)
        if row.key in self.options.created and sight.seen is not Seen.FOUND:
            raise RefusedError(
                f"--created {row.key}: the platform has no such row; nothing was sent",
                "give the id that the platform has",
            )
        if known and sight.seen is Seen.ABSENT:
            sight = adapter.look(row, {}, self._find)  # another one in its place, perhaps
        return sight

    def _list_run(self, key: str) -> ListRun:
        return ListRun(self._lists[key], self._client, self.declared.run, self._secrets)

    def _known_ids(self, key: str, entries: Mapping[str, Entry], hints: Mapping[str, Entry]) -> Ids:
        if key in self.options.created:
            told = self.options.created[key]
            return {"id": int(told) if told.isdigit() else told}
        held = entries.get(key)
        if held is not None and not held.begun:
            return held.ids
        hint = hints.get(key)
        return {} if hint is None or key in self.options.not_created else hint.ids

    def _find(self, ref: Ref) -> Json:
        sight = self._sights.get(ref.key)
        if sight is None or sight.seen is not Seen.FOUND or sight.ids.get(ref.attribute) is None:
            raise UnresolvedError(str(ref))
        return sight.ids[ref.attribute]

    # -- doing --------------------------------------------------------------------------------------------------------

    def variables(self, plan: Plan) -> tuple[str, ...]:
        """The names of the secrets that a plan sends, sorted."""
        found: set[str] = set()
        for operation in plan.operations:
            row = self._rows.get(operation.key)
            one = self._lists.get(operation.key)
            if operation.action is Action.IMPORT and one is not None and one.password is not None:
                found.add(one.password.name)
            elif row is not None and operation.action in (Action.CREATE, Action.UPDATE):
                named = variables_of(row)
                found |= {named[name] for name in operation.fields if name in named}
        return tuple(sorted(found))

    def apply(self, plan: Plan, secrets: Mapping[str, str]) -> Applied:
        """Carry a plan out; `secrets` has the values of `variables`. Raises ApplyError (InDoubtError), InterruptedRunError, LockfileError."""
        self._secrets = secrets
        done: list[Operation] = []
        refused: list[Notice] = []
        for operation in plan.operations:
            _stop_if_asked(len(done), len(plan.operations) - len(done))
            self._watch(operation, "begun")
            try:
                self._do(operation)
            except (RefusedError, UnresolvedError) as error:
                why = error.message if isinstance(error, RefusedError) else f"it waits for {error}"
                where = operation.where
                hint = error.hint if isinstance(error, RefusedError) else None
                refused.append(Notice(Concern.WAITS, operation.key, why, hint, where))
                self._watch(operation, "refused")
                continue
            except ApiError as error:
                left = len(plan.operations) - len(done)
                raise _stopped(error, operation, len(done), left) from error
            done.append(operation)
            self._watch(operation, "done")
        ids = {key: sight.ids for key, sight in self._sights.items() if sight.seen is Seen.FOUND and sight.ids}
        return Applied(plan, tuple(done), tuple(refused), tuple(self._notes), ids, tuple(self._reports))

    def _do(self, operation: Operation) -> None:
        row = self._rows.get(operation.key)
        if operation.action is Action.IMPORT:
            self._reports.append(self._import(operation.key))
        elif operation.action is Action.DELETE:
            entry = self._state.entries[operation.key]
            self._adapters.of(operation.key).delete(operation.key, entry.ids)
            self._state.drop(operation.key)
        elif row is None:
            self._state.drop(operation.key)
        elif operation.action is Action.CREATE:
            self._create(row)
        else:
            self._change(row)

    def _import(self, key: str) -> ImportReport:
        fresh = key not in self._state.entries
        if fresh:
            # Whoever finds this line without the journal of people looks each row up before sending it.
            self._state.finish(Entry(key, begun=True))
            self._state.save()
        return self._list_run(key).run(lookup=not fresh, advance=lambda count: _stop_if_asked())

    def _create(self, row: Declaration) -> None:
        adapter = self._adapters.of(row.key)
        values, waiting = values_of(row, self._find)
        if waiting:
            raise UnresolvedError(str(row.fields[waiting[0]]))
        wanted = Wanted(row, values, frozenset(values), self._secrets_of(row))
        first = {name: value for name, value in values.items() if name not in adapter.later}
        blind = row.kind in BLIND or self._sights[row.key].seen is Seen.UNTOLD
        self._state.begin(row.key, digests(first), mark=blind)
        try:
            sight = adapter.create(wanted)
        except OutcomeUnknownError as error:
            sight = self._after_silence(row, error)
        except ApiError:
            self._state.refuse(row.key)
            raise
        if sight.partly:
            # It stays open: the user says when it is whole.
            raise InDoubtError(f"{row.key}: {sight.said}", _answer(row, "look in the platform's administration"))
        self._sights[row.key] = sight
        self._state.finish(entry_of_created(row, sight, values, adapter.later))
        self._notes += notes_of(row, sight, first)
        if any(name in adapter.later for name in values):
            self._change(row, created=True)

    def _after_silence(self, row: Declaration, error: OutcomeUnknownError) -> Sight:
        """What became of a create that was not answered. Raises the error where it is not to be found now: the next run looks
        again; InDoubtError where nobody can look."""
        if row.kind in BLIND:
            raise _in_doubt(row, error, "the platform has no read that tells") from error
        self._adapters.forget(row.key)
        try:
            sight = self._adapters.of(row.key).look(row, {}, self._find)
        except ApiError:
            raise error from None
        if sight.seen is Seen.FOUND:
            return sight
        if sight.seen is Seen.ABSENT:
            raise error
        raise _in_doubt(row, error, sight.said or "the platform does not show whether it is there") from error

    def _change(self, row: Declaration, *, created: bool = False) -> None:
        sight = self._sights[row.key]
        entry = self._state.entries.get(row.key)
        entry = None if entry is not None and entry.begun else entry
        intent = None if created else self._state.intents.get(row.key)
        work = self._compared(row, sight, entry, intent.digests if intent is not None else None)
        if not work.send:
            self._state.finish(entry_of_found(row, sight, work, entry))
            return
        waiting = [name for name in work.send if name not in work.values and name not in variables_of(row)]
        if waiting:
            raise UnresolvedError(str(row.fields[waiting[0]]))
        names = frozenset(work.send)
        wanted = Wanted(row, work.values, names, self._secrets_of(row, names), sight)
        if entry is None:
            # Taken over: what it is called goes into the lock file, whatever becomes of the change.
            self._state.finish(Entry(row.key, sight.ids, {}, seen_of(sight, work.left), origins=row.origins))
        sent = {name: value for name, value in work.values.items() if name in names}
        self._state.begin(row.key, digests(sent))
        try:
            changed = self._adapters.of(row.key).change(wanted)
        except OutcomeUnknownError:
            raise  # the intent stays: the next run compares
        except ApiError:
            self._state.refuse(row.key)
            raise
        self._sights[row.key] = changed
        self._state.finish(entry_of_changed(row, changed, work, self._state.entries.get(row.key)))
        self._notes += notes_of(row, changed, sent)

    def _compared(self, row: Declaration, sight: Sight, entry: Entry | None, begun: Mapping[str, str] | None) -> Work:
        options = self.options
        return compare(
            row, sight, entry, begun, self._find, overwrite=options.overwrite, send_secrets=options.send_secrets
        )

    def _secrets_of(self, row: Declaration, names: frozenset[str] | None = None) -> dict[str, Secret]:
        return {
            name: Secret(self._secrets[variable])
            for name, variable in variables_of(row).items()
            if names is None or name in names
        }


def _stop_if_asked(done: int = 0, remaining: int = 0) -> None:
    """Between two calls, when all that was answered is recorded. Raises InterruptedRunError."""
    if (signal := interrupts.asked()) is not None:
        hint = "run the same command again: it goes on from here"
        raise InterruptedRunError("interrupted between two calls", hint, signal=signal, done=done, remaining=remaining)


def _in_doubt(row: Declaration, error: OutcomeUnknownError, seen: str) -> InDoubtError:
    return InDoubtError(
        f"{row.key}: a create was sent and not answered ({error.message}), and {seen}",
        _answer(row, "look in the platform's pages"),
    )


def _answer(row: Declaration, first: str) -> str:
    return f"{first}, then run again with --created {row.key}=ID or --not-created {row.key}"


def _stopped(error: ApiError, operation: Operation, done: int, remaining: int) -> ApplyError:
    told = ApplyError(
        f"{operation.action} {operation.key}: {error.message}",
        error.hint or "run the same command again: it goes on from here",
        done=done,
        remaining=remaining,
    )
    if not done and not isinstance(error, OutcomeUnknownError):
        told.exit_code = error.exit_code
    return told

"""From what is declared, known and seen to what is to be done. Pure.

Comes in: `Declared`, the entries of the lock file, the writes without an outcome, a `Sight` of each row, what is left to do of lists.
Goes out: a `Plan`: operations in order, what is referred to first; and notices, of which some want a word from the user.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from authoring.calls import Json
from authoring.declared.comparing import Work, compare
from authoring.declared.kinds import LINK, ORDER, TENANT
from authoring.declared.lock import Entry
from authoring.declared.model import Declaration, Declared, PeopleList, Ref, UnresolvedError
from authoring.declared.sights import Find, Seen, Sight
from authoring.model import SourceLocation


@dataclass(frozen=True, slots=True)
class Options:
    """What a plan may do. `created` and `not_created` are the user's answers about creates whose outcome nobody can look up."""

    launch_tenant: bool = False
    issue: bool = False
    delete: bool = False
    overwrite: bool = False
    send_secrets: bool = False
    created: Mapping[str, str] = field(default_factory=dict)
    not_created: frozenset[str] = frozenset()


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    LINK = "link"
    UNLINK = "unlink"
    DELETE = "delete"
    RECORD = "record"
    """Nothing is sent: what is there already goes into the lock file."""
    IMPORT = "import"
    """A list of people."""

    @property
    def writes(self) -> bool:
        return self is not Action.RECORD


@dataclass(frozen=True, slots=True)
class Operation:
    """One step. `fields` are those that are sent; `added` and `removed` the items of lists that come in and go out."""

    action: Action
    key: str
    reason: str
    where: SourceLocation | None = None
    fields: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        return {
            "action": str(self.action),
            "row": self.key,
            "reason": self.reason,
            "where": str(self.where) if self.where else None,
            "fields": list(self.fields),
            "added": list(self.added),
            "removed": list(self.removed),
        }


class Concern(StrEnum):
    """What a notice is about."""

    DOUBT = "doubt"
    """Nobody can say whether it was made: nothing is sent until the user does."""
    THEIRS = "theirs"
    """Somebody else changed it: left as it is."""
    FIXED = "fixed"
    """The platform has no call that changes it."""
    REMOVED = "removed"
    """No longer declared: left as it is."""
    WITHHELD = "withheld"
    """Needs its own flag."""
    BAD_ROWS = "bad-rows"
    WAITS = "waits"
    """For something else that is not done."""

    @property
    def stops(self) -> bool:
        """Whether nothing may be sent before the user has spoken."""
        return self is Concern.DOUBT

    @property
    def differs(self) -> bool:
        """Whether the platform is not as declared because of it."""
        return self in (Concern.THEIRS, Concern.FIXED, Concern.WAITS, Concern.BAD_ROWS)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that is not done, and what to do about it."""

    concern: Concern
    key: str
    message: str
    hint: str | None = None
    where: SourceLocation | None = None

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.key}: {self.message}"

    def to_json(self) -> dict[str, object]:
        return {
            "concern": str(self.concern),
            "row": self.key,
            "message": self.message,
            "hint": self.hint,
            "where": str(self.where) if self.where else None,
        }


@dataclass(frozen=True, slots=True)
class Survey:
    """How a list of people stands: how many rows are still to be sent, and which cannot be."""

    rows: int
    todo: int
    bad: tuple[tuple[int, str], ...] = ()
    """`(line, what is wrong)`, the first ones."""
    bad_count: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done, in order, and what would not."""

    operations: tuple[Operation, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def writes(self) -> tuple[Operation, ...]:
        return tuple(one for one in self.operations if one.action.writes)

    @property
    def doubts(self) -> tuple[Notice, ...]:
        return tuple(notice for notice in self.notices if notice.concern.stops)

    @property
    def differs(self) -> bool:
        """Whether something stays otherwise than declared when all operations are done."""
        return any(notice.concern.differs for notice in self.notices)

    def to_json(self) -> dict[str, object]:
        return {
            "operations": [one.to_json() for one in self.operations],
            "notices": [one.to_json() for one in self.notices],
        }


@dataclass(frozen=True, slots=True)
class Known:
    """What is known before looking: the lock file's entries, writes without an outcome (digests by key), whether this machine's
    journal has seen a run, which kinds can be deleted, and for which a row that is not seen may have been made all the same."""

    entries: Mapping[str, Entry]
    begun: Mapping[str, Mapping[str, str]]
    journal: bool
    deletes: frozenset[str]
    blind: frozenset[str]


def in_order(rows: tuple[Declaration, ...]) -> tuple[Declaration, ...]:
    """What is referred to first; else by kind, and as the file has them."""
    by_key = {row.key: row for row in rows}
    done: dict[str, Declaration] = {}

    def put(row: Declaration) -> None:
        if row.key in done:
            return
        for key in row.needs():
            if key in by_key:
                put(by_key[key])
        done[row.key] = row

    for row in sorted(rows, key=lambda one: (ORDER.index(one.kind), one.name, one.scope)):
        put(row)
    return tuple(done.values())


def make_plan(
    declared: Declared,
    known: Known,
    sights: Mapping[str, Sight],
    surveys: Mapping[str, Survey],
    options: Options,
) -> Plan:
    """The plan. The same values give the same plan."""
    operations: list[Operation] = []
    notices: list[Notice] = []
    held_back: set[str] = set()

    def find(ref: Ref) -> Json:
        sight = sights.get(ref.key)
        if sight is None or sight.seen is not Seen.FOUND or sight.ids.get(ref.attribute) is None:
            raise UnresolvedError(str(ref))
        return sight.ids[ref.attribute]

    rows = in_order(declared.rows)
    for row in rows:
        blocking = [key for key in row.needs() if key in held_back]
        if blocking:
            notices.append(Notice(Concern.WAITS, row.key, f"it waits for {blocking[0]}", where=row.where))
            held_back.add(row.key)
            continue
        done, said = _row(row, known, sights[row.key], options, find)
        operations += done
        notices += said
        if any(notice.concern is not Concern.FIXED and sights[row.key].seen is not Seen.FOUND for notice in said):
            held_back.add(row.key)
    for one in declared.lists:
        survey = surveys[one.key]
        operations += _list_work(one, survey)
        notices += _bad_rows(one, survey)
    operations = _with_lists_in_place(operations)
    gone, said = _removed(declared, known, options)
    return Plan((*operations, *gone), (*notices, *said))


def _with_lists_in_place(operations: list[Operation]) -> list[Operation]:
    """Lists of people where their kind belongs: users first of all, enrolments before what people are given."""
    kinds = {kind: number for number, kind in enumerate(ORDER)}
    users = [one for one in operations if one.key.startswith("users/")]
    enrolments = [one for one in operations if one.key.startswith("enrolments/")]
    others = [one for one in operations if one not in users and one not in enrolments]
    before = [one for one in others if kinds[one.key.partition("/")[0]] < kinds["users"]]
    after = [one for one in others if kinds[one.key.partition("/")[0]] > kinds["enrolments"]]
    middle = [one for one in others if one not in before and one not in after]
    return [*before, *users, *middle, *enrolments, *after]


# -- one row ------------------------------------------------------------------------------------------------------------


def _row(
    row: Declaration, known: Known, sight: Sight, options: Options, find: Find
) -> tuple[list[Operation], list[Notice]]:
    entry = known.entries.get(row.key)
    begun = known.begun.get(row.key)
    if sight.seen is Seen.FOUND:
        return _found(row, entry, begun, sight, options, find)
    if sight.seen is Seen.SEVERAL:
        hint = f"say which is meant: --created {row.key}=ID"
        return [], [Notice(Concern.DOUBT, row.key, sight.said, hint, row.where)]
    withheld = _withheld(row, options)
    if withheld is not None:
        return [], [withheld]
    open_question = begun is not None or (entry is not None and entry.begun)
    if row.key not in options.not_created:
        if sight.seen is Seen.UNTOLD and (open_question or not known.journal or row.kind in known.blind):
            return [], [_doubt(row, sight, open_question)]
        if row.kind in known.blind and open_question:
            return [], [_doubt(row, sight, open_question)]
    if entry is not None and not entry.begun and not options.overwrite and row.key not in options.not_created:
        ids = ", ".join(f"{name} {value}" for name, value in entry.ids.items())
        message = f"somebody deleted it on the platform ({ids})"
        return [], [Notice(Concern.THEIRS, row.key, message, "--overwrite makes it anew", row.where)]
    reason = "it is not there yet"
    if begun is not None:
        reason = "a create was sent and never answered; it was looked for and is not there"
    elif entry is not None:
        reason = "it was deleted on the platform, and is made anew"
    return [Operation(Action.CREATE, row.key, reason, row.where, tuple(row.fields))], []


def _withheld(row: Declaration, options: Options) -> Notice | None:
    if row.kind == TENANT and not options.launch_tenant:
        return Notice(Concern.WITHHELD, row.key, "not launched", "--launch-tenant launches it", row.where)
    if row.kind == "assertions" and not options.issue:
        return Notice(Concern.WITHHELD, row.key, "not issued: people would be told", "--issue issues it", row.where)
    return None


def _doubt(row: Declaration, sight: Sight, begun: bool) -> Notice:
    sent = "a create was sent that is not known to have succeeded" if begun else "a run elsewhere may have made it"
    seen = sight.said or "the platform does not show whether it is there"
    hint = f"look in the platform's pages, then say --created {row.key}=ID or --not-created {row.key}"
    return Notice(Concern.DOUBT, row.key, f"{sent}, and {seen}; nothing was sent", hint, row.where)


def _found(
    row: Declaration,
    entry: Entry | None,
    begun: Mapping[str, str] | None,
    sight: Sight,
    options: Options,
    find: Find,
) -> tuple[list[Operation], list[Notice]]:
    known = entry if entry is not None and not entry.begun else None
    work = compare(row, sight, known, begun, find, overwrite=options.overwrite, send_secrets=options.send_secrets)
    notices = [
        Notice(
            Concern.THEIRS if one.forced else Concern.FIXED,
            row.key,
            f"{one.field}: {one.why}; it is left as it is",
            "--overwrite sends yours"
            if one.forced
            else "change it in the platform's own pages, or declare another row",
            row.where,
        )
        for one in work.left
    ]
    if work.send:
        action, reason = _kind_of_change(row, work)
        return [Operation(action, row.key, reason, row.where, work.send, work.added, work.removed)], notices
    if known is None or begun is not None or is_news(row, work, sight, known):
        reason = "it is there already" if known is None else "it is as declared"
        return [Operation(Action.RECORD, row.key, reason, row.where)], notices
    return [], notices


def is_news(row: Declaration, work: Work, sight: Sight, entry: Entry) -> bool:
    """Whether the lock file says something else than what is there."""
    return (
        dict(work.sent) != dict(entry.sent)
        or dict(work.seen) != dict(entry.seen)
        or dict(work.links) != dict(entry.links)
        or dict(sight.ids) != dict(entry.ids)
        or row.origins != entry.origins
    )


def _kind_of_change(row: Declaration, work: Work) -> tuple[Action, str]:
    if row.kind == LINK:
        return Action.LINK, "the course has another mentor, or none"
    lists = work.added or work.removed
    if lists and len(work.send) == 1:
        if not work.added:
            return Action.UNLINK, f"no longer in the list: {', '.join(work.removed)}"
        if not work.removed:
            return Action.LINK, f"not in the list yet: {', '.join(work.added)}"
        return Action.LINK, f"{', '.join(work.added)} in the place of {', '.join(work.removed)}"
    return Action.UPDATE, f"changed: {', '.join(work.send)}"


# -- lists of people ----------------------------------------------------------------------------------------------------


def _list_work(one: PeopleList, survey: Survey) -> Iterator[Operation]:
    if survey.todo:
        reason = f"{survey.todo} of {survey.rows} rows are not done"
        yield Operation(Action.IMPORT, one.key, reason, one.where)


def _bad_rows(one: PeopleList, survey: Survey) -> Iterator[Notice]:
    if survey.bad_count:
        first = "; ".join(f"line {line}: {what}" for line, what in survey.bad[:5])
        more = f" (and {survey.bad_count - 5} more)" if survey.bad_count > 5 else ""
        message = f"{survey.bad_count} of {survey.rows} rows cannot be used: {first}{more}"
        yield Notice(Concern.BAD_ROWS, one.key, message, "mend them; the other rows are done", one.where)


# -- what is no longer declared -----------------------------------------------------------------------------------------


def _removed(declared: Declared, known: Known, options: Options) -> tuple[list[Operation], list[Notice]]:
    rows = {row.key for row in declared.rows} | {one.key for one in declared.lists}
    origins = {(row.kind, row.name, row.origins) for row in declared.rows}
    operations: list[Operation] = []
    notices: list[Notice] = []
    gone = [key for key in known.entries if key not in rows]
    for key in sorted(gone, key=lambda one: (-_rank(one), one)):
        entry = known.entries[key]
        kind, _, rest = key.partition("/")
        name = rest.partition("@")[0]
        if entry.origins and (kind, name, entry.origins) in origins:
            continue  # of another run: it stays with that run's learners
        if entry.begun or kind not in ORDER or not entry.ids:
            operations.append(
                Operation(Action.RECORD, key, "no longer declared, and nothing of it is known to be there")
            )
        elif not options.delete:
            message = "no longer declared; it is left on the platform"
            hint = (
                "--delete deletes it"
                if kind in known.deletes
                else "--delete forgets it: the platform has no call that deletes it"
            )
            notices.append(Notice(Concern.REMOVED, key, message, hint))
        elif kind in known.deletes:
            operations.append(Operation(Action.DELETE, key, "no longer declared"))
        else:
            operations.append(Operation(Action.RECORD, key, "no longer declared: forgotten, and left on the platform"))
    return operations, notices


def _rank(key: str) -> int:
    kind = key.partition("/")[0]
    return ORDER.index(kind) if kind in ORDER else len(ORDER)

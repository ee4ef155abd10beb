"""Runs a plan against the platform, one operation after the other, each recorded before the next begins.

One writer, strictly in order: two overlapping writes to one course lose one of them silently (Open edX:
`split_mongo/mongo_connection.py`, `update_course_index`). A create whose outcome is unknown is never sent again before
the parent's children were read: a child that is ours is adopted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, assert_never

from authoring import interrupts
from authoring.adoption import normal_content, same_value
from authoring.calls import Call, CallKind
from authoring.client import Client, Reply
from authoring.dialects import Dialect
from authoring.errors import (
    ApiError,
    ApplyError,
    InterruptedRunError,
    LoginError,
    OutcomeUnknownError,
    RefusedError,
    SettingsError,
    StalePlanError,
    UnreachableError,
)
from authoring.journal import Changes
from authoring.lockfile import (
    PACKAGE,
    PAGES_KEY,
    LockEntry,
    content_field,
    digest,
    locked_asset,
    passport_key,
    passport_state,
    team_key,
    text_digest,
    wanted_state,
)
from authoring.model import (
    COURSE_UPDATE,
    NO_ROLE,
    OUTLINE_CATEGORIES,
    ROOT_KEY,
    TEAM,
    Asset,
    Block,
    BlockKey,
    FieldValue,
)
from authoring.operations import (
    AdoptBlock,
    CreateBlock,
    CreateCourse,
    DeleteBlock,
    ForgetBlock,
    ImportCourse,
    MoveBlock,
    Operation,
    OrderPages,
    Plan,
    Publish,
    PutGrading,
    PutLtiPassport,
    ReorderChildren,
    SetRole,
    UpdateAbout,
    UpdateBlock,
    UploadAsset,
    UploadPackage,
    policy_to_json,
)
from authoring.planner import GRADING_KEY
from authoring.registry import field_spec, spec
from authoring.remote import UNKNOWN_USER, HeldPassport
from authoring.rendering import Names, calls_of, resolve_fields, resolve_text
from authoring.state import CourseState
from authoring.unanswered import find_created, find_created_update

IMPORT_DONE = 4
"""`ImportStatus` of an import that has ended well (Open edX: views/import_export.py)."""
IMPORT_WAIT = 3600.0
"""Seconds that an import may take."""
ATTEMPTS = 4
"""How often a call that is harmless twice is sent when its outcome stays unknown."""
PAUSES = (0.2, 1.0, 3.0)
"""Seconds between two such attempts, and between two readings after an unknown create."""


class Observer(Protocol):
    """What is told of a run, for progress."""

    def began(self, number: int, operation: Operation) -> None: ...

    def ended(self, number: int, operation: Operation) -> None: ...

    def noted(self, message: str) -> None: ...

    def sending(self, done: int, total: int) -> None:
        """Of a file: bytes sent, bytes in all."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a run did: the operations done, the platform's ids of what was made, and the calls it took, by kind."""

    operations: tuple[Operation, ...]
    created: Mapping[BlockKey, str]
    calls: Mapping[str, int]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Run:
    done: list[Operation] = field(default_factory=list)
    created: dict[BlockKey, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    trusted: dict[str, bool] = field(default_factory=dict)
    """Category → whether a create in one call was seen to keep everything."""


def apply_plan(
    plan: Plan,
    *,
    client: Client,
    dialect: Dialect,
    state: CourseState,
    observer: Observer,
    environ: Mapping[str, str],
    sleep: Callable[[float], None] = interrupts.pause,
) -> Applied:
    """Run `plan` to its end.

    `environ` holds the values of LTI passports. Raises ApplyError when a call fails, with the cause chained; what was
    done until then is in the lock file, and running again goes on from there. So with a signal that asks to stop (see
    `interrupts`): InterruptedRunError after the operation under way.
    """
    _check_secrets(plan, environ)
    _check_files(plan)
    run = _Run()
    before = Counter(client.calls)
    made = (one.key for one in plan.operations if isinstance(one, CreateBlock | AdoptBlock))
    state.drop_intents(keep=frozenset(made))
    applier = _Applier(plan, client, dialect, state, environ, sleep, run)
    client.watch_uploads(observer.sending)
    for number, operation in enumerate(plan.operations, 1):
        if (signal := interrupts.asked()) is not None:
            state.save()
            raise InterruptedRunError(
                f"interrupted before operation {number} of {len(plan.operations)}; all that was begun is done and recorded",
                "run the same command again: it goes on from here",
                signal=signal,
                done=len(run.done),
                remaining=len(plan.operations) - len(run.done),
            )
        observer.began(number, operation)
        try:
            applier.perform(operation)
        except ApiError as error:
            state.save()
            spent = "" if client.retries_left else "; the run has used up its retries"
            stopped = ApplyError(
                f"stopped at operation {number} of {len(plan.operations)}: {error.message}{spent}",
                error.hint or "run the same command again: it goes on from here",
                done=len(run.done),
                remaining=len(plan.operations) - len(run.done),
            )
            if not run.done and _changed_nothing(error, client.calls - before):
                stopped.exit_code = ApiError.exit_code
            raise stopped from error
        run.done.append(operation)
        observer.ended(number, operation)
    for note in run.notes:
        observer.noted(note)
    calls = Counter(client.calls)
    calls.subtract(before)
    return Applied(tuple(run.done), run.created, {str(kind): n for kind, n in calls.items() if n}, tuple(run.notes))


def _changed_nothing(error: ApiError, calls: Counter[CallKind]) -> bool:
    """Whether a run whose first operation failed so left the platform as it was: one write was sent, and refused.

    A 401 may have been sent a second time, with a new token.
    """
    writes = sum(count for kind, count in calls.items() if kind.writes)
    if isinstance(error, UnreachableError):
        return writes == 0
    return isinstance(error, RefusedError | LoginError) and writes <= (2 if error.status == 401 else 1)


def _check_secrets(plan: Plan, environ: Mapping[str, str]) -> None:
    for operation in plan.operations:
        if isinstance(operation, PutLtiPassport):
            missing = [name for name in (operation.key_env, operation.secret_env) if not environ.get(name)]
            if missing:
                raise SettingsError(
                    f"the LTI passport {operation.lti_id!r} needs the environment variable {' and '.join(missing)}",
                    "set it in this shell or in the CI's secrets; values are never written anywhere",
                )


def _check_files(plan: Plan) -> None:
    for operation in plan.operations:
        asset: Asset | None = None
        if isinstance(operation, UploadAsset):
            asset = operation.asset
        elif isinstance(operation, UploadPackage):
            asset = operation.package
        if asset is not None and (asset.file is None or not asset.file.is_file()):
            raise StalePlanError(f"{asset.path} is no longer there", "make a new plan")


class _Applier:
    def __init__(
        self,
        plan: Plan,
        client: Client,
        dialect: Dialect,
        state: CourseState,
        environ: Mapping[str, str],
        sleep: Callable[[float], None],
        run: _Run,
    ) -> None:
        self.plan = plan
        self.client = client
        self.dialect = dialect
        self.state = state
        self.sleep = sleep
        self.run = run
        self.course_key = str(plan.course)
        self.root = dialect.root_key(plan.course)
        self.names = Names(
            course=plan.course,
            usage_key=self.usage_key,
            links=plan.link_names,
            live_children=self.live_children,
            secrets=environ,
        )

    def usage_key(self, key: BlockKey) -> str | None:
        if key == ROOT_KEY:
            return self.root
        entry = self.state.part.entries.get(key)
        return entry.usage_key if entry else None

    def live_children(self, usage_key: str) -> tuple[str, ...] | None:
        """The children a block has now, read just before they are reordered."""
        return self.client.read_children(self.plan.course, usage_key)

    def perform(self, operation: Operation) -> None:
        """Send the calls of one operation and record what came of it. Raises ApiError."""
        intent = self.state.begin(operation)
        try:
            changes = self._perform(operation)
        except RefusedError:
            self.state.refuse(intent)
            raise
        self.state.finish(intent, changes)

    def _perform(self, operation: Operation) -> Changes:
        match operation:
            case CreateCourse():
                self._create_course(operation)
                named = {"display_name": digest(operation.display_name)}
                return Changes(entries=(LockEntry(ROOT_KEY, self.root, None, named, named),), reset=True)
            case ImportCourse():
                return self._import_course(operation)
            case CreateBlock():
                return Changes(entries=(self._create_block(operation),))
            case AdoptBlock(key, parent, usage_key, pushed):
                self.run.created[key] = usage_key
                if key.category in (COURSE_UPDATE, TEAM):
                    return Changes(entries=(LockEntry(key, usage_key, None, dict(pushed), dict(pushed)),))
                return Changes(entries=(LockEntry(key, usage_key, parent, dict(pushed), None),))
            case ForgetBlock(key):
                return Changes(dropped=(key,))
            case UpdateBlock(key, fields, content, _, usage_key):
                self._send_all(operation)
                return Changes(entries=(self._updated(key, fields, content, usage_key),))
            case UploadPackage(key, package, fields):
                self._upload_package(operation)
                entry = self._updated(key, fields, None, None)
                return Changes(entries=(replace(entry, pushed={**entry.pushed, PACKAGE: package.digest[:16]}),))
            case UploadAsset(asset):
                self._send_all(operation)
                return Changes(assets=(locked_asset(asset),))
            case PutGrading(policy):
                self._send_all(operation)
                value: FieldValue = policy_to_json(policy)  # type: ignore[assignment]  # JSON
                return Changes(entries=(self._settled(GRADING_KEY, {"policy": digest(value)}),))
            case PutLtiPassport(lti_id):
                self._add_passport(operation)
                return Changes(entries=(self._settled(passport_key(lti_id), passport_state(lti_id)),))
            case UpdateAbout(values, keys):
                self._send_all(operation)
                return Changes(
                    entries=tuple(
                        self._settled(keys[name], {"data": text_digest(text)}) for name, text in values.items()
                    )
                )
            case MoveBlock(key, parent):
                self._move(operation)
                return Changes(entries=(replace(self.state.part.entries[key], parent=parent),))
            case ReorderChildren():
                self._send_all(operation)
                return Changes()
            case OrderPages(pages):
                self._order_pages(operation)
                return Changes(entries=(LockEntry(PAGES_KEY, "", None, {}, {}, pages),))
            case SetRole(email, role, declared):
                if not self._set_role(operation):
                    return Changes()
                if not declared:
                    return Changes(dropped=(team_key(email),))
                return Changes(entries=(self._settled(team_key(email), {"role": digest(role or NO_ROLE)}),))
            case DeleteBlock(key):
                self._delete(operation)
                below = tuple(self.state.part.below(key))
                return Changes(dropped=(key, *below))
            case Publish(key):
                self._send_all(operation)
                return Changes(entries=self._published(key))
            case _:
                assert_never(operation)

    # -- single operations --------------------------------------------------------------------------------------------

    def _create_course(self, operation: CreateCourse) -> None:
        """Make the course; a refusal or a doubt is settled by reading it (a second create of one key is refused)."""
        (call,) = calls_of(operation, self.dialect, self.names)
        for pause in (*PAUSES, None):
            try:
                self.client.send(call)
            except (RefusedError, OutcomeUnknownError) as error:
                if self.client.read_course_info(operation.course) is not None:
                    self.run.notes.append(f"{operation.course} is there; it was taken over")
                    return
                if isinstance(error, RefusedError) or pause is None:
                    raise
                self.sleep(pause)
            else:
                return

    def _import_course(self, operation: ImportCourse) -> Changes:
        """Upload the archive, wait for the platform to take it in, and record what arrived."""
        self._send_all(operation)
        status = self.dialect.import_status(self.course_key, operation.archive)
        waited = 0.0
        while True:
            reply = self.client.send(status).json
            stage, message = (
                (reply.get("ImportStatus"), reply.get("Message")) if isinstance(reply, Mapping) else (None, None)
            )
            if stage == IMPORT_DONE:
                break
            if not isinstance(stage, int) or stage < 0:
                said = f"the import failed: {message or 'no reason was given'}"
                raise RefusedError(said, "make the archive with `authoring export` and look at it in Studio")
            if waited > IMPORT_WAIT:
                raise OutcomeUnknownError(f"the import has not ended after {waited:.0f} s; it goes on on the platform")
            pause = 0.2 if waited < 2 else 2.0
            self.sleep(pause)
            waited += pause
        outline = self.client.read_outline(self.plan.course)
        there = outline.blocks if outline is not None else {}
        above = (None, *OUTLINE_CATEGORIES[:-1])
        lost = {
            entry.key
            for entry in operation.entries
            if entry.key.category in OUTLINE_CATEGORIES
            and (entry.parent.category if entry.parent else None) in above
            and entry.key != ROOT_KEY
            and entry.usage_key not in there
        }
        if lost:
            names = ", ".join(map(str, sorted(lost)[:5]))
            self.run.notes.append(
                f"the import left out {len(lost)} parts of the outline ({names}); push again to send them"
            )
        entries = tuple(entry for entry in operation.entries if entry.key not in lost)
        self.run.created.update({entry.key: entry.usage_key for entry in entries if entry.usage_key})
        return Changes(entries=entries, assets=operation.assets)

    def _create_update(self, operation: CreateBlock) -> LockEntry:
        """Make an announcement, once: when no usable answer comes, the list tells whether it was made."""
        (call,) = calls_of(operation, self.dialect, self.names)
        block = Block(operation.key, operation.fields, operation.content)
        place: str | None = None
        for pause in (*PAUSES, None):
            try:
                place = self.dialect.updates_of(self.plan.course, [self.client.send(call).json])[0].usage_key
            except OutcomeUnknownError:
                if pause is None:
                    raise
                self.sleep(pause)
                place = find_created_update(block, self.client, self.plan.course, self.state.part)
                if place is not None:
                    self.run.notes.append(f"{operation.key}: no answer came, but it was made; it was taken over")
            if place is not None:
                break
        assert place is not None
        self.run.created[operation.key] = place
        state = wanted_state(block)
        return LockEntry(operation.key, place, None, state, state)

    def _create_block(self, operation: CreateBlock) -> LockEntry:
        if operation.key.category == COURSE_UPDATE:
            return self._create_update(operation)
        category = operation.key.category
        plain = operation.complete and self.run.trusted.get(category) is False
        sent = replace(operation, fields={}, content=None, complete=False) if plain else operation
        (call,) = calls_of(sent, self.dialect, self.names)
        usage_key = self._create_once(sent, call)
        self.run.created[operation.key] = usage_key
        if operation.complete and not self.run.trusted.get(category):
            # More calls follow: what was made is on disk before them, or a failure of theirs would leave it in doubt.
            made = LockEntry(operation.key, usage_key, operation.parent, {}, None)
            self.state.settle(Changes(entries=(made,)))
        if operation.complete and not (self.run.trusted.get(category) or self._arrived_whole(operation, usage_key)):
            self._send_all(UpdateBlock(operation.key, operation.fields, operation.content, usage_key=usage_key))
        pushed: dict[str, str] = {}
        if operation.complete:
            pushed = {name: digest(value) for name, value in operation.fields.items()}
            if operation.content is not None:
                pushed[content_field(operation.key.category)] = text_digest(operation.content)
        elif operation.display_name is not None and operation.key.category != "html":
            pushed = {"display_name": digest(operation.display_name)}
        entry = LockEntry(operation.key, usage_key, operation.parent, pushed, None)
        return replace(entry, published=pushed) if self._is_direct(operation.key) else entry

    def _arrived_whole(self, operation: CreateBlock, usage_key: str) -> bool:
        """Whether a create in one call kept content and fields: read once for each category and run.

        Deployments differ in what that call keeps. Where it drops something, or cannot be read, an update follows each.
        """
        category = operation.key.category
        if category not in self.run.trusted:
            read = self.client.read_block(usage_key, category)
            fields = resolve_fields(category, operation.fields, self.names)
            text = None if operation.content is None else resolve_text(operation.content, self.names)
            whole = read is not None and normal_content(read.content) == normal_content(text)
            if read is not None and whole:
                whole = all(same_value(read.fields.get(name), value) for name, value in fields.items())
            self.run.trusted[category] = whole
            if not whole:
                what = "does not keep all of" if read is not None else "does not show with this login"
                self.run.notes.append(f"this platform {what} a {category} made in one call; an update follows each")
        return self.run.trusted[category]

    def _create_once(self, operation: CreateBlock, call: Call) -> str:
        for pause in (*PAUSES, None):
            try:
                return self.dialect.created_key(self.client.send(call).json)
            except OutcomeUnknownError as error:
                found, sure = self._look_for_created(operation)
                if found is None and not sure:
                    raise OutcomeUnknownError(
                        f"{error.message}; whether {operation.key} was made cannot be seen with this login",
                        "look in Studio: if it is there, delete it or use a Studio session; then run again",
                        call=error.call,
                        status=error.status,
                    ) from error
                if found is not None:
                    self.run.notes.append(f"{operation.key}: no answer came, but it was made; it was taken over")
                    return found
                if pause is None:
                    raise
        raise AssertionError("the loop above returns or raises")

    def _look_for_created(self, operation: CreateBlock) -> tuple[str | None, bool]:
        """Looked for several times, since it may come late."""
        sure = False
        for pause in PAUSES:
            self.sleep(pause)
            found, seen = find_created(operation, self.client, self.plan.course, self.state.part, self.names)
            if found is not None:
                return found, True
            sure = sure if seen is None else seen
        return None, sure

    def _add_passport(self, operation: PutLtiPassport) -> None:
        """Add a passport unless the course has one of that id: whether the call refuses a second is not documented."""
        held = self._held_passport(operation)
        if held is HeldPassport.SAME:
            self.run.notes.append(f"the course has the LTI passport {operation.lti_id!r} already")
        elif held is HeldPassport.OTHER and not operation.replaces:
            self.run.notes.append(
                f"the course has an LTI passport {operation.lti_id!r} with another key or secret; it was left as it is"
            )
        else:
            self._send_all(operation)
            if self._held_passport(operation) in (HeldPassport.ABSENT, HeldPassport.OTHER):
                raise RefusedError(
                    f"the platform answered, but does not have the LTI passport {operation.lti_id!r} as it was sent",
                    "look at the advanced settings in Studio, then push again",
                )

    def _held_passport(self, operation: PutLtiPassport) -> HeldPassport | None:
        """What the course has under the passport's id; None where the login cannot see it."""
        secrets = self.names.secrets or {}
        value = f"{operation.lti_id}:{secrets[operation.key_env]}:{secrets[operation.secret_env]}"
        held = self.client.compare_passports(self.plan.course, {operation.lti_id: value})
        return None if held is None else held[operation.lti_id]

    def _order_pages(self, operation: OrderPages) -> None:
        """Order the pages, and look whether they stand so: the platform answers with nothing."""
        self._send_all(operation)
        live = self.client.read_pages(self.plan.course)
        wanted = [self.names.place(page) for page in operation.pages]
        if live is not None and [page.usage_key for page in live if page.usage_key in wanted] != wanted:
            raise RefusedError("the platform answered, but the pages stand in another order", "push again")

    def _set_role(self, operation: SetRole) -> bool:
        """Set a role, and look whether it holds; nothing is sent where it does already. False, with a note, where the login may
        not, or nobody has the address."""
        course, email = self.plan.course, operation.email
        wanted = operation.role or NO_ROLE
        gone = (NO_ROLE, UNKNOWN_USER)
        before = self.client.read_roles(course, [email])
        if before is None:
            self.run.notes.append(f"{email} was not made {wanted}: the course team takes an admin of the course")
            return False
        if before[email] == wanted or (operation.role is None and before[email] in gone):
            return True
        if before[email] == UNKNOWN_USER:
            self.run.notes.append(f"{email} was not made {wanted}: nobody on the platform has this address")
            return False
        self._send_all(operation)
        after = self.client.read_roles(course, [email])
        if after is not None and after[email] != wanted and not (operation.role is None and after[email] in gone):
            message = f"the platform answered, but {email} is {after[email]} and not {wanted}"
            raise RefusedError(message, "look at the course team in Studio, then push again")
        return True

    def _upload_package(self, operation: UploadPackage) -> None:
        """Send a package; a success is one only without errors in it, and when what can be read back agrees.

        A package replaces the one before it as a whole, so it may be sent again when no answer came.
        """
        for call in calls_of(operation, self.dialect, self.names):
            reply = self._send(call)
            if not call.files:
                continue
            place = f"{call.method} {call.path}"
            problems = self.dialect.package_errors(reply.json)
            if problems:
                raise RefusedError(
                    f"{operation.package.path}: the platform could not read the package: {'; '.join(problems)}",
                    "open the package with `authoring check`, repair it and push again",
                    call=place,
                )
            for name, expected, found in self._unlike(operation):
                raise RefusedError(
                    f"{operation.package.path}: the platform said success, but its {name} is {found!r}, not {expected!r}",
                    "push again; if it stays, somebody else uploads to this block",
                    call=place,
                )

    def _unlike(self, operation: UploadPackage) -> Iterator[tuple[str, str, FieldValue]]:
        """Where the block is not what the package was expected to make of it, as far as the login can see: the digest of
        the package is no field that any route shows (openedx-scorm-xblock: openedxscorm/scormxblock.py)."""
        read = self.client.read_block(self.names.place(operation.key), operation.key.category)
        if read is None or not read.complete:
            return
        for name, expected in (
            ("index_page_path", operation.index_page),
            ("scorm_version", operation.scorm_version),
        ):
            described = field_spec(operation.key.category, name)
            found = read.fields.get(name, described.default if described is not None else None)
            if expected is not None and found != expected:
                yield name, expected, found

    def _move(self, operation: MoveBlock) -> None:
        try:
            self._send_all(operation)
        except RefusedError:
            children = self.client.read_children(self.plan.course, self.names.place(operation.parent))
            if self.names.place(operation.key) not in (children or ()):
                raise

    def _delete(self, operation: DeleteBlock) -> None:
        try:
            self._send_all(operation)
        except RefusedError as error:
            if error.status != 404 and not self._is_gone(operation):
                raise

    def _is_gone(self, operation: DeleteBlock) -> bool:
        """Whether an announcement that could not be deleted is not there: Studio refuses both in the same words."""
        if operation.key.category != COURSE_UPDATE:
            return False
        live = self.client.read_updates(self.plan.course)
        return live is not None and operation.usage_key not in {one.usage_key for one in live}

    # -- sending and recording ----------------------------------------------------------------------------------------

    def _send_all(self, operation: Operation) -> None:
        for call in calls_of(operation, self.dialect, self.names):
            self._send(call)

    def _send(self, call: Call) -> Reply:
        """Send a call; one that is harmless twice is sent again while its outcome is unknown."""
        for pause in PAUSES[: ATTEMPTS - 1] if call.repeatable else ():
            try:
                return self.client.send(call)
            except OutcomeUnknownError:
                if not self.client.spend_retry():
                    raise
                self.sleep(pause)
        return self.client.send(call)

    def _updated(
        self, key: BlockKey, fields: Mapping[str, FieldValue], content: str | None, usage_key: str | None
    ) -> LockEntry:
        entry = self.state.part.entries.get(key) or LockEntry(
            key, usage_key or self.names.place(key), self.plan.parents.get(key)
        )
        pushed = dict(entry.pushed)
        for name, value in fields.items():
            if value is None:
                pushed.pop(name, None)
            else:
                pushed[name] = digest(value)
        if content:
            pushed[content_field(key.category)] = text_digest(content)
        elif content is not None:
            pushed.pop(content_field(key.category), None)
        return replace(entry, pushed=pushed, published=pushed if self._is_direct(key) else entry.published)

    def _settled(self, key: BlockKey, pushed: Mapping[str, str]) -> LockEntry:
        """The lock entry of something that has no draft and no usage key of its own."""
        return LockEntry(key, "", None, dict(pushed), dict(pushed))

    def _published(self, root: BlockKey) -> tuple[LockEntry, ...]:
        part = self.state.part
        wanted = {root, *part.below(root)}
        return tuple(
            replace(entry, published=entry.pushed)
            for key, entry in part.entries.items()
            if not entry.is_published and key in wanted
        )

    def _is_direct(self, key: BlockKey) -> bool:
        known = spec(key.category)
        return known is not None and known.direct_only

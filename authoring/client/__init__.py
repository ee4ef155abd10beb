"""The platform's API, typed and synchronous. The only package that knows httpx.

`Client.send` takes a `Call` and returns a `Reply`; the `read_…` methods make the calls of the target's dialect and return
values. Reads may be made side by side, writes are made one after the other by whoever calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from authoring import interrupts
from authoring.calls import Call, CallKind, Json, Service
from authoring.client.limits import Limits
from authoring.client.transport import ATTEMPTS, Reply, Sent, Transport
from authoring.dialects import NoRouteError, capabilities, dialect_of
from authoring.errors import LoginError, NonsenseError, OutcomeUnknownError, RefusedError
from authoring.keys import block_category, usage_key
from authoring.model import CourseId, GradingPolicy
from authoring.remote import (
    UNKNOWN_USER,
    Copying,
    HeldPassport,
    RemoteAsset,
    RemoteBlock,
    RemoteContent,
    RemoteCourse,
    RemoteCourseInfo,
    RemoteUpdate,
)
from authoring.settings import Target

__all__ = ["Client", "Limits", "Reply", "Sent"]

EXPORTED = 3
"""`ExportStatus` of an export that has ended well (Open edX: views/import_export.py)."""
READERS = 8
"""How many reads are under way at once."""
REPEATS = 4
"""How often a harmless write is sent before its outcome is called unknown."""


class Client:
    """A target's API. A context manager.

    `on_call` is told of every request that left, from whichever thread sent it. `http` takes the place of the client's own
    connection pool and is not closed;
    `sleep` and `attempts` are for those who cannot wait. Clients with the same `limits` share them.
    """

    def __init__(
        self,
        target: Target,
        *,
        http: httpx.Client | None = None,
        on_call: Callable[[Sent], None] | None = None,
        sleep: Callable[[float], None] = interrupts.pause,
        attempts: int = ATTEMPTS,
        limits: Limits | None = None,
    ) -> None:
        self.target = target
        self._not_shown: set[str] = set()
        self.dialect = dialect_of(target)
        self.capabilities = capabilities(target)
        self._sleep = sleep
        self._transport = Transport(target, http, on_call=on_call, sleep=sleep, attempts=attempts, limits=limits)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def watch_uploads(self, on_bytes: Callable[[int, int], None] | None) -> None:
        """Have `on_bytes` told, while a file is sent, how many of its bytes were read and how many there are."""
        self._transport.on_bytes = on_bytes

    @property
    def calls(self) -> Counter[CallKind]:
        """How many requests left, by kind; attempts that were repeated count each."""
        return self._transport.calls

    @property
    def retries_left(self) -> int:
        """How many more attempts may be repeated: all calls of a client share one budget."""
        return self._transport.retries_left

    def spend_retry(self) -> bool:
        """Take one from the budget of retries; False when it is used up."""
        return self._transport.spend_retry()

    def send(self, call: Call) -> Reply:
        """Send one call; one that merges reads first what it must keep.

        Raises ApiError: UnreachableError when nothing was sent, RefusedError (ThrottledError) when the platform said no, be
        it inside a success, LoginError, OutcomeUnknownError when nobody knows, NonsenseError for an answer that cannot be
        one.
        """
        if call.merge is not None:
            live = self.send(call.merge.read)
            try:
                body = call.merge.combine(live.json, call.json)
            except (ValueError, KeyError, TypeError) as error:
                raise NonsenseError(
                    f"{call.merge.read}: the answer is not what was asked for ({error}); nothing was written",
                    "check the login: `authoring doctor`",
                    call=str(call.merge.read),
                    status=live.status,
                ) from error
            call = replace(call, json=body, merge=None)
        reply = self._transport.send(call)
        problems = call.check(reply.json) if call.check is not None else ()
        if problems:
            raise RefusedError(f"{call}: {'; '.join(problems)}", call=str(call), status=reply.status)
        return reply

    def send_until_known(self, call: Call) -> Reply:
        """Send a call that is repeatable, and again while its outcome is unknown, a few times. Raises ApiError."""
        if not call.repeatable:
            raise ValueError(f"{call} is not sent twice")
        tries = Retrying(
            retry=retry_if_exception_type(OutcomeUnknownError),
            stop=stop_after_attempt(REPEATS),
            wait=wait_random_exponential(multiplier=0.5, max=10.0),
            sleep=self._sleep,
            reraise=True,
        )
        return tries(self.send, call)

    def send_reads(self, calls: Sequence[Call]) -> list[Reply]:
        """Several reads side by side; the replies in the order of the calls. Raises what the first failing one raises."""
        if any(call.kind is not CallKind.READ for call in calls):
            raise ValueError("only reads are made side by side")
        if len(calls) < 2:
            return [self.send(call) for call in calls]
        with ThreadPoolExecutor(min(READERS, len(calls))) as pool:
            return list(pool.map(self.send, calls))

    # -- the course ---------------------------------------------------------------------------------------------------

    def read_course_info(self, course: CourseId) -> RemoteCourseInfo | None:
        """That a course exists, and its title; None when there is none with this key (that the login may see)."""
        try:
            return self.dialect.course_of(course, self.send(self.dialect.read_course(course)).json)
        except (RefusedError, LoginError) as error:
            if error.status in self.dialect.absent_statuses:
                return None
            raise

    def read_copying(self, course: CourseId) -> Copying | None:
        """How far the platform is with making this course as a copy; None where the login cannot see it, or the release has
        no such list."""
        try:
            row = self.send(self.dialect.read_actions()).json
        except NoRouteError:
            return None
        except (RefusedError, LoginError) as error:
            if error.status in (403, 404):
                return None
            raise
        results = row.get("results", row) if isinstance(row, Mapping) else None
        actions = results.get("in_process_course_actions") if isinstance(results, Mapping) else None
        if not isinstance(actions, list | tuple):
            return None
        for action in actions:
            if isinstance(action, Mapping) and action.get("course_key") == str(course):
                return Copying.FAILED if action.get("is_failed") else Copying.RUNNING
        return Copying.NOT

    def read_outline(self, course: CourseId, units: Sequence[str] = ()) -> RemoteCourse | None:
        """The structure of a live course; None when there is no such course.

        The number of reads does not grow with the course; the children of those `units` (usage keys of any parents) that
        it leaves unknown are one read each.
        """
        try:
            replies = self.send_reads(self.dialect.read_outline(course))
        except (RefusedError, LoginError) as error:
            # A missing course is told in different ways by different routes: one is sure.
            if error.status not in (403, 404, 500) or self.read_course_info(course) is not None:
                raise
            return None
        outline = self.dialect.outline_of(course, [reply.json for reply in replies])
        unknown = [unit for unit in units if (block := outline.blocks.get(unit)) is None or block.children is None]
        for unit, children in self._read_below(course, unknown, outline):
            outline = outline.with_children(unit, children)
        return outline

    def read_below(self, course: CourseId, outline: RemoteCourse, parents: Sequence[str]) -> RemoteCourse:
        """The outline, with the children of these blocks: one read each. What no route tells stays unknown."""
        for parent, children in self._read_below(course, parents, outline):
            outline = outline.with_children(parent, children)
        return outline

    def _read_below(
        self, course: CourseId, parents: Sequence[str], outline: RemoteCourse
    ) -> Iterable[tuple[str, tuple[RemoteBlock, ...]]]:
        calls: dict[str, Call] = {}
        for parent in parents:
            known = outline.blocks.get(parent)
            try:
                category = known.category if known else block_category(parent)
                calls[parent] = self.dialect.read_children(course, parent, category)
            except (NoRouteError, ValueError):
                continue  # they stay unknown
        with ThreadPoolExecutor(min(READERS, len(calls)) or 1) as pool:
            replies = list(pool.map(self._read_if_there, calls.values()))
        for parent, reply in zip(calls, replies, strict=True):
            if reply is not None:
                yield parent, self.dialect.children_of(reply.json, parent)

    def _read_if_there(self, call: Call) -> Reply | None:
        """A read of one block; None when it is gone, which is told in different ways by release."""
        try:
            return self.send(call)
        except RefusedError as error:
            if error.status in (404, 500):
                return None
            raise

    def read_children(self, course: CourseId, usage_key: str) -> tuple[str, ...] | None:
        """The children that a block has now, in order; None when the target does not tell."""
        try:
            call = self.dialect.read_children(course, usage_key, block_category(usage_key))
        except (NoRouteError, ValueError):
            return None
        children = self.dialect.children_of(self.send(call).json, usage_key)
        return tuple(child.usage_key for child in children)

    def read_pages(self, course: CourseId) -> tuple[RemoteBlock, ...] | None:
        """The pages of a course (static tabs), by the `tabs` of its root block; None when the login cannot read it."""
        root = self.dialect.root_key(course)
        if not self.capabilities.stock:
            return None
        content = self.read_block(root, "course")
        tabs = content.fields.get("tabs") if content is not None else None
        if content is None:
            return None
        return tuple(
            RemoteBlock(usage_key(course, "static_tab", str(tab["url_slug"])), "static_tab", str(tab.get("name") or ""))
            for tab in (tabs if isinstance(tabs, list) else ())
            if isinstance(tab, Mapping) and tab.get("type") == "static_tab" and tab.get("url_slug")
        )

    def read_updates(self, course: CourseId) -> tuple[RemoteUpdate, ...] | None:
        """The announcements of a course, newest first; None when the login cannot read them."""
        if not self.capabilities.updates:
            return None
        return self.dialect.updates_of(course, self.send(self.dialect.read_updates(str(course))).json)

    def read_team(self, course: CourseId) -> Mapping[str, str] | None:
        """Everybody's role by address; None when the login may not see it, or the release has no such list."""
        if not self.capabilities.team:
            return None
        try:
            return self.dialect.team_of(self.send(self.dialect.read_team(str(course))).json)
        except (RefusedError, LoginError) as error:
            if error.status in (403, 404):
                return None
            raise

    def read_roles(self, course: CourseId, emails: Sequence[str]) -> Mapping[str, str] | None:
        """The roles of these people, `none` for who has no role, `UNKNOWN_USER` for an address that nobody has; None when the
        login may not see the team."""
        if not self.capabilities.team:
            return None
        found: dict[str, str] = {}
        for email in emails:
            try:
                found[email] = self.dialect.role_of(self.send(self.dialect.read_role(str(course), email)).json)
            except (RefusedError, LoginError) as error:
                if error.status == 403:
                    return None
                if error.status != 404:
                    raise
                found[email] = UNKNOWN_USER
        return found

    def read_grading(self, course: CourseId) -> GradingPolicy:
        """The grading policy. Raises NoRouteError where the login cannot read it."""
        return self.dialect.grading_of(self.send(self.dialect.read_grading(str(course))).json)

    def read_advanced_settings(self, course: CourseId) -> Mapping[str, Json]:
        """`{name: value}` of the advanced settings. Raises NoRouteError where the login cannot read them."""
        reply = self.send(self.dialect.read_advanced_settings(str(course)))
        return self.dialect.advanced_settings_of(reply.json)

    def read_course_settings(self, course: CourseId) -> Mapping[str, Json]:
        """What Studio's Schedule & Details page holds, by its own names."""
        return self.dialect.course_settings_of(self.send(self.dialect.read_course_settings(str(course))).json)

    def compare_passports(
        self, course: CourseId, wanted: Mapping[str, str | None]
    ) -> Mapping[str, HeldPassport] | None:
        """What the course has of the LTI passports `wanted`, by id; None when the login cannot read them.

        `wanted` holds `id:key:secret` for each id, None where its values are not known. No secret is returned.
        """
        if not self.capabilities.advanced_settings:
            return None
        passports = self.read_advanced_settings(course).get("lti_passports")
        listed = [str(passport) for passport in passports] if isinstance(passports, list | tuple) else []
        return {lti_id: _held(listed, lti_id, value) for lti_id, value in wanted.items()}

    def read_passport_ids(self, course: CourseId) -> tuple[str, ...] | None:
        """The ids of the course's LTI passports, never the rest of them; None when the login cannot read them."""
        if not self.capabilities.advanced_settings:
            return None
        passports = self.read_advanced_settings(course).get("lti_passports")
        listed = passports if isinstance(passports, list | tuple) else ()
        return tuple(dict.fromkeys(str(passport).partition(":")[0] for passport in listed))

    # -- blocks and files ---------------------------------------------------------------------------------------------

    def read_block(self, usage_key: str, category: str) -> RemoteContent | None:
        """What a block holds; None when it is gone, or when the target does not show this category."""
        if category in self._not_shown:
            return None
        try:
            content = self.dialect.block_of(self.send(self.dialect.read_block(usage_key, category)).json)
        except RefusedError as error:
            if error.status == 406:  # of all blocks of the category: `get-details` of some deployments
                self._not_shown.add(category)
            if error.status in (404, 406, 500):  # a missing block is one or the other, by release
                return None
            raise
        return replace(content, usage_key=usage_key, category=category)

    def read_blocks(self, wanted: Iterable[tuple[str, str]]) -> Mapping[str, RemoteContent]:
        """Several blocks, `(usage key, category)`, side by side, by usage key; what cannot be read is left out."""
        with ThreadPoolExecutor(READERS) as pool:
            found = pool.map(lambda item: self.read_block(*item), wanted)
            return {content.usage_key: content for content in found if content is not None}

    def list_assets(self, course: CourseId) -> tuple[RemoteAsset, ...]:
        """Every uploaded file of a course. Raises NoRouteError where the login cannot list them."""
        found: dict[str, RemoteAsset] = {}
        page = 0
        while True:
            assets, total = self.dialect.assets_of(self.send(self.dialect.list_assets(str(course), page)).json)
            before = len(found)
            found.update((asset.usage_key, asset) for asset in assets)
            page += 1
            # A page beyond the end is the last one over again (Open edX: asset_storage_handlers.py).
            if len(found) >= total or len(found) == before:
                return tuple(found.values())

    def export_course(self, course: CourseId, out: Path, *, wait: float = 600.0) -> None:
        """Have the platform write the course as an OLX archive, and fetch it into `out`.

        Raises NoRouteError where the login cannot, RefusedError when the platform cannot write it, OutcomeUnknownError when
        it takes longer than `wait` seconds.
        """
        key = str(course)
        self.send(self.dialect.export_course(key))
        waited, pause = 0.0, 0.2
        while True:
            row = self.send(self.dialect.export_status(key)).json
            stage = row.get("ExportStatus") if isinstance(row, Mapping) else None
            if stage == EXPORTED:
                break
            if not isinstance(stage, int) or stage < 0:
                why = row.get("ExportError") if isinstance(row, Mapping) else None
                raise RefusedError(f"the platform cannot export the course: {why or 'it gives no reason'}")
            if waited >= wait:
                raise OutcomeUnknownError(f"the export has not ended after {waited:.0f} s")
            self._sleep(pause)
            waited, pause = waited + pause, min(2.0, pause * 2)
        self._transport.download(self.dialect.export_output(key), out)

    def wait(self, seconds: float) -> None:
        """Let time pass on the platform."""
        self._sleep(seconds)

    def check_login(self, service: Service) -> None:
        """Get a token for a service that is entered with one; nothing else is asked. Raises ApiError."""
        self._transport.check_login(service)


def _held(passports: Sequence[str], lti_id: str, wanted: str | None) -> HeldPassport:
    held = [passport for passport in passports if passport.partition(":")[0] == lti_id]
    if not held:
        return HeldPassport.ABSENT
    if wanted is None:
        return HeldPassport.UNTOLD
    return HeldPassport.SAME if held == [wanted] else HeldPassport.OTHER

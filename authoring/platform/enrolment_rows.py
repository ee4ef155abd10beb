"""What a bulk enrolment's answer says of each row. Pure.

No documentation tells the shape of the answer, and a 200 may hold refusals. So every plausible shape is read, and a row of
which nothing is said is `unstated`: to be read back, never taken for done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from authoring.calls import Call, Json
from authoring.client import Reply

_NAMES = ("identifier", "username", "email", "user_id", "user", "student", "course_id", "course", "item_id")
_DONE_LISTS = ("success", "successes", "succeeded", "enrolled", "enrollments", "created", "added")
_FAILED_LISTS = ("failed", "failures", "errors", "invalid", "not_enrolled", "unenrolled", "not_found")
_ROW_LISTS = ("results", "rows", "data", "responses")


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """One row: `done` is true, false (with `reason`) or, when nothing is known of it, None."""

    name: str
    done: bool | None
    reason: str = ""

    @property
    def stated(self) -> bool:
        return self.done is not None

    def named(self, name: str) -> RowOutcome:
        return replace(self, name=name)

    def to_json(self) -> dict[str, object]:
        return {"name": self.name, "done": self.done, "reason": self.reason}

    @classmethod
    def enrolled(cls, name: str) -> RowOutcome:
        return cls(name, True)

    @classmethod
    def refused(cls, name: str, reason: str) -> RowOutcome:
        return cls(name, False, reason)

    @classmethod
    def unstated(cls, name: str) -> RowOutcome:
        return cls(name, None, "the answer does not tell, and it could not be read back")


def rows_of(call: Call, reply: Reply, asked: Sequence[str]) -> tuple[RowOutcome, ...]:
    """An outcome for each of `asked`, in that order; what the answer does not tell is unstated."""
    told: dict[str, RowOutcome] = {}
    for row in _told(reply.json, single=asked[0] if len(asked) == 1 else None):
        before = told.get(row.name.lower())
        # A row that is told of twice is done only if nothing speaks against it.
        if before is None or before.done is not False:
            told[row.name.lower()] = row
    return tuple(told.get(name.lower(), RowOutcome.unstated(name)).named(name) for name in asked)


def _told(body: Json, single: str | None) -> Iterator[RowOutcome]:
    if isinstance(body, Sequence) and not isinstance(body, str):
        for item in body:
            yield from _row(item)
        return
    if not isinstance(body, Mapping):
        return
    for name in _ROW_LISTS:
        yield from _told(body.get(name), None) if isinstance(body.get(name), Sequence) else ()
        rows = body.get(name)
        if isinstance(rows, Mapping):
            yield from _told(rows, None)
    for names, done in ((_DONE_LISTS, True), (_FAILED_LISTS, False)):
        for name in names:
            yield from _listed(body.get(name), done)
    if single is not None:
        yield from _row({"identifier": single, **{k: v for k, v in body.items() if k not in _NAMES}})


def _listed(rows: Json, done: bool) -> Iterator[RowOutcome]:
    """The rows of a list that is named for its outcome: names, rows, or `{name: reason}`."""
    if isinstance(rows, Mapping):
        for name, reason in rows.items():
            yield RowOutcome(str(name), done, "" if done else _text(reason))
    elif isinstance(rows, Sequence) and not isinstance(rows, str):
        for item in rows:
            if isinstance(item, str | int) and not isinstance(item, bool):
                yield RowOutcome(str(item), done, "" if done else "refused")
            elif isinstance(item, Mapping):
                for name in _names(item):
                    yield RowOutcome(name, done and not _reason(item), _reason(item) or ("" if done else "refused"))


def _row(item: Json) -> Iterator[RowOutcome]:
    """A row of its own, if it says how it went."""
    if not isinstance(item, Mapping):
        return
    done = _verdict(item)
    if done is None:
        return
    reason = "" if done else (_reason(item) or "refused")
    for name in _names(item):
        yield RowOutcome(name, done, reason)


def _verdict(item: Mapping[str, Json]) -> bool | None:
    if _reason(item):
        return False
    for name in ("success", "enrolled", "is_enrolled", "is_active", "ok"):
        value = item.get(name)
        if isinstance(value, bool):
            return value
    status = item.get("status")
    if isinstance(status, int) and not isinstance(status, bool):
        return 200 <= status < 300
    if isinstance(status, str):
        word = status.lower()
        if word in ("success", "ok", "enrolled", "created", "already_enrolled", "active"):
            return True
        if word in ("error", "failed", "failure", "invalid", "not_found", "denied"):
            return False
    return None


def _reason(item: Mapping[str, Json]) -> str:
    for name in ("error", "errors", "invalidIdentifier", "invalid_identifier", "exception"):
        value = item.get(name)
        if value not in (None, False, "", [], {}):
            return _text(value)
    return ""


def _text(value: Json) -> str:
    if isinstance(value, Mapping):
        value = next((value[name] for name in ("detail", "message", "error") if value.get(name)), "refused")
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = "; ".join(str(item) for item in value[:3])
    return str(value)[:200] if value not in (None, True) else "refused"


def _names(item: Mapping[str, Json]) -> Iterator[str]:
    for name in _NAMES:
        value = item.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool):
            yield str(value)

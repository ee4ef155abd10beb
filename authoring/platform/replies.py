"""Reading replies into records: what is not of the documented shape is said so, never passed on. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import ValidationError

from authoring.calls import Call, Json
from authoring.client import Client, Reply
from authoring.errors import NonsenseError, RefusedError
from authoring.platform.records import Record

R = TypeVar("R", bound=Record)

PAGES = 1000
"""A list with more pages than this goes in circles."""


def record_of(kind: type[R], call: Call, reply: Reply) -> R:
    """The record that a reply holds. Raises NonsenseError when it holds none."""
    return _record(kind, call, unwrapped(reply.json), reply.status)


def unwrapped(answer: Json) -> Json:
    """What an answer holds: the `result` of an envelope `{"status": {…}, "result": …}`, or the answer itself."""
    if isinstance(answer, Mapping) and isinstance(answer.get("status"), Mapping) and "result" in answer:
        return answer["result"]
    return answer


def refusals_in(answer: Json) -> tuple[str, ...]:
    """What an envelope says went wrong inside a success (`Call.check`)."""
    status = answer.get("status") if isinstance(answer, Mapping) else None
    if isinstance(status, Mapping) and status.get("success") is False:
        return (str(status.get("description") or "the platform says that it failed, and not why"),)
    return ()


def records_of(kind: type[R], call: Call, reply: Reply) -> tuple[R, ...]:
    """The records of a list, plain or as a page (`{"results": […]}`, `{"data": […]}`). Raises NonsenseError."""
    rows = unwrapped(reply.json)
    if isinstance(rows, Mapping):
        rows = rows.get("results", rows.get("data"))
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise NonsenseError(f"{call}: the answer is not a list", _HINT, call=str(call), status=reply.status)
    return tuple(_record(kind, call, row, reply.status) for row in rows)


_HINT = "check the target's addresses: `authoring doctor`"


def _record(kind: type[R], call: Call, row: Json, status: int) -> R:
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        # Only names of fields: pydantic's own words quote the values, and a value may be a secret.
        wrong = ", ".join(".".join(map(str, problem["loc"])) or "the whole" for problem in error.errors())
    # Out here, so that pydantic's error does not travel along as the context of ours.
    raise NonsenseError(
        f"{call}: the answer is not a {kind.__name__.lower()} (wrong or missing: {wrong})",
        _HINT,
        call=str(call),
        status=status,
    )


def segment(value: str | int, what: str) -> str:
    """A value as one segment of a path. Raises RefusedError for one that would change the address; nothing was sent."""
    text = str(value)
    if not text or text in (".", "..") or "/" in text or not text.isprintable() or text != text.strip():
        raise RefusedError(f"{text!r} cannot be a {what}; nothing was sent", f"give the {what} as the platform has it")
    return text.replace("%", "%25")  # the client encodes the rest


def required(value: str | None, what: str, variable: str) -> str:
    """A setting of the target that an address needs. Raises RefusedError; nothing was sent."""
    if not value:
        raise RefusedError(
            f"the target names no {what}; nothing was sent", f"set {variable}, or `{what}` in the target"
        )
    return value


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that was sent and is not so on the platform. `held` is what it says, or that it says nothing."""

    field: str
    held: str

    def __str__(self) -> str:
        return f"{self.field}: {self.held}"


def differences(sent: Mapping[str, object], held: Mapping[str, object]) -> tuple[Difference, ...]:
    """What of `sent` the platform did not take: fields that its answer does not have, and those with another value.

    Values are not shown: a caller may have sent a secret.
    """
    found = []
    for name, value in sent.items():
        if name not in held:
            found.append(Difference(name, "not in the platform's answer: it was probably ignored"))
        elif held[name] != value:
            found.append(Difference(name, "the platform holds another value"))
    return tuple(found)


def all_pages(kind: type[R], client: Client, call: Call) -> tuple[R, ...]:
    """All records of a list that may come in pages (`?page=N` while the answer has a `next` or `next_page`).

    Raises ApiError.
    """
    found: list[R] = []
    for number in range(1, PAGES + 1):
        page = replace(call, query={**call.query, "page": str(number)}) if number > 1 else call
        reply = client.send(page)
        found += records_of(kind, page, reply)
        told = unwrapped(reply.json)
        if not isinstance(told, Mapping) or not (told.get("next") or told.get("next_page")):
            return tuple(found)
    raise NonsenseError(f"{call}: the list does not end after {PAGES} pages", _HINT, call=str(call))

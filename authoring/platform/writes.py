"""Writing rows of the platform: what is asked for, typed; a create that is never made twice; and what became of it.

Comes in: values of a caller and a `Call`. Goes out: a `Saved`. Nothing here knows an address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from authoring.calls import Call, Json
from authoring.client import Client, Reply
from authoring.errors import ApiError, OutcomeUnknownError, RefusedError
from authoring.platform.records import Record
from authoring.platform.replies import Difference, differences

R = TypeVar("R", bound=Record)
W = TypeVar("W", bound="Wish")

CREATED = 201


class Wish(BaseModel):
    """What is to be on the platform. Frozen and strict: the platform passes over what it does not know, so it is refused here.

    A field that was not given is not sent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def body(self) -> dict[str, Json]:
        """The fields that were given, null where null was given."""
        return self.model_dump(exclude_unset=True, mode="json")


def wish_of(kind: type[W], values: Mapping[str, Any]) -> W:
    """A wish from YAML, JSON or options. Raises RefusedError, naming the fields and never their values."""
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, row['loc'])) or 'the whole'}: {row['msg']}" for row in error.errors())
    known = ", ".join(kind.model_fields)
    raise RefusedError(f"this cannot be sent ({wrong}); nothing was sent", f"it takes {known}")


@dataclass(frozen=True, slots=True)
class Learner:
    """A user as the data manager names one. Both names are sent where both are known: releases differ in which they need."""

    user_id: int | None = None
    username: str | None = None

    def __post_init__(self) -> None:
        if self.user_id is None and not self.username:
            raise RefusedError("name the user: by user id, by username, or best by both; nothing was sent")

    def body(self) -> dict[str, Json]:
        named: dict[str, Json] = {"user_id": self.user_id, "username": self.username}
        return {name: value for name, value in named.items() if value is not None and value != ""}

    def query(self) -> dict[str, str]:
        """For reads; one name is enough there, and two might not fit."""
        return {"username": self.username} if self.username else {"user_id": str(self.user_id)}

    def __str__(self) -> str:
        return self.username or str(self.user_id)


@dataclass(frozen=True, slots=True)
class Saved(Generic[R]):
    """What became of a row: as the platform tells it, whether it is new, and what of the wish it did not take."""

    record: R
    created: bool
    not_taken: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        return {
            "record": self.record.model_dump(),
            "created": self.created,
            "not_taken": [{"field": row.field, "held": row.held} for row in self.not_taken],
            "notes": list(self.notes),
        }


def saved(record: R, wanted: Mapping[str, object], *, created: bool, notes: tuple[str, ...] = ()) -> Saved[R]:
    """What the platform's answer says of a wish. A field that the answer does not tell is not held against it.

    Of an object only the keys that were sent are compared: whether the platform merges or replaces is not documented.
    """
    held = record.model_dump(exclude_unset=True)
    differing = {name: value for name, value in wanted.items() if name in held and not _agrees(value, held[name])}
    return Saved(record, created, differences(differing, held), notes)


def _agrees(wanted: object, held: object) -> bool:
    if isinstance(wanted, Mapping) and isinstance(held, Mapping):
        return all(name in held and _agrees(value, held[name]) for name, value in wanted.items())
    return wanted == held


def create_once(client: Client, call: Call, read: Callable[[Reply], R], find: Callable[[], R | None]) -> R:
    """Send a create once. After an unknown outcome it is looked for, and never sent again.

    Raises OutcomeUnknownError when it is not to be found then: it may still come, so the next run looks first as well.
    """
    try:
        reply = client.send(call)
        return read(reply)
    except OutcomeUnknownError:
        try:
            found = find()
        except ApiError:
            found = None
        if found is None:
            raise
        return found

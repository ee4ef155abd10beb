"""One HTTP call as data: what a dialect makes, a plan prints and the client sends. Pure; nothing here touches the network.

A `Call` names a service (`cms`, `lms`, `manager`), never a host: the target says where that is. Paths and query
values are written plainly; the client encodes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

Json: TypeAlias = "None | bool | int | float | str | Sequence[Json] | Mapping[str, Json]"
"""A JSON value."""

SECRET = "[secret]"  # noqa: S105  # the words shown in the place of one
"""What is shown in the place of a value that must not be seen."""


class Service(StrEnum):
    CMS = "cms"
    """Studio."""
    LMS = "lms"
    MANAGER = "manager"
    """The ibl platform's data manager."""


class CallKind(StrEnum):
    """What a call is for; runs are counted by it. Only `read` and `login` change nothing."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    PUBLISH = "publish"
    DELETE = "delete"
    MOVE = "move"
    UPLOAD = "upload"
    SETTINGS = "settings"
    LOGIN = "login"

    @property
    def writes(self) -> bool:
        return self not in (CallKind.READ, CallKind.LOGIN)


class Answer(StrEnum):
    """What a success must look like; anything else (an HTML login page) is not taken for one."""

    JSON = "json"
    EMPTY_OR_JSON = "empty-or-json"
    """Some writes answer 200 with nothing in it, others 204."""
    ANY = "any"
    """Only the status counts."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file of a multipart form, read from disk while it is sent. `name` is the form's, `filename` the platform's."""

    name: str
    file: Path
    filename: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Merge:
    """How a call that replaces a whole value keeps what others put there: `read` first, then send what `combine` makes.

    `combine` is given the reply of `read` and the call's own `json`; what it returns is sent. It raises ValueError or
    KeyError when the reply is not of the shape it needs.
    """

    read: Call
    combine: Callable[[Json, Json], Json] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, complete but for host and login.

    The body is `json`, or the multipart form of `form` and `files`, or (with `inline_files`) `json` with each file
    in it as base64 under its part's name. `check` finds refusals inside a success: it returns what is wrong, or
    nothing. `repeatable` tells that sending it twice leaves the platform as sending it once. `secret` bodies are
    never shown. `answered` are statuses beside those of success whose JSON is an answer to read, not a mere refusal.
    """

    kind: CallKind
    service: Service
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    json: Json = None
    form: Mapping[str, str] | None = None
    files: tuple[FilePart, ...] = ()
    inline_files: bool = False
    answer: Answer = Answer.JSON
    repeatable: bool = True
    secret: bool = False
    answered: tuple[int, ...] = ()
    merge: Merge | None = None
    check: Callable[[Json], Sequence[str]] | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def to_json(self) -> dict[str, object]:
        """`{kind, service, method, path, query, body}` for printing.

        `body` is null for a call without one. A secret body is `[secret]`, a file `{"file": name, "bytes": n}`. A call
        that keeps what is there has `merges`: the read whose answer the body is laid over.
        """
        row: dict[str, object] = {
            "kind": str(self.kind),
            "service": str(self.service),
            "method": self.method,
            "path": self.path,
            "query": dict(self.query),
            "body": self._body(),
        }
        if self.merge is not None:
            row["merges"] = str(self.merge.read)
        return row

    def _body(self) -> object:
        if self.secret:
            return SECRET
        files = {part.name: {"file": part.filename, "bytes": part.size} for part in self.files}
        if self.form is not None:
            return {**self.form, **files}
        if files:
            return {**self.json, **files} if isinstance(self.json, Mapping) else files
        return self.json

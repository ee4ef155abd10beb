"""HTTP calls as data: what a plan prints and what the client sends are the same value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from authoring.model import FieldValue


class Service(StrEnum):
    """Which of the platform's hosts a call goes to."""

    CMS = "cms"
    LMS = "lms"
    MANAGER = "manager"


class CallKind(StrEnum):
    """What a call does, for counting."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    PUBLISH = "publish"
    DELETE = "delete"
    MOVE = "move"
    UPLOAD = "upload"
    SETTINGS = "settings"
    LOGIN = "login"


class Answer(StrEnum):
    """What a success looks like."""

    JSON = "json"
    EMPTY_OR_JSON = "empty-or-json"
    """Some routes answer 200 with no body (`xblock/update`, `xblock/publish`, every DELETE)."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """One file of a multipart body, read from disk when it is sent; `size` in bytes."""

    name: str
    file: Path
    filename: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, complete but for host and credentials.

    `repeatable` says that sending it twice does no harm. `secret` keeps the body out of everything printed.
    """

    kind: CallKind
    service: Service
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    json: FieldValue = None
    form: Mapping[str, str] | None = None
    files: tuple[FilePart, ...] = ()
    over: Call | None = None
    """A read to make first: this body is laid over its answer (maps merged, lists united), because the route replaces."""
    answer: Answer = Answer.JSON
    repeatable: bool = False
    secret: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def to_json(self) -> dict[str, object]:
        """`{kind, method, path, query, body}` for printing; secrets and file contents are left out."""
        body: object = self.json
        if self.secret:
            body = "[secret]"
        elif self.files or self.form is not None:
            body = {
                **(self.form or {}),
                **{part.name: {"file": part.filename, "bytes": part.size} for part in self.files},
            }
        return {
            "kind": str(self.kind),
            "method": self.method,
            "path": self.path,
            "query": dict(self.query),
            "body": body,
            **({"laid_over": f"{self.over.method} {self.over.path}"} if self.over else {}),
        }

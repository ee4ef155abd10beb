"""What is seen of a declared row on the platform, and what each kind can do there.

An `Adapter` is the only one to know a kind's calls; everything else sees `Sight` values. Comes in: a `Declaration`, with what is
known of it. Goes out: a `Sight`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from authoring.calls import Json
from authoring.declared.model import Declaration, Ref
from authoring.settings import Secret

Ids = Mapping[str, Json]
"""A row's names on the platform; what a reference asks for by its attribute."""


class Seen(StrEnum):
    FOUND = "found"
    ABSENT = "absent"
    """Looked for, and surely not there."""
    UNTOLD = "untold"
    """Nobody can look it up; `said` tells what was seen."""
    SEVERAL = "several"
    """More than one could be meant; `said` names them."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of a row. `held` has the fields that the platform shows, by the names of the declaration.

    `partly`: only a half of it was made, and nothing can be done about the rest from here.
    """

    seen: Seen
    ids: Ids = field(default_factory=dict)
    held: Mapping[str, Json] = field(default_factory=dict)
    said: str = ""
    partly: bool = False


ABSENT = Sight(Seen.ABSENT)


def found(ids: Ids, held: Mapping[str, Json] | None = None) -> Sight:
    return Sight(Seen.FOUND, ids, held or {})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A row as it shall be, ready to be sent: its fields resolved, those that are to change, the secrets, what is there.

    `names` are the fields to send: all for a create, those that differ for a change.
    """

    row: Declaration
    values: Mapping[str, Json]
    names: frozenset[str]
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    sight: Sight = ABSENT

    def some(self, *names: str) -> dict[str, Json]:
        """The values of those of `names` that are declared."""
        return {name: self.values[name] for name in names if name in self.values}


Find = Callable[[Ref], Json]
"""A reference's name on the platform; raises UnresolvedError where there is none yet."""


class Adapter(Protocol):
    """One kind at one platform. Its methods raise ApiError; what is read is kept, so that no list is read twice."""

    @property
    def later(self) -> frozenset[str]:
        """Fields that go in further calls, after the one that makes the row."""
        ...

    def look(self, row: Declaration, known: Ids, find: Find) -> Sight:
        """The row, under the names that are known of it, or else under what it is known again by."""
        ...

    def create(self, wanted: Wanted) -> Sight:
        """Send the create, once."""
        ...

    def change(self, wanted: Wanted) -> Sight:
        """Send what differs; harmless twice."""
        ...

    def delete(self, key: str, ids: Ids) -> None:
        """Take the row away; gone already counts as done."""
        ...

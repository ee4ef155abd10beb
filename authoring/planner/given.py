"""What a plan is made from beside the course and its lock file: the caller's consent, and what was read of the target."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from authoring.adoption import Contents, Doubts
from authoring.model import BlockKey
from authoring.remote import HeldPassport, RemoteBlock, RemoteCourse, RemoteUpdate

GRADING_KEY = BlockKey("#course", "grading")
"""Stands in the lock file for the grading policy, which the course has outside its tree."""


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What the caller consents to. All of it is off by default."""

    publish: bool = False
    hide_removed: bool = False
    delete_removed: bool = False
    restore: bool = False
    """Create again what was deleted on the platform."""
    recreate: bool = False
    """Create the course again when the platform no longer has it."""
    beside: bool = False
    """Create components even where the platform has others of the same name and another content."""
    overwrite: bool = False
    """Send what differs even where somebody changed it on the platform since."""
    replace_passports: bool = False
    """Send LTI passports of which the course has another key or secret."""
    only_publish: bool = False
    """Plan nothing but the publishing of what was pushed before."""

    def with_recreate(self) -> PlanOptions:
        """The same, and a lost course may be made anew."""
        return replace(self, recreate=True)


@dataclass(frozen=True, slots=True)
class Live:
    """What was read of the target before planning.

    `outline` is None when the target has no such course. `assets` maps platform names to sizes in bytes (None: not
    read). `contents` holds the reads of the components that `match_unclaimed` found.
    """

    outline: RemoteCourse | None = None
    assets: Mapping[str, int | None] | None = None
    contents: Contents = field(default_factory=dict)
    doubtful: Doubts = field(default_factory=dict)
    """Blocks whose create was sent by an earlier run and never answered."""
    pages: tuple[RemoteBlock, ...] | None = ()
    """Live pages that no lock entry claims; None where the login cannot see them."""
    passports: Mapping[str, HeldPassport] | None = None
    """What the course has of the declared LTI passports, by id; None where the login cannot see them."""
    continued: bool = True
    """Whether this machine's journal goes back to earlier runs: what it does not name was not sent from here."""
    updates: tuple[RemoteUpdate, ...] | None = ()
    """The announcements, newest first, where anything is to be done about them; None where the login cannot see them."""
    team: Mapping[str, str] | None = field(default_factory=dict)
    """The live roles of those about whom anything is to be done; None where the login may not see them."""
    all_pages: tuple[str, ...] | None = None
    """Every live page in order, by usage key; None where they were not read."""
    gone: frozenset[str] = frozenset()
    """Usage keys that the outline does not reach down to and that a read found to be gone."""


def live_digest(outline: RemoteCourse | None) -> str:
    """Changes when the structure, a title or the publish state of a live course does."""
    if outline is None:
        return "absent"
    rows = [
        f"{block.usage_key}|{block.display_name}|{block.published}|{block.has_changes}|{block.children}"
        for block in outline.blocks.values()
    ]
    return hashlib.sha256("\n".join(sorted(rows)).encode("utf-8", "surrogatepass")).hexdigest()[:16]

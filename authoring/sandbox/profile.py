"""The sandbox's temper: each known difference between deployments is one switch, with its source.

`DOCUMENTED` behaves as the platform's documentation says, `OBSERVED` as a deployment was seen to behave.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """One temper. Every field is a switch; the defaults are those of `DOCUMENTED`."""

    name: str = "documented"
    position_breaks: bool = False
    """`position` in a create is a 500."""
    html_create_drops_title: bool = False
    """A create of an html block ignores `display_name`; the title is "Text" until an update sets it."""
    details_only_text: bool = False
    """`get-details` answers 406 for every category but html and video."""
    static_rewritten: bool = False
    """A stock read has `/static/x` rewritten to served addresses."""
    slash_redirects: bool = False
    """A path without its trailing slash is answered 301, which drops the body of a write."""
    bearer_refused: bool = False
    """Studio takes no token: only sessions."""
    details_complete: bool = True
    """`get-details` also tells `metadata` and `category`."""
    pacing_locked: bool = True
    """`self_paced` cannot be changed once the start has passed, nor in one body with such a start."""


DOCUMENTED = Profile()
OBSERVED = Profile(
    name="observed",
    position_breaks=True,
    html_create_drops_title=True,
    details_only_text=True,
    static_rewritten=True,
    slash_redirects=True,
    bearer_refused=True,
    details_complete=False,
)
PROFILES = {profile.name: profile for profile in (DOCUMENTED, OBSERVED)}

"""Who works on the course: what is to be done about the roles of its team. Pure.

    team: of course.yaml, the lock file's entries, the live roles  ->  operations and notices

Only people that the source or the lock file names are looked at: a team is never emptied by leaving somebody out.
Open edX: cms/djangoapps/contentstore/views/user.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from authoring.lockfile import LockEntry, digest, team_key
from authoring.model import NO_ROLE, TEAM, BlockKey
from authoring.operations import AdoptBlock, Notice, Operation, SetRole
from authoring.remote import UNKNOWN_USER


def locked_team(entries: Mapping[BlockKey, LockEntry]) -> Mapping[str, str]:
    """What was last agreed on of each person, as a digest, by address in small letters."""
    return {
        key.url_name.casefold(): entry.pushed.get("role", "") for key, entry in entries.items() if key.category == TEAM
    }


def team_to_read(team: Mapping[str, str], entries: Mapping[BlockKey, LockEntry]) -> tuple[str, ...]:
    """Whose live role must be read before planning. Who is written with other capitals now was not taken away."""
    locked = locked_team(entries)
    changed = [email for email, role in team.items() if locked.get(email.casefold()) != digest(role)]
    named = {email.casefold() for email in team}
    return (*changed, *(email for email in locked if email not in named))


@dataclass(frozen=True, slots=True)
class TeamPlan:
    """Made by `plan_team`."""

    operations: tuple[Operation, ...]
    notices: tuple[Notice, ...]


def plan_team(
    team: Mapping[str, str],
    entries: Mapping[BlockKey, LockEntry],
    live: Mapping[str, str] | None,
    *,
    overwrite: bool,
    remove: bool,
) -> TeamPlan:
    """`team` is address → role (`none`: not in it), `live` the same as read, `UNKNOWN_USER` for an address that nobody has;
    None where the login may not see it. `remove` also takes out whom the source no longer names."""
    waiting = team_to_read(team, entries)
    if not waiting:
        return TeamPlan((), ())
    if live is None:
        said = "the course team cannot be set: that takes a Studio session of an admin of the course"
        return TeamPlan((), (Notice("no-team", said),))
    notices: list[Notice] = []
    operations = tuple(_changes(team, waiting, locked_team(entries), live, notices, overwrite=overwrite, remove=remove))
    return TeamPlan(operations, tuple(notices))


def _changes(
    team: Mapping[str, str],
    waiting: tuple[str, ...],
    locked: Mapping[str, str],
    live: Mapping[str, str],
    notices: list[Notice],
    *,
    overwrite: bool,
    remove: bool,
) -> Iterator[Operation]:
    # Who becomes an admin first: the last one cannot be taken out.
    for email in sorted(waiting, key=lambda one: (team.get(one) != "instructor", team.get(one, NO_ROLE) == NO_ROLE)):
        held = live.get(email, NO_ROLE)
        wanted = team.get(email)
        base = locked.get(email.casefold())
        if wanted is None:
            if held not in (NO_ROLE, UNKNOWN_USER) and not remove:
                said = (
                    f"{email} is no longer under `team` and stays {held} of the course: write `{email}: none`, or pass"
                )
                notices.append(Notice("removed", f"{said} --delete-removed", team_key(email)))
            elif held not in (NO_ROLE, UNKNOWN_USER) and digest(held) != base and not overwrite:
                said = f"{email} is to be taken out, but was made {held} on the platform since the last push:"
                notices.append(_changed_there(email, f"{said} `authoring pull` merges it, --overwrite takes them out"))
            else:
                yield SetRole(email, None, declared=False)
            continue
        if held == UNKNOWN_USER:
            if wanted != NO_ROLE:
                said = f"nobody on the platform has the address {email}: they must register before they can be {wanted}"
                notices.append(Notice("no-such-user", said, team_key(email)))
            continue
        if held != wanted and base is not None and digest(held) != base and not overwrite:
            said = f"{email} was made {_words(held)} on the platform since the last push, and {_words(wanted)} here:"
            notices.append(_changed_there(email, f"{said} `authoring pull` merges it, --overwrite sends yours"))
        elif held == wanted:
            yield AdoptBlock(team_key(email), team_key(email), "", {"role": digest(wanted)})
        else:
            yield SetRole(email, None if wanted == NO_ROLE else wanted)


def _changed_there(email: str, message: str) -> Notice:
    return Notice("changed-there", message, team_key(email), blocking=True)


def _words(role: str) -> str:
    return "no member" if role == NO_ROLE else role

"""What goes into the lock file when a write was answered, or when a row turns out to be as declared. Pure.

Comes in: the row, what was sent, what the platform shows. Goes out: an `Entry`, and notes about what it took otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from authoring.calls import Json
from authoring.declared.comparing import Work, digests, field_of, is_linked, seen_of, variables_of
from authoring.declared.lock import Entry
from authoring.declared.model import Declaration
from authoring.declared.sights import Sight


def entry_of_created(row: Declaration, sight: Sight, values: Mapping[str, Json], later: frozenset[str]) -> Entry:
    """After a create. `later` are fields that go in further calls."""
    first = {name: value for name, value in values.items() if name not in later}
    held = digests(dict(sight.held))
    sent = digests(first)
    seen = {**seen_of(sight), **{part: held[part] for part in sent if part in held}}
    links = {name: tuple(value) for name, value in first.items() if is_linked(row, name) and isinstance(value, list)}
    return Entry(row.key, sight.ids, sent, seen, links, _variables(row), row.origins)


def entry_of_changed(row: Declaration, sight: Sight, work: Work, before: Entry | None) -> Entry:
    """After a change: of the fields that were sent what the platform shows now, of the others what was known."""
    held = digests(dict(sight.held))
    now = {part: held[part] for part in held if field_of(part) in work.send}
    seen = {**(before.seen if before is not None else {}), **work.seen, **now}
    seen = {part: one for part, one in seen.items() if part in work.sent or "." not in part}
    return Entry(row.key, sight.ids, work.sent, seen, work.links, _variables(row), row.origins)


def entry_of_found(row: Declaration, sight: Sight, work: Work, before: Entry | None) -> Entry:
    """Of a row that needs nothing. One that becomes ours by that is remembered as it is, what is left as somebody else's apart."""
    seen = dict(work.seen) if before is not None else {**seen_of(sight, work.left), **work.seen}
    return Entry(row.key, sight.ids, work.sent, seen, work.links, work.variables, row.origins)


def notes_of(row: Declaration, sight: Sight, sent: Mapping[str, Json]) -> Iterator[str]:
    """What the platform did not take as it was sent."""
    held = digests(dict(sight.held))
    for part, one in digests(dict(sent)).items():
        if part in held and held[part] != one and not is_linked(row, part):
            yield f"{row.key}: {part}: the platform holds another value than it was sent"
        elif part not in held and field_of(part) in sight.held:
            yield f"{row.key}: {part}: the platform does not show it; it was probably passed over"
    if sight.said:
        yield f"{row.key}: {sight.said}"


def _variables(row: Declaration) -> tuple[str, ...]:
    return tuple(sorted(f"{name}={variable}" for name, variable in variables_of(row).items()))

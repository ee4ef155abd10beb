"""A declared row against the live one and against what was last sent: what is to be sent, and what is somebody else's. Pure.

Field by field, three sides: the declaration, the platform, and the digests in the lock file. A side that has its digest has not
changed. Lists to which others add (`linked`) are compared item by item: theirs stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from authoring.calls import Json
from authoring.declared.kinds import CLAIM, KINDS, TENANT
from authoring.declared.lock import Entry
from authoring.declared.model import Declaration, UnresolvedError, Variable, canonical, digest, resolved
from authoring.declared.sights import Find, Sight

TERMS = "terms"
"""The linked list of a person's claims, which is no field of a section."""
EMPTY: tuple[Json, ...] = (None, "", [], {}, ())


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not as declared and is left so: `why` says it, `forced` whether `--overwrite` would send it."""

    field: str
    why: str
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """What a row needs. `send` are the fields, `added` and `removed` the items of linked lists, `values` what is sent.

    `sent`, `seen` and `links` are the entry's, once it is done. `settled`: nothing is to be sent, and the entry is as it was.
    """

    send: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    left: tuple[Difference, ...]
    values: Mapping[str, Json]
    sent: Mapping[str, str]
    seen: Mapping[str, str]
    links: Mapping[str, tuple[Json, ...]]
    variables: tuple[str, ...]


def is_linked(row: Declaration, name: str) -> bool:
    if name == TERMS:
        return True
    kind = KINDS.get(row.kind)
    described = kind.field(name) if kind is not None else None
    return described is not None and described.linked


def is_fixed(row: Declaration, name: str) -> bool:
    if row.kind in (TENANT, "assertions"):
        return True
    kind = KINDS.get(row.kind)
    described = kind.field(name) if kind is not None else None
    return described is not None and described.fixed


def parts_of(name: str, value: Json) -> Iterator[tuple[str, Json]]:
    """A field as what is compared: a mapping by its keys, since keys that are not declared are not ours."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield f"{name}.{key}", item
    else:
        yield name, value


def field_of(part: str) -> str:
    """The field that a part belongs to."""
    return part.partition(".")[0]


def digests(values: Mapping[str, Json]) -> dict[str, str]:
    """By part, of fields that are sent or shown."""
    return {part: digest(item) for name, value in values.items() for part, item in parts_of(name, value)}


def seen_of(sight: Sight, left: Sequence[Difference] = ()) -> dict[str, str]:
    """What a row shows when it becomes ours, also of fields that are not declared: whoever declares one later sees whether it was
    changed since. Without the keys of mappings, and without what is left as somebody else's."""
    theirs = {one.field for one in left if one.forced}
    return {
        name: digest(value)
        for name, value in sight.held.items()
        if not isinstance(value, Mapping) and name not in theirs
    }


def values_of(row: Declaration, find: Find) -> tuple[dict[str, Json], tuple[str, ...]]:
    """The fields that are compared, as they are sent, secrets apart, and the names of those that wait for a row that is not there yet."""
    values: dict[str, Json] = {}
    waiting: list[str] = []
    for name, value in row.fields.items():
        if isinstance(value, Variable) or (row.kind == CLAIM and name != TERMS):
            continue
        try:
            values[name] = resolved(value, find)
        except UnresolvedError:
            waiting.append(name)
    return values, tuple(waiting)


def variables_of(row: Declaration) -> dict[str, str]:
    return {name: value.name for name, value in row.fields.items() if isinstance(value, Variable)}


def compare(
    row: Declaration,
    sight: Sight,
    entry: Entry | None,
    begun: Mapping[str, str] | None,
    find: Find,
    *,
    overwrite: bool = False,
    send_secrets: bool = False,
) -> Work:
    """What a row that is there needs. `begun` are the digests of a write without an outcome."""
    values, waiting = values_of(row, find)
    held = digests(dict(sight.held))
    sent = dict(entry.sent) if entry is not None else {}
    seen = dict(entry.seen) if entry is not None else {}
    links = dict(entry.links) if entry is not None else {}
    send: list[str] = list(waiting)
    left: list[Difference] = []
    added: list[str] = [str(row.fields[name]) for name in waiting if is_linked(row, name)]
    removed: list[str] = []
    for name in (name for name in values if is_linked(row, name) and name in sight.held):
        linked = _linked(values[name], sight.held[name], links.get(name, ()), overwrite=overwrite)
        links[name] = tuple(_items(values[name]))
        sent[name] = digest(values[name])
        if linked.gone:
            left.append(Difference(name, f"somebody took out {', '.join(linked.gone)}", forced=True))
        if linked.result != list(_items(sight.held[name])):
            send.append(name)
            added += linked.added
            removed += linked.removed
            values[name] = linked.result
        seen[name] = held[name]
    for name, value in list(values.items()):
        if is_linked(row, name) and name in sight.held:
            continue
        judged = [
            (part, _judge(part, digest(item), held, sight, entry, begun, overwrite=overwrite))
            for part, item in parts_of(name, value)
        ]
        verdicts = {verdict for _, verdict in judged}
        if is_fixed(row, name) and verdicts & {"send", "theirs"}:
            shown = name in sight.held or any(part in held for part, _ in judged)
            if shown or (entry is not None and any(entry.sent.get(part) for part, _ in judged)):
                left.append(Difference(name, "the platform has no call that changes it on a row that is there"))
        elif "theirs" in verdicts:
            left.append(Difference(name, "somebody changed it on the platform", forced=True))
            values[name] = sight.held[name]  # some calls send the whole row: theirs goes back as it is
            continue
        elif "send" in verdicts:
            send.append(name)
        for part, item in parts_of(name, value):
            sent[part] = digest(item)
            if part in held:
                seen[part] = held[part]
    known = entry.variables if entry is not None else ()
    secrets = variables_of(row)
    wanted = tuple(sorted(f"{name}={variable}" for name, variable in secrets.items()))
    changed = [name for name, variable in secrets.items() if f"{name}={variable}" not in known]
    if secrets and row.kind != TENANT and (changed or send_secrets):
        send += list(secrets) if send_secrets else changed
    return Work(
        tuple(dict.fromkeys(send)), tuple(added), tuple(removed), tuple(left), values, sent, seen, links, wanted
    )


def _judge(
    part: str,
    wanted: str,
    held: Mapping[str, str],
    sight: Sight,
    entry: Entry | None,
    begun: Mapping[str, str] | None,
    *,
    overwrite: bool,
) -> str:
    """`same`, `send`, `theirs`, or `kept` (sent before, and the platform holds it otherwise)."""
    live = held.get(part)
    sent = entry.sent.get(part) if entry is not None else (begun or {}).get(part)
    if live == wanted:
        return "same"
    if live is None:
        # The platform shows no such thing: what was sent counts.
        in_flight = entry is not None and part in (begun or {})
        return "same" if sent == wanted and not in_flight else "send"
    if entry is None:
        if begun is not None or overwrite or _is_empty(part, sight):
            return "send"
        return "theirs"
    seen = entry.seen.get(part)
    if live == seen or live == (begun or {}).get(part):
        return "kept" if sent == wanted and begun is None else "send"
    if seen is None and sent == wanted:
        return "kept"
    return "send" if overwrite or (seen is None and _is_empty(part, sight)) else "theirs"


def _is_empty(part: str, sight: Sight) -> bool:
    name, _, key = part.partition(".")
    value = sight.held.get(name)
    if key and isinstance(value, Mapping):
        value = value.get(key)
    return value in EMPTY


@dataclass(frozen=True, slots=True)
class _Linked:
    result: list[Json]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    gone: tuple[str, ...]


def _items(value: Json) -> Sequence[Json]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _linked(new: Json, live: Json, old: Sequence[Json], *, overwrite: bool) -> _Linked:
    """The list to send: what others put in stays, what we took out goes, what somebody else took out stays out."""
    wanted = {canonical(item): item for item in _items(new)}
    there = {canonical(item): item for item in _items(live)}
    before = [canonical(item) for item in old]
    gone = [key for key in wanted if key in before and key not in there and not overwrite]
    kept = [key for key in there if key in wanted or key not in before]
    added = [key for key in wanted if key not in there and key not in gone]
    removed = [key for key in there if key not in kept]
    ours = [key for key in there if key in before] == [key for key in before if key in there]
    if all(key in wanted for key in kept) and ours:
        order = [key for key in wanted if key in kept or key in added]
    else:
        order = [*kept, *added]
    everything = {**there, **wanted}
    return _Linked(
        [everything[key] for key in order],
        tuple(_short(everything[key]) for key in added),
        tuple(_short(everything[key]) for key in removed),
        tuple(_short(everything[key]) for key in gone),
    )


def _short(item: Json) -> str:
    if isinstance(item, Mapping):
        return " ".join(str(value) for value in item.values())
    return str(item)

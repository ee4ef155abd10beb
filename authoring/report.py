"""What a person or a script reads of a plan and a run. Pure: values in, lines of text or JSON out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import assert_never

from authoring.applier import Applied
from authoring.calls import Call, CallKind
from authoring.dialects import Dialect
from authoring.lockfile import LockPart
from authoring.model import OUTLINE_CATEGORIES, ROOT_KEY, TEAM, BlockKey
from authoring.operations import (
    AdoptBlock,
    CreateBlock,
    CreateCourse,
    DeleteBlock,
    ForgetBlock,
    Impact,
    ImportCourse,
    MoveBlock,
    Operation,
    OrderPages,
    Plan,
    Publish,
    PutGrading,
    PutLtiPassport,
    ReorderChildren,
    SetRole,
    UpdateAbout,
    UpdateBlock,
    UploadAsset,
    UploadPackage,
    impact_of,
    name_of,
    operation_to_json,
)
from authoring.registry import spec
from authoring.rendering import Names, calls_of
from authoring.verifying import Verdict

LEARNERS_NOTICE = {
    Impact.DESTRUCTIVE: "removed, with learners' work in it",
    Impact.ACCESS: "who sees what, and when",
    Impact.GRADING: "scores, attempts or due dates",
    Impact.STRUCTURE: "order or place",
    Impact.WORDING: "wording",
    Impact.NEW: "new",
    Impact.SETTINGS: "settings",
    Impact.FILES: "files (live as soon as they are uploaded)",
    Impact.PUBLISH: "drafts that go live",
}
"""What each class of change means to learners, the gravest first."""


def planned_names(plan: Plan, part: LockPart, dialect: Dialect) -> Names:
    """Names for printing: what exists has its usage key, what does not is shown as `<category/url_name>`."""
    root = dialect.root_key(plan.course)

    def usage_key(key: BlockKey) -> str | None:
        if key == ROOT_KEY:
            return root
        entry = part.entries.get(key)
        return entry.usage_key if entry and entry.usage_key else None

    return Names(course=plan.course, usage_key=usage_key, links=plan.link_names)


def planned_calls(plan: Plan, dialect: Dialect, names: Names) -> Iterator[tuple[Operation, tuple[Call, ...]]]:
    """Each operation with the calls it becomes."""
    for operation in plan.operations:
        yield operation, calls_of(operation, dialect, names)


def plan_report(plan: Plan, dialect: Dialect, names: Names) -> dict[str, object]:
    """A plan for scripts: operations with their calls, counts, notices, what gets published and what stays a draft."""
    rows = []
    kinds: Counter[str] = Counter()
    for operation, calls in planned_calls(plan, dialect, names):
        kinds.update(str(call.kind) for call in calls)
        rows.append(
            {
                **operation_to_json(operation),
                "impact": str(impact_of(operation)),
                "summary": describe(operation, plan),
                "calls": [call.to_json() for call in calls],
            }
        )
    return {
        "course": str(plan.course),
        "target": plan.target,
        "operations": rows,
        "calls": dict(sorted(kinds.items())),
        "impacts": {str(impact): count for impact, count in impacts(plan).items()},
        "notices": [
            {
                "kind": n.kind,
                "message": n.message,
                "block": str(n.key) if n.key else None,
                "blocking": n.blocking,
            }
            for n in plan.notices
        ],
        "published": [str(key) for key in plan.published],
        "drafts": [str(key) for key in plan.drafts],
    }


def run_report(plan: Plan, applied: Applied, *, calls: Mapping[CallKind, int]) -> dict[str, object]:
    """What a run did, for scripts: operations, the platform's ids of what was made, calls by kind (planning's reads
    among them)."""
    return {
        "course": str(plan.course),
        "target": plan.target,
        "operations": [
            {"op": name_of(operation), "block": _block_of(operation), "summary": describe(operation, plan)}
            for operation in applied.operations
        ],
        "created": {str(key): usage_key for key, usage_key in applied.created.items()},
        "calls": {str(kind): count for kind, count in sorted(calls.items()) if count},
        "writes": sum(count for kind, count in calls.items() if kind.writes),
        "notes": list(applied.notes),
        "notices": [
            {"kind": n.kind, "message": n.message, "block": str(n.key) if n.key else None} for n in plan.notices
        ],
        "published": [str(key) for key in plan.published],
        "drafts": [str(key) for key in plan.drafts],
    }


def impacts(plan: Plan) -> Mapping[Impact, int]:
    """How many operations there are of each class, the gravest class first."""
    counted = Counter(impact_of(operation) for operation in plan.operations)
    return {impact: counted[impact] for impact in LEARNERS_NOTICE if counted[impact]}


def _block_of(operation: Operation) -> str | None:
    key = getattr(operation, "key", None)
    return str(key) if isinstance(key, BlockKey) else None


def word(category: str) -> str:
    """What authors call a category: "section", "problem"."""
    known = spec(category)
    return known.title if known else category


def describe(operation: Operation, plan: Plan) -> str:
    """One line for people."""

    def name(key: BlockKey) -> str:
        if key == ROOT_KEY:
            return "the course"
        return f"{word(key.category)} {plan.titles.get(key, key.url_name)!r}"

    match operation:
        case CreateCourse(course, display_name, source):
            return f"make the course {display_name!r} ({course})" + (f" as a copy of {source}" if source else "")
        case ImportCourse(_, archive, entries):
            return f"import the whole course as one archive ({len(entries)} entries, {archive.size:,} bytes), and publish it"
        case PutGrading(policy):
            return f"set the grading policy ({len(policy.graders)} assignment types)"
        case PutLtiPassport(lti_id, replaces=replaces):
            return f"{'replace' if replaces else 'add'} the LTI passport {lti_id!r}"
        case UpdateAbout(values):
            return f"write the about page ({', '.join(sorted(values))})"
        case UploadAsset(asset, replaces):
            return f"{'replace' if replaces else 'upload'} {asset.path} ({asset.size:,} bytes)"
        case CreateBlock(key, parent):
            return f"make {name(key)} in {name(parent)}"
        case AdoptBlock(key) if key.category == TEAM:
            return f"take over the role of {key.url_name}, who has it already"
        case AdoptBlock(key):
            return f"take over {name(key)}, which is there already"
        case ForgetBlock(key):
            return f"forget {name(key)}, which is gone on both sides"
        case UpdateBlock(key, fields, content):
            return f"set {_listing(fields, content)} of {name(key)}"
        case UploadPackage(key, package, index_page=page):
            starts = f", which starts {page}" if page else ""
            return f"upload {package.path} ({package.size:,} bytes{starts}) to {name(key)}"
        case OrderPages(pages):
            return f"order the {len(pages)} pages of the course"
        case SetRole(email, role):
            return f"make {email} {role} of the course" if role else f"take {email} out of the course team"
        case MoveBlock(key, parent):
            return f"move {name(key)} to {name(parent)}"
        case ReorderChildren(key, children):
            return f"put the {len(children)} parts of {name(key)} in order"
        case DeleteBlock(key, _, display_name):
            below = " with all below it" if key.category in OUTLINE_CATEGORIES else ""
            return f"DELETE {word(key.category)} {display_name or key.url_name!r}{below}"
        case Publish(key, covers):
            return f"publish {name(key)}" + (f" ({len(covers)} units)" if len(covers) > 1 else "")
        case _:
            assert_never(operation)


def _listing(fields: Mapping[str, object], content: str | None) -> str:
    names = [*(["content"] if content is not None else []), *sorted(fields)]
    if len(names) > 4:
        return f"{', '.join(names[:3])} and {len(names) - 3} more"
    return ", ".join(names)


def nothing_to_do(plan: Plan) -> str:
    """Of a plan without operations. That the platform has what the source says is only claimed where nothing is to be said."""
    return "nothing to send" if plan.notices else "nothing to do: the platform has what the source says"


def plan_lines(plan: Plan, calls: Mapping[str, int], *, where: str) -> Iterator[str]:
    """A plan for people: what is done, what learners notice, what stays a draft."""
    yield f"Plan for {plan.course} on {where}"
    if plan.is_empty:
        yield f"  {nothing_to_do(plan)}"
    for operation in plan.operations:
        yield f"  {impact_of(operation):<12}{describe(operation, plan)}"
    if plan.operations:
        yield ""
        yield "Learners will notice:"
        for impact, count in impacts(plan).items():
            yield f"  {count:>6}  {LEARNERS_NOTICE[impact]}"
        total = ", ".join(f"{kind} {count}" for kind, count in sorted(calls.items()))
        yield f"Calls: {sum(calls.values())} ({total})"
    yield from notice_lines(plan)
    yield from draft_lines(plan, done=False)


def notice_lines(plan: Plan) -> Iterator[str]:
    """The plan's notices, blocking ones first."""
    for notice in sorted(plan.notices, key=lambda notice: not notice.blocking):
        yield f"{'STOP' if notice.blocking else 'note'}[{notice.kind}]: {notice.message}"


def draft_lines(plan: Plan, *, done: bool) -> Iterator[str]:
    """Whether learners see it: never leave a reader believing that a draft is live."""
    if plan.published:
        verb = "Published" if done else "Will be published"
        yield f"{verb}: {_units(plan.published, plan.titles.get)}"
    if plan.drafts:
        verb = "Still drafts, NOT visible to learners" if done else "Will stay drafts, NOT visible to learners"
        yield f"{verb}: {_units(plan.drafts, plan.titles.get)} (publish with --publish, or `authoring publish`)"


def _units(keys: tuple[BlockKey, ...], title: Callable[[BlockKey], str | None]) -> str:
    names = [repr(title(key) or key.url_name) for key in keys[:3]]
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    return f"{len(keys)} unit{'s' if len(keys) != 1 else ''}: {', '.join(names)}{more}"


_SHOWN = 10


def verdict_lines(verdict: Verdict, resent: int = 0) -> Iterator[str]:
    """What verifying found, for people."""
    if resent:
        yield f"sent again: {resent} changes that the platform had dropped although it said success"
    for words, counts in (("verified", verdict.verified), ("not verifiable", verdict.unverifiable)):
        if counts:
            yield f"{words}: " + ", ".join(f"{count} {title}" for title, count in sorted(counts.items()))
    for words, found in (
        ("NOT there, although the platform said success", verdict.lost),
        ("changed on the platform by somebody else, left as it is", verdict.drift),
        ("edited here since the last push, not sent yet", verdict.unsent),
    ):
        for one in found[:_SHOWN]:
            yield f"{words}: {one}"
        if len(found) > _SHOWN:
            yield f"  and {len(found) - _SHOWN} more"
    if verdict.unread_parts:
        yield f"not readable with this login: {', '.join(verdict.unread_parts)}"

"""In what the rewritten folder differs from the course that it shall be, and what to do about it.

What compiling says is all that decides: each difference makes its block's form a little plainer, until there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from authoring.decompile.folder import by_key, differing_parts
from authoring.model import Asset, Block, BlockKey, Course, GradingPolicy


@dataclass(frozen=True, slots=True)
class Difference:
    """A block that is not as it shall be, and in what: `field NAME`, `content`, `children`, `extra`, `package`, `missing`
    (it is not there), `surplus` (it should not be); of the course block also `id`, `grading`, `passports`, `assets`, `pages`,
    `drafts`, `policies`, `team`, `files`."""

    key: BlockKey
    part: str


def differences(wanted: Course, found: Course | None) -> Iterator[Difference]:
    """Every difference that counts. Where files stand does not, nor the order of detached blocks other than pages."""
    if found is None:
        yield Difference(wanted.root.key, "missing")
        return
    there = by_key(found)
    for key, block in by_key(wanted).items():
        other = there.pop(key, None)
        if other is None:
            yield Difference(key, "missing")
            continue
        for part in differing_parts(_comparable(block), _comparable(other)):
            yield Difference(key, part)
    for key in there:
        yield Difference(key, "surplus")
    yield from _of_course(wanted, found)


def same_course(first: Course, second: Course) -> bool:
    """Whether two courses differ in nothing that counts."""
    return not any(differences(first, second))


def _of_course(wanted: Course, found: Course) -> Iterator[Difference]:
    root = wanted.root.key
    if wanted.id != found.id:
        yield Difference(root, "id")
    if _grading(wanted.grading) != _grading(found.grading):
        yield Difference(root, "grading")
    if set(wanted.lti_passports) != set(found.lti_passports):
        one = {(item.lti_id, item.key_env, item.secret_env) for item in wanted.lti_passports}
        if one != {(item.lti_id, item.key_env, item.secret_env) for item in found.lti_passports}:
            yield Difference(root, "passports")
    if {_plain_asset(asset) for asset in wanted.assets} != {_plain_asset(asset) for asset in found.assets}:
        yield Difference(root, "assets")
    if [block.key for block in _tabs(wanted)] != [block.key for block in _tabs(found)]:
        yield Difference(root, "pages")
    if len(wanted.drafts) != len(found.drafts):
        yield Difference(root, "drafts")
    if wanted.policies != found.policies:
        yield Difference(root, "policies")
    if wanted.team != found.team:
        yield Difference(root, "team")
    if set(wanted.files) != set(found.files):
        yield Difference(root, "files")


def _tabs(course: Course) -> list[Block]:
    return [block for block in course.detached if block.category == "static_tab"]


def _grading(policy: GradingPolicy | None) -> object:
    return policy and (policy.graders, dict(policy.cutoffs), policy.grace_period)


def _plain_asset(asset: Asset) -> tuple[object, ...]:
    return (asset.name, asset.digest, asset.size, asset.content_type, asset.locked, asset.display_name)


def _comparable(block: Block) -> Block:
    """The block with its package's name and content alone: a package moves with its unit."""
    if block.package is None:
        return block
    package = block.package
    return replace(block, package=Asset(package.name, type(package.path)(package.name), package.digest, 0, ""))

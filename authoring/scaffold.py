"""Beginning a course: a scaffold and the author's values in, a course folder out.

    templates/NAME/template.yaml   name, description, variables with their defaults, `repeat`
    templates/NAME/files/…         the course folder; its text files are Jinja templates

Markdown and LaTeX use `{{`, `{%` and `{#` themselves, so a value is written `<%= title %>` and a remark of the
template's own `<%# … %>`. Two filters help: `<%= title | scalar %>` quotes for YAML where that is needed, and
`<%= start | plus_days(6) %>` reckons with dates.

What comes several times is written once: with `repeat: {week: weeks}` a file that has `{week}` in its path, or `{0week}`
for two digits, is written for each number from 1 to the variable `weeks`, and knows the number as `week`.

A folder comes into being whole or not at all: it is written under another name and renamed at the end.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import jinja2
import yaml

from authoring.diagnostics import suggest
from authoring.errors import AuthoringError, SourceError
from authoring.resources import samples_dir, templates_dir
from authoring.source import read_course

MOST_REPEATS = 52
"""A year of weeks."""

_IGNORE_FILE = PurePosixPath(".gitignore")
_IGNORED = ".authoring/"
_OWN_TO_ONE_COURSE = frozenset({"course.lock", ".authoring"})
"""What a copy leaves behind: it says where the original lives on a platform."""


@dataclass(frozen=True, slots=True)
class Template:
    """A scaffold.

    `variables` are the names that `create_course` takes, with their defaults. `repeat` says what comes several times: the
    placeholder in a path, and the variable that tells how often.
    """

    name: str
    description: str
    variables: Mapping[str, str]
    repeat: Mapping[str, str] = field(default_factory=dict)


def available_templates() -> tuple[Template, ...]:
    """Every scaffold, by name. Raises AuthoringError when the package's data cannot be read."""
    with _own_data():
        return tuple(_read_template(path) for path in sorted(templates_dir().glob("*/template.yaml")))


def available_samples() -> tuple[str, ...]:
    """The names of the sample courses that are course folders, sorted."""
    with _own_data():
        return tuple(sorted(path.parent.name for path in samples_dir().glob("*/course.yaml")))


def create_course(destination: Path, template: str, variables: Mapping[str, str]) -> tuple[Path, ...]:
    """Write a new course folder from a scaffold; the paths of its files, sorted.

    `variables` override the scaffold's defaults. `destination` does not exist yet, or is an empty folder.

    Raises AuthoringError for an unknown scaffold or variable, a destination in use, or when writing fails, and
    SourceError when the values do not make a course (a space in `org`, say). In all cases nothing is left behind.
    """
    templates = {item.name: item for item in available_templates()}
    if template not in templates:
        raise _unknown("template", template, templates)
    chosen = templates[template]
    for name in variables:
        if name not in chosen.variables:
            raise _unknown("variable", name, chosen.variables, f" of the template {template!r}")
    with _own_data():
        files = _read_files(templates_dir() / template / "files")
    values = {**chosen.variables, **variables}
    rendered = {
        path: _render(content, known)
        for template_path, content in files.items()
        for path, known in _repeated(template_path, chosen.repeat, values)
    }
    with _new_folder(destination) as folder:
        written = _write(folder, rendered)
        _check(folder)
    return tuple(destination / path for path in written)


def copy_sample(name: str, destination: Path) -> tuple[Path, ...]:
    """Copy a sample course, without its lock file; the paths of the files written, sorted.

    Raises AuthoringError for an unknown name, a destination in use, or when writing fails; nothing is left behind.
    """
    samples = available_samples()
    if name not in samples:
        raise _unknown("sample course", name, dict.fromkeys(samples, ""))
    with _own_data():
        files = _read_files(samples_dir() / name)
    with _new_folder(destination) as folder:
        written = _write(folder, files)
    return tuple(destination / path for path in written)


def _unknown(kind: str, name: str, known: Mapping[str, object], of: str = "") -> AuthoringError:
    hint = suggest(name, known) or f"there are: {', '.join(known) or 'none'}"
    return AuthoringError(f"{name!r} is not a {kind}{of}", hint)


@contextmanager
def _own_data() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AuthoringError(f"the package's own files cannot be read: {error}", "install the package again") from error


def _read_template(path: Path) -> Template:
    # BaseLoader leaves every scalar as it is written: a run of `2027` stays text.
    data = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    variables, repeat = dict(data["variables"]), dict(data.get("repeat", {}))
    return Template(data["name"], data["description"], MappingProxyType(variables), MappingProxyType(repeat))


def _read_files(folder: Path) -> dict[PurePosixPath, bytes]:
    files: dict[PurePosixPath, bytes] = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not _OWN_TO_ONE_COURSE.intersection(relative.parts):
            files[PurePosixPath(relative)] = path.read_bytes()
    return files


# --- rendering


def _repeated(
    path: PurePosixPath, repeat: Mapping[str, str], values: Mapping[str, str]
) -> Iterator[tuple[PurePosixPath, Mapping[str, str | int]]]:
    """The paths that a file of the scaffold stands for, each with the values that are known there."""
    text = str(path)
    for placeholder, variable in repeat.items():
        if f"{{{placeholder}}}" in text or f"{{0{placeholder}}}" in text:
            for number in range(1, _count(variable, values[variable]) + 1):
                plain = text.replace(f"{{{placeholder}}}", str(number))
                yield (
                    PurePosixPath(plain.replace(f"{{0{placeholder}}}", f"{number:02}")),
                    {**values, placeholder: number},
                )
            return
    yield path, values


def _count(variable: str, text: str) -> int:
    if re.fullmatch("[1-9][0-9]?", text) and int(text) <= MOST_REPEATS:
        return int(text)
    raise AuthoringError(f"{variable} cannot be {text[:40]!r}", f"write a whole number from 1 to {MOST_REPEATS}")


def _render(content: bytes, values: Mapping[str, str | int]) -> bytes:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return content
    return _ENVIRONMENT.from_string(text).render(values).encode("utf-8")


def _scalar(text: str) -> str:
    """A YAML scalar that reads as `text`, quoted only where it must be."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        node = None
    # A comma or bracket would end the value inside `[…]` or `{…}`; the templates use neither around values.
    if isinstance(node, yaml.ScalarNode) and node.value == text:
        return text
    return json.dumps(text, ensure_ascii=False)


def _plus_days(day: str, days: int) -> str:
    try:
        return (date.fromisoformat(day) + timedelta(days=days)).isoformat()
    except (ValueError, OverflowError) as error:
        raise AuthoringError(
            f"{day!r} is not a date that dates can be counted from", "write it as 2027-02-01"
        ) from error


_ENVIRONMENT = jinja2.Environment(
    block_start_string="<%",
    block_end_string="%>",
    variable_start_string="<%=",
    variable_end_string="%>",
    comment_start_string="<%#",
    comment_end_string="%>",
    trim_blocks=True,
    keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # noqa: S701  what is written is Markdown and YAML, for which escaping HTML is wrong
)
_ENVIRONMENT.filters["scalar"] = _scalar
_ENVIRONMENT.filters["plus_days"] = _plus_days


# --- writing


@contextmanager
def _new_folder(destination: Path) -> Iterator[Path]:
    """A folder to write into, which becomes `destination` when the block ends well and is removed when not."""
    missing: list[Path] = []
    try:
        existed = _is_empty_folder(destination)
        # An existing folder is filled rather than replaced: it may be someone's working directory or a mount.
        beside = destination if existed else destination.parent
        missing = [parent for parent in (beside, *beside.parents) if not parent.exists()]
        staging = beside / f".authoring-new-{secrets.token_hex(8)}"
        try:
            staging.mkdir(parents=True)
            yield staging
            if existed:
                _move_up(staging)
            else:
                staging.rename(destination)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            # Cleaning up must not hide what went wrong; a parent that someone else has filled meanwhile stays.
            with suppress(OSError):
                for parent in missing:
                    parent.rmdir()
            raise
    except OSError as error:
        raise AuthoringError(
            f"{destination}: the course folder cannot be written: {error.strerror or error}",
            "nothing was left behind; free space or choose another place, and run it again",
        ) from error


def _write(folder: Path, files: Mapping[PurePosixPath, bytes]) -> list[PurePosixPath]:
    """Write the files and a `.gitignore` for what the commands keep beside a course; their paths, sorted."""
    complete = {**files, _IGNORE_FILE: _with_ignored(files.get(_IGNORE_FILE, b""))}
    for path, content in complete.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return sorted(complete)


def _is_empty_folder(destination: Path) -> bool:
    """Whether it is there already, and empty. Raises AuthoringError when it is in use."""
    if not destination.exists() and not destination.is_symlink():
        return False
    if not destination.is_dir():
        raise AuthoringError(f"{destination}: there is a file of this name", "choose another folder")
    if any(destination.iterdir()):
        raise AuthoringError(f"{destination}: the folder is not empty", "choose a new or an empty folder")
    return True


def _move_up(staging: Path) -> None:
    """Move everything out of a folder into the one that holds it; back again when that fails."""
    moved: list[Path] = []
    try:
        for entry in sorted(staging.iterdir()):
            moved.append(entry.rename(staging.parent / entry.name))
        staging.rmdir()
    except BaseException:
        for entry in moved:
            entry.rename(staging / entry.name)
        raise


def _check(folder: Path) -> None:
    _, diagnostics = read_course(folder)
    if diagnostics.errors:
        raise SourceError(
            "these values do not make a course folder", diagnostics.errors, "correct the values given for them"
        )


def _with_ignored(content: bytes) -> bytes:
    lines = content.splitlines()
    return content if _IGNORED.encode() in lines else b"\n".join([*lines, _IGNORED.encode(), b""])

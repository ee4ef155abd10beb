"""One package, from source to finished course folder: what a worker does, on this machine or on a cluster.

In comes a Job (plain data, and the step), out goes a Record as JSON. Nothing is raised for what is wrong with a
package: it becomes the reason of a failed Record. What does end the process is the business of who started it.
"""

from __future__ import annotations

import json
import os
import platform
import stat
import tempfile
import time
import traceback
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from authoring.errors import AuthoringError, SourceError
from authoring.migration.locations import Remote, locate, reaching
from authoring.migration.records import Outcome, Record, Step
from authoring.migration.storage import (
    MARKER,
    UNFINISHED_FOLDER,
    Storage,
    file_digest,
    files_of,
    open_storage,
    remove,
    tree_digest,
)

_SHOWN_FINDINGS = 5

_VERSION_KEYS = (
    *("ETag", "etag", "md5", "md5Hash", "content_md5", "generation", "VersionId", "version"),
    *("LastModified", "last_modified", "mtime", "created"),
)
"""What the file systems of fsspec call that which changes with a file (s3fs, gcsfs, adlfs, sftp, memory …)."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker needs to know of one package. Picklable."""

    source: str
    name: str
    """Of the course folder."""
    destination: str
    """Absolute path or URL of the folder of all course folders."""
    run: str
    """Name of this run's work folder; the work folders of others are left-overs."""
    step: Step
    force: bool = False
    """Convert again, and replace what is there, edited or not."""
    before: Record | None = None
    """What the journal says of this source."""


def run_job(job: Job) -> dict[str, object]:
    """Do the work. Returns a Record as JSON, its outcome `done`, `unchanged` or `failed`."""
    began = time.monotonic()
    record = Record(job.source, job.name, Outcome.FAILED)
    try:
        work = work_folder(job.destination, job.run) / f"{job.name}.{uuid.uuid4().hex[:8]}"
        work.mkdir()
        try:
            record = _convert(job, work, open_storage(job.destination))
        finally:
            remove(work)
    except SourceError as error:
        record = replace(record, reason=_with_findings(error), hint=error.hint)
    except AuthoringError as error:
        record = replace(record, reason=error.message, hint=error.hint)
    except MemoryError:
        record = replace(record, reason="not enough memory")
    except OSError as error:
        record = replace(record, reason=f"{type(error).__name__}: {error}")
    except Exception as error:
        # Whatever a package brings about costs that package alone. The place makes the defect findable.
        place = traceback.extract_tb(error.__traceback__)[-1]
        record = replace(
            record,
            reason=f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})",
            hint="this looks like a defect of the toolkit; please report it",
        )
    return replace(record, seconds=time.monotonic() - began).to_json()


def _with_findings(error: SourceError) -> str:
    lines = [str(finding).splitlines()[0] for finding in error.diagnostics]
    more = [f"and {len(lines) - _SHOWN_FINDINGS} more"] if len(lines) > _SHOWN_FINDINGS else []
    return "; ".join((error.message, *lines[:_SHOWN_FINDINGS], *more))


def _convert(job: Job, work: Path, storage: Storage) -> Record:
    with reaching(job.destination):
        marker = storage.marker(job.name)
    source = locate(job.source)
    with reaching(job.source):
        stamp = _stamp(source) if isinstance(source, Remote) else None
    if stamp is not None and not job.force:
        known = _finished(marker)
        if known is not None and known.source == job.source and known.stamp == stamp:
            return _kept(job, known)
    with reaching(job.source):
        package = _fetch(source, work) if isinstance(source, Remote) else source
        size, digest = _measure(package)
    record = Record(job.source, job.name, Outcome.FAILED, size, digest, stamp)
    if marker is not None and not job.force:
        known = _finished(marker)
        if known is not None and known.sha256 == digest:
            return _kept(job, replace(known, source=job.source, size=size, stamp=stamp))
        refusal = _why_not(job, marker, known, storage)
        if refusal is not None:
            return replace(record, reason=refusal, hint="move it away, or use --force to replace it, edits included")
    return _make(job, package, work, storage, record)


def _make(job: Job, package: Path, work: Path, storage: Storage, record: Record) -> Record:
    made = work / "course"
    try:
        # Through JSON, so that every way of running gives the same values.
        result = json.loads(json.dumps(job.step(str(package), str(made))))
    except AuthoringError as error:
        reason = _with_findings(error) if isinstance(error, SourceError) else error.message
        return replace(record, reason=reason, hint=error.hint)
    if not made.is_dir():
        return replace(record, reason="the conversion gave no course folder")
    if (made / MARKER).exists():
        return replace(record, reason=f"the course has a file named {MARKER}, which the migration needs for itself")
    record = replace(record, outcome=Outcome.DONE, result=result, output=tree_digest(made))
    with reaching(job.destination):
        storage.publish(made, job.name, {**record.to_json(), "state": "finished", "seconds": 0})
    return record


def _finished(marker: Mapping[str, object] | None) -> Record | None:
    if not marker or marker.get("state") != "finished":
        return None
    try:
        return Record.from_json(marker)
    except (KeyError, TypeError, ValueError):
        return None


def _kept(job: Job, known: Record) -> Record:
    """A course folder that is there already: known to the journal, or finished by a run that could not write it down."""
    before = job.before
    listed = before is not None and before.outcome is Outcome.DONE and before.sha256 == known.sha256
    return replace(known, destination=job.name, outcome=Outcome.UNCHANGED if listed else Outcome.DONE)


def _why_not(job: Job, marker: Mapping[str, object], known: Record | None, storage: Storage) -> str | None:
    """The reason not to replace the course folder that is there, or None."""
    if marker.get("state") == "unfinished" and marker.get("source") == job.source:
        return None
    if known is None:
        return f"{job.name} exists in the destination and was not made by a migration"
    if known.source != job.source:
        return f"{job.name} in the destination was made from {known.source}"
    if storage.digest(job.name) != known.output:
        return f"the package has changed, and so has {job.name}, which was edited since it was made"
    return None


def _measure(package: Path) -> tuple[int, str]:
    """Bytes and SHA-256 of a file, or of all files of a folder."""
    if package.is_dir():
        return sum(path.lstat().st_size for path in files_of(package)), tree_digest(package)
    if package.exists() and not package.is_file():
        raise AuthoringError(f"{package}: neither a file nor a folder")
    return package.stat().st_size, file_digest(package)


def _stamp(place: Remote) -> str | None:
    """What tells versions of a remote file apart without reading it, or None where the storage has nothing of the kind."""
    info = place.filesystem.info(place.path)
    if info.get("type") != "file":
        return None
    told = {name: str(info[name]) for name in _VERSION_KEYS if info.get(name)}
    return json.dumps({"size": info.get("size"), **told}, sort_keys=True) if told else None


def _fetch(place: Remote, work: Path) -> Path:
    """Copy a remote package into the work folder, under its own name: readers look at the suffix."""
    folder = work / "package"
    folder.mkdir()
    target = folder / place.path.rstrip("/").rpartition("/")[2]
    if place.filesystem.isfile(place.path):
        place.filesystem.get_file(place.path, str(target))
        return target
    for path in place.filesystem.find(place.path):
        relative = path[len(place.path.rstrip("/")) :].strip("/")
        file = (target / relative).resolve()
        if not file.is_relative_to(target.resolve()):
            raise AuthoringError(f"{place.url(path)}: leads out of the package")
        file.parent.mkdir(parents=True, exist_ok=True)
        place.filesystem.get_file(path, str(file))
    return target


def work_folder(destination: str, run: str) -> Path:
    """The folder of a run's work folders, made where need be.

    Beside a local destination, so that a finished course folder is one rename away; for a remote one, among the
    temporary files of the machine that works. There the left-overs of earlier runs are removed.
    Raises AuthoringError when a worker does not see a local destination.
    """
    place = locate(destination)
    if isinstance(place, Path):
        folder = place / UNFINISHED_FOLDER / run
        if not folder.is_dir():
            raise AuthoringError(
                f"{platform.node()}: this worker does not see {place}",
                "workers on other machines need a destination that they share: mount it, or use a URL",
            )
        return folder
    folder = scratch_folder(destination)
    for stale in folder.iterdir():
        if stale.is_dir() and stale.name != run:
            remove(stale)
    (folder / run).mkdir(exist_ok=True)
    return folder / run


def scratch_folder(destination: str) -> Path:
    """This user's folder for temporary files of a remote destination, the same for every run.

    Raises AuthoringError when something else has its name: other users can write among the temporary files.
    """
    own = uuid.uuid5(uuid.NAMESPACE_URL, destination).hex[:12]
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"authoring-migrate-{user}-{own}"
    folder.mkdir(mode=0o700, exist_ok=True)
    told = folder.lstat()
    if not stat.S_ISDIR(told.st_mode) or (hasattr(os, "getuid") and told.st_uid != user):
        raise AuthoringError(f"{folder}: is not a folder of this user", "remove it, or set TMPDIR to another place")
    return folder

"""`platform.yaml`: the platform beside the course, declared, planned and applied, each thing once.

    declared = read_declared(path, run)
    planned = plan(declared, client, options)
    applied = apply(declared, client, options, environ=os.environ)

YAML ── reading ──▶ Declared ──┐
platform.lock, journal ────────┼── planning ──▶ Plan ── applying ──▶ the typed clients of `authoring.platform`
live rows ── adapters ─────────┘

Only `adapters` know calls; planning and comparing are pure. A second apply writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from authoring.client import Client
from authoring.declared.applying import Applied, InDoubtError, Run, Watch
from authoring.declared.lock import Place
from authoring.declared.model import Declared
from authoring.declared.planning import Action, Concern, Notice, Operation, Options, Plan
from authoring.declared.reading import read_declared
from authoring.declared.secrets import secrets_from
from authoring.declared.state import State
from authoring.errors import SourceError

__all__ = [
    "Action",
    "Applied",
    "Concern",
    "Declared",
    "InDoubtError",
    "Notice",
    "Operation",
    "Options",
    "Plan",
    "apply",
    "plan",
    "read_declared",
]


def plan(declared: Declared, client: Client, options: Options | None = None) -> Plan:
    """What `apply` would do. Reads alone. Raises ApiError, LockfileError, BusyError, SourceError."""
    options = _checked(declared, options or Options())
    with State(declared.lock, _place(client)) as state:
        return Run(declared, client, state, options).plan()


def apply(
    declared: Declared,
    client: Client,
    options: Options | None = None,
    *,
    environ: Mapping[str, str],
    watch: Watch | None = None,
) -> Applied:
    """Make the platform as declared. A plan with doubts (`Plan.doubts`) is not begun: `Applied.plan` has them, and nothing is sent.

    Raises SourceError when a secret that is to be sent is missing, before anything is; ApiError while looking; ApplyError when it stopped on
    the way, InDoubtError where only the user can say what happened; LockfileError, BusyError.
    """
    options = _checked(declared, options or Options())
    with State(declared.lock, _place(client)) as state:
        run = Run(declared, client, state, options, watch=watch)
        planned = run.plan()
        if planned.doubts:
            return Applied(planned)
        return run.apply(planned, secrets_from(environ, run.variables(planned)))


def _place(client: Client) -> Place:
    return client.target.identity, client.target.tenant or ""


def _checked(declared: Declared, options: Options) -> Options:
    """Raises SourceError when an answer is about a row that is not declared."""
    keys = {row.key for row in declared.rows}
    for key in (*options.created, *options.not_created):
        if key not in keys:
            raise SourceError(f"no row is called {key!r}", hint=f"the rows are: {', '.join(sorted(keys))}")
    return options

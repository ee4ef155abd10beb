"""The command line `authoring`: thin commands over the library, one verb each."""

from __future__ import annotations

import click

from authoring import __version__
from authoring.cli.course import check, plan, publish, push, status, verify
from authoring.cli.grading import test
from authoring.cli.migration import migrate
from authoring.cli.packages import export, import_
from authoring.cli.platform import platform
from authoring.cli.platform_mentors import chat
from authoring.cli.problem import problem
from authoring.cli.project import doctor, new, sandbox, schemas
from authoring.cli.pulling import adopt, drift, pull
from authoring.cli.rerun import rerun_command

_EPILOG = (
    "Exit codes: 0 done, 1 input at fault, 2 usage, 3 platform refused or unreachable, 4 partly done (run again),"
    " 5 stale plan, 6 another writer, 7 consent needed, 8 different (verify, status --exit-code), 130 or 143 interrupted."
)


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="authoring")
def main() -> None:
    """Courses written in Markdown and YAML, kept in git, live on Open edX."""


for command in (
    new,
    check,
    test,
    plan,
    push,
    publish,
    verify,
    pull,
    drift,
    adopt,
    rerun_command,
    status,
    doctor,
    sandbox,
    import_,
    export,
    migrate,
    problem,
    platform,
    chat,
    schemas,
):
    main.add_command(command)

"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from authoring.client.limits import IN_FLIGHT
from authoring.keys import parse_course_key
from authoring.model import CourseId
from authoring.planner import PlanOptions
from authoring.transport import Transport
from importers import Shape

F = TypeVar("F", bound=Callable[..., Any])

course_folder = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path), default=".", required=False)


def as_json(function: F) -> F:
    """`--json`: the result as one JSON document on stdout."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(function)


def target(function: F) -> F:
    """`--target`: which platform."""
    return click.option(
        "--target",
        "target_name",
        metavar="NAME",
        help="A target of authoring.toml. Default: the one that IBL_CMS_URL names, else the embedded sandbox.",
    )(function)


def run(function: F) -> F:
    """`--run`: as which run of `runs/`."""
    return click.option("--run", metavar="RUN", help="Take the course as this run of runs/RUN.yaml.")(function)


def profile(function: F) -> F:
    """`--profile`: which temper the embedded sandbox has."""
    return click.option(
        "--profile",
        type=click.Choice(["documented", "observed"]),
        default="documented",
        show_default=True,
        help="How the embedded sandbox behaves: as the platform is documented, or as a deployment was seen to.",
    )(function)


def limits(function: F) -> F:
    """`--max-rate`, `--max-in-flight`: how much the platform is asked at once."""
    rate = click.option(
        "--max-rate",
        type=click.FloatRange(min=0, min_open=True),
        metavar="N",
        help="At most so many requests a second, all courses together.",
    )
    return rate(
        click.option(
            "--max-in-flight",
            type=click.IntRange(min=1),
            default=IN_FLIGHT,
            show_default=True,
            metavar="N",
            help="At most so many requests under way, all courses together.",
        )(function)
    )


def shape(function: F) -> F:
    """`--as`, `--explode`: what becomes of a SCORM package."""
    explode = click.option(
        "--explode", is_flag=True, help="Turn SCOs that are static pages into components of the course's own."
    )
    return click.option(
        "--as",
        "shape",
        type=click.Choice([str(shape) for shape in Shape]),
        default=str(Shape.AUTO),
        show_default=True,
        help="A SCORM package as a course, a unit for each SCO, or as one component. Auto: a course if it has several SCOs.",
    )(explode(function))


def course_key(text: str, option: str) -> CourseId:
    """The course that an option names. Raises BadParameter."""
    try:
        return parse_course_key(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from error


def strict(function: F) -> F:
    """`--strict`: warnings count as errors."""
    return click.option("--strict", is_flag=True, help="Count warnings as errors.")(function)


def allow_code(function: F) -> F:
    """`--allow-code`: consent to run what a course brings."""
    return click.option(
        "--allow-code",
        is_flag=True,
        help="Let Python in problems run on this machine, unconfined: only for courses that you trust.",
    )(function)


def wait(function: F) -> F:
    """`--wait`: for another writer."""
    return click.option(
        "--wait",
        type=click.FloatRange(min=0),
        default=0.0,
        metavar="SECONDS",
        help="Wait for another writer to finish.",
    )(function)


_PUBLISH = click.option("--publish", is_flag=True, help="Publish what changed, so that learners see it.")
_BESIDE_PUBLISHING = (
    click.option("--hide-removed", is_flag=True, help="Hide from learners what is no longer in the source."),
    click.option(
        "--delete-removed", is_flag=True, help="DELETE what is no longer in the source, with learners' work in it."
    ),
    click.option("--restore", is_flag=True, help="Make anew what was deleted on the platform."),
    click.option("--recreate", is_flag=True, help="Make the course anew when the platform lost it."),
    click.option(
        "--overwrite",
        is_flag=True,
        help="Send your part even where somebody changed it on the platform since the last push or pull.",
    ),
    click.option(
        "--replace-passports",
        is_flag=True,
        help="Put your LTI passports in the place of those with the same id and another key or secret.",
    ),
    click.option(
        "--beside",
        is_flag=True,
        help="Make components even beside others of the same name that the lock file does not know.",
    ),
)


def consent(function: Callable[..., None]) -> Callable[..., None]:
    """What a plan may do beyond creating and updating, as the one argument `wanted: PlanOptions`."""
    return _PUBLISH(consent_beside_publishing(function))


def consent_beside_publishing(function: Callable[..., None]) -> Callable[..., None]:
    """The same for a command that decides about publishing by itself."""

    @wraps(function)
    def command(**arguments: Any) -> None:
        named = {field.name: arguments.pop(field.name) for field in fields(PlanOptions) if field.name in arguments}
        function(**arguments, wanted=PlanOptions(**named))

    for option in reversed(_BESIDE_PUBLISHING):
        command = option(command)
    return command


def transport(function: F) -> F:
    """`--transport`: how a whole new course is sent."""
    return click.option(
        "--transport",
        type=click.Choice([str(way) for way in Transport]),
        default=str(Transport.AUTO),
        show_default=True,
        help="How a new course is sent: call by call, as one OLX archive (which publishes it), or as the plan chooses.",
    )(function)

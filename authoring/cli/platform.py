"""`authoring platform …`: one command for each endpoint of the platform beside the course."""

from __future__ import annotations

import click

from authoring.cli import platform_people


@click.group()
def platform() -> None:
    """The platform beside the course: people, mentors, bots."""


platform_people.register(platform)

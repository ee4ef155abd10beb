"""`authoring platform …`: one command for each endpoint of the platform beside the course."""

from __future__ import annotations

import click

from authoring.cli import platform_catalog, platform_credentials, platform_declared, platform_people


@click.group()
def platform() -> None:
    """The platform beside the course: catalogue, credentials, people, mentors, bots."""


platform_people.register(platform)
platform_catalog.register(platform)
platform_credentials.register(platform)
platform_declared.register(platform)

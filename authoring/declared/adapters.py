"""Which adapter each kind has; they are made when they are first asked for, so that a file needs no setting that it does not use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from authoring.client import Client
from authoring.declared.awards import Assertions, CredentialRows, TenantRow
from authoring.declared.catalogue import CatalogCourses, Claims, Pathways, Programs, Resources, Terms
from authoring.declared.kinds import CLAIM, LINK, TENANT
from authoring.declared.sights import Adapter
from authoring.declared.tutors import BotCommandRows, BotRows, MentorLinks, MentorRows
from authoring.platform.taxonomy import Kind

MAKERS: Mapping[str, Callable[[Client], Adapter]] = MappingProxyType(
    {
        "roles": lambda client: Terms(client, Kind.ROLES),
        "skills": lambda client: Terms(client, Kind.SKILLS),
        "catalog": CatalogCourses,
        "resources": Resources,
        "programs": Programs,
        "pathways": Pathways,
        CLAIM: Claims,
        "credentials": CredentialRows,
        "assertions": Assertions,
        TENANT: TenantRow,
        "mentors": MentorRows,
        LINK: MentorLinks,
        "bots": BotRows,
        "bot_commands": BotCommandRows,
    }
)
DELETES = frozenset({"catalog", "resources", "programs", "credentials", "bots", "bot_commands", "mentor-link"})
"""Kinds whose rows the platform can take away."""
BLIND = frozenset({"tenant"})
"""Kinds of which a create may have been done though nothing is to be seen."""


class Adapters:
    """The adapters of one run: what they read is kept that long."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._made: dict[str, Adapter] = {}

    def of(self, key: str) -> Adapter:
        """By a row's key, or its kind."""
        kind = key.partition("/")[0]
        if kind not in self._made:
            self._made[kind] = MAKERS[kind](self._client)
        return self._made[kind]

    def forget(self, key: str) -> None:
        """Read anew what was read of a kind."""
        self._made.pop(key.partition("/")[0], None)

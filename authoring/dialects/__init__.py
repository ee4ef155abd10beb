"""Dialects: which calls an operation becomes on which kind of target. Pure.

`dialect_of(target)` and `capabilities(target)` are the only places that look at what a target is.
"""

from __future__ import annotations

from typing import TypeAlias

from authoring.dialects.base import Capabilities, StockRoutes
from authoring.dialects.ibl import PROBLEM_TYPES, IblDialect
from authoring.dialects.studio import StudioDialect
from authoring.settings import DialectName, Target

Dialect: TypeAlias = IblDialect | StudioDialect

__all__ = [
    "Capabilities",
    "Dialect",
    "IblDialect",
    "StockRoutes",
    "StudioDialect",
    "capabilities",
    "dialect_of",
]


def dialect_of(target: Target) -> Dialect:
    """The dialect that a target speaks."""
    if target.dialect is DialectName.STUDIO:
        return StudioDialect()
    return IblDialect(stock=target.session is not None, scorm_category=target.scorm_category)


def capabilities(target: Target) -> Capabilities:
    """What can be done with the login at hand: a Studio session opens the stock routes, an OAuth2 client only
    `/api/ibl/` and `/api/v1/ibl/`."""
    stock = target.session is not None
    readable = None if stock else frozenset({"html", "video"})
    one_call = (
        frozenset(PROBLEM_TYPES) if target.dialect is DialectName.IBL and target.component_create else frozenset()
    )
    return Capabilities(
        outline=stock,
        reorder=stock,
        move=stock,
        delete=stock,
        assets=stock,
        grading=stock,
        about=stock or target.dialect is DialectName.IBL,
        component_create=one_call,
        readable=readable,
    )

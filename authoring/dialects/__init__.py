"""Dialects: which calls an operation becomes on which kind of target. Pure.

`dialect_of(target)` and `capabilities(target)` are the only places that look at what a target is; the conventions are in
:mod:`authoring.dialects.base`.
"""

from __future__ import annotations

from authoring.dialects.base import ABOUT_TEXTS, Capabilities, Dialect, NoRouteError
from authoring.dialects.ibl import PROBLEM_TYPES, IblDialect
from authoring.dialects.studio import StudioDialect
from authoring.settings import DialectName, PdfBlock, Target

__all__ = [
    "Capabilities",
    "Dialect",
    "IblDialect",
    "NoRouteError",
    "StudioDialect",
    "capabilities",
    "dialect_of",
]


def dialect_of(target: Target) -> Dialect:
    """The dialect that a target speaks."""
    if target.dialect is DialectName.STUDIO:
        return StudioDialect(options=target.options)
    return IblDialect(stock=target.has_stock_routes, options=target.options)


PDF_FIELDS = frozenset({"allow_download", "source_text", "source_url"})
"""What the ibl platform's own PDF block does not have."""


def capabilities(target: Target) -> Capabilities:
    """What can be done with the login at hand: a Studio session opens Studio's own routes, client credentials alone only
    `/api/ibl/` and `/api/v1/ibl/`."""
    ibl = target.dialect is DialectName.IBL
    stock = target.has_stock_routes
    own_pdf = ibl and target.options.pdf_block is PdfBlock.HREF
    own_scorm = target.options.scorm_category != "scorm"
    return Capabilities(
        stock=stock,
        units=ibl,
        outline=stock,
        reorder=stock,
        move=stock,
        delete=stock,
        assets=stock,
        grading=stock,
        about=stock or ibl,
        about_texts=ABOUT_TEXTS if ibl else ABOUT_TEXTS | {"title"},
        course_settings=stock or ibl,
        advanced_settings=stock,
        lti_passports=stock or ibl,
        updates=stock,
        team=stock,
        olx_import=stock,
        pdf=stock or target.options.pdf_block is PdfBlock.URL,
        left_out={"pdf": PDF_FIELDS} if own_pdf else {},
        not_in_archives=frozenset((*(("pdf",) if own_pdf else ()), *(("scorm",) if own_scorm else ()))),
        component_create=frozenset(PROBLEM_TYPES) if ibl and target.options.component_create else frozenset(),
        scorm_category=target.options.scorm_category,
    )

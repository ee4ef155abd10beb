"""Targets: which platform a course goes to, and with which login.

`load_target` reads `authoring.toml` and the environment, once, for the command line; `Target` is what it gives. Secrets
never stand in a file and are never shown.
"""

from __future__ import annotations

from authoring.settings.files import FILE_NAME, config_files, load_target
from authoring.settings.target import (
    SANDBOX,
    ClientCredentials,
    DialectName,
    Options,
    PassportRoute,
    PdfBlock,
    ScormUpload,
    Secret,
    StudioSession,
    Target,
    sandbox_target,
    secrets_of,
)

__all__ = [
    "FILE_NAME",
    "SANDBOX",
    "ClientCredentials",
    "DialectName",
    "Options",
    "PassportRoute",
    "PdfBlock",
    "ScormUpload",
    "Secret",
    "StudioSession",
    "Target",
    "config_files",
    "load_target",
    "sandbox_target",
    "secrets_of",
]

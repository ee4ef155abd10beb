"""The values of LTI passports: from the environment, else from the system's keyring.

A course names variables, never values. What the environment lacks is looked up in the keyring, under the service
`ibl-course-authoring` and the variable's name, where the package `keyring` is installed (extra `keyring`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec

from authoring.model import Course

SERVICE = "ibl-course-authoring"


def with_keyring(environ: Mapping[str, str], course: Course) -> Mapping[str, str]:
    """`environ`, with what the course's passports need and it lacks, as far as the keyring has it."""
    wanted = [name for one in course.lti_passports for name in (one.key_env, one.secret_env) if not environ.get(name)]
    if not wanted or find_spec("keyring") is None:
        return environ
    import keyring
    from keyring.errors import KeyringError

    found: dict[str, str] = {}
    for name in wanted:
        with suppress(KeyringError):  # locked, or none on this machine: the variable is asked for by name then
            value = keyring.get_password(SERVICE, name)
            if value:
                found[name] = value
    return {**environ, **found}


def passport_variables(lti_id: str) -> tuple[str, str]:
    """The environment variables that hold the key and the secret of a passport for which nobody named any."""
    word = re.sub(r"\W+", "_", lti_id, flags=re.ASCII).strip("_").upper() or "TOOL"
    return f"LTI_{word}_KEY", f"LTI_{word}_SECRET"

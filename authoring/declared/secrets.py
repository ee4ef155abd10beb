"""The values of `${NAME}`: from the environment, else from the system's keyring, as those of LTI passports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.util import find_spec

from authoring.errors import SourceError
from authoring.passports import SERVICE


def secrets_from(environ: Mapping[str, str], names: Iterable[str]) -> Mapping[str, str]:
    """`environ` with what `names` lack and the keyring has. Raises SourceError, naming those that are nowhere."""
    missing = [name for name in names if not environ.get(name)]
    found = dict(environ)
    if missing and find_spec("keyring") is not None:
        import keyring
        from keyring.errors import KeyringError

        for name in missing:
            with suppress(KeyringError):  # locked, or none on this machine
                value = keyring.get_password(SERVICE, name)
                if value:
                    found[name] = value
    still = [name for name in missing if not found.get(name)]
    if still:
        raise SourceError(
            f"not set: {', '.join(still)}", hint="put each secret into its environment variable, or into the keyring"
        )
    return found
